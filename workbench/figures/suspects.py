"""Figures of a search for suspects: its precision and recall, and how labels and true classes differ."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.theme import REFERENCE, other_colours, style, tight

RANKING = "#d62839"
"""Colour of the whole ranking, a red that no part has; parts are drawn thinner."""
SCALE = ((0.0, "#eef0f1"), (0.3, "#dfa873"), (1.0, "#a85a1a"))
"""Colour scale of wrong labels; right ones are not coloured, for they would drown all others."""

Figures = Mapping[str, Any]


def precision_curve(figures: Figures) -> go.Figure:
    """Draw the share of real finds among the first images of a ranking, for every depth.

    Parameters
    ----------
    figures : mapping
        What :func:`workbench.methods.ranking.evaluate` returns, and under ``parts`` the same for single parts.
    """
    figure = go.Figure()
    parts: Mapping[str, Figures] = figures.get("parts", {})
    for (name, part), colour in zip(parts.items(), other_colours(len(parts)), strict=True):
        _line(figure, f"{name} alone", part["curve"], 1, {"color": colour, "width": 1.3})
    _intervals(figure, figures["precision"])
    _line(figure, "all together", figures["curve"], 1, {"color": RANKING, "width": 3})
    _level(figure, figures["chance"], figures["images"])
    figure.update_xaxes(title="first images of the ranking", type="log")
    figure.update_yaxes(title="precision", tickformat=".0%", range=[0, 1.03])
    return style(figure, 340)


def recall_curve(figures: Figures) -> go.Figure:
    """Draw which share of all there is to find the first images hold, for every depth; as :func:`precision_curve`."""
    figure = go.Figure()
    parts: Mapping[str, Figures] = figures.get("parts", {})
    for (name, part), colour in zip(parts.items(), other_colours(len(parts)), strict=True):
        _line(figure, f"{name} alone", part["curve"], 2, {"color": colour, "width": 1.3})
    _line(figure, "all together", figures["curve"], 2, {"color": RANKING, "width": 3})
    depths = [depth for depth, _, _ in figures["curve"]]
    by_chance = [depth / figures["images"] for depth in depths]
    figure.add_scatter(x=depths, y=by_chance, mode="lines", name="chance", line={"color": REFERENCE, "dash": "dot"},
                       hovertemplate="first %{x:,}: %{y:.1%} by chance<extra></extra>")  # fmt: skip
    figure.update_xaxes(title="first images of the ranking", type="log")
    figure.update_yaxes(title="recall", tickformat=".0%", range=[0, 1.03])
    return style(figure, 340)


def noise_matrix(classes: Sequence[str], noise: np.ndarray) -> go.Figure:
    """Draw how many images of each true class (columns) are estimated to carry each label (rows).

    Parameters
    ----------
    classes : sequence of str
        K names.
    noise : array (K, K)
        Numbers of images, as :func:`workbench.methods.suspects.confident_joint` estimates them.
    """
    values, classes = np.asarray(noise, dtype=np.float64), [html.escape(name) for name in classes]
    rows = values.sum(axis=1, keepdims=True)
    share = np.divide(values, rows, out=np.zeros(values.shape), where=rows > 0)
    coloured = np.where(np.eye(len(classes), dtype=bool), np.nan, share)
    figure = go.Figure(
        go.Heatmap(
            z=coloured,
            x=list(classes),
            y=list(classes),
            colorscale=SCALE,
            zmin=0,
            zmax=float(np.nanmax(coloured, initial=0.01)),
            xgap=2,
            ygap=2,
            colorbar={"title": "of the label", "thickness": 12, "outlinewidth": 0, "tickformat": ".0%"},
            hoverinfo="skip",
        )
    )
    figure.add_scatter(
        x=np.tile(classes, len(classes)),
        y=np.repeat(classes, len(classes)),
        mode="text",
        text=[f"{value:,.0f}" for value in values.ravel()],
        customdata=np.stack([values.ravel(), share.ravel()], axis=1),
        hovertemplate="about %{customdata[0]:,.0f} images labelled %{y} are %{x}:"
        "<br>%{customdata[1]:.1%} of the label<extra></extra>",
        showlegend=False,
    )
    figure.update_xaxes(title="true class, estimated", type="category", showgrid=False, side="top")
    figure.update_yaxes(title="label", type="category", autorange="reversed", showgrid=False)
    return tight(figure, 110 + 34 * max(3, len(classes)))


def _line(figure: go.Figure, name: str, curve: Sequence[Sequence[float]], column: int, line: dict[str, Any]) -> None:
    word = ("", "precision", "recall")[column]
    figure.add_scatter(
        x=[point[0] for point in curve],
        y=[point[column] for point in curve],
        mode="lines",
        name=name,
        line=line,
        hovertemplate=f"{name}<br>first %{{x:,}}: {word} %{{y:.1%}}<extra></extra>",
    )


def _intervals(figure: go.Figure, precision: Mapping[str, Sequence[float]]) -> None:
    """Draw the 95 % intervals as a band between the depths they were measured at."""
    if len(precision) < 2:
        return
    depths = [int(depth) for depth in precision]
    low, high = ([interval[place] for interval in precision.values()] for place in (1, 2))
    figure.add_scatter(x=[*depths, *depths[::-1]], y=[*low, *high[::-1]], fill="toself", mode="lines", name="95 %",
                       line={"width": 0}, fillcolor="rgba(214, 40, 57, 0.14)", hoverinfo="skip",
                       showlegend=False)  # fmt: skip


def _level(figure: go.Figure, chance: float, images: int) -> None:
    figure.add_scatter(x=[1, images], y=[chance, chance], mode="lines", name=f"chance {chance:.0%}",
                       line={"color": REFERENCE, "dash": "dot"}, hoverinfo="skip")  # fmt: skip
