"""Slices: groups of faces that a run gets wrong more often than the rest, and error rates by attribute."""

from __future__ import annotations

import time

import streamlit as st

from workbench.app import slice_words as words
from workbench.app import slices
from workbench.app.session import View
from workbench.app.text import plain
from workbench.app.widgets import notices
from workbench.app.widgets.form_popover import form_popover
from workbench.app.widgets.page_head import chosen_dataset, dataset_box
from workbench.app.widgets.slices_form import slices_form
from workbench.app.widgets.slices_result import draw_slices
from workbench.data.datasets import Dataset
from workbench.errors import unknown_name
from workbench.store import Artifact

FACES = {"face": "", "page": "1"}
DEFAULTS = {"dataset": "", "tab": "", "run": "", "attribute": "", "slice": "", "only": "", **FACES}
RESETS = {
    "dataset": ("run", "attribute", "slice", *FACES),
    "tab": ("run", "attribute", "slice", *FACES),
    "run": ("attribute", "slice", *FACES),
    "attribute": ("slice", *FACES),
    "slice": tuple(FACES),
    "only": tuple(FACES),
}


def main() -> None:
    """Draw the page."""
    view = View("slices", DEFAULTS, RESETS)
    with notices.explained(notices.SLICES):
        look(view)


@st.fragment
def look(view: View) -> None:
    """Draw the tab the view names."""
    with notices.explained(notices.SLICES):
        dataset = chosen_dataset(view, "Slices", slices.dataset_of(view["run"]))
        if dataset is None:
            return
        tab = view["tab"] or slices.kind_of(view["run"]) or "groups"
        if tab not in words.TABS:
            raise unknown_name("tab", tab, words.TABS)
        found = slices.stored(dataset.name, tab == "attributes")
        name = view["run"] or (found[0].name if found else "")
        choose(view, dataset, tab, found)
        if name:
            draw_slices(view, dataset, slices.open_slices(dataset.name, name, found))
            return
        st.info(words.ATTRIBUTES if tab == "attributes" else words.GROUPS, icon=":material/pie_chart:")
        with st.columns([3, 2])[0].container(border=True):
            slices_form("first", dataset, tab == "attributes")


def choose(view: View, dataset: Dataset, tab: str, found: list[Artifact]) -> None:
    """Draw what is looked at: dataset, groups or attributes, and the search."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        dataset_box(view, dataset)
        st.segmented_control(
            "By", list(words.TABS), required=True, format_func=words.TABS.__getitem__, **view.bind("tab", tab)
        )
        if found:
            by_name = {run.name: run for run in found}
            chosen = view["run"] if view["run"] in by_name else found[0].name
            st.selectbox(
                "Search",
                list(by_name),
                width=430,
                format_func=lambda name: title(by_name[name]),
                **view.bind("run", chosen, tab),
            )
            with form_popover("New search", "new slices"):
                slices_form("popover", dataset, tab == "attributes")


def title(run: Artifact) -> str:
    """Return a search in words: run, images, attribute and when."""
    spec = run.spec
    finished = time.strftime("%d %b %H:%M", time.localtime(run.created))
    by = f" · {spec['attribute'].rpartition('/')[2]}" if spec["attribute"] else ""
    return plain(f"{run.summary['run'].rpartition('-')[0]} · {spec['split']}{by} · {finished}").replace("\\", "")


main()
