"""Figures of a dissection: what its units are labelled with, and the evidence for one unit's label."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from workbench.figures.theme import ERROR_BAR, GRID, REFERENCE, UNKNOWN, class_colours, style, tight

Numbers = npt.NDArray[np.floating]

HOLDS = "#1f7a8c"
"""Colour of what the evidence bears out."""
BINS = 40


def similarity_distribution(similarity: Numbers, holds: npt.NDArray[np.bool_], limit: float) -> go.Figure:
    """Draw how similar a layer's units are to their best match, with the limit of random image sets.

    Parameters
    ----------
    similarity : float array (U,)
        Greatest similarity of each unit; NaN for a constant unit, which is left out.
    holds : bool array (U,)
        Whether its label holds.
    limit : float
        The 95th percentile of the greatest similarity of random image sets.
    """
    known = similarity[~np.isnan(similarity)]
    span = np.append(known, limit) if np.isfinite(limit) else known
    low, high = (float(span.min()), float(span.max())) if len(span) else (0.0, 1.0)
    size = max((high - low) / BINS, 1e-9)
    figure = go.Figure()
    for name, colour, mask in (("label holds", HOLDS, holds), ("no label", UNKNOWN, ~holds)):
        figure.add_histogram(
            x=similarity[mask & ~np.isnan(similarity)],
            xbins={"start": low, "end": high + size, "size": size},
            name=name,
            marker={"color": colour},
            hovertemplate=f"{name}: %{{y}} units with similarity %{{x}}<extra></extra>",
        )
    highest = int(np.histogram(known, np.arange(low, high + 2 * size, size))[0].max(initial=0))
    figure.add_scatter(
        x=[limit, limit],
        y=[0, highest * 1.05],
        mode="lines",
        name=f"limit {limit:.2f}: 95 % of random sets are below",
        line={"color": "#d1495b", "dash": "dash", "width": 2},
        hoverinfo="skip",
    )
    figure.update_layout(barmode="stack", bargap=0.04, legend={"traceorder": "normal"})
    figure.update_xaxes(title="Similarity with the best-matching concept")
    figure.update_yaxes(title="Units")
    return style_with_legend(figure, 360)


def label_distribution(
    concepts: Sequence[str], accurate: npt.NDArray[np.int64], holding: npt.NDArray[np.int64]
) -> go.Figure:
    """Draw which labels occur, as shares: among accurate units, and among units whose label holds.

    Parameters
    ----------
    concepts : sequence of str
        Texts of the concepts (C).
    accurate, holding : int array (C,)
        Number of units labelled with each concept, among the accurate ones and among those whose label holds.
    """
    occurs = np.flatnonzero((accurate > 0) | (holding > 0))
    order = occurs[np.lexsort((-accurate[occurs], -holding[occurs]))]
    figure = go.Figure()
    for name, colour, counts in (("label holds", HOLDS, holding), ("accurate", "#e0a526", accurate)):
        total = max(1, int(counts.sum()))
        figure.add_bar(
            x=counts[order] / total,
            y=[html.escape(concepts[place]) for place in order],
            orientation="h",
            name=f"{name} ({int(counts.sum()):,} units)",
            marker={"color": colour, "cornerradius": 2},
            customdata=counts[order],
            hovertemplate=f"%{{y}}: %{{customdata:,}} of {total:,} units ({name}), %{{x:.1%}}<extra></extra>",
        )
    figure.update_layout(barmode="group", bargap=0.25, bargroupgap=0.1)
    figure.update_xaxes(tickformat=".0%", title="Share of units")
    figure.update_yaxes(autorange="reversed")
    return style_with_legend(figure, 90 + 24 * max(3, len(order)))


def concept_evidence(
    concepts: Sequence[str],
    similarity: Numbers,
    band: tuple[Numbers, Numbers],
    limit: float,
    colours: Sequence[str],
    most: int = 25,
) -> go.Figure:
    """Draw one unit's similarity with each concept against what random image sets reach.

    Parameters
    ----------
    concepts : sequence of str
        Texts of the concepts (C).
    similarity : float array (C,)
        The unit's similarity with each.
    band : (float array, float array), each (C,)
        The 2.5th and 97.5th percentile of each concept's similarity with random image sets.
    limit : float
        The 95th percentile of the greatest similarity of random image sets.
    colours : sequence of str
        Colour of each concept.
    most : int
        How many concepts are drawn, from the most similar on.
    """
    order = np.argsort(-similarity, kind="stable")[:most]
    names = [html.escape(concepts[place]) for place in order]
    low, high = band[0][order], band[1][order]
    figure = go.Figure()
    figure.add_bar(
        x=high - low,
        base=low,
        y=names,
        orientation="h",
        width=0.62,
        name="95 % of random image sets",
        marker={"color": "rgba(128, 138, 148, 0.28)", "cornerradius": 2},
        customdata=np.stack([low, high], axis=1),
        hovertemplate="%{y}: random sets %{customdata[0]:.2f} to %{customdata[1]:.2f}<extra></extra>",
    )
    figure.add_scatter(
        x=similarity[order],
        y=names,
        mode="markers",
        name="this unit",
        marker={
            "color": [colours[place] for place in order],
            "size": 10,
            "line": {"width": 1, "color": "rgba(255,255,255,.8)"},
        },
        hovertemplate="%{y}: similarity %{x:.3f}<extra></extra>",
    )
    figure.add_vline(x=limit, line={"color": REFERENCE, "dash": "dash", "width": 1.5})
    figure.add_annotation(
        x=limit, y=0, yref="paper", yanchor="top", yshift=-2, showarrow=False, text="limit", font={"size": 10}
    )
    figure.update_yaxes(autorange="reversed", tickfont={"size": 11})
    figure.update_xaxes(title="Similarity")
    return style_with_legend(figure, 90 + 19 * max(4, len(order)))


def class_activation(
    classes: Sequence[str], means: Numbers, overall: float, value: Numbers, low: Numbers, high: Numbers
) -> go.Figure:
    """Draw how selective a unit is for each class: AUROC with its interval, and mean activation on hover.

    Parameters
    ----------
    classes : sequence of str
        The classes (K).
    means : float array (K,)
        Mean activation on each class's images.
    overall : float
        Mean activation on all images.
    value, low, high : float array (K,)
        AUROC for each class with its 95 % interval; 0.5 is chance.
    """
    colours = class_colours(classes)
    names = [html.escape(name) for name in classes]
    figure = go.Figure()
    figure.add_bar(
        x=value - 0.5,
        base=0.5,
        y=names,
        orientation="h",
        marker={"color": [colours[name] for name in classes], "cornerradius": 2},
        error_x={
            "array": high - value,
            "arrayminus": value - low,
            "color": ERROR_BAR,
            "thickness": 1.5,
            "width": 4,
        },
        customdata=np.stack([value, low, high, means, np.full(len(names), overall)], axis=1),
        hovertemplate=(
            "%{y}: AUROC %{customdata[0]:.3f} (95 % interval %{customdata[1]:.3f} to %{customdata[2]:.3f})<br>"
            "mean activation %{customdata[3]:.3g}, over all images %{customdata[4]:.3g}<extra></extra>"
        ),
        showlegend=False,
    )
    figure.add_vline(x=0.5, line={"color": REFERENCE, "width": 1})
    bounds = np.concatenate([low, high])
    reach = max(0.1, float(np.nanmax(np.abs(bounds - 0.5), initial=0.0)) + 0.03) if len(bounds) else 0.1
    figure.update_xaxes(title="AUROC (0.5 is chance)", range=[0.5 - reach, 0.5 + reach])
    figure.update_yaxes(autorange="reversed")
    return tight(figure, 52 + 26 * max(2, len(names)))


def class_means(classes: Sequence[str], means: Numbers, overall: float) -> go.Figure:
    """Draw a unit's mean activation on each class's images, and on all images as a line.

    Parameters
    ----------
    classes : sequence of str
        The classes (K).
    means : float array (K,)
        Mean activation on each class's images; NaN where there is none.
    overall : float
        Mean activation on all images.
    """
    colours = class_colours(classes)
    figure = go.Figure()
    figure.add_bar(
        x=means,
        y=[html.escape(name) for name in classes],
        orientation="h",
        marker={"color": [colours[name] for name in classes], "cornerradius": 2},
        hovertemplate="%{y}: mean activation %{x:.4g}<extra></extra>",
        showlegend=False,
    )
    figure.add_vline(x=overall, line={"color": REFERENCE, "dash": "dash", "width": 1.5})
    figure.update_xaxes(title="Mean (dashed: all)")
    figure.update_yaxes(autorange="reversed", showticklabels=False)
    return tight(figure, 52 + 26 * max(2, len(classes)))


def style_with_legend(figure: go.Figure, height: int) -> go.Figure:
    """Style a figure whose legend stands over it, out of the way of a line's remark."""
    styled = style(figure, height)
    styled.update_layout(margin={"l": 8, "r": 8, "t": 34, "b": 8}, legend={"y": 1.02, "yanchor": "bottom", "x": 0})
    styled.update_xaxes(gridcolor=GRID)
    return styled
