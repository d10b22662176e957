"""Figures of prompts show the numbers they are given, and templates and words as text."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from workbench.figures.prompts import choices, left_out, search_path, template_recalls, template_scores
from workbench.methods.prompts import measure
from workbench.methods.retrain import compare

CLASSES = ("happy", "<b>sad</b>")
LABELS = np.arange(120) % 2


def ranked(wrong: int) -> np.ndarray:
    first = np.where(np.arange(120) % wrong == 0, 1 - LABELS, LABELS)
    return np.stack([first, 1 - first], axis=1)


def measured(wrong: int) -> dict[str, Any]:
    return measure(LABELS, ranked(wrong), CLASSES, resamples=50).to_dict()


WHOLE = measured(10)
TEMPLATES = {"a {} <i>face</i>": measured(3), "{}": measured(7)}
LEFT_OUT = {name: compare(LABELS, ranked(10)[:, 0], ranked(3)[:, 0], CLASSES, 100).to_dict() for name in TEMPLATES}
EXPERIMENT = [
    {"size": size, "templates": ["{} <i>face</i>"] * size, "concepts": ["joy"] * size, "measured": measured(3 + size)}
    for size in (1, 1, 2)
]
PATH = [
    {"change": "start", "added": "", "removed": "", "templates": 1, "concepts": 2, "value": 0.5},
    {"change": "exchange concept", "added": "<i>new</i>", "removed": "old", "value": 0.625},
]


def test_templates_stand_best_first_with_all_together_last() -> None:
    figure = template_scores(TEMPLATES, WHOLE)
    values = [trace.x[0] for trace in figure.data]
    assert values[:2] == sorted(values[:2], reverse=True)
    assert figure.data[-1].y[0] == "all together"
    assert values[-1] == pytest.approx(WHOLE["accuracy"]["value"] * 100)
    band = figure.layout.shapes[0]
    assert (band.x0, band.x1) == (WHOLE["accuracy"]["low"] * 100, WHOLE["accuracy"]["high"] * 100)


def test_recalls_are_the_shares_of_each_class_by_template() -> None:
    heat = template_recalls(TEMPLATES, WHOLE).data[0]
    expected = [
        [each["recall"]["value"] * 100 for each in values["recalls"]] for values in (*TEMPLATES.values(), WHOLE)
    ]
    assert np.asarray(heat.z) == pytest.approx(np.array(expected))
    assert len(heat.y) == 3


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_what_leaving_out_changes_is_in_points_with_its_interval(metric: str) -> None:
    trace = left_out(LEFT_OUT, metric).data[0]
    difference = LEFT_OUT["{}"]["changes"][metric]["difference"]
    assert trace.x[0] == pytest.approx(difference["value"] * 100)
    assert trace.x[0] + trace.error_x.array[0] == pytest.approx(difference["high"] * 100)


def test_each_drawn_set_is_a_dot_in_the_row_of_its_size() -> None:
    figure = choices({"values": [0.4, 0.5, 0.6]}, EXPERIMENT, WHOLE)
    assert list(figure.data[0].x) == pytest.approx([40, 50, 60])
    assert [len(trace.x) for trace in figure.data] == [3, 2, 1, 1, 1]
    assert figure.data[2].x[0] == pytest.approx(np.mean(figure.data[1].x))
    assert list(figure.layout.yaxis.ticktext)[1:] == ["1 template, 1 synonym", "2 templates, 2 synonyms"]


def test_a_search_shows_its_steps_and_the_report_below_them() -> None:
    figure = search_path(PATH, {"whole": WHOLE, "winner": measured(20)}, "accuracy", "validation", "test")
    assert list(figure.data[0].x) == [50, 62.5]
    assert figure.data[1].x[0] == pytest.approx(WHOLE["accuracy"]["value"] * 100)
    assert figure.data[2].y[0] > figure.data[1].y[0] > max(figure.data[0].y)
    assert figure.layout.yaxis.ticktext[0] == "0. start: 1 template, 2 concepts"


@pytest.mark.parametrize(
    "figure",
    [
        template_scores(TEMPLATES, WHOLE),
        template_recalls(TEMPLATES, WHOLE),
        left_out(LEFT_OUT),
        choices({"values": [0.4]}, EXPERIMENT, WHOLE),
        search_path(PATH, {"whole": WHOLE, "winner": WHOLE}, "accuracy", "<i>validation</i>", "<i>test</i>"),
    ],
)
def test_templates_and_words_are_text_and_no_markup(figure: go.Figure) -> None:
    text = figure.to_json()
    for markup in ("<i>", "\\u003ci\\u003e", "<b>sad", "\\u003cb\\u003esad"):
        assert markup not in text
