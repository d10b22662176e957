"""Literal float64 versions of workbench.methods.ablate."""

from __future__ import annotations

import numpy as np


def recall_and_margin(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall and mean margin of each class, image by image."""
    classes = logits.shape[1]
    recall, margin = np.full(classes, np.nan), np.full(classes, np.nan)
    for name in range(classes):
        right, margins = [], []
        for row, label in zip(logits.astype(np.float64), labels, strict=True):
            if label == name:
                best = max(range(classes), key=lambda k: (row[k], -k))
                right.append(best == label)
                margins.append(row[label] - max(row[k] for k in range(classes) if k != label))
        if right:
            recall[name], margin[name] = np.mean(right), np.mean(margins)
    return recall, margin


def loss_p_value(change: float, random: np.ndarray) -> float:
    """How often a random set costs at least as much."""
    return (1 + sum(value <= change for value in random)) / (1 + len(random))
