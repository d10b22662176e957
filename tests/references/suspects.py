"""Confident learning, the score and the distance off all classes, one image at a time, in float64."""

from __future__ import annotations

import numpy as np


def confident_joint(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Northcutt et al. 2021, sections 3.1 and 3.2, with the joint scaled to the number of labelled images."""
    size = probabilities.shape[1]
    thresholds = []
    for name in range(size):
        own = [float(row[name]) for row, label in zip(probabilities, labels, strict=True) if label == name]
        thresholds.append(sum(own) / len(own) if own else float("inf"))
    counts = [[0.0] * size for _ in range(size)]
    for row, label in zip(probabilities, labels, strict=True):
        if label < 0:
            continue
        candidates = [name for name in range(size) if row[name] >= thresholds[name]]
        if candidates:
            counts[label][max(candidates, key=lambda name: (row[name], -name))] += 1
    joint = np.zeros((size, size))
    for label in range(size):
        total, images = sum(counts[label]), int((labels == label).sum())
        for true in range(size):
            joint[label, true] = images * (counts[label][true] / total if total else float(label == true))
    return joint


def doubt(probabilities: np.ndarray, label: int, floor: float) -> float:
    """The best other class's share of the probability of the two."""
    other = max(float(value) for name, value in enumerate(probabilities) if name != label)
    return (other + floor) / (other + float(probabilities[label]) + 2 * floor)


def outlyingness(embeddings: np.ndarray, labels: np.ndarray, shrinkage: float) -> np.ndarray:
    """Relative Mahalanobis distance in deviations from the median."""
    rows = embeddings.astype(np.float64)
    means = {name: rows[labels == name].mean(axis=0) for name in sorted(set(labels.tolist()) - {-1})}

    def inverse(centred: np.ndarray) -> np.ndarray:
        covariance = np.sum([np.outer(row, row) for row in centred], axis=0) / len(centred)
        size = np.trace(covariance) / len(covariance)
        return np.asarray(np.linalg.inv(covariance + (shrinkage * size + 1e-12) * np.eye(len(covariance))))

    within = inverse(np.array([row - means[name] for row, name in zip(rows, labels, strict=True) if name >= 0]))
    everything = inverse(rows - rows.mean(axis=0))
    found = []
    for row in rows:
        nearest = min((row - mean) @ within @ (row - mean) for mean in means.values())
        away = row - rows.mean(axis=0)
        found.append(nearest - away @ everything @ away)
    centred = np.array(found) - np.median(found)
    return np.asarray(centred / (1.4826 * np.median(np.abs(centred))))
