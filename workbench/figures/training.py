"""Figures of a network's training: loss and validation accuracy epoch by epoch, finished or still going on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

import plotly.graph_objects as go

from workbench.figures.theme import REFERENCE, UNKNOWN, style

LEARNED, GUIDED = "#b5654a", "#1f7a8c"
"""Colours of the training images and of the validation images."""
_HEIGHT = 280


class Epoch(Protocol):
    """One pass over the training images: what :class:`workbench.studies.trained.Epoch` has."""

    @property
    def epoch(self) -> int:
        """Its number, from 1."""

    @property
    def rate(self) -> float:
        """Learning rate."""

    @property
    def train_loss(self) -> float:
        """Mean loss of the disturbed training faces, in nats."""

    @property
    def validation_loss(self) -> float:
        """Mean loss of the validation images, in nats."""

    @property
    def accuracy(self) -> float:
        """Share of the validation images answered rightly, 0 to 1."""


def curve(epochs: Sequence[Epoch], chosen: int = 0) -> go.Figure:
    """Draw the accuracy on the validation images by epoch, and the rate where it changes.

    Parameters
    ----------
    epochs : sequence of Epoch
        All so far, in order; may be empty.
    chosen : int
        Number of the epoch that is kept, marked; 0 for none yet.
    """
    figure = go.Figure()
    numbers = [each.epoch for each in epochs]
    figure.add_scatter(
        x=numbers,
        y=[100 * each.accuracy for each in epochs],
        name="validation",
        mode="lines+markers",
        line={"color": GUIDED, "width": 2},
        marker={"size": [11 if each.epoch == chosen else 5 for each in epochs], "color": GUIDED},
        hovertext=[
            f"epoch {each.epoch}{' (kept)' if each.epoch == chosen else ''}<br>{100 * each.accuracy:.1f} % right"
            f"<br>rate {each.rate:g}"
            for each in epochs
        ],
        hoverinfo="text",
        showlegend=False,
    )
    for before, after in pairwise(epochs):
        if after.rate < before.rate * 0.999 and _steps(epochs):
            figure.add_vline(x=after.epoch - 0.5, line={"color": REFERENCE, "width": 1, "dash": "dot"})
    figure.update_yaxes(title="accuracy (%)")
    return _finished(figure, numbers)


def losses(epochs: Sequence[Epoch], chosen: int = 0) -> go.Figure:
    """Draw the loss of the training and of the validation images by epoch; parameters as of :func:`curve`.

    The training loss is that of disturbed faces while the network still learned, so it may lie above the other.
    """
    figure = go.Figure()
    numbers = [each.epoch for each in epochs]
    series = (
        ("training, disturbed", LEARNED, [each.train_loss for each in epochs]),
        ("validation", GUIDED, [each.validation_loss for each in epochs]),
    )
    for name, colour, values in series:
        figure.add_scatter(
            x=numbers,
            y=values,
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": 5},
            hovertext=[
                f"epoch {number}<br>{name}: {value:.3f} nats" for number, value in zip(numbers, values, strict=True)
            ],
            hoverinfo="text",
        )
    if chosen:
        figure.add_vline(x=chosen, line={"color": UNKNOWN, "width": 1})
    figure.update_yaxes(title="loss (nats)")
    return _finished(figure, numbers)


def _steps(epochs: Sequence[Epoch]) -> bool:
    """Whether the rate falls in steps that are worth a line, and not a little in every epoch."""
    return len({each.rate for each in epochs}) <= max(2, len(epochs) // 3)


def _finished(figure: go.Figure, numbers: Sequence[int]) -> go.Figure:
    figure.update_xaxes(title="epoch", rangemode="tozero")
    if len(numbers) <= 12:
        figure.update_xaxes(tickvals=list(numbers))
    return style(figure, _HEIGHT)
