"""How far a video score moves when choices are made otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from workbench.app import scores, video_words
from workbench.app.browse import csv_bytes
from workbench.app.session import View
from workbench.app.text import plain
from workbench.app.widgets.metrics import CHART
from workbench.app.widgets.video_result import Live, span
from workbench.figures.score import sensitivity, sensitivity_words

if TYPE_CHECKING:
    from workbench.methods.bootstrap import Estimate
    from workbench.methods.score_evidence import Sensitivity


def draw_sensitivity(view: View, live: Live) -> None:
    """Draw the band, each choice as a point, and as a table."""
    moved, interval = scores.evidence(live.stored, live.edits, live.settings)
    left, right = st.columns([7, 5], gap="large")
    with left:
        st.markdown("**One choice at a time**", help=video_words.BAND)
        st.plotly_chart(sensitivity(moved, interval), key=view.key("sensitivity"), config=CHART)
    with right:
        st.markdown("**In words**")
        with st.container(key="sentences"):
            st.markdown("\n".join(f"- {line}" for line in sentences(live, moved, interval)))
        st.dataframe(
            choice_table(moved),
            hide_index=True,
            height=360,
            column_config={
                "video score": st.column_config.NumberColumn(format="%.2f"),
                "change": st.column_config.NumberColumn(format="%+.2f"),
            },
        )
        st.download_button(
            "As CSV",
            lambda: choices_csv(moved),
            f"{live.stored.artifact.name}-sensitivity.csv",
            "text/csv",
            key=view.key("sensitivity csv"),
            type="tertiary",
            icon=":material/download:",
            on_click="ignore",
        )


def sentences(live: Live, moved: Sensitivity, interval: Estimate) -> list[str]:
    """Return what the choices do, in words."""
    now = live.found.result.video
    return [
        plain(sensitivity_words(moved)),
        f"As chosen the video scores {now:.2f}; with one choice made otherwise {moved.low:.2f} to {moved.high:.2f}.",
        f"Interval over time, 95 %: {span(interval)}. {video_words.INTERVAL}",
    ]


def choice_table(moved: Sensitivity) -> pd.DataFrame:
    """Return the choices, those that move the score most first."""
    rows = sorted(moved.choices, key=lambda choice: -abs(choice.change))
    lines = [(choice.group, choice.name, choice.video, choice.change) for choice in rows]
    return pd.DataFrame(lines, columns=["choice", "made otherwise", "video score", "change"])


def choices_csv(moved: Sensitivity) -> bytes:
    """Return the choices as CSV."""
    lines = ([choice.group, choice.name, choice.video, choice.change] for choice in moved.choices)
    return csv_bytes(["group", "name", "video", "change"], lines)
