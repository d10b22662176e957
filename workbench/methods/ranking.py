"""What a ranking is worth against a known truth: precision among the first, recall, average precision, chance.

References
----------
Davis & Goadrich, The Relationship Between Precision-Recall and ROC Curves, ICML 2006.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from workbench.errors import SpecError
from workbench.methods.bootstrap import LEVEL
from workbench.methods.shapes import Bools, Floats, Ints

FIRST = (50, 100, 200, 500, 1000)
"""How many of the first images precision is given for, besides as many as there are positives."""
RESAMPLES = 500
_POINTS = 100


def evaluate(
    scores: Floats, positive: Bools, first: Sequence[int] = FIRST, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Any]:
    """Hold a ranking against the truth.

    Parameters
    ----------
    scores : float array (N,)
        Greater is earlier; of equal ones the order is by row; NaN comes last.
    positive : bool array (N,)
        What the ranking should bring to the front.
    first : sequence of int
        Depths for precision and recall; those beyond N are left out, the number of positives is added.
    resamples : int
        Bootstrap resamples of the images for 95 % intervals.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    dict
        JSON values: ``images`` N, ``positives`` P, ``chance`` P / N; ``average_precision`` ``[value, low, high]``;
        ``precision`` and ``recall``: by depth (as text) ``[value, low, high]``; ``curve``: up to 100 triples ``[depth,
        precision, recall]`` from the first image to the last. Without a positive the figures are missing: an empty
        ``precision``, ``recall`` and ``curve``, and None for ``average_precision``.

    Raises
    ------
    SpecError
        There are no images.
    """
    if scores.shape != positive.shape or scores.ndim != 1:
        raise ValueError(f"scores {scores.shape} and positive {positive.shape} must both be (N,)")
    if not len(scores):
        raise SpecError("there are no images to hold a ranking against")
    order = ranked(scores)
    hits = positive[order]
    total = int(hits.sum())
    result: dict[str, Any] = {"images": len(hits), "positives": total, "chance": total / len(hits)}
    if not total:
        return result | {"average_precision": None, "precision": {}, "recall": {}, "curve": []}
    depths = sorted({depth for depth in (*first, total) if 1 <= depth <= len(hits)})
    drawn = list(_resampled(hits, resamples, seed))
    precisions = {depth: precision(hits, depth) for depth in depths}
    return result | {
        "average_precision": _interval(average_precision(hits), [average_precision(each) for each in drawn]),
        "precision": {
            str(depth): _interval(value, [precision(each, depth) for each in drawn])
            for depth, value in precisions.items()
        },
        "recall": {
            str(depth): _interval(float(hits[:depth].sum() / total), [_recall(each, depth) for each in drawn])
            for depth in depths
        },
        "curve": curve(hits),
    }


def ranked(scores: Floats) -> Ints:
    """Return rows, greatest score first; of equal ones the first row; NaN last."""
    return np.asarray(np.argsort(-np.where(np.isnan(scores), -np.inf, scores), kind="stable"))


def precision(hits: Bools, depth: int) -> float:
    """Return the share of positives among the first ``depth`` of a ranking, bool ``(N,)``."""
    return float(hits[:depth].mean())


def average_precision(hits: Bools) -> float:
    """Return the mean, over positives, of the precision at their places; 0 without positives."""
    places = np.flatnonzero(hits)
    return float((np.arange(1, len(places) + 1) / (places + 1)).mean()) if len(places) else 0.0


def curve(hits: Bools) -> list[list[float]]:
    """Return up to 100 triples of depth, precision and recall, evenly spread over the logarithm of the depth."""
    depths = np.unique(np.geomspace(1, len(hits), _POINTS).round().astype(int))
    found = np.cumsum(hits)[depths - 1]
    total = max(1, int(hits.sum()))
    return [[int(n), float(count / n), float(count / total)] for n, count in zip(depths, found, strict=True)]


def _recall(hits: Bools, depth: int) -> float:
    return float(hits[:depth].sum() / max(1, int(hits.sum())))


def _resampled(hits: Bools, resamples: int, seed: int) -> Iterator[Bools]:
    """Yield rankings of images drawn again with replacement; copies of one image stand together."""
    generator = np.random.default_rng(seed)
    for _ in range(resamples):
        times = np.bincount(generator.integers(0, len(hits), len(hits)), minlength=len(hits))
        yield np.repeat(hits, times)


def _interval(value: float, samples: Sequence[float]) -> list[float]:
    low, high = np.quantile(samples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return [float(value), float(low), float(high)]
