"""A stored classification, by a CLIP's zero-shot texts or by a network: what was predicted, how right it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.data.datasets import Dataset
from workbench.errors import SpecError
from workbench.methods.metrics import Evaluation, evaluate, fine_confusion_matrix
from workbench.methods.shapes import Bools, Floats, Ints
from workbench.methods.zeroshot import ClassScores, label_margin
from workbench.progress import Progress
from workbench.specs import ClassifySpec, PredictSpec
from workbench.store import Artifact
from workbench.studies.embed import list_column, list_matrix
from workbench.studies.stored import Stored

KIND = "classification"
"""Kind of the artifacts that hold one."""
_COLUMNS = ("id", "split", "label", "predicted", "margin", "trained_on")


@dataclass(frozen=True)
class Classification(Stored[ClassifySpec | PredictSpec]):
    """A stored classification; arrays are read-only and in the dataset's row order.

    Parameters
    ----------
    artifact : Artifact
        One Parquet part, a row an image; the metrics stand in its summary.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """The concept set's or the network's classes, in the order of columns (K)."""
        return tuple(self.summary["classes"])

    @property
    def concepts(self) -> tuple[str, ...]:
        """The concept set's texts, in the order of columns (C); of a network the classes themselves."""
        return tuple(self.summary["concepts"])

    @property
    def membership(self) -> np.ndarray:
        """Which concept speaks for which class, bool ``(C, K)``."""
        spoken: list[list[str]] = self.summary["speaks_for"]
        return np.array([[name in classes for name in self.classes] for classes in spoken], dtype=bool)

    @property
    def embeddings(self) -> str:
        """Reference of the image embeddings it was made from, empty for a network.

        See :func:`workbench.studies.embed.open_embeddings`.
        """
        return str(self.summary["embeddings"])

    @property
    def evaluated(self) -> tuple[str, ...]:
        """What :attr:`metrics` are given for, in order: the splits, then ``merged-test`` and ``all``."""
        return tuple(self.summary["splits"])

    @property
    def metrics(self) -> Mapping[str, Any]:
        """By split: what :meth:`workbench.methods.metrics.Evaluation.to_dict` returns, and ``fine`` counts (C x K).

        Besides the dataset's own splits there are ``merged-test`` (validation and test together, where both exist) and
        ``all``, in the order of :attr:`evaluated`. A split without a single label among the classes is left out.
        """
        metrics: Mapping[str, Any] = self.summary["metrics"]
        return {name: metrics[name] for name in self.evaluated}

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
        """Whether the model was trained on the image, bool ``(N,)``; all false where it does not say."""
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


def open_classification(artifact: Artifact) -> Classification:
    """Open a stored classification; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not a {KIND}")
    return Classification(artifact)


def class_numbers(dataset: Dataset) -> Ints:
    """Return the place of each image's label in the dataset's classes, -1 where it has none, int64 ``(N,)``."""
    place = {name: index for index, name in enumerate(dataset.classes)}
    return np.array([place.get(label, -1) for label in dataset.labels.tolist()], dtype=np.int64)


def class_labels(dataset: Dataset, classes: Sequence[str], what: str) -> Ints:
    """Return the class of each image's label, -1 where it is none of them, int64 ``(N,)``.

    Raises
    ------
    SpecError
        No label is a class; the text calls the classes those of ``what``.
    """
    index = {name: position for position, name in enumerate(classes)}
    labels = np.array([index.get(label, -1) for label in dataset.labels.tolist()], dtype=np.int64)
    if not (labels >= 0).any():
        occurring = ", ".join(sorted(set(dataset.labels.tolist()) - {""})) or "none"
        raise SpecError(f"no label of {dataset.name!r} ({occurring}) is a class of {what} ({', '.join(classes)})")
    return labels


def class_table(
    dataset: Dataset,
    classes: Sequence[str],
    found: ClassScores,
    concept_probabilities: Floats,
    labels: Ints,
    trained_on: Bools,
) -> pa.Table:
    """Return the rows of a classification: one an image, in the dataset's order."""
    columns = [
        pa.array(dataset.ids.tolist()),
        pa.array(dataset.splits.tolist()),
        pa.array(dataset.labels.tolist()),
        pa.array(np.asarray(classes)[found.predicted].tolist()),
        pa.array(label_margin(found.probabilities, labels).astype(np.float32)),
        pa.array(trained_on),
        list_column(found.ranked.astype(np.int16)),
        list_column(found.probabilities.astype(np.float32)),
        list_column(concept_probabilities.astype(np.float32)),
    ]
    return pa.table(columns, names=[*_COLUMNS, "ranked", "class_probabilities", "concept_probabilities"])


def split_metrics(
    dataset: Dataset, found: ClassScores, concept_probabilities: Floats, labels: Ints, progress: Progress
) -> dict[str, dict[str, Any]]:
    """Return the metrics of every split that has labelled images; see :attr:`Classification.metrics`."""
    best_concepts = concept_probabilities.argmax(axis=1)
    metrics = {}
    for name in dataset.selections if len(dataset.split_names) > 1 else dataset.split_names:
        rows = dataset.rows(name)
        rows = rows[labels[rows] >= 0]
        progress.advance(0)
        if not len(rows):
            continue
        evaluation: Evaluation = evaluate(labels[rows], found.ranked[rows], found.probabilities[rows])
        sizes = concept_probabilities.shape[1], found.probabilities.shape[1]
        fine = fine_confusion_matrix(best_concepts[rows], labels[rows], *sizes)
        metrics[name] = evaluation.to_dict() | {"fine": fine.tolist()}
    return metrics


def image_notes(dataset: Dataset, model: str, labels: Ints, trained_on: Bools) -> list[str]:
    """Say which images the model was trained on, and which are not counted."""
    notes = []
    for split in sorted(set(dataset.splits[trained_on].tolist())):
        rows = dataset.rows(split)
        share = f"{int(trained_on[rows].sum()):,} of the {len(rows):,} images of split {split!r}"
        notes.append(f"{model} was trained on {share}: figures on them are not held out")
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
