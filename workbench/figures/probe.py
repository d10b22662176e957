"""Figures of a probe: what each value of its setting gave, and how a forest gets better tree by tree."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from workbench.figures.theme import ERROR_BAR, UNKNOWN, tight

CHOSEN = "#1f7a8c"
"""Colour of the value that was chosen."""
_HEIGHT = 280

Values = Mapping[str, Any]


def settings(tried: Sequence[Values], chosen: float, setting: str) -> go.Figure:
    """Draw the accuracy that each value of the setting gave on the images that choose, with 95 % intervals.

    Parameters
    ----------
    tried : sequence of mapping
        ``value``, ``accuracy`` (``value``, ``low``, ``high``; 0..1), ``log_loss`` (nats) and ``seconds``.
    chosen : float
        The value that was chosen.
    setting : str
        What is set, in words.
    """
    shown = sorted(tried, key=lambda each: float(each["value"]))
    hovers = [
        f"{setting} {each['value']:g}{' (chosen)' if each['value'] == chosen else ''}<br>{_interval(each['accuracy'])}"
        f"<br>log loss {each['log_loss']:.3f} nats; learned in {each['seconds']:.1f} s"
        for each in shown
    ]
    colours = [CHOSEN if each["value"] == chosen else UNKNOWN for each in shown]
    figure = _course([float(each["value"]) for each in shown], [each["accuracy"] for each in shown], hovers, colours)
    figure.update_xaxes(title=html.escape(setting))
    return figure


def growth(grown: Sequence[Values]) -> go.Figure:
    """Draw a forest's accuracy on the images that choose by its number of trees, with 95 % intervals.

    Parameters
    ----------
    grown : sequence of mapping
        ``trees``, ``accuracy`` (``value``, ``low``, ``high``; 0..1) and ``bytes``, the fewest trees first.
    """
    hovers = [
        f"{each['trees']:,} trees, {each['bytes'] / 1e6:,.1f} MB<br>{_interval(each['accuracy'])}" for each in grown
    ]
    counts = [float(each["trees"]) for each in grown]
    figure = _course(counts, [each["accuracy"] for each in grown], hovers, [CHOSEN] * len(grown))
    figure.update_xaxes(title="trees")
    return figure


def _course(
    places: Sequence[float], estimates: Sequence[Values], hovers: Sequence[str], colours: Sequence[str]
) -> go.Figure:
    shares = [100 * float(each["value"]) for each in estimates]
    figure = go.Figure()
    figure.add_scatter(
        x=list(places),
        y=shares,
        mode="lines+markers",
        line={"color": UNKNOWN, "width": 1},
        marker={"size": 9, "color": list(colours)},
        error_y={
            "type": "data",
            "array": [100 * float(each["high"]) - share for each, share in zip(estimates, shares, strict=True)],
            "arrayminus": [share - 100 * float(each["low"]) for each, share in zip(estimates, shares, strict=True)],
            "color": ERROR_BAR,
            "thickness": 1,
            "width": 0,
        },
        hovertext=[html.escape(hover, quote=False).replace("&lt;br&gt;", "<br>") for hover in hovers],
        hoverinfo="text",
        showlegend=False,
    )
    figure.update_xaxes(type="log", tickvals=list(places), ticktext=[f"{place:,g}" for place in places])
    figure.update_yaxes(title="accuracy (%)")
    return tight(figure, _HEIGHT)


def _interval(estimate: Values) -> str:
    value, low, high = (100 * float(estimate[name]) for name in ("value", "low", "high"))
    return f"{value:.1f} % right ({low:.1f} to {high:.1f})"
