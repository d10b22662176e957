"""The opinions a search for suspects joins, each gathered without the label of the image it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from workbench.data.concepts import ConceptSet
from workbench.data.datasets import Dataset
from workbench.data.images import decode
from workbench.methods import probe
from workbench.methods.duplicates import connect, tones
from workbench.methods.neighbours import nearest
from workbench.methods.shapes import Bools, Floats, Ints
from workbench.methods.suspects import neighbours_opinion
from workbench.methods.zeroshot import classify
from workbench.progress import Progress
from workbench.specs import SuspectsSpec
from workbench.store import Artifact, ArtifactKey, Build, Store, content_hash
from workbench.studies.concept_texts import concept_texts
from workbench.studies.embed import embed_dataset, list_column, list_matrix
from workbench.studies.health import load_health
from workbench.studies.map import check_usable
from workbench.studies.predict import class_scores, record_logits

if TYPE_CHECKING:
    from workbench.models.clip import Clip
    from workbench.studies.classifier import Classifier

ENCODERS = "fold-encoders"
"""Kind of the artifacts that hold encoders trained without a fold, and what they give for all images."""

_BLOCK = 4096
_SEEDS, _SEED_STRENGTH = 10, 10.0
_STRENGTH, _ENOUGH = 100.0, 100
"""The probe's strength where fewer images than the second number are labelled: too few to choose it by."""


@dataclass(frozen=True)
class Subject:
    """What labels are doubted, by what, and how they are dealt to folds.

    Parameters
    ----------
    spec : SuspectsSpec
        What was asked for.
    dataset : Dataset
        The images.
    labels : int64 array (N,)
        Places in the dataset's classes (K); -1 where there is none.
    groups : int64 array (N,)
        Group of equal or nearly equal pictures, -1 for a picture without copies.
    fold : int64 array (N,)
        Fold of each image; copies are in one.
    clip : Clip
        What embeds images and texts.
    concepts : ConceptSet
        Its zero-shot classes.
    classifier : Classifier or None
        The network, where one is asked; without classes it is no opinion.
    """

    spec: SuspectsSpec
    dataset: Dataset
    labels: Ints
    groups: Ints
    fold: Ints
    clip: Clip
    concepts: ConceptSet
    classifier: Classifier | None

    @property
    def classes(self) -> tuple[str, ...]:
        """The dataset's classes (K)."""
        return self.dataset.classes


@dataclass
class Evidence:
    """What was gathered: opinions by name ``(N, K)``, and the embeddings that tell how unlike others an image is."""

    embeddings: Floats
    leaky: Bools
    opinions: dict[str, Floats] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def gather(subject: Subject, store: Store, progress: Progress) -> Evidence:
    """Gather every opinion; see :data:`workbench.methods.suspects.PARTS`.

    Raises
    ------
    SpecError
        An embedding is not finite, all are equal, or too few images or classes are labelled.
    Cancelled
        Stopped by ``progress``; embeddings, logits and encoders finished so far are kept.
    """
    dataset, clip = subject.dataset, subject.clip
    embeddings = embed_dataset(dataset, clip, store, progress).matrix
    check_usable(embeddings, dataset, np.arange(len(dataset)), clip.name)
    logits = record_logits(dataset, subject.classifier, store, progress) if subject.classifier else None
    seen_by_clip = _seen(dataset, clip)
    seen_by_network = _seen(dataset, subject.classifier.target) if subject.classifier else np.zeros_like(seen_by_clip)
    evidence = Evidence(embeddings, seen_by_clip | seen_by_network)
    evidence.opinions["zero-shot"] = _zero_shot(subject, embeddings, evidence, store, progress)
    network = _network(subject, logits, evidence)
    if network is not None:
        evidence.opinions["network"] = network
    if subject.spec.encoder == "given":
        features = embeddings if logits is None else np.hstack([embeddings, logits])
        _probe(subject, evidence, features, progress)
        evidence.notes += _leak_notes(subject, evidence.leaky)
    else:
        for name, seen in (("zero-shot", seen_by_clip), ("network", seen_by_network)):
            if name in evidence.opinions and seen.any():
                evidence.opinions[name] = np.where(seen[:, None], np.nan, evidence.opinions[name])
                evidence.notes.append(f"{name} has no say of the {int(seen.sum()):,} images its model was trained on")
        evidence.leaky = np.zeros_like(evidence.leaky)
        _fold_encoders(subject, evidence, store, progress)
    return evidence


def duplicate_groups(dataset: Dataset, store: Store) -> Ints:
    """Return the group of each picture's exact and near copies, int64 ``(N,)``; -1 for a picture without."""
    health = load_health(store, dataset.name)
    links: list[tuple[int, int]] = []
    for group in (*health.exact, *health.near):
        links += [(int(group.rows[0]), int(row)) for row in group.rows[1:]]
    ends = np.array(links, dtype=np.int64).reshape(-1, 2)
    return connect(ends[:, 0], ends[:, 1], len(dataset)).of


def two_tone_shares(dataset: Dataset, progress: Progress) -> Floats:
    """Return each picture's share of pixels at the two commonest grays, ``(N,)`` in 0..1."""
    progress.step("look at the tones of the pictures", len(dataset))
    shares = np.empty(len(dataset))
    for start in range(0, len(dataset), _BLOCK):
        rows = np.arange(start, min(len(dataset), start + _BLOCK))
        for row, data in zip(rows, dataset.image_bytes(rows), strict=True):
            shares[row] = tones(np.asarray(decode(data, dataset.name).convert("L"))).two_tone_share
        progress.advance(len(rows))
    return shares


def kinship_with(seeds: Bools, embeddings: Floats, subject: Subject) -> Floats | None:
    """Return the out-of-fold probability that a picture is one of the seeds, which surely show no face, ``(N,)``.

    None where there are fewer than ten seeds, or hardly anything else.
    """
    if min(int(seeds.sum()), int((~seeds).sum())) < _SEEDS:
        return None
    kind = seeds.astype(np.int64)
    fold = probe.folds(kind, np.full(len(kind), -1), 5, subject.spec.seed)
    return np.asarray(probe.out_of_fold(embeddings, kind, fold, 2, _SEED_STRENGTH)[:, 1])


def _seen(dataset: Dataset, model: object) -> Bools:
    trained = getattr(model, "training_images", None)
    return np.zeros(len(dataset), bool) if trained is None else trained.matches(dataset.digests, dataset.hashes)


def _leak_notes(subject: Subject, leaky: Bools) -> list[str]:
    notes = []
    network = f" or {subject.classifier.target.spec}" if subject.classifier else ""
    for split in subject.dataset.split_names:
        rows = subject.dataset.rows(split)
        if leaky[rows].any():
            share = f"{int(leaky[rows].sum()):,} of the {len(rows):,} images of split {split!r}"
            notes.append(f"{subject.clip.name}{network} was trained on {share}: their labels are doubted too little; "
                         "encoder = out-of-fold trains small encoders that have not seen them")  # fmt: skip
    return notes


def _zero_shot(subject: Subject, embeddings: Floats, evidence: Evidence, store: Store, progress: Progress) -> Floats:
    """CLIP's texts, laid out by the dataset's classes; NaN where the label is a class without a concept."""
    clip, concepts = subject.clip, subject.concepts
    texts = concept_texts(concepts, clip, store, progress)
    progress.step(f"ask {clip.name} about {subject.dataset.name}")
    aggregate = concepts.default_aggregate
    found = classify(embeddings, texts, concepts.membership, clip.logit_scale, aggregate=aggregate, top_k=1)
    unseen = clip.unseen_words([sentence for sentences in concepts.prompts() for sentence in sentences])
    if unseen:
        evidence.notes.append(f"{clip.name} never saw these words in training, so its zero-shot opinion of them is a "
                              f"guess: {', '.join(unseen)}")  # fmt: skip
    return _by_class(subject, found.classes.probabilities, concepts.classes, f"concept set {subject.spec.concepts!r}",
                     evidence)  # fmt: skip


def _network(subject: Subject, logits: Floats | None, evidence: Evidence) -> Floats | None:
    if subject.classifier is None or logits is None:
        return None
    shared = set(subject.classifier.classes) & set(subject.classes)
    if len(shared) < 2:
        evidence.notes.append(f"{subject.classifier.target.spec} does not name the dataset's classes: the probe sees "
                              "its answers, but it has no opinion of its own")  # fmt: skip
        return None
    probabilities = class_scores(logits, 1).probabilities
    return _by_class(subject, probabilities, subject.classifier.classes, subject.classifier.target.spec, evidence)


def _by_class(subject: Subject, probabilities: Floats, names: tuple[str, ...], who: str, evidence: Evidence) -> Floats:
    """Lay probabilities out by the dataset's classes; of an image whose label is none of the names nothing is said."""
    place = {name: column for column, name in enumerate(names)}
    found = np.zeros((len(probabilities), len(subject.classes)))
    lacking = [name for name in subject.classes if name not in place]
    for column, name in enumerate(subject.classes):
        if name in place:
            found[:, column] = probabilities[:, place[name]]
    total = found.sum(axis=1, keepdims=True)
    found = np.asarray(np.divide(found, total, out=np.full(found.shape, np.nan), where=total > 0))
    if lacking:
        evidence.notes.append(f"{who} has no {', '.join(lacking)}, so it has no opinion of images labelled so")
        found[np.isin(subject.dataset.labels, lacking)] = np.nan
    return found


def _probe(subject: Subject, evidence: Evidence, features: Floats, progress: Progress) -> None:
    labels, size = subject.labels, len(subject.classes)
    progress.step("choose the probe's strength")
    strength = _STRENGTH
    if int((labels >= 0).sum()) >= _ENOUGH:
        strength = probe.choose_strength(features, labels, subject.groups, size, seed=subject.spec.seed)
    progress.step("judge by probes that have not seen the image", len(np.unique(subject.fold[labels >= 0])))
    evidence.opinions["probe"] = probe.out_of_fold(features, labels, subject.fold, size, strength, progress.advance)
    rows = np.arange(len(labels))
    evidence.opinions["neighbours"] = _neighbours(subject, evidence.embeddings, rows, progress)


def _neighbours(subject: Subject, vectors: Floats, rows: Ints, progress: Progress) -> Floats:
    """Ask the nearest images of rows, copies left out; room is made for as many copies as the largest group has."""
    largest = int(np.bincount(subject.groups[subject.groups >= 0]).max(initial=1))
    wanted = subject.spec.neighbours
    reach = wanted + min(largest - 1, wanted) + min(int((subject.labels < 0).sum()), wanted)
    progress.step("ask the nearest images", len(rows))
    found = np.empty((len(rows), len(subject.classes)))
    for start in range(0, len(rows), _BLOCK):
        part = rows[start : start + _BLOCK]
        near = nearest(vectors, vectors[part], reach, exclude=part).rows
        own = (subject.groups[near] == subject.groups[part][:, None]) & (subject.groups[part] >= 0)[:, None]
        found[start : start + _BLOCK] = neighbours_opinion(np.where(own, -1, near), subject.labels,
                                                           len(subject.classes), wanted)  # fmt: skip
        progress.advance(len(part))
    return found


def _fold_encoders(subject: Subject, evidence: Evidence, store: Store, progress: Progress) -> None:
    """Let encoders trained here, each without a fold, replace the CLIP: features for the probe, and near images."""
    size, labels = len(subject.classes), subject.labels
    artifact = _trained_encoders(subject, store, progress)
    names = np.unique(subject.fold)
    judged, near = (np.full((len(labels), size), np.nan) for _ in range(2))
    for name in names:
        features = list_matrix(artifact.table(int(name)), "features").astype(np.float32)
        learned = np.where(subject.fold == name, -1, labels)
        rows = np.flatnonzero(subject.fold == name)
        progress.step(f"judge fold {int(name) + 1} of {len(names)} by an encoder that has not seen it")
        judged[rows] = probe.fit(features, learned, size, seed=subject.spec.seed).probabilities(features[rows])
        lengths = np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
        near[rows] = _neighbours(subject, features / lengths, rows, progress)
    evidence.opinions["probe"], evidence.opinions["neighbours"] = judged, near


def _trained_encoders(subject: Subject, store: Store, progress: Progress) -> Artifact:
    """Train an encoder without each fold, or return what is stored; part k is of fold k."""
    from workbench.models import fold_encoders  # loads torch

    dataset, names = subject.dataset, np.unique(subject.fold)
    steps = [
        fold_encoders.training_steps(int(((subject.fold != name) & (subject.labels >= 0)).sum())) for name in names
    ]
    content = {
        "dataset": dataset.fingerprint,
        "fold": content_hash(subject.fold.tolist()),
        "seed": subject.spec.seed,
        "steps": steps,
        "recipe": fold_encoders.RECIPE,
    }
    key = ArtifactKey(ENCODERS, f"{dataset.name}-{len(names)}-folds", content)

    def compute(build: Build) -> Artifact:
        pixels = _pictures(dataset, fold_encoders.SIDE, progress)
        for name, count in zip(names, steps, strict=True):
            if build.has_part(int(name)):
                continue
            rows = np.flatnonzero((subject.fold != name) & (subject.labels >= 0))
            progress.step(f"train encoder {int(name) + 1} of {len(names)}, without its fold", count)
            tick: Callable[[], None] = progress.advance
            size, seed = len(subject.classes), subject.spec.seed + int(name)
            weights = fold_encoders.train(pixels[rows], subject.labels[rows], size, seed, count, tick)
            build.write_arrays(f"encoder-{int(name):05d}", weights)
            progress.step(f"run {dataset.name} through encoder {int(name) + 1}", len(dataset))
            found = fold_encoders.encode(weights, pixels, size, progress.advance)
            features = list_column(found.features.astype(np.float16))
            build.write_table(int(name), pa.table({"features": features, "logits": list_column(found.logits)}))
        return build.finish({"dataset": dataset.name, "folds": len(names), "steps": steps})

    return store.find_or_build(key, subject.spec.to_dict(), compute, progress)


def _pictures(dataset: Dataset, side: int, progress: Progress) -> np.ndarray:
    progress.step("read the pictures", len(dataset))
    pixels = np.empty((len(dataset), side, side), dtype=np.uint8)
    for start in range(0, len(dataset), _BLOCK):
        rows = np.arange(start, min(len(dataset), start + _BLOCK))
        for row, data in zip(rows, dataset.image_bytes(rows), strict=True):
            picture = decode(data, dataset.name).convert("L")
            pixels[row] = np.asarray(picture if picture.size == (side, side) else picture.resize((side, side)))
        progress.advance(len(rows))
    return pixels
