"""Compare two classifiers on the same images: accuracy, macro F1 and balanced accuracy, their differences, what holds.

Accuracy and the recall of a class are shares of images: their intervals are Wilson's, those of their differences
Newcombe's for paired shares, which hold for few images and for no errors; see :mod:`workbench.methods.proportions`.
Macro F1 and balanced accuracy are means over classes: their intervals are percentiles of a paired bootstrap, in which
images are drawn again, each with its label and both answers. They depend on the images only through the counts of
(label, first answer, second answer), so those are drawn. A class that a resample does not hold is left out of its mean,
as one that the images do not hold is left out of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from workbench.errors import SpecError
from workbench.methods.bootstrap import Estimate, estimate, resample_counts
from workbench.methods.metrics import scores
from workbench.methods.paired import McNemar, mcnemar
from workbench.methods.proportions import paired_difference, share
from workbench.methods.shapes import Bools, Ints, check_labels

METRICS = ("accuracy", "macro_f1", "balanced_accuracy")
"""What is compared: macro F1 is the mean of the classes that are labelled or answered, balanced accuracy that of the
recalls of those that are labelled."""
ALPHA = 0.05
"""What counts as rare."""
_BLOCK = 4_000_000


@dataclass(frozen=True)
class Change:
    """One score of both classifiers and the second minus the first, each with its 95 % interval."""

    before: Estimate
    after: Estimate
    difference: Estimate


@dataclass(frozen=True)
class ClassRecall:
    """How the recall of one class changed."""

    name: str
    images: int
    change: Change


@dataclass(frozen=True)
class Comparison:
    """Two classifiers on the same labelled images.

    Parameters
    ----------
    images : int
        N.
    changes : dict of str to Change
        By the names in :data:`METRICS`, shares in 0..1.
    mcnemar : McNemar
        Images that only one of them has right, and the exact two-sided p.
    classes : tuple of ClassRecall
        Recall of each class that has images.
    """

    images: int
    changes: Mapping[str, Change]
    mcnemar: McNemar
    classes: tuple[ClassRecall, ...]

    @property
    def conclusion(self) -> str:
        """``"helped"``, ``"hurt"`` or ``"no measurable change"``: McNemar's p and the interval of accuracy agree."""
        difference = self.changes["accuracy"].difference
        if self.mcnemar.p > ALPHA or difference.low <= 0 <= difference.high:
            return "no measurable change"
        return "helped" if difference.value > 0 else "hurt"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; :meth:`from_dict` reads them back."""
        changes = {name: _plain(change) for name, change in self.changes.items()}
        classes = [{"name": each.name, "images": each.images, "change": _plain(each.change)} for each in self.classes]
        return asdict(self) | {"changes": changes, "classes": classes, "mcnemar": self.mcnemar._asdict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Comparison:
        """Return what :meth:`to_dict` gave."""
        return cls(
            int(values["images"]),
            {name: _change(change) for name, change in values["changes"].items()},
            McNemar(**values["mcnemar"]),
            tuple(ClassRecall(each["name"], each["images"], _change(each["change"])) for each in values["classes"]),
        )


def compare(
    labels: Ints, before: Ints, after: Ints, classes: Sequence[str], resamples: int = 2000, seed: int = 0
) -> Comparison:
    """Compare the answers of two classifiers.

    Parameters
    ----------
    labels, before, after : int array (N,)
        The label and both answers of each image, 0 .. K - 1.
    classes : sequence of str
        Names (K).
    resamples, seed : int
        Of the bootstrap.

    Raises
    ------
    SpecError
        There are no images.
    """
    count = len(classes)
    for values, name in ((labels, "labels"), (before, "answers before"), (after, "answers after")):
        check_labels(values, name, count, len(labels))
    if not len(labels):
        raise SpecError("there are no images to compare two classifiers on")
    was, now = before == labels, after == labels
    changes = {"accuracy": share_change(was, now), **_mean_changes(labels, before, after, count, resamples, seed)}
    support = np.bincount(labels, minlength=count)
    recalls = tuple(
        ClassRecall(name, int(support[place]), share_change(was[labels == place], now[labels == place]))
        for place, name in enumerate(classes)
        if support[place]
    )
    return Comparison(len(labels), changes, mcnemar(was, now), recalls)


def share_change(before: Bools, after: Bools) -> Change:
    """Compare how many images are right before and after, both ``(N,)`` with N at least 1."""
    count, gained, lost = len(before), int((after & ~before).sum()), int((before & ~after).sum())
    return Change(
        share(int(before.sum()), count),
        share(int(after.sum()), count),
        paired_difference(count, gained, lost, int((before & after).sum())),
    )


def _mean_changes(labels: Ints, before: Ints, after: Ints, count: int, resamples: int, seed: int) -> dict[str, Change]:
    cells, sizes = np.unique((labels * count + before) * count + after, return_counts=True)
    drawn = resample_counts(sizes, resamples, seed)  # (R, M)
    places = np.stack([cells // count**2, cells // count % count, cells % count])
    observed = [_means(sizes[None], places[0], places[1 + which], count) for which in (0, 1)]
    sampled = [_means(drawn, places[0], places[1 + which], count) for which in (0, 1)]
    return {name: _compared(observed, sampled, place) for place, name in enumerate(METRICS[1:])}


def _means(counts: Ints, labels: Ints, answers: Ints, n_classes: int) -> np.ndarray:
    """Return macro F1 and balanced accuracy of counts ``(R, M)``, each over the classes it holds: ``(R, 2)``."""
    cell = labels * n_classes + answers
    places = (cell[:, None] == np.arange(n_classes**2)).astype(np.float64)  # (M, K * K)
    parts = []
    block = max(1, _BLOCK // max(len(cell), n_classes**2))
    for start in range(0, len(counts), block):
        part = counts[start : start + block]
        cells = (part.astype(np.float64) @ places).astype(np.int64)  # whole numbers far below 2^53: exact
        confusion = cells.reshape(-1, n_classes, n_classes)
        found = scores(confusion)
        labelled = found.support > 0
        occurring = labelled | (confusion.sum(axis=1) > 0)
        parts.append(np.column_stack([_mean(found.f1, occurring), _mean(found.recall, labelled)]))
    return np.concatenate(parts)


def _mean(values: np.ndarray, counted: np.ndarray) -> np.ndarray:
    return np.asarray((values * counted).sum(axis=-1) / counted.sum(axis=-1))


def _compared(observed: Sequence[np.ndarray], sampled: Sequence[np.ndarray], place: int) -> Change:
    (one, two), (first, second) = ((pair[0][:, place], pair[1][:, place]) for pair in (observed, sampled))
    return Change(
        estimate(float(one[0]), first),
        estimate(float(two[0]), second),
        estimate(float(two[0] - one[0]), second - first),
    )


def _plain(change: Change) -> dict[str, Any]:
    return {name: getattr(change, name)._asdict() for name in ("before", "after", "difference")}


def _change(values: Mapping[str, Any]) -> Change:
    return Change(*(Estimate(**values[name]) for name in ("before", "after", "difference")))
