"""Colours and layout shared by all figures."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

EMOTIONS = {
    "angry": "#d1495b",
    "disgust": "#6a994e",
    "fear": "#8e6bbf",
    "happy": "#e0a526",
    "sad": "#3d7fb8",
    "surprise": "#2a9d8f",
    "neutral": "#8a929b",
}
"""Colour of each of the seven classes, everywhere."""

_OTHERS = ("#b5654a", "#4c956c", "#7d5ba6", "#c98b2b", "#3a6ea5", "#1f8a8a", "#a3476d", "#6c757d", "#94781f", "#56708a")
UNKNOWN = "#9aa3ab"
"""Colour of what has no class."""

GRID = "rgba(128, 138, 148, 0.25)"
ERROR_BAR = "rgba(90, 102, 112, 0.95)"
REFERENCE = "rgba(128, 138, 148, 0.8)"


def class_colours(classes: Sequence[str]) -> dict[str, str]:
    """Return a colour for each class: the seven emotions keep theirs, others take turns by their place in the list."""
    return {name: EMOTIONS.get(name, _OTHERS[place % len(_OTHERS)]) for place, name in enumerate(classes)}


def other_colours(count: int) -> list[str]:
    """Return colours for things that are no classes, such as models; they take turns."""
    return [_OTHERS[place % len(_OTHERS)] for place in range(count)]


def style(figure: go.Figure, height: int) -> go.Figure:
    """Give a figure the common layout: transparent, readable on light and dark, ``height`` pixels high."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 12},
        hoverlabel={"align": "left"},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
    )
    figure.update_xaxes(gridcolor=GRID, zerolinecolor=GRID, automargin=True)
    figure.update_yaxes(gridcolor=GRID, zerolinecolor=GRID, automargin=True)
    return figure


def tight(figure: go.Figure, height: int) -> go.Figure:
    """Style a figure that has neither title nor legend: no room is left over it."""
    styled = style(figure, height)
    styled.update_layout(margin={"l": 8, "r": 8, "t": 4, "b": 8})
    return styled
