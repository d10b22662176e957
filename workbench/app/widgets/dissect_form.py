"""The form that starts a dissection."""

from __future__ import annotations

import streamlit as st

from workbench.app import session
from workbench.app.text import plain
from workbench.app.widgets.form_popover import close
from workbench.data.concepts import bundled_concept_sets, load_concept_set
from workbench.data.datasets import Dataset
from workbench.errors import SpecError, StoreError, WorkbenchError
from workbench.specs import SIMILARITIES, DissectSpec
from workbench.studies.classifier import CODE_PREFIX, base_network

OFFERED = (
    "face-cnn",
    "clip:face-clip",
    "torchvision:resnet18/IMAGENET1K_V1",
    "torchvision:vit_b_16/IMAGENET1K_V1",
    "timm:resnet18.a1_in1k",
)
"""Targets to choose from; others may be typed."""
TARGET = "network to dissect"
"""Under which name a link leaves the network that the form begins with."""
_TARGET_HELP = (
    "face-cnn (bundled), clip:CLIP (its image tower), torchvision:NAME/WEIGHTS, timm:NAME, checkpoint:FOLDER, or "
    "trained:NAME or network:NAME of this workspace. A network of your own (python:) runs code: only from the "
    "command line or Python."
)


def dissect_form(dataset: Dataset) -> None:
    """Draw the form for ``dataset`` and submit what is asked for as a job."""
    with st.form("new dissection", border=False):
        networks = [f"{kind}:{run.name}" for kind in ("trained", "network") for run in session.store().artifacts(kind)]
        asked = session.recall(TARGET)
        offered = list(dict.fromkeys([*([asked] if asked else []), *OFFERED, *networks]))
        target = st.selectbox("Network", offered, accept_new_options=True, help=_TARGET_HELP)
        layers = st.text_input(
            "Layers",
            placeholder="all",
            help="Names or globs, such as conv*,lin1; empty: all that convolve or are linear.",
        )
        bundled = bundled_concept_sets()
        concepts = st.selectbox(
            "Concept set",
            bundled,
            bundled.index(DissectSpec.concepts),
            accept_new_options=True,
            help="A bundled set, or the path of a .yaml or .txt file.",
        )
        clip = st.text_input(
            "CLIP",
            "face-clip",
            help="face-clip (bundled), MODEL/WEIGHTS such as ViT-B-32/openai, hf-hub:owner/name, or local-dir:PATH.",
        )
        left, right = st.columns(2)
        similarity = left.selectbox("Similarity", SIMILARITIES, help="How activations and CLIP scores are compared.")
        splits = list(dataset.selections)
        probing = right.selectbox(
            "Probing set",
            splits,
            splits.index("train") if "train" in splits else len(splits) - 1,
            help="Images that choose the labels. All others are held out and test them.",
        )
        if st.form_submit_button("Dissect", type="primary", icon=":material/play_arrow:"):
            try:
                check_target(str(target or ""))
                load_concept_set(str(concepts or ""))
                names = str(target), layers.strip(), str(concepts), clip.strip(), similarity, "", probing
                session.jobs().submit(DissectSpec(dataset.name, *names))
            except WorkbenchError as error:
                st.error(plain(error))
            else:
                close("new dissection")
                session.remember(TARGET, None)
                st.toast("The dissection has been queued; the sidebar shows how far it is.")
                st.rerun()


def check_target(target: str) -> None:
    """Refuse a target that would run code.

    Raises
    ------
    SpecError
        It is ``python:``, or a network of the workspace made from one.
    """
    if not target:
        raise SpecError("name a network, such as face-cnn")
    try:
        code = base_network(target, session.store()).strip().startswith(CODE_PREFIX)
    except StoreError as error:
        raise SpecError(f"there is no {target} in this workspace") from error
    if code:
        raise SpecError(
            f"{target} runs code, which the browser may not start; use the command line: "
            "workbench dissect DATASET --target python:package.module:callable"
        )
