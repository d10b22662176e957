"""Zero-shot classification written literally, one image, concept and template at a time, in float64."""

from __future__ import annotations

import math

import numpy as np


def ensemble(template_texts: np.ndarray) -> np.ndarray:
    n_templates, n_concepts, dimension = template_texts.shape
    result = np.zeros((n_concepts, dimension))
    for concept in range(n_concepts):
        mean = np.zeros(dimension)
        for template in range(n_templates):
            vector = template_texts[template, concept].astype(np.float64)
            mean += vector / math.sqrt(float(vector @ vector))
        mean /= n_templates
        result[concept] = mean / math.sqrt(float(mean @ mean))
    return result


def concept_probabilities(image: np.ndarray, texts: np.ndarray, logit_scale: float) -> list[float]:
    logits = [logit_scale * sum(float(a) * float(b) for a, b in zip(image, text, strict=True)) for text in texts]
    greatest = max(logits)
    exponentials = [math.exp(logit - greatest) for logit in logits]
    return [value / sum(exponentials) for value in exponentials]


def sum_classes(probabilities: list[float], membership: np.ndarray) -> list[float]:
    sums = [0.0] * membership.shape[1]
    for concept, probability in enumerate(probabilities):
        for k in range(membership.shape[1]):
            if membership[concept, k]:
                sums[k] += probability
    return [value / sum(sums) for value in sums]


def max_classes(probabilities: list[float], membership: np.ndarray) -> list[float]:
    best = [0.0] * membership.shape[1]
    for concept, probability in enumerate(probabilities):
        for k in range(membership.shape[1]):
            if membership[concept, k]:
                best[k] = max(best[k], probability)
    return [value / sum(best) for value in best]


def vote(
    image: np.ndarray, template_texts: np.ndarray, membership: np.ndarray, top: int
) -> tuple[list[int], list[float]]:
    """The rule as the study of 2022 tells it: per template a local top k, then the winner of each rank."""
    n_templates, n_concepts, _ = template_texts.shape
    n_classes = membership.shape[1]
    rankings = []
    totals = [0.0] * n_classes
    for template in range(n_templates):
        score = {}
        for k in range(n_classes):
            synonyms = [c for c in range(n_concepts) if membership[c, k]]
            if synonyms:
                score[k] = sum(
                    100.0 * float(image.astype(np.float64) @ template_texts[template, c].astype(np.float64))
                    for c in synonyms
                )
                totals[k] += score[k]
        rankings.append(sorted(score, key=lambda k: (-score[k], k))[:top])
    winners, shares = [], []
    for rank in range(min(top, len(rankings[0]))):
        votes = [ranking[rank] for ranking in rankings]
        counts = {k: votes.count(k) for k in set(votes)}
        winner = min(counts, key=lambda k: (-counts[k], -totals[k], k))
        winners.append(winner)
        shares.append(counts[winner] / n_templates)
    return winners, shares
