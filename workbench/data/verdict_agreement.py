"""How far reviewers agree: shares of equal opinions, Cohen's kappa for two, Krippendorff's alpha for all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations


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
    """

    first: str
    second: str
    both: int
    equal: float
    kappa: float


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
    """

    pairs: tuple[Pair, ...]
    images: int
    alpha: float


def agreement(opinions: Sequence[Mapping[str, str]]) -> Agreement:
    """Compare reviewers.

    Parameters
    ----------
    opinions : sequence of mapping
        For each image the opinion of each reviewer who has one.
    """
    names = sorted({name for image in opinions for name in image})
    pairs = [_pair(first, second, opinions) for first, second in combinations(names, 2)]
    shared = [Counter(image.values()) for image in opinions if len(image) > 1]
    return Agreement(
        tuple(sorted(pairs, key=lambda pair: (-pair.both, pair.first, pair.second))), len(shared), alpha(shared)
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
    return Pair(first, second, len(both), equal, kappa(both))
