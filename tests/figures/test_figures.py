"""Figures show the numbers they are given and escape the names."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.figures.classify import per_class_bars, reliability_diagram
from workbench.figures.datasets import class_counts
from workbench.figures.theme import EMOTIONS, class_colours


def report(value: float) -> dict[str, dict[str, float]]:
    estimate = {"value": value, "low": value - 0.1, "high": value + 0.2}
    return {"precision": estimate, "recall": estimate, "f1": estimate}


def test_the_seven_emotions_keep_their_colours_in_any_order() -> None:
    assert class_colours(["sad", "contempt", "happy"])["sad"] == EMOTIONS["sad"]
    assert class_colours(["happy", "sad"])["happy"] == EMOTIONS["happy"]


def test_bars_carry_value_and_interval() -> None:
    figure = per_class_bars({"sad": report(0.5)}, "f1")
    assert figure.data[0].x[0] == pytest.approx(50)
    assert figure.data[0].error_x.array[0] == pytest.approx(20)
    assert figure.data[0].error_x.arrayminus[0] == pytest.approx(10)


def test_names_from_data_are_escaped() -> None:
    name = "<b onclick=x>sad</b>"
    bars = per_class_bars({name: report(0.5)})
    stacked = class_counts({name: {name: 2}}, [name])
    assert bars.data[0].y[0].startswith("&lt;b")
    assert stacked.data[0].name.startswith("&lt;b")
    assert stacked.data[0].y[0].startswith("&lt;b")


def test_empty_bins_are_left_out_of_the_reliability_diagram() -> None:
    figure = reliability_diagram([0.1, np.nan, 0.9], [0.2, np.nan, 0.7], [10, 0, 30], 0.05)
    points = figure.data[1]
    assert list(points.x) == [0.1, 0.9]
    assert list(points.customdata) == [10, 30]


def test_unlabelled_images_have_a_bar_of_their_own() -> None:
    figure = class_counts({"train": {"sad": 3, "": 1}}, ["sad", "happy"])
    assert [bar.name for bar in figure.data] == ["sad", "no label"]
    assert figure.data[1].x[0] == pytest.approx(0.25)
