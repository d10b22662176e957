"""Train a probe: a classifier on stored embeddings or raw pixels, tuned on one split and reported on another, once."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.data.datasets import Dataset, open_dataset
from workbench.errors import SpecError
from workbench.methods.forest import Forest, growth
from workbench.methods.learners import LEARNERS, Tried, choose, ranks, values_to_try
from workbench.methods.metrics import evaluate
from workbench.methods.shapes import Bools, Floats, Ints
from workbench.models.fingerprints import TrainingImages
from workbench.progress import SILENT, Progress
from workbench.specs.training import ProbeSpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies import protocol
from workbench.studies.embed import embed_dataset
from workbench.studies.forest_parts import forget_parts, grow_on
from workbench.studies.map import check_usable, class_numbers
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


@dataclass(frozen=True)
class _Case:
    """The labelled rows of three splits, ascending, and the classes of all rows (-1 where there is no label).

    ``tune`` holds no copies of training images, which would choose the learner that remembers best; ``copies`` were
    left out of it.
    """

    dataset: Dataset
    labels: Ints
    train: Ints
    tune: Ints
    report: Ints
    copies: int


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
    case = _case(spec, dataset)
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


def _case(spec: ProbeSpec, dataset: Dataset) -> _Case:
    labels = class_numbers(dataset)
    found = {}
    for split in (spec.train, spec.tune_on, spec.report_on):
        rows = dataset.rows(split)
        found[split] = rows[labels[rows] >= 0]
        if not len(found[split]):
            raise SpecError(f"split {split!r} of {dataset.name} has no labelled images; choose another")
    for split, purpose in ((spec.tune_on, "choose the setting"), (spec.report_on, "report")):
        shared = np.intersect1d(found[spec.train], found[split]).size
        if shared:
            raise SpecError(
                f"{spec.train!r} and {split!r} of {dataset.name} share {shared:,} images; {purpose} on images that "
                "were not learned from"
            )
    if len(np.unique(labels[found[spec.train]])) < 2:
        only = dataset.classes[labels[found[spec.train][0]]]
        raise SpecError(
            f"all labelled images of {spec.train!r} of {dataset.name} are {only!r}; a probe needs two classes"
        )
    tune = found[spec.tune_on]
    new = tune[~_copies(dataset, found[spec.train], tune)]
    if not len(new):
        raise SpecError(
            f"every labelled image of {spec.tune_on!r} of {dataset.name} is a copy of one of {spec.train!r}; choose "
            "the setting on another split"
        )
    return _Case(dataset, labels, found[spec.train], new, found[spec.report_on], len(tune) - len(new))


def _compute(
    build: Build,
    spec: ProbeSpec,
    case: _Case,
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
    told, seconds, begun = _told(tried, place), tried[place].seconds, time.perf_counter()
    if isinstance(learned, Forest):
        known = features[case.train], labels[case.train]
        learned = grow_on(learned, spec, known, len(classes), int(tried[place].value), store, progress)
        seconds += time.perf_counter() - begun
        told |= _growth(learned, case, features, spec.seed)
    found = learned.probabilities(features[case.report])
    reported = evaluate(labels[case.report], ranks(found, len(classes)), found, seed=spec.seed)
    build.write_arrays(MODEL, learned.arrays())
    build.write_table(0, _training_images(dataset, case.train))
    unseen = _unseen(case, found, spec.seed)
    absent = [name for number, name in enumerate(classes) if not (labels[case.train] == number).any()]
    return build.finish(
        {
            "dataset": dataset.name,
            "learner": spec.learner,
            "clip": clip.name if clip else "",
            "clip_fingerprint": clip.fingerprint if clip else "",
            "classes": list(classes),
            "absent": absent,
            "dimension": int(features.shape[1]),
            "images": len(case.train),
            "reported": reported.to_dict(),
            "unseen": unseen,
            "parameters": learned.parameters,
            "seconds": seconds,
            **told,
            "notes": _notes(spec, case, absent, trained_on, unseen),
        }
    )


def _features(case: _Case, clip: Clip | None, store: Store, progress: Progress) -> tuple[Floats, Bools]:
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


def _unseen(case: _Case, found: Floats, seed: int) -> dict[str, Any] | None:
    """Evaluate the images reported on of which no copy was learned from; None where there is none."""
    new = ~_copies(case.dataset, case.train, case.report)
    if not new.any():
        return None
    shown = found[new]
    return evaluate(case.labels[case.report][new], ranks(shown, shown.shape[1]), shown, seed=seed).to_dict()


def _copies(dataset: Dataset, train: Ints, rows: Ints) -> Bools:
    """Return which rows have the pixels or the perceptual hash of a training image, bool ``(len(rows),)``."""
    digests, hashes = dataset.digests.astype("U16"), dataset.hashes
    learned = TrainingImages(np.sort(digests[train]), np.sort(hashes[train]))
    return np.asarray(learned.matches(digests[rows], hashes[rows]))


def _training_images(dataset: Dataset, rows: Ints) -> pa.Table:
    """Return the fingerprints of the images that were learned from, as every model made here carries them."""
    digests = [digest[:16] for digest in dataset.digests[rows].tolist()]
    return pa.table({"digest": digests, "perceptual_hash": pa.array(dataset.hashes[rows], pa.uint64())})


def _told(tried: tuple[Tried, ...], place: int) -> dict[str, Any]:
    plain = [asdict(each) | {"accuracy": each.accuracy._asdict()} for each in tried]
    return {"chosen": tried[place].value, "tried": plain, "growth": []}


def _growth(forest: Forest, case: _Case, features: Floats, seed: int) -> dict[str, Any]:
    found = growth(forest, features[case.tune], case.labels[case.tune], seed)
    return {"growth": [each._asdict() | {"accuracy": each.accuracy._asdict()} for each in found]}


def _notes(
    spec: ProbeSpec, case: _Case, absent: list[str], trained_on: Bools, unseen: dict[str, Any] | None
) -> list[str]:
    dataset = case.dataset
    notes = [
        *protocol.warn(dataset, spec.train, "for training"),
        *protocol.warn(dataset, spec.tune_on, "to choose the setting"),
    ]
    both = np.intersect1d(case.tune, case.report).size
    if both:
        notes.append(
            f"{both:,} of the {len(case.report):,} images reported on also chose the setting: the figures are "
            "somewhat too good"
        )
    if case.copies:
        notes.append(
            f"{case.copies:,} images of {spec.tune_on!r} are copies of images of {spec.train!r} and had no say in the "
            "choice: they would choose what remembers best"
        )
    if absent:
        notes.append(f"no image of {spec.train!r} is labelled {', '.join(absent)}: the probe never answers so")
    for split, rows, consequence in (
        (spec.train, case.train, "its features there echo the labels they were given"),
        (spec.tune_on, case.tune, "the choice is not held out"),
        (spec.report_on, case.report, "the figures are not held out"),
    ):
        seen = int(trained_on[rows].sum())
        if seen:
            notes.append(f"{spec.clip} was trained on {seen:,} of the {len(rows):,} images of {split!r}: {consequence}")
    copies = len(case.report) - (unseen["images"] if unseen else 0)
    if copies:
        without = "there is no other"
        if unseen:
            value, low, high = (100 * unseen["accuracy"][name] for name in ("value", "low", "high"))
            without = f"without them {value:.1f} % are right ({low:.1f} to {high:.1f})"
        notes.append(
            f"{copies:,} of the {len(case.report):,} images of {spec.report_on!r} are copies of images of "
            f"{spec.train!r}, whose answer the probe may remember: {without}"
        )
    return notes
