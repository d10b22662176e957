"""Figures of a video's score: its course, its emotions, the sum it is, and how far it moves."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.theme import GRID, REFERENCE, UNKNOWN, class_colours, other_colours, style, tight
from workbench.figures.timeline import Bools, Floats, buckets, gap_spans, means, thinned, with_breaks
from workbench.methods.bootstrap import Estimate
from workbench.methods.peak_end import PeakEnd, Settings
from workbench.methods.score_evidence import Sensitivity

COURSE = "#1f7a8c"
EARLIER, LATER, END = "#8e6bbf", "#b5654a", "#1f7a8c"
"""Colours of the two peaks and of the end."""
REPORTED = "#d6336c"
"""Colour of what people said."""
GAP = "rgba(128, 138, 148, 0.28)"
SCALE = (1.0, 5.0)
"""The scores that a frame can have."""
MOST_POINTS = 4000
"""Points of a line; of longer courses each stretch keeps its lowest and its highest frame."""
MOST_BARS = 600
"""Bars of the strip of emotions; of longer videos a bar is the mean of a stretch."""


def course(
    times: Floats,
    scores: Floats,
    result: PeakEnd,
    *,
    interval: Estimate | None = None,
    reported: float | None = None,
    fault_time: float | None = None,
) -> go.Figure:
    """Draw frame score against time, with the peaks, the end, the video score, and the end score's weights beneath.

    Parameters
    ----------
    times : float array (S,)
        Seconds, ascending.
    scores : float array (S,)
        Frame scores as they are; NaN in gaps, which are shaded.
    result : PeakEnd
        What was made of them. Where it smoothed them, the smoothed course is drawn over the scores.
    interval : Estimate, optional
        Of the video score, drawn as a band; NaN ends draw none.
    reported : float, optional
        The score that people gave.
    fault_time : float, optional
        Where the file is damaged, in seconds.
    """
    figure = go.Figure()
    last = int(np.flatnonzero(np.isfinite(scores))[-1])
    rows = thinned(scores, MOST_POINTS, keep=(result.earlier_row, result.later_row, last))
    smoothed = not np.array_equal(result.course, scores, equal_nan=True)
    _gaps(figure, times, np.isfinite(scores), SCALE)
    _line(figure, times, scores, rows, smoothed)
    if smoothed:
        _line(figure, times, result.course, thinned(result.course, MOST_POINTS, keep=(last,)), False, "smoothed")
    _levels(figure, times, result, interval, reported)
    _marks(figure, times, result, last)
    figure.add_scatter(
        x=times[rows],
        y=result.end_weights[rows],
        yaxis="y2",
        mode="lines",
        fill="tozeroy",
        line={"color": END, "width": 1, "shape": "hvh"},
        fillcolor="rgba(31, 122, 140, 0.25)",
        customdata=[clock(float(time)) for time in times[rows]],
        hovertemplate="%{customdata}: weight %{y:.2%} of the end score<extra></extra>",
        showlegend=False,
    )
    if fault_time is not None:
        figure.add_vline(x=fault_time, line={"color": REPORTED, "width": 1.5, "dash": "dash"})
        figure.add_annotation(
            x=fault_time, y=1, yref="paper", text="file damaged from here", showarrow=False, xanchor="right", xshift=-4
        )
    style(figure, 400)
    figure.update_xaxes(title="time (s)", anchor="y2", range=list(span(times)))
    figure.update_layout(
        yaxis={"title": "frame score", "domain": [0.24, 1], "range": [SCALE[0] - 0.12, SCALE[1] + 0.3]},
        yaxis2={
            "title": "end weight",
            "domain": [0, 0.17],
            "tickformat": ".1~%",
            "nticks": 3,
            "rangemode": "tozero",
            "gridcolor": GRID,
            "zerolinecolor": GRID,
        },
        hovermode="closest",
    )
    _left(figure)
    return figure


def strip(times: Floats, class_probabilities: Floats, classes: Sequence[str]) -> go.Figure:
    """Draw the emotions over time, stacked to 100 %; gaps are hatched.

    Parameters
    ----------
    times : float array (S,)
        Seconds, ascending.
    class_probabilities : float array (S, K)
        Probability of each class; NaN in gaps.
    classes : sequence of str
        Their names.
    """
    figure = go.Figure()
    present = np.asarray(np.isfinite(class_probabilities).all(axis=1))
    edges, starts = buckets(times, present, MOST_BARS)
    shares = means(class_probabilities, starts)
    left, width = edges[:, 0], edges[:, 1] - edges[:, 0]
    clocks = [clock(float(time)) for time in left]
    colours = class_colours(classes)
    for place, name in enumerate(classes):
        figure.add_bar(
            x=left,
            y=shares[:, place],
            width=width,
            offset=0,
            name=html.escape(name),
            marker={"color": colours[name], "line": {"width": 0}},
            customdata=clocks,
            hovertemplate="%{customdata}: " + html.escape(name).replace("%", "&#37;") + " %{y:.0%}<extra></extra>",
        )
    _gaps(figure, times, present, (0.0, 1.0), hatched=True)
    style(figure, 230)
    figure.update_layout(barmode="stack", bargap=0, legend={"traceorder": "normal"})
    figure.update_xaxes(title="time (s)", range=list(span(times)), showgrid=False)
    figure.update_yaxes(tickformat=".0%", range=[0, 1], title="probability", nticks=3)
    _left(figure)
    return figure


def parts(result: PeakEnd, settings: Settings) -> go.Figure:
    """Draw the video score as the sum that it is: each part times its weight, one after the other."""
    values = (result.end, result.earlier, result.later)
    names, colours = ("end score", "earlier peak", "later peak"), (END, EARLIER, LATER)
    added = [share * value for share, value in zip(settings.shares, values, strict=True)]
    labels = [
        f"{share:.3g} × {name} {value:.2f}" for share, name, value in zip(settings.shares, names, values, strict=True)
    ]
    figure = go.Figure(
        go.Bar(
            x=[*added, result.video],
            base=[0, *np.cumsum(added)[:2].tolist(), 0],
            y=[*labels, "<b>video score</b>"],
            orientation="h",
            marker={"color": [*colours, "#5a6672"], "cornerradius": 3},
            text=[f"{value:+.2f}" for value in added] + [f"<b>{result.video:.2f}</b>"],
            textposition="auto",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.3f}<extra></extra>",
        )
    )
    figure.update_xaxes(range=[0, SCALE[1] + 0.25], title="points of the video score (scale 1 to 5)", dtick=1)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return tight(figure, 210)


def sensitivity_words(moved: Sensitivity) -> str:
    """Return how far the video score moves, in one line: over all combinations, and by the strongest single choice."""
    line = (
        f"90 % of all {moved.combinations:,} combinations of choices give {moved.grid_low:.2f} to {moved.grid_high:.2f}"
    )
    strongest = max(moved.choices, key=lambda choice: abs(choice.change), default=None)
    if strongest is None:
        return f"{line}."
    choice = f"{strongest.group} {strongest.name}".replace("smoothing none", "no smoothing")
    return f"{line}; the single choice that moves the score most: {choice}, {strongest.video:.2f}."


def sensitivity(moved: Sensitivity, interval: Estimate) -> go.Figure:
    """Draw the video score under other choices, a line a choice, below its interval and the band of all combinations.

    Parameters
    ----------
    moved : Sensitivity
        The choices. Leaving an emotion out has the emotion's colour.
    interval : Estimate
        The video score and its block-bootstrap interval; NaN ends draw none.
    """
    video = interval.value
    figure = go.Figure()
    colours = class_colours([choice.name for choice in moved.choices if choice.group == "without"])
    bands = [(f"all {moved.combinations} combinations, 5–95 %", moved.grid_low, moved.grid_high)]
    if math.isfinite(interval.low):
        bands.insert(0, ("interval over time, 95 %", interval.low, interval.high))
    for name, low, high in bands:
        _span(figure, f"<b>{name}</b>", (low, high), "#5a6672", 9)
    for choice in moved.choices:
        colour = colours.get(choice.name, UNKNOWN) if choice.group == "without" else COURSE
        name = f"<span style='opacity:.6'>{html.escape(choice.group)}</span> {html.escape(choice.name)}"
        _span(figure, name, (video, choice.video), colour, 2)
        figure.add_scatter(
            x=[choice.video],
            y=[name],
            mode="markers",
            marker={"size": 10, "color": colour, "line": {"color": "white", "width": 1}},
            customdata=[choice.change],
            hovertemplate="%{y}: %{x:.2f} (%{customdata:+.2f})<extra></extra>",
            showlegend=False,
        )
    figure.add_vline(x=video, line={"color": REFERENCE, "width": 1.5, "dash": "dot"})
    lowest, highest = _reach([video, moved.low, moved.high, *(end for _, *ends in bands for end in ends)])
    figure.update_xaxes(title=f"video score (as chosen: {video:.2f})", range=[lowest, highest])
    figure.update_yaxes(autorange="reversed", showgrid=False, tickfont={"size": 11})
    return tight(figure, 70 + 23 * (len(bands) + len(moved.choices)))


def models(rows: Iterable[Mapping[str, Any]]) -> go.Figure:
    """Draw computed against reported video scores, a colour a model; on the line they agree.

    Parameters
    ----------
    rows : iterable of mapping
        ``video``, ``model``, ``reported`` and ``computed``; rows without one of the scores are left out.
    """
    known = [row for row in rows if row.get("reported") is not None and row.get("computed") is not None]
    names = list(dict.fromkeys(str(row["model"]) for row in known))
    figure = go.Figure()
    figure.add_scatter(
        x=list(SCALE), y=list(SCALE), mode="lines", line={"color": REFERENCE, "dash": "dot"}, showlegend=False
    )
    figure.data[0].hoverinfo = "skip"
    symbols = ("circle", "diamond", "square", "triangle-up", "cross", "star")
    for place, (name, colour) in enumerate(zip(names, other_colours(len(names)), strict=True)):
        own = [row for row in known if str(row["model"]) == name]
        error = float(np.mean([abs(row["computed"] - row["reported"]) for row in own]))
        figure.add_scatter(
            x=[row["reported"] for row in own],
            y=[row["computed"] for row in own],
            mode="markers",
            name=f"{html.escape(name)} (mean error {error:.2f})",
            marker={
                "size": 11,
                "color": colour,
                "symbol": symbols[place % len(symbols)],
                "line": {"color": "white", "width": 1},
            },
            customdata=[html.escape(str(row["video"])) for row in own],
            hovertemplate="%{customdata}: reported %{x:.2f}, computed %{y:.2f}<extra></extra>",
        )
    ends = [SCALE[0] - 0.15, SCALE[1] + 0.15]
    figure.update_xaxes(title="reported score", range=ends, dtick=1, constrain="domain")
    figure.update_yaxes(title="computed score", range=ends, dtick=1, scaleanchor="x")
    return style(figure, 420)


def clock(seconds: float) -> str:
    """Return a time in words, such as ``1:02.5`` or ``1:00:00.0``."""
    tenths = round(seconds * 10)
    hours, minutes, rest = tenths // 36000, tenths // 600 % 60, tenths % 600 / 10
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def span(times: Floats) -> tuple[float, float]:
    """Return where the time axis begins and ends: it shows the first and the last frame, also if they are one."""
    first, last = float(times[0]), float(times[-1])
    room = (last - first) * 0.01 or 0.5
    return first - room, last + room


def _left(figure: go.Figure) -> None:
    """Give the figures over time the same room on the left, so that one below the other they are at the same scale."""
    figure.update_yaxes(automargin=False, title_standoff=4)
    figure.update_layout(margin_l=64)


def _gaps(figure: go.Figure, times: Floats, present: Bools, ends: tuple[float, float], hatched: bool = False) -> None:
    """Shade the stretches without the face; one trace, for there may be many."""
    low, high = ends
    x: list[float | None] = []
    y: list[float | None] = []
    for start, stop in gap_spans(times, present):
        x += [start, stop, stop, start, start, None]
        y += [low, low, high, high, low, None]
    if x:
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=GAP if not hatched else "rgba(128, 138, 148, 0.12)",
            fillpattern={"shape": "/", "fgcolor": REFERENCE, "size": 7, "solidity": 0.25} if hatched else None,
            name="no face: not scored",
            hoverinfo="skip",
        )


def _line(
    figure: go.Figure, times: Floats, values: Floats, rows: np.ndarray, faint: bool, name: str = "frame score"
) -> None:
    x, y = with_breaks(times, values, rows)
    lonely = int(np.isfinite(values).sum()) <= 60 or _any_alone(values)
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines+markers" if lonely else "lines",
        marker={"size": 3 if len(x) > 200 else 5},
        line={"color": COURSE, "width": 1 if faint else 1.8},
        opacity=0.45 if faint else 1,
        name=name,
        customdata=[clock(time) for time in x],
        hovertemplate="%{customdata}: " + name + " %{y:.2f}<extra></extra>",
    )


def _any_alone(values: Floats) -> bool:
    """Return whether a frame with a score lies between two without, where a line alone would not show it."""
    here = np.isfinite(values)
    before, after = np.append(False, here[:-1]), np.append(here[1:], False)
    return bool((here & ~before & ~after).any())


def _levels(
    figure: go.Figure, times: Floats, result: PeakEnd, interval: Estimate | None, reported: float | None
) -> None:
    """Draw the video score with its interval, and the reported score, as lines across."""
    ends = list(span(times))
    if interval is not None and math.isfinite(interval.low):
        figure.add_scatter(
            x=[*ends, *ends[::-1]],
            y=[interval.low, interval.low, interval.high, interval.high],
            fill="toself",
            mode="lines",
            line={"width": 0},
            fillcolor="rgba(200, 116, 43, 0.13)",
            hoverinfo="skip",
            showlegend=False,
        )
    for name, value, colour, dash in (
        ("video score", result.video, "#c8742b", "solid"),
        ("reported", reported, REPORTED, "dash"),
    ):
        if value is not None:
            figure.add_scatter(
                x=ends,
                y=[value, value],
                mode="lines",
                line={"color": colour, "width": 1.6, "dash": dash},
                name=f"{name} {value:.2f}",
                hovertemplate=f"{name} {value:.2f}<extra></extra>",
            )


def _marks(figure: go.Figure, times: Floats, result: PeakEnd, last: int) -> None:
    """Mark the two peaks and the end, each with its value."""
    marks = [
        ("earlier peak", result.earlier_row, result.earlier, EARLIER),
        ("later peak", result.later_row, result.later, LATER),
        ("end score", last, result.end, END),
    ]
    for name, row, value, colour in marks:
        high = name != "end score" and value == result.high
        figure.add_scatter(
            x=[float(times[row])],
            y=[value],
            mode="markers",
            marker={
                "size": 12,
                "color": colour,
                "symbol": "diamond" if name == "end score" else "triangle-up" if high else "triangle-down",
                "line": {"color": "white", "width": 1.5},
            },
            name=f"{name} {value:.2f}",
            hovertemplate=f"{name} {value:.2f} at {clock(float(times[row]))}<extra></extra>",
        )


def _span(figure: go.Figure, name: str, ends: tuple[float, float], colour: str, width: int) -> None:
    figure.add_scatter(
        x=list(ends),
        y=[name, name],
        mode="lines+markers",
        line={"color": colour, "width": width},
        marker={"size": width, "symbol": "square", "color": colour},
        hovertemplate=f"%{{y}}: {ends[0]:.2f} to {ends[1]:.2f}<extra></extra>",
        showlegend=False,
    )


def _reach(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis on which all values can be seen: at least half a point wide."""
    low, high = min(values), max(values)
    room = max((high - low) * 0.06, 0.25 - (high - low) / 2, 0.02)
    return low - room, high + room
