"""Figures of prompts: what each template does, what chance does, how a search climbs, and what it is worth."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.figures.theme import ERROR_BAR, REFERENCE, style, tight

OWN, OTHER = "#1f7a8c", "#c8742b"
"""Colours of the whole concept set and of what is changed from it; they differ in lightness too."""
UNCLEAR = "#8a929b"
SCALE = ((0.0, "#f3f5f6"), (0.5, "#7db4bf"), (1.0, "#14586a"))
"""Colour scale of recall."""
METRICS = {"accuracy": "accuracy", "macro_f1": "macro F1", "top_k": "top-3 accuracy"}
_LONGEST = 44

Values = Mapping[str, Any]


def template_scores(templates: Mapping[str, Values], whole: Values, metric: str = "accuracy") -> go.Figure:
    """Draw the score of each template alone, best first, with its 95 % interval, above that of all together.

    Parameters
    ----------
    templates : mapping of str to mapping
        By template what :meth:`workbench.methods.prompts.Measured.to_dict` returns.
    whole : mapping
        The same of all templates together; the band is its interval.
    metric : str
        One of :data:`METRICS`.
    """
    ordered = sorted(templates, key=lambda name: -float(templates[name][metric]["value"]))
    figure = go.Figure()
    _band(figure, whole[metric])
    for name, values, colour in [*((name, templates[name], OTHER) for name in ordered), ("all together", whole, OWN)]:
        value, low, high = _percent(values[metric])
        recalls = [f"{each['name']} {float(each['recall']['value']):.0%}" for each in values["recalls"]]
        lines = "<br>".join(html.escape(", ".join(recalls[start : start + 4])) for start in range(0, len(recalls), 4))
        _dot(figure, _short(name), (value, low, high), colour, f"{html.escape(name)}: {value:.2f} % ({low:.2f} to "
             f"{high:.2f})<br>recall: {lines}")  # fmt: skip
    figure.update_xaxes(title=f"{METRICS[metric]} (%)")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return tight(figure, 76 + 30 * (len(ordered) + 1))


def template_recalls(templates: Mapping[str, Values], whole: Values) -> go.Figure:
    """Draw the recall of each class with each template alone and with all together; parameters as above."""
    rows = [*((name, values) for name, values in templates.items()), ("all together", whole)]
    columns = [str(each["name"]) for each in whole["recalls"]]
    shares = np.array([[float(each["recall"]["value"]) * 100 for each in values["recalls"]] for _, values in rows])
    hovers = [
        [
            f"{html.escape(name)}, {html.escape(str(each['name']))}: {_percent(each['recall'])[0]:.1f} % right "
            f"({_percent(each['recall'])[1]:.1f} to {_percent(each['recall'])[2]:.1f}) of {int(each['images']):,}"
            for each in values["recalls"]
        ]
        for name, values in rows
    ]
    return _heat(shares, columns, [name for name, _ in rows], hovers)


def template_shares(
    templates: Mapping[str, Sequence[float]], whole: Sequence[float], classes: Sequence[str]
) -> go.Figure:
    """Draw the share of images answered with each class, by each template alone and by all together.

    Parameters
    ----------
    templates : mapping of str to sequence of float
        By template the share of each class (K), 0..1.
    whole : sequence of float
        The same of all templates together.
    classes : sequence of str
        Names (K).
    """
    rows = [*templates.items(), ("all together", whole)]
    shares = np.array([values for _, values in rows], dtype=np.float64) * 100
    hovers = [
        [
            f"{html.escape(name)}: {share:.1f} % answered {html.escape(each)}"
            for each, share in zip(classes, line, strict=True)
        ]
        for (name, _), line in zip(rows, shares, strict=True)
    ]
    return _heat(shares, classes, [name for name, _ in rows], hovers)


def _heat(
    shares: np.ndarray, columns: Sequence[str], rows: Sequence[str], hovers: Sequence[Sequence[str]]
) -> go.Figure:
    """Draw percentages, a row a template."""
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=[html.escape(name) for name in columns],
            y=[_short(name) for name in rows],
            text=np.vectorize(lambda share: f"{share:.0f}")(shares),
            texttemplate="%{text}",
            customdata=hovers,
            hovertemplate="%{customdata}<extra></extra>",
            colorscale=SCALE,
            zmin=0,
            zmax=100,
            xgap=2,
            ygap=2,
            showscale=False,
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, ticksuffix=" ")
    figure.update_xaxes(showgrid=False)
    return tight(figure, 76 + 30 * max(2, len(rows)))


def left_out(comparisons: Mapping[str, Values], metric: str = "accuracy") -> go.Figure:
    """Draw how the score changes where one template is left out, in points, with its paired 95 % interval.

    Parameters
    ----------
    comparisons : mapping of str to mapping
        By template what :meth:`workbench.methods.retrain.Comparison.to_dict` returns.
    metric : str
        ``"accuracy"`` or ``"macro_f1"``.
    """
    figure = go.Figure()
    for name, values in comparisons.items():
        value, low, high = _percent(values["changes"][metric]["difference"])
        clear = low > 0 or high < 0
        colour = (OWN if value > 0 else OTHER) if clear else UNCLEAR
        words = f"without {html.escape(name)}: {value:+.2f} points ({low:.2f} to {high:.2f})"
        _dot(figure, _short(name), (value, low, high), colour, words)
    figure.add_vline(x=0, line={"color": REFERENCE, "dash": "dot", "width": 1})
    figure.update_xaxes(title=f"{METRICS[metric]} without it, minus with all (points)")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return tight(figure, 76 + 30 * max(1, len(comparisons)))


def choices(spread: Values, experiment: Sequence[Values], whole: Values, metric: str = "accuracy") -> go.Figure:
    """Draw the scores of sets drawn at random, all sizes and each size of the experiment, a dot a set.

    The band is the 95 % interval of the whole set: what drawing the images again would do.

    Parameters
    ----------
    spread : mapping
        ``values`` (scores of random sets, in the metric).
    experiment : sequence of mapping
        ``size, templates, concepts, measured``; ``measured`` as in :func:`template_scores`.
    whole, metric
        As in :func:`template_scores`.
    """
    figure = go.Figure()
    _band(figure, whole[metric])
    values = np.asarray(spread["values"], dtype=np.float64) * 100
    rng = np.random.default_rng(0)
    _strip(figure, 0, values, rng.uniform(-0.28, 0.28, len(values)), [""] * len(values), 5)
    names = [f"any size ({len(values)} sets)"]
    for place, size in enumerate(dict.fromkeys(int(each["size"]) for each in experiment), start=1):
        drawn = [each for each in experiment if int(each["size"]) == size]
        found = np.array([float(each["measured"][metric]["value"]) for each in drawn]) * 100
        words = [
            f"<br>templates: {html.escape('; '.join(each['templates']))}"
            f"<br>concepts: {_wrapped(html.escape(', '.join(each['concepts'])))}"
            for each in drawn
        ]
        _strip(figure, place, found, np.linspace(-0.12, 0.12, len(found)), words, 9)
        mean = {"symbol": "line-ns-open", "size": 22, "color": REFERENCE, "line": {"width": 2}}
        figure.add_scatter(
            x=[float(found.mean())],
            y=[place],
            mode="markers",
            marker=mean,
            hovertemplate="mean %{x:.2f} %<extra></extra>",
            showlegend=False,
        )
        names.append(f"{size} template{'s' * (size > 1)}, {size} synonym{'s' * (size > 1)}")
    figure.add_vline(x=float(whole[metric]["value"]) * 100, line={"color": OWN, "width": 1.5, "dash": "dot"})
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=names, range=[len(names) - 0.5, -0.5], showgrid=False, zeroline=False
    )
    figure.update_xaxes(title=f"{METRICS[metric]} (%)")
    return tight(figure, 76 + 46 * len(names))


def search_path(
    path: Sequence[Values], report: Mapping[str, Values], metric: str, tune_on: str, report_on: str
) -> go.Figure:
    """Draw the steps of a search by their scores, and below them the report: the whole set and the winner, once.

    Parameters
    ----------
    path : sequence of mapping
        ``change, added, removed, value``; see :attr:`workbench.studies.prompting.Prompts.path`.
    report : mapping
        ``whole`` and ``winner``, as in :func:`template_scores`.
    metric : str
        What the search raised.
    tune_on, report_on : str
        Names of the two splits.
    """
    names = [f"{place}. {_step(step)}" for place, step in enumerate(path)]
    figure = go.Figure()
    scores = [float(step["value"]) * 100 for step in path]
    figure.add_scatter(
        x=scores,
        y=list(range(len(path))),
        mode="lines+markers",
        name=f"while searching, on {html.escape(tune_on)}",
        line={"color": UNCLEAR, "width": 1.5},
        marker={"size": 8, "color": UNCLEAR},
        customdata=[f"{html.escape(name)}: {value:.2f} %" for name, value in zip(names, scores, strict=True)],
        hovertemplate="%{customdata}<extra></extra>",
    )
    for place, (key, colour, words) in enumerate((("whole", OWN, "the whole set"), ("winner", OTHER, "the winner"))):
        value, low, high = _percent(report[key][metric])
        figure.add_scatter(
            x=[value],
            y=[len(path) + place + 0.4],
            mode="markers",
            name=f"{words}, on {html.escape(report_on)}",
            marker={"size": 11, "color": colour},
            error_x={"array": [high - value], "arrayminus": [value - low], "color": colour, "thickness": 1.5},
            hovertemplate=f"{words}: {value:.2f} % ({low:.2f} to {high:.2f})<extra></extra>",
        )
    figure.add_hline(y=len(path) - 0.3, line={"color": REFERENCE, "dash": "dot", "width": 1})
    figure.update_yaxes(
        tickvals=[*range(len(path)), len(path) + 0.4, len(path) + 1.4],
        ticktext=[*(_short(name) for name in names), "<b>whole set</b>", "<b>winner</b>"],
        range=[len(path) + 2, -0.6],
        showgrid=False,
        zeroline=False,
    )
    figure.update_xaxes(title=f"{METRICS[metric]} (%)")
    return style(figure, 110 + 28 * (len(path) + 2))


def _step(step: Values) -> str:
    change, came, went = str(step["change"]), str(step["added"]), str(step["removed"])
    if change == "start":
        count = int(step["templates"])
        return f"start: {count} template{'s' * (count > 1)}, {int(step['concepts'])} concepts"
    return f"{change} {f'{went} for {came}' if came and went else came or went}"


def _dot(figure: go.Figure, name: str, ends: tuple[float, float, float], colour: str, words: str) -> None:
    value, low, high = ends
    figure.add_scatter(
        x=[value],
        y=[name],
        mode="markers",
        marker={"size": 10, "color": colour},
        error_x={"array": [high - value], "arrayminus": [value - low], "color": ERROR_BAR, "thickness": 1.5},
        hovertemplate=f"{words}<extra></extra>",
        showlegend=False,
    )


def _strip(
    figure: go.Figure, place: int, values: np.ndarray, moved: np.ndarray, words: Sequence[str], size: int
) -> None:
    figure.add_scatter(
        x=values.tolist(),
        y=(place + moved).tolist(),
        mode="markers",
        marker={"size": size, "color": OTHER, "opacity": 0.75, "line": {"color": "white", "width": 0.5}},
        customdata=list(words),
        hovertemplate="%{x:.2f} %%{customdata}<extra></extra>",
        showlegend=False,
    )


def _band(figure: go.Figure, estimate: Values) -> None:
    _, low, high = _percent(estimate)
    figure.add_vrect(x0=low, x1=high, fillcolor=OWN, opacity=0.1, line={"width": 0})


def _percent(estimate: Values) -> tuple[float, float, float]:
    value, low, high = (float(estimate[part]) * 100 for part in ("value", "low", "high"))
    return value, low, high


def _short(text: str) -> str:
    return html.escape(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]}..")


def _wrapped(text: str, words: int = 7) -> str:
    parts = text.split(", ")
    return ",<br>".join(", ".join(parts[start : start + words]) for start in range(0, len(parts), words))
