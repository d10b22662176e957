"""Who has judged how much, and how far reviewers agree."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from workbench.app import review
from workbench.app import review_words as words
from workbench.app.browse import csv_bytes
from workbench.app.session import View
from workbench.app.text import count, percent, several
from workbench.data.datasets import Dataset
from workbench.data.verdicts import SKIP, VERDICTS, Pair, Verdicts, export_rows


def draw_people(view: View, dataset: Dataset) -> None:
    """Draw the reviewers of a dataset."""
    table = review.verdicts()
    standing, settled = review.standing(dataset)
    names = sorted({name for found in standing.values() for name in found})
    if not names:
        st.info("Nobody has judged an image of this dataset yet.", icon=":material/rate_review:")
        return
    agreement = table.agreement(dataset.name)
    both = len(settled.shared) + len(settled.disputed)
    numbers = st.columns(6)
    numbers[0].metric("Judged images", count(settled.opinions), help=words.PEOPLE["judged"])
    numbers[1].metric("Judged by one", count(len(settled.alone)), help=words.PEOPLE["alone"])
    numbers[2].metric("By several", count(both), help=words.PEOPLE["several"])
    numbers[3].metric("Of those agreed", count(len(settled.shared)), help=words.PEOPLE["agreed"])
    numbers[4].metric("Disputed", count(len(settled.disputed)), help=words.PEOPLE["disputed"])
    numbers[5].metric("Alpha", _number(agreement.alpha, agreement.interval), help=words.PEOPLE["alpha"])
    for line in words.people_lines(settled, agreement):
        st.caption(line)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("Reviewers")
        draw_counts(table, dataset, names)
    with right:
        st.subheader("Agreement of two", help=words.PEOPLE["kappa"])
        if not agreement.pairs:
            st.caption("One reviewer so far. A second one judges the same faces under another name.")
        else:
            draw_pairs(agreement.pairs)
    if settled.disputed:
        st.button(
            f"Look at the {several(len(settled.disputed), 'disputed image')}",
            icon=":material/compare_arrows:",
            on_click=view.set,
            kwargs={"tab": "queue", "queue": review.IMAGES, "show": "disputed"},
        )
    st.download_button(
        "Every verdict as CSV",
        lambda: csv_bytes(*export_rows(table.rows(dataset.name))),
        f"{dataset.name}-verdicts.csv",
        "text/csv",
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
    )


def draw_counts(table: Verdicts, dataset: Dataset, names: list[str]) -> None:
    """Draw how many images have which standing verdict of each reviewer."""
    counts = {name: table.progress(dataset.name, name) for name in names}
    frame = pd.DataFrame(
        {"reviewer": names, "judged": [sum(counts[name].values()) - counts[name][SKIP] for name in names]}
    )
    for action in VERDICTS:
        frame[action.replace("-", " ")] = [counts[name][action] for name in names]
    config = {name: st.column_config.Column(help=words.PEOPLE[name]) for name in ("reviewer", "judged")}
    st.dataframe(frame, hide_index=True, column_config=config)


def draw_pairs(pairs: tuple[Pair, ...]) -> None:
    """Draw the agreement of every two reviewers."""
    frame = pd.DataFrame(
        {
            "reviewers": [f"{pair.first} and {pair.second}" for pair in pairs],
            "both": [pair.both for pair in pairs],
            "equal": [percent(pair.equal, 0) for pair in pairs],
            "kappa": [_number(pair.kappa, pair.interval) for pair in pairs],
        }
    )
    config = {name: st.column_config.Column(help=words.PEOPLE[name]) for name in ("both", "equal", "kappa")}
    st.dataframe(frame, hide_index=True, column_config=config)


def _number(value: float, interval: tuple[float, float]) -> str:
    if math.isnan(value):
        return "–"
    low, high = interval
    return f"{value:.2f}" if math.isnan(low) else f"{value:.2f} ({low:.2f}–{high:.2f})"
