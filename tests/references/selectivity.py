"""AUROC by comparing every image of the class with every other one, and DeLong's variance of it."""

from __future__ import annotations

import math

import numpy as np


def auroc(column: np.ndarray, positive: np.ndarray) -> tuple[float, float]:
    """The value and its standard error."""
    members = [float(value) for value, inside in zip(column, positive, strict=True) if inside]
    others = [float(value) for value, inside in zip(column, positive, strict=True) if not inside]
    if not members or not others:
        return math.nan, math.nan
    wins = [[1.0 if a > b else 0.5 if a == b else 0.0 for b in others] for a in members]
    value = sum(map(sum, wins)) / len(members) / len(others)
    if len(members) < 2 or len(others) < 2:
        return value, math.nan
    of_members = [sum(row) / len(others) for row in wins]
    of_others = [sum(row[place] for row in wins) / len(members) for place in range(len(others))]
    first = sum((v - value) ** 2 for v in of_members) / (len(members) - 1) / len(members)
    second = sum((v - value) ** 2 for v in of_others) / (len(others) - 1) / len(others)
    return value, math.sqrt(first + second)
