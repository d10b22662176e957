"""Reweight: what happens to a network when its interpretable units count more, and whether to believe it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from workbench.app import session
from workbench.app.session import View
from workbench.app.widgets import notices
from workbench.app.widgets.fired import dissection_title
from workbench.app.widgets.form_popover import form_popover
from workbench.app.widgets.page_head import chosen_dataset, dataset_box, tabs
from workbench.app.widgets.reweight_form import reweight_form
from workbench.app.widgets.reweight_result import draw_result
from workbench.app.widgets.reweight_try import draw_try
from workbench.data.datasets import Dataset
from workbench.store import Artifact

if TYPE_CHECKING:
    from workbench.studies.dissection import Dissection

TABS = {"result": "Verdict", "try": "Try settings"}
SETTING = {"rule": "weights", "by": "tau", "threshold": "", "factor": "1.5"}
LOOK = {"tab": "result", "surface": "map", "images": "choose"}
DEFAULTS = {"dataset": "", "run": "", "layer": "", "result": "", **LOOK, **SETTING}
RESETS = {
    "dataset": ("run", "layer", "result", *SETTING),
    "run": ("layer", "result", *SETTING),
    "layer": ("result", *SETTING),
    "by": ("threshold",),
}


def main() -> None:
    """Draw the page."""
    view = View("reweight", DEFAULTS, RESETS)
    with notices.explained(notices.REWEIGHT):
        dataset = chosen_dataset(view, "Reweight", session.dissection_dataset(view["run"]))
        if dataset is None:
            return
        found = session.dissections(dataset.name)
        if not found:
            with st.columns([3, 13])[0]:
                dataset_box(view, dataset, None)
            st.info(
                "Reweighting goes by the labels of units, and no network has been dissected on this dataset yet.",
                icon=":material/neurology:",
            )
            st.page_link(
                notices.NEURONS,
                label="Dissect a network",
                icon=":material/neurology:",
                query_params={"dataset": dataset.name},
            )
            return
        dissection = session.dissection(dataset.name, view["run"] or found[0].name)
        layer = view["layer"] or usual_layer(dissection)
        dissection.rows(layer)
        view.settle(dataset=dataset.name, run=dissection.artifact.name, layer=layer)
        choose(view, dataset, found, dissection)
        look(view, dissection, layer)


@st.fragment
def look(view: View, dissection: Dissection, layer: str) -> None:
    """Draw the verdict of a stored sweep, or a setting tried by hand."""
    with notices.explained(notices.REWEIGHT):
        if tabs(view, TABS) == "try":
            draw_try(view, dissection, layer)
        else:
            draw_result(view, dissection, layer)


def choose(view: View, dataset: Dataset, found: list[Artifact], dissection: Dissection) -> None:
    """Draw what is looked at: dataset, dissection and layer."""
    columns = st.columns([3, 7, 2, 2, 2], gap="small", vertical_alignment="bottom")
    with columns[0]:
        dataset_box(view, dataset, None)
    by_name = {run.name: run for run in found}
    columns[1].selectbox(
        "Dissection", list(by_name), format_func=lambda name: dissection_title(by_name[name]), **view.bind("run")
    )
    columns[2].selectbox("Layer", dissection.layers, **view.bind("layer"))
    asked = {"dataset": dataset.name, "run": dissection.artifact.name, "layer": view["layer"]}
    columns[3].page_link(notices.NEURONS, label="Units", icon=":material/neurology:", query_params=asked)
    with columns[4], form_popover("New", "new sweep", "stretch"):
        reweight_form("popover", dissection, view["layer"])


def usual_layer(dissection: Dissection) -> str:
    """Return the layer to begin with: of the newest sweep, else the last one with more units than classes."""
    done = session.reweightings(dissection)
    if done:
        return done[0].spec.layer
    wide = [row["layer"] for row in dissection.layer_table if row["units"] > 2 * len(dissection.classes)]
    return str((wide or list(dissection.layers))[-1])


main()
