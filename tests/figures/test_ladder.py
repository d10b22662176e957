"""The figure of the ladder shows the numbers it is given, and tells what was measured from what was reported."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.figures.ladder import FAMILIES, REPORTED, ladder


def line(title: str, family: str, right: float, published: tuple[tuple[float, str], ...] = ()) -> dict[str, object]:
    accuracy = {"value": right, "low": right - 0.02, "high": right + 0.03}
    return {
        "title": title, "family": family, "accuracy": accuracy, "unseen": None, "seeds": 3, "published": published
    }  # fmt: skip


LINES = [
    line("linear probe", "probe", 0.62, ((72.0, "the field"),)),
    line("one <b>sentence", "zero-shot", 0.58),
    line("perceptron", "probe", 0.4, ((71.4, "a study"), (41.4, "a & study"))),
]


def test_each_way_stands_at_its_accuracy_in_the_colour_of_its_family() -> None:
    shown = {trace.name: trace for trace in ladder(LINES, 0.25).data}
    assert set(shown) == {"zero-shot", "probe", REPORTED}
    assert list(shown["probe"].y) == ["linear probe", "perceptron"]
    np.testing.assert_allclose(shown["probe"].x, [62, 40])
    np.testing.assert_allclose(shown["probe"].error_x.array, 3)
    np.testing.assert_allclose(shown["probe"].error_x.arrayminus, 2)
    assert shown["probe"].marker.color == FAMILIES["probe"]


def test_what_others_reported_is_marked_apart_beside_its_way() -> None:
    (marks,) = [trace for trace in ladder(LINES, 0.25).data if trace.name == REPORTED]
    assert list(marks.y) == ["linear probe", "perceptron", "perceptron"]
    assert list(marks.x) == [72, 71.4, 41.4]
    assert marks.hovertext[2] == "41.4 %: a &amp; study"


def test_the_first_line_is_on_top_and_the_commonest_class_is_a_line() -> None:
    figure = ladder(LINES, 0.25)
    assert list(figure.layout.yaxis.categoryarray)[-1] == "linear probe"
    assert figure.layout.shapes[0].x0 == pytest.approx(25)
    assert "one &lt;b&gt;sentence" in figure.layout.yaxis.categoryarray
