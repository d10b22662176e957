"""Agreement of reviewers by counting pairs of judgements one at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def alpha(opinions: Sequence[Mapping[str, str]]) -> float:
    """Krippendorff's alpha, nominal: the coincidence matrix filled pair by pair."""
    coincidences: dict[tuple[str, str], float] = {}
    for image in opinions:
        for first in image:
            for second in image:
                if first != second:
                    cell = image[first], image[second]
                    coincidences[cell] = coincidences.get(cell, 0.0) + 1 / (len(image) - 1)
    totals: dict[str, float] = {}
    for (value, _), share in coincidences.items():
        totals[value] = totals.get(value, 0.0) + share
    number = sum(totals.values())
    observed = sum(share for (a, b), share in coincidences.items() if a != b) / number
    expected = sum(totals[a] * totals[b] for a in totals for b in totals if a != b) / (number * (number - 1))
    return 1 - observed / expected


def kappa(pairs: Sequence[tuple[str, str]]) -> float:
    """Cohen's kappa: agreement, and what every pair of one's and the other's judgements would agree on."""
    equal = sum(a == b for a, b in pairs) / len(pairs)
    chance = sum(first == second for first, _ in pairs for _, second in pairs) / len(pairs) ** 2
    return (equal - chance) / (1 - chance)
