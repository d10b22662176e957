"""Which concept a unit responds to: CLIP-Dissect's five similarities of units and concepts.

A unit is a column of activations over N probing images, a concept a column of CLIP scores (cosines of image and text)
over the same images. A similarity compares every unit with every concept; a unit's label is its most similar concept.

``soft_wpmi`` (the default), ``wpmi``
    log p(d | concept), the probability that the concept is in the unit's top images d, less lambda times the logarithm
    of its mean over the layer's units (:func:`layer_offset`), which takes from every concept what it has everywhere.
    p(concept | image) is the softmax over concepts of ``a`` times the score.
``rank_reorder``
    How badly the concept's scores order the unit's top images, negative, 0 would be perfect.
``cos_similarity``, ``cos_similarity_cubed``
    The cosine of the two columns, as they are; with means removed and cubed, so that the greatest values count most.

The first three read activations only through the ranking of the top images (and ``rank_reorder`` their values, up to
scale and origin). All five take the defaults of the published code. Where that is undefined or left to chance:

- Equal activations are ranked by row, equal scores by the unit's ranking (there: by the sorting routine's whim).
- ``rank_reorder`` divides by the mean error of *all* orders, which five random orders stand for there; a unit whose top
  activations are all equal has the error of a random order, 1 (there: 0 / 0). It divides by the square root of the
  concept's mean score over the top images, which is NaN there for a CLIP whose cosines are negative, and infinite for
  0: here a mean counts as at least 0.001. At least two top images are read (there: none below 20 images).
- A column of zeros has cosine 0 (there: 0 / 0).
- With fewer images than a similarity's top, the top is all of them (there: an error).

References
----------
Oikarinen & Weng, CLIP-Dissect: Automatic Description of Neuron Representations in Deep Vision Networks, ICLR 2023.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workbench.errors import SpecError, unknown_name
from workbench.methods.blocks import each_block
from workbench.methods.shapes import Floats, Ints, check_embeddings
from workbench.methods.top_images import ascending, places_of, top_images

__all__ = ["RANKED", "SIMILARITIES", "Ranked", "columns", "layer_offset", "similarity", "top_images"]

LEAST_MEAN_SCORE = 1e-3
_LEAST_PROBABILITY = 1e-7
_LEAST_NORM = 1e-3
_EXPONENTS = 60
"""Natural logarithm of what is far from the ends of float32, e ** -87 and e ** 88."""
_UNITS = 256
_COLUMNS = 256
_ROWS = 256


@dataclass(frozen=True)
class Ranked:
    """A similarity that reads a unit only through its top images.

    Parameters
    ----------
    count : callable
        From the number of images N to the number k of top images read.
    table : callable
        From scores (N, C) to what is looked up of each image, float32 (N, C).
    score : callable
        From a table (N, C), rows of top images int (B, k), and their activations (B, k), greatest first, to the
        similarities before the offset, float64 (B, C).
    weight : float
        Lambda, the weight of the layer's offset; 0 for none.
    """

    count: Callable[[int], int]
    table: Callable[[Floats], Floats]
    score: Callable[[Floats, Ints, Floats], Floats]
    weight: float


def similarity(name: str, activations: Floats, scores: Floats) -> Floats:
    """Compare every unit with every concept.

    Parameters
    ----------
    name : str
        One of :data:`SIMILARITIES`.
    activations : float array (N, U)
        Of the units of one layer on N images, at least 2.
    scores : float array (N, C)
        Cosines of the same images with each concept; at least one concept.

    Returns
    -------
    float32 array (U, C)
        Greater is more similar. Units and images are computed on as float32, sums as float64.

    Raises
    ------
    SpecError
        The name is unknown, there are fewer than two images or no concept, or a value is NaN or infinite.
    """
    if name not in SIMILARITIES:
        raise unknown_name("similarity", name, SIMILARITIES)
    return SIMILARITIES[name](activations, scores)


def soft_wpmi(activations: Floats, scores: Floats) -> Floats:
    """Compare by soft WPMI: top 100, a = 10, lambda = 1, p from .998 to .97 by rank; see :func:`similarity`.

    log p(d | concept) is the sum over the top images of log(1 + p_rank (p(concept | image) - 1) + 1e-7): an image
    belongs to d with the probability p_rank, which falls with its rank.
    """
    return _ranked("soft_wpmi", activations, scores)


def wpmi(activations: Floats, scores: Floats) -> Floats:
    """Compare by WPMI: top 28, a = 2, lambda = 0.6; see :func:`similarity`.

    log p(d | concept) is the sum over the top images of log(p(concept | image) + 1e-7).
    """
    return _ranked("wpmi", activations, scores)


def rank_reorder(activations: Floats, scores: Floats) -> Floats:
    """Compare by the error of reordering: top 5 %, p = 3, scale 0.5; see :func:`similarity`.

    The unit's top activations are put in the order of the concept's scores; the mean of |moved - original| ** 3,
    divided by that of a random order and by the square root of the concept's mean score, taken negative.
    """
    return _ranked("rank_reorder", activations, scores)


def cos_similarity(activations: Floats, scores: Floats) -> Floats:
    """Compare by the cosine over images; see :func:`similarity`."""
    return _valued("cos_similarity", activations, scores)


def cos_similarity_cubed(activations: Floats, scores: Floats) -> Floats:
    """Compare by the cosine of centred, cubed columns (norms at least 1e-3); see :func:`similarity`."""
    return _valued("cos_similarity_cubed", activations, scores)


SIMILARITIES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "soft_wpmi": soft_wpmi,
    "wpmi": wpmi,
    "rank_reorder": rank_reorder,
    "cos_similarity": cos_similarity,
    "cos_similarity_cubed": cos_similarity_cubed,
}


def layer_offset(log_probabilities: Floats, weight: float) -> Floats:
    """Return what is taken from each concept: lambda x log of the mean over units of p(d | concept).

    Parameters
    ----------
    log_probabilities : float array (U, C)
        log p(d | concept).
    weight : float
        Lambda.

    Returns
    -------
    float64 array (C,)
    """
    greatest = log_probabilities.max(axis=0)
    mean = np.exp((log_probabilities - greatest).astype(np.float32)).mean(axis=0, dtype=np.float64)
    return np.asarray(weight * (greatest + np.log(mean)), dtype=np.float64)


def columns(name: str, values: Floats, weights: Floats | None = None) -> Floats:
    """Prepare columns for one of the two cosines, so that the sum over images of their products is the similarity.

    Parameters
    ----------
    name : str
        ``cos_similarity`` or ``cos_similarity_cubed``.
    values : float array (N, B)
        Activations of units, or scores of concepts.
    weights : float array (N,), optional
        How often each image counts, the same when the products are summed; by default once.

    Returns
    -------
    float32 array (N, B)
    """
    weights = np.ones(len(values), np.float32) if weights is None else weights.astype(np.float32)
    least = 0.0
    values = values.astype(np.float32)
    if name == "cos_similarity_cubed":
        values[:, values.max(axis=0) == values.min(axis=0)] = 0
        for _ in range(2):  # what rounding left of the mean goes the second time
            values -= weights @ values / weights.sum()
        least = _LEAST_NORM
    peaks = np.maximum(values.max(axis=0), -values.min(axis=0)).astype(np.float64)
    peaks[peaks == 0] = 1
    values /= peaks.astype(np.float32)  # lest cubes and squares leave float32
    if name == "cos_similarity_cubed":
        values *= values * values
        peaks **= 3
    norms = np.maximum(np.sqrt(weights @ np.square(values)), least / peaks)
    values *= (1 / np.where(norms > 0, norms, 1)).astype(np.float32)
    return values


def check(activations: Floats, scores: Floats, name: str) -> None:
    """Refuse an unknown similarity, activations and scores that do not belong together, too few images, no concepts.

    Activations are looked through for NaN where they are read: here only their shape is.
    """
    if name not in SIMILARITIES:
        raise unknown_name("similarity", name, SIMILARITIES)
    check_embeddings(scores, "concept scores", "NC")
    if activations.ndim != 2 or not np.issubdtype(activations.dtype, np.floating):
        raise ValueError(f"activations must be a float array (N, U), not {activations.dtype} {activations.shape}")
    if len(activations) != len(scores):
        raise ValueError(f"activations have {len(activations)} images, concept scores {len(scores)}")
    if len(scores) < 2:
        raise SpecError(f"there are {len(scores)} images to compare units and concepts on; at least 2 are needed")
    if not scores.shape[1]:
        raise SpecError("there are no concepts to compare units with; at least 1 is needed")


def _ranked(name: str, activations: Floats, scores: Floats) -> Floats:
    method = RANKED[name]
    check(activations, scores, name)
    if not activations.shape[1]:
        return np.empty((0, scores.shape[1]), dtype=np.float32)
    rows = top_images(activations, method.count(len(scores)))
    values = activations[rows, np.arange(len(rows))[:, None]]
    found = method.score(method.table(scores), rows, values)
    if method.weight:
        found -= layer_offset(found, method.weight)
    return found.astype(np.float32)


def _valued(name: str, activations: Floats, scores: Floats) -> Floats:
    check(activations, scores, name)
    check_embeddings(activations, "activations", "NU")
    found = np.empty((activations.shape[1], scores.shape[1]), dtype=np.float32)
    for first in range(0, scores.shape[1], _COLUMNS):
        concepts = columns(name, scores[:, first : first + _COLUMNS])
        for start in range(0, len(found), _COLUMNS):
            units = columns(name, activations[:, start : start + _COLUMNS])
            found[start : start + _COLUMNS, first : first + _COLUMNS] = units.T @ concepts
    return found


def _softmax(factor: float, unit: float) -> Callable[[Floats], Floats]:
    """Return the softmax over concepts of ``factor`` times the scores, divided by ``unit``."""

    def table(scores: Floats) -> Floats:
        result = np.empty(scores.shape, dtype=np.float32)
        small = factor * np.abs([scores.min(), scores.max()]).max() < _EXPONENTS  # true of cosines: exp cannot overflow

        def fill(start: int) -> None:
            block = result[start : start + _ROWS]
            np.multiply(scores[start : start + _ROWS], np.float32(factor), out=block)
            if not small:
                block -= block.max(axis=1, keepdims=True)
            np.exp(block, out=block)
            block *= 1 / (unit * block.sum(axis=1, keepdims=True))

        each_block(fill, len(scores), _ROWS)
        return result

    return table


def _log_product(first: float, last: float, unit: float) -> Callable[[Floats, Ints, Floats], Floats]:
    """Return the sum over ranks of log(1 + p_rank (P - 1) + 1e-7), p falling from ``first`` towards ``last``.

    With q = (1 - p + 1e-7) / p that is the sum of log p, of log unit and of log(P / unit + q / unit). The table holds
    P / unit, and the last logarithm is taken of products of as many factors as float32 can hold.
    """

    def score(table: Floats, rows: Ints, values: Floats) -> Floats:  # noqa: ARG001 - only their ranks matter
        count = rows.shape[1]
        p = first - np.arange(count) / count * (first - last)
        q = (1 - p + _LEAST_PROBABILITY) / p / unit
        segments = _segments(np.maximum(np.abs(np.log(q)), np.abs(np.log(q + table.max()))))
        result = np.full((len(rows), table.shape[1]), np.log(p * unit).sum())

        def add(start: int) -> None:
            images = np.ascontiguousarray(rows[start : start + _UNITS].T)  # (k, B)
            product = np.empty((images.shape[1], table.shape[1]), dtype=np.float32)
            factor = np.empty_like(product)
            for begin, *others in segments:
                np.take(table, images[begin], axis=0, out=product, mode="clip")
                product += np.float32(q[begin])
                for rank in others:
                    np.take(table, images[rank], axis=0, out=factor, mode="clip")
                    factor += np.float32(q[rank])
                    product *= factor
                result[start : start + _UNITS] += np.log(product, out=product)

        each_block(add, len(rows), _UNITS)
        return result

    return score


def _segments(steps: Floats) -> list[Ints]:
    """Split ranks so that within each part the steps, how far a factor may be from 1 (its log), stay within float32."""
    part = np.cumsum(steps) // _EXPONENTS
    return np.split(np.arange(len(steps)), np.flatnonzero(np.diff(part)) + 1)


def _reordering(table: Floats, rows: Ints, values: Floats) -> Floats:
    result = np.empty((len(rows), table.shape[1]))
    places = np.arange(rows.shape[1])
    share = np.full(len(places), 1 / len(places), dtype=np.float32)

    def fill(start: int) -> None:
        for unit in range(start, min(start + _UNITS, len(rows))):
            own = _from_one_to_zero(values[unit])
            chance = _mean_cubed_difference(own.astype(np.float64))
            for first in range(0, table.shape[1], _COLUMNS):
                found = np.take(table[:, first : first + _COLUMNS], rows[unit], axis=0)  # (k, c)
                error: Floats = np.ones(found.shape[1])
                if chance > 0:
                    keys = ascending(np.ascontiguousarray(found.T), places)  # (c, k)
                    keys.sort(axis=1)
                    moved = np.take(own, places_of(keys), mode="clip") - own[::-1]
                    error = np.einsum("ck,ck,ck->c", moved, moved, np.abs(moved)) / len(places) / chance
                mean = np.maximum(share @ found, LEAST_MEAN_SCORE)
                result[unit, first : first + _COLUMNS] = -error / np.sqrt(mean)

    each_block(fill, len(rows), _UNITS)
    return result


def _from_one_to_zero(values: Floats) -> Floats:
    """Scale descending values (k,) to 1 .. 0, which the error relative to chance does not see."""
    values = values.astype(np.float64)
    span = float(values[0] - values[-1])
    return np.asarray((values - values[-1]) / (span if span > 0 else 1.0), dtype=np.float32)


def _mean_cubed_difference(descending: Floats) -> float:
    """Return the mean of |a - b| ** 3 over all pairs (a, b) of values: what a random order's error is on average."""
    values = descending[::-1]
    lower = np.arange(len(values))  # values below each
    first, second, third = (np.cumsum(values**power) - values**power for power in (1, 2, 3))
    pairs = lower * values**3 - 3 * values**2 * first + 3 * values * second - third
    return float(2 * pairs.sum() / len(values) ** 2)


RANKED: dict[str, Ranked] = {
    "soft_wpmi": Ranked(lambda images: min(100, images), _softmax(10, 0.015), _log_product(0.998, 0.97, 0.015), 1.0),
    "wpmi": Ranked(lambda images: min(28, images), _softmax(2, 1e-7), _log_product(1.0, 1.0, 1e-7), 0.6),
    "rank_reorder": Ranked(lambda images: max(2, int(images * 0.05)), lambda s: s.astype(np.float32), _reordering, 0.0),
}
"""The similarities that read top images only."""
