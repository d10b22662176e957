"""Compare two classifiers on the same images: accuracy, macro F1 and balanced accuracy, their differences, what holds.

Intervals are percentiles of a paired bootstrap: images are drawn again, each with its label and both answers. All
scores depend on the images only through the counts of (label, first answer, second answer), so those are drawn.
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
from workbench.methods.shapes import Ints, check_labels

METRICS = ("accuracy", "macro_f1", "balanced_accuracy")
"""What is compared; balanced accuracy is the mean recall of the classes that occur."""
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
    cells, sizes = np.unique((labels * count + before) * count + after, return_counts=True)
    drawn = resample_counts(sizes, resamples, seed)  # (R, M)
    places = np.stack([cells // count**2, cells // count % count, cells % count])
    observed = [_scores(sizes[None], places[0], places[1 + which], count) for which in (0, 1)]
    sampled = [_scores(drawn, places[0], places[1 + which], count) for which in (0, 1)]
    changes = {name: _compared(observed, sampled, place) for place, name in enumerate(METRICS)}
    support = np.bincount(labels, minlength=count)
    first = len(METRICS)
    recalls = tuple(
        ClassRecall(name, int(support[place]), _compared(observed, sampled, first + place))
        for place, name in enumerate(classes)
        if support[place]
    )
    return Comparison(len(labels), changes, mcnemar(before == labels, after == labels), recalls)


def _scores(counts: Ints, labels: Ints, answers: Ints, n_classes: int) -> np.ndarray:
    """Return the scores of :data:`METRICS`, then each class's recall, of counts ``(R, M)``: ``(R, 3 + K)``."""
    cell = labels * n_classes + answers
    occurring = np.zeros(n_classes, dtype=bool)
    occurring[np.concatenate([labels, answers])] = True
    labelled = np.bincount(labels, minlength=n_classes) > 0
    parts = []
    block = max(1, _BLOCK // n_classes**2)
    for start in range(0, len(counts), block):
        part = counts[start : start + block]
        confusion = np.zeros((len(part), n_classes**2), dtype=np.int64)
        np.add.at(confusion.T, cell, part.T)
        found = scores(confusion.reshape(-1, n_classes, n_classes), occurring)
        balanced = found.recall[:, labelled].mean(axis=1)
        parts.append(np.column_stack([found.accuracy, found.macro_f1, balanced, found.recall]))
    return np.concatenate(parts)


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
