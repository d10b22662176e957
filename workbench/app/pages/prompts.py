"""Prompts: sentences edited live, searched on one split and told on another, and two classifications compared."""

from __future__ import annotations

import streamlit as st

from workbench.app import comparisons
from workbench.app import prompt_labs as labs
from workbench.app.session import View
from workbench.app.widgets import compare_result, notices, prompts_lab, prompts_study
from workbench.app.widgets.page_head import chosen_dataset, dataset_box, tabs

TABS = {"lab": "Lab", "studies": "Search and experiment", "compare": "Compare"}
DEFAULTS = {
    "dataset": "",
    "tab": "lab",
    "study": "",
    "metric": "accuracy",
    **prompts_lab.DEFAULTS,
    **prompts_lab.CELL,
    **compare_result.DEFAULTS,
}
RESETS = {
    **prompts_lab.RESETS,
    **compare_result.RESETS,
    "label": ("face", "page"),
    "dataset": ("split", "study", *prompts_lab.CELL, *compare_result.DEFAULTS),
    "tab": (*prompts_lab.CELL, "right"),
}


def main() -> None:
    """Draw the page."""
    view = View("prompts", DEFAULTS, RESETS)
    with notices.explained(notices.PROMPTS):
        look(view)


@st.fragment
def look(view: View) -> None:
    """Draw the tab the view names."""
    with notices.explained(notices.PROMPTS):
        usual = comparisons.dataset_of(view["comparison"]) or labs.study_dataset(view["study"])
        dataset = chosen_dataset(view, "Prompts", usual)
        if dataset is None:
            return
        head = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
        with head:
            dataset_box(view, dataset)
        tab = tabs(view, TABS)
        if tab == "lab":
            prompts_lab.draw_lab(view, dataset, head)
        elif tab == "studies":
            prompts_study.draw_studies(view, dataset, head)
        else:
            compare_result.compare(view, dataset)


main()
