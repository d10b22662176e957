"""The figures of maps and angles show the numbers they are given."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.figures import map as figures
from workbench.figures.angles import angle_agreement, angle_tables
from workbench.figures.map import map_figure
from workbench.figures.theme import EMOTIONS, UNKNOWN

POINTS = np.array([[0, 0], [1, 0], [0, 2], [3, 3]], dtype=np.float32)
TEXTS = np.array([[5, 5], [6, 6]], dtype=np.float32)


def test_images_are_drawn_by_class_and_those_without_one_gray() -> None:
    labels = ["sad", "happy", "sad", ""]
    figure = map_figure(POINTS, labels, ["happy", "sad"], TEXTS, ["<b>glad</b>", "blue"], {"sad": POINTS[0]}, rays=True)
    happy, sad, without, texts = figure.data
    assert list(happy.x) == [1]
    assert list(sad.y) == [0, 2]
    assert (sad.marker.color, without.marker.color) == (EMOTIONS["sad"], UNKNOWN)
    assert without.name == "no class"
    arrow, name, glad, blue = figure.layout.annotations
    assert texts.text[0] == "&lt;b&gt;glad&lt;/b&gt;"
    assert glad.text == "<i>&lt;b&gt;glad&lt;/b&gt;</i>"
    assert (blue.x, blue.y) == (6, 6)
    assert (arrow.ax, arrow.ay) == (1, 1.25)
    assert (arrow.x, arrow.y) == (0, 0)
    assert name.text == "<b>sad</b>"
    without = map_figure(POINTS, labels, ["happy", "sad"], TEXTS[:0], [], {"sad": POINTS[0]})
    assert [each.text for each in without.layout.annotations] == ["<b>sad</b>"]


def test_of_too_many_images_every_so_manyth_is_drawn_and_the_title_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "SHOWN", 2)
    figure = map_figure(POINTS, ["sad"] * 4, ["sad"], TEXTS, ["a", "b"], {}, "umap")
    assert list(figure.data[0].x) == [0, 0]
    assert figure.layout.title.text == "umap (one image in 2 of 4)"


def test_a_few_images_far_out_do_not_shrink_the_others_and_are_counted() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.uniform(-1, 1, (1000, 2)), [[500, 0], [0, -500]]]).astype(np.float32)
    figure = map_figure(points, ["sad"] * 1002, ["sad"], TEXTS[:0], [], {}, "umap")
    assert figure.layout.title.text == "umap (2 images lie farther out)"
    assert -2 < figure.layout.xaxis.range[0] < -1
    assert 1 < figure.layout.yaxis.range[1] < 2


def test_of_many_texts_the_names_are_told_on_hover_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "NAMED", 1)
    figure = map_figure(POINTS, ["sad"] * 4, ["sad"], TEXTS, ["a", "b"], {})
    assert not figure.layout.annotations
    assert list(figure.data[-1].text) == ["a", "b"]


ANGLES = np.array([[0.0, 80.0, 140.0], [80.0, 0.0, 110.0], [140.0, 110.0, 0.0]])
KNOWN = (ANGLES, ANGLES - 2, ANGLES + 3)
UNKNOWN_NINE = (np.full((9, 9), np.nan), np.full((9, 9), np.nan))
UNKNOWN_ENDS = (ANGLES - 10, np.full((3, 3), np.nan), np.full((3, 3), np.nan))


def test_the_tables_hold_every_angle_with_its_interval_and_no_angle_of_a_class_with_itself() -> None:
    figure = angle_tables(["happy", "sad", "<i>"], KNOWN, UNKNOWN_ENDS, 120.0)
    images, texts = figure.data
    assert images.z[0][2] == 140
    assert np.isnan(np.diag(images.z)).all()
    assert images.customdata[0][2] == "(138.0 to 143.0)"
    assert texts.customdata[0][2] == "(no interval)"
    assert images.x[2] == "&lt;i&gt;"
    assert (images.zmin, images.zmax) == (120 - 50, 120 + 50)
    assert texts.text[0][1] == "70"


def test_each_pair_of_classes_is_a_point_with_its_intervals() -> None:
    figure = angle_agreement(["happy", "sad", "fear"], KNOWN, UNKNOWN_ENDS, 120.0)
    (pairs,) = figure.data
    assert list(pairs.customdata) == ["happy – sad", "happy – fear", "sad – fear"]
    assert list(pairs.x) == [80, 140, 110]
    assert list(pairs.y) == [70, 130, 100]
    assert list(pairs.error_x.array) == [3, 3, 3]
    assert list(pairs.error_y.array) == [0, 0, 0]


def test_names_of_pairs_stand_where_there_is_room_and_the_outermost_first() -> None:
    rng = np.random.default_rng(0)
    names = [f"class {k}" for k in range(9)]
    upper = np.triu(rng.uniform(60, 130, (9, 9)), 1)
    table = (upper + upper.T, *UNKNOWN_NINE)
    (pairs,) = angle_agreement(names, table, table, 97.0).data
    shown = [place for place, text in enumerate(pairs.text) if text]
    assert 2 <= len(shown) < len(pairs.text)
    assert {int(np.argmin(pairs.x)), int(np.argmax(pairs.x))} <= set(shown)
    (alone,) = angle_agreement(["happy", "sad", "fear"], KNOWN, UNKNOWN_ENDS, 120.0).data
    assert list(alone.text) == list(alone.customdata)
