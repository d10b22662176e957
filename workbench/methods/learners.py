"""The kinds of probe: each learns from features and labels, answers features, and is kept as plain arrays.

:data:`LEARNERS` holds them by name; the one setting of each that matters most is chosen by :func:`choose` on images
that are not learned from.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from workbench.errors import SpecError
from workbench.methods.bootstrap import Estimate
from workbench.methods.forest import Forest, grow
from workbench.methods.knn import Neighbourhood, remember
from workbench.methods.metrics import evaluate
from workbench.methods.perceptron import Perceptron, train
from workbench.methods.probe import Probe, fit
from workbench.methods.shapes import Floats, Ints

TRIAL = 100
"""Trees of the forests that choose the smallest leaf; the one chosen grows on from there."""
_LEAST = 1e-12
"""Probabilities below it count as this in a logarithm."""


class Learned(Protocol):
    """A classifier of features."""

    @property
    def parameters(self) -> int:
        """How many numbers it keeps."""

    def probabilities(self, features: Floats) -> Floats:
        """Return float64 ``(N, K)`` for features ``(N, D)``; rows sum to 1."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays that make it again."""


@dataclass(frozen=True)
class Learner:
    """A kind of probe.

    Parameters
    ----------
    title : str
        What it is, in words.
    setting : str
        What is chosen, in words.
    grid : tuple of float
        The values that are tried, the smoothest first.
    whole : bool
        Whether the setting is a whole number.
    learn : callable
        ``learn(features (N, D), labels (N,), n_classes, value, seed)``; rows with label -1 are ignored.
    restore : callable
        From arrays; ``KeyError`` or ``ValueError`` where they are not such a classifier's.
    """

    title: str
    setting: str
    grid: tuple[float, ...]
    whole: bool
    learn: Callable[[Floats, Ints, int, float, int], Learned]
    restore: Callable[[Mapping[str, np.ndarray]], Learned]


LEARNERS: Mapping[str, Learner] = {
    "linear": Learner(
        "linear probe",
        "strength of the penalty",
        (10_000.0, 1_000.0, 100.0, 10.0, 1.0),
        False,
        lambda features, labels, n_classes, value, seed: fit(features, labels, n_classes, value, seed),
        Probe.restore,
    ),
    "mlp": Learner(
        "multilayer perceptron",
        "number of hidden units",
        (32, 128, 512),
        True,
        lambda features, labels, n_classes, value, seed: train(features, labels, n_classes, int(value), seed),
        Perceptron.restore,
    ),
    "forest": Learner(
        "random forest",
        "smallest leaf",
        (20, 5, 1),
        True,
        lambda features, labels, n_classes, value, seed: grow(features, labels, n_classes, TRIAL, int(value), seed),
        Forest.restore,
    ),
    "knn": Learner(
        "nearest neighbours",
        "number of neighbours",
        (200, 100, 50, 20, 10, 5, 1),
        True,
        lambda features, labels, n_classes, value, _: remember(features, labels, n_classes, int(value)),
        Neighbourhood.restore,
    ),
}
"""Every kind of probe by its name; the names are those of workbench.specs.LEARNERS."""


@dataclass(frozen=True)
class Tried:
    """One value of the setting, judged on the images that choose.

    Parameters
    ----------
    value : float
        The setting.
    accuracy : Estimate
        Share of right answers, 0..1, with its 95 % bootstrap interval over images.
    log_loss : float
        Mean of ``-log p(label)`` in nats; 0 is best.
    seconds : float
        What learning took.
    """

    value: float
    accuracy: Estimate
    log_loss: float
    seconds: float


WIDEST = 65_536
"""The most hidden units of a perceptron."""


def values_to_try(name: str, given: Sequence[float], images: int) -> tuple[float, ...]:
    """Return the values of a learner's setting, the smoothest first.

    Parameters
    ----------
    name : str
        A key of :data:`LEARNERS`.
    given : sequence of float
        What the user asked for; empty for the learner's own grid, of which numbers of neighbours that there are not
        enough images for are left out.
    images : int
        How many images are learned from.

    Raises
    ------
    SpecError
        A value is not above 0, not whole where it must be, or is more neighbours than there are images.
    """
    learner = LEARNERS[name]
    for value in given:
        if value <= 0 or (learner.whole and value != int(value)):
            wanted = "a whole number, 1 or more" if learner.whole else "above 0"
            raise SpecError(f"settings: {value:g} cannot be a {learner.setting}; it must be {wanted}")
        if name == "knn" and value > images:
            raise SpecError(f"settings: {value:g} neighbours are more than the {images:,} training images")
        if name == "forest" and value > images:
            raise SpecError(f"settings: a leaf of {value:g} images is more than the {images:,} training images")
        if name == "mlp" and value > WIDEST:
            raise SpecError(f"settings: {value:g} hidden units are too many; give at most {WIDEST:,}")
    if given:
        return tuple(sorted(set(given), reverse=learner.grid[0] > learner.grid[-1]))
    return tuple(value for value in learner.grid if name != "knn" or value <= images)


def choose(
    name: str,
    learned_from: tuple[Floats, Ints],
    judged_on: tuple[Floats, Ints],
    n_classes: int,
    values: Sequence[float],
    seed: int = 0,
    tick: Callable[[], None] = lambda: None,
) -> tuple[Learned, tuple[Tried, ...], int]:
    """Learn with every value and keep the one that is right most often on other images.

    Parameters
    ----------
    name : str
        A key of :data:`LEARNERS`.
    learned_from, judged_on : (float array (N, D), int array (N,))
        Features and classes 0 .. K - 1 of the images that are learned from, and of those that choose.
    n_classes : int
        K.
    values : sequence of float
        The values to try, the smoothest first: of equally good ones the first is taken.
    seed : int
        Of what is left to chance.
    tick : callable
        Called after each value.

    Returns
    -------
    learned : Learned
        The one chosen, as it was judged: it has learned from ``learned_from`` alone.
    tried : tuple of Tried
        In the order of ``values``.
    place : int
        Which was chosen.
    """
    best: tuple[Learned, int] | None = None
    tried: list[Tried] = []
    features, labels = judged_on
    for value, (learned, found, seconds) in zip(
        values, _trials(name, learned_from, features, n_classes, values, seed), strict=True
    ):
        accuracy = evaluate(labels, ranks(found, 1), found, top_k=(), seed=seed).accuracy
        own = np.maximum(found[np.arange(len(labels)), labels], _LEAST)
        tried.append(Tried(float(value), accuracy, float(-np.log(own).mean()), seconds))
        if best is None or accuracy.value > tried[best[1]].accuracy.value:
            best = learned, len(tried) - 1
        tick()
    if best is None:
        raise SpecError("there is no value of the setting to try")
    return best[0], tuple(tried), best[1]


def _trials(
    name: str,
    learned_from: tuple[Floats, Ints],
    features: Floats,
    n_classes: int,
    values: Sequence[float],
    seed: int,
) -> Iterator[tuple[Learned, Floats, float]]:
    """Yield for each value what was learned, what it says of the features, and the seconds that learning took."""
    if name == "knn" and values:  # one search serves every number of neighbours
        begun = time.perf_counter()
        most = remember(*learned_from, n_classes, int(max(values)))
        seconds = time.perf_counter() - begun
        voters = most.voters(features)
        for value in values:
            fewer = replace(most, k=int(value))
            yield fewer, fewer.shares(voters[:, : fewer.k]), seconds
        return
    for value in values:
        begun = time.perf_counter()
        learned = LEARNERS[name].learn(*learned_from, n_classes, value, seed)
        seconds = time.perf_counter() - begun
        yield learned, learned.probabilities(features), seconds


def ranks(probabilities: Floats, top_k: int) -> Ints:
    """Return the classes from the most probable on, int64 ``(N, top_k)``; ties go to the first class."""
    return np.argsort(-probabilities, axis=1, kind="stable")[:, :top_k].astype(np.int64)


def log_probabilities(probabilities: Floats) -> Floats:
    """Return logarithms whose softmax gives the probabilities back, float64 ``(N, K)``; none is below -27.7.

    In float32 shares of votes that differ by who is nearer would be equal.
    """
    return np.log(np.maximum(probabilities, _LEAST, dtype=np.float64))
