"""Figures of robustness show the courses they are given, and names as text."""

from __future__ import annotations

import io

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from workbench.figures.robustness import areas, class_recalls, curves, examples
from workbench.methods.disturb import KINDS
from workbench.methods.robustness import Course, follow, resample_weights

CLASSES = ("angry", "happy", "sad")
HOSTILE = "<b>model</b> & co"


def course(model: str, disturbance: str, side: str, levels: list[float], ratio: bool = False) -> Course:
    labels = np.arange(90) % 3
    order = np.random.default_rng(len(model)).random(90)
    shares = np.linspace(0.9, 0.3, len(levels))
    predicted = np.stack([np.where(order < share, labels, (labels + 1) % 3) for share in shares])
    kind = KINDS[disturbance]
    named = {"model": model, "disturbance": disturbance, "side": side, "title": kind.title, "unit": kind.unit}
    return follow(named | {"ratio": ratio, "levels": levels}, labels, predicted, CLASSES, resample_weights(90, 50))


COURSES = [
    course(model, name, side, levels, name in ("contrast", "size"))
    for name, side, levels in (
        ("brightness", "darker", [0, -40.0, -80.0]),
        ("brightness", "brighter", [0, 40.0, 80.0]),
        ("blur", "", [0, 0.1]),
        ("size", "", [48.0, 24.0, 12.0]),
        ("contrast", "flatter", [1.0, 0.5]),
    )
    for model in ("one", HOSTILE)
]


def lines(figure: go.Figure) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.fill is None]


def test_both_sides_meet_in_one_panel_and_every_model_has_its_colour() -> None:
    figure = curves(COURSES, {"one": "First"})
    drawn = lines(figure)
    assert len(drawn) == 4 * 2
    assert list(drawn[0].x) == [-80, -40, 0, 40, 80]
    np.testing.assert_allclose(drawn[0].y[2], 100 * COURSES[0].accuracy[0].value)
    assert {trace.line.color for trace in drawn[::2]} == {drawn[0].line.color}
    assert drawn[0].line.color != drawn[1].line.color
    assert [trace.name for trace in drawn if trace.showlegend] == ["First", "&lt;b&gt;model&lt;/b&gt; &amp; co"]
    titles = [each.text for each in figure.layout.annotations]
    assert titles == ["Brightness", "Blur", "Size", "Contrast"]
    assert figure.layout.xaxis3.type == "log"
    assert figure.layout.xaxis3.autorange == "reversed"
    chance = [shape for shape in figure.layout.shapes if shape.y0 == pytest.approx(100 / 3)]
    assert len(chance) == 4


@pytest.mark.parametrize(("metric", "first"), [("macro_f1", "macro_f1"), ("loss", "loss")])
def test_other_figures_of_the_same_courses(metric: str, first: str) -> None:
    drawn = lines(curves(COURSES, metric=metric))[2]
    expected = [100 * each.value for each in getattr(COURSES[4], first)]
    np.testing.assert_allclose(drawn.y, expected)


def test_areas_stand_in_the_order_of_courses_with_their_intervals() -> None:
    figure = areas(COURSES)
    assert list(figure.layout.yaxis.ticktext) == [
        "Brightness, darker", "Brightness, brighter", "Blur", "Size", "Contrast, flatter",
    ]  # fmt: skip
    np.testing.assert_allclose(figure.data[0].x[2], 100 * COURSES[4].area.value)
    assert "half lost at" in figure.data[0].hovertext[0]
    assert "<b>" not in figure.data[1].hovertext[0]


def test_recalls_are_drawn_by_class() -> None:
    figure = class_recalls(COURSES[0], {"angry": "#123456"})
    assert [trace.name for trace in figure.data] == list(CLASSES)
    assert figure.data[0].line.color == "#123456"
    np.testing.assert_allclose(figure.data[1].y[0], 100 * COURSES[0].recall["happy"][0].value)


def test_every_example_has_its_place_and_level() -> None:
    file = io.BytesIO()
    Image.new("L", (4, 4)).save(file, "PNG")
    shown = [("", "", 0.0, file.getvalue()), ("blur", "", 0.1, file.getvalue()), ("blur", "", 0.2, file.getvalue())]
    figure = examples(shown, {"blur": "<i>Blur</i>"})
    assert len(figure.layout.images) == 3
    assert all(image.source.startswith("data:image/png;base64,") for image in figure.layout.images)
    words = [each.text for each in figure.layout.annotations]
    assert words == ["undisturbed", "0", "&lt;i&gt;Blur&lt;/i&gt;", "0.1", "0.2"]
