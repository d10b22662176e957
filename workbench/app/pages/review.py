"""Review: doubtful faces one at a time, one key a verdict, and what becomes of the labels."""

from __future__ import annotations

import streamlit as st

from workbench.app import review_words as words
from workbench.app import session
from workbench.app.session import View
from workbench.app.widgets import notices
from workbench.app.widgets.loop_result import loop
from workbench.app.widgets.review_people import draw_people
from workbench.app.widgets.review_queue import draw_queue
from workbench.app.widgets.review_suspects import draw_suspects
from workbench.data.datasets import Dataset
from workbench.errors import unknown_name

FILTERS = {"bin": "", "split": "all", "label": "", "proposed": ""}
FACES = {"face": ""}
QUEUE = {"queue": "", "run": "", "show": "unjudged", "order": "doubt", "blind": "", **FILTERS, **FACES}
LOOP = {"cleaned": ""}
DEFAULTS = {"dataset": "", "tab": "queue", "truth": "", "of": "", **QUEUE, **LOOP}
RESETS = {
    "dataset": ("truth", "of", *QUEUE, *LOOP),
    "queue": ("run", *FILTERS, *FACES),
    "run": (*FILTERS, *FACES, "truth", "of"),
    "blind": ("label", "proposed"),
    **dict.fromkeys((*FILTERS, "show", "order"), tuple(FACES)),
}


def main() -> None:
    """Draw the page."""
    view = View("review", DEFAULTS, RESETS)
    with notices.explained(notices.REVIEW):
        names = session.dataset_names()
        if not names:
            notices.no_dataset("Review")
            return
        look(view, names)


@st.fragment
def look(view: View, names: list[str]) -> None:
    """Draw the section the view names."""
    with notices.explained(notices.REVIEW):
        dataset = session.dataset(view["dataset"] or names[0])
        if view["tab"] not in words.SECTIONS:
            raise unknown_name("tab", view["tab"], words.SECTIONS)
        choose(view, names, dataset)
        if view["tab"] == "suspects":
            draw_suspects(view, dataset)
        elif view["tab"] == "people":
            draw_people(view, dataset)
        elif view["tab"] == "loop":
            loop(view, dataset)
        else:
            draw_queue(view, dataset)


def choose(view: View, names: list[str], dataset: Dataset) -> None:
    """Draw what is looked at: dataset and section."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.selectbox("Dataset", names, width=176, **view.bind("dataset", dataset.name))
        st.segmented_control(
            "Section",
            list(words.SECTIONS),
            required=True,
            format_func=words.SECTIONS.__getitem__,
            label_visibility="collapsed",
            **view.bind("tab"),
        )


main()
