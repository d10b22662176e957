"""Train again: did cleaning help? A probe on a dataset's labels before and after, held against the same images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.data.datasets import Dataset, open_dataset
from workbench.errors import SpecError
from workbench.methods.retrain import Comparison, compare
from workbench.methods.reweight_verdict import p_text, points
from workbench.methods.shapes import Bools, Ints
from workbench.progress import SILENT, Progress
from workbench.specs import RetrainSpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.clean import cleaned, open_parent, parent_rows
from workbench.studies.held_out import HeldOut, encoder_notes, held_out, learn_and_answer
from workbench.studies.stored import Stored

if TYPE_CHECKING:
    from workbench.models.clip import Clip

KIND = "retrain"
"""Kind of the artifacts that :func:`retrain` makes."""
MEASURE = 2
"""Number of the way it is compared; results of another are compared again."""
AGAINST = {
    "cleaned": "the cleaned labels",
    "parent": "the labels before cleaning",
    "changed": "the cleaned labels of images whose label changed",
}
"""What both probes are held against, in words; ``changed`` only where the reported split has such images."""


@dataclass(frozen=True)
class Retrain(Stored[RetrainSpec]):
    """A stored comparison of a probe before and after cleaning.

    Parameters
    ----------
    artifact : Artifact
        One Parquet part, a row a reported image; the comparisons stand in its summary.
    """

    @property
    def parent(self) -> str:
        """The dataset that was cleaned."""
        return str(self.summary["parent"])

    @property
    def training(self) -> Mapping[str, Mapping[str, Any]]:
        """For ``before`` and ``after``: images learned from, changed labels among them, the strength chosen."""
        training: Mapping[str, Mapping[str, Any]] = self.summary["training"]
        return training

    @property
    def comparisons(self) -> dict[str, Comparison]:
        """By the names in :data:`AGAINST`."""
        found = self.summary["comparisons"]
        return {name: Comparison.from_dict(found[name]) for name in AGAINST if name in found}

    @property
    def conclusion(self) -> str:
        """``"helped"``, ``"hurt"`` or ``"no measurable change"``, against the cleaned labels."""
        return self.comparisons["cleaned"].conclusion

    @property
    def sentence(self) -> str:
        """The result as one sentence."""
        return str(self.summary["sentence"])

    @property
    def images(self) -> pa.Table:
        """A row a reported image: ``id``, ``label`` and ``cleaned`` (labels), ``before`` and ``after`` (answers)."""
        return self.artifact.table()


def retrain(spec: RetrainSpec, store: Store, progress: Progress = SILENT) -> Retrain:
    """Train the same probe on the parent's labels and on the cleaned ones; compare both on the same held-out images.

    The probe *before* learns from every labelled image of the parent's training split, the probe *after* from those
    that cleaning kept, with their new labels. Each one's strength is chosen by folds within what it learns from.

    Raises
    ------
    SpecError
        No cleaned dataset of that name, its parent is gone or has changed, or a split is missing or empty.
    """
    dataset = open_dataset(store, spec.dataset)
    parent = open_parent(store, dataset)
    for split in (spec.train, spec.report_on):
        parent.rows(split)  # refuses a split that is not there before anything is loaded
    from workbench.models.clip import (
        load_clip,
    )  # loads torch, which reading a stored run, or refusing one, does without

    progress.step(f"load {spec.clip}")
    clip = load_clip(spec.clip)
    content = {
        "dataset": dataset.name,
        "rows": dataset.fingerprint,
        "parent_rows": parent.fingerprint,
        "clip": clip.fingerprint,
        "measure": MEASURE,
        **{name: getattr(spec, name) for name in ("train", "report_on", "leaks", "resamples", "seed")},
    }
    key = ArtifactKey(KIND, f"{dataset.name}-{spec.clip.rpartition('/')[2]}-{spec.report_on}", content)

    def compute(build: Build) -> Artifact:
        return _compute(build, spec, dataset, parent, clip, store, progress)

    return Retrain(store.find_or_build(key, spec.to_dict(), compute, progress))


def open_retrain(artifact: Artifact) -> Retrain:
    """Open a stored comparison; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not a {KIND}")
    return Retrain(artifact)


@dataclass(frozen=True)
class _Labels:
    """Both sets of labels over the parent's rows, as places in ``classes``; -1 for none."""

    classes: tuple[str, ...]
    before: Ints
    after: Ints
    kept: Bools  # rows that the cleaned dataset still has


def _labels(parent: Dataset, dataset: Dataset) -> _Labels:
    classes = tuple(dict.fromkeys([*parent.classes, *dataset.classes]))
    place = {name: number for number, name in enumerate(classes)}
    before = np.array([place.get(label, -1) for label in parent.labels.tolist()], dtype=np.int64)
    after, kept = np.full(len(parent), -1, dtype=np.int64), np.zeros(len(parent), dtype=bool)
    rows = parent_rows(parent, dataset)
    after[rows] = [place.get(label, -1) for label in dataset.labels.tolist()]
    kept[rows] = True
    return _Labels(classes, before, after, kept)


def _compute(
    build: Build,
    spec: RetrainSpec,
    dataset: Dataset,
    parent: Dataset,
    clip: Clip,
    store: Store,
    progress: Progress,
) -> Artifact:
    data = held_out(parent, clip, spec.train, spec.report_on, store, progress)
    labels = _labels(parent, dataset)
    leaked = data.leaked_train if spec.leaks == "drop" else np.zeros(0, dtype=np.int64)
    train = np.setdiff1d(parent.rows(spec.train), leaked)
    asked = parent.rows(spec.report_on)
    answers, training = {}, {}
    progress.step("train before and after", 2)
    for name, given in (("before", labels.before), ("after", labels.after)):
        rows = train[given[train] >= 0]
        answers[name], strength = learn_and_answer(
            data.features[rows], given[rows], data.groups[rows], data.features[asked], len(labels.classes), spec.seed
        )
        training[name] = {"images": len(rows), "strength": strength}
        progress.advance()
    rows = train[labels.kept[train]]
    training["after"] |= {
        "relabelled": int((labels.before[rows] != labels.after[rows]).sum()),
        "left_out": int((~labels.kept[train]).sum()),
    }
    progress.step("compare")
    comparisons = {}
    for name, given in _against(labels, asked).items():
        shown = given >= 0
        if shown.any():
            pair = (answers["before"][shown], answers["after"][shown])
            comparisons[name] = compare(given[shown], *pair, labels.classes, spec.resamples, spec.seed)
    if "cleaned" not in comparisons:
        raise SpecError(f"cleaning left no labelled image in {spec.report_on!r}; report on another split")
    build.write_table(0, _images(parent, labels, asked, answers))
    return build.finish(
        {
            "dataset": dataset.name,
            "parent": parent.name,
            "classes": list(labels.classes),
            "training": training,
            "comparisons": {name: found.to_dict() for name, found in comparisons.items()},
            "conclusion": comparisons["cleaned"].conclusion,
            "sentence": sentence(comparisons, spec.report_on),
            "notes": _notes(spec, data, dataset, labels, asked, len(leaked)),
        }
    )


def _against(labels: _Labels, asked: Ints) -> dict[str, Ints]:
    """Return what the answers are held against, by the names in :data:`AGAINST`; -1 where an image is not counted."""
    before, after = labels.before[asked], labels.after[asked]
    return {"cleaned": after, "parent": before, "changed": np.where(before != after, after, -1)}


def sentence(comparisons: Mapping[str, Comparison], split: str) -> str:
    """Return what cleaning did, as one sentence.

    Such as: "Cleaning helped: +1.80 points on test against the cleaned labels (95 % interval 0.40 to 3.20,
    McNemar p = .010); against the labels before cleaning +0.20 (-0.90 to 1.30, p = .76)."
    """
    words = []
    for name in ("cleaned", "parent"):
        if name in comparisons:
            difference, p = comparisons[name].changes["accuracy"].difference, comparisons[name].mcnemar.p
            low, high = (points(value).removeprefix("+") for value in (difference.low, difference.high))
            first = name == "cleaned"
            span = f"({'95 % interval ' if first else ''}{low} to {high}, {'McNemar ' if first else ''}{p_text(p)})"
            where = f" points on {split} against {AGAINST[name]}" if first else ""
            words.append(f"{'' if first else f'against {AGAINST[name]} '}{points(difference.value)}{where} {span}")
    heads = {
        "helped": "Cleaning helped",
        "hurt": "Cleaning hurt",
        "no measurable change": "Cleaning changed nothing that can be measured",
    }
    return f"{heads[comparisons['cleaned'].conclusion]}: {'; '.join(words)}."


def _images(parent: Dataset, labels: _Labels, asked: Ints, answers: Mapping[str, Ints]) -> pa.Table:
    names = np.array([*labels.classes, ""], dtype=object)  # -1 takes the last
    return pa.table(
        {
            "id": parent.ids[asked].tolist(),
            "label": names[labels.before[asked]].tolist(),
            "cleaned": names[labels.after[asked]].tolist(),
            "left_out": pa.array(~labels.kept[asked]),
            "before": names[answers["before"]].tolist(),
            "after": names[answers["after"]].tolist(),
        }
    )


def _notes(spec: RetrainSpec, data: HeldOut, dataset: Dataset, labels: _Labels, asked: Ints, dropped: int) -> list[str]:
    notes = encoder_notes(data, spec.clip, spec.train, spec.report_on)
    leaked = len(data.leaked_train)
    if dropped:
        notes.append(f"{dropped:,} training images were left out: a near-duplicate of each is reported on")
    elif leaked:
        notes.append(f"{leaked:,} training images have a near-duplicate among those reported on, and were kept")
    changed = int((labels.kept[asked] & (labels.before[asked] != labels.after[asked])).sum())
    gone = int((~labels.kept[asked]).sum())
    if changed or gone:
        notes.append(
            f"cleaning relabelled {changed:,} and left out {gone:,} of the {len(asked):,} images of "
            f"{spec.report_on!r}; the figures against the cleaned labels are on what is left"
        )
    origin = cleaned(dataset)
    if origin is not None and origin.changes["by"].get("proposal") and changed:
        notes.append(
            "some labels of the dataset were changed as a search for suspects proposes, by a probe much like this one: "
            "against such labels the probe agrees partly with itself, so judge by the labels before cleaning"
        )
    return notes
