"""A forest grown in parts, each stored as soon as it is there, so that a run that is killed goes on where it was."""

from __future__ import annotations

import hashlib
import time

import numpy as np

from workbench.errors import DamagedArtifactError
from workbench.methods.forest import Forest, grow, join
from workbench.methods.shapes import Floats, Ints
from workbench.progress import Progress
from workbench.specs.training import ProbeSpec
from workbench.store import Artifact, ArtifactKey, Build, Store

KIND = "trees"
"""Kind of the artifacts that hold a part; they are removed once the whole forest is stored."""
MEASURE = 2
"""Number of what a part holds; those of another are grown again."""
PART = 100
"""Trees of a part; a multiple of workbench.methods.forest.BATCH."""
_ARRAYS = "trees"


def grow_on(
    begun: Forest,
    spec: ProbeSpec,
    known: tuple[Floats, Ints],
    n_classes: int,
    smallest_leaf: int,
    store: Store,
    progress: Progress,
) -> tuple[Forest, float]:
    """Grow a forest's further trees, or take those that a run before has stored.

    Parameters
    ----------
    begun : Forest
        The first trees, grown from the same images with the same leaf and seed.
    spec : ProbeSpec
        How many trees there shall be, and the seed.
    known : (float array (N, D), int array (N,))
        Features and classes that are learned from.
    n_classes, smallest_leaf : int
        As for :func:`workbench.methods.forest.grow`.
    store, progress
        Where parts are kept, and who is told; cancelled after any ten trees.

    Returns
    -------
    forest : Forest
        The whole of it.
    seconds : float
        What the further trees took, those of earlier runs included.
    """
    progress.step(f"grow {spec.trees:,} trees", spec.trees)
    progress.advance(begun.trees)
    digest = _digest(*known)
    parts, seconds = [begun], 0.0
    for first in range(begun.trees, spec.trees, PART):
        count = min(PART, spec.trees - first)
        content = {"measure": MEASURE, "rows": digest, "classes": n_classes, "leaf": smallest_leaf, "seed": spec.seed}
        key = ArtifactKey(KIND, f"{spec.dataset}-{first}", content | {"first": first, "count": count})
        part, took = _part(key, spec, known, store, progress)
        parts.append(part)
        seconds += took
    return join(parts), seconds


def forget_parts(spec: ProbeSpec, store: Store) -> None:
    """Remove the parts that a spec's forest, now stored whole, has made needless.

    These are the ones grown for it, or for the same with fewer trees; a larger forest that was interrupted keeps its.
    """
    for part in store.artifacts(KIND):
        same = part.spec | {"trees": 0} == spec.to_dict() | {"trees": 0}
        if same and part.spec["trees"] <= spec.trees:
            store.remove(part)


def _part(
    key: ArtifactKey, spec: ProbeSpec, known: tuple[Floats, Ints], store: Store, progress: Progress
) -> tuple[Forest, float]:
    """Return a part, taken where it is stored or grown now, and the seconds it took to grow."""
    try:
        stored = store.find(key)
        part = stored or _grow_part(key, spec, known, store, progress)
        forest = Forest.restore(part.arrays(_ARRAYS))
    except DamagedArtifactError:
        if (store.artifacts_dir / KIND / key.name).exists():
            raise
        return _part(key, spec, known, store, progress)  # a run that has finished removed it meanwhile
    if stored:
        progress.advance(forest.trees)
    return forest, float(part.summary["seconds"])


def _grow_part(
    key: ArtifactKey, spec: ProbeSpec, known: tuple[Floats, Ints], store: Store, progress: Progress
) -> Artifact:
    asked = key.content

    def compute(build: Build) -> Artifact:
        clock = time.perf_counter()
        forest = grow(
            *known, asked["classes"], asked["count"], asked["leaf"], spec.seed, asked["first"], progress.advance
        )
        build.write_arrays(_ARRAYS, forest.arrays())
        return build.finish({"dataset": spec.dataset, "trees": forest.trees, "seconds": time.perf_counter() - clock})

    return store.find_or_build(key, spec.to_dict(), compute, progress)


def _digest(features: Floats, labels: Ints) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(features).tobytes())
    digest.update(np.ascontiguousarray(labels, dtype=np.int64).tobytes())
    return digest.hexdigest()
