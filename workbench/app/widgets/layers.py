"""A dissection as a whole: its headline, the table of layers, and two distributions of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from workbench.app import definitions
from workbench.app.session import View
from workbench.app.text import count, percent
from workbench.app.unit_words import decimal
from workbench.app.widgets.metrics import CHART
from workbench.app.widgets.report_button import report_button
from workbench.errors import unknown_name
from workbench.figures.dissect import label_distribution, similarity_distribution

if TYPE_CHECKING:
    from workbench.studies.dissection import Dissection

SHARES = (
    "prop_interp",
    "overall_acc",
    "interp_acc",
    "uninterp_acc",
    "labelled_acc",
    "truth_right",
    "truth_right_labelled",
)
"""Columns of the table of layers that are shares."""
ROW_HEIGHT = 30
"""Height of a row of the table of layers, in pixels."""
MOST_ROWS = 16
WHOLE = ("units", "labelled", "num_interp", "num_uninterp", "constant")
TITLES = {
    "labelled": "label holds",
    "num_interp": "above tau",
    "num_uninterp": "not above",
    "prop_interp": "share above",
    "overall_acc": "accuracy",
    "interp_acc": "acc. above",
    "uninterp_acc": "acc. not above",
    "labelled_acc": "acc. label holds",
    "median_similarity": "median sim.",
    "null_limit": "null limit",
    "truth_auroc": "true AUROC",
    "truth_right": "right labels",
    "truth_right_labelled": "right where holds",
}
"""Headings that differ from the column's name."""


def headline(dissection: Dissection) -> None:
    """Draw the numbers of the whole dissection."""
    holds, live = dissection.holds, ~dissection.constant
    constant = int((~live).sum())
    numbers = {
        "units": (count(len(holds)), f"{count(constant)} constant"),
        "labelled": (count(holds.sum()), f"{percent(holds.sum() / max(1, live.sum()))} of units"),
        "faithfulness": (_median(dissection.faithfulness[holds]), f"{count(dissection.held_out)} held out"),
        "accuracy": (_mean(dissection.accuracy[holds]), f"{_mean(dissection.accuracy[live])} all units"),
        "probing": (count(dissection.probing), f"split {dissection.spec.split}"),
    }
    if not np.isnan(dissection.truth_auroc).all():
        every = _median(dissection.truth_auroc[live])
        numbers["truth"] = (_median(dissection.truth_auroc[holds]), f"{every} all units")
    for column, (name, (value, note)) in zip(st.columns(6, gap="small"), numbers.items(), strict=False):
        title, words = definitions.DISSECTION[name]
        column.metric(title, value, note, delta_color="off", delta_arrow="off", help=words)


def draw_layers(view: View, dissection: Dissection) -> None:
    """Draw the table of layers, and of one layer the similarities and the labels.

    Raises
    ------
    SpecError
        The dissection has no such layer.
    """
    table = layer_frame(dissection)
    height = ROW_HEIGHT * (min(len(table), MOST_ROWS) + 1) + 3
    columns = _columns(list(table.columns))
    st.dataframe(table, height=height, hide_index=True, column_config=columns, row_height=ROW_HEIGHT, placeholder="–")
    layer = choose_layer(view, dissection)
    own = dissection.rows(layer)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Greatest similarity of each unit**", help=definitions.UNITS["similarity"])
        limit = float(dissection.null_limit[dissection.layers.index(layer)])
        figure = similarity_distribution(dissection.similarity[own], dissection.holds[own], limit)
        st.plotly_chart(figure, key=view.key("similarities"), config=CHART)
    with right:
        st.markdown("**Labels of units**", help=definitions.ACCURATE)
        figure = label_distribution(dissection.concepts, *label_counts(dissection, own))
        st.plotly_chart(figure, key=view.key("labels"), config=CHART)
    report_button(dissection.artifact)


def choose_layer(view: View, dissection: Dissection, first: Sequence[str] = ()) -> str:
    """Draw the choice of one layer and return it.

    To begin with it is the first of ``first``, else the one with the most units whose label holds.

    Raises
    ------
    SpecError
        The dissection has no such layer.
    """
    richest = max(dissection.layer_table, key=lambda row: int(row["labelled"]))
    layer = view["of"] or next(iter(first), str(richest["layer"]))
    if layer not in dissection.layers:
        raise unknown_name("layer", layer, dissection.layers)
    st.selectbox("Layer", list(dissection.layers), width=260, **view.bind("of", layer))
    return layer


def label_counts(dissection: Dissection, own: slice) -> tuple[np.ndarray, np.ndarray]:
    """Return how many accurate units each concept labels, and how many whose label holds, int ``(C,)`` each."""
    labels, wide = dissection.label[own], len(dissection.concepts)
    accurate = (dissection.accuracy[own] > 0.5) & (labels >= 0)
    holds = dissection.holds[own]
    return np.bincount(labels[accurate], minlength=wide), np.bincount(labels[holds], minlength=wide)


def layer_frame(dissection: Dissection) -> pd.DataFrame:
    """Return the table of layers; what is known of no layer is left out, shares are in percent."""
    lines = []
    for row in dissection.layer_table:
        line: dict[str, Any] = {name: row.get(name) for name in definitions.LAYERS}
        line["shape"] = " × ".join(map(str, row["shape"]))
        lines.append({name: _points(line[name]) if name in SHARES else line[name] for name in line})
    return pd.DataFrame(lines).dropna(axis=1, how="all")


def _columns(names: list[str]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name in names:
        title, words = TITLES.get(name, name), definitions.LAYERS[name]
        if name in SHARES:
            columns[name] = st.column_config.NumberColumn(title, help=words, format="%.1f %%")
        elif name in ("layer", "type", "shape"):
            columns[name] = st.column_config.TextColumn(title, help=words)
        else:
            written = "localized" if name in WHOLE else "%.3f"
            columns[name] = st.column_config.NumberColumn(title, help=words, format=written)
    return columns


def _points(value: float | None) -> float | None:
    return None if value is None else value * 100


def _mean(values: np.ndarray) -> str:
    known = values[~np.isnan(values)]
    return percent(float(known.mean())) if len(known) else "–"


def _median(values: np.ndarray) -> str:
    known = values[~np.isnan(values)]
    return decimal(float(np.median(known))) if len(known) else "–"
