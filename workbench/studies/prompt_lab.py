"""Prompts edited live: images met by their stored embeddings, each sentence encoded once, an answer for every edit."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.data.concepts import ConceptSet
from workbench.data.datasets import Dataset, open_dataset
from workbench.errors import SpecError
from workbench.methods.metrics import confusion_matrix, in_top_k
from workbench.methods.prompts import TOP, Bank, Measured, Recall, measure, recalls
from workbench.methods.retrain import Comparison, compare, share_change
from workbench.methods.shapes import Bools, Floats, Ints
from workbench.methods.zeroshot import ClassScores
from workbench.progress import SILENT, Progress
from workbench.store import Store
from workbench.studies import protocol
from workbench.studies.classification import class_labels
from workbench.studies.embed import embed_dataset
from workbench.studies.prompts import check_set

if TYPE_CHECKING:
    from workbench.models.clip import Clip

_KEPT = 200
"""Templates whose own answers are kept, each an image two bytes."""


@dataclass(frozen=True)
class Tried:
    """What one edit of a prompt set gives.

    Parameters
    ----------
    concept_set : ConceptSet
        The prompts.
    aggregate : str
        How concepts were folded into classes.
    measured : Measured
        How good they are on the images labelled with one of the set's classes.
    confusion : int64 array (K, K)
        Those images by label (row) and answer (column), in the order of the set's classes.
    rows, answers : int64 array (M,)
        The dataset's rows of these images, and the class answered for each.
    labels : int64 array (M,)
        Their given classes.
    within : bool array (M,)
        Whether the label is among the first three answers.
    probabilities : float32 array (M, K)
        What speaks for each class, see :class:`workbench.methods.zeroshot.ClassScores`.
    alone : dict of str to tuple of Recall
        By template: the recalls of that template alone.
    encoded : int
        Sentences that had to be encoded for it.
    seconds : float
        How long it took.
    notes : tuple of str
        What a reader of the figures must know.
    """

    concept_set: ConceptSet
    aggregate: str
    measured: Measured
    confusion: Ints
    rows: Ints
    answers: Ints
    labels: Ints
    within: Bools
    probabilities: Floats
    alone: Mapping[str, tuple[Recall, ...]]
    encoded: int
    seconds: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Guessed:
    """What a prompt set answers where the dataset has no labels of its classes.

    Parameters
    ----------
    concept_set, aggregate, encoded, seconds, notes
        As in :class:`Tried`.
    rows, answers : int64 array (M,)
        The dataset's rows of all images of the split, and the class answered for each.
    alone : dict of str to int16 array (M,)
        By template: the class that it answers alone.
    """

    concept_set: ConceptSet
    aggregate: str
    rows: Ints
    answers: Ints
    alone: Mapping[str, NDArray[np.int16]]
    encoded: int
    seconds: float
    notes: tuple[str, ...]

    def shares(self, template: str = "") -> Floats:
        """Return the share of images answered with each class ``(K,)``, by one template or by all together."""
        answers = self.alone[template] if template else self.answers
        return np.asarray(np.bincount(answers, minlength=len(self.concept_set.classes)) / max(1, len(answers)))


class PromptLab:
    """The images of one split and a CLIP, ready for edited prompts; safe to use from several threads.

    Parameters
    ----------
    dataset : Dataset
        The images.
    split : str
        Which of them; one to tune on, such as ``"validation"``.
    images : float32 array (N, D)
        Embeddings of every row of the dataset.
    clip : Clip
        Encodes sentences.
    """

    def __init__(self, dataset: Dataset, split: str, images: Floats, clip: Clip) -> None:
        self.dataset, self.split = dataset, split
        self._rows = np.asarray(dataset.rows(split), dtype=np.int64)
        self._images, self._clip = images, clip
        self._labels: dict[tuple[str, ...], Ints] = {}
        self._alone: dict[object, NDArray[np.int16]] = {}
        self._bank = Bank(images[self._rows], clip.logit_scale)
        self._lock = Lock()
        self._notes = protocol.warn(dataset, split, "to edit prompts by")
        if clip.training_images is not None:
            seen = int(clip.training_images.matches(dataset.digests, dataset.hashes)[self._rows].sum())
            if seen:
                share = f"{seen:,} of the {len(self._rows):,} images of {split!r}"
                self._notes.append(f"{clip.name} was trained on {share}: figures on them are not held out")

    def evaluate(self, concept_set: ConceptSet, aggregate: str = "") -> Tried:
        """Classify the split with a prompt set and measure it; only sentences that are new are encoded.

        Parameters
        ----------
        concept_set : ConceptSet
            The prompts, see :func:`workbench.data.concepts.parse_concept_sets` for edited text.
        aggregate : str
            One of :data:`workbench.specs.AGGREGATES`; empty for the set's own.

        Raises
        ------
        SpecError
            The set cannot be searched (see :func:`workbench.studies.prompts.check_set`), or no image of the split is
            labelled with one of its classes.
        """
        started = time.perf_counter()
        check_set(concept_set, concept_set.name)
        labels = self._given(concept_set)
        counted = np.flatnonzero(labels >= 0)
        if not len(counted):
            raise SpecError(
                f"no image of {self.split!r} of {self.dataset.name} is labelled with a class of the prompts"
            )
        aggregate = aggregate or concept_set.default_aggregate
        found, alone, encoded = self._classify(concept_set, aggregate)
        labels, ranked = labels[counted], found.ranked[counted]
        classes = concept_set.classes
        return Tried(
            concept_set=concept_set,
            aggregate=aggregate,
            measured=measure(labels, ranked, classes),
            confusion=confusion_matrix(labels, ranked[:, 0], len(classes)),
            rows=self._rows[counted],
            answers=ranked[:, 0],
            labels=labels,
            within=in_top_k(labels, ranked, TOP),
            probabilities=found.probabilities[counted].astype(np.float32),
            alone={name: recalls(labels, answers[counted], classes) for name, answers in alone.items()},
            encoded=encoded,
            seconds=time.perf_counter() - started,
            notes=(*self._notes, *self._unseen(concept_set)),
        )

    def guess(self, concept_set: ConceptSet, aggregate: str = "") -> Guessed:
        """Classify the split with a prompt set whose classes are no labels: what is answered, not how right it is.

        Raises
        ------
        SpecError
            The set cannot be searched (see :func:`workbench.studies.prompts.check_set`).
        """
        started = time.perf_counter()
        check_set(concept_set, concept_set.name)
        aggregate = aggregate or concept_set.default_aggregate
        found, alone, encoded = self._classify(concept_set, aggregate)
        return Guessed(
            concept_set=concept_set,
            aggregate=aggregate,
            rows=self._rows,
            answers=found.predicted,
            alone=alone,
            encoded=encoded,
            seconds=time.perf_counter() - started,
            notes=tuple(self._unseen(concept_set)),
        )

    def on(self, split: str) -> PromptLab:
        """Return a lab of another split of the same images, for the same CLIP.

        Raises
        ------
        SpecError
            There is no such split.
        """
        return PromptLab(self.dataset, split, self._images, self._clip)

    def _given(self, concept_set: ConceptSet) -> Ints:
        """Return the class of each image of the split, -1 where its label is none of them."""
        classes = concept_set.classes
        if classes not in self._labels:
            self._labels[classes] = class_labels(self.dataset, classes, repr(concept_set.name))[self._rows]
        return self._labels[classes]

    def _classify(
        self, concept_set: ConceptSet, aggregate: str
    ) -> tuple[ClassScores, dict[str, NDArray[np.int16]], int]:
        """Return the answers for each image, those of each template alone, and how many sentences were encoded."""
        prompts, membership = concept_set.prompts(), concept_set.membership
        with self._lock:
            sentences = [sentence for line in prompts for sentence in line]
            encoded = self._bank.prepare(sentences, self._clip.encode_texts)
            found = self._bank.classify(prompts, membership, aggregate)
            alone = {}
            for template, line in zip(concept_set.templates, prompts, strict=True):
                key = (tuple(line), membership.tobytes(), aggregate)
                answers = self._alone.pop(key, None)
                self._alone[key] = self._bank.alone(line, membership, aggregate) if answers is None else answers
                alone[template] = self._alone[key]
            while len(self._alone) > max(len(prompts), _KEPT):
                del self._alone[next(iter(self._alone))]
        return found, alone, encoded

    def _unseen(self, concept_set: ConceptSet) -> list[str]:
        unseen = self._clip.unseen_words([sentence for line in concept_set.prompts() for sentence in line])
        return [f"{self._clip.name} never saw these words in training: {', '.join(unseen)}"] if unseen else []

    def compare(self, before: Tried, after: Tried) -> Comparison:
        """Compare two edits on the same images; ``"top_k"`` among its changes is that of top-3 accuracy.

        Raises
        ------
        SpecError
            They tell other classes apart.
        """
        classes = before.concept_set.classes
        if after.concept_set.classes != classes:
            raise SpecError(
                f"these prompts tell {', '.join(after.concept_set.classes)} apart, the others {', '.join(classes)}; "
                "keep the classes to compare them"
            )
        found = compare(before.labels, before.answers, after.answers, classes)
        return replace(found, changes={**found.changes, "top_k": share_change(before.within, after.within)})


def open_lab(
    dataset: str, clip: str, store: Store, split: str = "validation", progress: Progress = SILENT
) -> PromptLab:
    """Open a dataset's split and a CLIP for editing prompts; images are encoded where that has not been done.

    Raises
    ------
    SpecError
        No such dataset, split or CLIP.
    ModelError
        The CLIP cannot be loaded.
    """
    from workbench.models.clip import load_clip  # loads torch

    opened = open_dataset(store, dataset)
    opened.rows(split)
    progress.step(f"load {clip}")
    loaded = load_clip(clip)
    return PromptLab(opened, split, embed_dataset(opened, loaded, store, progress).matrix, loaded)
