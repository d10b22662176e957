"""Leakage: pictures that stand in the training split and in the reported one, and whether they inflate accuracy.

Whether they do is answered by pairs: two probes, one that learned from the leaked training images and one that did
not, on the same leaked reported images and on the whole split. Accuracy with minus without the leaked reported images
is told beside it, but it cannot answer: those images may be easier than the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.data.datasets import Dataset, open_dataset
from workbench.errors import SpecError
from workbench.methods.bootstrap import Estimate, estimate, resample_counts
from workbench.methods.proportions import share
from workbench.methods.retrain import Comparison, compare
from workbench.methods.reweight_verdict import p_text, points
from workbench.methods.shapes import Bools, Ints
from workbench.progress import SILENT, Progress
from workbench.specs import LeakageSpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.held_out import HeldOut, encoder_notes, held_out, learn_and_answer
from workbench.studies.stored import Stored

if TYPE_CHECKING:
    from workbench.models.clip import Clip

KIND = "leakage"
"""Kind of the artifacts that :func:`leakage` makes."""
CONFOUNDED = "that mixes in how easy those images are, so it does not tell what leaking adds"
"""What is said of accuracy with minus without leaked images."""
MEASURE = 2
"""Number of the way it is measured; results of another are measured again."""


@dataclass(frozen=True)
class Leakage(Stored[LeakageSpec]):
    """A stored measurement of leakage between two splits.

    Parameters
    ----------
    artifact : Artifact
        One Parquet part, a row a reported image; the figures stand in its summary.
    """

    @property
    def counts(self) -> Mapping[str, int]:
        """Images: ``train``, ``reported``; of those reported ``exact`` and ``near`` copies; ``leaked_train``."""
        return dict(self.summary["counts"])

    @property
    def accuracy(self) -> dict[str, Estimate]:
        """Of the probe, by the images it is measured on, with Wilson's interval; one without images is left out.

        ``all`` reported images, the ``leaked`` ones alone, those ``without`` them; ``unleaked_probe`` and
        ``leaked_unleaked_probe``: all and the leaked ones again, of a probe that learned from no leaked image.
        """
        found = self.summary["accuracy"]
        return {name: Estimate(**value) for name, value in found.items()}

    @property
    def inflation(self) -> Estimate | None:
        """Accuracy on all reported images minus that without leaked ones, 95 % interval; ``None`` if all are leaked.

        It mixes what leaking adds with how easy the leaked images are; :attr:`leaked_comparison` does not.
        """
        found = self.summary["inflation"]
        return Estimate(**found) if found else None

    @property
    def comparison(self) -> Comparison | None:
        """The probe that learned from all images after the one that learned from no leaked ones, on all reported."""
        found = self.summary["comparison"]
        return Comparison.from_dict(found) if found else None

    @property
    def leaked_comparison(self) -> Comparison | None:
        """The same two probes on the leaked reported images alone; ``None`` without any, and in older results."""
        found = self.summary.get("leaked_comparison")
        return Comparison.from_dict(found) if found else None

    @property
    def sentence(self) -> str:
        """The result: how much leaks, and whether that inflates accuracy."""
        return str(self.summary["sentence"])

    @property
    def confounded(self) -> str:
        """Accuracy with minus without the leaked images as one sentence that says why it does not answer; or empty."""
        return grown_sentence(self.inflation) if self.inflation is not None else ""

    @property
    def images(self) -> pa.Table:
        """A row a reported image: ``id``, ``label``, ``leaked`` (``""``, ``exact``, ``near``), both answers."""
        return self.artifact.table()


def leakage(spec: LeakageSpec, store: Store, progress: Progress = SILENT) -> Leakage:
    """Count exact and near duplicates across two splits and measure a probe with and without them.

    Raises
    ------
    SpecError
        No such dataset or split, a split without labelled images, or two that share images.
    """
    dataset = open_dataset(store, spec.dataset)
    for split in (spec.train, spec.report_on):
        dataset.rows(split)
    from workbench.models.clip import (
        load_clip,
    )  # loads torch, which reading a stored run, or refusing one, does without

    progress.step(f"load {spec.clip}")
    clip = load_clip(spec.clip)
    content = {
        "dataset": dataset.name,
        "rows": dataset.fingerprint,
        "clip": clip.fingerprint,
        "measure": MEASURE,
        **{name: getattr(spec, name) for name in ("train", "report_on", "resamples", "seed")},
    }
    key = ArtifactKey(KIND, f"{dataset.name}-{spec.clip.rpartition('/')[2]}-{spec.report_on}", content)

    def compute(build: Build) -> Artifact:
        return _compute(build, spec, dataset, clip, store, progress)

    return Leakage(store.find_or_build(key, spec.to_dict(), compute, progress))


def open_leakage(artifact: Artifact) -> Leakage:
    """Open a stored measurement; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not a {KIND}")
    return Leakage(artifact)


def _compute(
    build: Build, spec: LeakageSpec, dataset: Dataset, clip: Clip, store: Store, progress: Progress
) -> Artifact:
    data = held_out(dataset, clip, spec.train, spec.report_on, store, progress)
    place = {name: number for number, name in enumerate(dataset.classes)}
    labels = np.array([place.get(label, -1) for label in dataset.labels.tolist()], dtype=np.int64)
    leaked = np.isin(data.reported, data.leaked_reported)
    exact = leaked & np.isin(dataset.digests[data.reported], dataset.digests[data.train])
    given = labels[data.reported]
    progress.step("train with and without leaked images", 1 + bool(leaked.any()))
    answers = _answers(data, labels, data.train, spec.seed)
    progress.advance()
    comparison, on_leaked, unleaked = None, None, None
    if leaked.any():
        unleaked = _answers(data, labels, np.setdiff1d(data.train, data.leaked_train), spec.seed)
        comparison = compare(given, unleaked, answers, dataset.classes, spec.resamples, spec.seed)
        pair = (unleaked[leaked], answers[leaked])
        on_leaked = compare(given[leaked], *pair, dataset.classes, spec.resamples, spec.seed)
        progress.advance()
    right = answers == given
    accuracy = {"all": right, "without": right[~leaked], "leaked": right[leaked]}
    if unleaked is not None:
        accuracy |= {"unleaked_probe": unleaked == given, "leaked_unleaked_probe": (unleaked == given)[leaked]}
    shown = {name: share(int(part.sum()), len(part)) for name, part in accuracy.items() if len(part)}
    grown = None if leaked.all() else inflation(right, leaked, spec.resamples, spec.seed)
    counts = {
        "train": len(data.train),
        "reported": len(data.reported),
        "exact": int(exact.sum()),
        "near": int((leaked & ~exact).sum()),
        "leaked_train": len(data.leaked_train),
    }
    build.write_table(0, _images(data, leaked, exact, answers, unleaked))
    return build.finish(
        {
            "dataset": dataset.name,
            "counts": counts,
            "accuracy": {name: found._asdict() for name, found in shown.items()},
            "inflation": grown._asdict() if grown else None,
            "comparison": comparison.to_dict() if comparison else None,
            "leaked_comparison": on_leaked.to_dict() if on_leaked else None,
            "sentence": sentence(counts, comparison, on_leaked, spec),
            "notes": encoder_notes(data, spec.clip, spec.train, spec.report_on),
        }
    )


def inflation(right: Bools, leaked: Bools, resamples: int, seed: int = 0) -> Estimate:
    """Return accuracy on all images minus that on those not leaked, with the interval of a bootstrap of the images.

    Parameters
    ----------
    right, leaked : bool array (N,)
        Whether each image is right, and whether it was leaked.
    resamples, seed : int
        Of the bootstrap.
    """
    counts = np.zeros((2, 2), dtype=np.int64)
    np.add.at(counts, (leaked.astype(np.int64), right.astype(np.int64)), 1)
    drawn = resample_counts(counts, resamples, seed)

    def gap(cells: np.ndarray) -> np.ndarray:
        own = cells[..., 0, :]
        everything = cells.sum(axis=-2)
        return np.asarray(
            everything[..., 1] / np.maximum(everything.sum(axis=-1), 1) - own[..., 1] / np.maximum(own.sum(axis=-1), 1)
        )

    return estimate(float(gap(counts)), gap(drawn))


def sentence(
    counts: Mapping[str, int], comparison: Comparison | None, on_leaked: Comparison | None, spec: LeakageSpec
) -> str:
    """Return how much leaks, and whether it inflates accuracy, by the two probes on the same images."""
    if comparison is None or on_leaked is None:
        return f"No image of {spec.report_on} has a copy in {spec.train}, exact or near: nothing leaks."
    heads = {
        "helped": "Leakage inflates accuracy",
        "hurt": "Leaked training images lower accuracy",
        "no measurable change": "No inflation by leakage can be measured",
    }
    leaked = f"{counts['exact'] + counts['near']:,} of the {counts['reported']:,} images of {spec.report_on}"
    return (
        f"{leaked} also stand in {spec.train} ({counts['exact']:,} exactly, {counts['near']:,} nearly). "
        f"{heads[on_leaked.conclusion]}: learning from their copies changes a probe's accuracy by {_gain(on_leaked)} "
        f"on those images and by {_gain(comparison)} on all of {spec.report_on}."
    )


def grown_sentence(grown: Estimate) -> str:
    """Return accuracy with minus without the leaked images as one sentence that says what it cannot tell."""
    return f"Counting the leaked images changes accuracy by {_span(grown, ' points')}; {CONFOUNDED}."


def _gain(comparison: Comparison) -> str:
    return f"{_span(comparison.changes['accuracy'].difference, ' points')[:-1]}, {p_text(comparison.mcnemar.p)})"


def _span(value: Estimate, unit: str) -> str:
    low, high = (points(each).removeprefix("+") for each in (value.low, value.high))
    return f"{points(value.value)}{unit} (95 % interval {low} to {high})"


def _answers(data: HeldOut, labels: Ints, rows: Ints, seed: int) -> Ints:
    features = data.features
    count = len(data.dataset.classes)
    return learn_and_answer(features[rows], labels[rows], data.groups[rows], features[data.reported], count, seed)[0]


def _images(data: HeldOut, leaked: Bools, exact: Bools, answers: Ints, unleaked: Ints | None) -> pa.Table:
    dataset, names = data.dataset, np.array(data.dataset.classes, dtype=object)
    columns: dict[str, Any] = {
        "id": dataset.ids[data.reported].tolist(),
        "label": dataset.labels[data.reported].tolist(),
        "leaked": np.where(exact, "exact", np.where(leaked, "near", "")).tolist(),
        "predicted": names[answers].tolist(),
    }
    if unleaked is not None:
        columns["predicted_without_leaks"] = names[unleaked].tolist()
    return pa.table(columns)
