"""What a search for suspects found, what it thinks of the labels as a whole, and what its ranking is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from workbench.app import review
from workbench.app import review_words as words
from workbench.app.components.confusion_matrix import Matrix, confusion_matrix
from workbench.app.run_names import search_name
from workbench.app.session import View
from workbench.app.text import count, percent
from workbench.app.widgets import notices
from workbench.app.widgets.form_popover import form_popover
from workbench.app.widgets.report_button import report_button
from workbench.app.widgets.review_form import suspects_form
from workbench.app.widgets.review_worth import draw_planted, draw_worth
from workbench.data.datasets import Dataset
from workbench.errors import unknown_name
from workbench.figures.theme import class_colours
from workbench.methods.suspects import whole_rows

if TYPE_CHECKING:
    from workbench.studies.suspicion import Suspects

NOISE = "noise"


def draw_suspects(view: View, dataset: Dataset) -> None:
    """Draw the search for suspects that the view names, else the newest."""
    runs = {run.name: run for run in review.runs(dataset, review.KINDS[review.SUSPECTS])}
    if not runs:
        st.info(f"This dataset has no search for suspects yet. {words.SUSPECTS}", icon=":material/rate_review:")
        with st.container(border=True):
            suspects_form("section", dataset)
        return
    elsewhere = view["queue"] not in ("", review.SUSPECTS)
    chosen = next(iter(runs)) if elsewhere else view["run"] or next(iter(runs))
    if chosen not in runs:
        raise unknown_name(f"search for suspects of {dataset.name}", chosen, runs)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = {name: search_name(run) for name, run in runs.items()}
        st.selectbox(
            "Search", list(runs), format_func=names.__getitem__, width=460, **view.bind("run", chosen, "Search")
        )
        with form_popover("New search", "new suspects"):
            suspects_form("popover", dataset)
    found = review.open_suspects(runs[chosen])
    notices.notes(found.notes)
    headline(view, found)
    left, right = st.columns(2, gap="large")
    with right:
        draw_worth(view, found)
    with left:
        st.subheader("Estimated noise", help=words.NOISE)
        draw_noise(view, found)
        if planted := found.artifact.summary.get("planted"):
            draw_planted(planted)
        report_button(found.artifact)


def headline(view: View, found: Suspects) -> None:
    """Draw how many images each bin holds, with the way to their queue."""
    columns = st.columns(5)
    total = int(np.isfinite(found.scores).sum())
    columns[0].metric("Judged labels", count(total), help=words.JUDGED)
    for column, name in zip(columns[1:], words.BINS, strict=False):
        number = found.counts.get(name, 0)
        column.metric(name.capitalize(), count(number), help=words.BINS[name])
        column.button(
            "Review these",
            key=view.key(f"review {name}"),
            icon=":material/rate_review:",
            type="tertiary",
            disabled=not number,
            on_click=view.set,
            kwargs={"tab": "queue", "queue": review.SUSPECTS, "run": found.artifact.name, "bin": name, "face": ""},
        )
    wrong = 1 - float(np.trace(found.noise)) / max(1.0, float(found.noise.sum()))
    low, high = found.wrong_interval
    columns[-1].metric("Estimated wrong", percent(wrong), help=words.WRONG)
    if low == low:
        columns[-1].caption(f"{percent(low).removesuffix(' %')} to {percent(high)}", help=words.WRONG_INTERVAL)


def draw_noise(view: View, found: Suspects) -> None:
    """Draw the estimated joint counts of given and true labels; a cell leads to its queue."""
    colours = class_colours(found.classes)
    classes = tuple(found.classes)
    tones = tuple(colours[name] for name in classes)
    matrix = Matrix(
        "Given labels against estimated true ones",
        classes,
        classes,
        whole_rows(found.noise),
        np.eye(len(classes), dtype=bool),
        tones,
        tones,
        "given ↓",
        "estimated true",
        "labelled {row}, estimated to be {column}: {count} images, {share} of those labelled {row}",
        words.NOISE_LINE,
    )

    def pick() -> None:
        cell = view.event(NOISE, "pick")
        label, proposed = ("" if cell[side] is None else classes[int(cell[side])] for side in ("row", "column"))
        asked = {"label": label, "proposed": "" if label == proposed else proposed}
        view.set(tab="queue", queue=review.SUSPECTS, run=found.artifact.name)
        view.set(bin="", split="all", face="", **asked)

    confusion_matrix(matrix, key=view.key(NOISE), selected=None, on_pick=pick)
