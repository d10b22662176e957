"""Images that stand in a dataset more than once, and images that show nothing.

*Exact* duplicates have equal pixel digests. *Near* duplicates have perceptual hashes that differ in few of 64 bits.
The search misses none: two hashes within distance d agree on at least one of any d + 1 bands of bits, so only hashes
that agree on a band are compared. That takes milliseconds where comparing all pairs takes seconds, and memory grows
with the number of images, not its square.

References
----------
Norouzi, Punjani & Fleet, Fast Search in Hamming Space with Multi-Index Hashing, CVPR 2012 (bands).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from workbench.errors import SpecError
from workbench.methods.shapes import Bools, Floats, Ints

NEAR_DISTANCE = 4
"""Default greatest distance, in bits. On FER2013 80 % of the unequal pictures at up to 4 bits correlate above 0.9 in
their pixels, of those at 6 bits half, at 8 a tenth; beyond, chance pairs join half the dataset into one group."""

NEAR_CORRELATION = 0.9
"""Pixel correlation from which a pair of near hashes is taken for the same picture."""

BLANK_DEVIATION = 5.0
"""Standard deviation of gray, 0-128, under which a picture shows nothing."""

FEW_TONES_SHARE = 0.5
"""Share of pixels at the two commonest grays from which a picture is likely an icon, a text or a drawing."""

_MAX_DISTANCE = 16


@dataclass(frozen=True)
class Groups:
    """Rows that belong together; a row belongs to one group or to none.

    Parameters
    ----------
    of : int64 array (N,)
        Each row's group, 0 .. G - 1 in the order of the groups' first rows; -1 for a row without equals.
    """

    of: Ints

    @property
    def count(self) -> int:
        """G."""
        return int(self.of.max(initial=-1)) + 1

    @cached_property
    def members(self) -> list[Ints]:
        """The rows of each group, ascending; each has at least two."""
        rows = np.flatnonzero(self.of >= 0)
        rows = rows[np.argsort(self.of[rows], kind="stable")]
        return np.split(rows, np.cumsum(np.bincount(self.of[rows], minlength=self.count))[:-1]) if len(rows) else []


class Pairs(NamedTuple):
    """Pairs of rows, ``first < second``, ascending; all three int64 ``(P,)``; ``distance`` in bits."""

    first: Ints
    second: Ints
    distance: Ints


def exact_groups(digests: NDArray[Any]) -> Groups:
    """Group the rows with equal digests, an array of text or numbers ``(N,)``."""
    _, code = np.unique(np.asarray(digests, dtype=str) if digests.dtype == object else digests, return_inverse=True)
    return _groups(code)


def near_pairs(hashes: NDArray[Any], max_distance: int = NEAR_DISTANCE, ignore: Bools | None = None) -> Pairs:
    """Find pairs of rows whose hashes differ in at most ``max_distance`` bits.

    Rows with equal hashes are paired with the first of them only, and only that one with other hashes; so the pairs
    link every near duplicate to its group without listing all combinations.

    Parameters
    ----------
    hashes : 64-bit integer array (N,)
        Perceptual hashes; signed ones are taken as their bits.
    max_distance : int
        0 to 16.
    ignore : bool array (N,), optional
        Rows to leave out, such as blank images, whose hashes say nothing.

    Raises
    ------
    SpecError
        ``max_distance`` is out of range.
    """
    if hashes.ndim != 1 or hashes.dtype not in (np.dtype(np.int64), np.dtype(np.uint64)):
        raise ValueError(f"hashes must be a 64-bit integer array (N,), not {hashes.dtype} {hashes.shape}")
    if not 0 <= max_distance <= _MAX_DISTANCE:
        raise SpecError(f"distance is {max_distance} bits; it must be 0 to {_MAX_DISTANCE}")
    if ignore is not None and ignore.shape != hashes.shape:
        raise ValueError(f"ignore has shape {ignore.shape}, hashes {hashes.shape}")
    rows = np.arange(len(hashes)) if ignore is None else np.flatnonzero(~ignore)
    distinct, first_place, code = np.unique(hashes[rows].view(np.uint64), return_index=True, return_inverse=True)
    first = rows[first_place]  # the first row with each distinct hash
    equal = np.flatnonzero(first[code] != rows)
    found = [np.stack([first[code[equal]], rows[equal], np.zeros(len(equal), dtype=np.int64)], axis=1)]
    for left, right, distance in _agreeing(distinct, max_distance):
        ends = np.sort(np.stack([first[left], first[right]], axis=1), axis=1)
        found.append(np.column_stack([ends, distance]))
    triples = np.concatenate(found).astype(np.int64)
    _, kept = np.unique(triples[:, 0] * max(1, len(hashes)) + triples[:, 1], return_index=True)
    return Pairs(*triples[kept].T)


def pair_correlations(first: NDArray[Any], second: NDArray[Any]) -> Floats:
    """Correlate the pixels of pairs of pictures, to confirm what near hashes suggest.

    Parameters
    ----------
    first, second : array (P, ...)
        Gray pictures of one common size, a row a pair.

    Returns
    -------
    float64 array (P,)
        Pearson's correlation, -1..1; 1: the same but for brightness and contrast; 0 where a picture is of one tone.
    """
    if first.shape != second.shape:
        raise ValueError(f"the pictures of pairs have unlike shapes {first.shape} and {second.shape}")
    if not first.size:
        return np.zeros(len(first))
    flat = [pictures.reshape(len(pictures), -1).astype(np.float64) for pictures in (first, second)]
    centred = [pictures - pictures.mean(axis=1, keepdims=True) for pictures in flat]
    product = np.einsum("ij,ij->i", *centred)
    lengths = np.sqrt(np.einsum("ij,ij->i", centred[0], centred[0]) * np.einsum("ij,ij->i", centred[1], centred[1]))
    return np.asarray(np.divide(product, lengths, out=np.zeros(len(product)), where=lengths > 0))


def connect(first: Ints, second: Ints, count: int) -> Groups:
    """Group rows that pairs connect, directly or through others, among ``count`` rows."""
    links = coo_array((np.ones(len(first), dtype=bool), (first, second)), shape=(count, count))
    _, code = connected_components(links, directed=False)
    return _groups(code)


def conflicting(groups: Groups, values: NDArray[Any], missing: Any = None) -> Bools:
    """Return which groups hold more than one value: conflicting labels, or splits a duplicate stands across.

    Parameters
    ----------
    groups : Groups
        Of N rows.
    values : array (N,)
        A label or a split a row.
    missing : optional
        The value that counts as none, for example ``""`` or -1.

    Returns
    -------
    bool array (G,)
    """
    if values.shape != groups.of.shape:
        raise ValueError(f"values have shape {values.shape}, the groups' rows {groups.of.shape}")
    rows = np.flatnonzero(
        (groups.of >= 0) & (np.ones(len(values), dtype=bool) if missing is None else values != missing)
    )
    values = np.asarray(values[rows], dtype=str) if values.dtype == object else values[rows]
    _, code = np.unique(values, return_inverse=True)
    distinct = np.unique(np.stack([groups.of[rows], code], axis=1), axis=0)  # one row a (group, value)
    return np.bincount(distinct[:, 0], minlength=groups.count) > 1


class Tones(NamedTuple):
    """Standard deviation of gray, 0-128, and the share of pixels at the two commonest grays, 0-1."""

    deviation: float
    two_tone_share: float

    @property
    def blank(self) -> bool:
        """The picture shows nothing."""
        return self.deviation < BLANK_DEVIATION

    @property
    def few_tones(self) -> bool:
        """The picture is blank, an icon, a text, a drawing, or a face against plain black or white: worth a look."""
        return self.blank or self.two_tone_share >= FEW_TONES_SHARE


def tones(gray: NDArray[np.uint8]) -> Tones:
    """Measure the tones of a gray picture, uint8 ``(H, W)``, at least one pixel."""
    if gray.ndim != 2 or gray.dtype != np.uint8 or not gray.size:
        raise ValueError(f"a gray picture must be a uint8 array (H, W), not {gray.dtype} {gray.shape}")
    counts = np.bincount(gray.ravel(), minlength=256)
    levels = np.arange(256)
    mean = counts @ levels / gray.size
    deviation = float(np.sqrt(counts @ (levels - mean) ** 2 / gray.size))
    return Tones(deviation, float(np.partition(counts, -2)[-2:].sum() / gray.size))


def _groups(code: NDArray[Any]) -> Groups:
    """Return groups of the codes that occur more than once, numbered by their first rows."""
    _, first, code, size = np.unique(code, return_index=True, return_inverse=True, return_counts=True)
    repeated = np.flatnonzero(size > 1)
    numbers = np.full(len(size), -1, dtype=np.int64)
    numbers[repeated[np.argsort(first[repeated])]] = np.arange(len(repeated))
    return Groups(numbers[code])


def _agreeing(hashes: NDArray[np.uint64], max_distance: int) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Yield pairs of places within the distance, band by band; agreeing on several bands, a pair comes repeatedly."""
    bands = max_distance + 1
    for band in range(bands):
        # Every bands-th bit, so that telling and idle bits of the hash spread evenly over the bands.
        mask = np.uint64(sum(1 << bit for bit in range(band, 64, bands)))
        order = np.argsort(hashes & mask, kind="stable")
        ordered = hashes[order]
        _, size = np.unique(ordered & mask, return_counts=True)
        end = np.repeat(np.cumsum(size), size)  # where the run of equal bands ends, for each place
        left = np.arange(len(ordered))
        step = 1
        while len(left := left[left + step < end[left]]):
            distance = np.bitwise_count(ordered[left] ^ ordered[left + step])
            near = np.flatnonzero(distance <= max_distance)
            if len(near):
                yield order[left[near]], order[left[near] + step], distance[near].astype(np.int64)
            step += 1
