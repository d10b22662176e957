"""Figures of a comparison show the numbers they are given, and names as text."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.figures.compare import disagreements, recalls, scores
from workbench.methods.compare import class_tests
from workbench.methods.retrain import compare

CLASSES = ("<b>sad</b>", "happy")
LABELS = np.arange(200) % 2
FIRST = np.where(np.arange(200) % 5 == 0, 0, LABELS)
SECOND = np.where((np.arange(200) % 4 == 0), 1, LABELS)
COMPARISON = compare(LABELS, FIRST, SECOND, CLASSES, resamples=100).to_dict()
TESTS = [test._asdict() for test in class_tests(LABELS, FIRST, SECOND, CLASSES)]
MODELS = ("<i>one</i>", "two")


def test_scores_of_both_stand_side_by_side_with_their_intervals() -> None:
    figure = scores(COMPARISON, MODELS)
    dots = [trace for trace in figure.data if trace.mode == "markers"]
    accuracy = COMPARISON["changes"]["accuracy"]
    assert dots[0].x[0] == pytest.approx(accuracy["before"]["value"] * 100)
    assert dots[1].x[0] == pytest.approx(accuracy["after"]["value"] * 100)
    assert dots[1].x[0] + dots[1].error_x.array[0] == pytest.approx(accuracy["after"]["high"] * 100)
    assert list(figure.layout.yaxis.ticktext) == ["accuracy", "macro F1", "balanced accuracy"]


def test_recalls_mark_the_classes_whose_difference_holds() -> None:
    figure = recalls(COMPARISON, TESTS, MODELS)
    marked = [name.endswith(" *") for name in figure.layout.yaxis.ticktext]
    assert marked == [test["q"] <= 0.05 for test in TESTS]
    assert True in marked


def test_disagreements_grow_left_for_the_first_and_right_for_the_second() -> None:
    figure = disagreements(TESTS, MODELS)
    assert list(figure.data[0].x) == [-test["only_first"] for test in TESTS]
    assert list(figure.data[1].x) == [test["only_second"] for test in TESTS]
    assert list(figure.data[1].text) == [str(test["only_second"]) for test in TESTS]


def test_names_are_text_and_no_markup() -> None:
    for figure in (scores(COMPARISON, MODELS), recalls(COMPARISON, TESTS, MODELS), disagreements(TESTS, MODELS)):
        text = figure.to_json()
        assert "<i>one" not in text
        assert "\\u003ci\\u003eone" not in text
        assert "<b>sad" not in text
        assert "\\u003cb\\u003esad" not in text
