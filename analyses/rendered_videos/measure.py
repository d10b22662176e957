"""How near a video's score comes to the truth, part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr, spearmanr

from workbench import ScoreSpec, Store, VideoScore, score
from workbench.data.faces import EMOTIONS
from workbench.data.rendered_videos import Truth, read_truth
from workbench.methods.peak_end import peak_end
from workbench.methods.score_evidence import agreement

OVERLAP = 0.5
"""Boxes that share this much of what they cover together hold the same face."""
STRENGTHS = (0.1, 0.3, 0.5, 0.7, 0.9, 1.01)
"""Bounds of the strengths that :func:`response` tells apart."""


def against_truth(found: VideoScore, truth: Truth, class_scores: Mapping[str, float]) -> dict[str, Any]:
    """Compare one score with the truth: frame by frame, the order and place of the peaks, the video score, gaps."""
    course, true = found.course, truth.scores(class_scores)
    both = np.isfinite(course) & np.isfinite(true)
    right = peak_end(truth.frames, truth.times, true, found.settings)
    result = found.result
    order = (result.highest_row < result.lowest_row) == (right.highest_row < right.lowest_row)
    missed = max(right.high - true[result.highest_row], true[result.lowest_row] - right.low)
    return {
        "video": Path(found.video["name"]).stem,
        "pearson": round(float(pearsonr(course[both], true[both]).statistic), 3),
        "spearman": round(float(spearmanr(course[both], true[both]).statistic), 3),
        "frame_error": round(float(np.abs(course - true)[both].mean()), 3),
        "order_right": bool(order),
        "peaks_missed_by": None if np.isnan(missed) else round(float(missed), 3),
        "computed": round(result.video, 3),
        "true": round(right.video, 3),
        "gaps": int((~truth.present).sum()),
        "gaps_wrong": int((found.present != truth.present).sum()),
        "frames": len(course),
        "tracks": len(found.tracks),
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Gather the rows of one way of scoring; the interval is over videos."""
    found = agreement(np.array([row["true"] for row in rows]), np.array([row["computed"] for row in rows]))
    missed = [row["peaks_missed_by"] for row in rows if row["peaks_missed_by"] is not None]
    return {
        "videos": len(rows),
        "pearson": _span(rows, "pearson"),
        "spearman": _span(rows, "spearman"),
        "frame_error": round(float(np.mean([row["frame_error"] for row in rows])), 3),
        "order_right": sum(row["order_right"] for row in rows),
        "peaks_missed_by": round(float(np.mean(missed)), 3),
        "mae": [round(value, 3) for value in (found.mae.value, found.mae.low, found.mae.high)],
        "bias": round(found.bias, 3),
        "frames": sum(row["frames"] for row in rows),
        "gaps_wrong": sum(row["gaps_wrong"] for row in rows),
    }


def response(pairs: Sequence[tuple[VideoScore, Truth]]) -> dict[str, list[float | None]]:
    """Return the mean probability of an emotion, by its true strength between two :data:`STRENGTHS`."""
    result: dict[str, list[float | None]] = {}
    for column, emotion in enumerate(EMOTIONS[:-1]):  # neutral is what is left, and has no strength of its own
        strength = np.concatenate([truth.strengths[:, column] for _, truth in pairs])
        told = [found.class_probabilities[:, found.classes.index(emotion)] for found, _ in pairs]
        probability = np.where(np.concatenate([truth.present for _, truth in pairs]), np.concatenate(told), np.nan)
        bins = [(strength >= low) & (strength < high) & np.isfinite(probability) for low, high in pairwise(STRENGTHS)]
        if any(rows.any() for rows in bins):
            result[emotion] = [round(float(probability[rows].mean()), 3) if rows.any() else None for rows in bins]
    return result


def people(video: Path, spec: dict[str, Any], store: Store, class_scores: Mapping[str, float]) -> list[dict[str, Any]]:
    """Score each of two people by their own track, and count the frames in which the track keeps to its person."""
    rows = []
    for person in (0, 1):
        truth = read_truth(video, person)
        found = score(
            ScoreSpec(str(video), spec["tracks_with"], concepts=spec["concepts"], faces=f"track:{person}"), store
        )
        assert isinstance(found, VideoScore)
        shared = overlap(found.box, truth.boxes)
        row = against_truth(found, truth, class_scores)
        rows.append({"person": person, "kept_to": round(float((shared > OVERLAP).mean()), 3), **row})
    return rows


def overlap(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the shared part of boxes ``(S, 4)`` over what both cover, ``(S,)``; 0 in gaps."""
    low = np.maximum(first[:, :2], second[:, :2])
    high = np.minimum(first[:, :2] + first[:, 2:], second[:, :2] + second[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    covered = np.prod(first[:, 2:], axis=1) + np.prod(second[:, 2:], axis=1) - shared
    return np.asarray(np.nan_to_num(shared / covered))


def _span(rows: list[dict[str, Any]], name: str) -> list[float]:
    """Mean and lowest."""
    values = [row[name] for row in rows]
    return [round(float(np.mean(values)), 3), min(values)]
