"""How a classifier's accuracy falls as faces are disturbed more and more.

All levels of a course are answered for the same images, and a resample draws the same images at every level and for
every model: a loss is a paired difference. Chance is one over the number of classes that the images have.

*Half strength* is the level at which a model has lost half of what it was above chance on undisturbed faces: where the
line through the tested levels first comes down to it. Levels are measured from the undisturbed one, by their ratio
where the disturbance is a factor (contrast, size), by their difference elsewhere. The *area* is the mean accuracy along
the course, every strength from none to the greatest tested counted alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError
from workbench.methods.bootstrap import LEVEL, Estimate, estimate
from workbench.methods.metrics import Scores, confusion_matrix, scores
from workbench.methods.shapes import Floats, Ints, check_labels

_BLOCK = 64

Weights = NDArray[np.uint8]
"""How often each resample draws each image, ``(R, N)``."""


class Half(NamedTuple):
    """A level with its 95 % interval; None for beyond the strongest level tested, all None where nothing is to lose."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Course:
    """One model along one side of one disturbance, from undisturbed to the strongest level.

    Parameters
    ----------
    model : str
        The classifier.
    disturbance, side : str
        What is done to the faces, and to which side; a single side has no name.
    title, unit : str
        The disturbance in words, and what a level is measured in.
    ratio : bool
        Whether levels are apart by their ratio rather than their difference.
    images : int
        N, the same at every level.
    chance : float
        One over the number of classes that the images have.
    levels : tuple of float (L,)
        The first leaves the faces as they are.
    accuracy, macro_f1 : tuple of Estimate (L,)
        0..1, with 95 % intervals.
    loss : tuple of Estimate (L,)
        Accuracy minus that of the first level, -1..1, paired.
    recall : mapping of str to tuple of Estimate (L,)
        Share of the class's images that are right, for each class that has images.
    area : Estimate
        The mean accuracy along the course, 0..1.
    half : Half
        The level at which half of the accuracy above chance is lost.
    """

    model: str
    disturbance: str
    side: str
    title: str
    unit: str
    ratio: bool
    images: int
    chance: float
    levels: tuple[float, ...]
    accuracy: tuple[Estimate, ...]
    macro_f1: tuple[Estimate, ...]
    loss: tuple[Estimate, ...]
    recall: Mapping[str, tuple[Estimate, ...]]
    area: Estimate
    half: Half

    @property
    def half_in_words(self) -> str:
        """Where half of the accuracy above chance is lost, with the interval, in the course's unit."""
        if self.half == Half(None, None, None) and self.accuracy[0].low <= self.chance:
            return "no better than chance"
        beyond = f"beyond {self.levels[-1]:g}"
        value, low, high = (beyond if level is None else f"{level:.3g}" for level in self.half)
        return beyond if (value, low) == (beyond, beyond) else f"{value} ({low} to {high})"

    @property
    def name(self) -> str:
        """The disturbance in words, with its side where it has several."""
        return f"{self.title}, {self.side}" if self.side else self.title

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; an estimate is a list of value, low and high."""
        return asdict(self) | {"recall": [[name, list(each)] for name, each in self.recall.items()]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Course:
        """Return what :meth:`to_dict` gave."""

        def estimates(found: Sequence[Sequence[float]]) -> tuple[Estimate, ...]:
            return tuple(Estimate(*each) for each in found)

        return cls(
            **{
                **values,
                "levels": tuple(values["levels"]),
                **{name: estimates(values[name]) for name in ("accuracy", "macro_f1", "loss")},
                "recall": {name: estimates(each) for name, each in values["recall"]},
                "area": Estimate(*values["area"]),
                "half": Half(*values["half"]),
            }
        )


def resample_weights(images: int, resamples: int, seed: int = 0) -> Weights:
    """Draw resamples of the images: how often each is drawn in each, uint8 ``(R, N)``; rows sum to N.

    Raises
    ------
    SpecError
        There are no images, or no resamples.
    """
    if images < 1 or resamples < 1:
        raise SpecError(f"{images} images and {resamples} resamples; an interval needs at least one of each")
    generator = np.random.default_rng(seed)
    drawn = np.empty((resamples, images), dtype=np.uint8)
    for row in drawn:
        row[:] = np.bincount(generator.integers(0, images, size=images), minlength=images)
    return drawn


def follow(
    course: Mapping[str, Any], labels: Ints, predicted: Ints, classes: Sequence[str], weights: Weights
) -> Course:
    """Measure a model along a course.

    Parameters
    ----------
    course : mapping
        The fields of :class:`Course` that name it: ``model``, ``disturbance``, ``side``, ``title``, ``unit``,
        ``ratio`` and ``levels`` (L).
    labels : int array (N,)
        Classes, 0 .. K - 1.
    predicted : int array (L, N)
        The model's answers at each level, the undisturbed one first.
    classes : sequence of str
        K names.
    weights : uint8 array (R, N)
        See :func:`resample_weights`.

    Raises
    ------
    SpecError
        A label or an answer is outside the classes.
    """
    levels = tuple(float(level) for level in course["levels"])
    if predicted.shape != (len(levels), len(labels)) or weights.shape[1:] != labels.shape:
        raise ValueError(f"{predicted.shape} answers and {weights.shape} weights do not fit {len(labels)} labels")
    found = [_level(labels, each, len(classes), weights) for each in predicted]
    observed = np.array([float(one.accuracy) for one, _ in found])
    drawn = np.stack([some.accuracy for _, some in found], axis=1)  # (R, L)
    present = np.unique(labels)
    chance = 1 / len(present)
    places = positions(levels, bool(course["ratio"]))
    shares = _shares(places)
    return Course(
        **{**course, "levels": levels},
        images=len(labels),
        chance=chance,
        accuracy=tuple(estimate(value, drawn[:, place]) for place, value in enumerate(observed)),
        macro_f1=tuple(estimate(float(one.macro_f1), some.macro_f1) for one, some in found),
        loss=tuple(
            estimate(value - observed[0], drawn[:, place] - drawn[:, 0]) for place, value in enumerate(observed)
        ),
        recall={
            classes[k]: tuple(estimate(float(one.recall[k]), some.recall[:, k]) for one, some in found) for k in present
        },
        area=estimate(float(observed @ shares), drawn @ shares),
        half=_half(levels, places, bool(course["ratio"]), observed, drawn, chance),
    )


def positions(levels: Sequence[float], ratio: bool) -> Floats:
    """Return how far each level is from the first: difference, or binary logarithm of the ratio; float64 ``(L,)``.

    Raises
    ------
    SpecError
        Fewer than two levels, or they do not go away from the first one by one.
    """
    values = np.asarray(levels, dtype=np.float64)
    if ratio and not (values > 0).all():
        raise SpecError(f"levels {list(levels)} are apart by their ratio, so all must be above 0")
    places: Floats = np.abs(np.log2(values / values[0])) if ratio else np.abs(values - values[0])
    one_side = len(values) > 1 and len(set(np.sign(values[1:] - values[0]))) == 1
    if not one_side or not (np.diff(places) > 0).all():
        raise SpecError(f"levels {list(levels)} must go away from the first, one by one and to one side")
    return places


def _level(labels: Ints, predicted: Ints, n_classes: int, weights: Weights) -> tuple[Scores, Scores]:
    """Return a level's scores on the images, and on each resample of them."""
    check_labels(predicted, "predictions", n_classes, rows=len(labels))
    confusion = confusion_matrix(labels, predicted, n_classes)
    cells = labels.astype(np.int64) * n_classes + predicted
    order = np.argsort(cells, kind="stable")
    present, starts = np.unique(cells[order], return_index=True)
    drawn = np.zeros((len(weights), n_classes**2), dtype=np.int64)
    for first in range(0, len(weights), _BLOCK):
        rows = slice(first, first + _BLOCK)
        drawn[rows, present] = np.add.reduceat(weights[rows][:, order], starts, axis=1, dtype=np.int64)
    occurring = (confusion.sum(axis=0) + confusion.sum(axis=1)) > 0
    return scores(confusion), scores(drawn.reshape(-1, n_classes, n_classes), occurring)


def _shares(places: Floats) -> Floats:
    """Return each level's share of the mean along the course (trapezoids), ``(L,)``, summing to 1."""
    gaps = np.diff(places)
    shares = np.zeros_like(places)
    shares[:-1] += gaps / 2
    shares[1:] += gaps / 2
    return np.asarray(shares / places[-1])


def _half(
    levels: tuple[float, ...], places: Floats, ratio: bool, observed: Floats, drawn: Floats, chance: float
) -> Half:
    if np.quantile(drawn[:, 0], (1 - LEVEL) / 2) <= chance:
        return Half(None, None, None)  # not beyond chance to begin with
    tail = (1 - LEVEL) / 2
    crossings = np.array([_crossing(places, row, chance) for row in drawn])
    low, high = np.quantile(crossings, [tail, 1 - tail], method="inverted_cdf")
    sign = 1.0 if levels[1] > levels[0] else -1.0

    def level(place: float) -> float | None:
        if math.isinf(place):
            return None
        return float(levels[0] * 2 ** (sign * place)) if ratio else float(levels[0] + sign * place)

    return Half(*(level(float(place)) for place in (_crossing(places, observed, chance), low, high)))


def _crossing(places: Floats, accuracy: Floats, chance: float) -> float:
    """Return where the line first comes down to halfway between its start and chance; infinite where it does not."""
    target = chance + (accuracy[0] - chance) / 2
    below = np.flatnonzero(accuracy <= target)
    if not below.size:
        return math.inf
    at = int(below[0])
    if at == 0:
        return 0.0
    before, after = accuracy[at - 1], accuracy[at]
    return float(places[at - 1] + (places[at] - places[at - 1]) * (before - target) / (before - after))
