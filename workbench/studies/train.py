"""Train a network on a dataset's images, guided by one split and reported on another, once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.data.datasets import Dataset, open_dataset
from workbench.data.images import decode
from workbench.errors import ModelError
from workbench.methods.shapes import Bools, Floats
from workbench.progress import SILENT, Progress
from workbench.specs.training import TrainSpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.case import Case, copy_notes, encoder_notes, open_case, split_notes, training_images
from workbench.studies.trained import CURVE, KIND, WEIGHTS, TrainedNetwork, write_curve

if TYPE_CHECKING:
    import torch

    from workbench.models.clip import Clip
    from workbench.models.epochs import Epoch
    from workbench.models.fitting import Fitted
    from workbench.models.networks import Architecture, View
    from workbench.models.weights import Weights

MEASURE = 1
"""Number of the way networks are trained; those of another are trained again."""
_DECODED_AT_ONCE = 1024
_SENTENCES = "fer7"
"""The concept set whose sentences a CLIP's tower begins with."""
_NAMELESS = ("dataset", "network", "start", "kind")
"""Fields of a spec that stand in what names a result by their content."""


@dataclass(frozen=True)
class _Begun:
    """What a training begins with."""

    architecture: Architecture
    clip: Clip | None
    weights: Weights | None


def train(spec: TrainSpec, store: Store, progress: Progress = SILENT) -> TrainedNetwork:
    """Train a network, or return what is stored; a stopped or killed training goes on where it was.

    Of all epochs the first with most images of ``tune_on`` right is kept, and ``report_on`` is looked at once. Copies
    of training images have no say in that choice.

    Raises
    ------
    SpecError
        The dataset, the network, its start or a split does not exist; a split has no labelled images; the training
        images have one class only, or share images with another split.
    ModelError
        The weights it begins with cannot be had or are another network's; the training diverged.
    Cancelled
        Stopped by ``progress`` between two steps; its state is kept.
    """
    dataset = open_dataset(store, spec.dataset)
    case = open_case(spec, dataset, "a network", "guide the training")
    begun = _begin(spec, case, progress)
    content = {
        "dataset": dataset.name,
        "rows": dataset.fingerprint,
        "measure": MEASURE,
        "architecture": begun.architecture.to_dict(),
        "clip": begun.clip.fingerprint if begun.clip else "",
        "start": _start(spec, begun),
        **{name: value for name, value in spec.to_dict().items() if name not in _NAMELESS},
    }
    seen_by = begun.clip.name.rpartition("/")[2] if begun.clip else spec.network
    key = ArtifactKey(KIND, f"{dataset.name}-{seen_by}", content)

    def compute(build: Build) -> Artifact:
        return _compute(build, spec, case, begun, store, progress)

    return TrainedNetwork(store.find_or_build(key, spec.to_dict(), compute, progress))


def _begin(spec: TrainSpec, case: Case, progress: Progress) -> _Begun:
    from workbench.models.networks import PREFIX, plan, read_start  # loads torch, which reading a result does without

    clip = None
    if spec.network.startswith(PREFIX):
        from workbench.models.clip import load_clip

        progress.step(f"load {spec.network}")
        clip = load_clip(spec.network.removeprefix(PREFIX))
    architecture = plan(spec.network, case.classes, spec.crops, clip)
    return _Begun(architecture, clip, read_start(spec.network, spec.start))


def _start(spec: TrainSpec, begun: _Begun) -> str:
    """Return what tells the weights it begins with from others, beside network and seed."""
    from workbench.data.concepts import load_concept_set
    from workbench.models.networks import digest

    if begun.weights is not None or begun.clip is None:
        return digest(begun.weights)
    return spec.start or load_concept_set(_SENTENCES).fingerprint


def _compute(build: Build, spec: TrainSpec, case: Case, begun: _Begun, store: Store, progress: Progress) -> Artifact:
    import torch

    from workbench.models.fitting import Faces, fit
    from workbench.models.recipes import Recipe, class_weights

    faces = _faces(case, begun.architecture.view, progress)
    known, guide, asked = (faces[rows] for rows in (case.train, case.tune, case.report))
    labels = torch.from_numpy(case.labels[case.train])
    recipe = Recipe(**{name: getattr(spec, name) for name in Recipe.__dataclass_fields__})
    curve = build.state.with_name(CURVE)

    def told(epochs: list[Epoch]) -> None:
        write_curve(curve, spec, [epoch._asdict() for epoch in epochs])

    guided = Faces(guide, torch.from_numpy(case.labels[case.tune]))
    counts = class_weights(labels, len(case.classes), spec.balance)
    module, fresh = _module(spec, begun, store, progress)
    try:
        fitted = fit(
            module, begun.architecture, Faces(known, labels), guided, counts, recipe, build.state, progress, told
        )
    except ModelError:
        if not build.state.exists():  # diverged: there is nothing to go on from
            curve.unlink(missing_ok=True)
        raise
    summary = _summary(spec, case, begun, fitted, asked, progress)
    if fresh:
        summary["notes"].append(
            f"the output layer began with fresh weights, since those of the start do not fit: {fresh}"
        )
    build.write_arrays(WEIGHTS, {name: value.numpy() for name, value in fitted.weights.items()})
    build.write_table(0, _fingerprints(case, begun.clip))
    curve.unlink(missing_ok=True)
    return build.finish(summary)


def _faces(case: Case, view: View, progress: Progress) -> torch.Tensor:
    """Read the gray faces of the splits, uint8 ``(len(dataset), S, S)``; rows of other splits stay black.

    Faces that are all squares of one size, none larger than the network sees, keep it: they are enlarged as they are
    looked at, which gives the same and takes less memory.
    """
    import torch

    from workbench.models.networks import gray_faces

    dataset = case.dataset
    rows = np.unique(np.concatenate([case.train, case.tune, case.report]))
    sizes = np.unique(dataset.sizes[rows])
    side = int(sizes[0]) if len(sizes) == 1 and sizes[0] <= view.side else view.side
    faces = torch.zeros((len(dataset), side, side), dtype=torch.uint8)
    progress.step(f"read the faces of {dataset.name}", len(rows))
    for start in range(0, len(rows), _DECODED_AT_ONCE):
        batch = rows[start : start + _DECODED_AT_ONCE]
        pictures = [decode(data, dataset.name) for data in dataset.image_bytes(batch)]
        faces[torch.from_numpy(batch)] = torch.from_numpy(gray_faces(pictures, side, view.interpolation))
        progress.advance(len(batch))
    return faces


def _module(spec: TrainSpec, begun: _Begun, store: Store, progress: Progress) -> tuple[torch.nn.Module, str]:
    """Build the network with the weights it begins with, and say why its output layer has none of a file's."""
    import torch

    from workbench.models.networks import begin
    from workbench.models.towers import Tower, take_tower

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        module = begun.architecture.build()
    if begun.weights is not None:
        return module, begin(module, begun.architecture, begun.weights)
    if begun.clip is not None and isinstance(module, Tower):
        take_tower(module, begun.clip)
        if spec.start != "new":
            texts = class_texts(begun.architecture.classes, begun.clip, store, progress)
            with torch.no_grad():
                module.head.weight.copy_(torch.from_numpy(texts))
    return module, ""


def class_texts(classes: tuple[str, ...], clip: Clip, store: Store, progress: Progress = SILENT) -> Floats:
    """Return a unit text embedding for each class, float32 ``(K, D)``.

    Classes of the concept set ``fer7`` have its sentences; any other stands in the same sentences by its own name.
    """
    from workbench.data.concepts import load_concept_set
    from workbench.methods.zeroshot import ensemble
    from workbench.studies.embed import embed_texts

    concepts = load_concept_set(_SENTENCES)
    found = []
    for name in classes:
        place = concepts.classes.index(name) if name in concepts.classes else -1
        words = [concepts.texts[i] for i in np.flatnonzero(concepts.membership[:, place])] if place >= 0 else [name]
        prompts = [template.replace("{}", word) for template in concepts.templates for word in words]
        texts = embed_texts(prompts, clip, store, progress).reshape(len(concepts.templates), len(words), -1)
        folded = ensemble(texts).mean(axis=0)
        found.append(folded / np.linalg.norm(folded))
    return np.asarray(np.stack(found), dtype=np.float32)


def _summary(
    spec: TrainSpec, case: Case, begun: _Begun, fitted: Fitted, asked: torch.Tensor, progress: Progress
) -> dict[str, Any]:
    from workbench.models.fitting import answers, device

    module = begun.architecture.build()
    module.load_state_dict(fitted.weights)
    module.to(device())
    progress.step(f"report on {spec.report_on}", len(asked))
    clock = time.perf_counter()
    found = _probabilities(answers(module, begun.architecture, asked, spec.crops, progress))
    rate = len(asked) / max(time.perf_counter() - clock, 1e-9)
    one = None
    if spec.crops > 1:
        one = case.judge(_probabilities(answers(module, begun.architecture, asked)), spec.seed)
    unseen = case.judge_unseen(found, spec.seed)
    return {
        "dataset": case.dataset.name,
        "network": spec.network,
        "architecture": begun.architecture.to_dict(),
        "classes": list(case.classes),
        "absent": case.absent,
        "crops": spec.crops,
        "images": len(case.train),
        "reported": case.judge(found, spec.seed),
        "unseen": unseen,
        "one_view": one,
        "parameters": sum(value.numel() for value in module.parameters()),
        "seconds": fitted.seconds,
        "images_per_second": rate,
        "curve": [epoch._asdict() for epoch in fitted.curve],
        "chosen_epoch": fitted.chosen,
        "early": fitted.early,
        "device": device().type,
        "notes": _notes(spec, case, begun, fitted, unseen),
    }


def _probabilities(logits: np.ndarray) -> Floats:
    wide = logits.astype(np.float64)
    powers = np.exp(wide - wide.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _fingerprints(case: Case, clip: Clip | None) -> pa.Table:
    """Return the fingerprints of the training images, and of those a CLIP was trained on before."""
    own = training_images(case.dataset, case.train)
    if clip is None or clip.training_images is None:
        return own
    before = clip.training_images
    rows = {"digest": before.digests.tolist(), "perceptual_hash": pa.array(before.hashes, pa.uint64())}
    return pa.concat_tables([own, pa.table(rows)])


def _notes(spec: TrainSpec, case: Case, begun: _Begun, fitted: Fitted, unseen: Mapping[str, Any] | None) -> list[str]:
    notes = split_notes(spec, case, "the network never answers so", "to guide the training", "guided the training")
    if begun.clip is not None:
        notes += encoder_notes(spec, case, begun.clip.name, _trained_on(case.dataset, begun.clip))
    notes += copy_notes(spec, case, dict(unseen) if unseen else None, "the network")
    if fitted.chosen == len(fitted.curve) == spec.epochs > 1:
        notes.append(f"the last of {spec.epochs} epochs was the best: more epochs may give more")
    answered = case.labels[case.tune]
    commonest = float(np.bincount(answered).max() / len(answered))
    best = fitted.curve[fitted.chosen - 1].accuracy
    if best <= commonest:
        notes.append(
            f"no epoch answered more of {spec.tune_on!r} rightly than always answering its commonest class "
            f"({100 * commonest:.1f} %): it has learned nothing; try another rate, more epochs or more images"
        )
    return notes


def _trained_on(dataset: Dataset, clip: Clip) -> Bools:
    if clip.training_images is None:
        return np.zeros(len(dataset), dtype=bool)
    return clip.training_images.matches(dataset.digests, dataset.hashes)
