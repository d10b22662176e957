"""Figure of leakage: two probes, with and without the leaked training images, on the same reported images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from workbench.figures.theme import tight

WORDS = {
    "leaked_unleaked_probe": "leaked images, not learned from",
    "leaked": "leaked images, learned from",
    "unleaked_probe": "all images, leaked not learned from",
    "all": "all images, leaked learned from",
    "without": "images that are not leaked",
}
"""What accuracy is measured on, in the order it is drawn: pairs on the same images first."""
WITHOUT, WITH = "#8a929b", "#c8742b"
"""Colours of the probe that learned from no leaked image, and of the one that learned from all."""
_COLOURS = {"leaked_unleaked_probe": WITHOUT, "unleaked_probe": WITHOUT}


def accuracies(accuracy: Mapping[str, Mapping[str, Any]]) -> go.Figure:
    """Draw each accuracy with its interval.

    Parameters
    ----------
    accuracy : mapping of str to mapping
        By the names in :data:`WORDS`: ``value``, ``low`` and ``high``, shares in 0 to 1.
    """
    figure = go.Figure()
    for name in (name for name in WORDS if name in accuracy):
        colour = _COLOURS.get(name, WITH)
        value, low, high = (float(accuracy[name][part]) * 100 for part in ("value", "low", "high"))
        figure.add_scatter(
            x=[value],
            y=[WORDS[name]],
            mode="markers",
            marker={"size": 11, "color": colour},
            error_x={"array": [high - value], "arrayminus": [value - low], "color": colour, "thickness": 1.8},
            hovertemplate=f"%{{y}}: {value:.2f} % (95 % interval {low:.2f} to {high:.2f})<extra></extra>",
            showlegend=False,
        )
    figure.update_xaxes(title="accuracy (%)")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return tight(figure, 76 + 36 * max(1, len(accuracy)))
