"""What a page knows: the workspace, opened once, and where the person is; the only user of session state and caches."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from workbench.app.browse import Rows
from workbench.app.routes import workspace
from workbench.data.datasets import Dataset, list_datasets, open_dataset
from workbench.errors import SpecError, StoreError, unknown_name
from workbench.jobs import Jobs
from workbench.methods.neighbours import nearest
from workbench.store import Artifact, Store
from workbench.studies.health import Health, load_health

if TYPE_CHECKING:
    from workbench.studies.ablation import Ablation
    from workbench.studies.classify import Classification
    from workbench.studies.dissection import Dissection
    from workbench.studies.reweight_bench import Bench
    from workbench.studies.reweighting import Reweighting
    from workbench.studies.unit_values import UnitValues


RESET = "reset"
"""Query parameter that forgets where the person was on the page."""


class View:
    """Where the person is on a page: text values by name, kept in the address and remembered while they are elsewhere.

    Parameters
    ----------
    page : str
        The page's name.
    defaults : mapping
        Every name with its value when nothing is said; such values stay out of the address.
    resets : mapping, optional
        For a name, the names that fall back to their defaults when it changes.
    """

    def __init__(
        self, page: str, defaults: Mapping[str, str], resets: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        self._page = page
        self._defaults = dict(defaults)
        self._resets = dict(resets or {})
        self._key = f"view:{page}"
        self._jumps, self._tied = f"jumps:{page}", f"tied:{page}"
        asked = {name: st.query_params[name] for name in self._defaults if name in st.query_params}
        if asked or RESET in st.query_params or self._key not in st.session_state:
            st.session_state[self._key] = {**self._defaults, **asked}
        self._write_address()

    def __getitem__(self, name: str) -> str:
        return str(st.session_state[self._key][name])

    def number(self, name: str) -> int | None:
        """Return a value as a whole number from 0 on, or ``None`` where it is not one."""
        text = self[name]
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None

    def real(self, name: str, usual: float, low: float = -math.inf, high: float = math.inf) -> float:
        """Return a value as a number; ``usual`` where it says nothing.

        Raises
        ------
        SpecError
            It is no finite number, or not from ``low`` to ``high``.
        """
        if not self[name]:
            return usual
        try:
            value = float(self[name])
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or not low <= value <= high:
            span = "" if math.isinf(low) else f" from {low:g} to {high:g}"
            raise SpecError(f"{name.replace('_', ' ')} is {self[name][:40]!r}; it must be a number{span}")
        return value

    def set(self, **changes: str) -> None:
        """Change values; what depends on a changed value falls back to its default."""
        values = dict(st.session_state[self._key])
        for name, value in changes.items():
            if values[name] != value:
                values.update({other: self._defaults[other] for other in self._resets.get(name, ())})
        st.session_state[self._key] = {**values, **changes}
        self._write_address()

    def settle(self, **values: str) -> None:
        """Write down what was taken for granted, so that the address says it; nothing else changes."""
        st.session_state[self._key] = {**st.session_state[self._key], **values}
        self._write_address()

    def jump(self, **changes: str) -> None:
        """Change values where no widget asked for it; the widgets drawn before have no say any more.

        Until the browser has heard of the change it goes on sending their values, and Streamlit takes a value that
        differs from what the page says by then for a person's choice.
        """
        st.session_state[self._jumps] = st.session_state.get(self._jumps, 0) + 1
        st.session_state[self._tied] = {}
        self.set(**changes)

    def bind(self, name: str, value: str | None = None, of: str = "") -> dict[str, Any]:
        """Return ``key`` and ``on_change`` that tie a widget to a value; it starts from ``value`` or the view's.

        ``of`` tells apart widgets whose choices differ: a browser sends the words of a choice, not its value.
        """
        return self.tie(name, self[name] if value is None else value, lambda now: str(now or self._defaults[name]), of)

    def switch(self, name: str) -> dict[str, Any]:
        """Return ``key`` and ``on_change`` that tie a toggle to a value: ``"yes"`` or the empty text."""
        return self.tie(name, bool(self[name]), lambda now: "yes" if now else "")

    def slide(self, name: str, value: float) -> dict[str, Any]:
        """Return ``key`` and ``on_change`` that tie a slider to a value; it starts from ``value``."""
        return self.tie(name, value, lambda now: f"{now:.6g}")

    def tie(self, name: str, value: object, text: Callable[[Any], str], of: str = "") -> dict[str, Any]:
        """Return ``key`` and ``on_change`` that tie any widget to a value; ``text`` makes the value of the widget's."""
        jumps = st.session_state.get(self._jumps, 0)
        key = f"{self._page}.{name}{of and f' of {of}'}{f' after {jumps}' if jumps else ''}"
        st.session_state[key] = value
        st.session_state.setdefault(self._tied, {})[name] = key
        return {"key": key, "on_change": self._take, "args": (name, key, text)}

    def key(self, name: str) -> str:
        """Return the key of a widget or component of this page."""
        return f"{self._page}.{name}"

    def event(self, name: str, event: str) -> Any:
        """Return what a component of this page has just sent as ``event``, or ``None``; for use in its callback."""
        return dict(st.session_state.get(self.key(name)) or {}).get(event)

    def _take(self, name: str, key: str, text: Callable[[Any], str]) -> None:
        """Take a widget's value, unless the page has gone on without it and the browser had not heard of that yet."""
        if st.session_state[self._tied].get(name) == key:
            self.set(**{name: text(st.session_state[key])})
        else:
            self._write_address()

    def _write_address(self) -> None:
        values = st.session_state[self._key]
        wanted = {name: value for name, value in values.items() if value != self._defaults[name]}
        if dict(st.query_params) != wanted:
            st.query_params.from_dict(wanted)


def store() -> Store:
    """Return the workspace."""
    return Store(workspace())


def jobs() -> Jobs:
    """Return the workspace's jobs."""
    return Jobs(store())


def dataset_names() -> list[str]:
    """Return the names of the workspace's datasets."""
    return list_datasets(store())


def dataset(name: str) -> Dataset:
    """Return a dataset, opened once.

    Raises
    ------
    SpecError
        There is none of that name.
    """
    names = dataset_names()
    if name not in names:
        raise unknown_name("dataset", name, names)
    manifest = store().datasets_dir / name / "manifest.json"
    return _dataset(workspace(), name, manifest.stat().st_mtime_ns)


@st.cache_resource(show_spinner=False, max_entries=4)
def _dataset(root: Path, name: str, changed: int) -> Dataset:
    del changed  # only part of the cache's key
    return open_dataset(Store(root), name)


def runs(dataset_name: str) -> list[Artifact]:
    """Return the classifications of a dataset, newest first."""
    return [run for run in store().artifacts("classification") if run.spec.get("dataset") == dataset_name]


def classification(dataset_name: str, run: str) -> Classification:
    """Return a stored classification, opened once.

    Raises
    ------
    SpecError
        The dataset has no such run.
    """
    found = {artifact.name: artifact for artifact in runs(dataset_name)}
    if run not in found:
        raise unknown_name(f"run of {dataset_name}", run, found)
    return _classification(workspace(), run)


@st.cache_resource(show_spinner="Opening the run", max_entries=6)
def _classification(root: Path, run: str) -> Classification:
    from workbench.studies.classify import open_classification

    return open_classification(Store(root).artifact("classification", run))


def neighbours(dataset: Dataset, run: Classification, row: int, count: int) -> tuple[Rows, npt.NDArray[np.float32]]:
    """Return the rows of the images most similar to ``row`` and their cosine similarities; none without embeddings."""
    matrix = _embeddings(dataset, run.embeddings, dataset.fingerprint) if run.embeddings else None
    if matrix is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
    found = nearest(matrix, matrix[row : row + 1], count, exclude=np.array([row]))
    return found.rows[0], found.similarities[0]


@st.cache_resource(show_spinner=False, max_entries=3)
def _embeddings(_dataset: Dataset, reference: str, fingerprint: str) -> npt.NDArray[np.float32] | None:
    from workbench.studies.embed import open_embeddings

    del fingerprint  # stands for the dataset in the cache's key
    try:
        artifact = store().artifact(*reference.split("/", 1))
    except StoreError:
        return None
    return np.asarray(open_embeddings(_dataset, artifact).matrix)


def dissections(dataset_name: str) -> list[Artifact]:
    """Return the dissections made on a dataset, newest first."""
    return [run for run in store().artifacts("dissection") if run.spec.get("dataset") == dataset_name]


def dissection_dataset(run: str) -> str:
    """Return the dataset of the dissection ``run``; empty where there is none of that name."""
    found = {artifact.name: artifact for artifact in store().artifacts("dissection")} if run else {}
    return str(found[run].spec["dataset"]) if run in found else ""


def dissection(dataset_name: str, run: str) -> Dissection:
    """Return a stored dissection, opened once.

    Raises
    ------
    SpecError
        The dataset has no such run.
    StoreError
        The dataset has changed since: the run's rows are no longer its images.
    """
    found = {artifact.name: artifact for artifact in dissections(dataset_name)}
    if run not in found:
        raise unknown_name(f"dissection of {dataset_name}", run, found)
    if found[run].manifest["content"].get("rows") != dataset(dataset_name).fingerprint:
        raise StoreError(f"{dataset_name} has changed since {run} was made; dissect it again")
    return _dissection(workspace(), run)


@st.cache_resource(show_spinner="Opening the dissection", max_entries=4)
def _dissection(root: Path, run: str) -> Dissection:
    from workbench.studies.dissection import open_dissection

    return open_dissection(Store(root).artifact("dissection", run))


def unit_values(found: Dissection) -> UnitValues:
    """Return the reader of a dissection's recorded activations, opened once."""
    return _unit_values(workspace(), found.artifact.name, dataset(found.spec.dataset).fingerprint, found)


@st.cache_resource(show_spinner=False, max_entries=2)
def _unit_values(root: Path, run: str, fingerprint: str, _found: Dissection) -> UnitValues:
    from workbench.studies.unit_values import UnitValues

    del run, fingerprint  # stand for the dissection and the dataset in the cache's key
    return UnitValues(_found, Store(root))


def ablation(found: Dissection, layer: str) -> Ablation | None:
    """Return the newest ablation of a dissection's layer, opened once, or ``None``."""
    from workbench.studies.ablation import find_ablation

    newest = find_ablation(store(), found.artifact.name, layer)
    return None if newest is None else _ablation(workspace(), newest.artifact.name)


@st.cache_resource(show_spinner=False, max_entries=8)
def _ablation(root: Path, name: str) -> Ablation:
    from workbench.studies.ablation import open_ablation

    return open_ablation(Store(root).artifact("ablation", name))


def health(dataset: Dataset) -> Health:
    """Return what was found in a dataset at import."""
    return _health(workspace(), dataset.name, dataset.fingerprint)


@st.cache_resource(show_spinner=False, max_entries=4)
def _health(root: Path, name: str, fingerprint: str) -> Health:
    del fingerprint  # only part of the cache's key
    return load_health(Store(root), name)


def reweightings(found: Dissection, layer: str = "") -> list[Reweighting]:
    """Return the reweightings of a dissection (and of one layer), newest first."""
    from workbench.studies.reweighting import find_reweightings

    return find_reweightings(store(), found.artifact.name, layer)


def bench(found: Dissection, layer: str) -> Bench:
    """Return a layer ready to be reweighted by hand, opened once.

    Raises
    ------
    WorkbenchError
        The layer cannot be reweighted, or not live.
    """
    return _bench(workspace(), found.artifact.name, layer, dataset(found.spec.dataset).fingerprint)


@st.cache_resource(show_spinner="Running the validation images up to the layer, once", max_entries=2)
def _bench(root: Path, run: str, layer: str, fingerprint: str) -> Bench:
    from workbench.studies.dissection import open_dissection
    from workbench.studies.reweight_bench import open_bench

    del fingerprint  # only part of the cache's key
    store = Store(root)
    return open_bench(open_dissection(store.artifact("dissection", run)), layer, store)


def put(key: str, value: object) -> None:
    """Give the widget of a key its value before it is drawn."""
    st.session_state[key] = value


def remember(name: str, value: object) -> None:
    """Keep a value for this browser tab."""
    st.session_state[f"kept:{name}"] = value


def recall(name: str) -> Any:
    """Return a value kept by :func:`remember`, or ``None``."""
    return st.session_state.get(f"kept:{name}")
