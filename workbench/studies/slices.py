"""Error slices of a classification: groups found in embedding space and named in words, or values of attributes."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.data.concepts import ConceptSet
from workbench.data.datasets import Dataset, open_dataset
from workbench.errors import SpecError
from workbench.methods.evidence import q_values
from workbench.methods.proportions import contrast, share
from workbench.methods.shapes import Bools, Floats, Ints
from workbench.methods.slices import Slice, centre, find_groups, halves, measure, name_groups, text_scores
from workbench.methods.zeroshot import ensemble
from workbench.progress import SILENT, Progress
from workbench.specs import SlicesSpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.attributes import (
    UNSURE,
    Attribute,
    attribute_sets,
    doubts_of,
    fingerprint,
    guessed,
    is_file,
    read_attributes,
    unseen_notes,
)
from workbench.studies.classification import KIND as CLASSIFICATION
from workbench.studies.classification import Classification, open_classification
from workbench.studies.concept_texts import concept_texts, open_concepts
from workbench.studies.embed import embed_dataset
from workbench.studies.health import load_health
from workbench.studies.held_out import duplicate_groups
from workbench.studies.slicing import KIND as KIND
from workbench.studies.slicing import ErrorSlice
from workbench.studies.slicing import Slices as Slices
from workbench.studies.slicing import open_slices as open_slices

if TYPE_CHECKING:
    from workbench.models.clip import Clip

_LACKING = -2  # number of an image without a value of the attribute
_MEASURE = 3  # what is counted; raised where that changes, so that stored results are not taken for new ones
EXAMPLES = 12
"""Examples kept of each slice."""
GUESS_WARNING = (
    "these attributes were guessed by a CLIP from the pictures: they are guesses about how a face is perceived, not "
    "facts about the person, they are wrong for some groups more often than for others, and so are the error rates "
    "by them"
)


def slices(spec: SlicesSpec, store: Store, progress: Progress = SILENT) -> Slices:
    """Find slices that a classification gets wrong more often than the rest, or return what is stored.

    Raises
    ------
    SpecError
        No such run, split, CLIP or concept set; the run has no error there; the dataset has changed; too few images.
    InputError
        The file of attributes does not fit the dataset.
    """
    run = find_run(store, spec.run)
    dataset = open_dataset(store, run.spec.dataset)
    if run.artifact.manifest["content"]["rows"] != dataset.fingerprint:
        raise SpecError(f"{dataset.name} has changed since {run.artifact.name} was made; classify it again")
    subject = _subject(run, dataset, spec.split)
    read = read_attributes(Path(spec.attribute), dataset, subject.rows) if is_file(spec.attribute) else None
    sets = attribute_sets(spec.attribute) if spec.attribute and read is None else []
    concept_set = open_concepts(spec.concepts, store)
    from workbench.models.clip import (
        load_clip,
    )  # loads torch, which reading a stored run, or refusing one, does without

    progress.step(f"load {spec.clip}")
    clip = load_clip(spec.clip)
    key = _key(spec, subject, clip, concept_set, [each.fingerprint for each in sets] or fingerprint(read or []))

    def compute(build: Build) -> Artifact:
        embeddings = embed_dataset(dataset, clip, store, progress)
        images = embeddings.matrix[subject.rows]
        if not spec.attribute:
            found = _groups(spec, subject, centre(images), _Words(concept_set, clip, store, progress))
        else:
            attributes = read if read is not None else guessed(sets, images, clip, store, progress)
            notes = [GUESS_WARNING, _confounded(run.embeddings == embeddings.artifact.reference)] if sets else []
            doubts = doubts_of(sets, attributes, clip) if sets else {}
            found = _by_attributes(spec, subject, centre(images), attributes, notes + unseen_notes(sets, clip), doubts)
        return _finish(build, subject, found)

    return Slices(store.find_or_build(key, spec.to_dict(), compute, progress))


def find_run(store: Store, name: str) -> Classification:
    """Open a classification by its artifact's name, by the beginning of it, or by its hash.

    Raises
    ------
    SpecError
        There is none, or the beginning fits several.
    """
    return open_classification(store.named(CLASSIFICATION, name))


@dataclass(frozen=True)
class _Subject:
    """The images that are sliced: labelled with a class of the run."""

    run: Classification
    dataset: Dataset
    rows: Ints
    labels: np.ndarray
    predicted: np.ndarray

    @property
    def wrong(self) -> Bools:
        return np.asarray(self.labels != self.predicted)


def _subject(run: Classification, dataset: Dataset, split: str) -> _Subject:
    rows = dataset.rows(split)
    rows = rows[np.isin(run.labels[rows], run.classes)]
    if not len(rows):
        raise SpecError(f"no image of {split!r} of {dataset.name} is labelled with a class of {run.artifact.name}")
    subject = _Subject(run, dataset, rows, run.labels[rows], run.predicted[rows])
    if not subject.wrong.any():
        raise SpecError(
            f"{run.artifact.name} gets all {len(rows):,} labelled images of {split!r} right: there is no error to slice"
        )
    return subject


def _key(
    spec: SlicesSpec, subject: _Subject, clip: Clip, concept_set: ConceptSet, attributes: list[str] | str
) -> ArtifactKey:
    content = {
        "run": subject.run.artifact.name,
        "rows": subject.dataset.fingerprint,
        "split": spec.split,
        "clip": clip.fingerprint,
        "seed": spec.seed,
        "smallest": spec.smallest,
        "measure": _MEASURE,
    }
    if spec.attribute:
        content["attributes"] = attributes
        what = Path(spec.attribute).stem if is_file(spec.attribute) else spec.attribute.rpartition("/")[2]
    else:
        content |= {"concepts": concept_set.fingerprint, "slices": spec.slices}
        what = "groups"
    return ArtifactKey(KIND, f"{subject.dataset.name}-{spec.split}-{what}", content)


@dataclass(frozen=True)
class _Words:
    """What names groups."""

    concept_set: ConceptSet
    clip: Clip
    store: Store
    progress: Progress

    def embedded(self) -> Floats:
        """Return a vector a text, centred."""
        return centre(ensemble(concept_texts(self.concept_set, self.clip, self.store, self.progress)))


@dataclass(frozen=True)
class _Found:
    """Slices and the images in them: by attribute (empty for groups) the number of each image's slice, -1 for none."""

    listed: list[ErrorSlice]
    columns: dict[str, Ints]
    typical: Floats
    finding: Bools
    notes: list[str]
    unsure: dict[str, int] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)
    gaps: list[dict[str, Any]] = field(default_factory=list)


def _groups(spec: SlicesSpec, subject: _Subject, points: Floats, words: _Words) -> _Found:
    """Find groups on one half of the images and measure them on the other."""
    texts = words.embedded()
    words.progress.step("find groups")
    finding = halves(duplicate_groups(load_health(words.store, subject.dataset.name))[subject.rows], spec.seed)
    found = find_groups(points, subject.wrong, finding, spec.slices, spec.smallest, spec.seed)
    names = name_groups(text_scores(points, found, texts), words.concept_set.texts)
    measured = sorted(measure(found, subject.wrong, ~finding), key=lambda each: (-each.rate.value, each.group))
    if not measured:
        raise SpecError(f"no group has {spec.smallest} images or more; ask for smaller or fewer groups")
    typical = _typical(points, found)
    order = {each.group: place for place, each in enumerate(measured)}
    codes = np.array([order.get(group, -1) for group in found.tolist()], dtype=np.int64)
    listed = [
        _slice(subject, each, _members(subject, codes == place, typical), "", names[each.group], ~finding)
        for place, each in enumerate(measured)
    ]
    notes = [
        f"groups were found on a random half of the {len(points):,} images and measured on the other half, duplicates "
        "kept together; the rates are of images that did not choose the group"
    ]
    lone = int((codes < 0).sum())
    if lone:
        notes.append(f"{lone:,} images lie in groups of fewer than {spec.smallest} and count with the rest")
    unseen = words.clip.unseen_words([sentence for line in words.concept_set.prompts() for sentence in line])
    if unseen:
        notes.append(f"{words.clip.name} never saw these words, so names by them are guesses: {', '.join(unseen)}")
    return _Found(listed, {"": codes}, typical, finding, notes)


def _by_attributes(
    spec: SlicesSpec,
    subject: _Subject,
    points: Floats,
    attributes: Sequence[Attribute],
    notes: list[str],
    doubts: dict[str, str],
) -> _Found:
    """Measure every value of every attribute on all images that have one: nothing was searched for, so on no half."""
    columns, kept_values, typical = {}, {}, np.zeros(len(points), dtype=np.float32)
    for attribute in attributes:
        codes, values = _kept(attribute, spec.smallest)
        columns[attribute.name], kept_values[attribute.name] = codes, values
        notes = [*notes, *_attribute_notes(attribute, spec.smallest, len(points))]
    measured = [
        (name, each) for name, codes in columns.items() for each in measure(codes, subject.wrong, codes != _LACKING)
    ]
    if not measured:
        raise SpecError(
            f"nothing to compare: no attribute splits the {len(points):,} images into values of {spec.smallest} or more"
        )
    q = q_values(np.array([each.p for _, each in measured], dtype=np.float64))
    listed = []
    for (name, each), value in zip(measured, q.tolist(), strict=True):
        if each.group == 0:
            typical = _typical(points, columns[name])
        members = _members(subject, columns[name] == each.group, typical)
        named = [(kept_values[name][each.group], 0.0)]
        one = _slice(subject, replace(each, q=value), members, name, named, np.ones(len(points), dtype=bool))
        listed.append(replace(one, texts=()))
    unsure = {each.name: each.unsure for each in attributes if each.confidence is not None}
    typical = _typical(points, next(iter(columns.values())))
    nothing = np.zeros(len(points), dtype=bool)
    gaps = _gaps(subject, columns, kept_values, spec.smallest, doubts)
    notes += [f"no difference by {name} is marked as one that holds: {why}" for name, why in doubts.items()]
    return _Found(listed, columns, typical, nothing, notes, unsure, doubts, gaps)


def _kept(attribute: Attribute, smallest: int) -> tuple[Ints, list[str]]:
    """Return the number of each image's value among those that enough images have, and those values.

    -1 stands for a rarer value, :data:`_LACKING` for none.
    """
    sizes = np.bincount(attribute.codes[attribute.codes >= 0], minlength=len(attribute.values))
    kept = np.flatnonzero(sizes >= smallest)
    number = np.full(len(attribute.values) + 1, -1, dtype=np.int64)
    number[-1] = _LACKING  # that of code -1
    number[kept] = np.arange(len(kept))
    return number[attribute.codes], [attribute.values[place] for place in kept]


def _attribute_notes(attribute: Attribute, smallest: int, images: int) -> list[str]:
    notes = []
    sizes = np.bincount(attribute.codes[attribute.codes >= 0], minlength=len(attribute.values))
    small = [name for name, size in zip(attribute.values, sizes, strict=True) if 0 < size < smallest]
    if small:
        notes.append(f"values of {attribute.name} with fewer than {smallest} images are not listed: {', '.join(small)}")
    if sizes.max(initial=0) == images:
        notes.append(
            f"every image has the same {attribute.name} ({attribute.values[sizes.argmax()]}): nothing to compare"
        )
    lacking = int((attribute.codes < 0).sum())
    if lacking:
        notes.append(f"{lacking:,} images have no {attribute.name} and are left out of its comparisons")
    if attribute.unsure:
        unsure = f"{attribute.unsure:,} of {images:,} guesses are unsure"
        notes.append(f"{attribute.name}: {unsure} (the guessed value has a probability under {UNSURE:g})")
    return notes


def _gaps(
    subject: _Subject, columns: dict[str, Ints], values: dict[str, list[str]], smallest: int, doubts: dict[str, str]
) -> list[dict[str, Any]]:
    """Return the accuracy of each class in each slice, against the same class outside it.

    A cell with fewer than ``smallest`` images inside or outside holds their number only, and is not tested; nor is one
    of an attribute in doubt.
    """
    found, tested, p = [], [], []
    for name, codes in columns.items():
        if (codes[codes != _LACKING] == 0).all():  # one value for all: nothing to compare
            continue
        for place, label in itertools.product(range(len(values[name])), subject.run.classes):
            own = (subject.labels == label) & (codes != _LACKING)
            inside, outside = subject.wrong[own & (codes == place)], subject.wrong[own & (codes != place)]
            gap: dict[str, Any] = {"attribute": name, "value": values[name][place], "label": label}
            found.append(gap | {"images": len(inside), "accuracy": None, "difference": None, "q": None})
            if min(len(inside), len(outside)) < smallest:
                continue
            against = contrast(int((~inside).sum()), len(inside), int((~outside).sum()), len(outside))
            found[-1] |= {"accuracy": against.share._asdict(), "difference": against.difference._asdict()}
            if name not in doubts:
                tested.append(found[-1])
                p.append(against.p)
    for cell, q in zip(tested, q_values(np.array(p, dtype=np.float64)).tolist(), strict=True):
        cell["q"] = q
    return found


def _members(subject: _Subject, inside: Bools, typical: Floats) -> Ints:
    """Return a slice's images, wrong ones first, of each the most typical first."""
    own = np.flatnonzero(inside)
    return np.asarray(own[np.lexsort((-typical[own], ~subject.wrong[own]))])


def _slice(
    subject: _Subject,
    each: Slice,
    members: Ints,
    attribute: str,
    texts: Sequence[tuple[str, float]],
    measured: Bools,
) -> ErrorSlice:
    wrong = members[(subject.wrong & measured)[members]]
    pairs = Counter(zip(subject.labels[wrong].tolist(), subject.predicted[wrong].tolist(), strict=True))
    common = min(pairs.items(), key=lambda pair: (-pair[1], pair[0])) if pairs else None
    return ErrorSlice(
        attribute=attribute,
        name=", ".join(text for text, _ in texts) or "no text tells it from the rest",
        texts=tuple(texts),
        images=each.images,
        wrong=each.wrong,
        members=len(members),
        rate=each.rate,
        rest=each.rest,
        difference=each.difference,
        p=each.p,
        q=each.q,
        confusion=(*common[0], common[1]) if common else None,
        examples=tuple(subject.dataset.ids[subject.rows[members[:EXAMPLES]]].tolist()),
    )


def _typical(points: Floats, codes: Ints) -> Floats:
    """Return each image's cosine with the middle of its group, float32 ``(N,)``; 0 for those in none."""
    result = np.zeros(len(points), dtype=np.float32)
    for code in range(int(codes.max(initial=-1)) + 1):
        own = np.flatnonzero(codes == code)
        middle = points[own].mean(axis=0, dtype=np.float64) if len(own) else np.zeros(points.shape[1])
        result[own] = points[own] @ (middle / max(float(np.linalg.norm(middle)), 1e-9))
    return result


def _confounded(same: bool) -> str:
    """Say that guesses follow expressions, most of all where they come from the predictions' own embedding."""
    lead = "the guesses come from the same embedding as the predictions, so they follow" if same else "guesses follow"
    return f"{lead} the expression too: what differs between guessed groups may be their expressions, not the people"


def _finish(build: Build, subject: _Subject, found: _Found) -> Artifact:
    dataset, wrong, measured = subject.dataset, subject.wrong, ~found.finding
    table = {
        "row": subject.rows,
        "id": dataset.ids[subject.rows].tolist(),
        "wrong": pa.array(wrong),
        "finding": pa.array(found.finding),
        "typical": found.typical.astype(np.float32),
    }
    build.write_table(0, pa.table(table | {f"slice: {name}": codes for name, codes in found.columns.items()}))
    seen = int(subject.run.trained_on[subject.rows].sum())
    trained = f"the classifier was trained on {seen:,} of the images: its error rates there are not held out"
    return build.finish(
        {
            "dataset": dataset.name,
            "run": subject.run.artifact.name,
            "guessed": bool(found.unsure),
            "overall": share(int(wrong[measured].sum()), int(measured.sum()))._asdict(),
            "attributes": [name for name in found.columns if name],
            "unsure": found.unsure,
            "doubts": found.doubts,
            "slices": [each.to_dict() for each in found.listed],
            "gaps": found.gaps,
            "notes": [*found.notes, *([trained] if seen else [])],
        }
    )
