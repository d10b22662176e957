"""The numbers of a split: each with its interval below it and its definition one hover away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from workbench.app import definitions
from workbench.app.text import count, interval, percent
from workbench.figures.classify import PER_CLASS, per_class_bars, reliability_diagram


def headline(found: Mapping[str, Any]) -> None:
    """Draw the five numbers of a split and the number of images they are measured on."""
    estimates = {
        "accuracy": found["accuracy"],
        "top3": found["top_k_accuracy"].get("3"),
        "macro_f1": found["macro_f1"],
        "weighted_f1": found["weighted_f1"],
        "ece": found["calibration"]["error"],
    }
    columns = st.columns(6, gap="small")
    for column, (name, estimate) in zip(columns, estimates.items(), strict=False):
        title, definition = definitions.METRICS[name]
        if estimate is not None:
            words = f"{definition} {definitions.INTERVAL}"
            span = interval(estimate)
            column.metric(title, percent(estimate["value"]), span, delta_color="off", delta_arrow="off", help=words)
    columns[5].metric("Images", count(found["images"]), help="Labelled images that the numbers are measured on.")


def per_class(found: Mapping[str, Any], classes: Sequence[str]) -> None:
    """Draw precision, recall and F1 of each class, as a table and as bars with intervals."""
    reports = dict(zip(classes, found["classes"], strict=True))
    left, right = st.columns([5, 7], gap="medium")
    with left:
        metric = st.segmented_control(
            "Metric",
            list(PER_CLASS),
            default="recall",
            required=True,
            format_func=PER_CLASS.__getitem__,
            label_visibility="collapsed",
        )
        st.plotly_chart(per_class_bars(reports, str(metric)), key="per-class bars", config=CHART)
    with right:
        st.dataframe(class_table(reports), hide_index=True, column_config=_columns())


CHART = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d"]}
"""Settings of every plotly chart: the bar over it saves the picture."""


def class_table(reports: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return the per-class numbers as a table, shares in percent."""
    lines = []
    for name, report in reports.items():
        line: dict[str, Any] = {"class": name, "images": report["support"]}
        for metric in PER_CLASS:
            line[metric] = report[metric]["value"] * 100
            line[f"{metric} 95 %"] = interval(report[metric], 0)
        lines.append(line)
    return pd.DataFrame(lines)


def calibration(found: Mapping[str, Any]) -> None:
    """Draw the reliability diagram."""
    bins = found["calibration"]
    left, right = st.columns([3, 2], gap="medium")
    with left:
        figure = reliability_diagram(bins["confidence"], bins["accuracy"], bins["counts"], bins["error"]["value"])
        st.plotly_chart(figure, key="reliability", config=CHART)
    with right:
        title, definition = definitions.METRICS["ece"]
        span = interval(bins["error"])
        st.metric(title, percent(bins["error"]["value"]), span, delta_color="off", delta_arrow="off", help=definition)
        st.markdown(
            "Each point is a bin of predictions of similar confidence; its size grows with the number of images in it. "
            "Below the dotted line predictions are too sure of themselves, above it not sure enough."
        )


def _columns() -> dict[str, Any]:
    helps = {"precision": definitions.PRECISION, "recall": definitions.RECALL, "f1": definitions.F1}
    columns: dict[str, Any] = {
        "images": st.column_config.NumberColumn("images", help=definitions.SUPPORT, format="localized")
    }
    for name, text in helps.items():
        columns[name] = st.column_config.NumberColumn(PER_CLASS[name], help=text, format="%.1f %%")
    return columns
