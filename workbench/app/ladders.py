"""What the Ladder page knows: the stored ladders of a dataset, opened once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from workbench.app import session
from workbench.app.routes import workspace
from workbench.errors import unknown_name
from workbench.store import Artifact, Store

if TYPE_CHECKING:
    from workbench.studies.standings import Ladder


def stored(dataset: str) -> list[Artifact]:
    """Return the ladders of a dataset, newest first."""
    return [run for run in session.store().artifacts("ladder") if run.spec.get("dataset") == dataset]


def dataset_of(name: str) -> str:
    """Return the dataset of the ladder ``name``; empty where there is none of that name."""
    found = {run.name: run for run in session.store().artifacts("ladder")} if name else {}
    return str(found[name].spec["dataset"]) if name in found else ""


def open_ladder(dataset: str, name: str, found: list[Artifact]) -> Ladder:
    """Return one of the stored ladders, opened once; :class:`SpecError` where there is none of that name."""
    if name not in (run.name for run in found):
        raise unknown_name(f"ladder of {dataset}", name, [run.name for run in found])
    return _opened(workspace(), name)


@st.cache_resource(show_spinner="Opening the ladder", max_entries=4)
def _opened(root: Path, name: str) -> Ladder:
    from workbench.studies.standings import open_ladder as opened

    return opened(Store(root).artifact("ladder", name))


def is_stale(found: Ladder, fingerprint: str) -> bool:
    """Return whether the dataset has changed since."""
    return bool(found.artifact.manifest["content"].get("rows") != fingerprint)
