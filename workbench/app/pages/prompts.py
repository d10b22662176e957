"""Prompts: sentences edited live, searched on one split and told on another, and two classifications compared."""

from __future__ import annotations

import streamlit as st

from workbench.app import comparisons
from workbench.app.session import View
from workbench.app.widgets import compare_result, notices
from workbench.app.widgets.page_head import chosen_dataset, dataset_box, tabs

TABS = {"lab": "Lab", "studies": "Search and experiment", "compare": "Compare"}
DEFAULTS = {"dataset": "", "tab": "lab", **compare_result.DEFAULTS}
RESETS = {
    **compare_result.RESETS,
    "dataset": tuple(compare_result.DEFAULTS),
    "tab": ("right", "label", "face", "page"),
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
        dataset = chosen_dataset(view, "Prompts", comparisons.dataset_of(view["comparison"]))
        if dataset is None:
            return
        dataset_box(view, dataset)
        tab = tabs(view, TABS)
        if tab == "compare":
            compare_result.compare(view, dataset)


main()
