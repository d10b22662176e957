"""The forms that start a map and a table of angles."""

from __future__ import annotations

import streamlit as st

from workbench.app import concept_choices, session
from workbench.app.text import plain
from workbench.app.widgets.form_popover import close
from workbench.data.datasets import Dataset
from workbench.errors import WorkbenchError
from workbench.specs import AnglesSpec, MapSpec
from workbench.specs.maps import METHODS, SPACES

METHOD_WORDS = {"umap": "UMAP", "tsne": "t-SNE", "pca": "PCA"}
_METHOD_HELP = (
    "UMAP and t-SNE keep neighbours together; distances between far groups say little. PCA keeps the two directions of "
    "greatest spread: distances are true, but most of the space is not seen."
)
_SPACE_HELP = (
    "centred: images and texts each around their own mean, so that they lie among each other. raw: as they are, with "
    "the gap between images and texts. shifted: texts moved onto the images' mean."
)
_CLIP_HELP = "face-clip (bundled), MODEL/WEIGHTS such as ViT-B-32/openai, hf-hub:owner/name, or local-dir:PATH."


def map_form(dataset: Dataset) -> None:
    """Draw the form for a map of ``dataset`` and submit what is asked for as a job."""
    with st.form("new map", border=False):
        method = st.segmented_control(
            "Method", METHODS, default="umap", required=True, format_func=METHOD_WORDS.__getitem__, help=_METHOD_HELP
        )
        left, right = st.columns(2)
        with left:
            clip = st.text_input("CLIP", "face-clip", help=_CLIP_HELP, key="map form clip")
            split = _split(dataset, "map form split")
        with right:
            concepts = _concepts("map form concepts")
            space = st.selectbox("Space", SPACES, help=_SPACE_HELP)
        with st.expander("More"):
            first, second, third = st.columns(3)
            neighbours = first.number_input(
                "Neighbours", 2, 200, MapSpec.neighbours, help="UMAP: how many shape an image's place."
            )
            distance = second.number_input(
                "Least distance", 0.0, 0.99, MapSpec.min_dist, 0.05, help="UMAP: how close two images may come."
            )
            perplexity = third.number_input(
                "Perplexity", 2.0, 200.0, MapSpec.perplexity, help="t-SNE: about how many neighbours shape a place."
            )
            most = first.number_input(
                "Most images", 10, 10_000_000, MapSpec.most, help="Of more, a seeded sample is drawn."
            )
            seed = second.number_input("Seed", 0, 2**31 - 1, MapSpec.seed, help="Of the layout and the sample.")
        if st.form_submit_button("Make the map", type="primary", icon=":material/play_arrow:"):
            try:
                concept_choices.check(concepts)
                spec = MapSpec(
                    dataset.name,
                    clip.strip(),
                    str(method),
                    concepts,
                    split,
                    space,
                    neighbours=int(neighbours),
                    perplexity=float(perplexity),
                    min_dist=float(distance),
                    most=int(most),
                    seed=int(seed),
                )
                session.jobs().submit(spec)
            except WorkbenchError as error:
                st.error(plain(error))
            else:
                close("new map")
                st.toast("The map has been queued; the sidebar shows how far it is.")
                st.rerun()


def angles_form(dataset: Dataset) -> None:
    """Draw the form for angles between the classes of ``dataset`` and submit what is asked for as a job."""
    with st.form("new angles", border=False):
        left, middle, right = st.columns(3)
        with left:
            clip = st.text_input("CLIP", "face-clip", help=_CLIP_HELP, key="angles form clip")
        with middle:
            concepts = _concepts("angles form concepts")
        with right:
            split = _split(dataset, "angles form split")
        if st.form_submit_button("Measure the angles", type="primary", icon=":material/play_arrow:"):
            try:
                concept_choices.check(concepts)
                session.jobs().submit(AnglesSpec(dataset.name, clip.strip(), concepts, split))
            except WorkbenchError as error:
                st.error(plain(error))
            else:
                close("new angles")
                st.toast("The angles have been queued; the sidebar shows how far they are.")
                st.rerun()


def _split(dataset: Dataset, key: str) -> str:
    splits = list(dataset.selections)
    return str(st.selectbox("Images", splits, splits.index("all"), key=key, help="The split that is looked at."))


def _concepts(key: str) -> str:
    offered = concept_choices.offered()
    chosen = st.selectbox(
        "Concept set",
        offered,
        offered.index(MapSpec.concepts),
        format_func=concept_choices.title,
        key=key,
        accept_new_options=True,
        help="Whose texts are compared with the images: a bundled set, prompts learned for the CLIP (coop:NAME), or "
        "the path of a .yaml or .txt file.",
    )
    return str(chosen or MapSpec.concepts)
