"""Classify a dataset with a network; the result is browsed like a zero-shot classification."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from workbench.data.datasets import Dataset, open_dataset
from workbench.data.images import decode
from workbench.engines import engine
from workbench.methods.learners import log_probabilities
from workbench.methods.shapes import Floats, Ints
from workbench.methods.zeroshot import ClassScores
from workbench.progress import SILENT, Progress
from workbench.specs import PredictSpec
from workbench.store import Artifact, ArtifactKey, Build, Store, content_hash
from workbench.studies.activations import forward_batches
from workbench.studies.classification import (
    KIND,
    Classification,
    class_labels,
    class_table,
    image_notes,
    split_metrics,
)
from workbench.studies.embed import SHARD, embed_dataset, first_rows, list_column, list_matrix

if TYPE_CHECKING:
    import torch

    from workbench.studies.classifier import Classifier

LOGITS = "logits"
"""Kind of the artifacts that hold a network's answers."""


def predict(spec: PredictSpec, store: Store, progress: Progress = SILENT) -> Classification:
    """Classify every image of a dataset with a network or a probe, or return what is stored.

    Raises
    ------
    SpecError
        The dataset or network does not exist, the network has no classes, or none of them occurs as a label.
    ModelError
        The weights cannot be used, or the network gives something that is no finite number.
    Cancelled
        Stopped by ``progress``; the logits finished so far are kept.
    """
    from workbench.studies.classifier import load_classifier  # loads torch, which reading a stored run does without

    dataset = open_dataset(store, spec.dataset)
    progress.step(f"load {spec.model}")
    classifier = load_classifier(spec.model, spec.weights, store, progress)
    target = classifier.target
    labels = class_labels(dataset, classifier.classes, target.spec)
    content = {
        "dataset": dataset.name,
        "rows": dataset.fingerprint,
        "network": classifier.fingerprint,
        "top_k": spec.top_k,
    }
    key = ArtifactKey(KIND, f"{dataset.name}-{target.spec.rpartition('/')[2]}", content)

    def compute(build: Build) -> Artifact:
        return _compute(build, spec, dataset, classifier, labels, store, progress)

    return Classification(store.find_or_build(key, spec.to_dict(), compute, progress))


def record_logits(dataset: Dataset, classifier: Classifier, store: Store, progress: Progress = SILENT) -> Floats:
    """Run a dataset through a network, or return what is stored; equal images run once.

    A probe on a CLIP's embeddings, and learned prompts, answer the stored ones.

    Returns
    -------
    float array (N, K)
        Logits of every row of the dataset.
    """
    if classifier.encoder is not None:
        stored = embed_dataset(dataset, classifier.encoder, store, progress).matrix
        if classifier.probe is not None:
            return log_probabilities(classifier.probe.probabilities(stored))
        if classifier.texts is not None:
            return np.asarray(stored @ classifier.texts.T)
    rows = first_rows(dataset)
    spec = {"dataset": dataset.name, "target": classifier.target.spec}
    content = {"network": classifier.fingerprint, "images": content_hash(dataset.digests[rows].tolist())}
    key = ArtifactKey(LOGITS, f"{dataset.name}-{classifier.target.spec.rpartition('/')[2]}", content)

    def compute(build: Build) -> Artifact:
        _run_missing(build, dataset, classifier, rows, progress)
        return build.finish({**spec, "images": len(rows), "classes": list(classifier.classes)})

    table = store.find_or_build(key, spec, compute, progress).table()
    position = {digest: row for row, digest in enumerate(table["digest"].to_pylist())}
    return np.asarray(list_matrix(table, "logits")[[position[digest] for digest in dataset.digests]])


def class_scores(logits: Floats, top_k: int) -> ClassScores:
    """Return class probabilities (softmax) and ranks of logits ``(N, K)``; ties go to the first class."""
    wide = logits.astype(np.float64)
    powers = np.exp(wide - wide.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    ranked = np.argsort(-wide, axis=1, kind="stable")[:, :top_k].astype(np.int64)
    return ClassScores(probabilities, ranked, np.take_along_axis(probabilities, ranked, axis=1))


def _run_missing(build: Build, dataset: Dataset, classifier: Classifier, rows: Ints, progress: Progress) -> None:
    target = classifier.target
    shards = {start // SHARD: rows[start : start + SHARD] for start in range(0, len(rows), SHARD)}
    missing = {index: shard for index, shard in shards.items() if not build.has_part(index)}
    progress.step(f"run {dataset.name} through {target.spec}", len(rows))
    progress.advance(len(rows) - sum(map(len, missing.values())))

    def prepare(batch: Ints) -> torch.Tensor:
        return target.prepare([decode(data, dataset.name) for data in dataset.image_bytes(batch)])

    def compute(inputs: torch.Tensor) -> Floats:
        return classifier.logits(target.logits(inputs))

    batches = [batch for shard in missing.values() for batch in forward_batches(dataset, target, shard)]
    results = engine("local").map(prepare, compute, batches)
    for index, shard in missing.items():
        parts: list[Floats] = []
        while sum(map(len, parts)) < len(shard):
            parts.append(next(results))
            progress.advance(len(parts[-1]))
        logits = np.concatenate(parts).astype(np.float32)
        build.write_table(index, pa.table({"digest": dataset.digests[shard].tolist(), "logits": list_column(logits)}))


def _compute(
    build: Build,
    spec: PredictSpec,
    dataset: Dataset,
    classifier: Classifier,
    labels: Ints,
    store: Store,
    progress: Progress,
) -> Artifact:
    target, classes = classifier.target, list(classifier.classes)
    found = class_scores(record_logits(dataset, classifier, store, progress), spec.top_k)
    trained_on = np.zeros(len(dataset), dtype=bool)
    if target.training_images is not None:
        trained_on = target.training_images.matches(dataset.digests, dataset.hashes)
    build.write_table(0, class_table(dataset, classes, found, found.probabilities, labels, trained_on))
    progress.step("evaluate")
    metrics = split_metrics(dataset, found, found.probabilities, labels, progress)
    summary = {
        "dataset": dataset.name,
        "clip": target.spec,
        "concept_set": "its own classes" if classifier.texts is None else "texts of its classes",
        "attribute": "",
        "aggregate": "network",
        "classes": classes,
        "concepts": classes,
        "speaks_for": [[name] for name in classes],
        "templates": [],
        "embeddings": "",
        "notes": [*target.notes, *image_notes(dataset, target.spec, labels, trained_on)],
        "splits": [name for name in dataset.selections if name in metrics],
        "metrics": metrics,
    }
    return build.finish(summary)
