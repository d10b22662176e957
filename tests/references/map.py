"""Slow, literal float64 forms of the formulas in workbench.methods.map, map_quality and angles."""

from __future__ import annotations

import itertools
import math

import numpy as np


def rank(distances: np.ndarray, point: int, other: int) -> int:
    """Return the place of ``other`` among the points nearest to ``point``, 1 the nearest."""
    nearer = [row for row in range(len(distances)) if row != point and distances[row] < distances[other]]
    return len(nearer) + 1


def nearest(points: np.ndarray, point: int, k: int) -> list[int]:
    distances = [math.dist(points[point], other) for other in points]
    return sorted((row for row in range(len(points)) if row != point), key=lambda row: distances[row])[:k]


def trustworthiness(vectors: np.ndarray, points: np.ndarray, k: int) -> float:
    count, total = len(vectors), 0
    for point in range(count):
        distances = np.array([math.dist(vectors[point], other) for other in vectors])
        for other in nearest(points, point, k):
            place = rank(distances, point, other)
            total += place - k if place > k else 0
    return 1 - 2 / (count * k * (2 * count - 3 * k - 1)) * total


def purity(points: np.ndarray, labels: np.ndarray, k: int) -> float:
    shares = []
    for point in range(len(points)):
        near = nearest(points, point, k)
        shares.append(sum(labels[other] == labels[point] for other in near) / k)
    return sum(shares) / len(shares)


def pairs_cosine(first: np.ndarray, second: np.ndarray, same: bool) -> float:
    """Mean product of all pairs; of ``same`` vectors without those of a vector with itself."""
    products = [a @ b for i, a in enumerate(first) for j, b in enumerate(second) if not (same and i == j)]
    return float(np.mean(products))


def angles(vectors: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    means = [vectors[labels == name].astype(np.float64).mean(axis=0) for name in range(classes)]
    grand = sum(means) / classes
    found = np.zeros((classes, classes))
    for one, other in itertools.permutations(range(classes), 2):
        a, b = means[one] - grand, means[other] - grand
        found[one, other] = math.degrees(math.acos(a @ b / math.sqrt(a @ a) / math.sqrt(b @ b)))
    return found


def spearman(first: list[float], second: list[float]) -> float:
    """Rank correlation; equal values share the mean of their ranks."""

    def ranks(values: list[float]) -> np.ndarray:
        return np.array([(sum(v < x for v in values) + sum(v <= x for v in values) + 1) / 2 for x in values])

    a, b = ranks(first), ranks(second)
    return float(
        ((a - a.mean()) * (b - b.mean())).sum() / math.sqrt(((a - a.mean()) ** 2).sum() * ((b - b.mean()) ** 2).sum())
    )


def mantel(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Spearman over pairs of classes, and the share of orders of the second's classes that reach it."""
    size = len(first)
    pairs = list(itertools.combinations(range(size), 2))
    values = [first[pair] for pair in pairs]
    found = [
        spearman(values, [second[order[one], order[other]] for one, other in pairs])
        for order in itertools.permutations(range(size))
    ]
    return found[0], sum(each >= found[0] - 1e-9 for each in found) / len(found)
