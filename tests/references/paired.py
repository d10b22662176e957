"""McNemar's exact test by adding up the binomial; the interval of a paired difference by drawing images again."""

from __future__ import annotations

import math

import numpy as np


def mcnemar(before: np.ndarray, after: np.ndarray) -> tuple[int, int, float]:
    gained = sum(bool(b and not a) for a, b in zip(before, after, strict=True))
    lost = sum(bool(a and not b) for a, b in zip(before, after, strict=True))
    total = gained + lost
    tail = sum(math.comb(total, k) for k in range(min(gained, lost) + 1)) / 2**total
    return gained, lost, min(1.0, 2 * tail)


def difference(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float]:
    changes = after.astype(float) - before.astype(float)
    rng = np.random.default_rng(0)
    means = [float(rng.choice(changes, len(changes)).mean()) for _ in range(2000)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(changes.mean()), float(low), float(high)
