"""Figures of learned prompts show the numbers they are given."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.figures.coop import KEPT, by_shots, curve, nearest_words
from workbench.figures.theme import UNKNOWN

COURSE = [
    {"epoch": epoch, "loss": 2.0 / (epoch + 1), "accuracy": right, "log_loss": 1.0 + epoch / 10}
    for epoch, right in enumerate((0.2, 0.6, 0.5))
]
VECTORS = [
    {"class": name, "place": place, "norm": 1.0, "chance": 0.8,
     "words": [{"word": "<b>sad</b>", "distance": far}, {"word": "blue", "distance": far + 0.1}]}
    for name, place, far in (("", 1, 0.2), ("happy", 2, 0.9))
]  # fmt: skip
DISTANCES = {"low": 0.1, "median": 0.2, "high": 0.3, "norm": 0.4, "candidates": 900, "tokens": 49408}


def result(shots: int, right: float) -> dict[str, object]:
    return {"shots": shots, "accuracy": right, "bounds": {"zero-shot": 0.6, "linear probe": right - 0.1}}


def test_the_curve_shows_every_epoch_and_the_one_kept() -> None:
    accuracy, kept, training, chosen_by = curve(COURSE, 1, "validation").data
    assert list(accuracy.x) == [0, 1, 2]
    np.testing.assert_allclose(accuracy.y, [20, 60, 50])
    assert (list(kept.x), kept.y[0]) == ([1], pytest.approx(60))
    np.testing.assert_allclose(training.y, [2, 1, 2 / 3])
    np.testing.assert_allclose(chosen_by.y, [1, 1.1, 1.2])
    assert len({accuracy.line.color, training.line.color, chosen_by.line.color}) == 3
    assert training.hovertext[1] == "epoch 1: loss in training 1.000 nats"


def test_vectors_nearer_to_a_word_than_chance_differ_in_colour() -> None:
    figure = nearest_words(VECTORS, DISTANCES)
    bars, chance = figure.data
    np.testing.assert_allclose(chance.x, 0.8)
    np.testing.assert_allclose(bars.x, [0.2, 0.9])
    assert list(bars.y) == ["1", "happy 2"]
    assert list(bars.marker.color) == [KEPT, UNKNOWN]
    (band,) = figure.layout.shapes
    assert (band.x0, band.x1) == (0.1, 0.3)
    assert band.showlegend  # in the legend, where nothing runs into it
    assert not figure.layout.annotations


def test_words_are_text_and_no_markup() -> None:
    bars = nearest_words(VECTORS, DISTANCES).data[0]
    axis = nearest_words(VECTORS, DISTANCES).layout.yaxis
    assert list(axis.tickvals) == list(bars.y)
    written = axis.ticktext
    assert list(written) == ["1 · &lt;b&gt;sad&lt;/b&gt;", "happy 2 · <i>&lt;b&gt;sad&lt;/b&gt;</i>"]
    assert all("<b>" not in text for text in bars.hovertext)
    assert "&lt;b&gt;sad&lt;/b&gt; 0.20<br>blue 0.30" in bars.hovertext[0]
    assert "<b>" not in str(curve(COURSE, 1, "<b>split</b>").data[0].name)


def test_accuracy_by_shots_stands_between_its_bounds_seeds_averaged_and_all_images_last() -> None:
    figure = by_shots([result(0, 0.62), result(16, 0.6), result(1, 0.5), result(1, 0.4)])
    learned, zero_shot, probe = figure.data
    assert [learned.name, zero_shot.name, probe.name] == ["learned prompts", "zero-shot", "linear probe"]
    assert list(learned.x) == ["1", "16", "all"]
    np.testing.assert_allclose(learned.y, [45, 60, 62])
    np.testing.assert_allclose(probe.y, [35, 50, 52])
    np.testing.assert_allclose(zero_shot.y, 60)
    np.testing.assert_allclose(learned.error_y.array, [5, 0, 0])
    np.testing.assert_allclose(learned.error_y.arrayminus, [5, 0, 0])
    assert learned.hovertext[0] == "learned prompts, 1 images of each class: 45.0 % right (40.0 to 50.0, 2 seeds)"
