"""A probe: multinomial logistic regression on frozen features, and predictions for rows it has not learned from.

Features are standardised by the training rows. The loss is the summed cross-entropy plus ``strength / 2`` times the
squared length of the weights; the bias is free. It is convex, so a probe depends on nothing but its rows.

References
----------
Alain & Bengio, Understanding intermediate layers using linear classifier probes, 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import SpecError
from workbench.methods.shapes import Floats, Ints, check_embeddings

STRENGTHS = (10.0, 100.0, 1000.0)
"""Strengths that :func:`choose_strength` tries, as a rule of thumb for hundreds to tens of thousands of rows."""

_NEVER = -200.0
"""Logit of a class that no training row has: its probability is 0 for all practical purposes, and yet finite."""
_MOST_ROWS = 8000
_MAX_ITERATIONS = 2000


@dataclass(frozen=True)
class Probe:
    """A fitted probe of K classes on D features.

    Parameters
    ----------
    weights : float64 array (D, K)
        Of the standardised features.
    bias : float64 array (K,)
        About -200 for a class that no training row had.
    mean, scale : float64 array (D,)
        What is subtracted from the features, and what they are divided by; 1 for a constant feature.
    """

    weights: Floats
    bias: Floats
    mean: Floats
    scale: Floats

    def logits(self, features: Floats) -> Floats:
        """Return float64 ``(N, K)`` for features ``(N, D)``."""
        return np.asarray((np.asarray(features, dtype=np.float64) - self.mean) / self.scale @ self.weights + self.bias)

    def probabilities(self, features: Floats) -> Floats:
        """Return float64 ``(N, K)``, rows summing to 1."""
        return softmax(self.logits(features))

    @property
    def parameters(self) -> int:
        """How many numbers were learned: weights and biases."""
        return int(self.weights.size + self.bias.size)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what :meth:`restore` takes."""
        return {"weights": self.weights, "bias": self.bias, "mean": self.mean, "scale": self.scale}

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray]) -> Probe:
        """Make it from its arrays; ``KeyError`` or ``ValueError`` where they do not belong together."""
        weights, bias, mean, scale = (arrays[name] for name in ("weights", "bias", "mean", "scale"))
        if weights.shape != (*mean.shape, *bias.shape) or scale.shape != mean.shape:
            raise ValueError("weights, bias, mean and scale do not fit each other")
        return cls(weights, bias, mean, scale)


def fit(features: Floats, labels: Ints, n_classes: int, strength: float = 100.0, seed: int = 0) -> Probe:
    """Fit a probe.

    Parameters
    ----------
    features : float array (N, D)
        Any scale; standardised here.
    labels : int array (N,)
        Class of each row, 0 .. K - 1; rows with -1 are ignored.
    n_classes : int
        K.
    strength : float
        Weight of the penalty, above 0; greater is smoother.
    seed : int
        Passed on to the solver, which needs no chance.

    Raises
    ------
    SpecError
        A feature is not finite, or fewer than two classes occur.
    """
    from sklearn.linear_model import LogisticRegression  # slow to import; reading stored results does without
    from threadpoolctl import threadpool_limits

    if strength <= 0:
        raise SpecError(f"strength is {strength}; it must be above 0")
    rows = check_rows(features, labels, n_classes)
    present = np.unique(labels[rows])
    known = np.asarray(features[rows], dtype=np.float64)
    mean, scale = standard_scale(known)
    model = LogisticRegression(C=1 / strength, max_iter=_MAX_ITERATIONS, random_state=seed)
    with threadpool_limits(1):  # its many short products wait for each other on a busy machine: 20 times as long there
        model.fit((known - mean) / scale, labels[rows])
    weights, bias = np.zeros((features.shape[1], n_classes)), np.full(n_classes, _NEVER)
    if len(present) == 2:  # scikit-learn gives the difference of the two
        weights[:, present], bias[present] = model.coef_.T / 2 * [-1, 1], model.intercept_ / 2 * [-1, 1]
    else:
        weights[:, present], bias[present] = model.coef_.T, model.intercept_
    return Probe(weights, bias, mean, scale)


def check_rows(features: Floats, labels: Ints, n_classes: int) -> Ints:
    """Return the places of the labelled rows, ascending, if a classifier can learn from them.

    Raises
    ------
    SpecError
        A feature is not finite, or fewer than two classes occur.
    """
    _check(features, labels, n_classes)
    rows = np.flatnonzero(labels >= 0)
    present = len(np.unique(labels[rows]))
    if present < 2:
        raise SpecError(f"the labelled images have {_classes(present)}; a probe needs at least two")
    return rows


def standard_scale(features: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each column, float64 ``(D,)``; 1 in place of a deviation of about 0."""
    mean, deviation = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    return np.asarray(mean), np.where(deviation > 1e-6 * (1 + np.abs(mean)), deviation, 1.0)


def folds(labels: Ints, groups: Ints, n_folds: int, seed: int = 0) -> Ints:
    """Deal rows to folds: members of a group together, each class spread evenly.

    Parameters
    ----------
    labels : int array (N,)
        Class of each row, -1 for none (those are spread evenly too).
    groups : int array (N,)
        Number of each row's group, -1 for a row on its own, as in :class:`workbench.methods.duplicates.Groups`. A group
        counts as of its first labelled row's class.
    n_folds : int
        F, 2 or more.
    seed : int
        Seed of the dealing.

    Returns
    -------
    int64 array (N,)
        0 .. F - 1.

    Raises
    ------
    SpecError
        There are fewer labelled groups than folds.
    """
    if labels.shape != groups.shape:
        raise ValueError(f"labels have shape {labels.shape}, groups {groups.shape}")
    alone = groups < 0
    unit = np.where(alone, np.arange(len(groups)) + int(groups.max(initial=-1)) + 1, groups)
    _, unit, size = np.unique(unit, return_inverse=True, return_counts=True)
    kind = np.full(len(size), -1, dtype=np.int64)
    known = np.flatnonzero(labels >= 0)[::-1]  # the last assignment stands: the first labelled row's
    kind[unit[known]] = labels[known]
    if n_folds < 2 or int((kind >= 0).sum()) < n_folds:
        found = int((kind >= 0).sum())
        raise SpecError(f"{n_folds} folds need at least {max(2, n_folds)} different labelled images; there are {found}")
    shuffled = np.random.default_rng(seed).permutation(len(size))
    order = shuffled[np.lexsort((-size[shuffled], kind[shuffled]))]  # by class, large groups first, else by chance
    dealt = np.empty(len(size), dtype=np.int64)
    dealt[order] = np.arange(len(size)) % n_folds
    return np.asarray(dealt[unit])


def out_of_fold(
    features: Floats,
    labels: Ints,
    fold: Ints,
    n_classes: int,
    strength: float = 100.0,
    tick: Callable[[], None] = lambda: None,
) -> Floats:
    """Judge each row by a probe that has learned from the other folds only.

    Parameters
    ----------
    features, labels, n_classes, strength
        As for :func:`fit`.
    fold : int array (N,)
        What :func:`folds` returns; with it, no probe has seen a row's duplicates either.
    tick : callable
        Called after each fold.

    Returns
    -------
    float64 array (N, K)
        Probabilities. Rows without a label are judged by the mean of all probes. A class whose rows all lie in one fold
        is unknown to the probe that judges them, so their probability of it is about 0 and says nothing.

    Raises
    ------
    SpecError
        A feature is not finite, or the rows outside some fold have fewer than two classes.
    """
    _check(features, labels, n_classes)
    result = np.zeros((len(features), n_classes))
    unlabelled = np.flatnonzero(labels < 0)
    names = np.unique(fold[labels >= 0])
    for name in names:
        learned = np.where(fold == name, -1, labels)
        probe = fit(features, learned, n_classes, strength)
        judged = np.flatnonzero((fold == name) & (labels >= 0))
        result[judged] = probe.probabilities(features[judged])
        result[unlabelled] += probe.probabilities(features[unlabelled]) / len(names)
        tick()
    return result


def choose_strength(
    features: Floats,
    labels: Ints,
    groups: Ints,
    n_classes: int,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> float:
    """Return the strength with the least cross-validated log loss; of equal ones the greatest.

    Three folds, groups kept together; of more than 8,000 labelled rows a seeded sample is taken, for which strengths
    are scaled down in proportion.

    Parameters
    ----------
    features, labels, groups, n_classes, seed
        As for :func:`fit` and :func:`folds`.
    strengths : sequence of float
        What is tried, each above 0.

    Raises
    ------
    SpecError
        As :func:`fit` and :func:`folds`; a probe on two of three folds needs two classes.
    """
    rows = np.flatnonzero(labels >= 0)
    share = min(1.0, _MOST_ROWS / max(1, len(rows)))
    if share < 1:
        rows = np.sort(np.random.default_rng(seed).choice(rows, _MOST_ROWS, replace=False))
    known, given = features[rows], labels[rows]
    fold = folds(given, groups[rows], 3, seed)
    best, least = 0.0, np.inf
    for strength in sorted(strengths, reverse=True):
        found = out_of_fold(known, given, fold, n_classes, strength * share)
        loss = float(-np.log(np.maximum(found[np.arange(len(given)), given], 1e-12)).mean())
        if loss < least:
            best, least = strength, loss
    return best


def softmax(logits: Floats) -> Floats:
    """Return the probabilities of logits ``(N, K)``; rows sum to 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _check(features: Floats, labels: Ints, n_classes: int) -> None:
    check_embeddings(features, "features", "ND")
    if labels.shape != (len(features),) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be an integer array ({len(features)},), not {labels.dtype} {labels.shape}")
    if labels.size and (labels.max() >= n_classes or labels.min() < -1):
        raise ValueError(f"labels lie outside -1 to {n_classes - 1}")


def _classes(count: int) -> str:
    return {0: "no class", 1: "one class only"}[count]
