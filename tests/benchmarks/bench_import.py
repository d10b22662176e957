"""Import rate, against reading and decoding the same pictures and nothing else."""

from __future__ import annotations

import io
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from tests.benchmarks.faces36k import source
from workbench import ImportSpec, Store, import_dataset


def run() -> list[tuple[str, str]]:
    """Import 35,887 images and read 100 of them back."""
    with tempfile.TemporaryDirectory() as folder:
        path, words = source(Path(folder))
        started = time.perf_counter()
        images = pq.read_table(path, columns=["image"])["image"].to_pylist()
        for data in images:
            Image.open(io.BytesIO(data)).load()
        decoding = time.perf_counter() - started
        started = time.perf_counter()
        dataset = import_dataset(ImportSpec(str(path), "faces"), Store(Path(folder) / "workspace"))
        importing = time.perf_counter() - started
        rows = np.random.default_rng(0).choice(len(dataset), 100, replace=False)
        started = time.perf_counter()
        dataset.image_bytes(rows)
        reading = time.perf_counter() - started
    return [
        ("source", f"{len(dataset):,} images ({words})"),
        ("import", f"{len(dataset) / importing:,.0f} images/s (digests, perceptual hashes and health included)"),
        ("import / decoding alone", f"{importing / decoding:.1f} x the time"),
        ("100 images at random, first read", f"{1000 * reading:.0f} ms"),
    ]
