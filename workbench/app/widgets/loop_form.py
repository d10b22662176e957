"""The forms that clean a dataset, train again, and measure leakage."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.app import loop, session
from workbench.app import loop_words as words
from workbench.app.session import View
from workbench.app.text import plain
from workbench.data.datasets import Dataset
from workbench.errors import SpecError, WorkbenchError
from workbench.specs import CleanSpec, LeakageSpec, RetrainSpec
from workbench.specs.base import Spec
from workbench.specs.review import DISPUTED, KEEP_OR_DROP

HALF, THIRD = 212, 138
"""Widths of the form's fields in pixels, two or three a line where there is room for them."""


def _line() -> DeltaGenerator:
    return st.container(horizontal=True, gap="small")


def clean_choices(view: View, dataset: Dataset) -> CleanSpec | None:
    """Draw the choices of a cleaning and return its spec; ``None`` where they say nothing yet."""
    key = view.key
    with _line():
        name = st.text_input("Name", loop.free_name(dataset.name), key=key(f"clean name {dataset.name}"),
                             help=words.FORM["name"], width=HALF)  # fmt: skip
        known = loop.reviewers(dataset.name)
        chosen = st.multiselect(
            "Reviewers", known, placeholder="everybody", key=key(f"clean reviewers {dataset.name}"),
            help=words.FORM["reviewers"], width=HALF,
        )  # fmt: skip
    with _line():
        disputed = st.selectbox(
            "Disputed", DISPUTED, format_func=words.DISPUTED.__getitem__, key=key("disputed"),
            help=words.FORM["disputed"], width=THIRD,
        )  # fmt: skip
        faults = {
            field: st.selectbox(
                field.replace("_", " ").capitalize(), sorted(KEEP_OR_DROP, key=lambda each: each != usual),
                format_func=words.KEEP_OR_DROP.__getitem__, key=key(field), help=words.FORM[field], width=THIRD,
            )
            for field, usual in (("ambiguous", "keep"), ("not_a_face", "drop"))
        }  # fmt: skip
    runs = loop.suspects_runs(dataset.name)
    with _line():
        proposals = st.selectbox(
            "Proposals of a search", ["", *runs], format_func=lambda run: runs.get(run, "none: verdicts only"),
            key=key(f"proposals {dataset.name}"), help=words.FORM["suspects"], width=HALF,
        )  # fmt: skip
        above = st.slider(
            "From a doubt of", 0.5, 1.0, CleanSpec.above, 0.01, key=key("above"), disabled=not proposals,
            help=words.FORM["above"], width=HALF,
        )  # fmt: skip
    try:
        return CleanSpec(
            dataset.name,
            name.strip(),
            ",".join(chosen),
            disputed,
            faults["ambiguous"],
            faults["not_a_face"],
            str(proposals or ""),
            float(above),
        )
    except WorkbenchError as error:
        st.error(plain(error))
        return None


def retrain_form(view: View, child: Dataset, parent: Dataset) -> None:
    """Draw the form that trains again, and submit what is asked for as a job."""
    splits = list(parent.selections)
    with st.form(view.key(f"retrain {child.name}"), border=False):
        first, second, third, fourth = st.columns([4, 3, 3, 3])
        clip = first.text_input("CLIP", RetrainSpec.clip, help=words.RETRAIN_FORM["clip"])
        train = second.selectbox("Learn from", splits, _place(splits, "train"), help=words.RETRAIN_FORM["train"])
        report_on = third.selectbox("Report on", splits, _place(splits, "test"), help=words.RETRAIN_FORM["report_on"])
        leaks = fourth.selectbox(
            "Leaks", ("drop", "keep"), format_func=words.KEEP_OR_DROP.__getitem__, help=words.RETRAIN_FORM["leaks"]
        )
        if st.form_submit_button("Train again", type="primary", icon=":material/model_training:"):
            _submit(lambda: RetrainSpec(child.name, clip.strip(), str(train), str(report_on), str(leaks)))


def leakage_form(view: View, dataset: Dataset) -> None:
    """Draw the form that measures leakage, and submit what is asked for as a job."""
    splits = list(dataset.selections)
    with st.form(view.key(f"leakage {dataset.name}"), border=False):
        first, second, third = st.columns([4, 3, 3])
        clip = first.text_input("CLIP", LeakageSpec.clip, help=words.RETRAIN_FORM["clip"])
        train = second.selectbox("Learn from", splits, _place(splits, "train"), help=words.RETRAIN_FORM["train"])
        report_on = third.selectbox("Report on", splits, _place(splits, "test"), help=words.RETRAIN_FORM["report_on"])
        if st.form_submit_button("Measure leakage", icon=":material/water_drop:"):
            _submit(lambda: LeakageSpec(dataset.name, clip.strip(), str(train), str(report_on)))


def submit_clean(spec: CleanSpec) -> None:
    """Submit a cleaning as a job; a name that is taken is refused here already."""

    def checked() -> CleanSpec:
        if spec.name in session.dataset_names():
            raise SpecError(f"there is a dataset {spec.name!r} already; choose another name")
        return spec

    _submit(checked)


def _submit(make: Callable[[], Spec]) -> None:
    try:
        session.jobs().submit(make())
    except WorkbenchError as error:
        st.error(plain(error))
    else:
        st.toast("It has been queued; the sidebar shows how far it is.")
        st.rerun()


def _place(names: list[str], name: str) -> int:
    return names.index(name) if name in names else 0
