"""Figures of an ablation: what a network's classes lose without a unit, or without many."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from workbench.figures.theme import REFERENCE, class_colours, style, tight

Numbers = npt.NDArray[np.floating]


def unit_effects(classes: Sequence[str], change: Numbers, title: str, scale: float = 1.0) -> go.Figure:
    """Draw the change of one figure of each class when a unit is ablated.

    Parameters
    ----------
    classes : sequence of str
        The classes (K).
    change : float array (K,)
        After minus before; below 0 the class loses.
    title : str
        What changes, with its unit.
    scale : float
        What ``change`` is multiplied with, such as 100 for points of percent.
    """
    colours = class_colours(classes)
    values = np.asarray(change, dtype=np.float64) * scale
    figure = go.Figure()
    figure.add_bar(
        x=values,
        y=[html.escape(name) for name in classes],
        orientation="h",
        marker={"color": [colours[name] for name in classes], "cornerradius": 2},
        hovertemplate="%{y}: %{x:+.3g}<extra></extra>",
        showlegend=False,
    )
    figure.add_vline(x=0, line={"color": REFERENCE, "width": 1})
    reach = max(float(np.nanmax(np.abs(values), initial=0.0)) * 1.15, 1e-3 * scale)
    figure.update_xaxes(title=title, range=[-reach, reach])
    figure.update_yaxes(autorange="reversed")
    return tight(figure, 52 + 26 * max(2, len(classes)))


def set_effects(sets: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> go.Figure:
    """Draw how much of each class's own recall goes with its top units, against random sets of the same size.

    Parameters
    ----------
    sets : sequence of mapping
        As ``Ablation.sets``: class, size, recall_change (K, shares) and random (recall_low and recall_high, K).
    classes : sequence of str
        The classes, in the order of the changes (K).
    """
    colours = class_colours(classes)
    sizes = sorted({int(one["size"]) for one in sets})
    figure = go.Figure()
    low = [min(float(_of(one, "recall_low", classes)) for one in sets if one["size"] == size) for size in sizes]
    high = [max(float(_of(one, "recall_high", classes)) for one in sets if one["size"] == size) for size in sizes]
    figure.add_scatter(
        x=[*sizes, *sizes[::-1]],
        y=[value * 100 for value in [*high, *low[::-1]]],
        mode="lines",
        fill="toself",
        fillcolor="rgba(128, 138, 148, 0.22)",
        line={"width": 0},
        name="95 % of random sets, any class",
        hoverinfo="skip",
    )
    for name in classes:
        own = sorted((one for one in sets if one["class"] == name), key=lambda one: int(one["size"]))
        place = list(classes).index(name)
        figure.add_scatter(
            x=[one["size"] for one in own],
            y=[one["recall_change"][place] * 100 for one in own],
            mode="lines+markers",
            name=html.escape(name),
            line={"color": colours[name], "width": 2},
            customdata=[one["p"][place] for one in own],
            hovertemplate=(
                f"the %{{x}} units of {html.escape(name)}: its recall %{{y:+.1f}} points, p = %{{customdata:.3f}}"
                "<extra></extra>"
            ),
        )
    figure.add_hline(y=0, line={"color": REFERENCE, "width": 1})
    figure.update_xaxes(title="Units removed", type="log", tickvals=sizes, ticktext=[str(size) for size in sizes])
    figure.update_yaxes(title="Change of the class's own recall (points)")
    return style(figure, 400)


def _of(one: Mapping[str, Any], name: str, classes: Sequence[str]) -> float:
    return float(one["random"][name][list(classes).index(one["class"])])
