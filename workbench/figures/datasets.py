"""Figures of a dataset."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from workbench.figures.theme import UNKNOWN, class_colours, style


def class_counts(counts: Mapping[str, Mapping[str, int]], classes: Sequence[str]) -> go.Figure:
    """Draw the share of each class in every split as stacked bars, with the number of images on hover.

    Parameters
    ----------
    counts : mapping
        For each split, the number of images of each class (``""`` for images without a label).
    classes : sequence of str
        The dataset's classes, in order.
    """
    colours = {**class_colours(classes), "": UNKNOWN}
    splits = list(counts)
    figure = go.Figure()
    for name in [*classes, ""]:
        numbers = [counts[split].get(name, 0) for split in splits]
        if not any(numbers):
            continue
        totals = [max(1, sum(counts[split].values())) for split in splits]
        label = html.escape(name) or "no label"
        figure.add_bar(
            x=[number / total for number, total in zip(numbers, totals, strict=True)],
            y=[html.escape(split) for split in splits],
            orientation="h",
            name=label,
            marker={"color": colours[name]},
            customdata=numbers,
            hovertemplate=f"{label}: %{{customdata:,}} of %{{y}} (%{{x:.1%}})<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.35, legend_traceorder="normal")
    figure.update_xaxes(tickformat=".0%", range=[0, 1.001])
    figure.update_yaxes(autorange="reversed")
    return style(figure, 96 + 40 * max(1, len(splits)))
