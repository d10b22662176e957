"""Evidence for labels written literally: whole columns permuted and drawn again, ranks by counting."""

from __future__ import annotations

import math

import numpy as np


def similarities_of_permuted(
    log_probabilities, activations: np.ndarray, scores: np.ndarray, weight: float, draws: int, seed: int
) -> np.ndarray:
    """A random unit's whole column permuted, again and again; the layer's mean is taken with it in the unit's place."""
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(draws):
        unit = generator.integers(activations.shape[1])
        column = generator.permutation(activations[:, unit])
        layer = log_probabilities(activations, scores) if weight else np.zeros((1 + unit, scores.shape[1]))
        layer[unit] = log_probabilities(column[:, None], scores)[0]
        offset = weight * np.log(np.exp(layer).mean(axis=0)) if weight else 0.0
        drawn.append(layer[unit] - offset)
    return np.array(drawn)


def labels_of_resample(similarity, activations: np.ndarray, scores: np.ndarray, counts: np.ndarray) -> list[int]:
    rows = [row for row, count in enumerate(counts) for _ in range(count)]
    return [int(np.argmax(row)) for row in similarity(activations[rows], scores[rows])]


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    def ranks(values: np.ndarray) -> list[float]:
        return [sum(v < x for v in values) + (sum(v == x for v in values) + 1) / 2 for x in values]

    first, second = ranks(a), ranks(b)
    mean_first, mean_second = sum(first) / len(first), sum(second) / len(second)
    covariance = sum((x - mean_first) * (y - mean_second) for x, y in zip(first, second, strict=True))
    spread = sum((x - mean_first) ** 2 for x in first) * sum((y - mean_second) ** 2 for y in second)
    return covariance / math.sqrt(spread) if spread else math.nan


def benjamini_hochberg(p: list[float]) -> list[float]:
    """The least share of false calls at which the unit is called: min over larger p of p x units / rank."""
    order = sorted(range(len(p)), key=lambda unit: p[unit])
    q = [1.0] * len(p)
    least = 1.0
    for rank in range(len(p), 0, -1):
        unit = order[rank - 1]
        least = min(least, p[unit] * len(p) / rank)
        q[unit] = least
    return q
