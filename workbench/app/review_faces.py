"""What a reviewer sees of a face: the opinions on it, and the images most like it with their labels."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.app.review import NOBODY, Opinions
from workbench.app.routes import image_address, sheet_address
from workbench.data.datasets import Dataset
from workbench.errors import WorkbenchError
from workbench.methods.neighbours import nearest
from workbench.store import Store
from workbench.studies.health import Health, load_health

SIMILAR = 18
"""How many images most like a face are shown, copies included."""
ALIKE = 0.99
"""Cosine from which an image counts as looking the same. On FER2013 half of all near-duplicates reach it in the bundled
CLIP's space, and one image in ten has such a neighbour."""
SPARE = 6
"""How many more are looked for, so that copies among them do not make the list short."""
COPY, NEAR, LIKE = "copy", "near-duplicate", "similar"
MOST_FACES = 24
"""How many faces one answer may hold."""


def faces(dataset: Dataset, found: Opinions, rows: list[int]) -> list[dict[str, Any]]:
    """Return what is thought of each face, as plain values for the browser."""
    return [_face(dataset, found, row) for row in rows]


def _face(dataset: Dataset, found: Opinions, row: int) -> dict[str, Any]:
    return {
        "row": row,
        "id": str(dataset.ids[row]),
        "digest": str(dataset.digests[row]),
        "split": str(dataset.splits[row]),
        "label": str(dataset.labels[row]),
        "image": image_address(dataset, row),
        "action": str(found.actions[row]),
        "proposed": str(found.proposed[row]),
        "bin": "" if found.bins is None else str(found.bins[row]),
        "score": None if found.scores is None else _number(found.scores[row]),
        "parts": [[name, _number(values[row])] for name, values in found.parts.items()],
        "probabilities": [] if found.probabilities is None else [_number(p) for p in found.probabilities[row]],
        "seen": bool(found.seen is not None and found.seen[row]),
    }


def alike(store: Store, dataset: Dataset, reference: str, rows: list[int]) -> list[dict[str, Any]]:
    """Return for each face its copies, near-duplicates and nearest images, as plain values for the browser."""
    health = _health(store.root, dataset)
    matrix = _embeddings(store.root, dataset, reference)
    like: list[list[tuple[int, float]]] = [[] for _ in rows]
    if matrix is not None:
        places = np.asarray(rows)
        near = nearest(matrix, matrix[places], SIMILAR + SPARE, exclude=places)
        pairs = zip(near.rows.tolist(), near.similarities.tolist(), strict=True)
        like = [list(zip(others, cosines, strict=True)) for others, cosines in pairs]
    return [_alike(dataset, health, matrix, row, found) for row, found in zip(rows, like, strict=True)]


def _alike(
    dataset: Dataset,
    health: Health | None,
    matrix: npt.NDArray[np.float32] | None,
    row: int,
    like: list[tuple[int, float]],
) -> dict[str, Any]:
    kinds = copies(health, row)
    chosen = [*kinds, *(other for other, _ in like if other not in kinds)][:SIMILAR]
    cosines = dict(like)
    items = []
    for other in chosen:
        cosine = cosines.get(other)
        if cosine is None and matrix is not None:
            cosine = float(matrix[row] @ matrix[other])
        kind = kinds.get(other, LIKE)
        items.append(
            {
                "row": other,
                "id": str(dataset.ids[other]),
                "digest": str(dataset.digests[other]),
                "split": str(dataset.splits[other]),
                "label": str(dataset.labels[other]),
                "kind": kind,
                "cosine": cosine,
                "same": kind != LIKE or (cosine or 0) >= ALIKE,
            }
        )
    return {"row": row, "sheet": sheet_address(dataset, chosen), "items": items}


def copies(health: Health | None, row: int) -> dict[int, str]:
    """Return the rows that hold the same picture, exact copies first, and which of both they are."""
    found: dict[int, str] = {}
    if health is None:
        return found
    for kind, numbers, groups in ((COPY, health.exact_group, health.exact), (NEAR, health.near_group, health.near)):
        if numbers[row] >= 0:
            others = [int(other) for other in groups[numbers[row]].rows if other != row]
            found.update({other: kind for other in others if other not in found})
    return found


@lru_cache(maxsize=4)
def _health(root: Path, dataset: Dataset) -> Health | None:
    try:
        return load_health(Store(root), dataset.name)
    except WorkbenchError:
        return None


@lru_cache(maxsize=3)
def _embeddings(root: Path, dataset: Dataset, reference: str) -> npt.NDArray[np.float32] | None:
    """Return the space that the run behind a queue was made in, else the newest of the dataset, or ``None``."""
    from workbench.studies.embed import open_embeddings

    store, clip = Store(root), ""
    if reference != NOBODY:
        kind, _, name = reference.partition("/")
        spec = store.artifact(kind, name).spec
        clip = str(spec.get("clip", spec.get("model", "")))
    stored = [found for found in store.artifacts("embeddings") if found.spec.get("dataset") == dataset.name]
    for artifact in sorted(stored, key=lambda found: found.spec.get("clip") != clip):
        try:
            return np.asarray(open_embeddings(dataset, artifact).matrix)
        except (WorkbenchError, KeyError):  # made of other pixels under the same name
            continue
    return None


def _number(value: float) -> float | None:
    return round(float(value), 5) if math.isfinite(value) else None
