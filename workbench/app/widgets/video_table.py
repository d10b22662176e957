"""Tables over several videos or models: computed against reported scores."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from workbench.app import scores, video_words
from workbench.app.browse import csv_bytes
from workbench.app.session import View
from workbench.app.widgets import notices
from workbench.app.widgets.form_popover import form_popover
from workbench.app.widgets.metrics import CHART
from workbench.app.widgets.report_button import report_button
from workbench.app.widgets.video_form import score_form
from workbench.errors import unknown_name
from workbench.figures.score import models
from workbench.store import Artifact

if TYPE_CHECKING:
    from workbench.studies.scoring import ScoreTable

COLUMNS = ("video", "model", "reported", "computed", "error", "problem")


def draw_tables(view: View) -> None:
    """Draw the table that the view names, else the newest.

    Raises
    ------
    SpecError
        There is no such table.
    """
    found = {each.name: each for each in scores.tables()}
    name = view["table"] or next(iter(found), "")
    if not found:
        st.info(
            "Score a folder of videos, or a video with several models: the result is a table, here. With the scores "
            "that people gave (a CSV file) it says how far each model is off.",
            icon=":material/table_chart:",
        )
        with st.columns([3, 2])[0].container(border=True):
            score_form("table", "")
        return
    if name not in found:
        raise unknown_name("table of scores", name, found)
    left, right = st.columns([6, 1], vertical_alignment="bottom")
    left.selectbox("Table", list(found), format_func=lambda each: table_title(found[each]), **view.bind("table", name))
    with right, form_popover("New", "new score", "stretch"):
        score_form("new table", "")
    view.settle(table=name)
    table = scores.table(name)
    notices.notes(table.notes)
    rows = [row for row in table.rows if row["error"] is not None]
    if not rows:
        st.caption("Without reported scores there is no error to tell; name a CSV file of them in the form.")
        draw_rows(view, table)
        return
    draw_models(table)
    left, right = st.columns([7, 5], gap="large")
    with left:
        draw_rows(view, table)
    with right:
        st.markdown("**Reported against computed**", help=video_words.REPORTED_FIGURE)
        st.plotly_chart(models(rows), key=view.key("models"), config=CHART)


def table_title(run: Artifact) -> str:
    """Return a table in words: what was scored, with what and when."""
    path = str(run.summary["path"]).replace("\\", "/").rpartition("/")[2]
    finished = time.strftime("%d %b %H:%M", time.localtime(run.created))
    return f"{path} · {run.spec['model']} · {len(run.summary['rows'])} rows · {finished}"


def draw_models(table: ScoreTable) -> None:
    """Draw how far each model is off."""
    judged = [row for row in table.models if row["mae"] is not None]
    st.markdown("**How far off each model is**", help=video_words.MAE)
    st.dataframe(
        pd.DataFrame(judged, columns=["model", "videos", "mae", "low", "high", "bias", "rank"]),
        hide_index=True,
        placeholder="–",
        column_config={
            name: st.column_config.NumberColumn(title, format="%d" if name == "videos" else "%.2f", help=text)
            for name, (title, text) in video_words.MODEL_COLUMNS.items()
        },
    )


def draw_rows(view: View, table: ScoreTable) -> None:
    """Draw each video and model; a chosen row opens its score."""
    rows = table.rows
    st.markdown("**Each video**", help=video_words.ROWS)
    key = view.key(f"rows of {table.artifact.name}")

    def open_row() -> None:
        chosen: list[int] = st.session_state[key]["selection"]["rows"]
        if chosen and rows[chosen[0]]["score"]:
            view.set(section="video", video="", score=rows[chosen[0]]["score"])

    st.dataframe(
        pd.DataFrame(rows, columns=list(COLUMNS)),
        hide_index=True,
        key=key,
        placeholder="–",
        on_select=open_row,
        selection_mode="single-row",
        column_config=number_columns(),
    )
    st.download_button(
        "As CSV",
        lambda: csv_bytes(COLUMNS, ([row[name] for name in COLUMNS] for row in rows)),
        f"{table.artifact.name}.csv",
        "text/csv",
        key=view.key("rows csv"),
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
    )
    report_button(table.artifact)


def number_columns() -> dict[str, Any]:
    """Return how the columns of numbers look."""
    helps = video_words.ROW_COLUMNS
    return {name: st.column_config.NumberColumn(format="%.2f", help=text) for name, text in helps.items()}
