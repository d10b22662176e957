"""Train a probe: a classifier on stored embeddings or raw pixels, tuned on one split and reported on another, once."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.data.datasets import open_dataset
from workbench.methods.forest import Forest, growth
from workbench.methods.learners import LEARNERS, Tried, choose, values_to_try
from workbench.methods.shapes import Bools, Floats
from workbench.progress import SILENT, Progress
from workbench.specs.training import ProbeSpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.case import Case, copy_notes, encoder_notes, open_case, split_notes, training_images
from workbench.studies.embed import embed_dataset
from workbench.studies.forest_parts import forget_parts, grow_on
from workbench.studies.map import check_usable
from workbench.studies.pixels import DIMENSION, pixel_features
from workbench.studies.probing import KIND as KIND
from workbench.studies.probing import MODEL, StoredProbe
from workbench.studies.probing import find_probe as find_probe
from workbench.studies.probing import open_probe as open_probe

if TYPE_CHECKING:
    from workbench.models.clip import Clip

FOREST = "forest"
"""The learner that grows on once its setting is chosen."""
MEASURE = 3
"""Number of the way probes learn; those of another are trained again."""


def probe(spec: ProbeSpec, store: Store, progress: Progress = SILENT) -> StoredProbe:
    """Train a probe, or return what is stored.

    The learner tries each value of its setting on the training split; the value that is right most often on
    ``tune_on`` is kept, as it was trained, and ``report_on`` is looked at once.

    Raises
    ------
    SpecError
        The dataset, CLIP or a split does not exist; a split has no labelled images; the training images have one class
        only, or share images with another split; embeddings are not finite or all equal; a setting is out of range.
    ModelError
        The weights of the CLIP cannot be had.
    Cancelled
        Stopped by ``progress``; the embeddings finished so far are kept.
    """
    dataset = open_dataset(store, spec.dataset)
    case = open_case(spec, dataset, "a probe", "choose the setting")
    values = values_to_try(spec.learner, spec.values, len(case.train))
    clip = _load(spec, progress)
    content = {
        "dataset": dataset.name,
        "rows": dataset.fingerprint,
        "measure": MEASURE,
        "clip": clip.fingerprint if clip else "",
        "values": list(values),
        "trees": spec.trees if spec.learner == FOREST else 0,
        **{name: getattr(spec, name) for name in ("learner", "on", "train", "tune_on", "report_on", "seed")},
    }
    seen_by = spec.clip.rpartition("/")[2] if clip else "pixels"
    key = ArtifactKey(KIND, f"{dataset.name}-{spec.learner}-{seen_by}", content)

    def compute(build: Build) -> Artifact:
        return _compute(build, spec, case, values, clip, store, progress)

    found = StoredProbe(store.find_or_build(key, spec.to_dict(), compute, progress))
    forget_parts(spec, store)
    return found


def _load(spec: ProbeSpec, progress: Progress) -> Clip | None:
    if spec.on == "pixels":
        return None
    from workbench.models.clip import load_clip  # loads torch, which reading a stored probe does without

    progress.step(f"load {spec.clip}")
    return load_clip(spec.clip)


def _compute(
    build: Build,
    spec: ProbeSpec,
    case: Case,
    values: tuple[float, ...],
    clip: Clip | None,
    store: Store,
    progress: Progress,
) -> Artifact:
    dataset, labels = case.dataset, case.labels
    features, trained_on = _features(case, clip, store, progress)
    classes = dataset.classes
    learner = LEARNERS[spec.learner]
    progress.step(f"train {learner.title}, {learner.setting}", len(values))
    learned, tried, place = choose(
        spec.learner,
        (features[case.train], labels[case.train]),
        (features[case.tune], labels[case.tune]),
        len(classes),
        values,
        spec.seed,
        progress.advance,
    )
    told, seconds = _told(tried, place), tried[place].seconds
    if isinstance(learned, Forest):
        known = features[case.train], labels[case.train]
        learned, grown = grow_on(learned, spec, known, len(classes), int(tried[place].value), store, progress)
        seconds += grown
        told |= _growth(learned, case, features, spec.seed)
    found = learned.probabilities(features[case.report])
    build.write_arrays(MODEL, learned.arrays())
    build.write_table(0, training_images(dataset, case.train))
    unseen = case.judge_unseen(found, spec.seed)
    return build.finish(
        {
            "dataset": dataset.name,
            "learner": spec.learner,
            "clip": clip.name if clip else "",
            "clip_fingerprint": clip.fingerprint if clip else "",
            "classes": list(classes),
            "absent": case.absent,
            "dimension": int(features.shape[1]),
            "images": len(case.train),
            "reported": case.judge(found, spec.seed),
            "unseen": unseen,
            "parameters": learned.parameters,
            "seconds": seconds,
            **told,
            "notes": _notes(spec, case, trained_on, unseen),
        }
    )


def _features(case: Case, clip: Clip | None, store: Store, progress: Progress) -> tuple[Floats, Bools]:
    """Return what is learned from, a row an image, and which images the CLIP was trained on."""
    seen = np.zeros(len(case.dataset), dtype=bool)
    rows = np.unique(np.concatenate([case.train, case.tune, case.report]))
    if clip is None:
        features = np.zeros((len(case.dataset), DIMENSION), dtype=np.float32)
        features[rows] = pixel_features(case.dataset, rows, progress)
        return features, seen
    matrix = embed_dataset(case.dataset, clip, store, progress).matrix
    check_usable(matrix[rows], case.dataset, rows, clip.name)
    if clip.training_images is not None:
        seen = clip.training_images.matches(case.dataset.digests, case.dataset.hashes)
    return matrix, seen


def _told(tried: tuple[Tried, ...], place: int) -> dict[str, Any]:
    plain = [asdict(each) | {"accuracy": each.accuracy._asdict()} for each in tried]
    return {"chosen": tried[place].value, "tried": plain, "growth": []}


def _growth(forest: Forest, case: Case, features: Floats, seed: int) -> dict[str, Any]:
    found = growth(forest, features[case.tune], case.labels[case.tune], seed)
    return {"growth": [each._asdict() | {"accuracy": each.accuracy._asdict()} for each in found]}


def _notes(spec: ProbeSpec, case: Case, trained_on: Bools, unseen: dict[str, Any] | None) -> list[str]:
    return [
        *split_notes(spec, case, "the probe never answers so", "to choose the setting", "chose the setting"),
        *encoder_notes(spec, case, spec.clip, trained_on),
        *copy_notes(spec, case, unseen, "the probe"),
    ]
