"""The peak-end rule, frame by frame, as one would do it by hand."""

from __future__ import annotations

import math

import numpy as np


def durations(times: list[float]) -> list[float]:
    """Half way to the neighbours; the first and the last as far beyond as before."""
    if len(times) == 1:
        return [1.0]
    before = [times[0] - (times[1] - times[0]), *times[:-1]]
    after = [*times[1:], times[-1] + (times[-1] - times[-2])]
    return [(b - a) / 2 for a, b in zip(before, after, strict=True)]


def smooth(times: list[float], scores: list[float], sigma: float) -> list[float]:
    if sigma == 0:
        return list(scores)
    stood_for = durations(times)
    found = []
    for time, score in zip(times, scores, strict=True):
        if math.isnan(score):
            found.append(math.nan)
            continue
        total = mass = 0.0
        for other, value, span in zip(times, scores, stood_for, strict=True):
            if not math.isnan(value) and abs(other - time) <= 4 * sigma:
                weight = span * math.exp(-((other - time) ** 2) / (2 * sigma**2))
                total += weight * value
                mass += weight
        found.append(total / mass)
    return found


def end_weights(
    frames: list[int], times: list[float], present: list[bool], end_frames: float, end_seconds: float
) -> list[float]:
    spans = durations(times)
    weights = []
    last = max(row for row, here in enumerate(present) if here)
    for row, here in enumerate(present):
        if not here:
            weights.append(0.0)
        elif end_seconds:
            weights.append(spans[row] * math.exp((times[row] - times[last]) * math.log(20) / end_seconds))
        else:
            weights.append(math.exp((frames[row] - frames[last]) * math.log(20) / end_frames))
    return [weight / sum(weights) for weight in weights]


def peak(course: list[float], robust: bool, sign: float) -> tuple[float, int]:
    rows = [row for row, score in enumerate(course) if not math.isnan(score)]
    ranked = sorted(rows, key=lambda row: (-sign * course[row], row))
    count = max(1, math.ceil(len(rows) / 20)) if robust else 1
    taken = sorted(ranked[:count])
    return sum(course[row] for row in taken) / count, taken[(count - 1) // 2]


def video_score(
    frames: np.ndarray,
    times: np.ndarray,
    scores: np.ndarray,
    end: tuple[float, float],
    parts: tuple[float, float, float],
    robust: bool,
    sigma: float,
) -> tuple[float, float, float, float, int, int]:
    course = smooth(times.tolist(), scores.tolist(), sigma)
    weights = end_weights(frames.tolist(), times.tolist(), [not math.isnan(s) for s in course], *end)
    end_score = sum(w * s for w, s in zip(weights, course, strict=True) if w)
    high, high_row = peak(course, robust, 1.0)
    low, low_row = peak(course, robust, -1.0)
    if low_row < high_row:
        earlier, later, rows = low, high, (low_row, high_row)
    else:
        earlier, later, rows = high, low, (high_row, low_row)
    a, b, c = (part / sum(parts) for part in parts)
    return a * end_score + b * earlier + c * later, end_score, earlier, later, *rows
