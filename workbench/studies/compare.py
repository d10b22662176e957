"""Compare two classifications of the same dataset: which is better, on which classes, and where they disagree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.data.datasets import Dataset, open_dataset
from workbench.errors import SpecError
from workbench.methods.compare import ClassTest, class_tests
from workbench.methods.retrain import Comparison, compare
from workbench.methods.reweight_verdict import p_text, points
from workbench.methods.shapes import Ints
from workbench.progress import SILENT, Progress
from workbench.specs.ladder import CompareSpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.classification import KIND as CLASSIFICATION
from workbench.studies.classification import Classification, open_classification
from workbench.studies.stored import Stored

KIND = "comparison"
"""Kind of the artifacts that :func:`compare_runs` makes."""
RIGHT = ("first", "second", "neither", "")
"""Who is right where the two disagree; empty where the label is none of both runs' classes."""


@dataclass(frozen=True)
class RunComparison(Stored[CompareSpec]):
    """A stored comparison of two classifications.

    Parameters
    ----------
    artifact : Artifact
        One Parquet part, a row an image the two disagree on; the figures stand in its summary.
    """

    @property
    def dataset(self) -> str:
        """The dataset both classify."""
        return str(self.summary["dataset"])

    @property
    def models(self) -> tuple[str, str]:
        """The two runs in a few words, such as ``"face-clip, fer7 (sum)"``; never equal."""
        first, second = self.summary["models"]
        return str(first), str(second)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of both runs, then those that only one of them has."""
        return tuple(self.summary["classes"])

    @property
    def comparison(self) -> Comparison:
        """Accuracy, macro F1, balanced accuracy and recalls: ``before`` is the first run's, ``after`` the second's."""
        return Comparison.from_dict(self.summary["comparison"])

    @property
    def tests(self) -> tuple[ClassTest, ...]:
        """For each class that has images, on how many only one is right, and whether that is chance."""
        return tuple(ClassTest(**each) for each in self.summary["tests"])

    @property
    def counts(self) -> Mapping[str, int]:
        """Images: ``both`` right, ``first`` or ``second`` alone, ``neither``; ``disagree`` of all that are counted."""
        return dict(self.summary["counts"])

    @property
    def better(self) -> str:
        """``"first"``, ``"second"`` or ``""``: which is more accurate, beyond what could be chance."""
        return _better(self.comparison)

    @property
    def sentence(self) -> str:
        """The result as one sentence."""
        return str(self.summary["sentence"])

    @cached_property
    def disagreements(self) -> pa.Table:
        """A row an image the two disagree on, in the dataset's order.

        ``row`` (of the dataset), ``id``, ``label``, ``first`` and ``second`` (answers), ``right`` (one of
        :data:`RIGHT`), ``first_probability`` and ``second_probability`` (of each one's own answer, 0..1).
        """
        return self.artifact.table()

    def rows(self, right: str = "", label: str = "") -> Ints:
        """Return the dataset's rows they disagree on, surest first; of one class, or where ``right`` is right.

        Sure is by the sum of the probabilities that the two give their own answers.
        """
        table = self.disagreements
        right_ones, labels = (np.array(table[name].to_pylist(), dtype=object) for name in ("right", "label"))
        kept = ((right_ones == right) | (right == "")) & ((labels == label) | (label == ""))
        sure = table["first_probability"].to_numpy() + table["second_probability"].to_numpy()
        rows = table["row"].to_numpy()
        return np.asarray(rows[kept][np.argsort(-sure[kept], kind="stable")], dtype=np.int64)


def compare_runs(spec: CompareSpec, store: Store, progress: Progress = SILENT) -> RunComparison:
    """Compare two stored classifications on one split, or return what is stored.

    Raises
    ------
    SpecError
        No such run or split, both are the same, they are of different datasets or of an older version of it, or no
        image is labelled with a class of both.
    """
    first, second = (open_classification(store.named(CLASSIFICATION, name)) for name in (spec.first, spec.second))
    dataset = _dataset(first, second, store)
    dataset.rows(spec.split)
    spec = replace(spec, first=first.artifact.name, second=second.artifact.name)
    content = {name: getattr(spec, name) for name in ("first", "second", "split", "resamples", "seed")}
    key = ArtifactKey(KIND, f"{dataset.name}-{spec.split}-{' vs '.join(_words((first, second)))}", content)

    def compute(build: Build) -> Artifact:
        return _compute(build, spec, dataset, (first, second), progress)

    return RunComparison(store.find_or_build(key, spec.to_dict(), compute, progress))


def open_comparison(artifact: Artifact) -> RunComparison:
    """Open a stored comparison; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not a {KIND}")
    return RunComparison(artifact)


def _dataset(first: Classification, second: Classification, store: Store) -> Dataset:
    """Return the dataset that both runs classify, as it now is."""
    if first.artifact.name == second.artifact.name:
        raise SpecError(f"both runs are {first.artifact.name}; name two different ones (see: workbench artifacts)")
    names = [str(run.artifact.manifest["content"]["dataset"]) for run in (first, second)]
    if names[0] != names[1]:
        raise SpecError(
            f"{first.artifact.name} is of dataset {names[0]!r}, {second.artifact.name} of {names[1]!r}; compare runs "
            "of one dataset"
        )
    dataset = open_dataset(store, names[0])
    for run in (first, second):
        if run.artifact.manifest["content"]["rows"] != dataset.fingerprint:
            raise SpecError(f"{dataset.name} has changed since {run.artifact.name} was made; classify it again")
    return dataset


def _compute(
    build: Build,
    spec: CompareSpec,
    dataset: Dataset,
    runs: tuple[Classification, Classification],
    progress: Progress,
) -> Artifact:
    both = [name for name in runs[0].classes if name in runs[1].classes]
    classes = list(dict.fromkeys([*both, *runs[0].classes, *runs[1].classes]))
    place = {name: number for number, name in enumerate(classes)}
    asked = dataset.rows(spec.split)
    given = np.array(
        [place[label] if label in both else -1 for label in dataset.labels[asked].tolist()], dtype=np.int64
    )
    counted = given >= 0
    if not counted.any():
        raise SpecError(f"no image of {spec.split!r} of {dataset.name} is labelled with a class of both runs")
    answers = [np.array([place[name] for name in run.predicted[asked].tolist()], dtype=np.int64) for run in runs]
    progress.step("compare")
    labels, (first, second) = given[counted], (answer[counted] for answer in answers)
    comparison = compare(labels, first, second, classes, spec.resamples, spec.seed)
    models = _words(runs)
    build.write_table(0, _disagreements(dataset, asked, given, answers, runs))
    right = np.stack([first == labels, second == labels])
    counts = {
        "both": int(right.all(axis=0).sum()),
        "first": comparison.mcnemar.lost,
        "second": comparison.mcnemar.gained,
        "neither": int((~right.any(axis=0)).sum()),
        "disagree": int((first != second).sum()),
    }
    return build.finish(
        {
            "dataset": dataset.name,
            "models": models,
            "classes": classes,
            "comparison": comparison.to_dict(),
            "tests": [test._asdict() for test in class_tests(labels, first, second, classes)],
            "counts": counts,
            "sentence": sentence(comparison, counts, models, spec.split),
            "notes": _notes(spec, dataset, runs, models, asked, both, int((~counted).sum())),
        }
    )


def _disagreements(
    dataset: Dataset, asked: Ints, given: Ints, answers: list[Ints], runs: tuple[Classification, Classification]
) -> pa.Table:
    apart = np.flatnonzero(answers[0] != answers[1])
    rows, label = asked[apart], given[apart]
    first, second = (answer[apart] for answer in answers)
    right = np.select([label < 0, first == label, second == label], ["", "first", "second"], "neither")
    columns: dict[str, Any] = {
        "row": rows.astype(np.int64),
        "id": dataset.ids[rows].tolist(),
        "label": dataset.labels[rows].tolist(),
    }
    columns |= {name: run.predicted[rows].tolist() for name, run in zip(("first", "second"), runs, strict=True)}
    columns["right"] = right.tolist()
    for name, run in zip(("first", "second"), runs, strict=True):
        own = [run.classes.index(answer) for answer in columns[name]]
        columns[f"{name}_probability"] = run.class_probabilities[rows, own].astype(np.float32)
    return pa.table(columns)


def _words(runs: tuple[Classification, Classification]) -> list[str]:
    words = []
    for run in runs:
        summary = run.artifact.manifest["summary"]
        network = summary["aggregate"] == "network"
        words.append(
            summary["clip"] if network else f"{summary['clip']}, {summary['concept_set']} ({summary['aggregate']})"
        )
    if words[0] == words[1]:
        words = [f"{each} {run.artifact.name.rpartition('-')[2][:6]}" for each, run in zip(words, runs, strict=True)]
    return words


def _better(comparison: Comparison) -> str:
    return {"helped": "second", "hurt": "first"}.get(comparison.conclusion, "")


def sentence(comparison: Comparison, counts: Mapping[str, int], models: list[str], split: str) -> str:
    """Return which run is better as one sentence, with the interval, the test and the disagreements."""
    better = _better(comparison)
    value, low, high = comparison.changes["accuracy"].difference
    if better == "first":
        head = f"{models[0]} is more accurate than {models[1]} on {split} ("
        value, low, high = -value, -high, -low
    elif better == "second":
        head = f"{models[1]} is more accurate than {models[0]} on {split} ("
    else:
        head = f"{models[0]} and {models[1]} cannot be told apart on {split} (the second "
    span = f"95 % interval {points(low)} to {points(high)}, McNemar {p_text(comparison.mcnemar.p)}"
    alone = f"{models[0]} alone is right on {counts['first']:,}, {models[1]} alone on {counts['second']:,}"
    return (
        f"{head}{points(value)} points, {span}); they disagree on {counts['disagree']:,} of "
        f"{comparison.images:,} images: {alone}."
    )


def _notes(
    spec: CompareSpec,
    dataset: Dataset,
    runs: tuple[Classification, Classification],
    models: list[str],
    asked: Ints,
    both: list[str],
    uncounted: int,
) -> list[str]:
    notes = []
    seen = [int(run.trained_on[asked].sum()) for run in runs]
    for run, words, count in zip(runs, models, seen, strict=True):
        if count:
            unfair = "" if min(seen) else ", and the other has seen none of them"
            share = f"{count:,} of the {len(asked):,} images of {spec.split!r}"
            notes.append(f"{words} was trained on {share}: its figures there are not held out{unfair}")
        alone = [name for name in run.classes if name not in both]
        if alone:
            notes.append(f"only {words} has the classes {', '.join(alone)}; images with these labels are not counted")
    if uncounted:
        notes.append(f"{uncounted:,} images of {spec.split!r} of {dataset.name} are not counted: no class of both runs")
    return notes
