"""Figures of a comparison of two classifiers: scores, recalls class by class, and who is right where they disagree."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from workbench.figures.theme import REFERENCE, UNKNOWN, style, tight

FIRST, SECOND = "#c8742b", "#1f7a8c"
"""Colours of the two classifiers; they differ in lightness too."""
METRICS = {"accuracy": "accuracy", "macro_f1": "macro F1", "balanced_accuracy": "balanced accuracy"}
ALPHA = 0.05
"""The q value up to which a class's difference holds."""
_SHIFT = 0.15

Values = Mapping[str, Any]


def scores(comparison: Values, models: Sequence[str]) -> go.Figure:
    """Draw each score of both classifiers as two dots with 95 % intervals.

    Parameters
    ----------
    comparison : mapping
        What :meth:`workbench.methods.retrain.Comparison.to_dict` returns; the first is ``before``.
    models : sequence of str
        What the two are called.
    """
    lines = [(title, comparison["changes"][name]) for name, title in METRICS.items()]
    return _pairs(lines, models, [""] * len(lines), "%")


def recalls(comparison: Values, tests: Sequence[Values], models: Sequence[str]) -> go.Figure:
    """Draw the recall of each class by both classifiers; ``*`` marks classes whose difference holds (q up to 0.05).

    Parameters
    ----------
    comparison, models
        As in :func:`scores`.
    tests : sequence of mapping
        Fields of :class:`workbench.methods.compare.ClassTest`, in the order of the comparison's classes.
    """
    lines, hovers = [], []
    for each, test in zip(comparison["classes"], tests, strict=True):
        lines.append((f"{each['name']}{' *' if float(test['q']) <= ALPHA else ''}", each["change"]))
        hovers.append(f"<br>{int(each['images']):,} images, p = {float(test['p']):.2g}, q = {float(test['q']):.2g}")
    return _pairs(lines, models, hovers, "recall (%)")


def disagreements(tests: Sequence[Values], models: Sequence[str]) -> go.Figure:
    """Draw for each class the images that only one of the classifiers has right: the first's to the left.

    Parameters
    ----------
    tests, models
        As in :func:`recalls`.
    """
    names = [html.escape(str(test["name"])) for test in tests]
    figure = go.Figure()
    for field, sign, colour, model in (("only_first", -1, FIRST, models[0]), ("only_second", 1, SECOND, models[1])):
        counts = [int(test[field]) for test in tests]
        figure.add_bar(
            x=[sign * count for count in counts],
            y=names,
            orientation="h",
            name=f"only {html.escape(model)} is right",
            marker={"color": colour, "cornerradius": 3},
            text=[f"{count:,}" for count in counts],
            textposition="auto",
            customdata=[
                f"{count:,} of {int(test['images']):,} images" for count, test in zip(counts, tests, strict=True)
            ],
            hovertemplate="%{y}: %{customdata}<extra></extra>",
        )
    reach = max([1, *(int(test[field]) for test in tests for field in ("only_first", "only_second"))]) * 1.08
    figure.update_xaxes(
        title="images", range=[-reach, reach], showticklabels=False, zerolinecolor=REFERENCE, zerolinewidth=1
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_layout(barmode="overlay")
    return style(figure, 96 + 34 * max(1, len(tests)))


def _pairs(lines: Sequence[tuple[str, Values]], models: Sequence[str], hovers: Sequence[str], title: str) -> go.Figure:
    """Draw lines of two dots each; a change holds ``before``, ``after`` and ``difference`` as shares."""
    figure = go.Figure()
    for place, (name, change) in enumerate(lines):
        ends = [float(change[side]["value"]) * 100 for side in ("before", "after")]
        value, low, high = (float(change["difference"][part]) * 100 for part in ("value", "low", "high"))
        apart = f"<br>second minus first {value:+.2f} points ({low:.2f} to {high:.2f}){hovers[place]}"
        figure.add_scatter(
            x=ends,
            y=[place - _SHIFT, place + _SHIFT],
            mode="lines",
            line={"color": UNKNOWN, "width": 1, "dash": "dot"},
            hoverinfo="skip",
            showlegend=False,
        )
        for side, colour, shift, model in (("before", FIRST, -_SHIFT, models[0]), ("after", SECOND, _SHIFT, models[1])):
            value, low, high = (float(change[side][part]) * 100 for part in ("value", "low", "high"))
            figure.add_scatter(
                x=[value],
                y=[place + shift],
                mode="markers",
                name=html.escape(model),
                marker={"size": 10, "color": colour},
                error_x={"array": [high - value], "arrayminus": [value - low], "color": colour, "thickness": 1.5},
                hovertemplate=f"{html.escape(name)}, {html.escape(model)}: {value:.2f} % ({low:.2f} to {high:.2f})"
                f"{apart}<extra></extra>",
                showlegend=place == 0,
            )
    figure.update_yaxes(
        tickvals=list(range(len(lines))),
        ticktext=[html.escape(name) for name, _ in lines],
        range=[len(lines) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
    )
    figure.update_xaxes(title=title)
    tight(figure, 96 + 42 * max(1, len(lines)))
    figure.update_layout(margin={"t": 30})
    return figure
