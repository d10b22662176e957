"""McNemar's exact test by adding up the binomial."""

from __future__ import annotations

import math

import numpy as np


def mcnemar(before: np.ndarray, after: np.ndarray) -> tuple[int, int, float]:
    gained = sum(bool(b and not a) for a, b in zip(before, after, strict=True))
    lost = sum(bool(a and not b) for a, b in zip(before, after, strict=True))
    total = gained + lost
    tail = sum(math.comb(total, k) for k in range(min(gained, lost) + 1)) / 2**total
    return gained, lost, min(1.0, 2 * tail)
