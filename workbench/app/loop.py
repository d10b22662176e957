"""What the section "Clean and train again" knows: what verdicts would change, cleaned datasets, and their results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from workbench.app import session
from workbench.app.routes import workspace
from workbench.app.run_names import search_name
from workbench.data.datasets import Dataset
from workbench.data.verdicts import Verdicts
from workbench.errors import WorkbenchError
from workbench.specs import CleanSpec
from workbench.store import Store
from workbench.studies.clean import children, cleaned
from workbench.studies.clean_plan import Plan, plan, proposing

if TYPE_CHECKING:
    from workbench.studies.leakage import Leakage
    from workbench.studies.retrain import Retrain


def planned(spec: CleanSpec, dataset: Dataset) -> Plan:
    """Return what cleaning would change now.

    Raises
    ------
    WorkbenchError
        There are no verdicts, or the search for suspects does not fit.
    """
    return plan(
        spec, dataset, Verdicts(session.store()).current(dataset.name), proposing(spec, dataset, session.store())
    )


def reviewers(dataset: str) -> list[str]:
    """Return who has judged images of a dataset."""
    return sorted({name for found in Verdicts(session.store()).current(dataset).values() for name in found})


def suspects_runs(dataset: str) -> dict[str, str]:
    """Return the searches for suspects of a dataset, newest first: name, and what it is called."""
    found = session.store().artifacts("suspects")
    return {run.name: search_name(run) for run in found if run.spec.get("dataset") == dataset}


def family(dataset: Dataset) -> list[Dataset]:
    """Return the datasets cleaned from this one, newest first; of a cleaned dataset it is the dataset itself."""
    own = [dataset] if cleaned(dataset) is not None else []
    return [*children(session.store(), dataset.name), *own]


def free_name(dataset: str) -> str:
    """Return a name for a cleaned dataset that is not taken."""
    names, number = set(session.dataset_names()), 1
    base = f"{dataset[:54]}-clean"
    while (name := base if number == 1 else f"{base}-{number}") in names:
        number += 1
    return name


def retrainings(dataset: Dataset) -> list[Retrain]:
    """Return what training again on a cleaned dataset gave, newest first; only of the dataset as it is now."""
    from workbench.studies.retrain import open_retrain

    found = session.store().artifacts("retrain")
    return [
        open_retrain(run)
        for run in found
        if run.spec.get("dataset") == dataset.name and run.manifest["content"].get("rows") == dataset.fingerprint
    ]


def leakages(dataset: Dataset) -> list[Leakage]:
    """Return the measurements of leakage of a dataset as it is now, newest first."""
    from workbench.studies.leakage import open_leakage

    found = session.store().artifacts("leakage")
    return [
        open_leakage(run)
        for run in found
        if run.spec.get("dataset") == dataset.name and run.manifest["content"].get("rows") == dataset.fingerprint
    ]


def export_csv(dataset: Dataset) -> bytes:
    """Return all verdicts on a dataset as CSV; one line of explanation where there are none."""
    from workbench.exports.verdicts import verdicts_csv

    try:
        return verdicts_csv(dataset, session.store())
    except WorkbenchError as error:
        return f"{error}\n".encode()


@st.cache_data(show_spinner="Writing the dataset", max_entries=2)
def _parquet(root: Path, name: str, fingerprint: str, last_verdict: int) -> bytes:
    from tempfile import TemporaryDirectory

    from workbench.exports.verdicts import write_verdicts

    del fingerprint, last_verdict  # stand for the dataset and its verdicts in the cache's key
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.parquet"
        write_verdicts(session.dataset(name), Store(root), path)
        return path.read_bytes()


def export_parquet(dataset: Dataset) -> bytes:
    """Return a dataset as Parquet, with the images and soft labels."""
    return _parquet(workspace(), dataset.name, dataset.fingerprint, Verdicts(session.store()).last_number())
