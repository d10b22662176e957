"""Percentile bootstrap: how much a number would vary if the images were drawn again.

A resample draws N images with replacement from the N at hand. Whatever depends on the images only through counts of
cells (label, prediction, ..) can be resampled without them: the counts of a resample of images *are* multinomial with N
draws and the observed shares, so drawing them directly gives the same distribution at a cost that does not grow with N.
What depends on each image's own number (confidences, log probabilities) is resampled image by image.

References
----------
Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile intervals).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from workbench.errors import SpecError
from workbench.methods.shapes import Floats, Ints

RESAMPLES = 1000
LEVEL = 0.95


class Estimate(NamedTuple):
    """A number ``value`` with its bootstrap interval ``low`` to ``high``, at 95 % unless said otherwise."""

    value: float
    low: float
    high: float


def estimate(value: float, samples: Floats, level: float = LEVEL) -> Estimate:
    """Return a value with the percentile interval of its resampled values.

    Parameters
    ----------
    value : float
        The number on the images themselves.
    samples : float array (R,)
        The number on each resample.
    level : float
        Share of the resamples inside the interval, above 0 and below 1.
    """
    if not 0 < level < 1:
        raise SpecError(f"level is {level}; it must lie between 0 and 1, for example 0.95")
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(value), float(low), float(high))


def resample_counts(counts: Ints, resamples: int = RESAMPLES, seed: int = 0) -> Ints:
    """Draw the cell counts of resamples of the images.

    Parameters
    ----------
    counts : int array, any shape
        How many images fall in each cell; at least one image.
    resamples : int
        R, from 1.
    seed : int
        Equal seeds give equal draws.

    Returns
    -------
    int64 array (R, *counts.shape)
        Each resample sums to ``counts.sum()``.
    """
    total = int(counts.sum())
    _check(total, resamples)
    cells = counts.ravel()
    occupied = np.flatnonzero(cells)  # cells without images stay empty in every resample
    drawn = np.zeros((resamples, cells.size), dtype=np.int64)
    drawn[:, occupied] = np.random.default_rng(seed).multinomial(total, cells[occupied] / total, size=resamples)
    return drawn.reshape(resamples, *counts.shape)


def resample_group_sums(
    values: Floats, groups: Ints, n_groups: int, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Ints, Floats]:
    """Count and add up the images of each group, in resamples of the images.

    Parameters
    ----------
    values : float array (N, F)
        Numbers of each image.
    groups : int array (N,)
        The group of each image, 0 .. G - 1.
    n_groups : int
        G.
    resamples, seed : int
        As in :func:`resample_counts`.

    Returns
    -------
    counts : int64 array (R, G)
        Images in each group.
    sums : float64 array (R, G, F)
        Their numbers added up.
    """
    _check(len(groups), resamples)
    order = np.argsort(groups, kind="stable")
    present, starts = np.unique(groups[order], return_index=True)
    columns = np.ascontiguousarray(values[order].T, dtype=np.float64)  # (F, N), groups side by side
    counts = np.zeros((resamples, n_groups), dtype=np.int64)
    sums = np.zeros((resamples, n_groups, len(columns)))
    for index, weights in enumerate(_weights(len(groups), resamples, seed)):
        counts[index, present] = np.add.reduceat(weights, starts)
        for feature, column in enumerate(columns):
            sums[index, present, feature] = np.add.reduceat(weights * column, starts)
    return counts, sums


def _weights(n: int, resamples: int, seed: int) -> Iterator[Ints]:
    """Yield how often each image was drawn, resample by resample: ``(n,)``."""
    generator = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(generator.integers(0, n, size=n, dtype=np.int32), minlength=n)


def _check(images: int, resamples: int) -> None:
    if images < 1:
        raise SpecError("there are no images to resample; an interval needs at least one")
    if resamples < 1:
        raise SpecError(f"resamples is {resamples}; it must be 1 or more")
