"""One trained classifier: how good it is, how it learned, its classes, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from workbench.app import definitions, session, training
from workbench.app import training_words as words
from workbench.app.components.confusion_matrix import confusion_matrix
from workbench.app.session import View
from workbench.app.text import count, interval, percent, plain
from workbench.app.widgets import metrics, notices
from workbench.app.widgets.explore import broad_matrix
from workbench.app.widgets.page_head import tabs
from workbench.app.widgets.report_button import report_button
from workbench.app.widgets.training_learning import draw_learning
from workbench.app.widgets.training_list import title_of
from workbench.app.widgets.training_try import draw_try
from workbench.data.datasets import Dataset
from workbench.errors import WorkbenchError
from workbench.specs import MapSpec, PredictSpec, Spec
from workbench.store import Artifact

TILE = 172
"""Width of a number in CSS pixels: six stand side by side on a laptop."""


def draw_result(view: View, dataset: Dataset, run: Artifact) -> None:
    """Draw a classifier: its sentence and numbers, what can be done with it, then the part the view names.

    Raises
    ------
    SpecError
        The view names a part there is not.
    """
    summary = run.summary
    st.markdown(sentence(run))
    if training.is_stale(run, dataset.fingerprint):
        st.warning(words.STALE, icon=":material/history:")
    notices.notes(list(summary["notes"]))
    numbers(summary)
    actions(view, dataset, run)
    part = tabs(view, words.PARTS, "part", "Part")
    if part == "classes":
        classes(view, run)
    elif part == "calibration":
        metrics.calibration(summary["reported"])
    elif part == "try":
        draw_try(view, run)
    else:
        draw_learning(view, run)


def sentence(run: Artifact) -> str:
    """Return how good a classifier is, what it learned from, and how long that took."""
    summary, spec = run.summary, run.spec
    accuracy = summary["reported"]["accuracy"]
    chosen = "setting" if run.kind == "probe" else "epoch"
    return (
        f"**{plain(title_of(run).capitalize())}**: **{percent(accuracy['value'])}** of the "
        f"{count(summary['reported']['images'])} labelled images of {plain(spec['report_on'])} are right "
        f"({interval(accuracy)}). It learned from {count(summary['images'])} images of {plain(spec['train'])} in "
        f"{words.lasted(float(summary['seconds']))}; its {chosen} was chosen on {plain(spec['tune_on'])}."
    )


def numbers(summary: Mapping[str, Any]) -> None:
    """Draw the numbers of the reported split, with those without copies of training images."""
    found, unseen = summary["reported"], summary.get("unseen")
    shown = {
        "accuracy": found["accuracy"],
        "unseen": unseen["accuracy"] if unseen else None,
        "macro_f1": found["macro_f1"],
        "top3": found["top_k_accuracy"].get("3"),
        "ece": found["calibration"]["error"],
    }
    row = st.container(horizontal=True, gap="small")
    for name, estimate in shown.items():
        title, definition = {**definitions.METRICS, **words.NUMBERS}[name]
        value, span = ("–", " ") if estimate is None else (percent(estimate["value"]), interval(estimate))
        help_text = f"{definition} {definitions.INTERVAL}"
        row.metric(title, value, span, delta_color="off", delta_arrow="off", width=TILE, help=help_text)
    title, definition = words.NUMBERS["images"]
    copies = found["images"] - (unseen["images"] if unseen else 0)
    note = f"{count(copies)} {'copy' if copies == 1 else 'copies'}" if "unseen" in summary else " "
    images = count(found["images"])
    row.metric(title, images, note, delta_color="off", delta_arrow="off", width=TILE, help=definition)


def actions(view: View, dataset: Dataset, run: Artifact) -> None:
    """Draw what can be done with the classifier: its faces, a video, its units."""
    model, made = training.model_of(run), training.classified(run)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if made is None:
            st.button(
                "Classify the dataset with it",
                key=view.key("classify"),
                icon=":material/grid_on:",
                help=words.CLASSIFY,
                on_click=ask,
                args=(PredictSpec(dataset.name, model),),
            )
        else:
            link = {"dataset": dataset.name, "run": made.name, "split": str(run.spec["report_on"])}
            st.page_link(notices.CONFUSIONS, label="Its faces", icon=":material/grid_on:", query_params=link)
        st.page_link(
            notices.VIDEO, label="Use it on a video", icon=":material/movie:", query_params={"score_with": model}
        )
        if run.kind == "trained":
            dissect_link(dataset, run)
        if run.kind == "coop":
            map_link(view, dataset, run)
        report_button(run)
        st.caption(f"`{model}`", help=words.MODEL)


def dissect_link(dataset: Dataset, run: Artifact) -> None:
    """Draw the way to a network's units, or to the form that looks into them."""
    made = training.dissected(run)
    if made is None:
        label, asked = "Dissect it", {"dataset": dataset.name, "dissect": training.model_of(run)}
    else:
        label, asked = "Its units", {"dataset": dataset.name, "run": made.name}
    st.page_link(notices.NEURONS, label=label, icon=":material/neurology:", query_params=asked)


def map_link(view: View, dataset: Dataset, run: Artifact) -> None:
    """Draw the way to a map with the learned prompts on it, or the button that makes one."""
    made = training.mapped(run)
    if made is not None:
        asked = {"dataset": dataset.name, "map": made.name}
        st.page_link(notices.MAP, label="On the map", icon=":material/scatter_plot:", query_params=asked)
        return
    spec = MapSpec(dataset.name, str(run.spec["clip"]), concepts=training.model_of(run))
    st.button(
        "Draw them on a map",
        key=view.key("draw map"),
        icon=":material/scatter_plot:",
        help=words.MAPPED,
        on_click=ask,
        args=(spec,),
    )


def ask(spec: Spec) -> None:
    """Submit a job."""
    try:
        session.jobs().submit(spec)
    except WorkbenchError as error:
        st.toast(plain(error))
    else:
        st.toast("It has been queued; the sidebar shows how far it is.")


def classes(view: View, run: Artifact) -> None:
    """Draw precision, recall and F1 of each class, and the confusion matrix."""
    found, names = run.summary["reported"], tuple(run.summary["classes"])
    metrics.per_class(found, names)
    made = training.classified(run)
    st.caption(words.NO_FACES if made is None else words.MATRIX)
    counts = np.asarray(found["confusion"], dtype=np.int64)
    confusion_matrix(
        broad_matrix(names, counts),
        key=view.key("matrix"),
        selected=None,
        on_pick=lambda: session.remember("picked cell", view.event("matrix", "pick")),
    )
    cell = session.recall("picked cell")
    session.remember("picked cell", None)
    if cell and made is not None:
        asked = {name: names[int(cell[axis])] for name, axis in (("label", "row"), ("predicted", "column"))
                 if cell[axis] is not None}  # fmt: skip
        link = {"dataset": str(run.spec["dataset"]), "run": made.name, "split": str(run.spec["report_on"])}
        st.switch_page(notices.CONFUSIONS, query_params=link | asked)
