"""Shares of images, and whether two groups' shares differ: intervals that hold for small groups and for no errors.

A bootstrap of a group without errors has an interval of length 0; these have not.

References
----------
Wilson, Probable Inference, the Law of Succession, and Statistical Inference, 1927 (interval of a share).
Newcombe, Interval Estimation for the Difference between Independent Proportions, 1998 (its method 10).
Newcombe, Improved Confidence Intervals for the Difference between Binomial Proportions Based on Paired Data, 1998 (its
method 10).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.stats import fisher_exact, norm

from workbench.errors import SpecError
from workbench.methods.bootstrap import LEVEL, Estimate

_Z = float(norm.ppf((1 + LEVEL) / 2))


class Contrast(NamedTuple):
    """A group against the rest: both shares, the group's minus the rest's, and Fisher's exact two-sided p."""

    share: Estimate
    rest: Estimate
    difference: Estimate
    p: float


def share(count: int, total: int) -> Estimate:
    """Return ``count / total`` with Wilson's 95 % interval; NaN with 0 to 1 where ``total`` is 0.

    Raises
    ------
    SpecError
        ``count`` is not in 0 .. ``total``.
    """
    if not 0 <= count <= total:
        raise SpecError(f"{count} of {total} is no share")
    if not total:
        return Estimate(math.nan, 0.0, 1.0)
    value = count / total
    middle = (value + _Z**2 / (2 * total)) / (1 + _Z**2 / total)
    half = _Z / (1 + _Z**2 / total) * math.sqrt(value * (1 - value) / total + _Z**2 / (4 * total**2))
    return Estimate(value, max(0.0, middle - half) if count else 0.0, min(1.0, middle + half) if count < total else 1.0)


def difference(first: Estimate, second: Estimate) -> Estimate:
    """Return ``first - second`` of two independent shares with Newcombe's 95 % interval, in -1 to 1.

    Parameters
    ----------
    first, second : Estimate
        What :func:`share` returned.
    """
    value = first.value - second.value
    if math.isnan(value):
        return Estimate(value, -1.0, 1.0)
    low = value - math.hypot(first.value - first.low, second.high - second.value)
    high = value + math.hypot(first.high - first.value, second.value - second.low)
    return Estimate(value, max(-1.0, low), min(1.0, high))


def paired_difference(total: int, gained: int, lost: int, both: int) -> Estimate:
    """Return the share right after minus the share right before, of the same images, with Newcombe's 95 % interval.

    Parameters
    ----------
    total : int
        Images, at least 1.
    gained, lost, both : int
        Images right after only, before only, and both times.

    Raises
    ------
    SpecError
        The counts do not fit the total.
    """
    neither = total - gained - lost - both
    if total < 1 or min(gained, lost, both, neither) < 0:
        raise SpecError(f"{gained} gained, {lost} lost and {both} both times do not fit {total} images")
    before, after = share(both + lost, total), share(both + gained, total)
    margins = math.sqrt((both + lost) * (gained + neither) * (both + gained) * (lost + neither))
    product = both * neither - gained * lost
    phi = (max(product - total / 2, 0.0) if product > 0 else product) / margins if margins else 0.0
    value = (gained - lost) / total

    def reach(one: float, other: float) -> float:
        return math.sqrt(max(0.0, one**2 - 2 * phi * one * other + other**2))

    low = value - reach(after.value - after.low, before.high - before.value)
    high = value + reach(after.high - after.value, before.value - before.low)
    return Estimate(value, max(-1.0, low), min(1.0, high))


def contrast(wrong: int, images: int, rest_wrong: int, rest_images: int) -> Contrast:
    """Compare a group's share of wrong images with the rest's.

    Parameters
    ----------
    wrong, images : int
        Of the group.
    rest_wrong, rest_images : int
        Of all images outside it.
    """
    inside, outside = share(wrong, images), share(rest_wrong, rest_images)
    table = np.array([[wrong, images - wrong], [rest_wrong, rest_images - rest_wrong]])
    p = float(fisher_exact(table)[1])
    return Contrast(inside, outside, difference(inside, outside), p)
