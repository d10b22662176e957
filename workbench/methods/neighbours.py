"""The images most like a given one: exact nearest neighbours by cosine."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from workbench.errors import SpecError
from workbench.methods.shapes import Floats, Ints, check_embeddings

_BLOCK_VALUES = 8_000_000
_TOLERANCE = 0.01


class Neighbours(NamedTuple):
    """Nearest first: ``rows`` int64 ``(Q, k)``, ``similarities`` float32 ``(Q, k)``, cosine in -1..1."""

    rows: Ints
    similarities: Floats


def nearest(embeddings: Floats, queries: Floats, k: int, exclude: Ints | None = None) -> Neighbours:
    """Find the k embeddings with the greatest cosine to each query, comparing with all of them.

    Parameters
    ----------
    embeddings : float array (N, D)
        Of length 1.
    queries : float array (Q, D)
        Of length 1.
    k : int
        From 1; fewer are returned where there are fewer.
    exclude : int array (Q,), optional
        For each query a row that is no neighbour, usually the query itself; -1 for none.

    Returns
    -------
    Neighbours
        Equal similarities are ordered by row. With ``exclude``, at most N - 1 a query.

    Raises
    ------
    SpecError
        ``k`` is below 1, or an embedding is not finite or longer than 1.
    """
    check_embeddings(queries, "queries", "QD")
    if embeddings.ndim != 2 or embeddings.shape[1] != queries.shape[1]:
        raise ValueError(f"embeddings {embeddings.shape} do not fit queries {queries.shape}")
    if exclude is not None and (exclude.shape != (len(queries),) or not np.issubdtype(exclude.dtype, np.integer)):
        raise ValueError(f"exclude must be an integer array ({len(queries)},), not {exclude.dtype} {exclude.shape}")
    if k < 1:
        raise SpecError(f"k is {k}; it must be 1 or more")
    count = min(k, len(embeddings) - (exclude is not None and bool((exclude >= 0).any())))
    rows = np.empty((len(queries), max(0, count)), dtype=np.int64)
    similarities = np.empty(rows.shape, dtype=np.float32)
    if not rows.size:
        return Neighbours(rows, similarities)
    block = max(1, _BLOCK_VALUES // len(embeddings))
    compared_to = embeddings.astype(np.float32, copy=False).T
    space = np.empty((min(block, len(queries)), len(embeddings)), dtype=np.float32)  # used again: new memory costs more
    for start in range(0, len(queries), block):
        part = queries[start : start + block].astype(np.float32)
        compared = np.matmul(part, compared_to, out=space[: len(part)])
        _check_similarities(compared)
        for place, row in enumerate(compared, start):
            if exclude is not None and exclude[place] >= 0:
                row[exclude[place]] = -np.inf
            rows[place] = _greatest(row, count)
            similarities[place] = row[rows[place]]
    return Neighbours(rows, similarities)


def _greatest(values: Floats, count: int) -> Ints:
    """Return the places of the ``count`` greatest values, greatest first, equal ones by place."""
    least = np.partition(values, len(values) - count)[len(values) - count]
    candidates = np.flatnonzero(values >= least)
    return np.asarray(candidates[np.argsort(-values[candidates], kind="stable")[:count]])


def _check_similarities(similarities: Floats) -> None:
    """Refuse what cannot be cosines: cheaper than looking through all embeddings, and as telling."""
    if not (similarities.min() >= -1 - _TOLERANCE and similarities.max() <= 1 + _TOLERANCE):  # NaN is neither
        column = int(np.argwhere(~(np.abs(similarities) <= 1 + _TOLERANCE))[0][1])
        raise SpecError(f"embedding {column} holds NaN or is longer than 1; embeddings must have length 1")
