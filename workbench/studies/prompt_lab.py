"""Prompts edited live: images met by their stored embeddings, each sentence encoded once, an answer for every edit."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from workbench.data.concepts import ConceptSet
from workbench.data.datasets import Dataset, open_dataset
from workbench.errors import SpecError
from workbench.methods.metrics import confusion_matrix
from workbench.methods.prompts import Bank, Measured, measure
from workbench.methods.retrain import Comparison, compare
from workbench.methods.shapes import Floats, Ints
from workbench.progress import SILENT, Progress
from workbench.store import Store
from workbench.studies import protocol
from workbench.studies.classification import class_labels
from workbench.studies.embed import embed_dataset
from workbench.studies.prompts import check_set

if TYPE_CHECKING:
    from workbench.models.clip import Clip


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
    encoded: int
    seconds: float
    notes: tuple[str, ...]


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
        self._clip = clip
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
        labels = class_labels(self.dataset, concept_set.classes, repr(concept_set.name))[self._rows]
        counted = np.flatnonzero(labels >= 0)
        if not len(counted):
            raise SpecError(
                f"no image of {self.split!r} of {self.dataset.name} is labelled with a class of the prompts"
            )
        prompts = concept_set.prompts()
        sentences = [sentence for line in prompts for sentence in line]
        aggregate = aggregate or concept_set.default_aggregate
        with self._lock:
            encoded = self._bank.prepare(sentences, self._clip.encode_texts)
            ranked = self._bank.classify(prompts, concept_set.membership, aggregate).ranked[counted]
        labels, answers = labels[counted], ranked[:, 0]
        unseen = self._clip.unseen_words(sentences)
        notes = [f"{self._clip.name} never saw these words in training: {', '.join(unseen)}"] if unseen else []
        return Tried(
            concept_set=concept_set,
            aggregate=aggregate,
            measured=measure(labels, ranked, concept_set.classes),
            confusion=confusion_matrix(labels, answers, len(concept_set.classes)),
            rows=self._rows[counted],
            answers=answers,
            labels=labels,
            encoded=encoded,
            seconds=time.perf_counter() - started,
            notes=(*self._notes, *notes),
        )

    def compare(self, before: Tried, after: Tried) -> Comparison:
        """Compare two edits on the same images.

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
        return compare(before.labels, before.answers, after.answers, classes)


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
