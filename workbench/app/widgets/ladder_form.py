"""The form that starts a ladder."""

from __future__ import annotations

import streamlit as st

from workbench.app import ladder_words as words
from workbench.app import session
from workbench.app.text import plain
from workbench.app.widgets.form_popover import close
from workbench.data.datasets import Dataset
from workbench.errors import WorkbenchError
from workbench.specs import LadderSpec
from workbench.studies.rungs import RUNGS

NAME = "new ladder"


def ladder_form(key: str, dataset: Dataset) -> None:
    """Draw the form and submit what is asked for as a job; ``key`` tells forms apart."""
    with st.form(f"{NAME} {key}", border=False):
        usual = [name for name, rung in RUNGS.items() if not rung.slow]
        rungs = st.pills(
            "Ways",
            list(RUNGS),
            selection_mode="multi",
            default=usual,
            format_func=lambda name: _title(str(name)),
            help=words.FORM["rungs"],
        )
        left, right = st.columns(2)
        clip = left.text_input("CLIP", LadderSpec.clip, help=words.FORM["clip"])
        seeds = right.number_input("Seeds", 1, 20, LadderSpec.seeds, help=words.FORM["seeds"])
        epochs = left.number_input("Epochs of networks", 1, 1000, LadderSpec.epochs, help=words.FORM["epochs"])
        trees = right.number_input("Trees of forests", 100, 100_000, LadderSpec.trees, help=words.FORM["trees"])
        if st.form_submit_button("Run the ladder", type="primary", icon=":material/play_arrow:"):
            try:
                asked = "" if set(rungs) == set(usual) else ",".join(name for name in RUNGS if name in rungs)
                if not rungs:
                    st.error("Choose at least one way to classify.")
                    return
                spec = LadderSpec(
                    dataset.name, clip.strip(), asked, seeds=int(seeds), trees=int(trees), epochs=int(epochs)
                )
                session.jobs().submit(spec)
            except WorkbenchError as error:
                st.error(plain(error))
            else:
                close(NAME)
                st.toast("The ladder has been queued; the sidebar shows how far it is.")
                st.rerun()


def _title(name: str) -> str:
    rung = RUNGS[name]
    return f"{rung.title} (slow)" if rung.slow else rung.title
