"""Review: doubtful faces one at a time, one key a verdict, and what becomes of the labels."""

from __future__ import annotations

import streamlit as st

from workbench.app import review_words as words
from workbench.app.session import View
from workbench.app.widgets import notices
from workbench.app.widgets.loop_result import loop
from workbench.app.widgets.page_head import chosen_dataset, dataset_box, tabs
from workbench.app.widgets.review_people import draw_people
from workbench.app.widgets.review_queue import draw_queue
from workbench.app.widgets.review_suspects import draw_suspects
from workbench.data.datasets import Dataset

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
        look(view)


@st.fragment
def look(view: View) -> None:
    """Draw the section the view names."""
    with notices.explained(notices.REVIEW):
        dataset = chosen_dataset(view, "Review")
        if dataset is None:
            return
        tab = choose(view, dataset)
        if tab == "suspects":
            draw_suspects(view, dataset)
        elif tab == "people":
            draw_people(view, dataset)
        elif tab == "loop":
            loop(view, dataset)
        else:
            draw_queue(view, dataset)


def choose(view: View, dataset: Dataset) -> str:
    """Draw what is looked at, dataset and section, and return the section."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        dataset_box(view, dataset)
        return tabs(view, words.SECTIONS, label="Section")


main()
