"""Map: how a dataset's images lie to each other and to words, and the faces wherever one looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from workbench.app import maps
from workbench.app.session import View
from workbench.app.widgets import map_quality, notices
from workbench.app.widgets.form_popover import form_popover
from workbench.app.widgets.map_angles import draw_angles
from workbench.app.widgets.map_form import METHOD_WORDS, map_form
from workbench.app.widgets.map_view import explore
from workbench.app.widgets.page_head import check_tab, chosen_dataset, dataset_box, tabs
from workbench.app.widgets.report_button import report_button
from workbench.data.datasets import Dataset
from workbench.errors import unknown_name
from workbench.store import Artifact

if TYPE_CHECKING:
    from workbench.studies.mapping import Map

TABS = {"map": "Map", "angles": "Angles", "gap": "Gap"}
CHOICE = {"lasso": "", "among": "", "label": "", "predicted": "", "face": "", "page": "1"}
SOURCE = {"colour": "label", "run": "", "suspects": "", "dissection": "", "unit": ""}
PLACE = {"camera": "", "hidden": ""}
PROMPT = {"prompt": "", "which": ""}
DEFAULTS = {"dataset": "", "map": "", "tab": "map", "angles": "", "layers": "", **SOURCE, **PROMPT, **PLACE, **CHOICE}
RESETS = {
    "dataset": ("map", "angles", *SOURCE, *PLACE, *CHOICE),
    "map": (*PLACE, *CHOICE),
    "colour": ("hidden", "page", "label", "predicted"),
    "run": ("hidden", "page", "label", "predicted"),
    "suspects": ("hidden", "page"),
    "dissection": ("unit", "page"),
    "prompt": ("which", "page"),
    "lasso": ("label", "predicted", "page"),
    "among": ("label", "predicted", "page"),
    "hidden": ("page",),
}


def main() -> None:
    """Draw the page."""
    view = View("map", DEFAULTS, RESETS)
    with notices.explained(notices.MAP):
        dataset = chosen_dataset(view, "Map", maps.map_dataset(view["map"]))
        if dataset is None:
            return
        found = maps.stored("map", dataset.name)
        choose(view, dataset, found)
        if not found and check_tab(view, TABS) != "angles":
            invite(view, dataset)
            return
        opened = maps.open_map(dataset.name, view["map"] or found[0].name) if found else None
        if opened is not None:
            view.settle(dataset=dataset.name, map=opened.artifact.name)
        look(view, dataset, opened)


@st.fragment
def look(view: View, dataset: Dataset, found: Map | None) -> None:
    """Draw what the chosen tab shows."""
    with notices.explained(notices.MAP):
        tab = tabs(view, TABS)
        if tab == "angles":
            draw_angles(view, dataset)
        elif found is None:
            invite(view, dataset)
        elif tab == "gap":
            map_quality.draw_gap(found)
            report_button(found.artifact)
        else:
            explore(view, dataset, found)


def invite(view: View, dataset: Dataset) -> None:
    """Say what a map is and offer to make one; the angles need none."""
    st.info(
        "This dataset has no map yet. A map lays every image out on a plane by what a CLIP sees in it, with the texts "
        "of a concept set among them.",
        icon=":material/scatter_plot:",
    )
    with st.container(border=True):
        map_form(dataset)
    st.button(
        "Angles between the classes need no map",
        key=view.key("to angles"),
        type="tertiary",
        icon=":material/architecture:",
        on_click=lambda: view.set(tab="angles"),
    )


def choose(view: View, dataset: Dataset, found: list[Artifact]) -> None:
    """Draw what is looked at: dataset and map."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        dataset_box(view, dataset)
        if not found:
            return
        by_name = {run.name: run for run in found}
        run = view["map"] or found[0].name
        if run not in by_name:
            raise unknown_name(f"map of {dataset.name}", run, by_name)
        st.selectbox(
            "Map", list(by_name), width=300, format_func=lambda name: map_title(by_name[name]), **view.bind("map", run)
        )
        with form_popover("New map", "new map"):
            map_form(dataset)


def map_title(run: Artifact) -> str:
    """Return a map in words: method, space, CLIP, concept set and images."""
    spec = run.spec
    split = "all images" if spec["split"] == "all" else spec["split"]
    return f"{METHOD_WORDS[spec['method']]} · {spec['space']} · {spec['clip']} · {spec['concepts']} · {split}"


main()
