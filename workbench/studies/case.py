"""What a classifier learns from, is chosen by and is judged on: labelled rows of three splits, and what they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from workbench.data.datasets import Dataset
from workbench.errors import SpecError
from workbench.methods.learners import ranks
from workbench.methods.metrics import evaluate
from workbench.methods.shapes import Bools, Floats, Ints
from workbench.models.fingerprints import TrainingImages
from workbench.store import Artifact
from workbench.studies import protocol
from workbench.studies.classification import class_labels, class_numbers


class Splits(Protocol):
    """The part of a spec that says which images are learned from, chosen by and judged on."""

    @property
    def train(self) -> str:
        """The split that is learned from."""

    @property
    def tune_on(self) -> str:
        """The split that chooses."""

    @property
    def report_on(self) -> str:
        """The split that is reported on, once."""


@dataclass(frozen=True)
class Case:
    """The labelled rows of three splits, ascending, and the class of every row (-1 where it has none of them).

    ``tune`` holds no copies of training images, which would choose the learner that remembers best; ``copies`` were
    left out of it.
    """

    dataset: Dataset
    classes: tuple[str, ...]
    labels: Ints
    train: Ints
    tune: Ints
    report: Ints
    copies: int

    @property
    def absent(self) -> list[str]:
        """Classes that no training image has."""
        present = set(self.labels[self.train].tolist())
        return [name for number, name in enumerate(self.classes) if number not in present]

    def judge(self, probabilities: Floats, seed: int, ranked: Ints | None = None) -> dict[str, Any]:
        """Evaluate class probabilities ``(len(report), K)`` of the images reported on; see methods.metrics.

        ``ranked`` are the classes from the best on, where probabilities do not say.
        """
        ranked = ranks(probabilities, probabilities.shape[1]) if ranked is None else ranked
        return evaluate(self.labels[self.report], ranked, probabilities, seed=seed).to_dict()

    def judge_unseen(self, probabilities: Floats, seed: int, ranked: Ints | None = None) -> dict[str, Any] | None:
        """Evaluate the images reported on of which no copy was learned from; None where there is none."""
        new = ~is_copy(self.dataset, self.train, self.report)
        fewer = replace(self, report=self.report[new])
        return fewer.judge(probabilities[new], seed, None if ranked is None else ranked[new]) if new.any() else None


def open_case(
    spec: Splits,
    dataset: Dataset,
    learner: str,
    choice: str,
    classes: tuple[str, ...] = (),
    draw: Callable[[Ints, Ints], Ints] = lambda _, rows: rows,
) -> Case:
    """Take the labelled rows of a spec's splits.

    Parameters
    ----------
    spec : Splits
        Which splits.
    dataset : Dataset
        Their dataset.
    learner, choice : str
        Words for messages: ``"a probe"``, ``"choose the setting"``.
    classes : tuple of str
        The classes that are told apart; of images labelled otherwise nothing is learned. Empty for the dataset's own.
    draw : callable
        From the labels of all rows, and the training rows, to those that are learned from.

    Raises
    ------
    SpecError
        No such split, one without labelled images, or all copies; no label is a class; the training images have one
        class only, or share images with another split.
    """
    labels = class_labels(dataset, classes, learner) if classes else class_numbers(dataset)
    found = {}
    for split in (spec.train, spec.tune_on, spec.report_on):
        rows = dataset.rows(split)
        found[split] = rows[labels[rows] >= 0]
        if not len(found[split]):
            raise SpecError(f"split {split!r} of {dataset.name} has no labelled images; choose another")
    for split, purpose in ((spec.tune_on, choice), (spec.report_on, "report")):
        shared = np.intersect1d(found[spec.train], found[split]).size
        if shared:
            raise SpecError(
                f"{spec.train!r} and {split!r} of {dataset.name} share {shared:,} images; {purpose} on images that "
                "were not learned from"
            )
    names = classes or dataset.classes
    if len(np.unique(labels[found[spec.train]])) < 2:
        only = names[labels[found[spec.train][0]]]
        raise SpecError(
            f"all labelled images of {spec.train!r} of {dataset.name} are {only!r}; {learner} needs two classes"
        )
    train, tune = draw(labels, found[spec.train]), found[spec.tune_on]
    new = tune[~is_copy(dataset, train, tune)]
    if not len(new):
        raise SpecError(
            f"every labelled image of {spec.tune_on!r} of {dataset.name} is a copy of one of {spec.train!r}; {choice} "
            "on another split"
        )
    return Case(dataset, tuple(names), labels, train, new, found[spec.report_on], len(tune) - len(new))


def is_copy(dataset: Dataset, train: Ints, rows: Ints) -> Bools:
    """Return which rows have the pixels or the perceptual hash of a training image, bool ``(len(rows),)``."""
    digests, hashes = dataset.digests.astype("U16"), dataset.hashes
    learned = TrainingImages(np.sort(digests[train]), np.sort(hashes[train]))
    return np.asarray(learned.matches(digests[rows], hashes[rows]))


def training_images(dataset: Dataset, rows: Ints) -> pa.Table:
    """Return the fingerprints of the images that were learned from, as every model made here carries them."""
    digests = [digest[:16] for digest in dataset.digests[rows].tolist()]
    return pa.table({"digest": digests, "perceptual_hash": pa.array(dataset.hashes[rows], pa.uint64())})


def read_training_images(artifact: Artifact) -> TrainingImages:
    """Read back the fingerprints that :func:`training_images` wrote."""
    table = artifact.table()
    digests = np.asarray(table["digest"].to_pylist(), dtype="U16")
    return TrainingImages(np.sort(digests), np.sort(table["perceptual_hash"].to_numpy().astype(np.uint64)))


def split_notes(spec: Splits, case: Case, absent: str, purpose: str, chose: str) -> list[str]:
    """Say what the splits can be trusted for: test images that choose, copies, classes that are not there.

    Parameters
    ----------
    absent, purpose, chose : str
        Words for the notes: what becomes of a class without training images (``"the probe never answers so"``),
        ``"to choose the setting"``, ``"chose the setting"``.
    """
    dataset = case.dataset
    notes = [*protocol.warn(dataset, spec.train, "for training"), *protocol.warn(dataset, spec.tune_on, purpose)]
    both = np.intersect1d(case.tune, case.report).size
    if both:
        notes.append(
            f"{both:,} of the {len(case.report):,} images reported on also {chose}: the figures are somewhat too good"
        )
    if case.copies:
        notes.append(
            f"{case.copies:,} images of {spec.tune_on!r} are copies of images of {spec.train!r} and had no say in the "
            "choice: they would choose what remembers best"
        )
    if case.absent:
        notes.append(f"no image of {spec.train!r} is labelled {', '.join(case.absent)}: {absent}")
    return notes


def encoder_notes(spec: Splits, case: Case, encoder: str, trained_on: Bools) -> list[str]:
    """Say on which of the images the encoder, whose features or weights are used, was itself trained."""
    notes = []
    for split, rows, consequence in (
        (spec.train, case.train, "its features there echo the labels they were given"),
        (spec.tune_on, case.tune, "the choice is not held out"),
        (spec.report_on, case.report, "the figures are not held out"),
    ):
        seen = int(trained_on[rows].sum())
        if seen:
            share = f"{seen:,} of the {len(rows):,} images of {split!r}"
            notes.append(f"{encoder} was trained on {share}, or on copies of them: {consequence}")
    return notes


def copy_notes(spec: Splits, case: Case, unseen: dict[str, Any] | None, learner: str) -> list[str]:
    """Say how many images reported on are copies of training images, and how good the answers are without them."""
    copies = len(case.report) - (unseen["images"] if unseen else 0)
    if not copies:
        return []
    without = "there is no other"
    if unseen:
        value, low, high = (100 * unseen["accuracy"][name] for name in ("value", "low", "high"))
        without = f"without them {value:.1f} % are right ({low:.1f} to {high:.1f})"
    return [
        f"{copies:,} of the {len(case.report):,} images of {spec.report_on!r} are copies of images of "
        f"{spec.train!r}, whose answer {learner} may remember: {without}"
    ]
