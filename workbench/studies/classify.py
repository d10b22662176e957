"""Zero-shot classification of a dataset with a concept set, every split reported separately."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.data.concepts import ConceptSet
from workbench.data.datasets import Dataset, open_dataset
from workbench.errors import SpecError
from workbench.methods.zeroshot import classify as classify_zero_shot
from workbench.progress import SILENT, Progress
from workbench.specs import ClassifySpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.classification import KIND as KIND
from workbench.studies.classification import Classification as Classification
from workbench.studies.classification import class_labels, class_table, image_notes, split_metrics
from workbench.studies.classification import open_classification as open_classification
from workbench.studies.concept_texts import concept_texts, known_images, open_concepts
from workbench.studies.embed import embed_dataset
from workbench.studies.learned_prompts import LearnedConcepts

if TYPE_CHECKING:
    from workbench.models.clip import Clip

MAX_CONCEPTS = 2000
"""The most concepts a classification takes: all their probabilities are stored for every image."""


def classify(spec: ClassifySpec, store: Store, progress: Progress = SILENT) -> Classification:
    """Classify every image of a dataset, or return what is stored.

    Raises
    ------
    SpecError
        The dataset, CLIP, concept set or aggregate does not exist; the set has no class that occurs as a label.
    ConceptSetError, ModelError
        The concept set or the weights cannot be used.
    Cancelled
        Stopped by ``progress``; the embeddings finished so far are kept.
    """
    from workbench.models.clip import load_clip  # loads torch, which reading a stored run does without

    dataset = open_dataset(store, spec.dataset)
    concept_set = open_concepts(spec.concepts, store)
    _check(concept_set, dataset, spec)
    progress.step(f"load {spec.clip}")
    clip = load_clip(spec.clip)
    aggregate = spec.aggregate or concept_set.default_aggregate
    key = _key(spec, dataset, concept_set, clip, aggregate)

    def compute(build: Build) -> Artifact:
        return _compute(build, spec, dataset, concept_set, clip, store, progress)

    return Classification(store.find_or_build(key, spec.to_dict(), compute, progress))


def _check(concept_set: ConceptSet, dataset: Dataset, spec: ClassifySpec) -> None:
    if not concept_set.classes:
        raise SpecError(f"concept set {spec.concepts!r} has no classes to classify into; add a classes list to it")
    if len(concept_set.concepts) > MAX_CONCEPTS:
        found = f"{len(concept_set.concepts):,} concepts"
        raise SpecError(f"concept set {spec.concepts!r} has {found}; a classification takes at most {MAX_CONCEPTS:,}")
    class_labels(dataset, concept_set.classes, repr(spec.concepts))


def _key(spec: ClassifySpec, dataset: Dataset, concept_set: ConceptSet, clip: Clip, aggregate: str) -> ArtifactKey:
    name = clip.name.rpartition("/")[2] if clip.name.startswith("local-dir:") else clip.name
    content = {
        "dataset": dataset.name,
        "rows": dataset.fingerprint,
        "clip": clip.fingerprint,
        "concepts": concept_set.fingerprint,
        "aggregate": aggregate,
        "top_k": spec.top_k,
    }
    return ArtifactKey(KIND, f"{dataset.name}-{name}-{concept_set.name}-{aggregate}", content)


def _compute(
    build: Build,
    spec: ClassifySpec,
    dataset: Dataset,
    concept_set: ConceptSet,
    clip: Clip,
    store: Store,
    progress: Progress,
) -> Artifact:
    images = embed_dataset(dataset, clip, store, progress)
    texts = concept_texts(concept_set, clip, store, progress)  # (T, C, D)
    aggregate = spec.aggregate or concept_set.default_aggregate
    progress.step(f"classify {dataset.name}")
    found = classify_zero_shot(
        images.matrix, texts, concept_set.membership, clip.logit_scale, aggregate=aggregate, top_k=spec.top_k
    )
    labels = class_labels(dataset, concept_set.classes, repr(spec.concepts))
    trained_on = np.zeros(len(dataset), dtype=bool)
    known = known_images(concept_set, clip)
    if known is not None:
        trained_on = known.matches(dataset.digests, dataset.hashes)
    scores, fine = found.classes, found.concept_probabilities
    build.write_table(0, class_table(dataset, concept_set.classes, scores, fine, labels, trained_on))
    progress.step("evaluate")
    metrics = split_metrics(dataset, scores, fine, labels, progress)
    summary = {
        "dataset": dataset.name,
        "clip": clip.name,
        "concept_set": concept_set.name,
        "attribute": concept_set.attribute,
        "aggregate": aggregate,
        "classes": list(concept_set.classes),
        "concepts": concept_set.texts,
        "speaks_for": [list(concept.classes) for concept in concept_set.concepts],
        "templates": list(concept_set.templates),
        "embeddings": images.artifact.reference,
        "notes": _notes(dataset, clip, concept_set, labels, trained_on),
        "splits": [name for name in dataset.selections if name in metrics],
        "metrics": metrics,
    }
    return build.finish(summary)


def _notes(
    dataset: Dataset, clip: Clip, concept_set: ConceptSet, labels: np.ndarray, trained_on: np.ndarray
) -> list[str]:
    notes = []
    unseen = clip.unseen_words([sentence for sentences in concept_set.prompts() for sentence in sentences])
    if unseen:
        notes.append(
            f"{clip.name} never saw these words in training, so what it says of them is a guess: {', '.join(unseen)}"
        )
    model = f"{concept_set.name} or {clip.name}" if isinstance(concept_set, LearnedConcepts) else clip.name
    return notes + image_notes(dataset, model, labels, trained_on)
