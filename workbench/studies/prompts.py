"""Prompts measured and searched on stored image embeddings: everything tried on one split, the winner on another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from workbench.data.concepts import ConceptSet, load_attributes, load_concept_set, to_yaml
from workbench.data.datasets import Dataset, open_dataset
from workbench.errors import SpecError
from workbench.methods.prompt_search import Choice
from workbench.methods.prompts import measure
from workbench.methods.retrain import Comparison, compare
from workbench.methods.reweight_verdict import p_text, points
from workbench.methods.shapes import Bools, Ints
from workbench.methods.zeroshot import classify as classify_zero_shot
from workbench.progress import SILENT, Progress
from workbench.specs.ladder import PromptsSpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies import protocol
from workbench.studies.classification import class_labels
from workbench.studies.embed import embed_dataset, embed_texts
from workbench.studies.prompt_trials import (
    Subject,
    Trials,
    climb,
    described,
    experiment,
    other_attributes,
    spread,
    template_trials,
)
from workbench.studies.prompting import KIND as KIND
from workbench.studies.prompting import Prompts as Prompts
from workbench.studies.prompting import open_prompts as open_prompts

MAX_SENTENCES = 4000
"""The most sentences (templates x concepts) of a set whose choices are tried out."""


def prompts(spec: PromptsSpec, store: Store, progress: Progress = SILENT) -> Prompts:
    """Measure templates and random prompt sets, search for a better one, and report it once; or return what is stored.

    Only texts are encoded; images are met by their stored embeddings. The winner is also written among the workspace's
    concept sets, see :meth:`~workbench.studies.prompting.Prompts.save_winner`.

    Raises
    ------
    SpecError
        The dataset, CLIP, set or a split does not exist, splits share images or have no labelled ones, a class has no
        concept, or there are too many sentences.
    ConceptSetError, ModelError
        The concept set or the weights cannot be used.
    """
    from workbench.models.clip import load_clip  # loads torch, which reading a stored study does without

    dataset = open_dataset(store, spec.dataset)
    concept_set = load_concept_set(spec.concepts)
    check_set(concept_set, spec.concepts)
    tuned, reported = _rows(dataset, concept_set, spec)
    others = _other_attributes(spec.concepts, concept_set)
    progress.step(f"load {spec.clip}")
    clip = load_clip(spec.clip)
    fields = ("tune_on", "report_on", "metric", "least", "most_steps", "sizes", "draws", "seed")
    content = {
        "dataset": dataset.name,
        "rows": dataset.fingerprint,
        "clip": clip.fingerprint,
        "concepts": [[each.attribute, each.fingerprint] for each in (concept_set, *others)],
        "aggregate": spec.aggregate or concept_set.default_aggregate,
        **{name: getattr(spec, name) for name in fields},
    }
    key = ArtifactKey(KIND, f"{dataset.name}-{spec.clip.rpartition('/')[2]}-{concept_set.name}", content)

    def compute(build: Build) -> Artifact:
        images = embed_dataset(dataset, clip, store, progress)
        subject = Subject(spec, dataset, clip, concept_set, others, images.matrix, tuned, reported)
        return _compute(build, subject, store, progress)

    found = Prompts(store.find_or_build(key, spec.to_dict(), compute, progress))
    found.save_winner(store)
    return found


def check_set(concept_set: ConceptSet, name: str) -> None:
    """Refuse a concept set whose choices cannot be tried out; :class:`SpecError` says why, and what would be right."""
    if len(concept_set.classes) < 2:
        raise SpecError(f"concept set {name!r} has no classes to tell apart; a set needs at least two")
    empty = [
        each for each, column in zip(concept_set.classes, concept_set.membership.T, strict=True) if not column.any()
    ]
    if empty:
        raise SpecError(f"concept set {name!r} has no words for {', '.join(empty)}; add a concept of each class")
    sentences = len(concept_set.templates) * len(concept_set.concepts)
    if sentences > MAX_SENTENCES:
        raise SpecError(f"concept set {name!r} makes {sentences:,} sentences; the most is {MAX_SENTENCES:,}")


def _rows(dataset: Dataset, concept_set: ConceptSet, spec: PromptsSpec) -> tuple[Ints, Ints]:
    """Return the rows tuned and reported on: those labelled with a class."""
    labels = class_labels(dataset, concept_set.classes, repr(spec.concepts))
    found = []
    for split in (spec.tune_on, spec.report_on):
        rows = dataset.rows(split)
        found.append(rows[labels[rows] >= 0])
        if not len(found[-1]):
            raise SpecError(f"no image of {split!r} of {dataset.name} is labelled with a class of {spec.concepts!r}")
    shared = np.intersect1d(found[0], found[1]).size
    if shared:
        raise SpecError(
            f"{spec.tune_on!r} and {spec.report_on!r} of {dataset.name} share {shared:,} images; report on images that "
            "the prompts were not chosen by"
        )
    return found[0], found[1]


def _other_attributes(name: str, concept_set: ConceptSet) -> list[ConceptSet]:
    """Return the other attributes of the same file, with classes to tell apart."""
    base = name.rpartition("#")[0] if "#" in name and not Path(name).is_file() else name
    sets = load_attributes(base).values()
    return [each for each in sets if each.attribute != concept_set.attribute and len(each.classes) > 1]


def _compute(build: Build, subject: Subject, store: Store, progress: Progress) -> Artifact:
    spec, concept_set = subject.spec, subject.concept_set
    trials = Trials(subject, store, progress)
    progress.step("try each template")
    alone, left_out = template_trials(trials)
    progress.step("try random sets")
    chance = spread(trials)
    drawn, notes = experiment(trials)
    attributes = other_attributes(trials)
    progress.step("search")
    path, reached = climb(trials)
    choice = path[-1].choice
    winner = _winner(subject, choice)
    progress.step("report")
    labels = subject.labels(subject.reported)
    ranked = {
        name: _classified(subject, each, store, progress) for name, each in (("whole", concept_set), ("winner", winner))
    }
    report = {name: measure(labels, each, concept_set.classes, seed=spec.seed) for name, each in ranked.items()}
    comparison = compare(labels, ranked["whole"][:, 0], ranked["winner"][:, 0], concept_set.classes, seed=spec.seed)
    build.write_table(0, _images(subject, ranked))
    tried = sum(each["tried"] for each in reached.values())
    return build.finish(
        {
            "dataset": spec.dataset,
            "clip": subject.clip.name,
            "concept_set": concept_set.name,
            "aggregate": subject.aggregate,
            "classes": list(concept_set.classes),
            "whole": trials.measure(subject.whole).to_dict(),
            "templates": [{"template": name, "measured": each.to_dict()} for name, each in alone.items()],
            "left_out": [{"template": name, "comparison": each.to_dict()} for name, each in left_out.items()],
            "spread": chance,
            "experiment": drawn,
            "path": described(path, concept_set),
            "searches": reached,
            "report": {name: each.to_dict() for name, each in report.items()},
            "comparison": comparison.to_dict(),
            "attributes": attributes,
            "winner": to_yaml(winner, *(replace(each, name=winner.name) for each in subject.others)),
            "sentence": sentence(comparison, path[-1].value, len(choice.templates), len(choice.concepts), spec),
            "notes": [*_notes(subject, tried), *notes],
        }
    )


def _winner(subject: Subject, choice: Choice) -> ConceptSet:
    """Return the concept set that a choice is; it says where it comes from."""
    spec, whole = subject.spec, subject.concept_set
    return replace(
        whole,
        name=f"{whole.name}-chosen"[:64],
        description=f"Chosen from {whole.name} by {spec.metric} on {spec.tune_on} of {spec.dataset} with {spec.clip}.",
        templates=tuple(whole.templates[place] for place in choice.templates),
        concepts=tuple(whole.concepts[place] for place in choice.concepts),
        default_aggregate=subject.aggregate,
    )


def _classified(subject: Subject, concept_set: ConceptSet, store: Store, progress: Progress) -> Ints:
    """Return the ranked classes of the reported images, just as ``classify`` would have them."""
    sentences = [sentence for line in concept_set.prompts() for sentence in line]
    texts = embed_texts(sentences, subject.clip, store, progress)
    by_template = texts.reshape(len(concept_set.templates), len(concept_set.concepts), -1)  # (T, C, D)
    images, scale = subject.images[subject.reported], subject.clip.logit_scale
    found = classify_zero_shot(images, by_template, concept_set.membership, scale, aggregate=subject.aggregate)
    return found.classes.ranked


def _images(subject: Subject, ranked: dict[str, Ints]) -> pa.Table:
    dataset, rows, names = subject.dataset, subject.reported, np.array(subject.concept_set.classes, dtype=object)
    columns = {"id": dataset.ids[rows].tolist(), "label": dataset.labels[rows].tolist()}
    return pa.table(columns | {name: names[each[:, 0]].tolist() for name, each in ranked.items()})


def sentence(comparison: Comparison, tuned: float, templates: int, concepts: int, spec: PromptsSpec) -> str:
    """Return what the search was worth on the reported images, as one sentence.

    Parameters
    ----------
    comparison : Comparison
        The winner against the whole set, on the reported images.
    tuned : float
        The winner's score on the images it was chosen by, 0..1.
    templates, concepts : int
        How many the winner has.
    spec : PromptsSpec
        What was asked for.
    """
    change = comparison.changes[spec.metric]
    value, low, high = change.difference
    metric, test = spec.metric.replace("_", " ").replace("f1", "F1"), ""
    better, worse = low > 0, high < 0
    if spec.metric == "accuracy":
        better, worse = (comparison.conclusion == each for each in ("helped", "hurt"))
        test = f", McNemar {p_text(comparison.mcnemar.p)}"
    span = f"95 % interval {points(low)} to {points(high)}{test}"
    head = "better prompts" if better else "worse prompts" if worse else "no prompts that are measurably better"
    return (
        f"The search found {head}: {metric} of {templates} template{'s' * (templates > 1)} with {concepts} concepts on "
        f"{comparison.images:,} images of {spec.report_on} is {change.after.value * 100:.2f} %, of the whole set "
        f"{change.before.value * 100:.2f} % ({points(value)} points, {span}); on {spec.tune_on}, where they were "
        f"chosen, it is {tuned * 100:.2f} %."
    )


def _notes(subject: Subject, tried: int) -> list[str]:
    spec, clip, dataset = subject.spec, subject.clip, subject.dataset
    notes = protocol.warn(dataset, spec.tune_on, "to choose prompts")
    seen: Bools = np.zeros(len(dataset), dtype=bool)
    if clip.training_images is not None:
        seen = clip.training_images.matches(dataset.digests, dataset.hashes)
    for split, rows in ((spec.tune_on, subject.tuned), (spec.report_on, subject.reported)):
        count = int(seen[rows].sum())
        if count:
            share = f"{count:,} of the {len(rows):,} images of {split!r}"
            notes.append(f"{clip.name} was trained on {share}: figures on them are not held out")
    sentences = [sentence for line in subject.concept_set.prompts() for sentence in line]
    unseen = clip.unseen_words(sentences)
    if unseen:
        notes.append(
            f"{clip.name} never saw these words in training, so what it says of them is a guess: {', '.join(unseen)}"
        )
    notes.append(
        f"all but the report is measured on {spec.tune_on!r}; the winner is the best of {tried:,} sets tried there, so "
        "its score there flatters it"
    )
    if subject.others:
        named = ", ".join(each.attribute for each in subject.others)
        notes.append(f"what templates answer of {named} is a guess from pictures that no label checks")
    return notes
