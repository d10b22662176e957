"""Sensitivity and block bootstrap of a video score, one case after another."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from workbench.methods.peak_end import Settings, peak_end, smooth


def grid(frames: np.ndarray, times: np.ndarray, scores: np.ndarray, settings: Settings) -> list[float]:
    """Score every combination of choices, each from scratch."""
    found = []
    for sigma in dict.fromkeys([settings.smoothing, 0.0, 0.5, 1.0, 2.0]):
        for peak in ("extreme", "robust"):
            for factor in (0.5, 0.75, 1, 1.25, 2):
                own = tuple(round(part / sum(settings.parts), 9) for part in settings.parts)
                third = round(1 / 3, 9)
                tried = [own, (0.5, 0.1, 0.4), (0.5, 0.25, 0.25), (0.6, 0.1, 0.3), (0.4, 0.1, 0.5), (third,) * 3]
                for parts in dict.fromkeys(tried):
                    how = Settings(settings.end_frames * factor, settings.end_seconds * factor, parts, peak, sigma)
                    found.append(peak_end(frames, times, scores, how).video)
    return found


def without(probabilities: np.ndarray, scores: np.ndarray, membership: np.ndarray, place: int) -> np.ndarray:
    """Return frame scores without the emotions that speak for one class only."""
    found = []
    for row in probabilities:
        total = mass = 0.0
        for emotion, probability in enumerate(row):
            if not (membership[emotion, place] and membership[emotion].sum() == 1):
                total += probability * scores[emotion]
                mass += probability
        found.append(total / mass if mass > 0 else math.nan)
    return np.array(found)


def bootstrap(
    times: np.ndarray, scores: np.ndarray, settings: Settings, resamples: int, seed: int
) -> tuple[float, float]:
    """Return the interval of an unsmoothed course without gaps at a regular rate, a recording at a time."""
    count = len(scores)
    step = float(np.median(np.diff(times)))
    course = smooth(times, scores, max(2.0, 4 * step))
    noise = scores - course
    noise = noise - noise.mean()
    block = min(max(1, round(3 / step)), count // 2)
    starts = np.random.default_rng(seed).integers(0, count - block + 1, (resamples, math.ceil(count / block)))
    videos = []
    for drawn in starts:
        recorded = np.concatenate([noise[start : start + block] for start in drawn])[:count]
        videos.append(peak_end(np.arange(count), times, course + recorded, replace(settings, smoothing=0.0)).video)
    video = peak_end(np.arange(count), times, scores, settings).video
    middle = float(np.median(videos))
    wider = 1.25 * math.sqrt(1 + 3 / (step * count))
    low, high = (middle + wider * (end - middle) for end in np.quantile(videos, [0.005, 0.995]))
    return min(float(low), video), max(float(high), video)
