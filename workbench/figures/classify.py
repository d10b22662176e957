"""Figures of a classification: per-class metrics with their intervals, and calibration."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from workbench.figures.theme import ERROR_BAR, GRID, REFERENCE, class_colours, style

SHARES = ((0.0, "#f3f5f6"), (0.5, "#7db4bf"), (1.0, "#14586a"))
"""Colour scale of shares."""
PER_CLASS = {"precision": "Precision", "recall": "Recall", "f1": "F1"}
"""The per-class metrics that can be drawn, with their names."""


def per_class_bars(per_class: Mapping[str, Mapping[str, Any]], metric: str = "recall") -> go.Figure:
    """Draw one metric for each class as bars with 95 % intervals.

    Parameters
    ----------
    per_class : mapping
        For each class ``{metric: {"value", "low", "high"}, ..., "support": n}``, shares from 0 to 1, as in
        ``Classification.metrics[split]["per_class"]``.
    metric : str
        ``"precision"``, ``"recall"`` or ``"f1"``.
    """
    classes = list(per_class)
    colours = class_colours(classes)
    figure = go.Figure()
    for name in classes:
        estimate = per_class[name][metric]
        value, low, high = (float(estimate[part]) * 100 for part in ("value", "low", "high"))
        figure.add_bar(
            x=[value],
            y=[html.escape(name)],
            orientation="h",
            marker={"color": colours[name], "cornerradius": 3},
            error_x={
                "array": [high - value],
                "arrayminus": [value - low],
                "color": ERROR_BAR,
                "thickness": 1.5,
                "width": 4,
            },
            hovertemplate=f"%{{y}}: {value:.1f} % (95 % interval {low:.1f} to {high:.1f} %)<extra></extra>",
            showlegend=False,
        )
    figure.update_xaxes(title=f"{PER_CLASS[metric]} (%)", range=[0, 101])
    figure.update_yaxes(autorange="reversed")
    return style(figure, 60 + 34 * max(1, len(classes)))


def confusion(classes: Sequence[str], counts: npt.NDArray[np.integer]) -> go.Figure:
    """Draw which class images of each label are taken for: shares of the label, with their counts.

    Parameters
    ----------
    classes : sequence of str
        K names.
    counts : int array (K, K)
        Rows are labels, columns answers.
    """
    names = [html.escape(name) for name in classes]
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(100 * counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=names,
            y=names,
            text=[[f"{count:,}" for count in row] for row in counts.tolist()],
            texttemplate="%{text}",
            colorscale=SHARES,
            zmin=0,
            zmax=100,
            xgap=2,
            ygap=2,
            colorbar={"title": "% of label", "thickness": 12, "outlinewidth": 0},
            hovertemplate="labelled %{y}, answered %{x}: %{text} images, %{z:.1f} % of the label<extra></extra>",
        )
    )
    figure.update_xaxes(title="answer", showgrid=False)
    figure.update_yaxes(title="label", autorange="reversed", showgrid=False)
    return style(figure, 120 + 42 * max(3, len(classes)))


def reliability_diagram(
    confidence: Sequence[float], accuracy: Sequence[float], counts: Sequence[int], ece: float
) -> go.Figure:
    """Draw how often predictions of a given confidence are right.

    Parameters
    ----------
    confidence, accuracy : sequence of float, length B
        Mean confidence and share of right predictions in each bin, 0 to 1; NaN where a bin is empty.
    counts : sequence of int, length B
        Images in each bin.
    ece : float
        Expected calibration error, 0 to 1, for the title.
    """
    bins = [(c, a, n) for c, a, n in zip(confidence, accuracy, counts, strict=True) if n]
    largest = max((n for _, _, n in bins), default=1)
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name="perfectly calibrated",
        line={"dash": "dot", "color": REFERENCE},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[c for c, _, _ in bins],
        y=[a for _, a, _ in bins],
        mode="lines+markers",
        name="this run",
        line={"color": "#1f7a8c", "width": 2},
        marker={"size": [7 + 17 * (n / largest) ** 0.5 for _, _, n in bins], "color": "#1f7a8c", "line": {"width": 0}},
        customdata=[n for _, _, n in bins],
        hovertemplate="confidence %{x:.1%}<br>right %{y:.1%}<br>%{customdata:,} images<extra></extra>",
    )
    figure.update_xaxes(title="Mean confidence of the prediction", range=[0, 1.02], tickformat=".0%", gridcolor=GRID)
    figure.update_yaxes(title="Share that is right", range=[0, 1.02], tickformat=".0%", gridcolor=GRID)
    figure.add_annotation(
        x=0.98, y=0.06, xref="paper", yref="paper", showarrow=False, text=f"ECE {ece * 100:.1f} %", xanchor="right"
    )
    return style(figure, 420)
