"""Zero-shot classification of a dataset with a concept set, every split reported separately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.data.concepts import ConceptSet, load_concept_set
from workbench.data.datasets import Dataset, open_dataset
from workbench.errors import SpecError
from workbench.methods.metrics import Evaluation, evaluate, fine_confusion_matrix
from workbench.methods.zeroshot import ZeroShot, label_margin
from workbench.methods.zeroshot import classify as classify_zero_shot
from workbench.progress import SILENT, Progress
from workbench.specs import ClassifySpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.embed import embed_dataset, embed_texts, list_column, list_matrix

if TYPE_CHECKING:
    from workbench.models.clip import Clip

KIND = "classification"
"""Kind of the artifacts made here."""
MAX_CONCEPTS = 2000
"""The most concepts a classification takes: all their probabilities are stored for every image."""
_COLUMNS = ("id", "split", "label", "predicted", "margin", "trained_on")


@dataclass(frozen=True)
class Classification:
    """A stored classification; arrays are read-only and in the dataset's row order.

    Parameters
    ----------
    artifact : Artifact
        One Parquet part, a row an image; the metrics stand in its summary.
    """

    artifact: Artifact

    @property
    def classes(self) -> tuple[str, ...]:
        """The concept set's classes, in the order of columns (K)."""
        return tuple(self.artifact.manifest["summary"]["classes"])

    @property
    def concepts(self) -> tuple[str, ...]:
        """The concept set's texts, in the order of columns (C)."""
        return tuple(self.artifact.manifest["summary"]["concepts"])

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures must know: prompt words never seen, images the model was trained on, ..."""
        return tuple(self.artifact.manifest["summary"]["notes"])

    @property
    def membership(self) -> np.ndarray:
        """Which concept speaks for which class, bool ``(C, K)``."""
        spoken: list[list[str]] = self.artifact.manifest["summary"]["speaks_for"]
        return np.array([[name in classes for name in self.classes] for classes in spoken], dtype=bool)

    @property
    def embeddings(self) -> str:
        """Reference of the image embeddings it was made from; see :func:`workbench.studies.embed.open_embeddings`."""
        return str(self.artifact.manifest["summary"]["embeddings"])

    @property
    def evaluated(self) -> tuple[str, ...]:
        """What :attr:`metrics` are given for, in order: the splits, then ``merged-test`` and ``all``."""
        return tuple(self.artifact.manifest["summary"]["splits"])

    @property
    def metrics(self) -> Mapping[str, Any]:
        """By split: what :meth:`workbench.methods.metrics.Evaluation.to_dict` returns, and ``fine`` counts (C x K).

        Besides the dataset's own splits there are ``merged-test`` (validation and test together, where both exist) and
        ``all``, in the order of :attr:`evaluated`. A split without a single label among the classes is left out.
        """
        metrics: Mapping[str, Any] = self.artifact.manifest["summary"]["metrics"]
        return {name: metrics[name] for name in self.evaluated}

    @property
    def spec(self) -> ClassifySpec:
        """What was asked for."""
        return ClassifySpec(**{name: value for name, value in self.artifact.spec.items() if name != "kind"})

    @cached_property
    def _table(self) -> pa.Table:
        return self.artifact.table()

    @cached_property
    def ids(self) -> np.ndarray:
        """Image ids, str ``(N,)``."""
        return self._strings("id")

    @cached_property
    def splits(self) -> np.ndarray:
        """Split of each image, str ``(N,)``."""
        return self._strings("split")

    @cached_property
    def labels(self) -> np.ndarray:
        """Given label, str ``(N,)``; empty where there is none. May be outside :attr:`classes`."""
        return self._strings("label")

    @cached_property
    def predicted(self) -> np.ndarray:
        """Predicted class, str ``(N,)``."""
        return self._strings("predicted")

    @cached_property
    def margins(self) -> np.ndarray:
        """Probability of the label minus the greatest other, float32 ``(N,)`` in -1..1; low: wrong and sure of it.

        NaN where the label is none of the classes.
        """
        return _read_only(self._table["margin"].to_numpy())

    @cached_property
    def trained_on(self) -> np.ndarray:
        """Whether the CLIP was trained on the image, bool ``(N,)``; all false where it does not say."""
        return _read_only(self._table["trained_on"].to_numpy())

    @cached_property
    def class_probabilities(self) -> np.ndarray:
        """Class probabilities, float32 ``(N, K)``."""
        return self._matrix("class_probabilities")

    @cached_property
    def concept_probabilities(self) -> np.ndarray:
        """Concept probabilities, float32 ``(N, C)``."""
        return self._matrix("concept_probabilities")

    @cached_property
    def ranked(self) -> np.ndarray:
        """Class indices from the best on, int16 ``(N, top_k)``; with ``vote`` the winner of each rank."""
        return self._matrix("ranked")

    def _strings(self, column: str) -> np.ndarray:
        return _read_only(np.asarray(self._table[column].to_pylist(), dtype=np.str_))

    def _matrix(self, name: str) -> np.ndarray:
        return _read_only(list_matrix(self._table, name))


def classify(spec: ClassifySpec, store: Store, progress: Progress = SILENT) -> Classification:
    """Classify every image of a dataset, or return what is stored.

    Raises
    ------
    SpecError
        The dataset, CLIP, concept set or aggregate does not exist; the set has no class that occurs as a label.
    ConceptSetError, ModelError
        The concept set or the weights cannot be used.
    Cancelled
        Stopped by ``progress``; the embeddings finished so far are kept.
    """
    from workbench.models.clip import load_clip  # loads torch, which reading a stored run does without

    dataset = open_dataset(store, spec.dataset)
    concept_set = load_concept_set(spec.concepts)
    _check(concept_set, dataset, spec)
    progress.step(f"load {spec.clip}")
    clip = load_clip(spec.clip)
    aggregate = spec.aggregate or concept_set.default_aggregate
    key = _key(spec, dataset, concept_set, clip, aggregate)
    artifact = store.find(key)
    if artifact is None:
        with store.build(key, spec.to_dict(), progress) as build:
            artifact = (
                build
                if isinstance(build, Artifact)
                else _compute(build, spec, dataset, concept_set, clip, store, progress)
            )
    for note in artifact.manifest["summary"]["notes"]:
        progress.note(note)
    return Classification(artifact)


def open_classification(artifact: Artifact) -> Classification:
    """Open a stored classification; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not a {KIND}")
    return Classification(artifact)


def _check(concept_set: ConceptSet, dataset: Dataset, spec: ClassifySpec) -> None:
    if not concept_set.classes:
        raise SpecError(f"concept set {spec.concepts!r} has no classes to classify into; add a classes list to it")
    if len(concept_set.concepts) > MAX_CONCEPTS:
        found = f"{len(concept_set.concepts):,} concepts"
        raise SpecError(f"concept set {spec.concepts!r} has {found}; a classification takes at most {MAX_CONCEPTS:,}")
    labels = sorted(set(dataset.labels.tolist()) - {""})
    if not set(labels) & set(concept_set.classes):
        raise SpecError(
            f"no label of {dataset.name!r} ({', '.join(labels) or 'none'}) is a class of {spec.concepts!r} "
            f"({', '.join(concept_set.classes)})"
        )


def _key(spec: ClassifySpec, dataset: Dataset, concept_set: ConceptSet, clip: Clip, aggregate: str) -> ArtifactKey:
    name = clip.name.rpartition("/")[2] if clip.name.startswith("local-dir:") else clip.name
    content = {
        "dataset": dataset.name,
        "rows": dataset.fingerprint,
        "clip": clip.fingerprint,
        "concepts": concept_set.fingerprint,
        "aggregate": aggregate,
        "top_k": spec.top_k,
    }
    return ArtifactKey(KIND, f"{dataset.name}-{name}-{concept_set.name}-{aggregate}", content)


def _compute(
    build: Build,
    spec: ClassifySpec,
    dataset: Dataset,
    concept_set: ConceptSet,
    clip: Clip,
    store: Store,
    progress: Progress,
) -> Artifact:
    images = embed_dataset(dataset, clip, store, progress)
    prompts = concept_set.prompts()  # T lists of C sentences
    flat = [sentence for sentences in prompts for sentence in sentences]
    texts = embed_texts(flat, clip, store, progress).reshape(len(prompts), len(concept_set.concepts), -1)  # (T, C, D)
    aggregate = spec.aggregate or concept_set.default_aggregate
    progress.step(f"classify {dataset.name}")
    found = classify_zero_shot(
        images.matrix, texts, concept_set.membership, clip.logit_scale, aggregate=aggregate, top_k=spec.top_k
    )
    index = {name: position for position, name in enumerate(concept_set.classes)}
    labels = np.array([index.get(label, -1) for label in dataset.labels.tolist()], dtype=np.int64)
    trained_on = np.zeros(len(dataset), dtype=bool)
    if clip.training_images is not None:
        trained_on = clip.training_images.matches(dataset.digests, dataset.hashes)
    build.write_table(0, _table(dataset, concept_set, found, labels, trained_on))
    progress.step("evaluate")
    metrics = _metrics(dataset, found, labels, len(concept_set.concepts), progress)
    summary = {
        "dataset": dataset.name,
        "clip": clip.name,
        "concept_set": concept_set.name,
        "attribute": concept_set.attribute,
        "aggregate": aggregate,
        "classes": list(concept_set.classes),
        "concepts": concept_set.texts,
        "speaks_for": [list(concept.classes) for concept in concept_set.concepts],
        "templates": list(concept_set.templates),
        "embeddings": images.artifact.reference,
        "notes": _notes(dataset, clip, flat, labels, trained_on),
        "splits": [name for name in dataset.selections if name in metrics],
        "metrics": metrics,
    }
    return build.finish(summary)


def _table(
    dataset: Dataset, concept_set: ConceptSet, found: ZeroShot, labels: np.ndarray, trained_on: np.ndarray
) -> pa.Table:
    classes = np.asarray(concept_set.classes)
    columns = [
        pa.array(dataset.ids.tolist()),
        pa.array(dataset.splits.tolist()),
        pa.array(dataset.labels.tolist()),
        pa.array(classes[found.classes.predicted].tolist()),
        pa.array(label_margin(found.classes.probabilities, labels).astype(np.float32)),
        pa.array(trained_on),
        list_column(found.classes.ranked.astype(np.int16)),
        list_column(found.classes.probabilities.astype(np.float32)),
        list_column(found.concept_probabilities.astype(np.float32)),
    ]
    return pa.table(columns, names=[*_COLUMNS, "ranked", "class_probabilities", "concept_probabilities"])


def _metrics(
    dataset: Dataset, found: ZeroShot, labels: np.ndarray, n_concepts: int, progress: Progress
) -> dict[str, dict[str, Any]]:
    best_concepts = found.concept_probabilities.argmax(axis=1)
    metrics = {}
    for name in dataset.selections if len(dataset.split_names) > 1 else dataset.split_names:
        rows = dataset.rows(name)
        rows = rows[labels[rows] >= 0]
        progress.advance(0)
        if not len(rows):
            continue
        evaluation: Evaluation = evaluate(labels[rows], found.classes.ranked[rows], found.classes.probabilities[rows])
        fine = fine_confusion_matrix(
            best_concepts[rows], labels[rows], n_concepts, found.classes.probabilities.shape[1]
        )
        metrics[name] = evaluation.to_dict() | {"fine": fine.tolist()}
    return metrics


def _notes(dataset: Dataset, clip: Clip, prompts: list[str], labels: np.ndarray, trained_on: np.ndarray) -> list[str]:
    notes = []
    unseen = clip.unseen_words(prompts)
    if unseen:
        notes.append(
            f"{clip.name} never saw these words in training, so what it says of them is a guess: {', '.join(unseen)}"
        )
    for split in sorted(set(dataset.splits[trained_on].tolist())):
        rows = dataset.rows(split)
        share = f"{int(trained_on[rows].sum()):,} of the {len(rows):,} images of split {split!r}"
        notes.append(f"{clip.name} was trained on {share}: figures on them are not held out")
    outside = sorted(set(dataset.labels[labels < 0].tolist()))
    if outside:
        listed = ", ".join(label or "(none)" for label in outside)
        notes.append(
            f"{int((labels < 0).sum()):,} images are predicted but not counted; their labels are no class: {listed}"
        )
    return notes


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view
