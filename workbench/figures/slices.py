"""Figures of error slices: error rates as dots with intervals, and accuracy by class and value of an attribute."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.theme import REFERENCE, tight
from workbench.methods.slices import ALPHA

WORSE, BETTER, UNCLEAR = "#c8742b", "#1f7a8c", "#8a929b"
"""Colours of slices that are wrong more often than the rest, less often, and of those that are not told apart."""
SCALE = ((0.0, "#a85a1a"), (0.25, "#dfa873"), (0.5, "#eef0f1"), (0.75, "#7db4bf"), (1.0, "#14586a"))
"""Colour scale of differences: orange is worse, blue better."""

TOO_FEW = "#d5d9dc"
"""Colour of cells with too few images to compare."""

Values = Mapping[str, Any]


def verdict(difference: float, q: float) -> str:
    """Return ``"worse"``, ``"better"`` or ``"unclear"``: whether a slice's error rate differs from the rest's."""
    if not q <= ALPHA:
        return "unclear"
    return "worse" if difference > 0 else "better"


def slice_rates(slices: Sequence[Values]) -> go.Figure:
    """Draw the error rate of each slice with its interval, and that of the rest as a line beside it.

    Parameters
    ----------
    slices : sequence of mapping
        ``name``, ``images``, ``wrong``, ``q``, and ``rate``, ``rest``, ``difference``, each ``value, low, high``; see
        :class:`workbench.studies.slicing.ErrorSlice`.
    """
    colours = {"worse": WORSE, "better": BETTER, "unclear": UNCLEAR}
    names = [f"{place}. {html.escape(str(each['name']))}" for place, each in enumerate(slices, start=1)]
    figure = go.Figure()
    for name, each in zip(names, slices, strict=True):
        value, low, high = (float(each["rate"][part]) * 100 for part in ("value", "low", "high"))
        rest = float(each["rest"]["value"]) * 100
        colour = colours[verdict(float(each["difference"]["value"]), float(each["q"]))]
        hover = (
            f"%{{y}}<br>{value:.1f} % wrong (95 % interval {low:.1f} to {high:.1f}), {int(each['images']):,} images"
            f"<br>the rest {rest:.1f} %, q = {float(each['q']):.2g}<extra></extra>"
        )
        bar = {"color": colour, "opacity": 0.28}
        figure.add_bar(x=[value], y=[name], orientation="h", marker=bar, hovertemplate=hover, showlegend=False)
        figure.add_scatter(
            x=[value],
            y=[name],
            mode="markers",
            marker={"size": 10, "color": colour},
            error_x={"array": [high - value], "arrayminus": [value - low], "color": colour, "thickness": 2, "width": 5},
            hovertemplate=hover,
            showlegend=False,
        )
        mark = {"symbol": "line-ns-open", "size": 15, "color": REFERENCE, "line": {"width": 1.5}}
        figure.add_scatter(x=[rest], y=[name], mode="markers", marker=mark, hoverinfo="skip", showlegend=False)
    figure.update_xaxes(title="wrong (%)", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return tight(figure, 76 + 34 * max(1, len(slices)))


def class_gaps(gaps: Sequence[Values]) -> go.Figure:
    """Draw how much more often each class is right in each slice than outside it, in points, and of how many images.

    Parameters
    ----------
    gaps : sequence of mapping
        ``attribute``, ``value``, ``label``, ``images``, ``q``, and ``accuracy``, ``difference``, each ``value, low,
        high``; see :class:`workbench.studies.slicing.ClassGap`. A cell whose difference holds is marked ``*``; one with
        too few images (no ``difference``) is gray and without a number.
    """
    rows = list(dict.fromkeys(str(each["value"]) for each in gaps))
    columns = list(dict.fromkeys(str(each["label"]) for each in gaps))
    change = np.full((len(rows), len(columns)), np.nan)
    few = change.copy()
    texts = np.full(change.shape, "", dtype=object)
    hovers = np.full(change.shape, "", dtype=object)
    for each in gaps:
        cell = rows.index(str(each["value"])), columns.index(str(each["label"]))
        images = f"{int(each['images']):,}"
        texts[cell] = f"n {images}"
        if not each["difference"]:
            few[cell], hovers[cell] = 0, f"{images} images, too few to compare"
            continue
        value, low, high = (float(each["difference"][part]) * 100 for part in ("value", "low", "high"))
        own, holds = float(each["accuracy"]["value"]) * 100, each["q"] is not None and each["q"] <= ALPHA
        change[cell] = value
        texts[cell] = f"{value:+.0f}{'*' if holds else ''}<br>{texts[cell]}"
        hovers[cell] = f"{own:.1f} % right of {images}<br>{value:+.1f} points (95 % interval {low:.1f} to {high:.1f})"
    span = float(np.nanmax(np.abs(change), initial=5.0))
    common = {
        "x": [html.escape(name) for name in columns],
        "y": [html.escape(name) for name in rows],
        "text": texts,
        "customdata": hovers,
        "texttemplate": "%{text}",
        "textfont": {"size": 11},
        "hovertemplate": "%{y}, %{x}: %{customdata}<extra></extra>",
        "hoverongaps": False,
        "xgap": 2,
        "ygap": 2,
    }
    bar = {"title": "points", "thickness": 12, "outlinewidth": 0}
    figure = go.Figure(
        [
            go.Heatmap(z=few, colorscale=[[0, TOO_FEW], [1, TOO_FEW]], showscale=False, **common),
            go.Heatmap(z=change, colorscale=SCALE, zmin=-span, zmax=span, colorbar=bar, **common),
        ]
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=False)
    return tight(figure, 76 + 42 * max(2, len(rows)))
