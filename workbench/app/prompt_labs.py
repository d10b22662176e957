"""What the Prompts page knows: labs opened once, prompts tried once, the trail of edits, and stored studies."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from workbench.app import session
from workbench.app.routes import workspace
from workbench.data.concepts import ConceptSet
from workbench.data.datasets import Dataset
from workbench.errors import SpecError, unknown_name
from workbench.store import Artifact, Store, content_hash
from workbench.studies.embed import first_rows

if TYPE_CHECKING:
    from workbench.methods.retrain import Comparison
    from workbench.studies.prompt_lab import Guessed, PromptLab, Tried
    from workbench.studies.prompting import Prompts

KIND = "prompts"


class Place(NamedTuple):
    """Which images a lab is of, and which CLIP meets them."""

    dataset: str
    fingerprint: str
    clip: str
    split: str


class Prompted(NamedTuple):
    """A prompt set and how its concepts are folded."""

    concept_set: ConceptSet
    aggregate: str

    @property
    def key(self) -> str:
        """Tells it apart from what would be answered otherwise."""
        return f"{self.concept_set.fingerprint} {self.aggregate}"


@dataclass(frozen=True)
class Answer:
    """What an edit gives, beside the start and the edit before it; ``seconds`` is how long all of it took."""

    now: Tried
    start: Tried
    last: Tried
    since_start: Comparison
    since_last: Comparison
    seconds: float

    @property
    def edited(self) -> bool:
        """Whether it is anything else than the start."""
        return (
            Prompted(self.now.concept_set, self.now.aggregate).key
            != Prompted(self.start.concept_set, self.start.aggregate).key
        )


def place(dataset: Dataset, clip: str, split: str) -> Place:
    """Return the place of a lab."""
    return Place(dataset.name, dataset.fingerprint, clip, split)


def known_clips(dataset: Dataset) -> list[str]:
    """Return the CLIPs that a dataset's images have been encoded by, after ``face-clip``."""
    found = session.store().artifacts("embeddings")
    own = [run.spec["clip"] for run in found if run.spec.get("dataset") == dataset.name]
    return list(dict.fromkeys(["face-clip", *own]))


def encoded(dataset: Dataset, clip: str) -> bool:
    """Return whether a dataset's images, as they are now, have been encoded by a CLIP of that name."""
    images = _images(workspace(), dataset.name, dataset.fingerprint, dataset)
    found = session.store().artifacts("embeddings")
    return any(run.spec.get("clip") == clip and run.manifest["content"].get("images") == images for run in found)


@st.cache_data(show_spinner=False, max_entries=8)
def _images(root: Path, name: str, fingerprint: str, _dataset: Dataset) -> str:
    del root, name, fingerprint  # stand for the dataset in the cache's key
    return content_hash(_dataset.digests[first_rows(_dataset)].tolist())


def open_lab(where: Place) -> PromptLab:
    """Return a lab, opened once: the CLIP is loaded, and images are encoded where that has not been done.

    Raises
    ------
    WorkbenchError
        The CLIP cannot be loaded.
    """
    return _lab(workspace(), where)


@st.cache_resource(show_spinner="Loading the CLIP and the images, once", max_entries=4)
def _lab(root: Path, where: Place) -> PromptLab:
    from workbench.studies.prompt_lab import open_lab as opened

    return opened(where.dataset, where.clip, Store(root), where.split)


def tried(where: Place, prompted: Prompted) -> Tried:
    """Return what a prompt set gives, worked out once.

    Raises
    ------
    SpecError
        The set cannot be tried out on these images.
    """
    return _tried(workspace(), where, prompted.key, prompted)


@st.cache_resource(show_spinner=False, max_entries=32)
def _tried(root: Path, where: Place, key: str, _prompted: Prompted) -> Tried:
    del root, key
    return open_lab(where).evaluate(_prompted.concept_set, _prompted.aggregate)


def guessed(where: Place, prompted: Prompted) -> Guessed:
    """Return what a prompt set answers where there are no labels of its classes, worked out once."""
    return _guessed(workspace(), where, prompted.key, prompted)


@st.cache_resource(show_spinner=False, max_entries=16)
def _guessed(root: Path, where: Place, key: str, _prompted: Prompted) -> Guessed:
    del root, key
    return open_lab(where).guess(_prompted.concept_set, _prompted.aggregate)


def try_out(where: Place, prompted: Prompted) -> None:
    """Work out what a prompt set gives; :class:`SpecError` where it cannot be used on these images."""
    (tried if labelled(session.dataset(where.dataset), prompted.concept_set) else guessed)(where, prompted)


def answer(where: Place, now: Prompted, start: Prompted, last: Prompted) -> Answer:
    """Return what an edit gives beside the start and the edit before it, worked out once.

    Raises
    ------
    SpecError
        The set cannot be tried out on these images.
    """
    open_lab(where), tried(where, start), tried(where, last)  # these are no part of the edit's seconds
    return _answer(workspace(), where, (now.key, start.key, last.key), (now, start, last))


@st.cache_resource(show_spinner=False, max_entries=16)
def _answer(root: Path, where: Place, keys: tuple[str, str, str], _sets: tuple[Prompted, Prompted, Prompted]) -> Answer:
    del root
    began, lab = time.perf_counter(), open_lab(where)
    now, start, last = (tried(where, each) for each in _sets)
    since_start = lab.compare(start, now)
    since_last = since_start if keys[1] == keys[2] else lab.compare(last, now)
    return Answer(now, start, last, since_start, since_last, time.perf_counter() - began)


def labelled(dataset: Dataset, concept_set: ConceptSet) -> bool:
    """Return whether some image of a dataset is labelled with a class of a set."""
    return not set(concept_set.classes).isdisjoint(dataset.classes)


class Edit(NamedTuple):
    """What stands in the lab: the boxes as text (empty: as at the start), and the rule (empty: the set's own)."""

    code: str = ""
    rule: str = ""


class Trail:
    """The edits of one starting set in this browser tab, each with prompts that can be used; the first is the start."""

    def __init__(self, start: str) -> None:
        self._name = f"trail {start}"

    @property
    def edits(self) -> list[Edit]:
        """All of them, the newest last."""
        return list(session.recall(self._name) or [Edit()])

    def add(self, edit: Edit) -> None:
        """Go on to an edit, unless it is where the trail already is."""
        edits = self.edits
        if edits[-1] != edit:
            session.remember(self._name, [*edits, edit])

    def back(self, standing: Edit) -> Edit:
        """Return what undoing leads to: the edit before, or the newest where what stands is not on the trail yet."""
        edits = self.edits
        if edits[-1] == standing and len(edits) > 1:
            edits = edits[:-1]
            session.remember(self._name, edits)
        return edits[-1]


def generation(standing: str) -> int:
    """Return the number of the boxes on show: a new one where what ``standing`` names was not typed into them."""
    kept, number = session.recall("lab boxes") or ("", 0)
    if kept != standing:
        number += 1
        session.remember("lab boxes", (standing, number))
    return int(number)


def typed(standing: str) -> None:
    """Say that what ``standing`` names was typed into the boxes on show."""
    _, number = session.recall("lab boxes") or ("", 0)
    session.remember("lab boxes", (standing, number))


class Look(NamedTuple):
    """One evaluation on held-out images: which prompts, and how they compare with the start."""

    key: str
    comparison: Comparison
    notes: tuple[str, ...]


def held_out(where: Place, split: str, now: Prompted, start: Prompted) -> Look:
    """Measure prompts and the start on another split, and keep that it was looked at.

    Raises
    ------
    SpecError
        No image of the split is labelled with a class.
    """
    lab = open_lab(where).on(split)
    first, second = (lab.evaluate(*each) for each in (start, now))
    notes = tuple(note for note in second.notes if "to edit prompts by" not in note)
    found = Look(f"{now.key} {start.key}", lab.compare(first, second), notes)
    session.remember(f"looks {where} {split}", [*looks(where, split), found])
    return found


def looks(where: Place, split: str) -> list[Look]:
    """Return the evaluations on a held-out split in this browser tab, in order."""
    return list(session.recall(f"looks {where} {split}") or [])


def studies(dataset: Dataset) -> list[Artifact]:
    """Return the studies of prompts of a dataset as it is now, newest first."""
    found = session.store().artifacts(KIND)
    return [
        run
        for run in found
        if run.spec.get("dataset") == dataset.name and run.manifest["content"].get("rows") == dataset.fingerprint
    ]


def study_dataset(name: str) -> str:
    """Return the dataset of the study ``name``; empty where there is none of that name."""
    found = {run.name: run for run in session.store().artifacts(KIND)} if name else {}
    return str(found[name].spec["dataset"]) if name in found else ""


def study(dataset: Dataset, name: str) -> Prompts:
    """Return a stored study of prompts.

    Raises
    ------
    SpecError
        The dataset has none of that name.
    """
    from workbench.studies.prompting import open_prompts

    found = {run.name: run for run in studies(dataset)}
    if name not in found:
        raise unknown_name(f"study of prompts on {dataset.name}", name, found)
    return open_prompts(found[name])


def check_clip(clip: str) -> None:
    """Refuse what can be no CLIP; :class:`SpecError` says why."""
    if not clip.strip():
        raise SpecError("no CLIP is named; face-clip is bundled")
