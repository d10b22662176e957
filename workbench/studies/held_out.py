"""What a probe learns from and what it is held against: the rows of two splits, and the pictures that stand in both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.data.datasets import Dataset
from workbench.errors import SpecError
from workbench.methods.probe import choose_strength, fit
from workbench.methods.shapes import Bools, Floats, Ints
from workbench.progress import SILENT, Progress
from workbench.store import Store
from workbench.studies import protocol
from workbench.studies.embed import embed_dataset
from workbench.studies.health import Health, load_health
from workbench.studies.map import check_usable

if TYPE_CHECKING:
    from workbench.models.clip import Clip


@dataclass(frozen=True)
class HeldOut:
    """Two splits of a dataset, embedded.

    Parameters
    ----------
    dataset : Dataset
        The images.
    features : float32 array (N, D)
        Embedding of every row of the dataset.
    groups : int64 array (N,)
        Number of each row's group of duplicates, exact and near, -1 for none.
    train, reported : int64 array
        Labelled rows of the two splits, ascending.
    trained_on : bool array (N,)
        Whether the CLIP was trained on the image.
    embeddings : str
        Reference of the embeddings.
    """

    dataset: Dataset
    features: Floats
    groups: Ints
    train: Ints
    reported: Ints
    trained_on: Bools
    embeddings: str

    @property
    def leaked_train(self) -> Ints:
        """Training rows of which a duplicate is reported on."""
        return self.train[self._also_in(self.train, self.reported)]

    @property
    def leaked_reported(self) -> Ints:
        """Reported rows of which a duplicate is trained on."""
        return self.reported[self._also_in(self.reported, self.train)]

    def _also_in(self, rows: Ints, others: Ints) -> Bools:
        known = self.groups[others]
        return (self.groups[rows] >= 0) & np.isin(self.groups[rows], known[known >= 0])


def duplicate_groups(health: Health) -> Ints:
    """Return the number of each row's group of duplicates, exact or near, -1 for none: int64 ``(N,)``.

    A near group holds its pictures' exact copies, so an exact group is numbered only where it is in none.
    """
    exact, near = health.exact_group.astype(np.int64), health.near_group.astype(np.int64)
    return np.where(near >= 0, near, np.where(exact >= 0, exact + int(near.max(initial=-1)) + 1, -1))


def held_out(
    dataset: Dataset, clip: Clip, train: str, report_on: str, store: Store, progress: Progress = SILENT
) -> HeldOut:
    """Embed a dataset and take two splits of it.

    Raises
    ------
    SpecError
        No such split, one without labelled images, or the two share images; embeddings are not finite or all equal.
    """
    labelled = dataset.labels != ""
    splits = []
    for split in (train, report_on):
        rows = dataset.rows(split)
        splits.append(rows[labelled[rows]])
        if not len(splits[-1]):
            raise SpecError(f"split {split!r} of {dataset.name} has no labelled images; choose another")
    shared = np.intersect1d(*splits).size
    if shared:
        raise SpecError(
            f"{train!r} and {report_on!r} of {dataset.name} share {shared:,} images; report on images that were not "
            "learned from"
        )
    groups = duplicate_groups(load_health(store, dataset.name))
    embeddings = embed_dataset(dataset, clip, store, progress)
    rows = np.concatenate(splits)
    check_usable(embeddings.matrix[rows], dataset, rows, clip.name)
    seen = np.zeros(len(dataset), dtype=bool)
    if clip.training_images is not None:
        seen = clip.training_images.matches(dataset.digests, dataset.hashes)
    return HeldOut(dataset, embeddings.matrix, groups, splits[0], splits[1], seen, embeddings.artifact.reference)


def encoder_notes(data: HeldOut, clip: str, train: str, report_on: str) -> list[str]:
    """Say what the two splits can be trusted for: a test split that is learned from, images the CLIP has seen."""
    notes = protocol.warn(data.dataset, train, "for training")
    for split, rows, consequence in (
        (train, data.train, "its features there echo the labels they were given"),
        (report_on, data.reported, "the figures are not held out"),
    ):
        seen = int(data.trained_on[rows].sum())
        if seen:
            notes.append(f"{clip} was trained on {seen:,} of the {len(rows):,} images of {split!r}: {consequence}")
    return notes


def learn_and_answer(
    features: Floats, labels: Ints, groups: Ints, asked: Floats, n_classes: int, seed: int
) -> tuple[Ints, float]:
    """Choose a probe's strength by folds within the training rows, train it on all of them, and let it answer.

    Parameters
    ----------
    features, labels, groups : arrays (M, D), (M,), (M,)
        Training rows: embeddings, classes in 0 .. K - 1, groups of duplicates (-1 for none).
    asked : float array (Q, D)
        Embeddings of the images that are asked about.
    n_classes : int
        K.
    seed : int
        Seed of the folds.

    Returns
    -------
    answers : int64 array (Q,)
        The most probable class of each.
    strength : float
        The strength chosen.
    """
    strength = choose_strength(features, labels, groups, n_classes, seed=seed)
    probe = fit(features, labels, n_classes, strength, seed)
    return np.asarray(probe.logits(asked).argmax(axis=1), dtype=np.int64), strength
