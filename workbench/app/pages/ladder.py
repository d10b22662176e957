"""Ladder: every way to classify faces side by side, how much each withstands, and any two against each other."""

from __future__ import annotations

import time

import streamlit as st

from workbench.app import comparisons, ladders
from workbench.app import ladder_words as words
from workbench.app import robustness as robustness_known
from workbench.app.session import View
from workbench.app.text import plain
from workbench.app.widgets import compare_result, notices, robustness_result
from workbench.app.widgets.form_popover import form_popover
from workbench.app.widgets.ladder_form import NAME, ladder_form
from workbench.app.widgets.ladder_result import draw_ladder
from workbench.app.widgets.page_head import chosen_dataset, dataset_box, tabs
from workbench.data.datasets import Dataset
from workbench.store import Artifact

DEFAULTS = {
    "dataset": "",
    "tab": "ladder",
    "ladder": "",
    "rung": "",
    "sort": "-accuracy",
    **compare_result.DEFAULTS,
    **robustness_result.DEFAULTS,
}
RESETS = {
    **compare_result.RESETS,
    **robustness_result.RESETS,
    "dataset": ("ladder", "rung", *compare_result.DEFAULTS, *robustness_result.DEFAULTS),
    "tab": ("right", "label", "face", "page"),
    "ladder": ("rung",),
}


def main() -> None:
    """Draw the page."""
    view = View("ladder", DEFAULTS, RESETS)
    with notices.explained(notices.LADDER):
        look(view)


@st.fragment
def look(view: View) -> None:
    """Draw the tab the view names."""
    with notices.explained(notices.LADDER):
        dataset = chosen_dataset(
            view,
            "Ladder",
            ladders.dataset_of(view["ladder"])
            or comparisons.dataset_of(view["comparison"])
            or robustness_known.dataset_of(view["study"]),
        )
        if dataset is None:
            return
        found = ladders.stored(dataset.name)
        tab = choose(view, dataset, found)
        if tab == "compare":
            compare_result.compare(view, dataset)
        elif tab == "robustness":
            robustness_result.robustness(view, dataset)
        elif found or view["ladder"]:
            name = view["ladder"] or found[0].name
            draw_ladder(view, dataset, ladders.open_ladder(dataset.name, name, found))
        else:
            st.info(words.WHAT, icon=":material/leaderboard:")
            with st.container(border=True, width=640):
                ladder_form("first", dataset)


def choose(view: View, dataset: Dataset, found: list[Artifact]) -> str:
    """Draw what is looked at, dataset, section and ladder, and return the section."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        dataset_box(view, dataset)
        tab = tabs(view, words.TABS, label="Section")
        if tab == "ladder" and found:
            by_name = {run.name: run for run in found}
            chosen = view["ladder"] if view["ladder"] in by_name else found[0].name
            st.selectbox(
                "Ladder",
                list(by_name),
                width=330,
                format_func=lambda name: title(by_name[name]),
                **view.bind("ladder", chosen),
            )
            with form_popover("New ladder", NAME):
                ladder_form("popover", dataset)
    return tab


def title(run: Artifact) -> str:
    """Return a ladder in words: its CLIP, how many ways, and when."""
    finished = time.strftime("%d %b %H:%M", time.localtime(run.created))
    ways = len(run.summary["standings"])
    return plain(f"{run.spec['clip'].rpartition('/')[2]} · {ways} ways · {finished}").replace("\\", "")


main()
