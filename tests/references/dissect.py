"""CLIP-Dissect's similarities as published, one unit and one concept at a time, in float64.

Where the published code leaves a thing to chance or undefined, the choice documented in workbench.methods.dissect.
"""

from __future__ import annotations

import math

import numpy as np


def ranking(column: np.ndarray) -> list[int]:
    return sorted(range(len(column)), key=lambda image: (-float(column[image]), image))


def probabilities(scores: np.ndarray, a: float) -> list[list[float]]:
    result = []
    for row in scores:
        exponentials = [math.exp(a * float(score)) for score in row]
        result.append([value / sum(exponentials) for value in exponentials])
    return result


def soft_wpmi_log(activations: np.ndarray, scores: np.ndarray, top: int = 100) -> np.ndarray:
    p_concept = probabilities(scores, 10)
    top = min(top, len(scores))
    result = np.zeros((activations.shape[1], scores.shape[1]))
    for unit in range(activations.shape[1]):
        for rank, image in enumerate(ranking(activations[:, unit])[:top]):
            p_rank = 0.998 - rank / top * (0.998 - 0.97)
            for concept in range(scores.shape[1]):
                result[unit, concept] += math.log(1 + p_rank * (p_concept[image][concept] - 1) + 1e-7)
    return result


def wpmi_log(activations: np.ndarray, scores: np.ndarray, top: int = 28) -> np.ndarray:
    p_concept = probabilities(scores, 2)
    result = np.zeros((activations.shape[1], scores.shape[1]))
    for unit in range(activations.shape[1]):
        for image in ranking(activations[:, unit])[: min(top, len(scores))]:
            for concept in range(scores.shape[1]):
                result[unit, concept] += math.log(p_concept[image][concept] + 1e-7)
    return result


def less_offset(logs: np.ndarray, weight: float) -> np.ndarray:
    """log p(d | concept) - lambda log p(d), p(d) the mean over units, by the log-sum-exp trick."""
    result = np.zeros_like(logs)
    for concept in range(logs.shape[1]):
        greatest = max(logs[:, concept])
        total = sum(math.exp(value - greatest) for value in logs[:, concept])
        result[:, concept] = logs[:, concept] - weight * (greatest + math.log(total / len(logs)))
    return result


def soft_wpmi(activations: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return less_offset(soft_wpmi_log(activations, scores), 1.0)


def wpmi(activations: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return less_offset(wpmi_log(activations, scores), 0.6)


def rank_reorder(activations: np.ndarray, scores: np.ndarray) -> np.ndarray:
    top = max(2, int(len(scores) * 0.05))
    result = np.zeros((activations.shape[1], scores.shape[1]))
    for unit in range(activations.shape[1]):
        images = ranking(activations[:, unit])[:top]
        own = [float(activations[image, unit]) for image in images]
        chance = sum(abs(a - b) ** 3 for a in own for b in own) / top**2
        for concept in range(scores.shape[1]):
            found = [float(scores[image, concept]) for image in images]
            order = sorted(range(top), key=lambda place: (found[place], place))
            moved = [0.0] * top
            for value, place in zip(sorted(own), order, strict=True):
                moved[place] = value
            error = sum(abs(a - b) ** 3 for a, b in zip(own, moved, strict=True)) / top
            relative = error / chance if chance else 1.0
            result[unit, concept] = -relative / math.sqrt(max(sum(found) / top, 1e-3))
    return result


def cos_similarity(activations: np.ndarray, scores: np.ndarray) -> np.ndarray:
    result = np.zeros((activations.shape[1], scores.shape[1]))
    for unit, a in enumerate(activations.astype(np.float64).T):
        for concept, b in enumerate(scores.astype(np.float64).T):
            lengths = math.sqrt(a @ a) * math.sqrt(b @ b)
            result[unit, concept] = (a @ b) / lengths if lengths else 0.0
    return result


def cos_similarity_cubed(activations: np.ndarray, scores: np.ndarray) -> np.ndarray:
    result = np.zeros((activations.shape[1], scores.shape[1]))
    for unit, a in enumerate(activations.astype(np.float64).T):
        for concept, b in enumerate(scores.astype(np.float64).T):
            a3, b3 = (a - a.mean()) ** 3, (b - b.mean()) ** 3
            result[unit, concept] = (a3 @ b3) / max(math.sqrt(a3 @ a3), 1e-3) / max(math.sqrt(b3 @ b3), 1e-3)
    return result


def torch_soft_wpmi(activations: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The loop over units in float32 on torch, for the benchmark: its time is what the blocks are compared with."""
    import torch

    top, images = 100, torch.from_numpy(activations)
    p_concept = torch.softmax(10 * torch.from_numpy(scores), dim=1)
    rows = torch.topk(images, top, dim=0).indices
    p_rank = (0.998 - torch.arange(top) / top * (0.998 - 0.97))[:, None]
    logs = []
    for unit in range(images.shape[1]):
        found = p_concept.gather(0, rows[:, unit : unit + 1].expand(-1, scores.shape[1]))
        logs.append(torch.log(1 + p_rank * (found - 1) + 1e-7).sum(dim=0))
    log = torch.stack(logs)
    result: np.ndarray = (log - (torch.logsumexp(log, dim=0) - math.log(len(log)))).numpy()
    return result
