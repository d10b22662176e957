"""Run every way to classify faces on the same images, and put them side by side."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.data.concepts import load_concept_set
from workbench.data.datasets import open_dataset
from workbench.data.images import decode
from workbench.errors import ModelError, SpecError
from workbench.methods.bootstrap import Estimate
from workbench.methods.over_seeds import Measured, behind, measure
from workbench.methods.shapes import Bools, Ints
from workbench.progress import SILENT, Progress, Silent
from workbench.specs import LadderSpec, PredictSpec, Spec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies import run_study
from workbench.studies.case import Case, is_copy, open_case, split_notes
from workbench.studies.classification import KIND as CLASSIFICATION
from workbench.studies.classification import Classification, open_classification
from workbench.studies.rungs import ZERO_SHOT, Rung, chosen
from workbench.studies.standings import KIND, Ladder, Standing, tell

if TYPE_CHECKING:
    from PIL import Image

    from workbench.studies.classifier import Classifier

MEASURE = 3
"""Number of the way rungs are run and measured; ladders of another are run again."""
BATCH, BATCHES = 32, 4
"""A rung's speed is that of its fastest batch of so many, after one that does not count."""


@dataclass(frozen=True)
class _Climbed:
    """A rung that was run: the classifications of its seeds, the numbers kept of each, and what learning took."""

    rung: Rung
    runs: tuple[Classification, ...]
    parameters: tuple[int, ...]
    seconds: float | None
    made: str


def ladder(spec: LadderSpec, store: Store, progress: Progress = SILENT) -> Ladder:
    """Run every rung on a dataset, or return what is stored; what a rung needs is found or made by its own study.

    Raises
    ------
    SpecError
        No such dataset, split, CLIP or rung; a split without labelled images; no rung can be run.
    ModelError
        The weights of the CLIP cannot be had.
    Cancelled
        Stopped by ``progress``; the rungs finished so far are kept, and found when it is run again.
    """
    from workbench.models.clip import load_clip  # loads torch, which reading a stored ladder does without

    dataset = open_dataset(store, spec.dataset)
    rungs = chosen(spec.rungs)
    case = open_case(spec, dataset, "a classifier", "choose settings")
    content = {
        "dataset": dataset.name,
        "rows": dataset.fingerprint,
        "clip": load_clip(spec.clip).fingerprint,
        "measure": MEASURE,
        "rungs": [_asked(rung, spec) for rung in rungs],
        **{name: value for name, value in spec.to_dict().items() if name not in ("kind", "dataset", "clip", "rungs")},
    }
    key = ArtifactKey(KIND, f"{dataset.name}-{spec.clip.rpartition('/')[2]}", content)

    def compute(build: Build) -> Artifact:
        return _compute(build, spec, rungs, case, store, progress)

    return Ladder(store.find_or_build(key, spec.to_dict(), compute, progress))


def _asked(rung: Rung, spec: LadderSpec) -> dict[str, Any]:
    """Return all that decides what a rung answers, but for images and CLIP."""
    asked = rung.spec(spec, spec.seed).to_dict()
    texts = load_concept_set(asked["concepts"]).fingerprint if "concepts" in asked else ""
    measure = getattr(import_module(f"workbench.studies.{asked['kind']}"), "MEASURE", 0)
    return {"name": rung.name, "texts": texts, "measure": measure, **asked}


def _compute(
    build: Build, spec: LadderSpec, rungs: tuple[Rung, ...], case: Case, store: Store, progress: Progress
) -> Artifact:
    climbed: list[_Climbed] = []
    left_out: dict[str, str] = {}
    for rung in rungs:
        try:
            climbed.append(_climb(rung, spec, store, _Quietly(progress)))
        except (SpecError, ModelError) as error:  # of this rung alone: others may do without what is missing
            left_out[rung.name] = str(error)
            progress.note(f"{rung.title} is left out: {error}")
    if not climbed:
        raise SpecError(f"no rung can be run on {spec.dataset}: {next(iter(left_out.values()))}")
    whole, case = case, _known_to_all(case, climbed)
    unseen = ~is_copy(case.dataset, case.train, case.report)
    everything = np.ones(len(case.report), dtype=bool)
    progress.step("measure", len(climbed))
    measured = [_measured(each.runs, case, everything, spec, way) for way, each in enumerate(climbed)]
    copyless = [
        _measured(each.runs, case, unseen, spec, way) if unseen.any() else None for way, each in enumerate(climbed)
    ]
    rates = _speeds(climbed, case, store, progress)
    order = sorted(range(len(climbed)), key=lambda place: -measured[place].values["accuracy"])
    best = measured[order[0]]
    standings = [_standing(climbed[at], measured[at], copyless[at], best, rates[at]) for at in order]
    labels = case.labels[case.report]
    return build.finish(
        {
            "dataset": spec.dataset,
            "images": len(case.report),
            "copies": int((~unseen).sum()),
            "commonest": float(np.bincount(labels).max() / len(labels)),
            "standings": [asdict(each) for each in standings],
            "left_out": left_out,
            "sentence": tell(standings, spec.report_on, len(case.report)),
            "notes": [*_split_notes(spec, whole, case), *_notes(climbed, spec, case, unseen, left_out)],
        }
    )


def _climb(rung: Rung, spec: LadderSpec, store: Store, progress: Progress) -> _Climbed:
    """Run a rung with every seed."""
    seeds = range(spec.seed, spec.seed + (spec.seeds if rung.chance else 1))
    made = [_made(rung.spec(spec, seed), store, progress) for seed in seeds]
    runs = tuple(_classified(each, spec.dataset, store, progress) for each in made)
    learned = [artifact.summary for artifact in made if artifact.kind != CLASSIFICATION]
    parameters: tuple[int, ...] = ()
    seconds = None
    if learned:
        parameters = tuple(int(each["parameters"]) for each in learned)
        seconds = float(np.mean([each["seconds"] for each in learned]))
    elif rung.family == ZERO_SHOT:
        parameters, seconds = (0,), 0.0
    return _Climbed(rung, runs, parameters, seconds, made[0].reference)


def _known_to_all(case: Case, climbed: list[_Climbed]) -> Case:
    """Return the case with those images reported on whose class every rung can answer."""
    common = set.intersection(*(set(run.classes) for each in climbed for run in each.runs))
    known = np.array([name in common for name in case.dataset.classes], dtype=bool)
    kept = case.report[known[case.labels[case.report]]]
    if not len(kept):
        raise SpecError(f"the ways to classify share no class that an image of {case.dataset.name} has")
    return replace(case, report=kept)


def _split_notes(spec: LadderSpec, whole: Case, case: Case) -> list[str]:
    """Say what the splits can be trusted for, and which images not every rung could have had right."""
    notes = split_notes(spec, whole, "what is trained never answers so", "to choose settings", "chose settings")
    dropped = len(whole.report) - len(case.report)
    if dropped:
        notes.append(
            f"{dropped:,} of the {len(whole.report):,} labelled images of {spec.report_on!r} are left out: their class "
            "is none of every way's"
        )
    return notes


class _Quietly(Silent):
    """Tells the steps of what a ladder is made of, and keeps their notes, which stand in each result of its own."""

    def __init__(self, progress: Progress) -> None:
        self.step, self.advance = progress.step, progress.advance  # type: ignore[method-assign]


def _made(spec: Spec, store: Store, progress: Progress) -> Artifact:
    return store.artifact(*run_study(spec, store, progress).split("/", 1))


def _classified(made: Artifact, dataset: str, store: Store, progress: Progress) -> Classification:
    """Return what was made if it is a classification, else that of the classifier that was made."""
    if made.kind != CLASSIFICATION:
        made = _made(PredictSpec(dataset, f"{made.kind}:{made.name}"), store, progress)
    return open_classification(made)


def _measured(runs: tuple[Classification, ...], case: Case, kept: Bools, spec: LadderSpec, number: int) -> Measured:
    rows = case.report[kept]
    classes = list(case.dataset.classes)
    own = [_in_order(run, classes) for run in runs]
    answered = [np.asarray(run.ranked[rows]) for run in runs]
    ranked = [order[ranks] for order, ranks in zip(own, answered, strict=True)]
    confidence = [run.class_probabilities[rows, ranks[:, 0]] for run, ranks in zip(runs, answered, strict=True)]
    n_classes = 1 + max(len(classes) - 1, *(int(order.max()) for order in own))
    return measure(
        case.labels[rows], ranked, confidence, n_classes, resamples=spec.resamples, seed=spec.seed, way=number
    )


def _in_order(run: Classification, classes: list[str]) -> Ints:
    """Return the number of each of a run's classes among the dataset's; those it does not know follow behind."""
    more = [name for name in run.classes if name not in classes]
    return np.array([[*classes, *more].index(name) for name in run.classes], dtype=np.int64)


def _speeds(climbed: list[_Climbed], case: Case, store: Store, progress: Progress) -> list[float]:
    """Return the images a second of every rung, from decoded picture to answer; what is the same model runs once."""
    from workbench.studies.classifier import load_classifier  # loads torch

    rows = np.resize(case.report, BATCH)
    pictures = [decode(data, case.dataset.name) for data in case.dataset.image_bytes(rows)]
    models = [_model(each.runs[0]) for each in climbed]
    found: dict[str, float] = {}
    for model in dict.fromkeys(models):
        progress.step(f"time {model}")
        classifier = load_classifier(model, "", store, progress)
        taken = [_seconds(classifier, pictures) for _ in range(1 + BATCHES)]
        found[model] = BATCH / min(taken[1:])
    return [found[model] for model in models]


def _model(run: Classification) -> str:
    """Return what answers a picture as the run was answered; how concepts are folded takes no time."""
    return run.spec.model if isinstance(run.spec, PredictSpec) else f"clip:{run.spec.clip}"


def _seconds(classifier: Classifier, pictures: list[Image.Image]) -> float:
    begun = time.perf_counter()
    classifier.logits(classifier.target.logits(classifier.target.prepare(pictures)))
    return time.perf_counter() - begun


def _standing(each: _Climbed, measured: Measured, unseen: Measured | None, best: Measured, rate: float) -> Standing:
    accuracies = measured.by_seed["accuracy"]
    return Standing(
        name=each.rung.name,
        seeds=len(each.runs),
        **{name: measured.estimate(name) for name in ("accuracy", "top_3", "macro_f1", "ece")},
        lowest=float(accuracies.min()),
        highest=float(accuracies.max()),
        unseen=unseen.estimate("accuracy") if unseen else None,
        behind=Estimate(0.0, 0.0, 0.0) if measured is best else behind(best, measured),
        parameters=round(float(np.mean(each.parameters))) if each.parameters else None,
        fewest=min(each.parameters, default=None),
        most=max(each.parameters, default=None),
        seconds=each.seconds,
        rate=rate,
        run=each.runs[0].artifact.name,
        made=each.made,
    )


def _notes(climbed: list[_Climbed], spec: LadderSpec, case: Case, unseen: Bools, left_out: dict[str, str]) -> list[str]:
    notes = []
    copies = int((~unseen).sum())
    if copies:
        notes.append(
            f"{copies:,} of the {len(case.report):,} images of {spec.report_on!r} are copies of images of "
            f"{spec.train!r}; what learned from those may remember the answer: see the accuracy without copies"
        )
    for each in climbed:
        seen = int((each.runs[0].trained_on[case.report] & unseen).sum())
        if seen:
            notes.append(f"{each.rung.title} was trained on {seen:,} of the images reported on: not held out")
    few = [each.rung.title for each in climbed if each.rung.chance and len(each.runs) < 3]
    if few:
        notes.append(f"fewer than three seeds: the intervals of {', '.join(few)} hardly cover chance in training")
    notes += [
        f"{chosen(name)[0].title} is left out: {why}; once that is mended, run it with --rungs {name}"
        for name, why in left_out.items()
    ]
    return notes
