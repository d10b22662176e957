"""The ladder as a figure: the accuracy of every way to classify with its interval, and what others reported of it."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from workbench.figures.theme import REFERENCE, style

FAMILIES = {
    "zero-shot": "#c8742b",
    "learned prompts": "#8e6bbf",
    "probe": "#1f7a8c",
    "pixels": "#6c757d",
    "network": "#a3476d",
}
"""Colour of each family of ways to classify."""
REPORTED = "reported elsewhere"
"""Legend of the marks that were not measured here."""
_LINE, _FRAME = 27, 110

Values = Mapping[str, Any]


def ladder(lines: Sequence[Values], commonest: float) -> go.Figure:
    """Draw each way to classify as a dot with its 95 % interval, the most accurate on top.

    Parameters
    ----------
    lines : sequence of mapping
        In the order drawn, from the top: ``title``, ``family`` (one of :data:`FAMILIES`), ``accuracy``, ``unseen``
        (each ``value``, ``low``, ``high``; 0..1; the second may be None), ``seeds``, and ``published``: pairs of a
        percentage and who reported it.
    commonest : float
        Share of the commonest class, 0..1: a dotted line.
    """
    names = [html.escape(str(each["title"]), quote=False) for each in lines]
    figure = go.Figure()
    for family, colour in FAMILIES.items():
        places = [place for place, each in enumerate(lines) if each["family"] == family]
        if places:
            _dots(figure, [lines[place] for place in places], [names[place] for place in places], family, colour)
    marks = [(names[place], value, source) for place, each in enumerate(lines) for value, source in each["published"]]
    if marks:
        figure.add_scatter(
            x=[value for _, value, _ in marks],
            y=[name for name, _, _ in marks],
            mode="markers",
            name=REPORTED,
            marker={"symbol": "diamond-open", "size": 8, "color": REFERENCE},
            hovertext=[f"{value:g} %: {html.escape(source, quote=False)}" for _, value, source in marks],
            hoverinfo="text",
        )
    figure.add_vline(x=100 * commonest, line={"color": REFERENCE, "dash": "dot", "width": 1})
    figure.update_xaxes(title="accuracy (%)")
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1])
    return style(figure, _FRAME + _LINE * len(lines))


def _dots(figure: go.Figure, lines: Sequence[Values], names: Sequence[str], family: str, colour: str) -> None:
    shares = [100 * float(each["accuracy"]["value"]) for each in lines]
    figure.add_scatter(
        x=shares,
        y=list(names),
        mode="markers",
        name=family,
        marker={"size": 10, "color": colour},
        error_x={
            "type": "data",
            "array": [100 * float(each["accuracy"]["high"]) - x for each, x in zip(lines, shares, strict=True)],
            "arrayminus": [x - 100 * float(each["accuracy"]["low"]) for each, x in zip(lines, shares, strict=True)],
            "color": colour,
            "thickness": 1.5,
            "width": 0,
        },
        hovertext=[_hover(each, name) for each, name in zip(lines, names, strict=True)],
        hoverinfo="text",
    )


def _hover(line: Values, name: str) -> str:
    seeds = int(line["seeds"])
    told = f"{name}<br>{_interval(line['accuracy'])}" + (f", mean of {seeds} seeds" if seeds > 1 else "")
    return told + (f"<br>without copies of training images: {_interval(line['unseen'])}" if line["unseen"] else "")


def _interval(estimate: Values) -> str:
    value, low, high = (100 * float(estimate[name]) for name in ("value", "low", "high"))
    return f"{value:.1f} % ({low:.1f} to {high:.1f})"
