"""The sweep of 72 settings against one whole evaluation of the network, and the answer of a bench."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from tests.conftest import FER2013_CLASSES, write_source
from workbench.data.datasets import Dataset
from workbench.data.images import decode
from workbench.engines import engine
from workbench.methods.reweight import Grid, default_thresholds, settings_grid
from workbench.models.architectures import build_architecture, save_checkpoint
from workbench.models.targets import Target, load_target
from workbench.specs import ImportSpec, ReweightSpec
from workbench.specs.base import numbers
from workbench.store import Store
from workbench.studies.activations import forward_batches
from workbench.studies.classifier import Classifier
from workbench.studies.classifier_runs import Evaluated, Subject, open_subject, predictions, run_batches
from workbench.studies.importing import import_dataset
from workbench.studies.reweight_bench import Bench

ROUNDS = 3
CASES = {"face-cnn": (2048, ("lin2", "lin1", "conv4b")), "vgg": (512, ("lin2", "lin1"))}
"""Images and layers by network; ``vgg`` is the full-size one, with random weights."""
LIVE = 3589


def run() -> list[tuple[str, str]]:
    """Sweep layers near the end, whole evaluations and sweeps in turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = Store(folder / "workspace")
        source = write_source(folder / "faces.parquet", LIVE)
        dataset = import_dataset(ImportSpec(str(source), "faces"), store)
        torch.manual_seed(0)
        save_checkpoint(build_architecture("vgg"), folder / "vgg", torch.float32)
        rows = []
        for network, (count, layers) in CASES.items():
            target = load_target("face-cnn" if network == "face-cnn" else f"checkpoint:{folder / 'vgg'}")
            for layer in layers:
                subject = open_subject(Classifier(target, FER2013_CLASSES), layer, with_bias=False)
                rows.append(_ratio(network, subject, dataset, np.arange(count), folder))
                if network == "face-cnn" and layer.startswith("lin"):
                    rows.append(_live(subject, dataset))
    return rows


def _ratio(network: str, subject: Subject, dataset: Dataset, images: np.ndarray, folder: Path) -> tuple[str, str]:
    grid = _grid(subject)
    whole, sweep = [], []
    for index in range(ROUNDS):
        whole.append(_seconds(partial(_evaluate, subject.classifier.target, dataset, images)))
        fresh = Store(folder / f"{network}-{subject.layer}-{index}")
        sweep.append(_seconds(partial(predictions, subject, dataset, images, grid.scales, fresh)))
    wall, cpu = (np.array(sweep) / np.array(whole)).T
    figure = f"{network} {subject.layer}: {len(grid)} settings / one whole evaluation, {len(images):,} images"
    listed = ", ".join(f"{ratio:.2f}" for ratio in wall)
    return figure, f"{np.median(wall):.2f} (rounds: {listed}; in CPU seconds {np.median(cpu):.2f})"


def _grid(subject: Subject) -> Grid:
    values = np.random.default_rng(0).normal(size=len(subject.bias))
    return settings_grid(values, default_thresholds(values), list(numbers(ReweightSpec.factors, "factors")))


def _evaluate(target: Target, dataset: Dataset, images: np.ndarray) -> None:
    batches = forward_batches(dataset, target, images)
    results = engine("local").map(
        lambda batch: target.prepare([decode(data, "face") for data in dataset.image_bytes(batch)]),
        lambda inputs: target.logits(inputs).argmax(dim=1),
        batches,
    )
    for _ in results:
        pass


def _live(subject: Subject, dataset: Dataset) -> tuple[str, str]:
    images = np.arange(LIVE)
    labels = np.array([FER2013_CLASSES.index(label) for label in dataset.labels[images]])
    batches = forward_batches(dataset, subject.classifier.target, images)
    states = list(run_batches(subject, dataset, batches, lambda state: state))
    values = np.random.default_rng(0).normal(size=len(subject.bias))
    bench = Bench(subject, {"tau": values, "q": values}, Evaluated("validation", images, labels, 0, 0), states)
    seconds = [bench.evaluate(threshold, 1.5).seconds for threshold in np.linspace(-1, 1, 9)]
    return f"face-cnn {subject.layer}: one answer of the bench, {LIVE:,} images", f"{statistics.median(seconds):.3f} s"


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return seconds on the clock, and of CPU time, which a busy machine disturbs less."""
    started = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started[0], time.process_time() - started[1]
