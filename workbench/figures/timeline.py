"""Long courses over time made small enough to draw, without losing their peaks or their gaps."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

MOST_GAPS = 400
"""Gaps that are shaded one by one; where there are more, the shortest are left unshaded."""


def thinned(values: Floats, most: int, keep: Iterable[int] = ()) -> Ints:
    """Return the rows of a course to draw, ascending.

    Parameters
    ----------
    values : float array (S,)
        NaN in gaps.
    most : int
        All rows up to so many. Of more, each of ``most / 2`` stretches of equal length keeps its lowest and its highest
        value, and a stretch without any keeps one row, so that the line breaks there.
    keep : iterable of int
        Rows that are kept in any case.
    """
    count = len(values)
    if count <= most:
        return np.arange(count)
    starts = np.unique(np.linspace(0, count, max(1, most // 2), endpoint=False).astype(np.int64))
    rows = [np.array([0, count - 1, *keep], dtype=np.int64)]
    for fill, pick in ((np.inf, np.argmin), (-np.inf, np.argmax)):
        filled = np.where(np.isfinite(values), values, fill)
        rows.append(np.array([start + int(pick(part)) for start, part in _parts(filled, starts)], dtype=np.int64))
    return np.unique(np.concatenate(rows))


def with_breaks(times: Floats, values: Floats, rows: Ints) -> tuple[list[float], list[float]]:
    """Return times and values of the rows, with a NaN wherever a gap of the whole course lies between two of them.

    Between rows that thinning has drawn apart a gap breaks the line only where it takes up most of the way.
    """
    absent = np.concatenate([[0], np.cumsum(~np.isfinite(values))])
    between = absent[rows[1:]] - absent[rows[:-1] + 1]  # gaps strictly between neighbours
    breaks = np.flatnonzero(2 * between > np.diff(rows) - 1)
    x = np.insert(times[rows].astype(np.float64), breaks + 1, (times[rows[breaks]] + times[rows[breaks + 1]]) / 2)
    y = np.insert(values[rows].astype(np.float64), breaks + 1, np.nan)
    return x.tolist(), y.tolist()


def gap_spans(times: Floats, present: Bools) -> list[tuple[float, float]]:
    """Return from when to when the face is missing, in seconds: half way to the frames that show it.

    Of more than :data:`MOST_GAPS` gaps the longest are returned, in order of time.
    """
    change = np.diff(np.concatenate([[False], ~present, [False]]).astype(np.int8))
    first, after = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    half = _borders(times)
    spans = np.stack([half[first], half[after]], axis=1)
    if len(spans) > MOST_GAPS:
        spans = spans[np.sort(np.argsort(spans[:, 0] - spans[:, 1], kind="stable")[:MOST_GAPS])]
    return [(float(start), float(stop)) for start, stop in spans]


def buckets(times: Floats, present: Bools, most: int) -> tuple[Floats, list[Ints]]:
    """Divide the frames that show the face into at most about ``most`` stretches.

    Returns
    -------
    edges : float array (B, 2)
        From when to when each stretch lasts, in seconds. A gap lies in none.
    rows : list of int array
        Its frames.
    """
    rows = np.flatnonzero(present)
    half = _borders(times)
    size = max(1, -(-len(times) // most))
    group = rows // size
    run = np.cumsum(np.append(0, np.diff(rows) > 1)) if len(times) <= most * 4 else np.zeros(len(rows), dtype=np.int64)
    new = np.flatnonzero((np.diff(group) > 0) | (np.diff(run) > 0)) + 1
    parts = np.split(rows, new) if len(rows) else []
    edges = np.array([(half[part[0]], half[part[-1] + 1]) for part in parts]).reshape(-1, 2)
    return edges, parts


def means(values: Floats, rows: list[Ints]) -> Floats:
    """Return the mean over each stretch, float64 ``(B, K)``."""
    return np.array([values[part].mean(axis=0, dtype=np.float64) for part in rows]).reshape(-1, values.shape[1])


def _borders(times: Floats) -> Floats:
    """Return where each frame begins and the last ends, float64 ``(S + 1,)``: half way to its neighbours."""
    times = np.asarray(times, dtype=np.float64)
    if len(times) == 1:
        return np.array([times[0] - 0.5, times[0] + 0.5])
    middle = (times[1:] + times[:-1]) / 2
    return np.concatenate([[2 * times[0] - middle[0]], middle, [2 * times[-1] - middle[-1]]])


def _parts(values: Floats, starts: Ints) -> list[tuple[int, Floats]]:
    return list(zip(starts.tolist(), np.split(values, starts[1:]), strict=True))
