"""Figures of a reweighting: the sweep, the controls, the classes, and what choosing on the test set adds."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.theme import ERROR_BAR, GRID, REFERENCE, class_colours, style

UP, DOWN, OWN, CONTROL = "#1f7a8c", "#c8742b", "#1f7a8c", "#8a929b"
"""Colours of a rise, a fall, the reweighted network and its controls; they differ in lightness too."""
MARK = "#d6336c"
"""Colour of what was chosen, seen on light and dark."""
SCALE = ((0.0, "#a85a1a"), (0.25, "#dfa873"), (0.5, "#eef0f1"), (0.75, "#7db4bf"), (1.0, "#14586a"))
"""Colour scale of changes: orange is worse, blue better, the middle no change."""
CONTROLS = {
    "random": "random sets of units",
    "shuffled": "shuffled similarities",
    "norm": "by weight norm",
    "inverted": "inverted",
}
"""The controls in words, in the order they are drawn."""

Values = Mapping[str, Any]


def sweep_surface(sweep: Values, chosen: int | None, by: str = "tau", values: str = "change") -> go.Figure:
    """Draw the change of accuracy at every threshold (rows) and factor (columns).

    Parameters
    ----------
    sweep : mapping
        Arrays ``(S,)``: ``threshold``, ``factor``, ``up`` and ``values``; see
        :class:`workbench.studies.reweighting.Reweighting`.
    chosen : int or None
        The setting to mark.
    by : str
        ``"tau"`` or ``"q"``: what the threshold is of.
    values : str
        Which change is drawn, in -1 to 1.
    """
    thresholds, factors = _axis(sweep["threshold"]), _axis(sweep["factor"])
    rows = np.searchsorted(thresholds, np.asarray(sweep["threshold"]))
    columns = np.searchsorted(factors, np.asarray(sweep["factor"]))
    change = np.full((len(thresholds), len(factors)), np.nan)
    up = np.zeros(change.shape, dtype=np.int64)
    change[rows, columns] = np.asarray(sweep[values]) * 100
    up[rows, columns] = sweep["up"]
    span = float(np.nanmax(np.abs(change), initial=0.1)) or 0.1
    figure = go.Figure(
        go.Heatmap(
            z=change,
            x=[f"{factor:g}" for factor in factors],
            y=[f"{threshold:.3g}" for threshold in thresholds],
            customdata=up,
            text=[[_points(value) for value in line] for line in change],
            texttemplate="%{text}",
            colorscale=SCALE,
            zmin=-span,
            zmax=span,
            xgap=2,
            ygap=2,
            colorbar={"title": "points", "thickness": 12, "outlinewidth": 0},
            hovertemplate=f"{by} %{{y}}, factor %{{x}}<br>%{{customdata:,}} units up"
            "<br>accuracy %{z:+.2f} points<extra></extra>",
        )
    )
    if chosen is not None:
        x, y = int(columns[chosen]), int(rows[chosen])
        frame = {"color": MARK, "width": 2.5}
        figure.add_shape(type="rect", x0=x - 0.5, x1=x + 0.5, y0=y - 0.5, y1=y + 0.5, line=frame)
    figure.update_xaxes(title="factor", type="category", showgrid=False)
    figure.update_yaxes(title=f"threshold ({by})", type="category", showgrid=False)
    return style(figure, 92 + 36 * max(3, len(thresholds)))


def sweep_lines(sweep: Values, chosen: int | None, by: str = "tau", values: str = "change") -> go.Figure:
    """Draw the change of accuracy against the threshold, a line a factor; see :func:`sweep_surface`."""
    factors = _axis(sweep["factor"])
    figure = go.Figure()
    for place, factor in enumerate(factors):
        of = np.flatnonzero(np.asarray(sweep["factor"]) == factor)
        of = of[np.argsort(np.asarray(sweep["threshold"])[of])]
        share = place / max(1, len(factors) - 1)
        figure.add_scatter(
            x=np.asarray(sweep["threshold"])[of].tolist(),
            y=(np.asarray(sweep[values])[of] * 100).tolist(),
            mode="lines+markers",
            name=f"x {factor:g}",
            line={"color": f"hsl({190 - 165 * share:.0f}, 55%, {38 + 8 * share:.0f}%)", "width": 1.8},
            marker={"size": 5},
            hovertemplate=f"factor {factor:g}, {by} %{{x:.3g}}<br>accuracy %{{y:+.2f}} points<extra></extra>",
        )
    if chosen is not None:
        figure.add_scatter(
            x=[float(sweep["threshold"][chosen])],
            y=[float(sweep[values][chosen]) * 100],
            mode="markers",
            name="chosen",
            marker={"size": 13, "symbol": "circle-open", "color": MARK, "line": {"width": 2.5}},
            hoverinfo="skip",
        )
    figure.add_hline(y=0, line={"color": REFERENCE, "dash": "dot", "width": 1})
    figure.update_xaxes(title=f"threshold ({by})")
    figure.update_yaxes(title="change of accuracy (points)")
    return style(figure, 380)


def controls_strip(gain: Values, controls: Values) -> go.Figure:
    """Draw the reweighted network's gain with its interval above the gains of its controls, a point each.

    Parameters
    ----------
    gain : mapping
        ``value``, ``low`` and ``high`` in -1 to 1.
    controls : mapping
        Arrays of gains, by the names in :data:`CONTROLS`; empty ones are left out.
    """
    value, low, high = (float(gain[name]) * 100 for name in ("value", "low", "high"))
    shown = {name: np.asarray(controls[name]) * 100 for name in CONTROLS if len(controls.get(name, ()))}
    figure = go.Figure()
    figure.add_vrect(x0=low, x1=high, fillcolor=OWN, opacity=0.1, line={"width": 0})
    figure.add_vline(x=value, line={"color": OWN, "width": 1.5, "dash": "dot"})
    for place, (name, gains) in enumerate(shown.items(), start=1):
        reaching = gains >= value - 1e-7
        figure.add_scatter(
            x=gains.tolist(),
            y=(place + _spread(gains)).tolist(),
            mode="markers",
            marker={
                "size": 9,
                "opacity": 0.85,
                "color": [DOWN if reaches else CONTROL for reaches in reaching],
                "line": {"color": "white", "width": 1},
            },
            customdata=["at least as good" if reaches else "less" for reaches in reaching],
            hovertemplate=f"{CONTROLS[name]}: %{{x:+.2f}} points (%{{customdata}})<extra></extra>",
            showlegend=False,
        )
    figure.add_scatter(
        x=[value],
        y=[0],
        mode="markers",
        marker={"size": 13, "color": OWN, "symbol": "diamond"},
        error_x={"array": [high - value], "arrayminus": [value - low], "color": OWN, "thickness": 2, "width": 6},
        hovertemplate=f"this network: {value:+.2f} points (95 % interval {low:.2f} to {high:.2f})<extra></extra>",
        showlegend=False,
    )
    names = ["<b>this network</b>", *(f"{CONTROLS[name]} ({len(gains)})" for name, gains in shown.items())]
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=names, range=[len(names) - 0.4, -0.6], showgrid=False, zeroline=False
    )
    figure.update_xaxes(title="change of accuracy (points)", zeroline=True, zerolinecolor=REFERENCE, zerolinewidth=1)
    return style(figure, 84 + 46 * len(names))


def class_changes(classes: Sequence[Values]) -> go.Figure:
    """Draw the change of each class's recall with its 95 % interval.

    Parameters
    ----------
    classes : sequence of mapping
        ``name, images, before, after`` and ``change`` (``value, low, high``), shares in 0 to 1; see
        :class:`workbench.methods.reweight_verdict.ClassChange`.
    """
    colours = class_colours([str(each["name"]) for each in classes])
    figure = go.Figure()
    for each in classes:
        value, low, high = (float(each["change"][part]) * 100 for part in ("value", "low", "high"))
        before, after = float(each["before"]) * 100, float(each["after"]) * 100
        name = html.escape(str(each["name"]))
        figure.add_bar(
            x=[value],
            y=[name],
            orientation="h",
            marker={"color": colours[str(each["name"])], "cornerradius": 3},
            error_x={
                "array": [high - value],
                "arrayminus": [value - low],
                "color": ERROR_BAR,
                "thickness": 1.5,
                "width": 4,
            },
            hovertemplate=f"%{{y}}: recall {before:.1f} to {after:.1f} %<br>{value:+.1f} points (95 % interval "
            f"{low:.1f} to {high:.1f}), {int(each['images']):,} images<extra></extra>",
            showlegend=False,
        )
    figure.update_xaxes(title="change of recall (points)", zerolinecolor=REFERENCE, zerolinewidth=1)
    figure.update_yaxes(autorange="reversed")
    return style(figure, 76 + 34 * max(1, len(classes)))


def protocols(rows: Sequence[tuple[str, float, float, float]]) -> go.Figure:
    """Draw what a gain looks like under each protocol, a point a row with its interval.

    Parameters
    ----------
    rows : sequence of (words, value, low, high)
        Gains in -1 to 1; equal ends draw no interval.
    """
    figure = go.Figure()
    for words, *numbers in rows:
        value, low, high = (number * 100 for number in numbers)
        span = f" ({low:.2f} to {high:.2f})" if high > low else ""
        figure.add_scatter(
            x=[value],
            y=[html.escape(words)],
            mode="markers+text",
            text=[_points(value)],
            textposition="top center",
            marker={"size": 11, "color": UP if value >= 0 else DOWN},
            error_x={"array": [high - value], "arrayminus": [value - low], "color": ERROR_BAR, "thickness": 1.5},
            hovertemplate=f"%{{y}}: {value:+.2f} points{span}<extra></extra>",
            showlegend=False,
        )
    figure.update_xaxes(title="gain (points)", zeroline=True, zerolinecolor=REFERENCE, gridcolor=GRID)
    figure.update_yaxes(range=[len(rows) - 0.5, -0.8], showgrid=False)
    return style(figure, 84 + 46 * max(1, len(rows)))


def threshold_histogram(values: Sequence[float], threshold: float, by: str = "tau", bins: int = 60) -> go.Figure:
    """Draw how a layer's units lie on either side of a threshold.

    Parameters
    ----------
    values : sequence of float (U,)
        Similarity (``by="tau"``) or q value of each unit; NaN is left out.
    threshold : float
        Where the line stands.
    """
    array = np.asarray(values, dtype=np.float64)
    array = array[np.isfinite(array)]
    up = array <= threshold if by == "q" else array > threshold
    edges = _edges_through(array, threshold, bins)
    middles = (edges[:-1] + edges[1:]) / 2
    figure = go.Figure()
    for name, part, colour in (("multiplied", array[up], UP), ("divided", array[~up], DOWN)):
        counts = np.histogram(part, edges)[0]
        figure.add_bar(
            x=middles.tolist(),
            y=counts.tolist(),
            width=float(edges[1] - edges[0]),
            name=f"{name} ({len(part):,})",
            marker={"color": colour, "line": {"width": 0}},
            hovertemplate=f"%{{y}} units {name} near %{{x:.3f}}<extra></extra>",
        )
    figure.add_vline(x=threshold, line={"color": MARK, "width": 1.5})
    figure.update_layout(barmode="stack", bargap=0.05)
    figure.update_xaxes(title="q value" if by == "q" else "greatest similarity of a unit")
    figure.update_yaxes(title="units")
    return style(figure, 230)


def _edges_through(values: np.ndarray, threshold: float, bins: int) -> np.ndarray:
    """Return edges of about ``bins`` equal bins, one of which is the threshold, so that no bin holds both sides."""
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    width = (high - low) / bins or 1.0
    first, last = np.floor((low - threshold) / width), np.ceil((high - threshold) / width)
    return np.asarray(threshold + np.arange(first, last + 2) * width)


def _axis(values: Any) -> np.ndarray:
    return np.unique(np.asarray(values, dtype=np.float64))


def _points(value: float) -> str:
    text = "" if value != value else f"{value:+.2f}"
    return "0" if text in ("+0.00", "-0.00") else text


def _spread(values: np.ndarray) -> np.ndarray:
    """Move points that would lie on each other apart: to the middle, down and up in turn, in the order of values."""
    order = np.argsort(values, kind="stable")
    moved = np.empty(len(values))
    moved[order] = [(0.0, 0.2, -0.2)[place % 3] for place in range(len(values))]
    return moved
