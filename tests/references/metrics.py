"""Metrics written literally, one image at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def expected_calibration_error(confidence: Sequence[float], correct: Sequence[bool], bins: int = 15) -> float:
    """Guo et al. 2017: sum over bins of the bin's share of images times |accuracy - confidence|."""
    total = 0.0
    for b in range(bins):
        members = [i for i, c in enumerate(confidence) if b / bins < c <= (b + 1) / bins or (b == 0 and c == 0)]
        if members:
            accuracy = sum(correct[i] for i in members) / len(members)
            mean = sum(confidence[i] for i in members) / len(members)
            total += len(members) / len(confidence) * abs(accuracy - mean)
    return total


def index_bootstrap(labels: np.ndarray, predicted: np.ndarray, resamples: int, seed: int) -> list[np.ndarray]:
    """Confusion counts of resamples drawn image by image."""
    generator = np.random.default_rng(seed)
    n_classes = int(max(labels.max(), predicted.max())) + 1
    matrices = []
    for _ in range(resamples):
        rows = generator.integers(0, len(labels), size=len(labels))
        matrix = np.zeros((n_classes, n_classes), dtype=np.int64)
        for row in rows:
            matrix[labels[row], predicted[row]] += 1
        matrices.append(matrix)
    return matrices
