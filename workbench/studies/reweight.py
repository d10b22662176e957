"""Reweight a layer by how interpretable its units are: choose on one split, judge on another, beside controls."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from workbench.data.datasets import Dataset, open_dataset
from workbench.errors import SpecError
from workbench.methods.reweight import (
    Grid,
    choose,
    default_thresholds,
    norm_scales,
    random_scales,
    settings_grid,
    shuffled_values,
)
from workbench.methods.reweight_verdict import Verdict, conclusion, judge, left_alone, optimism, sentence
from workbench.methods.shapes import Bools, Floats, Ints
from workbench.progress import SILENT, Progress
from workbench.specs import ReweightSpec
from workbench.specs.base import numbers
from workbench.store import Artifact, ArtifactKey, Build, Store, content_hash
from workbench.studies.classifier_runs import (
    Evaluated,
    Subject,
    evaluated_images,
    image_notes,
    open_subject,
    predictions,
    right,
)
from workbench.studies.dissection import Dissection, find_dissection
from workbench.studies.reweighting import KIND as KIND
from workbench.studies.reweighting import Reweighting as Reweighting
from workbench.studies.reweighting import open_reweighting as open_reweighting

if TYPE_CHECKING:
    from workbench.studies.classifier import Classifier

NETWORK = "network"
"""Kind of the reweighted networks; see workbench.models.targets."""
SHUFFLES = 10
"""How often the whole procedure, sweep and choice, is repeated with shuffled similarities."""


def reweight(spec: ReweightSpec, store: Store, progress: Progress = SILENT) -> Reweighting:
    """Try every setting on one split, choose, report once on another beside controls, and save the network.

    Raises
    ------
    SpecError
        No such dissection, layer or split; the layer has no weights; a threshold leaves all units on one side; the
        network is not the one that was dissected; the two splits share images.
    ModelError
        The network cannot be loaded.
    Cancelled
        Stopped by ``progress``; finished parts are kept.
    """
    from workbench.models.targets import load_target  # loads torch, which reading a stored run does without
    from workbench.studies.classifier import open_classifier

    dissection = find_dissection(store, spec.dissection)
    spec = replace(spec, dissection=dissection.artifact.name)
    values = layer_values(dissection, spec.layer, spec.threshold)
    grid = make_grid(values, spec)
    dataset = open_dataset(store, dissection.spec.dataset)
    check_same_dataset(dissection, dataset)
    progress.step(f"load {dissection.spec.target}")
    target = load_target(dissection.spec.target, dissection.spec.weights, store)
    check_same_network(dissection, target.fingerprint)
    classifier = open_classifier(target, store, progress)
    plan = _plan(spec, dataset, classifier, values, grid)

    def compute(build: Build) -> Artifact:
        return _compute(build, plan, store, progress)

    return Reweighting(store.find_or_build(_key(spec, plan), spec.to_dict(), compute, progress))


def layer_values(dissection: Dissection, layer: str, by: str) -> Floats:
    """Return what decides about each unit of a layer: its greatest similarity (``tau``) or its q value, ``(U,)``."""
    values = dissection.q if by == "q" else dissection.similarity
    return np.asarray(values[dissection.rows(layer)], dtype=np.float64)


def make_grid(values: Floats, spec: ReweightSpec) -> Grid:
    """Return the settings a spec asks for."""
    thresholds = sorted(set(numbers(spec.thresholds, "thresholds"))) if spec.thresholds else []
    thresholds = thresholds or default_thresholds(values, spec.threshold)
    return settings_grid(values, thresholds, sorted(set(numbers(spec.factors, "factors"))), spec.rule, spec.threshold)


def check_same_dataset(dissection: Dissection, dataset: Dataset) -> None:
    """Refuse a dataset whose rows are not those that were dissected."""
    if dissection.artifact.manifest["content"]["rows"] != dataset.fingerprint:
        raise SpecError(
            f"{dataset.name} has changed since it was dissected as {dissection.artifact.name}; dissect it again"
        )


def check_same_network(dissection: Dissection, fingerprint: str) -> None:
    """Refuse a network whose weights are not those that were dissected."""
    dissected = dissection.artifact.manifest["content"].get("target")
    if dissected is not None and dissected != fingerprint:
        raise SpecError(
            f"{dissection.spec.target} has other weights than when it was dissected as {dissection.artifact.name}; "
            "dissect it again"
        )


@dataclass(frozen=True)
class _Plan:
    """All that decides the result."""

    spec: ReweightSpec
    dataset: Dataset
    subject: Subject
    values: Floats
    grid: Grid
    choosing: Evaluated
    reported: Evaluated


def _plan(spec: ReweightSpec, dataset: Dataset, classifier: Classifier, values: Floats, grid: Grid) -> _Plan:
    from workbench.models.layers import list_layers, match_layers

    layer = match_layers(list_layers(classifier.target), spec.layer)[0]
    if not layer.has_weight:
        raise SpecError(f"layer {layer.name} ({layer.type}) has no weights to scale; choose a layer that has")
    subject = open_subject(classifier, layer.name, with_bias=spec.rule == "weights-and-bias")
    reported = evaluated_images(dataset, spec.report_on, classifier.classes)
    choose_on = spec.report_on if spec.protocol == "test-set" else spec.choose_on
    choosing = evaluated_images(dataset, choose_on, classifier.classes)
    shared = np.intersect1d(choosing.rows, reported.rows).size
    if shared and spec.protocol != "test-set":
        raise SpecError(
            f"{choose_on!r} and {spec.report_on!r} share {shared:,} images: what chooses must not be reported on"
        )
    return _Plan(spec, dataset, subject, values, grid, choosing, reported)


def _key(spec: ReweightSpec, plan: _Plan) -> ArtifactKey:
    dataset, target = plan.dataset, plan.subject.classifier.target
    content = {
        "classifier": plan.subject.fingerprint,
        "layer": plan.subject.layer,
        "rule": spec.rule,
        "threshold": spec.threshold,
        "thresholds": plan.grid.thresholds.tolist(),
        "factors": plan.grid.factors.tolist(),
        "values": content_hash([None if v != v else v for v in plan.values.tolist()]),
        "rows": dataset.fingerprint,
        "choosing": [plan.choosing.split, content_hash(plan.choosing.rows.tolist())],
        "reported": [plan.reported.split, content_hash(plan.reported.rows.tolist())],
        "protocol": spec.protocol,
        "controls": spec.controls,
        "seed": spec.seed,
    }
    name = target.spec.rpartition("/")[2]
    return ArtifactKey(KIND, f"{dataset.name}-{name}-{plan.subject.layer}-{spec.rule}", content)


def _compute(build: Build, plan: _Plan, store: Store, progress: Progress) -> Artifact:
    spec, grid = plan.spec, plan.grid
    shuffled = [_regrid(plan, values) for values in shuffled_values(plan.values, SHUFFLES, spec.seed)]
    swept = _right(plan, plan.choosing, np.concatenate([grid.scales, *(g.scales for g in shuffled)]), store, progress)
    before, sweeps = swept[0], np.split(swept[1:], 1 + len(shuffled))
    gains = [_gains(sweep, before) for sweep in sweeps]
    chosen = choose(gains[0], grid.changes)
    picks = [choose(gain, g.changes) for gain, g in zip(gains[1:], shuffled, strict=True)]
    kept = [g.scales[pick] for g, pick in zip(shuffled, picks, strict=True) if pick >= 0]
    extra = _extra_scales(plan, chosen) | {"shuffled": np.array(kept, np.float32).reshape(-1, grid.scales.shape[1])}
    predicted = _predicted(plan, plan.reported, np.concatenate([grid.scales, *extra.values()]), store, progress)
    progress.step("judge")
    correct = right(predicted, plan.reported.labels)
    changes = _gains(correct[1:], correct[0]) / len(plan.reported.labels)  # of the settings, then of the controls
    ends = np.cumsum([len(grid), *map(len, extra.values())])
    controls = dict(zip(extra, np.split(changes[ends[0] :], ends[1:-1] - ends[0]), strict=True))
    controls["shuffled"] = np.pad(controls["shuffled"], (0, SHUFFLES - len(kept)))  # left alone: no change
    network, verdict = "", None
    if chosen >= 0:
        network = _save_network(plan, grid.scales[chosen], store).name
        verdict = judge(
            correct[0], correct[1 + chosen], plan.reported.labels, plan.subject.classifier.classes, spec.seed
        )
    build.write_table(0, _images(plan, predicted[0], predicted[1 + chosen]))
    build.write_arrays("sweep", _sweep(grid, gains[0] / len(plan.choosing.rows), changes[: len(grid)]))
    build.write_arrays("controls", controls)
    flattered = optimism(correct[1 : 1 + len(grid)], correct[0], grid.changes, chosen, seed=spec.seed)
    return build.finish(_summary(plan, chosen, verdict, controls, network) | {"optimism": flattered.to_dict()})


def _regrid(plan: _Plan, values: Floats) -> Grid:
    thresholds = list(dict.fromkeys(plan.grid.thresholds.tolist()))
    factors = list(dict.fromkeys(plan.grid.factors.tolist()))
    return settings_grid(values, thresholds, factors, plan.spec.rule, plan.spec.threshold)


def _predicted(
    plan: _Plan, images: Evaluated, scales: Floats, store: Store, progress: Progress
) -> npt.NDArray[np.int16]:
    """Return predictions ``(1 + S, N)``, those of the network as it is first."""
    as_is = np.ones((1, scales.shape[1]), dtype=np.float32)
    return predictions(plan.subject, plan.dataset, images.rows, np.concatenate([as_is, scales]), store, progress)


def _right(plan: _Plan, images: Evaluated, scales: Floats, store: Store, progress: Progress) -> Bools:
    return right(_predicted(plan, images, scales, store, progress), images.labels)


def _gains(correct: Bools, before: Bools) -> Ints:
    """Return how many images each setting gets right beyond the network as it is, ``(S,)``."""
    return np.asarray(correct.sum(axis=1, dtype=np.int64) - int(before.sum()))


def _extra_scales(plan: _Plan, chosen: int) -> dict[str, Floats]:
    """Return the scales of the controls that belong to the chosen setting, none where the network is left alone."""
    scale = plan.grid.scales[chosen] if chosen >= 0 else np.zeros((0, plan.grid.scales.shape[1]), np.float32)
    if chosen < 0:
        return dict.fromkeys(("random", "norm", "inverted"), scale)
    name = plan.subject.layer
    weight = plan.subject.classifier.target.module.state_dict()[f"{name}.weight"]
    norms = weight.flatten(1).norm(dim=1).cpu().numpy() if weight.ndim > 1 else weight.abs().cpu().numpy()
    return {
        "random": random_scales(scale, plan.spec.controls, plan.spec.seed),
        "norm": norm_scales(scale, norms)[None],
        "inverted": (1 / scale)[None],
    }


def _sweep(grid: Grid, change: Floats, report_change: Floats) -> dict[str, npt.NDArray[Any]]:
    return {
        "threshold": grid.thresholds,
        "factor": grid.factors,
        "up": grid.up,
        "change": change,
        "report_change": report_change,
    }


def _images(plan: _Plan, before: npt.NDArray[np.int16], after: npt.NDArray[np.int16]) -> pa.Table:
    classes = np.asarray(plan.subject.classifier.classes)
    rows = plan.reported.rows
    return pa.table(
        {
            "id": plan.dataset.ids[rows].tolist(),
            "label": plan.dataset.labels[rows].tolist(),
            "before": classes[before].tolist(),
            "after": classes[after].tolist(),
        }
    )


def _save_network(plan: _Plan, scale: Floats, store: Store) -> Artifact:
    """Store the reweighted network: the changed tensors, and which network they belong to."""
    import torch

    from workbench.models.layers import scaled_weights

    target = plan.subject.classifier.target
    layer, with_bias = plan.subject.layer, plan.subject.with_bias
    digest = hashlib.sha256(scale.astype("<f4").tobytes()).hexdigest()[:16]
    content = {"base": target.fingerprint, "layer": layer, "bias": with_bias, "scale": digest}
    key = ArtifactKey(NETWORK, f"{target.spec.rpartition('/')[2]}-{layer}-reweighted", content)

    def compute(build: Build) -> Artifact:
        dissected = find_dissection(store, plan.spec.dissection).spec
        changed = scaled_weights(target.module, layer, torch.from_numpy(scale), with_bias)
        build.write_arrays("weights", {name: tensor.detach().cpu().numpy() for name, tensor in changed.items()})
        return build.finish(
            {
                "base": dissected.target,
                "base_weights": dissected.weights,
                "base_fingerprint": target.fingerprint,
                "classes": list(target.classes or ()),
                "layer": layer,
            }
        )

    return store.find_or_build(key, plan.spec.to_dict(), compute)


def _summary(
    plan: _Plan, chosen: int, verdict: Verdict | None, controls: Mapping[str, Floats], network: str
) -> dict[str, Any]:
    grid, choosing, reported = plan.grid, plan.choosing, plan.reported
    setting = None
    words = left_alone(plan.subject.layer, choosing.split, len(choosing.rows), len(grid))
    if verdict is not None:
        up = int(grid.up[chosen])
        setting = {
            "index": chosen,
            "threshold": float(grid.thresholds[chosen]),
            "factor": float(grid.factors[chosen]),
            "up": up,
            "down": len(plan.values) - up,
        }
        words = sentence(verdict, controls, reported.split)
    return {
        "dataset": plan.dataset.name,
        "target": plan.subject.classifier.target.spec,
        "layer": plan.subject.layer,
        "classes": list(plan.subject.classifier.classes),
        "units": len(plan.values),
        "images": {"choose": len(choosing.rows), "report": len(reported.rows)},
        "splits": {"choose": choosing.split, "report": reported.split},
        "chosen": setting,
        "verdict": verdict.to_dict() if verdict else None,
        "conclusion": conclusion(verdict, controls) if verdict else "left alone",
        "sentence": words,
        "network": network,
        "notes": _notes(plan),
    }


def _notes(plan: _Plan) -> list[str]:
    notes = []
    target, dataset = plan.subject.classifier.target, plan.dataset
    splits = [plan.reported] if plan.spec.protocol == "test-set" else [plan.choosing, plan.reported]
    if plan.spec.protocol == "test-set":
        notes.append(
            f"the setting was chosen on the very images it is reported on ({plan.reported.split}), so its gain, "
            "interval and p-value flatter it"
        )
    for images in splits:
        notes += image_notes(target, dataset, images)
    if len(splits) == 2:
        copies = int(np.isin(dataset.digests[plan.reported.rows], dataset.digests[plan.choosing.rows]).sum())
        if copies:
            notes.append(f"{copies:,} images of {plan.reported.split!r} also stand in {plan.choosing.split!r}")
    return [*target.notes, *plan.subject.cut.notes, *notes]
