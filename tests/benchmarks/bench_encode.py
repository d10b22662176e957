"""Encode rate against the pure forward rate of the same model in the same process, and memory that stays flat."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.faces36k import source
from workbench import ImportSpec, Store, import_dataset, load_clip
from workbench.data.datasets import Dataset
from workbench.models.clip import Clip
from workbench.studies.embed import BATCH, embed_dataset

ROUNDS = 3
_PEAK = """
import resource, sys
from workbench import Store, load_clip, open_dataset
from workbench.studies.embed import embed_dataset
store = Store(sys.argv[1])
embed_dataset(open_dataset(store, sys.argv[2]), load_clip("face-clip"), store)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def run() -> list[tuple[str, str]]:
    """Encode 35,887 images with face-clip, forward passes and encoding in turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, words = source(folder)
        store = Store(folder / "workspace")
        dataset = import_dataset(ImportSpec(str(path), "all"), store)
        clip = load_clip("face-clip")
        forward, encode = [], []
        for index in range(ROUNDS):
            forward.append(_forward_rate(clip, dataset))
            encode.append(_encode_rate(clip, dataset, Store(folder / f"round-{index}")))
        ratios = [e / f for e, f in zip(encode, forward, strict=True)]
        small = _slice(path, folder / "small.parquet")
        import_dataset(ImportSpec(str(small), "small"), store)
        peaks = [_peak(store, dataset) for dataset in ("small", "all")]
    return [
        ("source", f"{len(dataset):,} images ({words})"),
        ("forward passes alone", f"{statistics.median(forward):,.0f} images/s"),
        ("encode (read, decode, resize, forward, store)", f"{statistics.median(encode):,.0f} images/s"),
        ("encode / forward", f"{statistics.median(ratios):.2f} (rounds: {', '.join(f'{r:.2f}' for r in ratios)})"),
        ("peak memory, 5,000 images", f"{peaks[0]:,.0f} MiB"),
        (f"peak memory, {len(dataset):,} images", f"{peaks[1]:,.0f} MiB ({peaks[1] / peaks[0]:.2f} x)"),
    ]


def _forward_rate(clip: Clip, dataset: Dataset, batches: int = 40) -> float:
    inputs = clip.prepare([dataset.image(row) for row in range(BATCH)])
    clip.encode_prepared(inputs)
    started = time.perf_counter()
    for _ in range(batches):
        clip.encode_prepared(inputs)
    return batches * BATCH / (time.perf_counter() - started)


def _encode_rate(clip: Clip, dataset: Dataset, store: Store) -> float:
    started = time.perf_counter()
    artifact = embed_dataset(dataset, clip, store).artifact
    return float(artifact.summary["images"] / (time.perf_counter() - started))


def _slice(path: Path, target: Path) -> Path:
    import pyarrow.parquet as pq

    pq.write_table(pq.read_table(path).slice(0, 5000), target)
    return target


def _peak(store: Store, dataset: str) -> float:
    command = [sys.executable, "-c", _PEAK, str(store.root), dataset]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
