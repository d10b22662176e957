"""Suspects of the demo: planted faults found, the ranking beside its parts, and what the search costs."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from workbench.data.datasets import open_dataset
from workbench.data.demo import IMAGES, write_demo_source
from workbench.specs import EmbedSpec, ImportSpec, PredictSpec, SuspectsSpec
from workbench.store import Store
from workbench.studies.embed import embed
from workbench.studies.importing import import_dataset
from workbench.studies.predict import predict
from workbench.studies.suspects import suspects


def run() -> list[tuple[str, str]]:
    """Make the demo's dataset and search it; what embeds and predicts is timed apart."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "workspace")
        source = write_demo_source(Path(folder) / "source")
        import_dataset(ImportSpec(str(Path(folder) / "source" / IMAGES), "demo"), store)
        (open_dataset(store, "demo").path / "truth.parquet").write_bytes(source.truth.read_bytes())
        started = time.perf_counter()
        embed(EmbedSpec("demo"), store)
        predict(PredictSpec("demo"), store)
        models = time.perf_counter() - started
        found = suspects(SuspectsSpec("demo"), store)
        search = time.perf_counter() - started - models
        figures = found.evaluation["planted"]["wrong label"]
        depth = str(figures["positives"])
        rows = [
            ("3,000 faces: search beside embedding and predicting", f"{search / models:.2f} of {models:.0f} s"),
            (
                f"wrong labels: precision and recall at {depth}, the number planted",
                _interval(figures["precision"][depth]),
            ),
            ("wrong labels: average precision", _interval(figures["average_precision"])),
            ("wrong labels: by chance", f"{figures['chance']:.1%}"),
        ]
        for name, part in figures["parts"].items():
            rows.append((f"wrong labels: average precision of {name} alone", _interval(part["average_precision"])))
        for kind, counts in found.artifact.summary["planted"].items():
            rows.append((f"planted and found: {kind}", f"{counts['found']} of {counts['planted']}"))
    return rows


def _interval(figure: list[float]) -> str:
    return f"{figure[0]:.1%} ({figure[1]:.1%} to {figure[2]:.1%})"
