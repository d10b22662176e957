"""How far a map can be trusted: are near points near in the full space, and do labels lie together.

Both figures are means over points, so a seeded sample of them is enough: at :data:`MOST` points a share of 0.9 is
known to about 0.01. Each point of the sample is compared with all points, not with the sample only.

References
----------
Venna & Kaski, Neighborhood preservation in nonlinear projection methods, 2001 (trustworthiness).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from workbench.methods.shapes import Floats, Ints

NEIGHBOURS = 10
"""How many nearest points count as near."""
MOST = 2000
"""The most points a figure is measured at."""
_BLOCK_VALUES = 4_000_000


class Measured(NamedTuple):
    """A mean over ``images`` points; NaN where there are too few for it."""

    value: float
    images: int


def trustworthiness(vectors: Floats, points: Floats, k: int = NEIGHBOURS, most: int = MOST, seed: int = 0) -> Measured:
    """Measure how near in the full space the points are that a map shows as near.

    ``1 - 2 / (m k (2N - 3k - 1)) * sum of (rank - k)`` over the m points of the sample and, of each one's k nearest on
    the map, those that are not among its k nearest in the space; ``rank`` is their place there, 1 the nearest, points
    at equal distance taking the best place.

    Parameters
    ----------
    vectors : float array (N, D)
        The full space.
    points : float array (N, 2)
        The map.
    k : int
        Fewer are taken where N is not above 2 k.
    most : int
        The most points it is measured at.
    seed : int
        Seed of the sample.

    Returns
    -------
    Measured
        0 to 1, 1 the best; about 0.5 for a map that knows nothing. NaN below 4 points.
    """
    count = len(vectors)
    k = min(k, (count - 1) // 2)
    if k < 1 or count < 4:
        return Measured(math.nan, 0)
    sample = draw(count, most, seed)
    excess = 0.0
    for rows in blocks(sample, count):
        near = _smallest(_distances(points.astype(np.float64), rows), k)
        distances = _distances(vectors, rows)
        for place in range(k):
            reached = np.take_along_axis(distances, near[:, place, None], axis=1)
            rank = (distances < reached).sum(axis=1) + 1  # the point itself is at infinity
            excess += float(np.maximum(rank - k, 0).sum())
    return Measured(1 - 2 * excess / (len(sample) * k * (2 * count - 3 * k - 1)), len(sample))


def purity(points: Floats, labels: Ints, k: int = NEIGHBOURS, most: int = MOST, seed: int = 0) -> Measured:
    """Measure which share of a point's k nearest labelled points carry its label.

    Parameters
    ----------
    points : float array (N, D)
        A map, or the full space.
    labels : int array (N,)
        Classes from 0 on; points with -1 are left out.
    k, most, seed
        As in :func:`trustworthiness`.

    Returns
    -------
    Measured
        0 to 1; :func:`purity_chance` says what it is where labels have nothing to do with places. NaN below 2 points.
    """
    known = np.flatnonzero(labels >= 0)
    k = min(k, len(known) - 1)
    if k < 1:
        return Measured(math.nan, 0)
    points, labels = points[known], labels[known]
    sample = draw(len(points), most, seed)
    same = 0
    for rows in blocks(sample, len(points)):
        near = _smallest(_distances(points, rows), k)
        same += int((labels[near] == labels[rows, None]).sum())
    return Measured(same / (len(sample) * k), len(sample))


def purity_chance(labels: Ints) -> float:
    """Return the sum of the squared shares of the classes: how often two labels drawn at random agree; -1 left out."""
    counts = np.bincount(labels[labels >= 0])
    return float(((counts / counts.sum()) ** 2).sum()) if counts.sum() else math.nan


def draw(count: int, most: int, seed: int) -> Ints:
    """Return rows 0 to count - 1 where they are at most ``most``, else a seeded sample of so many, ascending."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))


def blocks(rows: Ints, count: int) -> Iterator[Ints]:
    """Cut rows so that a block's distances to ``count`` points stay within some tens of MB."""
    size = max(1, _BLOCK_VALUES // max(1, count))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def squared_distances(vectors: Floats, queries: Floats) -> Floats:
    """Return the squared distance of each query ``(Q, D)`` to each vector ``(N, D)``: ``(Q, N)``, at least 0."""
    lengths = np.einsum("nd,nd->n", vectors, vectors)
    own = np.einsum("qd,qd->q", queries, queries)
    return np.asarray(np.maximum(own[:, None] + lengths[None, :] - 2 * (queries @ vectors.T), 0))


def _distances(vectors: Floats, rows: Ints) -> Floats:
    """Return the squared distances of rows to all vectors, infinite to themselves."""
    found = squared_distances(vectors, vectors[rows])
    found[np.arange(len(rows)), rows] = np.inf
    return found


def _smallest(values: Floats, k: int) -> Ints:
    """Return the places of the k smallest values of each row, in no particular order."""
    return np.asarray(np.argpartition(values, k - 1, axis=1)[:, :k])
