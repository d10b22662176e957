"""Training: every classifier trained on a dataset side by side, new ones, and how each learned."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from workbench.app import training
from workbench.app import training_words as words
from workbench.app.session import View
from workbench.app.widgets import notices
from workbench.app.widgets.form_popover import form_popover
from workbench.app.widgets.page_head import chosen_dataset, dataset_box
from workbench.app.widgets.training_forms import NAMES, coop_form, network_form, probe_form
from workbench.app.widgets.training_list import draw_list
from workbench.app.widgets.training_live import draw_live, follow
from workbench.app.widgets.training_result import draw_result
from workbench.data.datasets import Dataset

PICTURE = {"way": "file", "whose": "largest"}
DEFAULTS = {"dataset": "", "model": "", "sort": "-accuracy", "part": "learning", **PICTURE}
RESETS = {"dataset": ("model",)}
FORMS: dict[str, tuple[str, Callable[[View, Dataset], None]]] = {
    "probe": ("probe", probe_form),
    "coop": ("prompts", coop_form),
    "trained": ("network", network_form),
}


def main() -> None:
    """Draw the page."""
    view = View("training", DEFAULTS, RESETS)
    with notices.explained(notices.TRAINING):
        dataset = chosen_dataset(view, "Training", training.dataset_of(view["model"]))
        if dataset is None:
            return
        follow(view, dataset.name)
        found = training.stored(dataset.name)
        run = training.chosen(dataset.name, view["model"], found) if found or view["model"] else None
        choose(view, dataset, bool(found))
        draw_live(view, dataset.name)
        if run is None:
            begin(view, dataset)
        else:
            look(view, dataset)


@st.fragment
def look(view: View, dataset: Dataset) -> None:
    """Draw the table and the classifier chosen in it."""
    with notices.explained(notices.TRAINING):
        found = training.stored(dataset.name)
        run = training.chosen(dataset.name, view["model"], found)
        draw_list(view, found, dataset.fingerprint, training.model_of(run))
        draw_result(view, dataset, run)


def choose(view: View, dataset: Dataset, more: bool) -> None:
    """Draw what is looked at, and the forms that train ``more``."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        dataset_box(view, dataset)
        for kind, (label, form) in FORMS.items() if more else ():
            with form_popover(f"New {label}", NAMES[kind]):
                form(view, dataset)


def begin(view: View, dataset: Dataset) -> None:
    """Say what is trained here, and offer the forms."""
    st.info(words.NOTHING, icon=":material/model_training:")
    st.caption(words.WHAT)
    with st.container(border=True, width=640):
        labels = [label.capitalize() for label, _ in FORMS.values()]
        for tab, (_, form) in zip(st.tabs(labels), FORMS.values(), strict=True):
            with tab:
                form(view, dataset)


main()
