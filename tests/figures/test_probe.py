"""Figures of a probe show the numbers they are given, in their order."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.figures.probe import CHOSEN, growth, settings

TRIED = [
    {
        "value": value,
        "accuracy": {"value": right, "low": right - 0.02, "high": right + 0.03},
        "log_loss": 1.0,
        "seconds": 2,
    }
    for value, right in ((100.0, 0.61), (10.0, 0.64), (1.0, 0.6))
]
GROWN = [
    {"trees": trees, "accuracy": {"value": right, "low": right - 0.02, "high": right + 0.02}, "bytes": trees * 96_000}
    for trees, right in ((10, 0.6), (100, 0.62), (10_000, 0.63))
]


def test_each_value_stands_at_its_place_with_its_interval_and_the_chosen_one_in_colour() -> None:
    dots = settings(TRIED, 10.0, "strength").data[0]
    assert list(dots.x) == [1, 10, 100]
    np.testing.assert_allclose(dots.y, [60, 64, 61])
    np.testing.assert_allclose(dots.error_y.array, 3)
    np.testing.assert_allclose(dots.error_y.arrayminus, 2)
    assert [colour == CHOSEN for colour in dots.marker.color] == [False, True, False]
    assert (
        dots.hovertext[1]
        == "strength 10 (chosen)<br>64.0 % right (62.0 to 67.0)<br>log loss 1.000 nats; learned in 2.0 s"
    )


def test_a_forest_is_drawn_by_its_trees_and_says_what_it_weighs() -> None:
    figure = growth(GROWN)
    assert list(figure.data[0].x) == [10, 100, 10_000]
    assert figure.layout.xaxis.type == "log"
    assert figure.data[0].hovertext[2].startswith("10,000 trees, 960.0 MB<br>63.0 % right (61.0 to 65.0)")


@pytest.mark.parametrize("name", ["<b>strength</b>", "a & b"])
def test_a_name_is_text_and_no_markup(name: str) -> None:
    figure = settings(TRIED, 10.0, name)
    assert "<b>" not in figure.layout.xaxis.title.text
    assert all("<b>" not in hover and "a & b" not in hover for hover in figure.data[0].hovertext)
