"""What the Training page knows: classifiers trained on a dataset, those that differ in their seed, and their jobs."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.app import session
from workbench.errors import WorkbenchError, unknown_name
from workbench.jobs import Job
from workbench.specs import CoopSpec, Spec, TrainSpec
from workbench.store import Artifact, canonical_json

if TYPE_CHECKING:
    from workbench.studies.learned_prompts import LearnedPrompts
    from workbench.studies.probing import StoredProbe
    from workbench.studies.trained import Epoch, TrainedNetwork

KINDS = ("probe", "coop", "trained")
"""Kinds of artifacts that are trained classifiers; each is asked for as ``kind:NAME``."""
SPECS = ("probe", "coop", "train")
"""Kinds of specs that make one."""
LATELY = 24 * 3600.0
"""Seconds for which a training that did not end well is spoken of."""
MOST_ENDED = 3


def stored(dataset: str) -> list[Artifact]:
    """Return the classifiers trained on a dataset, newest first."""
    store = session.store()
    found = [run for kind in KINDS for run in store.artifacts(kind) if run.spec.get("dataset") == dataset]
    return sorted(found, key=lambda run: run.created, reverse=True)


def model_of(run: Artifact) -> str:
    """Return what a classifier is called where a model is asked for, such as ``probe:NAME``."""
    return f"{run.kind}:{run.name}"


def dataset_of(model: str) -> str:
    """Return the dataset that ``model`` was trained on; empty where there is none of that name."""
    kind, _, name = model.partition(":")
    found = {run.name: run for run in session.store().artifacts(kind)} if kind in KINDS else {}
    return str(found[name].spec["dataset"]) if name in found else ""


def chosen(dataset: str, model: str, found: Sequence[Artifact]) -> Artifact:
    """Return the classifier ``model`` of a dataset, the newest where it is empty.

    Raises
    ------
    SpecError
        The dataset has none of that name.
    """
    by_model = {model_of(run): run for run in found}
    if model and model not in by_model:
        raise unknown_name(f"classifier trained on {dataset}", model, by_model)
    return by_model[model] if model else found[0]


def is_stale(run: Artifact, fingerprint: str) -> bool:
    """Whether the dataset has changed since a classifier was trained on it."""
    return bool(run.manifest["content"].get("rows", fingerprint) != fingerprint)


def groups(found: Sequence[Artifact]) -> list[tuple[Artifact, ...]]:
    """Return the classifiers, those that differ in their seed alone together and in the order of seeds."""
    together: dict[str, list[Artifact]] = {}
    for run in found:
        asked = {name: value for name, value in run.spec.items() if name != "seed"}
        content = {name: run.manifest["content"].get(name) for name in ("rows", "measure")}
        together.setdefault(canonical_json([asked, content]), []).append(run)
    return [tuple(sorted(runs, key=lambda run: int(run.spec.get("seed", 0)))) for runs in together.values()]


def measures(run: Artifact) -> dict[str, float]:
    """Return the numbers of a classifier by the names of the table's columns; NaN where there is none."""
    summary, reported = run.summary, run.summary["reported"]
    unseen = summary.get("unseen")
    found = {
        "accuracy": reported["accuracy"]["value"],
        "unseen": unseen["accuracy"]["value"] if unseen else None,
        "f1": reported["macro_f1"]["value"],
        "top3": reported["top_k_accuracy"].get("3", {}).get("value"),
        "ece": reported["calibration"]["error"]["value"],
        "images": summary["images"],
        "parameters": summary["parameters"],
        "seconds": summary["seconds"],
        "made": run.created,
    }
    return {name: math.nan if value is None else float(value) for name, value in found.items()}


def no_better_than(run: Artifact) -> float:
    """Return the share of the commonest class where a classifier's accuracy is not clearly above it, else 0."""
    reported = run.summary["reported"]
    commonest = max(map(sum, reported["confusion"])) / max(1, reported["images"])
    return commonest if reported["accuracy"]["low"] <= commonest else 0.0


@dataclass(frozen=True)
class Spread:
    """The mean of a number over seeds, and the least and the greatest."""

    mean: float
    low: float
    high: float


def spreads(runs: Sequence[Artifact]) -> dict[str, Spread]:
    """Return mean and range of each number of classifiers that differ in their seed alone."""
    each = [measures(run) for run in runs]
    columns = {name: [found[name] for found in each] for name in each[0]}
    return {name: Spread(math.fsum(values) / len(values), min(values), max(values)) for name, values in columns.items()}


def opened_probe(run: Artifact) -> StoredProbe:
    """Return a stored probe."""
    from workbench.studies.probing import open_probe

    return open_probe(run)


def opened_prompts(run: Artifact) -> LearnedPrompts:
    """Return stored learned prompts."""
    from workbench.studies.learned_prompts import open_coop

    return open_coop(run)


def opened_network(run: Artifact) -> TrainedNetwork:
    """Return a stored network that was trained here."""
    from workbench.studies.trained import open_trained

    return open_trained(run)


def live_epochs(job: Job) -> tuple[Epoch, ...]:
    """Return the epochs so far of a network that a job trains or was stopped at; empty for other jobs."""
    from workbench.studies.trained import live_curve

    spec = spec_of(job)
    return live_curve(spec, session.store()) if isinstance(spec, TrainSpec) else ()


def live_prompts(job: Job) -> list[dict[str, float]]:
    """Return the epochs so far, 0 the start, of prompts that a job learns or was stopped at; empty for other jobs."""
    from workbench.studies.learned_prompts import live_curve

    spec = spec_of(job)
    return live_curve(spec, session.store()) if isinstance(spec, CoopSpec) else []


def by_shots(run: Artifact, found: Sequence[Artifact]) -> list[dict[str, Any]]:
    """Return accuracy by training images of each class: learned prompts that differ from ``run`` in shots and seed."""
    alike = [each for each in found if each.kind == "coop" and _but_shots(each) == _but_shots(run)]
    return [
        {
            "shots": each.spec["shots"],
            "accuracy": each.summary["reported"]["accuracy"]["value"],
            "bounds": {name: bound["reported"]["accuracy"]["value"] for name, bound in each.summary["bounds"].items()},
        }
        for each in alike
    ]


def _but_shots(run: Artifact) -> str:
    asked = {name: value for name, value in run.spec.items() if name not in ("shots", "seed")}
    return canonical_json([asked, run.manifest["content"].get("rows")])


def mapped(run: Artifact) -> Artifact | None:
    """Return the newest map that learned prompts are drawn on, or ``None``."""
    maps = [each for each in session.store().artifacts("map") if each.spec.get("dataset") == run.spec["dataset"]]
    return next((each for each in maps if each.spec["concepts"] == model_of(run)), None)


def classified(run: Artifact) -> Artifact | None:
    """Return the classification of the dataset by a classifier, or ``None`` where it has not been made."""
    wanted = model_of(run)
    runs = session.runs(str(run.spec["dataset"]))
    return next((each for each in runs if each.spec.get("model") == wanted), None)


def dissected(run: Artifact) -> Artifact | None:
    """Return the newest dissection of a trained network, or ``None``."""
    wanted = model_of(run)
    return next((each for each in session.dissections(str(run.spec["dataset"])) if each.spec["target"] == wanted), None)


@dataclass(frozen=True)
class Trainings:
    """The jobs that train on a dataset: those that run or wait, and those that lately ended without a result."""

    live: tuple[Job, ...]
    ended: tuple[Job, ...]


def trainings(dataset: str, live: Sequence[str]) -> Trainings:
    """Return the jobs that train on a dataset; ``live`` are the states of one that has not ended.

    One that failed or was stopped is left out once the same has been asked for again.
    """
    going, ended, seen = [], [], set[str]()
    for job in session.jobs().list():
        if job.kind not in SPECS or (job.status not in live and (job.finished or 0) < time.time() - LATELY):
            continue
        spec = spec_of(job)
        if spec is None or getattr(spec, "dataset", "") != dataset:
            continue
        asked = canonical_json(spec.to_dict())
        if job.status in live:
            going.append(job)
        elif job.status in ("failed", "cancelled") and asked not in seen:
            ended.append(job)
        seen.add(asked)
    return Trainings(tuple(going), tuple(ended[:MOST_ENDED]))


def spec_of(job: Job) -> Spec | None:
    """Return what a job was asked for, or ``None`` where it cannot be read any more."""
    try:
        return job.spec
    except WorkbenchError:
        return None


def took(found: Sequence[Artifact], name: str) -> dict[str, float]:
    """Return the seconds that trainings took by the value of a spec's field, the newest of each.

    Of a probe, for every value of its setting that was tried together; else for an epoch.
    """
    taken: dict[str, float] = {}
    for run in found:
        taken.setdefault(str(run.spec[name]), _seconds(run.summary))
    return taken


def _seconds(summary: Mapping[str, Any]) -> float:
    own = float(summary["seconds"])
    if "tried" in summary:
        return max(own, sum(float(each["seconds"]) for each in summary["tried"]))
    return own / max(1, max(int(each["epoch"]) for each in summary["curve"]))
