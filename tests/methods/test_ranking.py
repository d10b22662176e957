from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from workbench.errors import SpecError
from workbench.methods.ranking import curve, evaluate, ranked


@given(st.integers(0, 10_000), st.integers(2, 80))
@settings(max_examples=40, deadline=None)
def test_figures_are_those_of_counting_and_of_scikit_learn(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    scores, positive = rng.random(rows), rng.random(rows) < 0.3
    found = evaluate(scores, positive, first=(1, 5, 500), resamples=20)
    assert found["images"] == rows
    assert found["positives"] == positive.sum()
    if not positive.any():
        assert found["average_precision"] is None
        return
    assert found["average_precision"][0] == pytest.approx(average_precision_score(positive, scores))
    order = sorted(range(rows), key=lambda row: -scores[row])
    for depth in {1, min(5, rows), int(positive.sum())} & {int(text) for text in found["precision"]}:
        hits = sum(bool(positive[row]) for row in order[:depth])
        assert found["precision"][str(depth)][0] == pytest.approx(hits / depth)
        assert found["recall"][str(depth)][0] == pytest.approx(hits / positive.sum())
    assert "500" not in found["precision"]


def test_intervals_hold_the_value_and_shrink_with_images() -> None:
    rng = np.random.default_rng(1)
    widths = []
    for rows in (100, 4000):
        positive = rng.random(rows) < 0.4
        value, low, high = evaluate(positive + rng.normal(size=rows), positive)["average_precision"]
        assert low <= value <= high
        widths.append(high - low)
    assert widths[1] < widths[0] / 3


def test_equal_scores_keep_the_order_of_rows_and_nan_comes_last() -> None:
    assert ranked(np.array([0.5, np.nan, 0.5, 0.9])).tolist() == [3, 0, 2, 1]


def test_the_curve_runs_from_the_first_image_to_the_last() -> None:
    hits = np.array([True, False] * 150)
    points = curve(hits)
    assert points[0] == [1, 1.0, 1 / 150]
    assert points[-1] == [300, 0.5, 1.0]
    assert len(points) <= 100


def test_a_perfect_and_a_reversed_ranking() -> None:
    positive = np.array([True] * 3 + [False] * 7)
    assert evaluate(np.arange(10.0)[::-1], positive)["precision"]["3"][0] == 1
    assert evaluate(np.arange(10.0), positive)["precision"]["3"][0] == 0


def test_the_same_seed_gives_the_same_intervals() -> None:
    rng = np.random.default_rng(2)
    scores, positive = rng.random(50), rng.random(50) < 0.5
    assert evaluate(scores, positive, seed=3) == evaluate(scores, positive, seed=3)


def test_no_images_are_refused() -> None:
    with pytest.raises(SpecError, match="no images"):
        evaluate(np.zeros(0), np.zeros(0, dtype=bool))
