"""Tables of angles between classes, images and texts side by side, and how the two agree."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.theme import REFERENCE, style
from workbench.methods.shapes import Floats

SCALE = ((0.0, "#14586a"), (0.3, "#7db4bf"), (0.5, "#eef0f1"), (0.7, "#dfa873"), (1.0, "#a85a1a"))
"""Blue is close, orange opposite, the middle what unrelated classes are at."""

_ROOM = (500.0, 300.0)

Table = tuple[Floats, Floats, Floats]
"""Angles in degrees ``(K, K)`` with the lower and upper ends of their intervals; NaN where there is none."""


def angle_tables(classes: Sequence[str], images: Table, texts: Table, unrelated: float) -> go.Figure:
    """Draw the angles between classes around the grand mean as two heat maps, with the intervals on hover.

    Parameters
    ----------
    classes : sequence of str
        K names, in the order of rows and columns.
    images, texts : Table
        The angles of each.
    unrelated : float
        The angle of classes with nothing in common, the middle of the colours.
    """
    names = [html.escape(name) for name in classes]
    span = max(float(np.abs(table[0][_pairs(table[0])] - unrelated).max()) for table in (images, texts)) or 1.0
    figure = make_subplots(cols=2, subplot_titles=("images", "texts"), shared_yaxes=True, horizontal_spacing=0.04)
    for column, (angles, low, high) in enumerate((images, texts), start=1):
        shown = np.where(np.eye(len(names), dtype=bool), np.nan, angles)
        figure.add_trace(
            go.Heatmap(
                z=shown,
                x=names,
                y=names,
                text=[[f"{value:.0f}" if np.isfinite(value) else "" for value in line] for line in shown],
                texttemplate="%{text}",
                customdata=_intervals(low, high),
                colorscale=SCALE,
                zmin=unrelated - span,
                zmax=unrelated + span,
                xgap=2,
                ygap=2,
                hoverongaps=False,
                colorbar={"title": "degrees", "thickness": 12, "outlinewidth": 0},
                showscale=column == 2,
                hovertemplate="%{y} and %{x}: %{z:.1f}° %{customdata}<extra></extra>",
            ),
            row=1,
            col=column,
        )
    figure.update_xaxes(showgrid=False, tickangle=-35)
    figure.update_yaxes(showgrid=False, autorange="reversed")
    styled = style(figure, 120 + 34 * max(4, len(names)))
    styled.update_layout(margin={"t": 36})
    return styled


def angle_agreement(classes: Sequence[str], images: Table, texts: Table, unrelated: float) -> go.Figure:
    """Draw every pair of classes by its angle between images (across) and between texts (up), with intervals.

    Parameters as of :func:`angle_tables`; the dotted lines are where unrelated classes lie. Names stand where there is
    room, those far out first; the others are told on hover.
    """
    pairs = _pairs(images[0])
    words = [f"{html.escape(classes[a])} – {html.escape(classes[b])}" for a, b in zip(*pairs, strict=True)]
    across, up = ([part[pairs] for part in table] for table in (images, texts))
    named = _names(across[0], up[0], words)
    figure = go.Figure(
        go.Scatter(
            x=across[0],
            y=up[0],
            error_x=_bars(across),
            error_y=_bars(up),
            mode="markers+text",
            text=[word if side else "" for word, side in zip(words, named, strict=True)],
            textposition=[side or "top center" for side in named],
            textfont={"size": 10},
            customdata=words,
            marker={"size": 8, "color": "#1f7a8c"},
            hovertemplate="%{customdata}<br>images %{x:.1f}°, texts %{y:.1f}°<extra></extra>",
        )
    )
    figure.add_vline(x=unrelated, line={"color": REFERENCE, "dash": "dot", "width": 1})
    figure.add_hline(y=unrelated, line={"color": REFERENCE, "dash": "dot", "width": 1})
    figure.update_xaxes(title="angle between the images of two classes (degrees)")
    figure.update_yaxes(title="angle between their texts (degrees)")
    return style(figure, 460)


def _pairs(table: Floats) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.triu_indices(len(table), 1)
    return rows, columns


def _names(across: Floats, up: Floats, words: Sequence[str]) -> list[str]:
    """Return on which side of each point its name stands, ``""`` where it would meet another name or a point.

    Measured on a narrow page (:data:`_ROOM`, in pixels); points farthest from the middle choose first.
    """
    places = np.stack([_scaled(across, _ROOM[0]), _scaled(up, _ROOM[1])], axis=1)
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in places.tolist()]
    sides = [""] * len(words)
    for place in np.argsort(-np.hypot(*(places - places.mean(axis=0)).T), kind="stable").tolist():
        x, y = places[place].tolist()
        half = 2.9 * len(words[place])
        others = taken[:place] + taken[place + 1 :]
        for side, low in (("top center", y + 5), ("bottom center", y - 17)):
            box = (x - half, low, x + half, low + 12)
            if not any(box[0] < c and a < box[2] and box[1] < d and b < box[3] for a, b, c, d in others):
                sides[place] = side
                taken.append(box)
                break
    return sides


def _scaled(values: Floats, room: float) -> Floats:
    span = float(np.ptp(values)) or 1.0
    return np.asarray((values - values.min()) / span * room)


def _bars(parts: Sequence[Floats]) -> dict[str, object]:
    value, low, high = parts
    return {
        "array": np.nan_to_num(high - value),
        "arrayminus": np.nan_to_num(value - low),
        "color": REFERENCE,
        "thickness": 1,
        "width": 0,
    }


def _intervals(low: Floats, high: Floats) -> list[list[str]]:
    """Return each interval in words, ``"(no interval)"`` where there is none."""
    pairs = zip(low.tolist(), high.tolist(), strict=True)
    return [
        [f"({a:.1f} to {b:.1f})" if np.isfinite(a) else "(no interval)" for a, b in zip(*lines, strict=True)]
        for lines in pairs
    ]
