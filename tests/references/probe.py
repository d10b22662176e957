"""The probe's loss and its slope, one row and one weight at a time, in float64."""

from __future__ import annotations

import math

import numpy as np

from workbench.methods.probe import Probe


def _terms(probe: Probe, features: np.ndarray) -> list[tuple[list[float], list[float]]]:
    rows = []
    for row in features.astype(np.float64):
        inputs = [(value - mean) / scale for value, mean, scale in zip(row, probe.mean, probe.scale, strict=True)]
        logits = [
            probe.bias[k] + sum(value * probe.weights[d, k] for d, value in enumerate(inputs))
            for k in range(len(probe.bias))
        ]
        total = sum(math.exp(logit) for logit in logits)
        rows.append((inputs, [math.exp(logit) / total for logit in logits]))
    return rows


def loss(probe: Probe, features: np.ndarray, labels: np.ndarray, strength: float) -> float:
    """Summed cross-entropy plus half the strength times the squared length of the weights."""
    fit = sum(-math.log(shares[label]) for (_, shares), label in zip(_terms(probe, features), labels, strict=True))
    return fit + strength / 2 * float((probe.weights**2).sum())


def slopes(probe: Probe, features: np.ndarray, labels: np.ndarray, strength: float) -> list[float]:
    """Derivative of the loss by each weight."""
    terms = _terms(probe, features)
    found = []
    for d in range(probe.weights.shape[0]):
        for k in range(probe.weights.shape[1]):
            pairs = zip(terms, labels, strict=True)
            pull = sum(inputs[d] * (shares[k] - (label == k)) for (inputs, shares), label in pairs)
            found.append(float(pull + strength * probe.weights[d, k]))
    return found
