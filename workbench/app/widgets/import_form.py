"""The form that brings images into the workspace."""

from __future__ import annotations

import streamlit as st

from workbench.app import session
from workbench.app.text import plain
from workbench.app.widgets.form_popover import close
from workbench.errors import SpecError, WorkbenchError
from workbench.specs import ImportSpec

_SOURCE_HELP = (
    "A folder (split/class/*.png or class/*.png), fer2013.csv or icml_face_data.csv, a Parquet file with images and "
    "labels, or hf:owner/name, which downloads."
)
OUTSIDE = {"keep": "Keep them", "drop": "Leave those images out", "map": "Rename them"}


def import_form(key: str) -> None:
    """Draw the form and submit what is asked for as a job."""
    with st.form(key, border=False):
        source = st.text_input(
            "Source on this machine, or hf:owner/name", placeholder="/data/fer2013.csv", help=_SOURCE_HELP
        )
        name = st.text_input("Name in this workspace", placeholder="fer2013")
        outside = st.selectbox(
            "Labels outside the seven emotions",
            list(OUTSIDE),
            format_func=OUTSIDE.__getitem__,
            help="A dataset may carry a class of its own, such as contempt.",
        )
        mapping = st.text_input("Only for renaming", placeholder="contempt=disgust, calm=neutral")
        if st.form_submit_button("Import", type="primary", icon=":material/download:"):
            try:
                submit(source.strip(), name.strip(), str(outside), mapping)
            except WorkbenchError as error:
                st.error(plain(error))
            else:
                close("new import")
                st.toast("The import has been queued; the sidebar shows how far it is.")
                st.rerun()


def submit(source: str, name: str, outside: str, mapping: str) -> None:
    """Submit an import.

    Raises
    ------
    SpecError
        The name is taken, or the form is not filled in as it must be.
    """
    if name in session.dataset_names():
        raise SpecError(f"there is already a dataset named {name}; choose another name")
    if outside == "map" and "=" not in mapping:
        raise SpecError("renaming needs pairs such as contempt=disgust, separated by commas")
    session.jobs().submit(ImportSpec(source, name, mapping.replace(" ", "") if outside == "map" else outside))
