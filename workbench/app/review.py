"""What there is to judge, in which order, and what is thought of each face already; beside ``session``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from workbench.app import session
from workbench.app.browse import SAMPLE_SEED, Choice, Rows, chosen_rows
from workbench.app.routes import version_of, workspace
from workbench.data.datasets import Dataset, Strings
from workbench.data.verdicts import (
    AMBIGUOUS,
    KEEP,
    NOT_A_FACE,
    RELABEL,
    SKIP,
    Current,
    Settled,
    Verdicts,
    relabel_classes,
    settle,
)
from workbench.errors import StoreError, unknown_name
from workbench.store import Artifact, Store

if TYPE_CHECKING:
    from workbench.studies.classify import Classification
    from workbench.studies.suspicion import Suspects

SUSPECTS, RUN, SELECTION, IMAGES = "suspects", "run", "selection", "images"
SOURCES = {SUSPECTS: "suspects", RUN: "a run's errors", SELECTION: "your selection", IMAGES: "all images"}
"""Where a queue may come from."""
SHOWS = {"unjudged": "not judged by you", "skipped": "skipped by you", "disputed": "disputed", "all": "all"}
"""Which faces of it are shown."""
ORDERS = {"doubt": "most doubtful first", "random": "in random order", "stored": "as stored"}
"""In which order; a map's selection knows no doubt and stays as it was made."""
BINS = {
    "": "any doubt",
    "wrong label": "wrong label",
    "ambiguous": "ambiguous",
    "not a face": "not a face",
    "all": "all",
}
"""Which bin of a search for suspects; ``all`` holds those that are in none too."""
KINDS = {SUSPECTS: "suspects", RUN: "classification"}
"""Kind of the artifacts that a source reads."""
NOBODY = "-"
"""Stands for a reference where nothing has an opinion."""


@dataclass(frozen=True)
class Ask:
    """What a queue is made of; an empty text means any.

    Parameters
    ----------
    source, show, order, bin : str
        Keys of :data:`SOURCES`, :data:`SHOWS`, :data:`ORDERS`, :data:`BINS`.
    split : str
        One of the dataset's selections.
    label, proposed : str
        Given label, and the class proposed instead.
    """

    source: str
    show: str = "unjudged"
    order: str = "doubt"
    bin: str = ""
    split: str = "all"
    label: str = ""
    proposed: str = ""


@dataclass(frozen=True)
class Opinions:
    """What a stored run thinks of every image of a dataset, in its row order (N), K classes.

    Parameters
    ----------
    reference : str
        The run; :data:`NOBODY` where there is none.
    classes : tuple of str
        Columns of the probabilities.
    probabilities : float array (N, K) or None
        Of each class.
    actions, proposed : str arrays (N,)
        The verdict proposed (``""`` for none), and the class where it is a relabelling.
    scores : float array (N,) or None
        How doubtful, 0 to 1; NaN where nothing is said.
    bins : str array (N,) or None
        Bin of each image.
    parts : mapping
        Parts of the score by name, float arrays (N,), 0 to 1.
    seen : bool array (N,) or None
        Whether a model had been trained on the image.
    """

    reference: str
    classes: tuple[str, ...]
    actions: Strings
    proposed: Strings
    probabilities: npt.NDArray[np.floating] | None = None
    scores: npt.NDArray[np.floating] | None = None
    bins: Strings | None = None
    parts: Mapping[str, npt.NDArray[np.floating]] = field(default_factory=dict)
    seen: npt.NDArray[np.bool_] | None = None


def verdicts() -> Verdicts:
    """Return the workspace's verdicts."""
    return Verdicts(session.store())


def standing(dataset: Dataset) -> tuple[Current, Settled]:
    """Return every reviewer's standing verdicts on a dataset, and what they come to; read again when there are new."""
    return _standing(workspace(), dataset, verdicts().last_number())


@lru_cache(maxsize=4)
def _standing(root: Path, dataset: Dataset, number: int) -> tuple[Current, Settled]:
    del number  # only part of the cache's key
    found = Verdicts(Store(root)).current(dataset.name)
    return found, settle(found, dataset)


def runs(dataset: Dataset, kind: str) -> list[Artifact]:
    """Return a dataset's stored runs of a kind, newest first."""
    return [run for run in session.store().artifacts(kind) if run.spec.get("dataset") == dataset.name]


def opinions(dataset: Dataset, reference: str) -> Opinions:
    """Return what the run ``kind/name`` thinks of a dataset; :data:`NOBODY` thinks nothing.

    Raises
    ------
    StoreError
        There is no such run, or the dataset has changed since it was made.
    """
    return _opinions(workspace(), dataset, reference)


@lru_cache(maxsize=4)
def _opinions(root: Path, dataset: Dataset, reference: str) -> Opinions:
    if reference == NOBODY:
        nothing = np.full(len(dataset), "", dtype=object)
        return Opinions(NOBODY, (), nothing, nothing)
    kind, _, name = reference.partition("/")
    if kind not in KINDS.values():
        raise StoreError(f"{reference!r} is no run that judges images")
    artifact = Store(root).artifact(kind, name)
    if artifact.spec.get("dataset") != dataset.name:
        raise StoreError(f"{name} is not about {dataset.name}")
    return _suspicions(dataset, artifact) if kind == KINDS[SUSPECTS] else _predictions(dataset, artifact)


def open_suspects(artifact: Artifact) -> Suspects:
    """Open a stored search for suspects, once."""
    return _suspects(workspace(), artifact.name)


@lru_cache(maxsize=4)
def _suspects(root: Path, name: str) -> Suspects:
    from workbench.studies.suspicion import open_suspects as opened

    return opened(Store(root).artifact(KINDS[SUSPECTS], name))


@lru_cache(maxsize=4)
def _classification(root: Path, name: str) -> Classification:
    from workbench.studies.classify import open_classification

    return open_classification(Store(root).artifact(KINDS[RUN], name))


def _suspicions(dataset: Dataset, artifact: Artifact) -> Opinions:
    from workbench.methods.suspects import BINS as NAMES
    from workbench.methods.suspects import PARTS

    found = open_suspects(artifact)
    _check_rows(dataset, artifact, found.ids)
    bins = np.array(NAMES, dtype=object)[found.bins]
    classes = np.array([*found.classes, ""], dtype=object)
    proposed = np.where(bins == "wrong label", classes[found.proposed], "")
    kept = np.where((dataset.labels != "") & (bins == ""), KEEP, "")
    actions = np.select(
        [proposed != "", bins == "ambiguous", bins == "not a face"], [RELABEL, AMBIGUOUS, NOT_A_FACE], kept
    )
    return Opinions(
        artifact.reference,
        found.classes,
        actions,
        proposed,
        found.probabilities,
        found.scores,
        bins,
        {name: found.parts[name] for name in sorted(found.parts, key=[*PARTS, *found.parts].index)},
        found.leaky,
    )


def _predictions(dataset: Dataset, artifact: Artifact) -> Opinions:
    found = _classification(workspace(), artifact.name)
    _check_rows(dataset, artifact, found.ids)
    known = np.isin(found.predicted, relabel_classes(dataset))
    other = known & (found.predicted != dataset.labels)
    proposed = np.where(other, found.predicted, "").astype(object)
    actions = np.where(other, RELABEL, np.where(dataset.labels != "", KEEP, "")).astype(object)
    return Opinions(
        artifact.reference,
        tuple(found.classes),
        actions,
        proposed,
        np.asarray(found.class_probabilities),
        seen=np.asarray(found.trained_on),
    )


def _check_rows(dataset: Dataset, artifact: Artifact, ids: npt.NDArray[np.str_]) -> None:
    if len(ids) != len(dataset) or not (ids == dataset.ids).all():
        raise StoreError(f"{dataset.name} has changed since {artifact.name} was made; run it again")


def matching(dataset: Dataset, ask: Ask, found: Opinions, selection: Sequence[int] = ()) -> Rows:
    """Return the rows that a queue is about, whoever has judged them, in their order.

    Parameters
    ----------
    dataset : Dataset
        The images.
    ask : Ask
        What is asked for; its ``show`` plays no part.
    found : Opinions
        What is thought of them.
    selection : sequence of int
        The map's selection.

    Raises
    ------
    SpecError
        The dataset has no such split or class.
    """
    classes = {*relabel_classes(dataset), *dataset.classes}
    for name, value in (("label", ask.label), ("proposed class", ask.proposed)):
        if value and value not in classes:
            raise unknown_name(name, value, sorted(classes))
    rows = _source_rows(dataset, ask, found, selection)
    rows = rows[np.isin(rows, dataset.rows(ask.split))]
    if ask.label:
        rows = rows[dataset.labels[rows] == ask.label]
    if ask.proposed:
        rows = rows[found.proposed[rows] == ask.proposed]
    if ask.order == "random":
        return np.random.default_rng(SAMPLE_SEED).permutation(np.sort(rows))
    return np.sort(rows) if ask.order == "stored" else rows


def _source_rows(dataset: Dataset, ask: Ask, found: Opinions, selection: Sequence[int]) -> Rows:
    """Return a source's rows, most doubtful first where it knows doubt."""
    name = found.reference.partition("/")[2]
    if ask.source == SUSPECTS and name:
        suspects = _suspects(workspace(), name)
        rows = np.asarray(suspects.queue("" if ask.bin == "all" else ask.bin))
        return rows if ask.bin else rows[suspects.bins[rows] > 0]
    if ask.source == RUN and name:
        return chosen_rows(_classification(workspace(), name), Choice(outcome="wrong"))
    if ask.source == SELECTION:
        return np.array([row for row in selection if 0 <= row < len(dataset)], dtype=np.int64)
    return np.arange(len(dataset))


def shown(rows: Rows, ask: Ask, settled: Settled, reviewer: str) -> Rows:
    """Return those of ``rows`` that ``ask.show`` asks for."""
    if ask.show == "all":
        return rows
    if ask.show == "disputed":
        return rows[np.isin(rows, list(settled.disputed))]
    own = {row: said[reviewer].action for row, said in settled.judged.items() if reviewer in said}
    if ask.show == "skipped":
        return rows[np.isin(rows, [row for row, action in own.items() if action == SKIP])]
    return rows[~np.isin(rows, list(own))]


def selection_of(dataset: Dataset) -> list[int] | None:
    """Return the rows selected on the map in this tab, or ``None`` where there are none of this dataset."""
    kept = session.recall(SELECTION)
    if kept is None or kept[0] != dataset.name:
        return None
    return [int(row) for row in kept[1]]


def reference_of(dataset: Dataset, source: str, run: str) -> str:
    """Return the run that judges a queue's images: the one asked for, else the newest search or classification.

    Raises
    ------
    SpecError
        The run asked for is none of the dataset's.
    """
    kinds = (KINDS[source],) if source in KINDS else tuple(KINDS.values())
    found = [artifact for kind in kinds for artifact in runs(dataset, kind)]
    if source in KINDS and run:
        names = {artifact.name: artifact for artifact in found}
        if run not in names:
            raise unknown_name(f"{KINDS[source]} of {dataset.name}", run, names)
        return names[run].reference
    return found[0].reference if found else NOBODY


def usual_source(dataset: Dataset) -> str:
    """Return where to begin: suspects where there are any, else a run's errors, else all images."""
    return next((source for source, kind in KINDS.items() if runs(dataset, kind)), IMAGES)


def check_ask(ask: Ask) -> None:
    """Raise :class:`SpecError` where a view names a source, bin, order or show that there is not."""
    for name, value, valid in (
        ("queue", ask.source, SOURCES),
        ("bin", ask.bin, BINS),
        ("order", ask.order, ORDERS),
        ("show", ask.show, SHOWS),
    ):
        if value not in valid:
            raise unknown_name(name, value, [choice for choice in valid if choice])


def workspace_mark(root: Path | None = None) -> str:
    """Return what tells this workspace from others that the same address may serve another day."""
    return hashlib.blake2b(str((root or workspace()).resolve()).encode(), digest_size=8).hexdigest()


def signature(
    dataset: Dataset, ask: Ask, reference: str, reviewer: str, again: object, selection: Sequence[int]
) -> str:
    """Return what a queue is made from: as long as it is equal, the browser goes on with the queue it has."""
    marks = repr((version_of(dataset), ask, reference, reviewer, again, list(selection)))
    return hashlib.blake2b(marks.encode(), digest_size=12).hexdigest()
