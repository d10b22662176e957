"""Rank a dataset's images by how doubtful their labels are, and say what is wrong with each.

Reading order: :func:`suspects` names the result and has it computed; :mod:`workbench.studies.suspect_opinions` gathers
what a probe, the nearest images, the CLIP's texts and a network say; :mod:`workbench.methods.suspects` joins it;
:mod:`workbench.studies.suspect_truth` holds the ranking against votes or planted faults, where they are known.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.data.datasets import Dataset, open_dataset
from workbench.data.votes import read_votes
from workbench.errors import SpecError
from workbench.methods import probe
from workbench.methods.duplicates import BLANK_DEVIATION
from workbench.methods.shapes import Ints
from workbench.methods.suspects import (
    BINS,
    FEW_TONES,
    Judgement,
    confident_joint,
    copies_opinion,
    faceless,
    judge,
    outlyingness,
    skill,
    wrong_share_interval,
)
from workbench.progress import SILENT, Progress
from workbench.specs import SuspectsSpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.concept_texts import open_concepts
from workbench.studies.embed import list_column
from workbench.studies.suspect_opinions import (
    Evidence,
    Subject,
    duplicate_groups,
    gather,
    kinship_with,
    two_tone_shares,
)
from workbench.studies.suspect_truth import Truth, evaluate_truths, planted_counts, read_truths
from workbench.studies.suspicion import KIND as KIND
from workbench.studies.suspicion import PART
from workbench.studies.suspicion import Suspects as Suspects
from workbench.studies.suspicion import open_suspects as open_suspects

if TYPE_CHECKING:
    from workbench.studies.classifier import Classifier


def suspects(spec: SuspectsSpec, store: Store, progress: Progress = SILENT) -> Suspects:
    """Doubt every label of a dataset, or return what is stored.

    Raises
    ------
    SpecError
        The dataset, CLIP, network or concept set does not exist; fewer than two classes or too few images are labelled;
        embeddings are not finite or all equal.
    InputError
        The votes cannot be read, or their rows are not the dataset's.
    ModelError
        Weights cannot be used.
    Cancelled
        Stopped by ``progress``; embeddings, logits and encoders finished so far are kept.
    """
    dataset = open_dataset(store, spec.dataset)
    labels = _labels(dataset, spec)
    if spec.votes:  # what is stored must work from any folder
        spec = replace(spec, votes=str(Path(spec.votes).expanduser().resolve()))
    truths = read_truths(dataset, read_votes(Path(spec.votes)) if spec.votes else None)
    concepts = open_concepts(spec.concepts, store)
    if not concepts.classes:
        raise SpecError(f"concept set {spec.concepts!r} has no classes to ask a CLIP for; add a classes list to it")
    from workbench.models.clip import (
        load_clip,
    )  # loads torch, which reading a stored search, or refusing one, does without

    progress.step(f"load {spec.clip}{' and ' * bool(spec.network)}{spec.network}")
    clip = load_clip(spec.clip)
    classifier = _classifier(spec, store, progress)
    content = {
        "dataset": dataset.name,
        "rows": dataset.fingerprint,
        "clip": clip.fingerprint,
        "network": classifier.fingerprint if classifier else "",
        "concepts": concepts.fingerprint,
        "truths": [truth.digest for truth in truths],
        **{name: getattr(spec, name) for name in ("encoder", "folds", "neighbours", "seed")},
    }

    def compute(build: Build) -> Artifact:
        groups = duplicate_groups(dataset, store)
        fold = _deal(labels, groups, spec)
        subject = Subject(spec, dataset, labels, groups, fold, clip, concepts, classifier)
        return _compute(build, subject, truths, store, progress)

    key = ArtifactKey(KIND, f"{dataset.name}-{spec.clip.rpartition('/')[2]}-{spec.encoder}", content)
    return Suspects(store.find_or_build(key, spec.to_dict(), compute, progress))


def _labels(dataset: Dataset, spec: SuspectsSpec) -> Ints:
    index = {name: place for place, name in enumerate(dataset.classes)}
    labels = np.array([index.get(label, -1) for label in dataset.labels.tolist()], dtype=np.int64)
    counts = np.bincount(labels[labels >= 0], minlength=1)
    found = int((counts > 0).sum())
    if found < 2:
        word = f"one class only ({dataset.classes[int(counts.argmax())]})" if found else "no labels"
        raise SpecError(f"{dataset.name} has {word}; labels can be doubted where there are two classes or more")
    if int(counts.sum()) < spec.folds:
        raise SpecError(f"{dataset.name} has {int(counts.sum())} labelled images for {spec.folds} folds; give fewer "
                        "folds (2 or more) or more images")  # fmt: skip
    return labels


def _deal(labels: Ints, groups: Ints, spec: SuspectsSpec) -> Ints:
    """Deal images to folds such that two classes or more are left to learn from outside each."""
    fold = probe.folds(labels, groups, spec.folds, spec.seed)
    for name in np.unique(fold[labels >= 0]):
        if len(np.unique(labels[(fold != name) & (labels >= 0)])) < 2:
            raise SpecError(f"{spec.dataset} has too few different labelled images for {spec.folds} folds: outside one "
                            "of them a single class is left to learn from; use more images")  # fmt: skip
    return fold


def _classifier(spec: SuspectsSpec, store: Store, progress: Progress) -> Classifier | None:
    """Open the network; one that names no classes gives features only."""
    if not spec.network:
        return None
    from workbench.models.targets import load_target
    from workbench.studies.classifier import CLIP_PREFIX, Classifier, base_network, open_classifier

    target = load_target(spec.network, "", store)
    if target.classes or base_network(target.spec, store).startswith(CLIP_PREFIX):
        return open_classifier(target, store, progress)
    return Classifier(target, ())


def _compute(build: Build, subject: Subject, truths: list[Truth], store: Store, progress: Progress) -> Artifact:
    dataset, labels = subject.dataset, subject.labels
    evidence = gather(subject, store, progress)
    shares = two_tone_shares(dataset, progress)
    progress.step("join the opinions")
    measured = np.flatnonzero((labels >= 0) & ~evidence.leaky)
    measured = measured if len(measured) >= len(subject.classes) else np.flatnonzero(labels >= 0)
    weights = {name: skill(opinion, labels, measured) ** 2 for name, opinion in evidence.opinions.items()}
    blank = np.asarray(dataset.contrasts < BLANK_DEVIATION)
    kinship = kinship_with(blank | (shares >= FEW_TONES), evidence.embeddings, subject)
    not_a_face = faceless(blank, shares, outlyingness(evidence.embeddings, labels), kinship)
    copies = copies_opinion(labels, subject.groups, len(subject.classes))
    found = judge(evidence.opinions, labels, copies, not_a_face, weights, measured)
    build.write_table(0, _table(subject, evidence, found))
    progress.step("hold the ranking against what is known")
    summary = {
        "dataset": dataset.name,
        "clip": subject.clip.name,
        "network": subject.spec.network,
        "classes": list(subject.classes),
        "bins": {name: int((found.bins == place).sum()) for place, name in enumerate(BINS) if name},
        "weights": weights,
        "noise": confident_joint(evidence.opinions["probe"], labels).tolist(),
        "wrong_interval": list(wrong_share_interval(evidence.opinions["probe"], labels)),
        "evaluation": evaluate_truths(truths, found, evidence.leaky, subject.spec.seed),
        "planted": planted_counts(dataset, found, subject.groups),
        "notes": evidence.notes + _notes(subject),
    }
    return build.finish(summary)


def _notes(subject: Subject) -> list[str]:
    notes = []
    alone = [name for place, name in enumerate(subject.classes)
             if len(np.unique(subject.fold[subject.labels == place])) < 2]  # fmt: skip
    if alone:
        notes.append(f"{', '.join(alone)}: all images lie in one fold, so the probe that judges them never saw the "
                     "class; do not believe its doubt")  # fmt: skip
    unlabelled = int((subject.labels < 0).sum())
    if unlabelled:
        notes.append(f"{unlabelled:,} images have no label: they are looked at for faces only")
    return notes


def _table(subject: Subject, evidence: Evidence, found: Judgement) -> pa.Table:
    dataset = subject.dataset
    columns: dict[str, Any] = {
        "id": pa.array(dataset.ids.tolist()),
        "split": pa.array(dataset.splits.tolist()),
        "label": pa.array(subject.labels.astype(np.int16)),
        "score": pa.array(found.scores.astype(np.float32)),
        "bin": pa.array(found.bins.astype(np.int8)),
        "proposed": pa.array(found.proposed.astype(np.int16)),
        "leaky": pa.array(evidence.leaky),
        "probabilities": list_column(found.probabilities.astype(np.float32)),
    }
    parts = {PART + name: pa.array(values.astype(np.float32)) for name, values in found.parts.items()}
    return pa.table(columns | parts)
