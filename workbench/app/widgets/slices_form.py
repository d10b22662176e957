"""The form that starts a search for slices."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from workbench.app import session
from workbench.app import slice_words as words
from workbench.app.run_names import classification_names
from workbench.app.text import plain
from workbench.app.widgets.form_popover import close
from workbench.data.concepts import bundled_concept_sets, load_attributes, load_concept_set
from workbench.data.datasets import Dataset
from workbench.errors import WorkbenchError
from workbench.specs import SlicesSpec

ATTRIBUTES = "perceived-attributes"


def slices_form(key: str, dataset: Dataset, attributes: bool) -> None:
    """Draw the form for groups or attributes and submit what is asked for as a job; ``key`` tells forms apart."""
    runs = session.runs(dataset.name)
    if not runs:
        st.info("Slices are made of the errors of a classification, and this dataset has none yet.")
        st.page_link("pages/confusions.py", label="Classify its images", icon=":material/grid_on:")
        return
    with st.form(f"new slices {key} {attributes}", border=False):
        titles = classification_names(runs)
        run = st.selectbox("Classification", list(titles), format_func=titles.__getitem__, help=words.FORM["run"])
        left, right = st.columns(2)
        clip = left.text_input("CLIP", SlicesSpec.clip, help=words.FORM["clip"])
        bundled = list(bundled_concept_sets())
        name, usual = ("Attribute", ATTRIBUTES) if attributes else ("Named by", SlicesSpec.concepts)
        chosen = right.selectbox(
            name,
            bundled,
            bundled.index(usual),
            accept_new_options=True,
            help=words.FORM["attribute" if attributes else "concepts"],
        )
        splits = list(dataset.selections)
        split = left.selectbox("Images", splits, _usual(splits), help=words.FORM["split"])
        smallest = right.number_input(
            "Fewest images of a slice", 5, 1_000_000, SlicesSpec.smallest, help=words.FORM["smallest"]
        )
        most = SlicesSpec.slices
        if not attributes:
            most = int(left.number_input("Groups at most", 2, 100, SlicesSpec.slices, help=words.FORM["slices"]))
        if st.form_submit_button("Search for slices", type="primary", icon=":material/play_arrow:"):
            try:
                asked = str(chosen or usual)
                if not attributes:
                    load_concept_set(asked)
                elif not asked.lower().endswith((".csv", ".parquet")):
                    load_attributes(asked.partition("#")[0])
                spec = SlicesSpec(str(run), clip.strip(), split=str(split), slices=most, smallest=int(smallest))
                spec = replace(spec, attribute=asked) if attributes else replace(spec, concepts=asked)
                session.jobs().submit(spec)
            except WorkbenchError as error:
                st.error(plain(error))
            else:
                close("new slices")
                st.toast("The search has been queued; the sidebar shows how far it is.")
                st.rerun()


def _usual(splits: list[str]) -> int:
    """Return the place of the largest held-out selection."""
    wanted = next((name for name in ("merged-test", "test", "validation") if name in splits), splits[-1])
    return splits.index(wanted)
