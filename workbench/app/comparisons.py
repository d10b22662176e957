"""What the pages know of comparisons of two classifications: those stored of a dataset as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.app import session
from workbench.data.datasets import Dataset
from workbench.errors import unknown_name
from workbench.store import Artifact

if TYPE_CHECKING:
    from workbench.studies.compare import RunComparison

KIND = "comparison"


def dataset_of(name: str) -> str:
    """Return the dataset of the comparison ``name``; empty where there is none of that name."""
    found = {artifact.name: artifact for artifact in session.store().artifacts(KIND)} if name else {}
    return str(found[name].summary["dataset"]) if name in found else ""


def stored(dataset: Dataset) -> list[RunComparison]:
    """Return the comparisons of two of a dataset's runs that are both still there, newest first."""
    from workbench.studies.compare import open_comparison

    names = {run.name for run in runs(dataset)}
    found = [open_comparison(artifact) for artifact in session.store().artifacts(KIND)]
    return [each for each in found if each.spec.first in names and each.spec.second in names]


def named(dataset: Dataset, name: str) -> RunComparison:
    """Return the comparison ``name``.

    Raises
    ------
    SpecError
        The dataset has none of that name.
    """
    found = {each.artifact.name: each for each in stored(dataset)}
    if name not in found:
        raise unknown_name(f"comparison on {dataset.name}", name, found)
    return found[name]


def find(dataset: Dataset, first: str, second: str, split: str) -> RunComparison | None:
    """Return the newest comparison of two runs on a split, in either order; ``None`` where there is none."""
    for each in stored(dataset):
        if {each.spec.first, each.spec.second} == {first, second} and each.spec.split == split:
            return each
    return None


def runs(dataset: Dataset) -> list[Artifact]:
    """Return the classifications of a dataset as it is now, newest first."""
    return [run for run in session.runs(dataset.name) if run.manifest["content"].get("rows") == dataset.fingerprint]
