"""A small judged dataset: noise pictures whose classes differ in brightness, so that any encoder can learn them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.data.datasets import Dataset
from workbench.data.images import encode_png
from workbench.data.verdicts import Entry, Verdicts
from workbench.specs import ImportSpec
from workbench.store import Store
from workbench.studies.importing import import_dataset

CLASSES = ("angry", "happy", "sad")
SPLITS = ("train", "train", "train", "test", "validation")


def pictures(count: int, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Return smooth pictures and the class that each shows by its stripes."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:48, 0:48] / 48.0
    labels = [CLASSES[number % 3] for number in range(count)]
    waves = {"angry": np.sin(20 * x), "happy": np.sin(20 * y), "sad": np.sin(14 * (x + y))}
    shown = []
    for label in labels:
        coarse = random.normal(size=(6, 6)).repeat(8, axis=0).repeat(8, axis=1)
        shown.append(np.clip(128 + 32 * waves[label] + 48 * coarse, 0, 255).astype(np.uint8))
    return np.stack(shown), labels


def judged_dataset(
    store: Store, folder: Path, count: int = 150, flipped: Sequence[int] = (), name: str = "faces"
) -> Dataset:
    """Import pictures in three splits; the labels of the rows ``flipped`` are the next class."""
    images, labels = pictures(count)
    for row in flipped:
        labels[row] = CLASSES[(CLASSES.index(labels[row]) + 1) % 3]
    table = pa.table(
        {
            "id": [f"face-{number:04d}" for number in range(count)],
            "split": [SPLITS[number // 3 % len(SPLITS)] for number in range(count)],
            "label": labels,
            "image": [encode_png(image) for image in images],
        }
    )
    source = folder / f"{name}.parquet"
    pq.write_table(table, source)
    return import_dataset(ImportSpec(str(source), name), store)


def judge(store: Store, dataset: Dataset, *verdicts: tuple[int, str, str]) -> None:
    """Add verdicts given as (row, verdict or class, reviewer)."""
    entries = [
        Entry(str(dataset.ids[row]), who, "relabel" if what in CLASSES else what, what if what in CLASSES else "")
        for row, what, who in verdicts
    ]
    Verdicts(store).add(dataset, entries)
