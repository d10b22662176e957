"""Figures of learned prompts: the course of learning, the words near each vector, and accuracy by shots."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.figures.theme import ERROR_BAR, REFERENCE, UNKNOWN, style

KEPT = "#1f7a8c"
"""Colour of the epoch that was kept, and of learned prompts."""
CHOSEN_BY = "#c8742b"
"""Colour of the loss of the images that choose the epoch."""
BOUNDS = {"zero-shot": REFERENCE, "linear probe": "#b5654a"}
"""Colour of what learned prompts stand between."""
_HEIGHT = 300

Values = Mapping[str, Any]


def curve(course: Sequence[Values], best_epoch: int, tune_on: str) -> go.Figure:
    """Draw the course of learning: accuracy of the images that choose above, losses below, by epoch.

    Parameters
    ----------
    course : sequence of mapping
        By epoch, 0 the start: ``epoch``, ``loss`` (training, nats), ``accuracy`` (0..1) and ``log_loss`` (nats).
    best_epoch : int
        The epoch that was kept.
    tune_on : str
        The split that chooses.
    """
    epochs = [int(each["epoch"]) for each in course]
    shares = [100 * float(each["accuracy"]) for each in course]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    figure.add_scatter(
        x=epochs, y=shares, mode="lines", line={"color": KEPT, "width": 2}, name=html.escape(f"accuracy on {tune_on}"),
        hovertext=[f"epoch {epoch}: {share:.1f} % right" for epoch, share in zip(epochs, shares, strict=True)],
        hoverinfo="text", row=1, col=1,
    )  # fmt: skip
    figure.add_scatter(
        x=[best_epoch], y=[shares[epochs.index(best_epoch)]], mode="markers", marker={"size": 10, "color": KEPT},
        name="kept", hovertext=[f"epoch {best_epoch}, kept: {shares[epochs.index(best_epoch)]:.1f} % right"],
        hoverinfo="text", row=1, col=1,
    )  # fmt: skip
    for key, name, colour in (("loss", "loss in training", UNKNOWN), ("log_loss", f"loss on {tune_on}", CHOSEN_BY)):
        values = [float(each[key]) for each in course]
        figure.add_scatter(
            x=epochs, y=values, mode="lines", line={"color": colour, "width": 1.5}, name=html.escape(name),
            hovertext=[f"epoch {epoch}: {html.escape(name)} {value:.3f} nats"
                       for epoch, value in zip(epochs, values, strict=True)],
            hoverinfo="text", row=2, col=1,
        )  # fmt: skip
    figure.update_yaxes(title="accuracy (%)", row=1, col=1)
    figure.update_yaxes(title="loss (nats)", row=2, col=1)
    figure.update_xaxes(title="epoch", row=2, col=1)
    return style(figure, _HEIGHT + 60)


def nearest_words(vectors: Sequence[Values], distances: Values) -> go.Figure:
    """Draw how far each learned vector is from its nearest word, against chance and how far words are from theirs.

    A vector that is nearer to a word than random vectors of its length is drawn in colour; the words of the others say
    nothing and are slanted.

    Parameters
    ----------
    vectors : sequence of mapping
        ``class`` (or empty), ``place`` from 1, ``norm``, ``chance`` (the least distance of random vectors of that
        length) and ``words``, the nearest first, each with ``word`` and ``distance``.
    distances : mapping
        ``low``, ``median`` and ``high``: quantiles 0.05, 0.5 and 0.95 of a word's distance from its own nearest word.
    """
    names = [f"{each['class']} {each['place']}".strip() for each in vectors]
    values = [float(each["words"][0]["distance"]) for each in vectors]
    chance = [float(each["chance"]) for each in vectors]
    figure = go.Figure()
    figure.add_bar(
        x=values,
        y=[html.escape(name) for name in names],
        orientation="h",
        marker={"color": [KEPT if value < far else UNKNOWN for value, far in zip(values, chance, strict=True)]},
        hovertext=[_near(name, each) for name, each in zip(names, vectors, strict=True)],
        hoverinfo="text",
        showlegend=False,
    )
    figure.add_scatter(
        x=chance, y=[html.escape(name) for name in names], mode="markers", name="random vectors of the same length",
        marker={"symbol": "line-ns-open", "size": 14, "color": ERROR_BAR, "line": {"width": 2}},
        hovertext=[f"random vectors of this length come to {far:.2f} of a word" for far in chance], hoverinfo="text",
    )  # fmt: skip
    figure.add_vrect(
        x0=float(distances["low"]), x1=float(distances["high"]), fillcolor=REFERENCE, opacity=0.3, line_width=0,
        layer="below", showlegend=True, name="words from their own nearest, 90 %",
    )  # fmt: skip
    near = [html.escape(str(each["words"][0]["word"])) for each in vectors]
    figure.update_yaxes(
        autorange="reversed", title="learned vector and its nearest word", type="category",
        tickvals=[html.escape(name) for name in names],
        ticktext=[f"{html.escape(name)} · {word if value < far else f'<i>{word}</i>'}"
                  for name, word, value, far in zip(names, near, values, chance, strict=True)],
    )  # fmt: skip
    farthest = max([*values, float(distances["high"])])
    figure.update_xaxes(title="distance to the nearest word", range=[0, 1.15 * farthest])
    return style(figure, max(_HEIGHT, 22 * len(vectors) + 90))


def by_shots(results: Sequence[Values]) -> go.Figure:
    """Draw accuracy by training images of each class: learned prompts between zero-shot and a linear probe.

    Parameters
    ----------
    results : sequence of mapping
        One a result: ``shots`` (images of each class, 1 or more; 0 for all), ``accuracy`` of the learned prompts and
        ``bounds``, the accuracies of ``zero-shot`` and ``linear probe``; 0..1. Several of equal shots differ by their
        seed: their mean is drawn, and their least and greatest.
    """
    figure = go.Figure()
    shots = sorted({int(each["shots"]) for each in results}, key=lambda count: (count == 0, count))
    places = {count: str(count) if count else "all" for count in shots}
    for name, colour in {"learned prompts": KEPT, **BOUNDS}.items():
        found = [
            [100 * float(each["bounds"].get(name, each["accuracy"])) for each in results if int(each["shots"]) == count]
            for count in shots
        ]
        means = [sum(each) / len(each) for each in found]
        figure.add_scatter(
            x=[places[count] for count in shots],
            y=means,
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2, "dash": "dot" if name == "zero-shot" else "solid"},
            error_y={
                "type": "data",
                "array": [max(each) - mean for each, mean in zip(found, means, strict=True)],
                "arrayminus": [mean - min(each) for each, mean in zip(found, means, strict=True)],
                "color": ERROR_BAR,
                "thickness": 1,
                "width": 0,
            },
            hovertext=[
                f"{name}, {places[count]} images of each class: {mean:.1f} % right"
                + (f" ({min(each):.1f} to {max(each):.1f}, {len(each)} seeds)" if len(each) > 1 else "")
                for count, mean, each in zip(shots, means, found, strict=True)
            ],
            hoverinfo="text",
        )
    figure.update_xaxes(title="training images of each class", type="category")
    figure.update_yaxes(title="accuracy (%)")
    return style(figure, _HEIGHT)


def _near(name: str, vector: Values) -> str:
    words = "<br>".join(f"{html.escape(str(each['word']))} {each['distance']:.2f}" for each in vector["words"])
    return f"vector {html.escape(name)}, length {vector['norm']:.2f}<br>{words}"
