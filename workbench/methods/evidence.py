"""What speaks for a unit's label: a null distribution, p and q, stability, and faithfulness on other images.

**Null.** A unit without any relation to the images ranks them at random. Each of B draws is such a unit: a random
permutation of the activations of a random unit of the layer, compared with every concept by the same similarity, in
that unit's place in the layer. A unit's p is the share of draws (the unit counted among them) whose *greatest*
similarity over concepts reaches the unit's: choosing the best of many concepts is thereby allowed for.

- For ``soft_wpmi``, ``wpmi`` and ``rank_reorder`` a draw is a random ordered set of images as large as the top that the
  similarity reads. If the unit's ranking is exchangeable over images, its own top is one more such set, so that p is
  valid for any number of images and concepts, ((1 + #) / (1 + B)), given the other units of the layer, but for two
  things: the draws take the places of all units in turn, not of the one in question, which matters where few units
  make up a layer's mean; and equal activations are ranked by row, which is random only if the order of rows is.
  ``rank_reorder`` also reads the top activations: each draw takes those of a random unit, so for it the null is that of
  the layer's units taken together.
- For the two cosines, which read all values, the null pools units of different distributions; it is approximate for
  every single one of them, and coarse where sparse and dense units share a layer.

**Faithfulness** and **stability** ask other questions: whether the unit follows its concept on images that had no part
in choosing it, and whether the label would be another if the images had been others.

References
----------
Phipson & Smyth, Permutation P-values Should Never Be Zero, 2010. Benjamini & Hochberg, Controlling the False Discovery
Rate, 1995. Bonett & Wright, Sample Size Requirements for Estimating Pearson, Kendall and Spearman Correlations, 2000.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp
from scipy.stats import false_discovery_control, norm, rankdata

from workbench.errors import SpecError
from workbench.methods.dissect import RANKED, check, columns, layer_offset, top_images
from workbench.methods.shapes import Bools, Floats, Ints, check_embeddings, check_labels

LEVEL = 0.95
LEAST_STABILITY = 0.5
"""A label that fewer of the resamples give does not hold."""
_TOPS = 1000
_DRAWS = 128
_SHARED = 8
"""Draws of different units that share one permutation, for the cosines: drawing it costs as much as using it."""
_POOL = 512
_UNITS = 256
_ROUNDING = 1e-5


class Null(NamedTuple):
    """Similarities of units without any relation to the images.

    ``maxima`` float32 ``(B,)``, sorted: the greatest similarity over concepts of each draw; ``low`` and ``high``
    float32 ``(C,)``: the band that holds 95 % of the draws' similarities with each concept; ``limit``: what 95 % of
    the maxima stay below.
    """

    maxima: Floats
    low: Floats
    high: Floats
    limit: float


class Correlation(NamedTuple):
    """Spearman's rank correlation of each unit, -1..1, with its 95 % interval; float32 ``(U,)``, NaN if undefined."""

    value: Floats
    low: Floats
    high: Floats


def null_distribution(
    name: str, activations: Floats, scores: Floats, similarities: Floats, draws: int = 10_000, seed: int = 0
) -> Null:
    """Compare units that rank images at random with the concepts.

    Parameters
    ----------
    name : str
        One of :data:`~workbench.methods.dissect.SIMILARITIES`.
    activations : float array (N, U)
        Of the layer's units, U at least 1.
    scores : float array (N, C)
        Cosines of the same images with each concept.
    similarities : float array (U, C)
        What :func:`~workbench.methods.dissect.similarity` returned for them.
    draws : int
        B, from 1; p cannot be less than 1 / (1 + B).
    seed : int
        Equal seeds give equal draws.

    Returns
    -------
    Null
        See the module for what it is exact for.
    """
    check(activations, scores, name)
    if draws < 1:
        raise SpecError(f"draws is {draws}; it must be 1 or more")
    if similarities.shape != (activations.shape[1], scores.shape[1]) or not len(similarities):
        raise ValueError(f"similarities {similarities.shape} do not fit {activations.shape[1]} units, at least one")
    generator = np.random.default_rng(seed)
    if name in RANKED:
        parts = _ranked_draws(name, activations, scores, similarities, draws, generator)
    else:
        parts = _valued_draws(name, activations, scores, draws, generator)
    drawn = np.concatenate([part.astype(np.float32) for part in parts])
    maxima = np.sort(drawn.max(axis=1))
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0).astype(np.float32)
    return Null(maxima, low, high, float(np.quantile(maxima, LEVEL)))


def p_values(maxima_observed: Floats, null: Null) -> Floats:
    """Return the share of units without relation to the images that are as similar to their best concept.

    Parameters
    ----------
    maxima_observed : float array (U,)
        Each unit's greatest similarity over concepts.
    null : Null
        Of the same layer.

    Returns
    -------
    float64 array (U,)
        (1 + draws that reach it) / (1 + draws); small speaks for the label.
    """
    observed = maxima_observed.astype(np.float64)
    observed -= _ROUNDING * np.maximum(1.0, np.abs(observed))  # rounding must not tell a tie from a win
    reached = len(null.maxima) - np.searchsorted(null.maxima, observed, side="left")
    return np.asarray((1 + reached) / (1 + len(null.maxima)), dtype=np.float64)


def q_values(p: Floats) -> Floats:
    """Return Benjamini and Hochberg's q of p-values (U,): calling all units with q <= a makes a share a of them wrong.

    At most that share is expected where the units are independent or positively dependent. Monotone in p.
    """
    return np.asarray(false_discovery_control(p, method="bh") if len(p) else p, dtype=np.float64)


def label_holds(q: Floats, faithfulness_low: Floats, stability: Floats, alpha: float) -> Bools:
    """Return which labels hold: all three kinds of evidence must agree.

    Parameters
    ----------
    q : float array (U,)
        At most ``alpha``: random images would not do as well.
    faithfulness_low : float array (U,)
        Lower end of the interval, above 0: borne out on other images. NaN where there are none: not asked.
    stability : float array (U,)
        At least :data:`LEAST_STABILITY`: most resamples of the probing images give the same label.
    alpha : float
        0 to 1.

    Returns
    -------
    bool array (U,)
    """
    borne_out = np.isnan(faithfulness_low) | (faithfulness_low > 0)
    return np.asarray((q <= alpha) & borne_out & (stability >= LEAST_STABILITY))


def stability(
    name: str, activations: Floats, scores: Floats, labels: Ints, resamples: int = 50, seed: int = 0
) -> Floats:
    """Return how often each unit gets the same label when the probing images are drawn again.

    Parameters
    ----------
    name, activations, scores
        As in :func:`~workbench.methods.dissect.similarity`.
    labels : int array (U,)
        Each unit's label, a concept 0 .. C - 1.
    resamples : int
        Bootstrap resamples: N images drawn with replacement, the same for all units, from 1.
    seed : int
        Equal seeds give equal resamples.

    Returns
    -------
    float32 array (U,)
        Share of the resamples, 0..1, whose most similar concept is the label.
    """
    check(activations, scores, name)
    check_labels(labels, "labels", scores.shape[1], rows=activations.shape[1])
    if resamples < 1:
        raise SpecError(f"resamples is {resamples}; it must be 1 or more")
    generator = np.random.default_rng(seed)
    counts = (
        np.bincount(generator.integers(0, len(scores), len(scores)), minlength=len(scores)) for _ in range(resamples)
    )
    same = np.zeros(len(labels))
    for found in _resampled(name, activations, scores, counts):
        same += found.argmax(axis=1) == labels
    return (same / resamples).astype(np.float32)


def faithfulness(activations: Floats, scores: Floats, labels: Ints) -> Correlation:
    """Correlate each unit's activation with the score of its label, on images that had no part in choosing it.

    Parameters
    ----------
    activations : float array (M, U)
        On held-out images, at least 4.
    scores : float array (M, C)
        Cosines of the same images with each concept.
    labels : int array (U,)
        Each unit's label, a concept 0 .. C - 1.

    Returns
    -------
    Correlation
        Spearman's, with the interval of Fisher's z and Bonett and Wright's standard error sqrt((1 + r^2 / 2) /
        (M - 3)). NaN where the unit or the score is constant, and for the interval below 4 images.
    """
    check_embeddings(activations, "activations", "MU")
    check_embeddings(scores, "concept scores", "MC")
    if len(activations) != len(scores):
        raise ValueError(f"activations have {len(activations)} images, concept scores {len(scores)}")
    check_labels(labels, "labels", scores.shape[1], rows=activations.shape[1])
    images = len(scores)
    value = np.full(len(labels), np.nan)
    if images > 1:
        concepts, place = np.unique(labels, return_inverse=True)
        ranked = _ranks(scores[:, concepts])  # (M, L)
        for start in range(0, len(labels), _UNITS):
            units = slice(start, start + _UNITS)
            value[units] = np.einsum("mu,mu->u", _ranks(activations[:, units]), ranked[:, place[units]])
    value = np.clip(value, -1, 1)
    with np.errstate(divide="ignore"):
        z = np.arctanh(value)
    error = np.sqrt((1 + value**2 / 2) / (images - 3)) if images > 3 else np.nan
    width = norm.ppf((1 + LEVEL) / 2) * error
    return Correlation(*(part.astype(np.float32) for part in (value, np.tanh(z - width), np.tanh(z + width))))


def _ranked_draws(
    name: str, activations: Floats, scores: Floats, similarities: Floats, draws: int, generator: np.random.Generator
) -> Iterator[Floats]:
    """Yield the similarities of random tops with each concept, (_TOPS, C) at a time."""
    method = RANKED[name]
    table, count = method.table(scores), method.count(len(scores))
    rows, values = _tops(activations, count)
    logs = similarities + (method.score(table, rows[:1], values[:1])[0] - similarities[0])  # before the offset
    for start in range(0, draws, _TOPS):
        size = min(_TOPS, draws - start)
        tops = np.stack([generator.choice(len(scores), count, replace=False) for _ in range(size)])  # (B, k) in order
        units = generator.integers(0, len(values), size)
        drawn = method.score(table, tops, values[units])
        yield drawn - _offsets(drawn, logs, units, method.weight) if method.weight else drawn


def _offsets(drawn: Floats, logs: Floats, units: Ints, weight: float) -> Floats:
    """Return the layer's offset with each draw in the place of a unit, (B, C); see :func:`dissect.layer_offset`."""
    best = logs.argmax(axis=0)
    without_best = logs.copy()
    without_best[best, np.arange(logs.shape[1])] = -np.inf
    greatest = np.maximum(logs.max(axis=0), drawn)
    others = np.exp(logsumexp(logs, axis=0) - greatest) - np.exp(logs[units] - greatest)
    is_best = units[:, None] == best  # then the difference of two equal numbers would be all rounding
    others = np.where(is_best, np.exp(logsumexp(without_best, axis=0) - greatest), np.maximum(others, 0))
    return np.asarray(weight * (greatest + np.log((others + np.exp(drawn - greatest)) / len(logs))))


def _valued_draws(
    name: str, activations: Floats, scores: Floats, draws: int, generator: np.random.Generator
) -> Iterator[Floats]:
    """Yield the similarities of permuted units with each concept, (_DRAWS, C) at a time."""
    check_embeddings(activations, "activations", "NU")
    concepts = columns(name, scores)
    pool = generator.permutation(activations.shape[1])[:_POOL]
    units = np.ascontiguousarray(columns(name, activations[:, pool]).T)  # (P, N)
    for start in range(0, draws, _DRAWS):
        picked = generator.integers(0, len(units), min(_DRAWS, draws - start))
        drawn = np.empty((len(picked), len(scores)), dtype=np.float32)
        for first in range(0, len(picked), _SHARED):
            order = generator.permutation(len(scores))
            for draw in range(first, min(first + _SHARED, len(picked))):
                np.take(units[picked[draw]], order, out=drawn[draw], mode="clip")
        yield drawn @ concepts


def _resampled(name: str, activations: Floats, scores: Floats, resamples: Iterator[Ints]) -> Iterator[Floats]:
    """Yield the similarities (U, C) on each resample, given how often it draws each image."""
    return (_resampled_ranked if name in RANKED else _resampled_valued)(name, activations, scores, resamples)


def _resampled_valued(name: str, activations: Floats, scores: Floats, resamples: Iterator[Ints]) -> Iterator[Floats]:
    check_embeddings(activations, "activations", "NU")
    for counts in resamples:
        weights = counts.astype(np.float32)
        concepts = columns(name, scores, weights) * weights[:, None]
        yield np.concatenate(
            [
                columns(name, activations[:, start : start + _UNITS], weights).T @ concepts
                for start in range(0, activations.shape[1], _UNITS)
            ]
        )


def _resampled_ranked(name: str, activations: Floats, scores: Floats, resamples: Iterator[Ints]) -> Iterator[Floats]:
    method = RANKED[name]
    table, count = method.table(scores), method.count(len(scores))
    # a resample draws some images of the ranking not at all: its top k lie within somewhat more than k of the ranking
    rows, values = _tops(activations, int(count + 8 * np.sqrt(count) + 20))
    for counts in resamples:
        kept = np.cumsum(counts[rows], axis=1)  # (U, W)
        places = np.stack([np.searchsorted(ends, np.arange(count), side="right") for ends in kept])
        places = np.minimum(places, rows.shape[1] - 1)
        found = method.score(table, np.take_along_axis(rows, places, 1), np.take_along_axis(values, places, 1))
        yield np.asarray(found - layer_offset(found, method.weight) if method.weight else found)


def _tops(activations: Floats, count: int) -> tuple[Ints, Floats]:
    rows = top_images(activations, count)
    return rows, activations[rows, np.arange(len(rows))[:, None]]


def _ranks(values: Floats) -> Floats:
    """Return columns of ranks, centred and of length 1, so that their products are correlations; NaN if constant."""
    ranks = rankdata(values, axis=0)
    ranks -= ranks.mean(axis=0)
    lengths = np.sqrt(np.einsum("mu,mu->u", ranks, ranks))
    lengths[lengths == 0] = np.nan
    return np.asarray(ranks / lengths)
