"""How far reviewers agree: shares of equal opinions, Cohen's kappa for two, Krippendorff's alpha for all.

Their 95 % intervals are percentiles of a bootstrap: images are drawn again, each with all that was said of it. Where
nobody differs on any image there is none: every resample would agree as fully, which proves nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

RESAMPLES = 1000
_SEED = 0
Interval = tuple[float, float]
_UNKNOWN: Interval = (math.nan, math.nan)


@dataclass(frozen=True)
class Pair:
    """Two reviewers (``first`` before ``second`` in alphabetical order) and the images both judged.

    Parameters
    ----------
    both : int
        Images on which both have an opinion.
    equal : float
        Share of those on which the opinions are equal, 0 to 1; NaN without any.
    kappa : float
        Cohen's kappa, at most 1: agreement beyond what the two reviewers' own frequencies give by chance (0). NaN
        where there is no such image, or where both only ever said one and the same thing.
    interval : tuple of float
        The kappa's 95 % interval; NaN where there is none.
    """

    first: str
    second: str
    both: int
    equal: float
    kappa: float
    interval: Interval = _UNKNOWN


@dataclass(frozen=True)
class Agreement:
    """The agreement of all reviewers of a dataset.

    Parameters
    ----------
    pairs : tuple of Pair
        Every two reviewers, those with most images in common first.
    images : int
        Images on which at least two reviewers have an opinion.
    alpha : float
        Krippendorff's alpha for nominal data over those images, at most 1; 0 is chance. NaN where it is not defined.
    interval : tuple of float
        The alpha's 95 % interval; NaN where there is none.
    equal : int
        Those images on which all opinions are equal.
    verdicts, blind : int
        Opinions on those images, and how many of them were given without sight of what others or models think.
    """

    pairs: tuple[Pair, ...]
    images: int
    alpha: float
    interval: Interval = _UNKNOWN
    equal: int = 0
    verdicts: int = 0
    blind: int = 0


def agreement(opinions: Sequence[Mapping[str, str]], blind: Sequence[int] = ()) -> Agreement:
    """Compare reviewers.

    Parameters
    ----------
    opinions : sequence of mapping
        For each image the opinion of each reviewer who has one.
    blind : sequence of int
        For each image how many of those opinions were given blind; none where not given.
    """
    names = sorted({name for image in opinions for name in image})
    pairs = [_pair(first, second, opinions) for first, second in combinations(names, 2)]
    shared = [Counter(image.values()) for image in opinions if len(image) > 1]
    return Agreement(
        tuple(sorted(pairs, key=lambda pair: (-pair.both, pair.first, pair.second))),
        len(shared),
        alpha(shared),
        _alpha_interval(shared),
        sum(len(image) == 1 for image in shared),
        sum(image.total() for image in shared),
        sum(count for image, count in zip(opinions, blind, strict=False) if len(image) > 1),
    )


def blindness(found: Agreement) -> str:
    """Return one sentence on how far the agreement was reached independently; for one with verdicts."""
    if found.blind == found.verdicts:
        return f"All {found.verdicts:,} verdicts behind the agreement were given blind."
    told = "None" if not found.blind else f"Only {found.blind:,}"
    return (
        f"{told} of the {found.verdicts:,} verdicts behind the agreement {'was' if found.blind < 2 else 'were'} given "
        "blind; label and proposals pull reviewers together who see them: kappa and alpha may be too high."
    )


def alpha(images: Sequence[Mapping[str, int]]) -> float:
    """Return Krippendorff's alpha for nominal data: one minus observed over expected disagreement.

    Parameters
    ----------
    images : sequence of mapping
        For each image how many reviewers have each opinion, at least two in all.

    References
    ----------
    Hayes and Krippendorff, Answering the call for a standard reliability measure for coding data (2007).
    """
    total: Counter[str] = Counter()
    observed = 0.0
    for image in images:
        total.update(image)
        size = sum(image.values())
        observed += (size**2 - sum(count**2 for count in image.values())) / (size - 1)
    values = sum(total.values())
    expected = (values**2 - sum(count**2 for count in total.values())) / (values - 1) if values > 1 else 0.0
    return 1 - observed / expected if expected else math.nan


def kappa(pairs: Sequence[tuple[str, str]]) -> float:
    """Return Cohen's kappa of two reviewers' opinions, one pair an image; NaN where chance agreement is 1.

    References
    ----------
    Cohen, A coefficient of agreement for nominal scales (1960).
    """
    number = len(pairs)
    if not number:
        return math.nan
    first, second = (Counter(pair[side] for pair in pairs) for side in (0, 1))
    chance = sum(first[name] * second[name] for name in first)
    if chance == number**2:
        return math.nan
    equal = sum(a == b for a, b in pairs)
    return (equal * number - chance) / (number**2 - chance)


def _pair(first: str, second: str, opinions: Sequence[Mapping[str, str]]) -> Pair:
    both = [(image[first], image[second]) for image in opinions if first in image and second in image]
    equal = sum(a == b for a, b in both) / len(both) if both else math.nan
    return Pair(first, second, len(both), equal, kappa(both), _kappa_interval(both))


def _kappa_interval(pairs: Sequence[tuple[str, str]]) -> Interval:
    if all(first == second for first, second in pairs):
        return _UNKNOWN
    names = {name: place for place, name in enumerate(sorted({name for pair in pairs for name in pair}))}
    cells = Counter((names[first], names[second]) for first, second in pairs)
    drawn = np.zeros((RESAMPLES, len(names), len(names)))
    for (first, second), counts in zip(cells, _drawn(list(cells.values())).T, strict=True):
        drawn[:, first, second] = counts
    number = len(pairs)
    chance = (drawn.sum(axis=1) * drawn.sum(axis=2)).sum(axis=1)
    equal = np.trace(drawn, axis1=1, axis2=2)
    return _percentiles(equal * number - chance, number**2 - chance)


def _alpha_interval(images: Sequence[Mapping[str, int]]) -> Interval:
    if all(len(image) == 1 for image in images):
        return _UNKNOWN
    names = {name: place for place, name in enumerate(sorted({name for image in images for name in image}))}
    kinds = Counter(tuple(sorted(image.items())) for image in images)
    counts = np.zeros((len(kinds), len(names)))
    for row, kind in enumerate(kinds):
        for name, count in kind:
            counts[row, names[name]] = count
    sizes = counts.sum(axis=1)
    observed = (sizes**2 - (counts**2).sum(axis=1)) / (sizes - 1)
    drawn = _drawn(list(kinds.values()))
    total = drawn @ counts
    values = total.sum(axis=1)
    expected = (values**2 - (total**2).sum(axis=1)) / (values - 1)
    return _percentiles(expected - drawn @ observed, expected)


def _drawn(counts: Sequence[int]) -> np.ndarray:
    """Return how often each kind of image is drawn in each resample, float64 ``(R, kinds)``."""
    total = sum(counts)
    shares = np.array(counts) / total
    return np.random.default_rng(_SEED).multinomial(total, shares, RESAMPLES).astype(np.float64)


def _percentiles(numerators: np.ndarray, denominators: np.ndarray) -> Interval:
    """Return the 95 % interval of the quotients; resamples in which chance agreement is full say nothing."""
    known = denominators > 0
    if not known.any():
        return _UNKNOWN
    low, high = np.quantile(numerators[known] / denominators[known], [0.025, 0.975])
    return float(low), float(high)
