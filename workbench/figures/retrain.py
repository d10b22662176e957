"""Figures of training again: scores before and after cleaning, and the recall of each class."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from workbench.figures.reweight import class_changes
from workbench.figures.theme import ERROR_BAR, REFERENCE, tight

BEFORE, AFTER = "#8a929b", "#1f7a8c"
"""Colours of the probe before and after; they differ in lightness too."""
METRICS = {"accuracy": "accuracy", "macro_f1": "macro F1", "balanced_accuracy": "balanced accuracy"}

Values = Mapping[str, Any]


def before_after(comparisons: Mapping[str, Values], words: Mapping[str, str]) -> go.Figure:
    """Draw each score before and after as two dots with intervals on one line, for each set of labels.

    Parameters
    ----------
    comparisons : mapping of str to mapping
        By name what :meth:`workbench.methods.retrain.Comparison.to_dict` returns.
    words : mapping
        What each name is called.
    """
    figure = go.Figure()
    lines = [(name, metric) for name in comparisons for metric in METRICS]
    for place, (name, metric) in enumerate(lines):
        change = comparisons[name]["changes"][metric]
        ends = [float(change[side]["value"]) * 100 for side in ("before", "after")]
        line = {"color": REFERENCE, "width": 2}
        figure.add_scatter(x=ends, y=[place, place], mode="lines", line=line, hoverinfo="skip", showlegend=False)
        for side, colour, shift in (("before", BEFORE, -0.16), ("after", AFTER, 0.16)):
            value, low, high = (float(change[side][part]) * 100 for part in ("value", "low", "high"))
            figure.add_scatter(
                x=[value],
                y=[place + shift],
                mode="markers",
                name=f"{side} cleaning",
                marker={"size": 11, "color": colour},
                error_x={"array": [high - value], "arrayminus": [value - low], "color": colour, "thickness": 1.5},
                hovertemplate=f"{METRICS[metric]} {side} cleaning, against {html.escape(words[name])}: {value:.2f} % "
                f"({low:.2f} to {high:.2f})<extra></extra>",
                showlegend=place == 0,
            )
    titles = [f"{METRICS[metric]}<br><sub>against {html.escape(words[name])}</sub>" for name, metric in lines]
    figure.update_yaxes(tickvals=list(range(len(lines))), ticktext=titles, autorange="reversed", showgrid=False)
    figure.update_xaxes(title="%")
    tight(figure, 96 + 52 * max(1, len(lines)))
    figure.update_layout(margin={"t": 30}, yaxis={"zeroline": False})
    return figure


def differences(comparisons: Mapping[str, Values], words: Mapping[str, str]) -> go.Figure:
    """Draw after minus before for each score and set of labels, with its paired 95 % interval, in points."""
    figure = go.Figure()
    for name, found in comparisons.items():
        for metric, title in METRICS.items():
            value, low, high = (
                float(found["changes"][metric]["difference"][part]) * 100 for part in ("value", "low", "high")
            )
            clear = low > 0 or high < 0
            figure.add_scatter(
                x=[value],
                y=[f"{title}<br><sub>against {html.escape(words[name])}</sub>"],
                mode="markers",
                marker={"size": 11, "color": (AFTER if value > 0 else "#c8742b") if clear else BEFORE},
                error_x={"array": [high - value], "arrayminus": [value - low], "color": ERROR_BAR, "thickness": 1.5},
                hovertemplate=f"%{{y}}: {value:+.2f} points ({low:.2f} to {high:.2f})<extra></extra>",
                showlegend=False,
            )
    figure.add_vline(x=0, line={"color": REFERENCE, "dash": "dot", "width": 1})
    figure.update_xaxes(title={"text": "after minus before<br>(points)", "standoff": 6})
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return tight(figure, 96 + 40 * max(1, sum(len(METRICS) for _ in comparisons)))


def class_recalls(comparison: Values) -> go.Figure:
    """Draw how the recall of each class changed; ``comparison`` as in :func:`before_after`."""
    rows = [
        {
            "name": each["name"],
            "images": each["images"],
            "before": each["change"]["before"]["value"],
            "after": each["change"]["after"]["value"],
            "change": each["change"]["difference"],
        }
        for each in comparison["classes"]
    ]
    return class_changes(rows)
