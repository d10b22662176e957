"""Figures of robustness: how classifiers fall as faces are disturbed, what that looks like, and where half is lost."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.theme import ERROR_BAR, GRID, REFERENCE, other_colours, style, tight
from workbench.methods.bootstrap import Estimate
from workbench.methods.robustness import Course

COLUMNS = 3
"""Panels side by side."""
METRICS = {"accuracy": "accuracy", "macro_f1": "macro F1", "loss": "loss of accuracy"}
"""What a curve may show."""
_PANEL = 250
_CELL = 74

Names = Mapping[str, str]


def curves(courses: Sequence[Course], names: Names | None = None, metric: str = "accuracy") -> go.Figure:
    """Draw every disturbance as a panel of its own: a line a model with its 95 % band, both sides in one panel.

    Parameters
    ----------
    courses : sequence of Course
        All of one study, or some.
    names : mapping of str to str, optional
        What the models are to be called.
    metric : str
        One of :data:`METRICS`. With accuracy, chance is a dotted line.
    """
    titles = {course.disturbance: course for course in courses}
    rows = max(1, math.ceil(len(titles) / COLUMNS))
    figure = make_subplots(
        rows=rows,
        cols=COLUMNS,
        subplot_titles=[course.title for course in titles.values()],
        vertical_spacing=0.42 / rows,
        horizontal_spacing=0.07,
    )
    colours = colours_of(courses)
    for place, (disturbance, first) in enumerate(titles.items()):
        at = {"row": place // COLUMNS + 1, "col": place % COLUMNS + 1}
        for model, colour in colours.items():
            own = [each for each in courses if each.disturbance == disturbance and each.model == model]
            if own:
                _line(figure, own, metric, (names or {}).get(model, model), colour, place == 0, at)
        _panel(figure, first, metric, at)
    style(figure, 60 + _PANEL * rows)
    figure.update_annotations(font_size=13)
    figure.update_layout(legend={"y": 1.0 + 60 / (_PANEL * rows)}, hovermode="closest", margin={"t": 64})
    return figure


def areas(courses: Sequence[Course], names: Names | None = None) -> go.Figure:
    """Draw, for each disturbance and side, how much of the accuracy each model keeps on average along the course.

    A dot is the area (mean accuracy along the course), its line the 95 % interval.

    Parameters
    ----------
    courses, names
        As for :func:`curves`.
    """
    figure = go.Figure()
    rows = list(dict.fromkeys(course.name for course in courses))
    models = colours_of(courses)
    for place, (model, colour) in enumerate(models.items()):
        own = [course for course in courses if course.model == model]
        shares = [100 * course.area.value for course in own]
        figure.add_scatter(
            x=shares,
            y=[rows.index(course.name) + 0.16 * (place - (len(models) - 1) / 2) for course in own],
            mode="markers",
            name=html.escape((names or {}).get(model, model)),
            marker={"color": colour, "size": 9},
            error_x=_whiskers([course.area for course in own]),
            hovertext=[
                f"{html.escape((names or {}).get(model, model))}, {html.escape(course.name)}<br>mean accuracy "
                f"{_words(course.area)}<br>half lost at {html.escape(course.half_in_words)}"
                for course in own
            ],
            hoverinfo="text",
        )
    ticks = {"tickvals": list(range(len(rows))), "ticktext": [html.escape(row) for row in rows]}
    figure.update_yaxes(**ticks, range=[len(rows) - 0.5, -0.5], showgrid=False, zeroline=False)
    figure.update_xaxes(title="mean accuracy along the course (%)")
    return style(figure, 90 + 30 * max(2, len(rows)))


def class_recalls(course: Course, colours: Mapping[str, str]) -> go.Figure:
    """Draw the recall of each class along one course; ``colours`` by class."""
    figure = go.Figure()
    for name, recall in course.recall.items():
        figure.add_scatter(
            x=list(course.levels),
            y=[100 * each.value for each in recall],
            mode="lines+markers",
            name=html.escape(name),
            line={"color": colours.get(name, ERROR_BAR), "width": 2},
            hovertext=[
                f"{html.escape(name)} at {level:g}: {_words(each)} right"
                for level, each in zip(course.levels, recall, strict=True)
            ],
            hoverinfo="text",
        )
    _axis(figure, course, {})
    figure.update_yaxes(title="recall (%)", range=[-3, 103])
    return style(figure, 320)


def examples(shown: Sequence[tuple[str, str, float, bytes]], titles: Names | None = None) -> go.Figure:
    """Draw one face at every strength: a row a disturbance and side.

    Parameters
    ----------
    shown : sequence of (str, str, float, bytes)
        Disturbance, side, level and the PNG file of the face.
    titles : mapping of str to str, optional
        What the disturbances are to be called.
    """
    rows: dict[str, list[tuple[float, bytes]]] = {}
    for disturbance, side, level, png in shown:
        title = (titles or {}).get(disturbance, disturbance or "undisturbed")
        rows.setdefault(f"{title}, {side}" if side else title, []).append((level, png))
    widest = max((len(row) for row in rows.values()), default=1)
    figure = go.Figure(go.Scatter(x=[0], y=[0], mode="markers", marker={"opacity": 0}, hoverinfo="skip"))
    for number, (title, row) in enumerate(rows.items()):
        figure.add_annotation(
            x=-0.15, y=number, text=html.escape(title), showarrow=False, xanchor="right", font={"size": 12}
        )
        for place, (level, png) in enumerate(row):
            figure.add_layout_image(
                source=f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}",
                x=place + 0.5, y=number - 0.46, xref="x", yref="y", sizex=0.94, sizey=0.74, layer="above",
                xanchor="center", yanchor="top", sizing="contain",
            )  # fmt: skip
            figure.add_annotation(x=place + 0.5, y=number + 0.39, text=f"{level:g}", showarrow=False, font={"size": 11})
    figure.update_xaxes(range=[-3.4, widest], visible=False)
    figure.update_yaxes(range=[len(rows) - 0.4, -0.6], visible=False)
    return tight(figure, max(120, round(_CELL * 1.25 * len(rows))))


def colours_of(courses: Sequence[Course]) -> dict[str, str]:
    """Return a colour for each model, by its place among the courses."""
    models = list(dict.fromkeys(course.model for course in courses))
    return dict(zip(models, other_colours(len(models)), strict=True))


def _line(
    figure: go.Figure,
    own: Sequence[Course],
    metric: str,
    name: str,
    colour: str,
    legend: bool,
    at: Mapping[str, int],
) -> None:
    """Add one model's line and band; the sides of a disturbance meet at the undisturbed faces."""
    points = {}
    for course in own:
        for level, estimate in zip(course.levels, getattr(course, metric), strict=True):
            points[level] = (estimate, course.side)
    levels = sorted(points)
    found = [points[level][0] for level in levels]
    low, high = ([100 * each[end] for each in found] for end in (1, 2))
    band = f"rgba({', '.join(str(int(colour[place : place + 2], 16)) for place in (1, 3, 5))}, 0.16)"
    figure.add_scatter(
        x=[*levels, *levels[::-1]], y=[*high, *low[::-1]], mode="lines", fill="toself", fillcolor=band,
        line={"width": 0}, hoverinfo="skip", showlegend=False, legendgroup=name, **at,
    )  # fmt: skip
    figure.add_scatter(
        x=levels,
        y=[100 * each.value for each in found],
        mode="lines+markers",
        name=html.escape(name),
        legendgroup=name,
        showlegend=legend,
        line={"color": colour, "width": 2},
        marker={"size": 5},
        hovertext=[
            f"{html.escape(name)}<br>{html.escape(own[0].title)} {level:g}: {_words(each)}"
            for level, each in zip(levels, found, strict=True)
        ],
        hoverinfo="text",
        **at,
    )


def _panel(figure: go.Figure, first: Course, metric: str, at: Mapping[str, int]) -> None:
    if metric == "accuracy":
        figure.add_hline(y=100 * first.chance, line={"color": REFERENCE, "dash": "dot", "width": 1}, **at)
    _axis(figure, first, at)
    figure.update_yaxes(range=[-103, 8] if metric == "loss" else [-3, 103], **at)
    if at["col"] == 1:
        figure.update_yaxes(title=f"{METRICS[metric]} ({'points' if metric == 'loss' else '%'})", **at)


def _axis(figure: go.Figure, course: Course, at: Mapping[str, int]) -> None:
    """Give an axis the disturbance's unit; where levels are factors it is logarithmic, and sizes fall to the right."""
    figure.update_xaxes(title={"text": html.escape(course.unit), "font": {"size": 11}}, gridcolor=GRID, **at)
    if course.ratio:
        figure.update_xaxes(type="log", tickvals=_round_levels(course), ticktext=None, **at)
    if course.disturbance in ("size", "jpeg"):
        figure.update_xaxes(autorange="reversed", **at)


def _round_levels(course: Course) -> list[float]:
    return list(course.levels) if course.disturbance == "size" else [0.05, 0.1, 0.2, 0.5, 1, 2, 4, 8, 16]


def _whiskers(estimates: Sequence[Estimate]) -> dict[str, object]:
    return {
        "type": "data",
        "array": [100 * (each.high - each.value) for each in estimates],
        "arrayminus": [100 * (each.value - each.low) for each in estimates],
        "color": ERROR_BAR,
        "thickness": 1,
        "width": 0,
    }


def _words(estimate: Estimate) -> str:
    return f"{100 * estimate.value:.1f} % ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"
