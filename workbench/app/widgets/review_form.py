"""The form that starts a search for suspects."""

from __future__ import annotations

import streamlit as st

from workbench.app import review_words as words
from workbench.app import session
from workbench.app.run_names import ENCODERS as NAMES
from workbench.app.text import plain
from workbench.app.widgets.dissect_form import check_target
from workbench.app.widgets.form_popover import close
from workbench.data.concepts import bundled_concept_sets, load_concept_set
from workbench.data.datasets import Dataset
from workbench.errors import WorkbenchError
from workbench.specs import SuspectsSpec
from workbench.specs.review import ENCODERS


def suspects_form(key: str, dataset: Dataset) -> None:
    """Draw the form for ``dataset`` and submit what is asked for as a job; ``key`` tells forms of one page apart."""
    with st.form(f"new suspects {key}", border=False):
        clip = st.text_input("CLIP", SuspectsSpec.clip, help=words.FORM["clip"])
        left, right = st.columns(2)
        network = left.text_input("Network", SuspectsSpec.network, help=words.FORM["network"])
        bundled = bundled_concept_sets()
        concepts = right.selectbox(
            "Concept set",
            bundled,
            bundled.index(SuspectsSpec.concepts),
            accept_new_options=True,
            help=words.FORM["concepts"],
        )
        encoder = st.segmented_control(
            "Encoder",
            ENCODERS,
            default=SuspectsSpec.encoder,
            required=True,
            format_func=lambda name: NAMES.get(name, name),
            help=words.FORM["encoder"],
        )
        left, right = st.columns(2)
        folds = left.number_input("Folds", 2, 20, SuspectsSpec.folds, help=words.FORM["folds"])
        near = right.number_input("Neighbours", 1, 200, SuspectsSpec.neighbours, help=words.FORM["neighbours"])
        votes = st.text_input("FER+ votes", placeholder="none", help=words.FORM["votes"])
        if st.form_submit_button("Search for suspects", type="primary", icon=":material/play_arrow:"):
            try:
                if network.strip():
                    check_target(network.strip())
                load_concept_set(str(concepts or ""))
                names = clip.strip(), network.strip(), str(concepts), str(encoder)
                session.jobs().submit(SuspectsSpec(dataset.name, *names, int(folds), int(near), votes.strip()))
            except WorkbenchError as error:
                st.error(plain(error))
            else:
                close("new suspects")
                st.toast("The search has been queued; the sidebar shows how far it is.")
                st.rerun()
