"""Confusions: what a run takes for what, beside the faces it happens to."""

from __future__ import annotations

import streamlit as st

from workbench.app import definitions, session
from workbench.app.run_names import classification_names
from workbench.app.session import View
from workbench.app.widgets import metrics, notices
from workbench.app.widgets.explore import explore
from workbench.app.widgets.form_popover import form_popover
from workbench.app.widgets.page_head import chosen_dataset, dataset_box, tabs
from workbench.app.widgets.report_button import report_button
from workbench.app.widgets.run_form import run_form
from workbench.data.datasets import Dataset
from workbench.errors import unknown_name
from workbench.store import Artifact

TABS = {"broad": "Confusions", "fine": "Fine concepts", "classes": "Per class", "calibration": "Calibration"}
FACES = {"label": "", "predicted": "", "concept": "", "outcome": "all", "face": "", "page": "1"}
DEFAULTS = {"dataset": "", "run": "", "split": "", "tab": "broad", "order": "wrongest", "dissection": "", **FACES}
RESETS = {
    "dataset": ("run", "split", "dissection", *FACES),
    "run": ("split", *FACES),
    "split": ("face", "page"),
    "label": ("face", "page"),
    "predicted": ("face", "page"),
    "concept": ("face", "page"),
    "outcome": ("face", "page"),
    "order": ("page",),
    "tab": ("concept", "predicted"),
}


def main() -> None:
    """Draw the page."""
    view = View("confusions", DEFAULTS, RESETS)
    with notices.explained(notices.CONFUSIONS):
        dataset = chosen_dataset(view, "Confusions")
        if dataset is None:
            return
        found = session.runs(dataset.name)
        choose(view, dataset, found)
        if not found:
            st.info("This dataset has no run yet. A run classifies every image with a CLIP and a concept set.")
            with st.container(border=True):
                run_form(dataset.name)
            return
        run = session.classification(dataset.name, view["run"] or found[0].name)
        split = view["split"] or default_split(run.artifact.summary["splits"])
        if split not in run.metrics:
            raise unknown_name("split", split, run.metrics)
        notices.notes(run.notes)
        metrics.headline(run.metrics[split])
        tab = tabs(view, TABS)
        if tab == "classes":
            metrics.per_class(run.metrics[split], run.classes)
        elif tab == "calibration":
            metrics.calibration(run.metrics[split])
        else:
            explore(view, dataset, run, split, tab == "fine")
        report_button(run.artifact)


def choose(view: View, dataset: Dataset, found: list[Artifact]) -> None:
    """Draw what is looked at: dataset, run, split."""
    columns = st.columns([3, 6, 4, 2], gap="small", vertical_alignment="bottom")
    with columns[0]:
        dataset_box(view, dataset, None)
    if not found:
        return
    by_name = {run.name: run for run in found}
    run = view["run"] or found[0].name
    if run not in by_name:
        raise unknown_name(f"run of {dataset.name}", run, by_name)
    titles = classification_names(found)
    columns[1].selectbox("Run", list(by_name), format_func=titles.__getitem__, **view.bind("run", run))
    splits = list(by_name[run].summary["splits"])
    split = view["split"] or default_split(splits)
    columns[2].selectbox(
        "Split",
        splits if split in splits else [*splits, split],
        format_func=lambda name: definitions.SPLITS.get(name, name),
        **view.bind("split", split),
    )
    with columns[3], form_popover("New run", "new run", "stretch"):
        run_form(dataset.name)


def default_split(splits: list[str]) -> str:
    """Return the split to begin with: held-out data where there are any."""
    return next((name for name in ("test", "merged-test", "validation") if name in splits), splits[-1])


main()
