"""A stored search for suspects without any model behind it: every third image doubted, every bin there."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from workbench.data.datasets import open_dataset
from workbench.progress import SILENT
from workbench.specs import SuspectsSpec
from workbench.store import Artifact, ArtifactKey, Store
from workbench.studies.embed import list_column
from workbench.studies.suspicion import KIND, PART, Suspects

PARTS = ("probe", "neighbours", "zero-shot", "network", "duplicates", "ambiguous", "not a face")


def write_suspects(store: Store, dataset: str, seed: int = 0) -> Suspects:
    """Store a search for suspects: image 3i has bin i mod 3 + 1, and the scores fall with the row."""
    images = open_dataset(store, dataset)
    rng = np.random.default_rng(seed)
    count, classes = len(images), images.classes
    labels = np.array([classes.index(name) if name else -1 for name in images.labels])
    bins = np.where(np.arange(count) % 3 == 0, np.arange(count) // 3 % 3 + 1, 0)
    scores = np.where(bins > 0, 0.95, 0.3) - np.arange(count) / count * 0.2
    probabilities = rng.dirichlet(np.ones(len(classes)), count)
    proposed = np.where(bins == 1, (labels + 1) % len(classes), -1)
    columns = {
        "id": images.ids.tolist(),
        "split": images.splits.tolist(),
        "label": labels.astype(np.int16),
        "score": scores.astype(np.float32),
        "bin": bins.astype(np.int8),
        "proposed": proposed.astype(np.int16),
        "leaky": np.arange(count) % 2 == 0,
        "probabilities": list_column(probabilities.astype(np.float32)),
        **{f"{PART}{name}": rng.random(count).astype(np.float32) for name in PARTS},
    }
    noise = np.diag(np.bincount(labels[labels >= 0], minlength=len(classes)).astype(float))
    noise[0, 1] = 7.0
    summary = {
        "notes": ["face-clip was trained on 30 of these images"],
        "classes": list(classes),
        "bins": {name: int((bins == place + 1).sum()) for place, name in enumerate(NAMES)},
        "noise": noise.tolist(),
        "evaluation": {},
    }
    key = ArtifactKey(KIND, f"{dataset}-synthetic", {"seed": seed, "rows": images.fingerprint})
    with store.build(key, SuspectsSpec(dataset).to_dict(), SILENT) as build:
        if isinstance(build, Artifact):
            return Suspects(build)
        build.write_table(0, pa.table(columns))
        return Suspects(build.finish(summary))


NAMES = ("wrong label", "ambiguous", "not a face")
