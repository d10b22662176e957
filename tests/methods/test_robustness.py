"""Courses of accuracy: against plain loops, and what must hold of any."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from workbench.errors import SpecError
from workbench.methods.robustness import Course, Half, follow, positions, resample_weights

CLASSES = ("angry", "happy", "sad")
NAMED: dict[str, Any] = {
    "model": "m", "disturbance": "blur", "side": "", "title": "Blur", "unit": "share", "ratio": False,
    "levels": [0.0, 1.0, 3.0],
}  # fmt: skip


def answers(labels: np.ndarray, accuracies: list[float], seed: int = 0) -> np.ndarray:
    """Answers of about the accuracies given, the same images failing first."""
    order = np.random.default_rng(seed).random(len(labels))
    return np.stack([np.where(order < share, labels, (labels + 1) % 3) for share in accuracies])


def test_a_course_is_what_plain_loops_find() -> None:
    labels = np.random.default_rng(0).integers(0, 3, 120)
    predicted = answers(labels, [0.9, 0.6, 0.2])
    weights = resample_weights(120, 400, seed=3)
    course = follow(NAMED, labels, predicted, CLASSES, weights)
    right = predicted == labels
    drawn = np.array([[(row * each).sum() / 120 for each in right] for row in weights.astype(int)])
    for place in range(3):
        assert course.accuracy[place].value == pytest.approx(right[place].mean())
        assert course.accuracy[place].low == pytest.approx(np.quantile(drawn[:, place], 0.025))
        losses = drawn[:, place] - drawn[:, 0]
        assert course.loss[place] == pytest.approx(
            (right[place].mean() - right[0].mean(), *np.quantile(losses, [0.025, 0.975]))
        )
        assert course.macro_f1[place].value == pytest.approx(f1_score(labels, predicted[place], average="macro"))
        for number, name in enumerate(CLASSES):
            assert course.recall[name][place].value == pytest.approx(right[place][labels == number].mean())
    value = (right[0].mean() + right[1].mean()) / 2 * (1 / 3) + (right[1].mean() + right[2].mean()) / 2 * (2 / 3)
    assert course.area.value == pytest.approx(value)
    assert course.area.low < value < course.area.high
    assert course.loss[0] == (0, 0, 0)
    assert course.chance == pytest.approx(1 / 3)


def test_half_is_where_the_line_comes_down_to_it() -> None:
    labels = np.arange(3000) % 3
    course = follow(NAMED, labels, answers(labels, [0.9, 0.7, 0.5]), CLASSES, resample_weights(3000, 300))
    start, middle, end = (each.value for each in course.accuracy)
    target = 1 / 3 + (start - 1 / 3) / 2
    assert course.half.value == pytest.approx(1 + 2 * (middle - target) / (middle - end))
    value, low, high = (each if each is not None else np.nan for each in course.half)
    assert low < value < high
    assert course.half_in_words.startswith(f"{course.half.value:.3g} (")


def test_half_goes_by_ratio_where_levels_are_factors() -> None:
    labels = np.arange(300) % 3
    named = NAMED | {"ratio": True, "levels": [48.0, 24.0, 12.0]}
    course = follow(named, labels, answers(labels, [1.0, 0.8, 0.4]), CLASSES, resample_weights(300, 200))
    start, middle, end = (each.value for each in course.accuracy)
    share = (middle - (1 / 3 + (start - 1 / 3) / 2)) / (middle - end)
    assert course.half.value == pytest.approx(24 * 2**-share)


def test_what_is_not_lost_is_beyond_and_what_is_not_there_cannot_be_lost() -> None:
    labels = np.arange(300) % 3
    weights = resample_weights(300, 200)
    kept = follow(NAMED, labels, answers(labels, [0.9, 0.9, 0.89]), CLASSES, weights)
    assert kept.half == Half(None, None, None)
    assert kept.half_in_words == "beyond 3"
    guessed = follow(NAMED, labels, np.zeros((3, 300), dtype=np.int64), CLASSES, weights)
    assert guessed.half == Half(None, None, None)
    assert guessed.half_in_words == "no better than chance"
    border = follow(NAMED, labels, answers(labels, [0.9, 0.8, 0.61]), CLASSES, weights)
    assert border.half.low is not None
    assert border.half.high is None
    assert border.half_in_words.endswith("to beyond 3)")


def test_a_course_survives_json() -> None:
    labels = np.arange(60) % 3
    course = follow(NAMED, labels, answers(labels, [0.9, 0.5, 0.3]), CLASSES, resample_weights(60, 50))
    assert Course.from_dict(course.to_dict()) == course


@given(st.integers(1, 400), st.integers(0, 100))
def test_every_resample_draws_as_many_images(images: int, seed: int) -> None:
    weights = resample_weights(images, 5, seed)
    assert (weights.astype(int).sum(axis=1) == images).all()
    np.testing.assert_array_equal(weights, resample_weights(images, 5, seed))


@pytest.mark.parametrize("levels", [[0.0], [0.0, 1.0, -1.0], [0.0, 2.0, 1.0], [1.0, 1.0]])
def test_levels_that_do_not_go_one_way_are_refused(levels: list[float]) -> None:
    with pytest.raises(SpecError, match="must go away from the first"):
        positions(levels, ratio=False)


def test_a_ratio_to_nothing_is_refused() -> None:
    with pytest.raises(SpecError, match="must be above 0"):
        positions([1.0, 0.0], ratio=True)
    with pytest.raises(SpecError, match="at least one of each"):
        resample_weights(0, 10)
    with pytest.raises(ValueError, match="do not fit"):
        follow(NAMED, np.zeros(4, dtype=np.int64), np.zeros((3, 5), dtype=np.int64), CLASSES, resample_weights(4, 5))
