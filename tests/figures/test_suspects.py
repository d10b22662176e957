"""Figures of suspects show the numbers they are given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.figures.suspects import noise_matrix, precision_curve, recall_curve
from workbench.methods.ranking import evaluate

SCORES = np.linspace(1, 0, 200)
POSITIVE = np.arange(200) % 5 == 0
FIGURES: dict[str, Any] = {
    **evaluate(SCORES, POSITIVE, resamples=20),
    "parts": {"probe": evaluate(-SCORES, POSITIVE, resamples=20)},
}


def test_precision_runs_over_all_depths_with_each_part_and_chance() -> None:
    figure = precision_curve(FIGURES)
    lines = {trace.name: trace for trace in figure.data}
    assert list(lines["all together"].y) == [point[1] for point in FIGURES["curve"]]
    assert list(lines["probe alone"].x) == [point[0] for point in FIGURES["parts"]["probe"]["curve"]]
    assert list(lines["chance 20%"].y) == pytest.approx([0.2, 0.2])
    assert lines["all together"].line.color not in {
        trace.line.color for name, trace in lines.items() if "alone" in name
    }
    band = lines["95 %"]
    assert max(band.x) == 200 or len(band.x) == 2 * len(FIGURES["precision"])


def test_recall_ends_with_all_and_chance_is_the_share_looked_at() -> None:
    lines = {trace.name: trace for trace in recall_curve(FIGURES).data}
    assert lines["all together"].y[-1] == 1
    assert lines["chance"].y[-1] == 1
    assert lines["chance"].y[0] == pytest.approx(1 / 200)


def test_a_ranking_without_positives_or_parts_is_drawn_empty() -> None:
    figure = precision_curve(evaluate(SCORES, np.zeros(200, dtype=bool)))
    assert [trace.name for trace in figure.data] == ["all together", "chance 0%"]


def test_the_noise_matrix_writes_every_number_and_colours_the_wrong_labels_only() -> None:
    noise = np.array([[90.0, 10.0], [0.0, 50.0]])
    figure = noise_matrix(("sad", "neutral"), noise)
    heat, words = figure.data
    assert np.isnan(np.diag(heat.z)).all()
    assert heat.z[0][1] == pytest.approx(0.1)
    assert list(words.text) == ["90", "10", "0", "50"]
    assert list(words.y) == ["sad", "sad", "neutral", "neutral"]


def test_an_empty_class_is_no_division_by_zero() -> None:
    heat = noise_matrix(("sad", "neutral"), np.array([[3.0, 0.0], [0.0, 0.0]])).data[0]
    assert heat.z[1][0] == 0
