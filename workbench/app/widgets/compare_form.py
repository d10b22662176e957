"""The choice of two classifications, and the button that compares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import streamlit as st

from workbench.app import compare_words as words
from workbench.app import comparisons, definitions, session
from workbench.app.run_names import classification_names, learned_prompts
from workbench.app.session import View
from workbench.app.text import plain, several
from workbench.app.widgets import notices
from workbench.data.datasets import Dataset
from workbench.errors import WorkbenchError, unknown_name
from workbench.specs import CompareSpec
from workbench.store import Artifact


class Pair(NamedTuple):
    """Two runs by their names, and the split both are held against."""

    first: str
    second: str
    split: str


def choose_pair(view: View, dataset: Dataset) -> Pair | None:
    """Draw the choice of the two runs and of the images; ``None`` where the dataset has fewer than two runs.

    Raises
    ------
    SpecError
        The view names a run, a split or a comparison that is not there.
    """
    runs = {run.name: run for run in comparisons.runs(dataset)}
    if len(runs) < 2:
        st.info(words.NONE.format(found=several(len(runs), "classification")), icon=":material/compare:")
        link = {"dataset": dataset.name}
        st.page_link(notices.CONFUSIONS, label="Classify its images", icon=":material/grid_on:", query_params=link)
        return None
    if view["comparison"]:
        spec = comparisons.named(dataset, view["comparison"]).spec
        view.settle(first=spec.first, second=spec.second, against=spec.split, comparison="")
    pair = _usual(view, dataset, runs)
    for name in (pair.first, pair.second):
        if name not in runs:
            raise unknown_name(f"run of {dataset.name}", name, runs)
    if pair.split not in dataset.selections:
        raise unknown_name("split", pair.split, dataset.selections)
    titles = classification_names(list(runs.values()))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox("First", list(runs), width=400, format_func=titles.__getitem__, **view.bind("first", pair.first))
        st.selectbox(
            "Second", list(runs), width=400, format_func=titles.__getitem__, **view.bind("second", pair.second)
        )
        st.selectbox(
            "Images",
            list(dataset.selections),
            width=176,
            format_func=lambda name: definitions.SPLITS.get(name, name),
            help=words.SPLIT,
            **view.bind("against", pair.split),
        )
    return pair


def invite(pair: Pair, key: str) -> None:
    """Offer to compare two runs that have not been compared yet."""
    if pair.first == pair.second:
        st.info("Both are the same run; choose two different ones.", icon=":material/compare:")
        return
    st.info(words.ASK.format(split=plain(definitions.SPLITS.get(pair.split, pair.split))), icon=":material/compare:")
    if st.button("Compare them", key=key, type="primary", icon=":material/play_arrow:"):
        try:
            session.jobs().submit(CompareSpec(pair.first, pair.second, pair.split))
        except WorkbenchError as error:
            st.error(plain(error))
        else:
            st.toast("The comparison has been queued; the sidebar shows how far it is.")
            st.rerun()


def _usual(view: View, dataset: Dataset, runs: Mapping[str, Artifact]) -> Pair:
    """Return what the view asks for; what it leaves open is as in the newest comparison, else of the newest runs.

    Of these two are taken that are not by the same learned prompts, where there are.
    """
    first, second, split = view["first"], view["second"], view["against"]
    if not (first or second):
        done = comparisons.stored(dataset)
        if done:
            spec = done[0].spec
            return Pair(spec.first, spec.second, split or spec.split)
    first = first or _other(second, runs)
    second = second or _other(first, runs)
    held_out = next((name for name in ("test", "validation") if name in dataset.selections), "all")
    return Pair(first, second, split or held_out)


def _other(name: str, runs: Mapping[str, Artifact]) -> str:
    """Return the newest run but ``name``, by other learned prompts than that where there are."""
    known = learned_prompts(runs[name]) if name in runs else ""
    others = [other for other in runs if other != name]
    return next((other for other in others if not known or learned_prompts(runs[other]) != known), others[0])
