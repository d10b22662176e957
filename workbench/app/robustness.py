"""What the section "Robustness" knows: stored studies, opened once, and the models that can be asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from workbench.app import session
from workbench.app.routes import workspace
from workbench.app.run_names import finished
from workbench.app.scores import stored_models
from workbench.errors import unknown_name
from workbench.store import Artifact, Store

if TYPE_CHECKING:
    from workbench.studies.curves import Robustness

KIND = "robustness"
BUNDLED = ("clip:face-clip", "face-cnn")
"""Models that every workspace has."""


def stored(dataset: str) -> list[Artifact]:
    """Return the studies of a dataset, newest first."""
    return [run for run in session.store().artifacts(KIND) if run.spec.get("dataset") == dataset]


def dataset_of(name: str) -> str:
    """Return the dataset of the study ``name``; empty where there is none of that name."""
    found = {run.name: run for run in session.store().artifacts(KIND)} if name else {}
    return str(found[name].spec["dataset"]) if name in found else ""


def opened(dataset: str, name: str, found: list[Artifact]) -> Robustness:
    """Return one of the stored studies, opened once; :class:`SpecError` where there is none of that name."""
    if name not in (run.name for run in found):
        raise unknown_name(f"study of robustness of {dataset}", name, [run.name for run in found])
    return _opened(workspace(), name)


@st.cache_resource(show_spinner="Opening the study", max_entries=4)
def _opened(root: Path, name: str) -> Robustness:
    from workbench.studies.curves import open_robustness

    return open_robustness(Store(root).artifact(KIND, name))


def is_stale(found: Robustness, fingerprint: str) -> bool:
    """Return whether the dataset has changed since."""
    return bool(found.artifact.manifest["content"].get("rows") != fingerprint)


def models() -> list[str]:
    """Return the models that can be asked: the bundled ones, then the workspace's own, newest first."""
    return [*BUNDLED, *stored_models()]


def short_names(asked: tuple[str, ...]) -> dict[str, str]:
    """Return what models are called in figures: without the hash that ends a stored one's name where that is clear."""
    short = {model: model.rpartition("-")[0] if ":" in model and _hashed(model) else model for model in asked}
    return {model: name if list(short.values()).count(name) == 1 else model for model, name in short.items()}


def title(run: Artifact) -> str:
    """Return a study in words: its models, how much was disturbed, and when."""
    count = len(run.summary["models"])
    models_of = f"{count} model{'s' if count > 1 else ''}"
    return f"{models_of} · {run.summary['images']:,} images · {finished(run)}"


def _hashed(model: str) -> bool:
    end = model.rpartition("-")[2]
    return len(end) == 16 and all(letter in "0123456789abcdef" for letter in end)
