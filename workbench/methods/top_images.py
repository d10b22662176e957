"""The images that activate each unit most, found without sorting a column.

Activations lie image by image, so a unit's column is a walk through all of memory. One pass over the rows, against a
threshold per unit taken from a sample of the rows, leaves a few hundred candidates a unit; only those are sorted. The
sample decides how long that takes, never what is found: a unit with too few candidates is looked through in full.
"""

from __future__ import annotations

import numpy as np

from workbench.errors import SpecError
from workbench.methods.blocks import each_block
from workbench.methods.shapes import Floats, Ints, check_embeddings

_BLOCK = 64
_VALUES = 2**18  # activations compared at once: what a processor's cache holds
_SAMPLED = 1024
_PLACES = 0xFFFFFFFF


def top_images(activations: Floats, k: int) -> Ints:
    """Find the k images with the greatest activation of each unit.

    Parameters
    ----------
    activations : float array (N, U)
        One row an image; compared as float32.
    k : int
        From 1; all N images are returned where there are fewer.

    Returns
    -------
    int64 array (U, min(k, N))
        Rows, greatest activation first; of equal activations the lower row comes first. Of a unit that is equal on many
        images these are the first rows, so rows in the order of their classes are better shuffled beforehand.

    Raises
    ------
    SpecError
        ``k`` is below 1, or an activation is NaN or infinite (minus infinity is only seen where it is among the k).
    """
    if activations.ndim != 2 or not np.issubdtype(activations.dtype, np.floating):
        raise ValueError(f"activations must be a float array (N, U), not {activations.dtype} {activations.shape}")
    if k < 1:
        raise SpecError(f"k is {k}; it must be 1 or more")
    images, units = activations.shape
    k = min(k, images)
    found = np.empty((units, k), dtype=np.int64)
    if not images:
        return found
    rows, values, counts = _candidates(activations, _thresholds(activations, k))
    ends = np.cumsum(counts)

    def fill(start: int) -> None:
        block = np.arange(start, min(units, start + _BLOCK))
        few, block = block[counts[block] < k], block[counts[block] >= k]
        if block.size:
            found[block] = _greatest(rows, values, ends[block] - counts[block], counts[block], k)
        for unit in few:
            found[unit] = _greatest_of_column(activations[:, unit].astype(np.float32), k)

    each_block(fill, units, _BLOCK)
    return found


def ascending(values: Floats, places: Ints) -> Ints:
    """Pack float32 values and places (below 2**32) into int64 keys ordered by value, then by place.

    Sorting such keys is several times faster than a stable argsort; :func:`places_of` gives the places back.
    """
    bits = (np.asarray(values, dtype=np.float32) + np.float32(0)).view(np.int32)  # adding 0 makes -0 equal 0
    ordered = bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))
    return np.asarray((ordered.astype(np.int64) << 32) | places)


def places_of(keys: Ints) -> Ints:
    """Return the places that :func:`ascending` packed."""
    return np.asarray(keys & _PLACES)


def _thresholds(activations: Floats, k: int) -> Floats:
    """Return a value for each unit, (U,), that somewhat more than k images can be expected to exceed."""
    images, units = activations.shape
    step = max(1, images // _SAMPLED)
    sample = np.array(activations[::step].T, dtype=np.float32, order="C")  # (U, about _SAMPLED), a copy
    expected = k / step  # sampled images among the k
    place = int(expected + 3 * np.sqrt(expected) + 2)
    if place >= sample.shape[1]:
        return np.full(units, -np.inf, dtype=np.float32)
    sample.partition(sample.shape[1] - 1 - place, axis=1)
    return sample[:, sample.shape[1] - 1 - place].copy()


def _candidates(activations: Floats, thresholds: Floats) -> tuple[Ints, Floats, Ints]:
    """Return rows and values above the thresholds, by unit and within a unit by row, and their number by unit."""
    images, units = activations.shape
    block_rows = max(1, _VALUES // max(1, units))

    def above(start: int) -> tuple[Ints, Floats]:
        block = np.ascontiguousarray(activations[start : start + block_rows], dtype=np.float32)
        found = np.flatnonzero(~(block <= thresholds))  # NaN among them
        kept = block.ravel()[found]
        if not np.isfinite(kept).all():
            check_embeddings(activations, "activations", "NU")
        return found + start * units, kept

    found, kept = zip(*each_block(above, images, block_rows), strict=True)
    rows, columns = np.divmod(np.concatenate(found), max(1, units))
    order = np.argsort(columns.astype(np.uint16 if units < 2**16 else np.int64), kind="stable")
    return rows[order], np.concatenate(kept)[order], np.bincount(columns, minlength=units)


def _greatest(rows: Ints, values: Floats, starts: Ints, counts: Ints, k: int) -> Ints:
    """Return the rows of the k greatest candidates of some units, (B, k)."""
    places = np.arange(counts.max())
    taken = np.minimum(starts[:, None] + places, len(rows) - 1)  # (B, W)
    keys = ascending(-values[taken], rows[taken])
    keys[places >= counts[:, None]] = np.iinfo(np.int64).max
    keys.sort(axis=1)
    return places_of(keys[:, :k])


def _greatest_of_column(column: Floats, k: int) -> Ints:
    least = np.partition(column, len(column) - k)[len(column) - k]
    candidates = np.flatnonzero(column >= least)
    return np.asarray(candidates[np.argsort(-column[candidates], kind="stable")[:k]])
