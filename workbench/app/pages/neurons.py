"""Neurons: which units of a network encode which emotions, and what speaks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from workbench.app import session
from workbench.app.session import View
from workbench.app.widgets import notices
from workbench.app.widgets.dissect_form import TARGET, dissect_form
from workbench.app.widgets.fired import dissection_title
from workbench.app.widgets.form_popover import begin_open, form_popover
from workbench.app.widgets.layers import draw_layers, headline
from workbench.app.widgets.page_head import check_tab, chosen_dataset, dataset_box, tabs
from workbench.app.widgets.unit_ablation import draw_sets
from workbench.app.widgets.unit_page import draw_unit
from workbench.app.widgets.units import draw_units
from workbench.data.datasets import Dataset
from workbench.errors import unknown_name
from workbench.store import Artifact

if TYPE_CHECKING:
    from workbench.studies.dissection import Dissection

TABS = {"units": "Units", "layers": "Layers", "removal": "Removal"}
FACES = {"face": "", "page": "1", "end": "high", "split": "all", "label": ""}
FILTERS = {"search": "", "layer": "", "concept": "", "emotion": "", "by": "selective", "labelled": "", "sort": ""}
UNIT = {"unit": "", "part": "evidence"}
DEFAULTS = {
    "dataset": "",
    "run": "",
    "dissect": "",
    "tab": "units",
    "units": "1",
    "of": "",
    "maps": "",
    **FILTERS,
    **UNIT,
    **FACES,
}
RESETS = {
    "dataset": ("run", "of", "units", *FILTERS, *UNIT, *FACES),
    "run": ("of", "units", *FILTERS, *UNIT, *FACES),
    **dict.fromkeys(FILTERS, ("units",)),
    "emotion": ("units", "sort", "by"),
    "unit": ("face", "page"),
    "tab": ("unit",),
    **dict.fromkeys(("end", "split", "label"), ("face", "page")),
}


def main() -> None:
    """Draw the page."""
    view = View("neurons", DEFAULTS, RESETS)
    with notices.explained(notices.NEURONS):
        dataset = chosen_dataset(view, "Neurons", session.dissection_dataset(view["run"]))
        if dataset is None:
            return
        found = session.dissections(dataset.name)
        if view["dissect"]:
            session.remember(TARGET, view["dissect"])
            begin_open("new dissection")
            view.settle(dissect="")
        choose(view, dataset, found)
        if not found:
            st.info(
                "This dataset has no dissection yet. A dissection labels every unit of a network with the concept it "
                "responds to, and says which labels hold.",
                icon=":material/neurology:",
            )
            with st.container(border=True):
                dissect_form(dataset)
            return
        dissection = session.dissection(dataset.name, view["run"] or found[0].name)
        view.settle(dataset=dataset.name, run=dissection.artifact.name)
        look(view, dataset, dissection)


@st.fragment
def look(view: View, dataset: Dataset, dissection: Dissection) -> None:
    """Draw the unit the view names, else the dissection as a whole."""
    with notices.explained(notices.NEURONS):
        check_tab(view, TABS)
        if view["unit"]:
            draw_unit(view, dataset, dissection)
            return
        notices.notes(dissection.notes)
        headline(dissection)
        tab = tabs(view, TABS)
        if tab == "layers":
            draw_layers(view, dissection)
        elif tab == "removal":
            draw_sets(view, dissection)
        else:
            draw_units(view, dataset, dissection)


def choose(view: View, dataset: Dataset, found: list[Artifact]) -> None:
    """Draw what is looked at: dataset and dissection."""
    columns = st.columns([3, 10, 2], gap="small", vertical_alignment="bottom")
    with columns[0]:
        dataset_box(view, dataset, None)
    if not found:
        return
    by_name = {run.name: run for run in found}
    run = view["run"] or found[0].name
    if run not in by_name:
        raise unknown_name(f"dissection of {dataset.name}", run, by_name)
    columns[1].selectbox(
        "Dissection", list(by_name), format_func=lambda name: dissection_title(by_name[name]), **view.bind("run", run)
    )
    with columns[2], form_popover("New", "new dissection", "stretch"):
        dissect_form(dataset)


main()
