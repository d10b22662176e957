"""What probes cost at the size of FER2013's training split: learning, keeping and answering, beside scikit-learn's own.

The rows are random directions of seven blurred classes, so accuracy says nothing here; times and bytes are alike.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from workbench.methods.forest import Forest, grow, join
from workbench.methods.learners import LEARNERS, choose, values_to_try

_IMAGES, _JUDGED, _DIMENSION, _CLASSES = 28_709, 3_589, 128, 7
_TREES, _MANY = 20, 10_000


def run() -> list[tuple[str, str]]:
    """Time every learner with its own grid, then a forest beside scikit-learn's."""
    train, judged = _rows(_IMAGES, 0), _rows(_JUDGED, 1)
    rows = []
    for name in ("linear", "mlp", "knn"):
        values = values_to_try(name, (), _IMAGES)
        seconds = _timed(lambda name=name, values=values: choose(name, train, judged, _CLASSES, values))  # type: ignore[misc]
        rows.append((f"{_IMAGES:,} x {_DIMENSION}: {LEARNERS[name].title}, {len(values)} values", f"{seconds:.0f} s"))
    return rows + _forests(train, judged[0])


def _forests(train: tuple[np.ndarray, np.ndarray], asked: np.ndarray) -> list[tuple[str, str]]:
    library = RandomForestClassifier(_TREES, random_state=0, n_jobs=-1)
    theirs = _timed(lambda: library.fit(*train))
    made: list[Forest] = []
    ours = _timed(lambda: made.append(grow(*train, _CLASSES, _TREES)))
    forest = made[0]
    theirs_answer, ours_answer = (_timed(lambda one=one: one(asked)) for one in (library.predict_proba, forest.sums))  # type: ignore[misc]
    many = join([forest] * (_MANY // _TREES))
    one_picture = _timed(lambda: many.sums(asked[:1]))
    weight = len(pickle.dumps(library)) / forest.size  # never read back
    return [
        (f"forest: growing and packing beside growing alone, {_TREES} trees", f"{ours / theirs:.2f}"),
        (f"forest of {_MANY:,} trees: growing, from {_TREES}", f"{ours / _TREES * _MANY / 60:.0f} minutes"),
        ("forest: scikit-learn's bytes beside ours", f"{weight:.1f}"),
        (f"forest of {_MANY:,} trees: bytes", f"{many.size / 1e9:.2f} GB"),
        (f"forest: our answers beside scikit-learn's, {_JUDGED:,} pictures", f"{ours_answer / theirs_answer:.2f}"),
        (f"forest of {_MANY:,} trees: one picture", f"{one_picture:.2f} s"),
    ]


def _rows(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(count) % _CLASSES
    centres = np.random.default_rng(99).normal(size=(_CLASSES, _DIMENSION))
    blurred = centres[labels] * 0.25 + np.random.default_rng(seed).normal(size=(count, _DIMENSION))
    return (blurred / np.linalg.norm(blurred, axis=1, keepdims=True)).astype(np.float32), labels


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
