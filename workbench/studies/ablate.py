"""Switch units of a layer off, one by one and in sets, and measure what that costs each class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.data.datasets import Dataset, open_dataset
from workbench.data.images import decode
from workbench.engines import engine
from workbench.errors import SpecError
from workbench.methods.ablate import (
    ClassSums,
    class_sums,
    random_sets,
    rank_by_label,
    rank_by_selectivity,
    stratified_sample,
)
from workbench.methods.shapes import Floats, Ints
from workbench.progress import SILENT, Progress
from workbench.specs import AblateSpec
from workbench.specs.base import numbers
from workbench.store import Artifact, ArtifactKey, Build, Store, content_hash
from workbench.studies.ablation import KIND
from workbench.studies.ablation import Ablation as Ablation
from workbench.studies.ablation import find_ablation as find_ablation
from workbench.studies.ablation import open_ablation as open_ablation
from workbench.studies.activations import forward_batches
from workbench.studies.classifier_runs import Evaluated, Subject, evaluated_images, image_notes, run_batches
from workbench.studies.dissect import probing_rows
from workbench.studies.dissection import Dissection, find_dissection
from workbench.studies.embed import list_column
from workbench.studies.reweight import check_same_dataset, check_same_network

if TYPE_CHECKING:
    import torch

    from workbench.models.tail import State
    from workbench.studies.classifier import Classifier

PART = 256
"""Images in a stored part; a stopped run resumes after the last whole one."""
MEAN_IMAGES = 1000
"""Probing images that the mean output is taken over, where the dissection does not hold it."""


@dataclass(frozen=True)
class _Plan:
    """All that decides the result.

    Parameters
    ----------
    values : float32 array (U,)
        What a unit's output is set to when it is switched off.
    sets : sequence of mapping
        ``class``, ``size`` and ``units`` of each set of a class.
    controls : mapping of int to int array (R, size)
        The random sets of each size.
    """

    spec: AblateSpec
    dissection: Dissection
    dataset: Dataset
    subject: Subject
    images: Evaluated
    values: Floats
    sets: Sequence[Mapping[str, Any]]
    controls: Mapping[int, Ints]
    notes: tuple[str, ...]

    def switched_off(self) -> list[Ints]:
        """Return the units of every change: none, each by itself, the classes' sets, then the random sets by size."""
        units = [np.array([unit]) for unit in range(len(self.values))]
        chosen = [np.asarray(one["units"]) for one in self.sets]
        drawn = [row for size in sorted(self.controls) for row in self.controls[size]]
        return [np.zeros(0, dtype=np.int64), *units, *chosen, *drawn]


def ablate(spec: AblateSpec, store: Store, progress: Progress = SILENT) -> Ablation:
    """Measure what each class loses without each unit of a layer, and without the units that count most for a class.

    Parameters
    ----------
    spec : AblateSpec
        Which layer of which dissection, on which images.
    store : Store
        The workspace.
    progress : Progress
        Told of every change; may stop the work.

    Raises
    ------
    SpecError
        No such dissection, layer or split; the network is not the one that was dissected, or has no classes.
    ModelError
        The network cannot be loaded, or gives something that is no finite number.
    Cancelled
        Stopped by ``progress``; finished parts are kept.
    """
    from workbench.models.targets import load_target  # loads torch, which reading a stored run does without
    from workbench.studies.classifier import open_classifier

    dissection = find_dissection(store, spec.dissection)
    spec = replace(spec, dissection=dissection.artifact.name)
    dissection.rows(spec.layer)
    dataset = open_dataset(store, dissection.spec.dataset)
    check_same_dataset(dissection, dataset)
    progress.step(f"load {dissection.spec.target}")
    target = load_target(dissection.spec.target, dissection.spec.weights, store)
    check_same_network(dissection, target.fingerprint)
    plan = _plan(spec, dissection, dataset, open_classifier(target, store, progress))

    def compute(build: Build) -> Artifact:
        return _compute(build, plan, progress)

    return Ablation(store.find_or_build(_key(plan), spec.to_dict(), compute, progress))


def _plan(spec: AblateSpec, dissection: Dissection, dataset: Dataset, classifier: Classifier) -> _Plan:
    import torch

    from workbench.models.tail import cut

    if len(classifier.classes) < 2:
        raise SpecError(f"{dissection.spec.target} has one class; what a class loses needs two or more")
    parts = cut(classifier.target, spec.layer)
    subject = Subject(classifier, spec.layer, parts, torch.zeros(parts.layer.units), with_bias=False)
    images, copies = _images(spec, dissection, dataset, classifier.classes)
    sets, notes = _class_sets(spec, dissection, classifier.classes)
    sizes = sorted({int(one["size"]) for one in sets})
    controls = {size: random_sets(parts.layer.units, size, spec.controls, spec.seed) for size in sizes}
    values = _values(spec, dissection, dataset, subject)
    return _Plan(spec, dissection, dataset, subject, images, values, sets, controls, (*notes, *copies))


def _images(
    spec: AblateSpec, dissection: Dissection, dataset: Dataset, classes: Sequence[str]
) -> tuple[Evaluated, list[str]]:
    """Return the images it is measured on, and a note where they are, or were, those that chose the units."""
    found = evaluated_images(dataset, spec.split, classes)
    probing, _ = probing_rows(dataset, dissection.spec)
    chose = np.isin(dataset.digests[found.rows], np.unique(dataset.digests[probing]))
    keep = ~chose if not chose.all() else chose
    places = np.flatnonzero(keep)
    places = places[stratified_sample(found.labels[places], spec.images, spec.seed)]
    notes = []
    if chose.all():
        notes.append("the images also chose the units, which flatters the losses; measure on another split")
    elif chose.any():
        notes.append(f"left out of {spec.split!r}: {int(chose.sum()):,} images that also chose the units")
    images = Evaluated(found.split, found.rows[places], found.labels[places], found.unlabelled, found.blank)
    return images, notes


def _class_sets(
    spec: AblateSpec, dissection: Dissection, classes: Sequence[str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the sets of each class and size, and what a reader must know of sizes and classes left out."""
    rows, notes = dissection.rows(spec.layer), []
    units = rows.stop - rows.start
    asked = sorted({int(size) for size in numbers(spec.sizes, "sizes")})
    sizes = [size for size in asked if size < units]
    if len(sizes) < len(asked):
        notes.append(f"{spec.layer} has {units} units, so no sets of {', '.join(map(str, asked[len(sizes) :]))}")
    sets: list[dict[str, Any]] = []
    without, short = [], []
    for name in classes:
        if name not in dissection.classes:
            without.append(name)
            continue
        ranking = _ranking(spec, dissection, rows, dissection.classes.index(name))
        fitting = [size for size in sizes if size <= len(ranking)]
        if len(fitting) < len(sizes):
            short.append(f"{name} ({len(ranking)})")
        sets += [{"class": name, "size": size, "units": ranking[:size].tolist()} for size in fitting]
    if without:
        notes.append(f"the dissection's concepts say nothing of {', '.join(without)}: no sets of units for them")
    if short:
        notes.append(f"fewer units than the largest sets take are ranked for {', '.join(short)}")
    return sets, notes


def _ranking(spec: AblateSpec, dissection: Dissection, rows: slice, place: int) -> Ints:
    if spec.by == "selectivity":
        return rank_by_selectivity(dissection.selectivity[rows, place])
    label = dissection.label[rows]
    speaks = (label >= 0) & dissection.membership[label, place]
    return rank_by_label(speaks, dissection.holds[rows], dissection.similarity[rows])


def _values(spec: AblateSpec, dissection: Dissection, dataset: Dataset, subject: Subject) -> Floats:
    """Return what each unit is set to: zero, or its mean over the probing images (and over space or tokens)."""
    layer = subject.cut.layer
    if spec.value == "zero":
        return np.zeros(layer.units, dtype=np.float32)
    if layer.kind == "vector" or (layer.kind == "map" and dissection.spec.pool in ("", "avg")):
        return np.array(dissection.mean[dissection.rows(spec.layer)], dtype=np.float32)
    probing, _ = probing_rows(dataset, dissection.spec)  # shuffled, so the first are a random sample
    unit_axis = -1 if layer.kind == "tokens" else 1

    def add(state: State) -> torch.Tensor:
        output = state.output.double().movedim(unit_axis, -1)
        return output.reshape(len(output), -1, layer.units).mean(1).sum(0)

    rows = np.sort(probing[:MEAN_IMAGES])
    sums = list(run_batches(subject, dataset, forward_batches(dataset, subject.classifier.target, rows), add))
    return np.asarray((sum(sums[1:], sums[0]) / len(rows)).numpy(), dtype=np.float32)


def _key(plan: _Plan) -> ArtifactKey:
    subject, images = plan.subject, plan.images
    content = {
        "classifier": subject.fingerprint,
        "dissection": plan.dissection.artifact.name,
        "layer": subject.layer,
        "value": plan.spec.value,
        "values": content_hash(plan.values.tolist()),
        "rows": plan.dataset.fingerprint,
        "split": images.split,
        "images": content_hash(images.rows.tolist()),
        "by": plan.spec.by,
        "sets": list(plan.sets),
        "controls": [plan.spec.controls, plan.spec.seed],
    }
    name = subject.classifier.target.spec.rpartition("/")[2]
    return ArtifactKey(KIND, f"{plan.dataset.name}-{name}-{subject.layer}-{plan.spec.value}", content)


def _compute(build: Build, plan: _Plan, progress: Progress) -> Artifact:
    rows = plan.images.rows
    off = plan.switched_off()
    parts = {start // PART: slice(start, start + PART) for start in range(0, len(rows), PART)}
    missing = {index: part for index, part in parts.items() if not build.has_part(index)}
    done = len(rows) - sum(len(rows[part]) for part in missing.values())
    progress.step(f"{len(off):,} changes of {plan.subject.layer}, {len(rows):,} images", len(off) * len(rows))
    progress.advance(done * len(off))
    results = _run(plan, off, [batch for part in missing.values() for batch in _batches(plan, part)], progress)
    for index, part in missing.items():
        found = [next(results) for _ in _batches(plan, part)]
        right, margin = (sum(each[1:], each[0]) for each in zip(*found, strict=True))
        build.write_table(index, pa.table({"right": list_column(right), "margin": list_column(margin)}))
    build.write_arrays("controls", {f"size-{size}": sets for size, sets in plan.controls.items()})
    return build.finish(_summary(plan))


def _batches(plan: _Plan, part: slice) -> list[Ints]:
    """Return the batches of a part, as places among the plan's images."""
    rows = plan.images.rows[part]
    sizes = [len(batch) for batch in forward_batches(plan.dataset, plan.subject.classifier.target, rows)]
    return np.split(np.arange(part.start, part.start + len(rows)), np.cumsum(sizes)[:-1])


def _run(plan: _Plan, off: Sequence[Ints], batches: Sequence[Ints], progress: Progress) -> Iterator[ClassSums]:
    """Yield each batch's sums for every change, ``(changes, K)``: what precedes the layer runs once for all of them."""
    import torch

    from workbench.models.switches import Switches

    classifier, cut = plan.subject.classifier, plan.subject.cut
    rows, labels = plan.images.rows, plan.images.labels
    switches = Switches(cut, torch.from_numpy(plan.values))
    sets = [torch.from_numpy(units) for units in off]

    def prepare(batch: Ints) -> tuple[torch.Tensor, Ints]:
        pictures = [decode(data, plan.dataset.name) for data in plan.dataset.image_bytes(rows[batch])]
        return classifier.target.prepare(pictures), labels[batch]

    def compute(ready: tuple[torch.Tensor, Ints]) -> ClassSums:
        found = []
        for outputs in switches.outputs(cut.head(ready[0]), sets):
            found.append(class_sums(classifier.logits(outputs), ready[1]))
            progress.advance(len(ready[1]))
        return ClassSums(*(np.stack(each) for each in zip(*found, strict=True)))

    return engine("local").map(prepare, compute, batches)


def _summary(plan: _Plan) -> dict[str, Any]:
    target, images = plan.subject.classifier.target, plan.images
    classes = plan.subject.classifier.classes
    return {
        "dataset": plan.dataset.name,
        "target": target.spec,
        "dissection": plan.dissection.artifact.name,
        "layer": plan.subject.layer,
        "classes": list(classes),
        "units": len(plan.values),
        "support": np.bincount(images.labels, minlength=len(classes)).tolist(),
        "sets": list(plan.sets),
        "sizes": sorted(plan.controls),
        "controls": plan.spec.controls,
        "notes": _notes(plan),
    }


def _notes(plan: _Plan) -> list[str]:
    target, images, dataset = plan.subject.classifier.target, plan.images, plan.dataset
    notes = [*target.notes, *plan.subject.cut.notes, *plan.notes]
    if plan.spec.value == "zero":
        quantiles = plan.dissection.quantiles[plan.dissection.rows(plan.subject.layer)]
        unusual = int(((quantiles[:, 5] > 0) | (quantiles[:, 95] < 0)).sum())
        if unusual:
            notes.append(
                f"zero lies outside the middle 90 % of the activations of {unusual:,} of the {len(plan.values):,} "
                "units: setting them to it adds a signal rather than taking one away; the mean does not"
            )
    if images.split in ("test", "merged-test"):
        notes.append(
            f"measured on {images.split!r}: whatever is decided by these figures must not be judged on it again"
        )
    return [*notes, *image_notes(target, dataset, images)]
