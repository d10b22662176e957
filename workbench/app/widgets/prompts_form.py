"""The form that starts a study of prompts."""

from __future__ import annotations

import streamlit as st

from workbench.app import prompt_words as words
from workbench.app import saved_concepts, session
from workbench.app.text import plain
from workbench.app.widgets.form_popover import close
from workbench.data.concepts import load_concept_set
from workbench.data.datasets import Dataset
from workbench.errors import WorkbenchError
from workbench.specs import AGGREGATES, PromptsSpec
from workbench.specs.ladder import PROMPT_METRICS

NAME = "new prompts"
METRICS = {"accuracy": "accuracy", "macro_f1": "macro F1"}


def prompts_form(key: str, dataset: Dataset) -> None:
    """Draw the form for ``dataset`` and submit what is asked for as a job; ``key`` tells forms of one page apart."""
    splits, names = list(dataset.selections), saved_concepts.names()
    with st.form(f"{NAME} {key}", border=False):
        left, right = st.columns(2)
        concepts = left.selectbox(
            "Concept set",
            names,
            names.index(PromptsSpec.concepts),
            format_func=saved_concepts.title,
            accept_new_options=True,
            help=words.FORM["concepts"],
        )
        clip = right.text_input("CLIP", PromptsSpec.clip, help=words.CLIP)
        tune_on = left.selectbox("Search on", splits, _place(splits, "validation"), help=words.FORM["tune_on"])
        report_on = right.selectbox("Report on", splits, _place(splits, "test"), help=words.FORM["report_on"])
        metric = left.selectbox("Raise", PROMPT_METRICS, format_func=METRICS.__getitem__, help=words.FORM["metric"])
        rule = right.selectbox(
            "Rule", ["", *AGGREGATES], format_func=lambda name: words.RULES.get(name, "the set's own"), help=words.RULE
        )
        with st.expander("More"):
            first, second = st.columns(2)
            sizes = first.text_input("Sizes", PromptsSpec.sizes, help=words.FORM["sizes"])
            draws = second.number_input("Draws", 1, 100, PromptsSpec.draws, help=words.FORM["draws"])
            least = first.number_input(
                "Least gain", 0.0, 50.0, PromptsSpec.least * 100, 0.05, format="%.2f", help=words.FORM["least"]
            )
            steps = second.number_input("Most steps", 0, 200, PromptsSpec.most_steps, help=words.FORM["most_steps"])
            seed = first.number_input("Seed", 0, 2**31 - 1, PromptsSpec.seed, help=words.FORM["seed"])
        if st.form_submit_button("Study the prompts", type="primary", icon=":material/play_arrow:"):
            try:
                asked = saved_concepts.spec_of(str(concepts or PromptsSpec.concepts))
                load_concept_set(asked)
                spec = PromptsSpec(
                    dataset.name,
                    clip.strip(),
                    asked,
                    str(rule or ""),
                    str(tune_on),
                    str(report_on),
                    str(metric),
                    float(least) / 100,
                    int(steps),
                    sizes.strip(),
                    int(draws),
                    int(seed),
                )
                session.jobs().submit(spec)
            except WorkbenchError as error:
                st.error(plain(error))
            else:
                close(NAME)
                st.toast("The study has been queued; the sidebar shows how far it is.")
                st.rerun()


def _place(names: list[str], name: str) -> int:
    return names.index(name) if name in names else 0
