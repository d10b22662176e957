"""What the Slices page knows: stored searches for error slices of a dataset, opened once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from workbench.app import session
from workbench.app.routes import workspace
from workbench.errors import StoreError, unknown_name
from workbench.store import Artifact, Store

if TYPE_CHECKING:
    from workbench.studies.slicing import Slices


def stored(dataset: str, attributes: bool) -> list[Artifact]:
    """Return the searches on a dataset, newest first: for groups, or by attributes."""
    found = session.store().artifacts("slices")
    return [run for run in found if run.summary["dataset"] == dataset and bool(run.spec["attribute"]) == attributes]


def dataset_of(run: str) -> str:
    """Return the dataset of the search ``run``; empty where there is none of that name."""
    found = {artifact.name: artifact for artifact in session.store().artifacts("slices")} if run else {}
    return str(found[run].summary["dataset"]) if run in found else ""


def kind_of(run: str) -> str:
    """Return the tab that the search ``run`` stands in; empty where there is none of that name."""
    found = {artifact.name: artifact for artifact in session.store().artifacts("slices")} if run else {}
    return "" if run not in found else "attributes" if found[run].spec["attribute"] else "groups"


def open_slices(dataset: str, run: str, found: list[Artifact]) -> Slices:
    """Return one of the stored searches, opened once.

    Raises
    ------
    SpecError
        There is none of that name.
    StoreError
        The dataset has changed since.
    """
    by_name = {artifact.name: artifact for artifact in found}
    if run not in by_name:
        raise unknown_name(f"search for slices of {dataset}", run, by_name)
    if by_name[run].manifest["content"]["rows"] != session.dataset(dataset).fingerprint:
        raise StoreError(f"{dataset} has changed since {run} was made; search again")
    return _opened(workspace(), run)


@st.cache_resource(show_spinner="Opening the slices", max_entries=4)
def _opened(root: Path, run: str) -> Slices:
    from workbench.studies.slicing import open_slices as opened

    return opened(Store(root).artifact("slices", run))
