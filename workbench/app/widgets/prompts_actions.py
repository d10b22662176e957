"""What is done with edited prompts: kept as a concept set, classified with, evaluated once on held-out images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import streamlit as st

from workbench.app import prompt_labs as labs
from workbench.app import prompt_words as words
from workbench.app import saved_concepts, session
from workbench.app.prompt_labs import Look, Place, Prompted
from workbench.app.session import View
from workbench.app.text import count, percent, plain, several
from workbench.app.widgets import notices
from workbench.app.widgets.form_popover import close
from workbench.data.concepts import ConceptSet, load_attributes
from workbench.data.datasets import Dataset
from workbench.errors import SpecError, WorkbenchError
from workbench.methods.reweight_verdict import p_text, points
from workbench.specs import ClassifySpec

TEST = "test"
SAVE = "save prompts"


def draw_actions(view: View, dataset: Dataset, where: Place, name: str, sets: tuple[Prompted, Prompted]) -> None:
    """Draw what is done with the first of ``sets``; the second is the starting set, ``name`` the page's for it."""
    now, start = sets
    edited = now.concept_set.fingerprint != start.concept_set.fingerprint
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        sent = session.recall(f"sent {SAVE}") or 0
        with st.popover("Save", icon=":material/save:", key=f"{SAVE} {sent}", disabled=not edited, on_change="rerun"):
            save_form(name, now)
        if st.button("Classify with it", key=view.key("classify"), icon=":material/play_arrow:", help=words.CLASSIFY):
            classify(dataset, where.clip, name, now, start)
        found = evaluate_button(view, dataset, where, now, start)
    if found is not None:
        draw_look(found, len(labs.looks(where, TEST)))
    path = stored_as(name, now.concept_set)
    if edited and path is not None:
        st.caption(f"Saved as **{plain(path.stem)}**; on the command line:")
        attribute = f"#{now.concept_set.attribute}" if len(load_attributes(str(path))) > 1 else ""
        st.code(f"workbench classify {dataset.name} --concepts {path}{attribute}", language=None, wrap_lines=True)


def save_form(start: str, now: Prompted) -> None:
    """Draw the form that keeps the prompts as a concept set of the workspace."""
    base = saved_concepts.title(start).removesuffix(" (saved)")
    with st.form("save prompts", border=False):
        usual = f"{Path(base).stem}-edited"[:64]
        name = st.text_input("Name", usual, help=words.SAVE)
        replaced = st.checkbox("Replace a saved set of this name")
        if st.form_submit_button("Save the set", type="primary", icon=":material/save:"):
            try:
                path = saved_concepts.save(name.strip(), described(now, base), start, replaced)
            except WorkbenchError as error:
                st.error(plain(error))
            else:
                close(SAVE)
                st.toast(f"Saved as {plain(path.stem)}; new runs, maps and studies offer it.")
                st.rerun()


def described(now: Prompted, base: str) -> ConceptSet:
    """Return edited prompts with where they come from, and their rule as the set's own."""
    told = f"Edited from {base} in the prompt lab."
    return replace(now.concept_set, description=told, default_aggregate=now.aggregate)


def stored_as(start: str, edited: ConceptSet) -> Path | None:
    """Return the newest saved set that holds these prompts; ``None`` where none does."""
    for name in [start, *saved_concepts.names()]:
        if name.startswith(saved_concepts.SAVED):
            path = Path(saved_concepts.spec_of(name))
            try:
                found = load_attributes(str(path)).get(edited.attribute)
            except WorkbenchError:
                continue  # a file that somebody broke by hand is no copy
            if found is not None and found.fingerprint == edited.fingerprint:
                return path
    return None


def classify(dataset: Dataset, clip: str, name: str, now: Prompted, start: Prompted) -> None:
    """Submit a classification with the prompts; edited ones are saved first where they are not."""
    try:
        spec = saved_concepts.spec_of(name)
        if now.concept_set.fingerprint != start.concept_set.fingerprint:
            path = stored_as(name, now.concept_set)
            if path is None:
                base = Path(saved_concepts.title(name).removesuffix(" (saved)")).stem
                path = saved_concepts.save(
                    f"{base[:48]}-{now.concept_set.fingerprint[:8]}", described(now, base), name, replaced=True
                )
            spec = str(path)
        attribute = f"#{now.concept_set.attribute}" if len(load_attributes(spec)) > 1 else ""
        session.jobs().submit(ClassifySpec(dataset.name, clip, f"{spec}{attribute}", now.aggregate))
    except WorkbenchError as error:
        st.error(plain(error))
    else:
        st.toast("The run has been queued; the sidebar shows how far it is.")
        st.rerun()


def evaluate_button(view: View, dataset: Dataset, where: Place, now: Prompted, start: Prompted) -> Look | None:
    """Draw the button that evaluates the prompts on held-out images; return what it gave for these prompts."""
    if TEST not in dataset.selections or not labs.labelled(dataset, now.concept_set):
        return None
    key = f"{now.key} {start.key}"
    found = next((each for each in labs.looks(where, TEST) if each.key == key), None)
    why = words.EVALUATE.format(split=TEST)
    seen = np.intersect1d(dataset.rows(TEST), dataset.rows(where.split)).size > 0
    if seen:
        why = f"Edits are measured on {where.split}, which holds test images; edit on other images first."
    elif now.key == start.key:
        why = "Nothing has been edited yet: there is nothing to hold against the starting set."
    asked = st.button(
        f"Evaluate once on {TEST}",
        key=view.key("evaluate"),
        icon=":material/fact_check:",
        help=why,
        disabled=seen or now.key == start.key or found is not None,
    )
    if asked and found is None:
        try:
            found = labs.held_out(where, TEST, now, start)
        except SpecError as error:
            notices.trouble(error)
    return found


def draw_look(found: Look, times: int) -> None:
    """Draw one evaluation on held-out images beside the starting set's."""
    change, test = found.comparison.changes["accuracy"], found.comparison.mcnemar
    value, low, high = change.difference
    told = {"helped": "are **better than**", "hurt": "are **worse than**"}
    verdict = told.get(found.comparison.conclusion, "**cannot be told from**")
    with st.container(border=True):
        st.markdown(
            f"On **{TEST}** ({count(found.comparison.images)} images) these prompts {verdict} the starting "
            f"set: accuracy {percent(change.after.value, 2)} against {percent(change.before.value, 2)}, "
            f"{points(value)} points (95 % interval {points(low)} to {points(high)}, McNemar {p_text(test.p)}).",
            help=words.CHANGE,
        )
        for note in found.notes:
            st.caption(f":material/info: {plain(note)}")
        if times > 1:
            st.caption(words.LOOKED.format(split=TEST.capitalize(), times=several(times, "time")))
