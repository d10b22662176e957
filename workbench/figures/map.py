"""The map of an embedding space as a still figure: images as points, texts and class means with their names."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from workbench.figures.theme import REFERENCE, UNKNOWN, class_colours, style
from workbench.methods.shapes import Floats

SHOWN = 40_000
"""The most images drawn; of more every so many-th is, and the title says so."""
NAMED = 40
"""The most texts whose names are written; of more they are told on hover."""
_INK, _TEXT = "#1c2329", "#d6336c"


def map_figure(
    points: Floats,
    labels: Sequence[str],
    classes: Sequence[str],
    text_points: Floats,
    texts: Sequence[str],
    means: Mapping[str, Floats],
    title: str = "",
    rays: bool = False,
) -> go.Figure:
    """Draw a map.

    Parameters
    ----------
    points : float array (P, 2)
        The images' places.
    labels : sequence of str, length P
        ``""`` where an image has none.
    classes : sequence of str
        In the order of the legend; images with other labels are gray.
    text_points : float array (T, 2)
        The texts' places.
    texts : sequence of str, length T
        The texts.
    means : mapping
        For each class the mean place ``(2,)`` of its images.
    title : str
        A few words above it.
    rays : bool
        Draw arrows from the mean of all images to those of the classes; for a map whose directions mean something, a
        PCA.
    """
    step = -(-len(points) // SHOWN) if len(points) else 1
    shown, named = points[::step], np.asarray(labels, dtype=np.str_)[::step]
    colours = class_colours(classes)
    size = 3 if len(shown) > 5000 else 5
    figure = go.Figure()
    for name in (*classes, ""):
        inside = named == name if name else ~np.isin(named, list(classes))
        if inside.any():
            figure.add_scattergl(
                x=shown[inside, 0],
                y=shown[inside, 1],
                mode="markers",
                name=html.escape(name) or "no class",
                marker={"size": size, "color": colours.get(name, UNKNOWN), "opacity": 0.55},
                hoverinfo="skip",
            )
    if len(points):
        _add_means(figure, points.mean(axis=0) if rays else None, means, colours)
    _add_texts(figure, text_points, texts)
    (left, right), (bottom, top) = frame = _frame(np.concatenate([points, text_points]))
    figure.update_xaxes(visible=False, range=[left, right])
    figure.update_yaxes(visible=False, range=[bottom, top], scaleanchor="x")
    outside = int(((points < frame[:, 0]) | (points > frame[:, 1])).any(axis=1).sum())
    styled = style(figure, 640)
    words = title + (f" (one image in {step} of {len(points):,})" if step > 1 else "")
    words += f" ({outside:,} images lie farther out)" if outside else ""
    # a legend under the map: eight names above it would take two lines on a narrow page
    styled.update_layout(
        title={"text": html.escape(words), "font": {"size": 13}},
        margin={"t": 36},
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "itemsizing": "constant"},
    )
    return styled


def _frame(points: Floats) -> Floats:
    """Return what is shown across and up, ``(2, 2)``: all but the outermost five in a thousand on each side.

    A map may throw a few copies of one picture far out; showing them would leave a dot of all the others.
    """
    low, high = np.quantile(points, [0.005, 0.995], axis=0) if len(points) else (np.zeros(2), np.ones(2))
    margin = 0.2 * float((high - low).max()) or 1.0
    return np.stack([low - margin, high + margin], axis=1)


def _add_means(
    figure: go.Figure, centre: Floats | None, means: Mapping[str, Floats], colours: Mapping[str, str]
) -> None:
    if centre is not None:
        for mean in means.values():
            figure.add_annotation(
                x=float(mean[0]),
                y=float(mean[1]),
                ax=float(centre[0]),
                ay=float(centre[1]),
                axref="x",
                ayref="y",
                text="",
                arrowhead=2,
                arrowwidth=2.5,
                arrowcolor=_INK,
            )
    for name, mean in means.items():  # after all arrows, so that none crosses a name
        _name(figure, mean, f"<b>{html.escape(name)}</b>", 12, colours.get(name, REFERENCE))


def _add_texts(figure: go.Figure, text_points: Floats, texts: Sequence[str]) -> None:
    figure.add_scattergl(
        x=text_points[:, 0],
        y=text_points[:, 1],
        mode="markers",
        name="texts",
        text=[html.escape(text) for text in texts],
        marker={"symbol": "diamond", "size": 10, "color": _TEXT, "line": {"width": 1.5, "color": "white"}},
        hovertemplate="%{text}<extra></extra>",
    )
    if len(texts) <= NAMED:
        for point, text in zip(text_points, texts, strict=True):
            _name(figure, point, f"<i>{html.escape(text)}</i>", -13, _TEXT)


def _name(figure: go.Figure, point: Floats, words: str, shift: int, colour: str) -> None:
    """Write a name above or below a point, readable on whatever lies under it."""
    figure.add_annotation(
        x=float(point[0]),
        y=float(point[1]),
        text=words,
        showarrow=False,
        yshift=shift,
        bgcolor="rgba(255,255,255,0.85)",
        bordercolor=colour,
        borderwidth=1.5,
        borderpad=1,
        font={"size": 11, "color": _INK},
    )
