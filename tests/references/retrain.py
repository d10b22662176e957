"""Macro F1 and balanced accuracy of two classifiers by drawing images again, one resample and one class at a time."""

from __future__ import annotations

import numpy as np


def macro_f1(labels: np.ndarray, answers: np.ndarray, n_classes: int) -> float:
    found = []
    for name in range(n_classes):
        occurs = sum(labels == name) + sum(answers == name)
        if occurs:
            found.append(2 * sum((labels == name) & (answers == name)) / occurs)
    return float(sum(found) / len(found))


def balanced_accuracy(labels: np.ndarray, answers: np.ndarray, n_classes: int) -> float:
    held = [name for name in range(n_classes) if sum(labels == name)]
    found = [sum((labels == name) & (answers == name)) / sum(labels == name) for name in held]
    return float(sum(found) / len(found))


def mean_intervals(
    labels: np.ndarray, before: np.ndarray, after: np.ndarray, n_classes: int, resamples: int
) -> dict[str, list[tuple[float, float]]]:
    """Return by score the 95 % intervals of before, after, and after minus before."""
    rng = np.random.default_rng(7)
    drawn: dict[str, list[tuple[float, float, float]]] = {"macro_f1": [], "balanced_accuracy": []}
    for _ in range(resamples):
        rows = rng.integers(0, len(labels), len(labels))
        for name, score in (("macro_f1", macro_f1), ("balanced_accuracy", balanced_accuracy)):
            one = score(labels[rows], before[rows], n_classes)
            two = score(labels[rows], after[rows], n_classes)
            drawn[name].append((one, two, two - one))
    ends = {name: np.quantile(np.array(values), [0.025, 0.975], axis=0).T for name, values in drawn.items()}
    return {name: [(float(low), float(high)) for low, high in pairs] for name, pairs in ends.items()}
