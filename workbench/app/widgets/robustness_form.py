"""The form that starts a study of robustness."""

from __future__ import annotations

import streamlit as st

from workbench.app import robustness, session
from workbench.app import robustness_words as words
from workbench.app.text import plain
from workbench.app.widgets.form_popover import close
from workbench.data.concepts import bundled_concept_sets
from workbench.data.datasets import Dataset
from workbench.errors import WorkbenchError
from workbench.specs import DISTURBANCES, RENDERED, RobustnessSpec

NAME = "new robustness"


def robustness_form(key: str, dataset: Dataset) -> None:
    """Draw the form and submit what is asked for as a job; ``key`` tells forms apart."""
    with st.form(f"{NAME} {key}", border=False):
        models = st.multiselect(
            "Models",
            robustness.models(),
            list(robustness.BUNDLED),
            accept_new_options=True,
            help=words.FORM["models"],
        )
        disturbances = st.multiselect(
            "Disturbances", [*DISTURBANCES, *RENDERED], placeholder="All", help=words.FORM["disturbances"]
        )
        left, right = st.columns(2)
        splits = list(dataset.selections)
        split = left.selectbox("Images of", splits, _usual(splits), help=words.FORM["split"])
        sets = list(bundled_concept_sets())
        usual = sets.index(RobustnessSpec.concepts)
        concepts = right.selectbox("Words of a CLIP", sets, usual, accept_new_options=True, help=words.FORM["concepts"])
        images = left.number_input("Images at most", 0, 10_000_000, RobustnessSpec.images, help=words.FORM["images"])
        faces = right.number_input("Rendered people", 0, 10_000, RobustnessSpec.faces, help=words.FORM["faces"])
        if st.form_submit_button("Measure", type="primary", icon=":material/play_arrow:"):
            try:
                spec = RobustnessSpec(
                    dataset.name,
                    ",".join(models),
                    str(concepts or RobustnessSpec.concepts),
                    str(split),
                    ",".join(disturbances),
                    int(images),
                    int(faces),
                )
                session.jobs().submit(spec)
            except WorkbenchError as error:
                st.error(plain(error))
            else:
                close(NAME)
                st.toast("The study has been queued; the sidebar shows how far it is.")
                st.rerun()


def _usual(splits: list[str]) -> int:
    wanted = next((name for name in ("test", "validation") if name in splits), splits[-1])
    return splits.index(wanted)
