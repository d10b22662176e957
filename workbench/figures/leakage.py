"""Figure of leakage: accuracy on all reported images, without the leaked ones, and on those alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from workbench.figures.theme import tight

WORDS = {
    "all": "all images",
    "without": "without leaked images",
    "leaked": "leaked images alone",
    "unleaked_probe": "all images, probe trained without them",
}
"""What accuracy is measured on, in the order it is drawn."""
_COLOURS = {"all": "#8a929b", "without": "#1f7a8c", "leaked": "#c8742b", "unleaked_probe": "#3a6ea5"}


def accuracies(accuracy: Mapping[str, Mapping[str, Any]]) -> go.Figure:
    """Draw each accuracy with its interval.

    Parameters
    ----------
    accuracy : mapping of str to mapping
        By the names in :data:`WORDS`: ``value``, ``low`` and ``high``, shares in 0 to 1.
    """
    figure = go.Figure()
    for name in (name for name in WORDS if name in accuracy):
        value, low, high = (float(accuracy[name][part]) * 100 for part in ("value", "low", "high"))
        figure.add_scatter(
            x=[value],
            y=[WORDS[name]],
            mode="markers",
            marker={"size": 11, "color": _COLOURS[name]},
            error_x={"array": [high - value], "arrayminus": [value - low], "color": _COLOURS[name], "thickness": 1.8},
            hovertemplate=f"%{{y}}: {value:.2f} % (95 % interval {low:.2f} to {high:.2f})<extra></extra>",
            showlegend=False,
        )
    figure.update_xaxes(title="accuracy (%)")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return tight(figure, 76 + 36 * max(1, len(accuracy)))
