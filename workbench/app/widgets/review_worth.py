"""What a search's ranking is worth, held against planted faults or people's votes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from workbench.app import review_words as words
from workbench.app.session import View
from workbench.app.text import count, percent, plain
from workbench.errors import unknown_name
from workbench.figures.suspects import precision_curve, recall_curve
from workbench.studies.suspicion import WEAK

if TYPE_CHECKING:
    from workbench.studies.suspicion import Suspects


def draw_worth(view: View, found: Suspects) -> None:
    """Draw precision and recall of the bin that the view names, against the truth it names."""
    st.subheader("Precision and recall", help=words.WORTH)
    if not found.evaluation:
        st.caption(words.NO_TRUTH)
        return
    source = view["truth"] or next(iter(found.evaluation))
    if source not in found.evaluation:
        raise unknown_name("truth", source, found.evaluation)
    bins = [name for name in words.BINS if found.evaluation[source].get(name)]
    chosen = view["of"] or bins[0]
    if chosen not in bins:
        raise unknown_name("bin", chosen, bins)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(found.evaluation) > 1:
            sources = list(found.evaluation)
            st.selectbox("Held against", sources, format_func=_source, width=180, **view.bind("truth", source))
        st.segmented_control("Bin", bins, required=True, label_visibility="collapsed", **view.bind("of", chosen))
    figures = found.evaluation[source][chosen]
    draw_numbers(source, figures)
    lines = [found.left_out(source, chosen), WEAK if chosen == "ambiguous" else ""]
    if any(lines):
        st.caption(plain(" ".join(line for line in lines if line)))
    if figures["curve"]:
        by_depth = sorted(figures["precision"].items(), key=lambda item: int(item[0]))
        figures = {**figures, "precision": dict(by_depth)}
        config = {"displaylogo": False}
        st.plotly_chart(precision_curve(figures), key=view.key("precision"), config=config)
        st.plotly_chart(recall_curve(figures), key=view.key("recall"), config=config)
        draw_table(figures)


def draw_numbers(source: str, figures: Mapping[str, Any]) -> None:
    """Draw how many there are and how well the ranking and the bin bring them to the front."""
    columns = [*st.columns(2), *st.columns(2)]
    total = figures["positives"]
    columns[0].metric(_source(source).capitalize(), count(total), help=words.POSITIVES)
    if not total:
        return
    columns[1].metric("Average precision", _range(figures["average_precision"]), help=words.AVERAGE)
    columns[2].metric("In the bin", count(figures["in_bin"]), help=words.IN_BIN)
    right = figures["found"] / figures["in_bin"] if figures["in_bin"] else float("nan")
    columns[3].metric("Of those right", percent(right), help=words.RIGHT)


def draw_table(figures: Mapping[str, Any]) -> None:
    """Draw precision and recall at some depths."""
    depths = list(figures["precision"])
    frame = pd.DataFrame(
        {
            "first": [int(depth) for depth in depths],
            "precision": [_range(figures["precision"][depth]) for depth in depths],
            "recall": [_range(figures["recall"][depth]) for depth in depths],
            "chance": [percent(figures["chance"])] * len(depths),
        }
    )
    config = {name: st.column_config.Column(help=text) for name, text in words.DEPTHS.items()}
    st.dataframe(frame, hide_index=True, column_config=config)


def draw_planted(planted: Mapping[str, Mapping[str, int]]) -> None:
    """Draw how many plants of each kind were found."""
    st.subheader("Plants found", help=words.PLANTED)
    frame = pd.DataFrame(
        {
            "kind of plant": [words.PLANTS.get(name, name) for name in planted],
            "planted": [one["planted"] for one in planted.values()],
            "found": [one["found"] for one in planted.values()],
        }
    )
    st.dataframe(frame, hide_index=True)


def _source(name: str) -> str:
    return words.TRUTHS.get(name, name)


def _range(value: list[float]) -> str:
    low, high = (percent(one, 0).removesuffix(" %") for one in value[1:])
    return f"{percent(value[0], 0)} ({low}–{high})"
