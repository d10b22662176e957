"""A source of 35,887 faces for the benchmarks: FER2013 where it is at hand, else rendered faces, shifted."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.data.faces import EMOTIONS, render, sample
from workbench.data.images import encode_png

COUNT = 35_887


def source(folder: Path) -> tuple[Path, str]:
    """Return a Parquet source and words for what it is."""
    named = os.environ.get("WORKBENCH_FER2013")
    if named:
        return Path(named), "FER2013"
    beside = Path(__file__).parents[3] / "shared" / "data" / "fer2013.parquet"
    if beside.is_file():
        return beside, "FER2013"
    path = folder / "shifted.parquet"
    if not path.exists():
        _write_shifted(path)
    return path, "rendered faces, shifted"


def _write_shifted(path: Path, different: int = 600) -> None:
    faces = render(sample(different, seed=1))
    rng = np.random.default_rng(0)
    which = rng.integers(0, different, COUNT)
    noise = rng.integers(-8, 9, (COUNT, 1, 1))
    pixels = np.clip(faces.images[which].astype(np.int16) + noise + rng.integers(-3, 4, (COUNT, 48, 48)), 0, 255)
    table = {
        "id": [f"face-{index:05d}" for index in range(COUNT)],
        "split": ["train" if index % 10 < 8 else "validation" if index % 10 == 8 else "test" for index in range(COUNT)],
        "label": [EMOTIONS[index % len(EMOTIONS)] for index in range(COUNT)],
        "image": [encode_png(face) for face in pixels.astype(np.uint8)],
    }
    pq.write_table(pa.table(table), path)
