"""Classifications with made-up answers, written as the studies write them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.data.datasets import Dataset
from workbench.methods.zeroshot import ClassScores
from workbench.specs import ClassifySpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.classification import KIND, Classification, class_table

SURE = 0.8


def write_run(
    store: Store,
    dataset: Dataset,
    answers: Sequence[str],
    classes: Sequence[str],
    name: str = "a network",
    trained_on: np.ndarray | None = None,
) -> Classification:
    """Store a run that gives each image an answer with probability :data:`SURE`, the rest shared by all others."""
    count, size = len(dataset), len(classes)
    predicted = np.array([classes.index(answer) for answer in answers])
    probabilities = np.full((count, size), (1 - SURE) / max(1, size - 1))
    probabilities[np.arange(count), predicted] = SURE
    ranked = np.argsort(-probabilities, axis=1, kind="stable")
    found = ClassScores(probabilities, ranked, np.take_along_axis(probabilities, ranked, axis=1))
    labels = np.array([classes.index(label) if label in classes else -1 for label in dataset.labels.tolist()])
    seen = np.zeros(count, dtype=bool) if trained_on is None else trained_on
    content = {
        "dataset": dataset.name,
        "rows": dataset.fingerprint,
        "answers": list(answers),
        "classes": list(classes),
        "model": name,
    }

    def compute(build: Build) -> Artifact:
        build.write_table(0, class_table(dataset, classes, found, probabilities, labels, seen))
        summary = {"dataset": dataset.name, "clip": name, "concept_set": "", "aggregate": "network", "notes": []}
        return build.finish({**summary, "classes": list(classes)})

    key = ArtifactKey(KIND, f"{dataset.name} {name}", content)
    return Classification(store.find_or_build(key, ClassifySpec(dataset.name).to_dict(), compute))
