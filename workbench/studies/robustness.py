"""Classifiers on faces that are disturbed more and more: how much each loses, and from what strength on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from PIL import Image

from workbench.data.datasets import Dataset, open_dataset
from workbench.data.images import decode, encode_png
from workbench.engines import ahead
from workbench.errors import ModelError, SpecError
from workbench.methods.disturb import KINDS, disturb
from workbench.methods.robustness import Course, follow, resample_weights
from workbench.methods.shapes import Bools, Ints
from workbench.progress import SILENT, Progress
from workbench.specs import words
from workbench.specs.ladder import RENDERED as POSED
from workbench.specs.ladder import RobustnessSpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.classification import class_labels
from workbench.studies.classifier_runs import evaluated_images
from workbench.studies.curves import (
    EXAMPLES,
    FIRST,
    IMAGES,
    KIND,
    PHOTOS,
    RENDERED,
    Robustness,
    Trial,
    describe,
    trials_of,
)
from workbench.studies.embed import list_column, list_matrix
from workbench.studies.posed_faces import PosedFaces, posed_faces

if TYPE_CHECKING:
    from workbench.studies.classifier import Classifier

BATCH = 128
"""Faces disturbed and answered at once."""
MEASURE = 1
"""Number of the way robustness is measured; studies of another are made again."""

Pictures = list[Image.Image]


@dataclass(frozen=True)
class _Case:
    """Who is asked what: the models, the classes of all, and of each source the faces' classes."""

    dataset: Dataset
    models: dict[str, Classifier]
    classes: tuple[str, ...]
    trials: tuple[Trial, ...]
    rows: Ints
    labels: dict[str, Ints]
    side: float
    notes: list[str]


def robustness(spec: RobustnessSpec, store: Store, progress: Progress = SILENT) -> Robustness:
    """Measure classifiers on disturbed faces, or return what is stored.

    All models answer the same faces at the same strengths. Images that one of the models was trained on, or a copy of
    which it was, are left out for all. A run that is stopped goes on after the last model and disturbance it finished.

    Raises
    ------
    SpecError
        The dataset, split, concept set or a model does not exist; no label of the split is a class of all models; one
        of them was trained on all images; poses are asked for without faces to render, or without a common class.
    ModelError
        Weights cannot be had, or a model gives something that is no finite number.
    Cancelled
        Stopped by ``progress``; finished parts are kept.
    """
    dataset = open_dataset(store, spec.dataset)
    models = _load(spec, store, progress)
    case = _case(spec, dataset, models)
    content = {
        "dataset": dataset.name,
        "rows": dataset.fingerprint,
        "measure": MEASURE,
        "models": [[name, model.fingerprint] for name, model in models.items()],
        "trials": [[trial.source, trial.disturbance, [list(level) for level in trial.levels]] for trial in case.trials],
        **{name: getattr(spec, name) for name in ("split", "images", "faces", "resamples", "seed")},
    }
    key = ArtifactKey(KIND, f"{dataset.name}-{spec.split}-{len(models)}-models", content)

    def compute(build: Build) -> Artifact:
        return _compute(build, spec, case, store, progress)

    return Robustness(store.find_or_build(key, spec.to_dict(), compute, progress))


def _load(spec: RobustnessSpec, store: Store, progress: Progress) -> dict[str, Classifier]:
    from workbench.studies.classifier import load_classifier  # loads torch, which reading a stored study does without

    models = {}
    for name in dict.fromkeys(words(spec.models)):
        progress.step(f"load {name}")
        models[name] = load_classifier(name, "", store, progress, spec.concepts)
    return models


def _case(spec: RobustnessSpec, dataset: Dataset, models: dict[str, Classifier]) -> _Case:
    for name, model in models.items():
        class_labels(dataset, model.classes, name)
    common = [each for each in next(iter(models.values())).classes if all(each in m.classes for m in models.values())]
    if not common:
        raise SpecError(f"{', '.join(models)} have no class in common; compare classifiers of the same classes")
    images = evaluated_images(dataset, spec.split, common)
    seen = _seen(dataset, models, images.rows)
    left = {name: int(found.sum()) for name, found in seen.items() if found.any()}
    kept = ~np.any(list(seen.values()), axis=0)
    if not kept.any():
        raise SpecError(
            f"{' and '.join(left)} learned from every image of {spec.split!r} of {dataset.name}; choose another split"
        )
    classes = tuple(dict.fromkeys([*common, *(each for model in models.values() for each in model.classes)]))
    drawn = _sample(images.labels[kept], spec.images, spec.seed)
    rows = images.rows[kept][drawn]
    side = float(np.median(dataset.sizes[rows].min(axis=1)))
    trials = _trials(spec, side, common)
    left_out = {"without a label among the classes of all models": images.unlabelled, "blank": images.blank}
    notes = [f"{count:,} images of {spec.split!r} are left out: {what}" for what, count in left_out.items() if count]
    notes += [
        f"{count:,} images of {spec.split!r} are left out for all models: {name} was trained on them or on a copy"
        for name, count in left.items()
    ]
    if len(rows) < kept.sum():
        notes.append(
            f"a sample of {len(rows):,} of {int(kept.sum()):,} images, seed {spec.seed}; each class has its share"
        )
    labels = {PHOTOS: images.labels[kept][drawn]}
    return _Case(dataset, models, classes, trials, rows, labels, side, [*notes, *_told(spec, models, trials)])


def _seen(dataset: Dataset, models: dict[str, Classifier], rows: Ints) -> dict[str, Bools]:
    """Return for each model which images it, or a copy of which, it was trained on."""
    seen = {}
    for name, model in models.items():
        known = model.target.training_images
        seen[name] = np.zeros(len(rows), dtype=bool)
        if known is not None:
            seen[name] = known.matches(dataset.digests[rows], dataset.hashes[rows])
    return seen


def _sample(labels: Ints, most: int, seed: int) -> Ints:
    """Return places of at most ``most`` images, ascending, each class with its share; 0 for all."""
    if not most or most >= len(labels):
        return np.arange(len(labels))
    generator = np.random.default_rng((seed, 2))
    shuffled = generator.permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    steps = (np.arange(most) + generator.random()) * (len(labels) / most)
    return np.sort(by_class[steps.astype(np.int64)])


def _trials(spec: RobustnessSpec, side: float, common: Sequence[str]) -> tuple[Trial, ...]:
    from workbench.data.faces import EMOTIONS

    asked = words(spec.disturbances)
    posed = [name for name in asked if name in POSED]
    known = all(name in common for name in EMOTIONS)
    if posed and not spec.faces:
        raise SpecError(f"{', '.join(posed)} needs faces to render; give faces above 0")
    if posed and not known:
        raise SpecError(f"rendered faces show {', '.join(EMOTIONS)}; not all are classes of all models")
    trials = trials_of(asked, side, bool(spec.faces) and known)
    if not any(trial.disturbance for trial in trials):
        raise SpecError(f"images of {side:g} pixels are smaller than every size tested; ask for another disturbance")
    return trials


def _told(spec: RobustnessSpec, models: dict[str, Classifier], trials: tuple[Trial, ...]) -> list[str]:
    notes = [f"{name}: {note}" for name, model in models.items() for note in model.target.notes]
    if any(trial.disturbance in ("eyes", "mouth") for trial in trials):
        notes.append(
            "bars lie at fixed heights that fit crops framed as FER2013's; in pictures framed otherwise they cover "
            "something else than eyes and mouth"
        )
    if any(trial.source == RENDERED for trial in trials):
        notes.append(
            "pose and light are of rendered people, the same at every angle: how a model falls is to be read from "
            "them, not how it would fare with photographs (face-clip, for one, learned from other people of the same "
            "renderer); the renderer turns to 40 degrees, nods to 30, and casts no shadows"
        )
    elif not words(spec.disturbances):
        why = "no faces were asked for" if not spec.faces else "not all models answer the seven emotions it renders"
        notes.append(f"pose and light were not measured: {why}")
    return notes


def _compute(build: Build, spec: RobustnessSpec, case: _Case, store: Store, progress: Progress) -> Artifact:
    rendered = None
    if any(trial.source == RENDERED for trial in case.trials):
        rendered = posed_faces(spec.faces, spec.seed, store, progress)
        case.labels[RENDERED] = np.array([case.classes.index(name) for name in rendered.labels], dtype=np.int64)
    for place in range(len(case.trials)):
        _run_trial(build, case, place, rendered, spec.seed, progress)
    build.write_table(EXAMPLES, _examples(case, rendered, spec.seed))
    build.write_table(IMAGES, _images(case))
    courses = _courses(build, spec, case, progress)
    return build.finish(
        {
            "dataset": case.dataset.name,
            "models": list(case.models),
            "classes": list(case.classes),
            "images": len(case.rows) if any(trial.source == PHOTOS for trial in case.trials) else 0,
            "faces": len(rendered.labels) if rendered else 0,
            "trials": [[trial.source, trial.disturbance] for trial in case.trials],
            "courses": [course.to_dict() for course in courses],
            "rates": _rates(build, case),
            "sentence": sentence(courses),
            "notes": case.notes,
        }
    )


def _run_trial(
    build: Build, case: _Case, place: int, rendered: PosedFaces | None, seed: int, progress: Progress
) -> None:
    """Answer one trial with every model that has not yet: the disturbed faces are made once for all."""
    first = FIRST + place * len(case.models)
    missing = {first + i: name for i, name in enumerate(case.models) if not build.has_part(first + i)}
    trial = case.trials[place]
    count = len(case.labels[trial.source])
    found = {part: np.empty((len(trial.levels), count), dtype=np.int16) for part in missing}
    seconds = dict.fromkeys(missing, 0.0)
    progress.step(trial.disturbance or "undisturbed", count * len(trial.levels) * len(missing))
    if not missing:
        return
    for level, rows, pictures in ahead(_disturbed(case, trial, rendered, seed)):
        for part, name in missing.items():
            begun = time.perf_counter()
            found[part][level, rows] = _answers(case, name, pictures)
            seconds[part] += time.perf_counter() - begun
            progress.advance(len(pictures))
    sides, levels = ([each[i] for each in trial.levels] for i in range(2))
    for part, predicted in found.items():
        share = [seconds[part] / len(levels)] * len(levels)
        columns = {"side": sides, "level": levels, "predicted": list_column(predicted), "seconds": share}
        build.write_table(part, pa.table(columns))


def _answers(case: _Case, name: str, pictures: Pictures) -> Ints:
    model = case.models[name]
    logits = model.logits(model.target.logits(model.target.prepare(pictures)))
    if not np.isfinite(logits).all():
        raise ModelError(f"{name}: the model gives NaN or infinite values for a disturbed face")
    own = np.array([case.classes.index(each) for each in model.classes], dtype=np.int16)
    return np.asarray(own[logits.argmax(axis=1)])


def _disturbed(
    case: _Case, trial: Trial, rendered: PosedFaces | None, seed: int
) -> Iterator[tuple[int, slice, Pictures]]:
    """Yield the faces of a trial: number of the level, which faces, and their pictures."""
    if trial.source == RENDERED:
        assert rendered is not None  # noqa: S101 - rendered before its trials
        for place, (_, level) in enumerate(trial.levels):
            faces = rendered.pictures(trial.disturbance, level)
            for start in range(0, len(faces), BATCH):
                rows = slice(start, start + BATCH)
                yield place, rows, [Image.fromarray(face) for face in faces[rows]]
        return
    for start in range(0, len(case.rows), BATCH):
        rows = slice(start, start + BATCH)
        faces_and_seeds = _photos(case, case.rows[rows], seed)
        for place, (_, level) in enumerate(trial.levels):
            yield place, rows, _at_level(*faces_and_seeds, trial.disturbance, level)


def _photos(case: _Case, rows: Ints, seed: int) -> tuple[list[np.ndarray], Ints]:
    faces = [np.asarray(decode(data, case.dataset.name)) for data in case.dataset.image_bytes(rows)]
    own = [(int(digest[:12], 16) + seed) % 2**31 for digest in case.dataset.digests[rows]]
    return faces, np.array(own, dtype=np.int64)


def _at_level(faces: list[np.ndarray], seeds: Ints, disturbance: str, level: float) -> Pictures:
    """Disturb pictures of any sizes, those of one size together."""
    if not disturbance:
        return [Image.fromarray(face) for face in faces]
    shapes: dict[tuple[int, ...], list[int]] = {}
    for place, face in enumerate(faces):
        shapes.setdefault(face.shape, []).append(place)
    found: dict[int, Image.Image] = {}
    for places in shapes.values():
        stack = disturb(np.stack([faces[place] for place in places]), disturbance, level, seeds[places])
        found |= {place: Image.fromarray(face) for place, face in zip(places, stack, strict=True)}
    return [found[place] for place in range(len(faces))]


def _examples(case: _Case, rendered: PosedFaces | None, seed: int) -> pa.Table:
    """Return one face at every level: of the dataset one of ordinary contrast, and a person of ordinary brightness."""
    contrasts = case.dataset.contrasts[case.rows]
    shown = case.rows[int(np.argsort(contrasts, kind="stable")[len(contrasts) // 2])]
    faces, seeds = _photos(case, np.array([shown]), seed)
    person = 0 if rendered is None else int(np.abs(rendered.pictures("", 0.0).mean(axis=(1, 2)) - 128).argmin())
    found = []
    for trial in case.trials:
        for side, level in trial.levels:
            if trial.source == PHOTOS:
                picture = _at_level(faces, seeds, trial.disturbance, level)[0]
            else:
                assert rendered is not None  # noqa: S101 - rendered before its trials
                picture = Image.fromarray(rendered.pictures(trial.disturbance, level)[person])
            name = trial.disturbance or trial.source
            found.append({"disturbance": name, "side": side, "level": level, "png": encode_png(np.asarray(picture))})
    return pa.Table.from_pylist(found)


def _images(case: _Case) -> pa.Table:
    found = [
        {"source": PHOTOS, "id": str(case.dataset.ids[row]), "label": case.classes[label]}
        for row, label in zip(case.rows, case.labels[PHOTOS], strict=True)
    ]
    found += [
        {"source": RENDERED, "id": f"person-{number}", "label": case.classes[label]}
        for number, label in enumerate(case.labels.get(RENDERED, ()))
    ]
    return pa.Table.from_pylist(found)


def _courses(build: Build, spec: RobustnessSpec, case: _Case, progress: Progress) -> list[Course]:
    """Measure every model along every side of every disturbance, on the same resamples of each source's faces."""
    progress.step("measure")
    courses: list[Course] = []
    weights = {
        source: resample_weights(len(labels), spec.resamples, spec.seed) for source, labels in case.labels.items()
    }
    clean: dict[str, dict[str, Ints]] = {}
    for place, trial in enumerate(case.trials):
        first, labels = FIRST + place * len(case.models), case.labels[trial.source]
        found = {
            name: list_matrix(build.table(first + number), "predicted").astype(np.int64)
            for number, name in enumerate(case.models)
        }
        if not trial.disturbance:
            clean[trial.source] = found
            continue
        for side in dict.fromkeys(side for side, _ in trial.levels):
            kept = [i for i, (each, _) in enumerate(trial.levels) if each == side]
            levels = [_neutral(trial.disturbance, case.side), *(trial.levels[i][1] for i in kept)]
            named = {"disturbance": trial.disturbance, "side": side, "levels": levels, **describe(trial.disturbance)}
            for name, predicted in found.items():
                answers = np.concatenate([clean[trial.source][name], predicted[kept]])
                courses.append(follow(named | {"model": name}, labels, answers, case.classes, weights[trial.source]))
                progress.advance()
    return courses


def _neutral(disturbance: str, side: float) -> float:
    """Return the level of undisturbed faces; of a size the middle size of the dataset's own."""
    if disturbance == "size":
        return side
    return KINDS[disturbance].neutral if disturbance in KINDS else 0.0


def _rates(build: Build, case: _Case) -> dict[str, float]:
    rates = {}
    for number, name in enumerate(case.models):
        parts = [build.table(FIRST + place * len(case.models) + number) for place in range(len(case.trials))]
        seconds = sum(sum(part["seconds"].to_pylist()) for part in parts)
        answered = sum(list_matrix(part, "predicted").size for part in parts)
        rates[name] = answered / seconds if seconds > 0 else 0.0
    return rates


def sentence(courses: Sequence[Course]) -> str:
    """Say in one sentence what costs each model most, of what was tested; that nothing does where none loses."""
    told: list[str] = []
    for name in dict.fromkeys(course.model for course in courses):
        own = [course for course in courses if course.model == name]
        worst = min(own, key=lambda course: course.loss[-1].value)
        least = max(own, key=lambda course: course.loss[-1].value)
        first, last = worst.loss[-1].value, least.loss[-1].value
        if first >= 0:
            told.append(f"{name} loses nothing by {_change(worst)}" + (" or anything else tested" if own[1:] else ""))
        elif first == last:
            told.append(f"{name} loses by {_change(worst)}" + (" and as much by all else tested" if own[1:] else ""))
        else:
            told.append(
                f"{name} loses most by {_change(worst)} and {'least' if last < 0 else 'nothing'} by {_change(least)}"
            )
    return "; ".join(told)


def _change(course: Course) -> str:
    return f"{course.name.lower()} ({100 * course.loss[-1].value:+.1f} points at {course.levels[-1]:g})"
