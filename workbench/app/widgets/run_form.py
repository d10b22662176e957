"""The form that starts a zero-shot classification."""

from __future__ import annotations

import streamlit as st

from workbench.app import concept_choices, session
from workbench.app.text import plain
from workbench.app.widgets.form_popover import close
from workbench.errors import WorkbenchError
from workbench.specs import AGGREGATES, ClassifySpec

_AGGREGATE_HELP = (
    "How concept probabilities become class probabilities. sum: a class's concepts are added. max: the class of the "
    "single most probable concept. vote: each template ranks the classes, and the ranks are counted."
)


def run_form(dataset: str) -> None:
    """Draw the form for ``dataset`` and submit what is asked for as a job."""
    with st.form("new run", border=False):
        clip = st.text_input(
            "CLIP",
            "face-clip",
            help="face-clip (bundled), MODEL/WEIGHTS such as ViT-B-32/openai, hf-hub:owner/name, or local-dir:PATH.",
        )
        offered = concept_choices.offered()
        concepts = st.selectbox(
            "Concept set",
            offered,
            offered.index(ClassifySpec.concepts),
            format_func=concept_choices.title,
            accept_new_options=True,
            help="A bundled set, prompts learned for the CLIP (coop:NAME), or the path of a .yaml or .txt file.",
        )
        aggregate = st.selectbox(
            "Aggregate", ["", *AGGREGATES], format_func=lambda name: name or "the set's own", help=_AGGREGATE_HELP
        )
        if st.form_submit_button("Start the run", type="primary", icon=":material/play_arrow:"):
            try:
                chosen = str(concepts or "fer7")
                concept_choices.check(chosen)
                session.jobs().submit(ClassifySpec(dataset, clip.strip(), chosen, str(aggregate or "")))
            except WorkbenchError as error:
                st.error(plain(error))
            else:
                close("new run")
                st.toast("The run has been queued; the sidebar shows how far it is.")
                st.rerun()
