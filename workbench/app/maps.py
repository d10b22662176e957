"""What the Map page knows: stored maps, angles and suspects of a dataset, prompts dropped onto a map; opened once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import streamlit as st

from workbench.app import session, slices
from workbench.app.routes import workspace
from workbench.errors import SpecError, StoreError, unknown_name
from workbench.store import Artifact, Store

if TYPE_CHECKING:
    from workbench.studies.angles import Angles
    from workbench.studies.mapping import Map, Placed
    from workbench.studies.suspicion import Suspects

MOST_PROMPTS = 12
"""The most prompts on a map at once."""
LONGEST_PROMPT = 400
"""The longest prompt, in characters."""

Opened = TypeVar("Opened")


def stored(kind: str, dataset: str) -> list[Artifact]:
    """Return what is stored of a kind for a dataset, newest first: ``"map"``, ``"angles"`` or ``"suspects"``."""
    return [run for run in session.store().artifacts(kind) if run.spec.get("dataset") == dataset]


def map_dataset(run: str) -> str:
    """Return the dataset of the map ``run``; empty where there is none of that name."""
    found = {artifact.name: artifact for artifact in session.store().artifacts("map")} if run else {}
    return str(found[run].spec["dataset"]) if run in found else ""


def open_map(dataset: str, run: str) -> Map:
    """Return a stored map, opened once.

    Raises
    ------
    SpecError
        The dataset has no such map.
    StoreError
        The dataset has changed since.
    """
    return _chosen("map", dataset, run, _map)


def open_angles(dataset: str, run: str) -> Angles:
    """Return stored angles, opened once; raises as :func:`open_map` does."""
    return _chosen("angles", dataset, run, _angles)


def open_suspects(dataset: str, run: str) -> Suspects:
    """Return a stored search for suspects, opened once; raises as :func:`open_map` does."""
    return _chosen("suspects", dataset, run, _suspects)


def _chosen(kind: str, dataset: str, run: str, opener: Callable[[Path, str], Opened]) -> Opened:
    found = {artifact.name: artifact for artifact in stored(kind, dataset)}
    if run not in found:
        raise unknown_name(f"{kind} of {dataset}", run, found)
    rows = found[run].manifest["content"].get("rows")
    if rows not in (None, session.dataset(dataset).fingerprint):
        raise StoreError(f"{dataset} has changed since {run} was made; make it again")
    return opener(workspace(), run)


@st.cache_resource(show_spinner="Opening the map", max_entries=6)
def _map(root: Path, run: str) -> Map:
    from workbench.studies.mapping import open_map as opened

    return opened(Store(root).artifact("map", run))


@st.cache_resource(show_spinner=False, max_entries=4)
def _angles(root: Path, run: str) -> Angles:
    from workbench.studies.angles import open_angles as opened

    return opened(Store(root).artifact("angles", run))


@st.cache_resource(show_spinner=False, max_entries=4)
def _suspects(root: Path, run: str) -> Suspects:
    from workbench.studies.suspicion import open_suspects as opened

    return opened(Store(root).artifact("suspects", run))


class Held(NamedTuple):
    """The images of a slice on a map: the slice's name, how many it has in all, and which points they are ``(P,)``."""

    name: str
    images: int
    points: npt.NDArray[np.bool_]


def held_slice(found: Map, among: str) -> Held:
    """Return the images of a slice on a map; ``among`` is the name of a search, a colon, and the slice's number.

    Raises
    ------
    SpecError
        The dataset has no such search or slice.
    StoreError
        The dataset has changed since the search.
    """
    run, _, number = among.rpartition(":")
    dataset = found.spec.dataset
    opened = slices.open_slices(dataset, run, [each for kind in (False, True) for each in slices.stored(dataset, kind)])
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        raise SpecError(f"there is no slice {number[:20]!r}; a slice is told by its number, from 0 on")
    rows = opened.rows(int(number))
    return Held(opened.slices[int(number)].name, len(rows), np.isin(found.rows, rows))


def read_prompts(text: str) -> tuple[str, ...]:
    """Return the prompts that a text holds, a semicolon between two; the same prompt counts once.

    Raises
    ------
    SpecError
        One is too long, or there are too many.
    """
    prompts = tuple(dict.fromkeys(filter(None, (" ".join(part.split()) for part in text.split(";")))))
    longest = max(prompts, key=len, default="")
    if len(longest) > LONGEST_PROMPT:
        raise SpecError(
            f"a prompt has {len(longest):,} characters ({longest[:30]!r} …); a map takes at most {LONGEST_PROMPT}"
        )
    if len(prompts) > MOST_PROMPTS:
        raise SpecError(f"there are {len(prompts)} prompts; a map takes at most {MOST_PROMPTS} at once")
    return prompts


def placed(found: Map, prompts: tuple[str, ...]) -> Placed:
    """Return prompts dropped onto a map, worked out once.

    Raises
    ------
    WorkbenchError
        The map's CLIP or its embeddings cannot be used any more.
    """
    return _placed(workspace(), found.artifact.name, prompts, found)


@st.cache_resource(show_spinner="Dropping the prompt onto the map", max_entries=24)
def _placed(root: Path, run: str, prompts: tuple[str, ...], _found: Map) -> Placed:
    from workbench.studies.map import find_prompt

    del run  # stands for the map in the cache's key
    return find_prompt(_found, prompts, Store(root))
