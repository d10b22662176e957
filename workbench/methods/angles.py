"""Angles between class means around their grand mean: which classes are opposite, which close, and how surely.

The grand mean is the mean of the class means, not of the images: every class counts the same, however many images it
has. Around it the K class means add up to zero, so angles are not 90 degrees where classes are unrelated, but
``arccos(-1 / (K - 1))`` on average (99.6 for seven); greater is more opposite than that, smaller is closer.

The mean of few units is itself uncertain, which draws its angles towards that value: the angles of a class of a dozen
images understate both closeness and opposition, and its intervals are too narrow.

References
----------
Mantel, The Detection of Disease Clustering and a Generalized Regression Approach, 1967 (the permutation test).
Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile intervals).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from workbench.errors import SpecError
from workbench.methods.bootstrap import LEVEL, RESAMPLES
from workbench.methods.shapes import Floats, Ints, check_embeddings, check_labels

EXACT_CLASSES = 8
"""Up to so many classes every order of them is tried (8! = 40,320)."""
ORDERS = 10_000
"""Orders drawn where there are more classes."""
_BLOCK_VALUES = 4_000_000
_SMALLEST = 1e-6


class ClassAngles(NamedTuple):
    """Angles between K classes in degrees, and what they are in R bootstrap resamples.

    Parameters
    ----------
    angles : float64 array (K, K)
        0 (same direction) to 180 (opposite); symmetric, the diagonal 0.
    low, high : float64 array (K, K)
        Ends of the 95 % percentile intervals; NaN for pairs with a class of a single unit, and on the diagonal.
    samples : float64 array (R, K, K)
        The angles in each resample.
    """

    angles: Floats
    low: Floats
    high: Floats
    samples: Floats


class Agreement(NamedTuple):
    """Whether two tables of angles order the pairs of classes alike; see :func:`agreement`.

    Parameters
    ----------
    spearman : float
        Rank correlation over the pairs, -1 to 1.
    p : float
        Share of the orders of the classes in which it is at least as great, the true one included.
    orders : int
        How many orders were tried.
    exact : bool
        Whether these were all orders.
    """

    spearman: float
    p: float
    orders: int
    exact: bool


class Extreme(NamedTuple):
    """A pair of classes ``(first, second)`` and the share of the resamples in which it is the closest, or farthest."""

    first: int
    second: int
    share: float


def class_angles(
    vectors: Floats, labels: Ints, n_classes: int, resamples: int = RESAMPLES, seed: int = 0
) -> ClassAngles:
    """Measure the angles between class means, with intervals over the units that make them up.

    Parameters
    ----------
    vectors : float array (N, D)
        Images, or sentences, of length 1.
    labels : int array (N,)
        The class of each, 0 .. K - 1; every class at least once.
    n_classes : int
        K, from 3.
    resamples : int
        R. Each draws as many units as a class has from that class, with replacement.
    seed : int
        Equal seeds give equal intervals.

    Raises
    ------
    SpecError
        There are fewer than three classes, a class has no unit, a value is not finite, or a class mean equals the grand
        mean, so that it has no direction.
    """
    check_embeddings(vectors, "embeddings", "ND")
    check_labels(labels, "labels", n_classes, rows=len(vectors))
    counts = np.bincount(labels, minlength=n_classes)
    if n_classes < 3 or not counts.all():
        found = int((counts > 0).sum())
        raise SpecError(f"{found} of {n_classes} classes have images; angles around the grand mean need all, and three")
    groups = [vectors[labels == name].astype(np.float32) for name in range(n_classes)]
    means = np.stack([group.mean(axis=0, dtype=np.float64) for group in groups])
    _check_directions(means)
    generator = np.random.default_rng(seed)
    drawn = np.stack([_resampled_means(group, resamples, generator) for group in groups], axis=1)  # (R, K, D)
    samples = angles_between(drawn)
    low, high = np.quantile(samples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    unknown = (counts < 2)[:, None] | (counts < 2)[None, :] | np.eye(n_classes, dtype=bool)
    low, high = (np.where(unknown, np.nan, ends) for ends in (low, high))
    return ClassAngles(angles_between(means), low, high, samples)


def _check_directions(means: Floats) -> None:
    lengths = np.linalg.norm(means - means.mean(axis=0), axis=1)
    if (lengths < _SMALLEST).any():
        raise SpecError(
            f"the mean of class {int(lengths.argmin())} is the grand mean, so it has no direction; angles need classes "
            "whose embeddings differ"
        )


def angles_between(means: Floats) -> Floats:
    """Return the angles in degrees ``(..., K, K)`` between class means ``(..., K, D)`` around their mean."""
    around = means - means.mean(axis=-2, keepdims=True)
    lengths = np.linalg.norm(around, axis=-1, keepdims=True)
    around = around / np.maximum(lengths, _SMALLEST**2)
    cosines = np.clip(around @ np.swapaxes(around, -1, -2), -1, 1)
    angles = np.degrees(np.arccos(cosines))
    angles[..., np.arange(means.shape[-2]), np.arange(means.shape[-2])] = 0
    return np.asarray(angles)


def _resampled_means(group: Floats, resamples: int, generator: np.random.Generator) -> Floats:
    """Return the means ``(R, D)`` of resamples of a group ``(n, D)``: how often each unit is drawn, times the units."""
    count = len(group)
    means = np.empty((resamples, group.shape[1]))
    step = max(1, _BLOCK_VALUES // count)
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        drawn = generator.integers(0, count, size=(size, count), dtype=np.int32) + np.arange(size)[:, None] * count
        weights = np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count).astype(np.float32)
        means[start : start + size] = weights @ group / count
    return means


def agreement(first: Floats, second: Floats, seed: int = 0) -> Agreement:
    """Test whether two tables of angles ``(K, K)`` order the pairs of classes alike: Spearman, with Mantel's test.

    The pairs are no independent observations, since each class is in K - 1 of them; so the classes of the second table
    are put in every order (up to :data:`EXACT_CLASSES`; of more, :data:`ORDERS` seeded ones are drawn), and p is the
    share of orders that agree at least as well. It cannot be below one over their number.

    Raises
    ------
    SpecError
        There are fewer than three classes.
    """
    size = len(first)
    if first.shape != (size, size) or second.shape != (size, size):
        raise ValueError(f"tables must be (K, K), not {first.shape} and {second.shape}")
    if size < 3:
        raise SpecError(f"there are {size} classes; agreement between tables of angles needs three or more")
    upper = np.triu_indices(size, 1)
    ranks = _standardised(rankdata(first[upper]))
    table = np.zeros((size, size))
    table[upper] = _standardised(rankdata(second[upper]))
    table += table.T
    observed = float(ranks @ table[upper])
    exact = size <= EXACT_CLASSES
    tried = reached = 0
    for orders in _orders(size, exact, seed):
        found = table[orders[:, upper[0]], orders[:, upper[1]]] @ ranks
        tried += len(orders)
        reached += int((found >= observed - 1e-9).sum())
    return Agreement(observed, reached / tried, tried, exact)


def _standardised(ranks: Floats) -> Floats:
    """Return ranks with mean 0 and length 1, so that the product of two is their correlation; zeros where all tie."""
    off = ranks - ranks.mean()
    length = float(np.linalg.norm(off))
    return np.asarray(off / length if length else off)


def _orders(size: int, exact: bool, seed: int) -> Iterator[Ints]:
    """Yield orders of the classes ``(B, K)``; the present one is always among them."""
    if exact:
        yield np.array(list(itertools.permutations(range(size))))
        return
    generator = np.random.default_rng(seed)
    yield np.arange(size)[None, :]
    yield generator.permuted(np.tile(np.arange(size), (ORDERS - 1, 1)), axis=1)


def extremes(found: ClassAngles) -> tuple[Extreme, Extreme]:
    """Return the pair of classes with the smallest angle and that with the greatest."""
    upper = np.triu_indices(len(found.angles), 1)
    values = found.angles[upper]
    samples = found.samples[:, upper[0], upper[1]]  # (R, P)
    pairs = []
    for place, chosen in ((values.argmin(), samples.argmin(axis=1)), (values.argmax(), samples.argmax(axis=1))):
        pairs.append(Extreme(int(upper[0][place]), int(upper[1][place]), float((chosen == place).mean())))
    return pairs[0], pairs[1]


def unrelated(n_classes: int) -> float:
    """Return the angle in degrees that K classes with nothing in common are at on average: ``arccos(-1 / (K - 1))``."""
    return math.degrees(math.acos(-1 / (n_classes - 1)))
