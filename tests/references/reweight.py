"""Reweighting written literally, one unit, setting and image at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence


def scale_of_unit(value: float, threshold: float, factor: float, rule: str, by: str, layer: Sequence[float]) -> float:
    if rule == "similarity":
        mean = sum(layer) / len(layer)
        deviation = math.sqrt(sum((other - mean) ** 2 for other in layer) / len(layer))
        distance = (value - threshold) / deviation
        return factor ** max(-1.0, min(1.0, distance))
    interpretable = value <= threshold if by == "q" else value > threshold
    return factor if interpretable else 1 / factor


def best_setting(right: Sequence[Sequence[bool]], before: Sequence[bool], changes: Sequence[float]) -> int:
    """The setting with the most right images, the mildest of equals, or -1 where none beats the network as it is."""
    best, best_count = -1, sum(before)
    for index, images in enumerate(right):
        count = sum(images)
        milder = best >= 0 and count == best_count and changes[index] < changes[best]
        if count > best_count or milder:
            best, best_count = index, count
    return best


def half_optimism(right: Sequence[Sequence[bool]], before: Sequence[bool], first: Sequence[int]) -> tuple[float, float]:
    """Gain of the setting that is best on the images ``first``: on them, and on all others."""
    other = [image for image in range(len(before)) if image not in set(first)]

    def gain(setting: Sequence[bool], images: Sequence[int]) -> float:
        return sum(int(setting[i]) - int(before[i]) for i in images) / len(images)

    gains = [gain(setting, first) for setting in right]
    best = max(range(len(right)), key=lambda s: (gains[s], -s))
    return (gain(right[best], first), gain(right[best], other)) if gains[best] > 0 else (0.0, 0.0)
