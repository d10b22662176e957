"""Learn the vectors around class names, stop on one split, report on another once, between zero-shot and a probe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.data.concepts import ConceptSet, load_concept_set
from workbench.data.datasets import Dataset, open_dataset
from workbench.errors import SpecError
from workbench.methods.few_shots import draw_shots
from workbench.methods.learners import LEARNERS, choose
from workbench.methods.probe import softmax
from workbench.methods.retrain import compare
from workbench.methods.shapes import Bools, Floats
from workbench.methods.zeroshot import classify, ensemble
from workbench.progress import SILENT, Progress
from workbench.specs.training import CoopSpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.case import Case, copy_notes, encoder_notes, open_case, split_notes, training_images
from workbench.studies.concept_texts import concept_texts
from workbench.studies.embed import embed_dataset
from workbench.studies.learned_prompts import ARRAYS, LearnedPrompts
from workbench.studies.learned_prompts import KIND as KIND
from workbench.studies.learned_prompts import find_coop as find_coop
from workbench.studies.learned_prompts import open_coop as open_coop
from workbench.studies.live_curves import CURVE, write_curve
from workbench.studies.map import check_usable

if TYPE_CHECKING:
    from workbench.models.clip import Clip
    from workbench.models.coop import Coop, Learned
    from workbench.models.nearest_words import NearestWords
    from workbench.models.prompt_tower import PromptTower

MEASURE = 2
"""Number of the way prompts are learned; those of another are learned again."""
NEAREST = 5
"""Words named for each learned vector."""
_ABSENT = "its prompt has the vectors that were learned without it"


@dataclass(frozen=True)
class _Subject:
    """What prompts are learned for."""

    spec: CoopSpec
    case: Case
    concepts: ConceptSet
    names: tuple[str, ...]
    clip: Clip
    tower: PromptTower


def coop(spec: CoopSpec, store: Store, progress: Progress = SILENT) -> LearnedPrompts:
    """Learn prompts, or return what is stored; a run that was stopped or killed goes on where it was.

    The vectors of the epoch that is right most often on ``tune_on`` are kept, and ``report_on`` is looked at once.
    Beside them stand the concept set as it is (zero-shot) and a linear probe on the same training images.

    Raises
    ------
    SpecError
        The dataset, CLIP, concept set or a split does not exist, or cannot be used; a class has fewer training images
        than shots, or none where each class has a context of its own; a prompt is longer than the text tower's context;
        the learning rate makes the training diverge.
    ModelError
        The weights of the CLIP cannot be had, or its text tower cannot be entered with vectors.
    Cancelled
        Stopped by ``progress``; the embeddings and the training so far are kept.
    """
    from workbench.models.clip import load_clip  # loads torch, which reading stored prompts does without
    from workbench.models.prompt_tower import PromptTower

    dataset = open_dataset(store, spec.dataset)
    concepts = load_concept_set(spec.concepts)
    names = _names(concepts, spec)
    case = _case(spec, dataset, concepts)
    progress.step(f"load {spec.clip}")
    clip = load_clip(spec.clip)
    subject = _Subject(spec, case, concepts, names, clip, PromptTower(clip))

    def compute(build: Build) -> Artifact:
        return _compute(build, subject, store, progress)

    return LearnedPrompts(store.find_or_build(_key(subject), spec.to_dict(), compute, progress))


def _names(concepts: ConceptSet, spec: CoopSpec) -> tuple[str, ...]:
    """Return each class's first concept."""
    if len(concepts.classes) < 2:
        raise SpecError(f"concept set {spec.concepts!r} has no classes to tell apart; prompts need two or more")
    found = []
    for place, name in enumerate(concepts.classes):
        own = np.flatnonzero(concepts.membership[:, place])
        if not len(own):
            raise SpecError(f"concept set {spec.concepts!r} has no concept for {name!r} to stand in a prompt; add one")
        found.append(concepts.texts[own[0]])
    same = {name for name in found if found.count(name) > 1}
    if same:
        raise SpecError(
            f"concept set {spec.concepts!r}: {sorted(same)[0]!r} is the first concept of two classes; their prompts "
            "would be the same"
        )
    return tuple(found)


def _case(spec: CoopSpec, dataset: Dataset, concepts: ConceptSet) -> Case:
    classes = concepts.classes
    case = open_case(
        spec,
        dataset,
        "learning prompts",
        "choose the epoch",
        classes,
        lambda labels, rows: draw_shots(labels, rows, classes, spec.shots, spec.seed),
    )
    if spec.context == "class" and case.absent:
        raise SpecError(
            f"no image of {spec.train!r} of {dataset.name} is labelled {', '.join(case.absent)}, so a context of its "
            "own cannot be learned; use context = shared"
        )
    return case


def _key(subject: _Subject) -> ArtifactKey:
    spec, clip, concepts = subject.spec, subject.clip, subject.concepts
    fields = ("context", "position", "words", "shots", "train", "tune_on", "report_on", "optimizer", "rate",
              "weight_decay", "epochs", "batch", "patience", "seed")  # fmt: skip
    content = {
        "dataset": subject.case.dataset.name,
        "rows": subject.case.dataset.fingerprint,
        "measure": MEASURE,
        "clip": clip.fingerprint,
        "concepts": concepts.fingerprint,
        "aggregate": concepts.default_aggregate,
        "length": 0 if spec.words else spec.length,
        **{name: getattr(spec, name) for name in fields},
    }
    name = clip.name.rpartition("/")[2] if clip.name.startswith("local-dir:") else clip.name
    few = f"-{spec.shots}-shots" if spec.shots else ""
    return ArtifactKey(KIND, f"{subject.case.dataset.name}-{name}-{concepts.name}{few}", content)


def _compute(build: Build, subject: _Subject, store: Store, progress: Progress) -> Artifact:
    spec, case, clip = subject.spec, subject.case, subject.clip
    training, begin = _training(subject, store, progress)
    learned = _learn(training, begin, build, spec, progress)
    matrix = embed_dataset(case.dataset, clip, store, progress).matrix
    texts = learned.texts.numpy()
    found = softmax(np.asarray(clip.logit_scale * matrix[case.report] @ texts.T, dtype=np.float64))
    plain = concept_texts(subject.concepts, clip, store, progress)
    bounds, answers = _bounds(subject, matrix, plain, progress)
    progress.step("look up the nearest words")
    near = _near(subject, learned)
    build.write_arrays(ARRAYS, {"context": learned.context.numpy(), "texts": texts, "plain": ensemble(plain)})
    build.write_table(0, training_images(case.dataset, case.train))
    unseen = case.judge_unseen(found, spec.seed)
    seen = np.zeros(len(case.dataset), dtype=bool)
    if clip.training_images is not None:
        seen = clip.training_images.matches(case.dataset.digests, case.dataset.hashes)
    labels, answered = case.labels[case.report], found.argmax(axis=1)
    return build.finish(
        {
            **_told(subject),
            "length": learned.context.shape[1],
            "parameters": learned.context.numel(),
            "seconds": learned.seconds,
            "curve": learned.curve,
            "best_epoch": learned.best_epoch,
            "reported": case.judge(found, spec.seed),
            "unseen": unseen,
            "bounds": bounds,
            "against": {
                name: compare(labels, other, answered, case.classes, seed=spec.seed).to_dict()
                for name, other in answers.items()
            },
            **_words(subject, learned, near),
            "notes": [*_notes(subject, seen, unseen), *_reading(subject, learned, near, bounds)],
        }
    )


def _training(subject: _Subject, store: Store, progress: Progress) -> tuple[Coop, Any]:
    """Return the training, and the vectors it begins with; what cannot be is refused before anything is encoded."""
    import torch

    from workbench.models.coop import Coop, Examples, start

    spec, case, clip = subject.spec, subject.case, subject.clip
    begin = start(subject.tower, spec, len(subject.names))
    prompts = subject.tower.prompts(subject.names, begin.shape[1], spec.position)
    matrix = embed_dataset(case.dataset, clip, store, progress).matrix
    rows = np.unique(np.concatenate([case.train, case.tune, case.report]))
    check_usable(matrix[rows], case.dataset, rows, clip.name)
    known, judged = (
        Examples(torch.from_numpy(matrix[chosen]), torch.from_numpy(case.labels[chosen]))
        for chosen in (case.train, case.tune)
    )
    return Coop(subject.tower, prompts, spec, known, judged), begin


def _learn(training: Coop, begin: Any, build: Build, spec: CoopSpec, progress: Progress) -> Learned:
    """Learn; the curve so far lies where a page reads it until learning ends or is given up."""
    curve = build.state.with_name(CURVE)
    try:
        learned = training.learn(begin, build.state, progress, lambda epochs: write_curve(curve, spec, epochs))
    except SpecError:
        curve.unlink(missing_ok=True)
        raise
    curve.unlink(missing_ok=True)
    return learned


def _bounds(
    subject: _Subject, matrix: Floats, plain: Floats, progress: Progress
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Judge the concept set as it is, and a linear probe on the same training images; and return their answers."""
    spec, case, concepts, clip = subject.spec, subject.case, subject.concepts, subject.clip
    shown, size = matrix[case.report], len(case.classes)
    tuned, zero_shot = (
        classify(
            matrix[rows], plain, concepts.membership, clip.logit_scale, aggregate=concepts.default_aggregate, top_k=size
        ).classes
        for rows in (case.tune, case.report)
    )
    grid = LEARNERS["linear"].grid
    progress.step("train a linear probe to compare with", len(grid))
    known, judged = ((matrix[rows], case.labels[rows]) for rows in (case.train, case.tune))
    probe, tried, place = choose("linear", known, judged, size, grid, spec.seed, progress.advance)
    linear = probe.probabilities(shown)
    bounds = {
        "zero-shot": {
            "reported": case.judge(zero_shot.probabilities, spec.seed, zero_shot.ranked),
            "unseen": case.judge_unseen(zero_shot.probabilities, spec.seed, zero_shot.ranked),
            "tuned": float((tuned.predicted == case.labels[case.tune]).mean()),
            "parameters": 0,
            "seconds": 0.0,
        },
        "linear probe": {
            "reported": case.judge(linear, spec.seed),
            "unseen": case.judge_unseen(linear, spec.seed),
            "tuned": tried[place].accuracy.value,
            "parameters": probe.parameters,
            "seconds": tried[place].seconds,
            "chosen": tried[place].value,
        },
    }
    return bounds, {"zero-shot": zero_shot.predicted, "linear probe": linear.argmax(axis=1)}


def _near(subject: _Subject, learned: Learned) -> NearestWords:
    from workbench.models.nearest_words import nearest_words

    vectors = learned.context.reshape(-1, learned.context.shape[-1])
    return nearest_words(subject.clip, subject.tower, vectors, NEAREST, subject.spec.seed)


def _told(subject: _Subject) -> dict[str, Any]:
    case, concepts, clip = subject.case, subject.concepts, subject.clip
    firsts = [concepts.concepts[concepts.texts.index(name)] for name in subject.names]
    return {
        "dataset": case.dataset.name,
        "clip": clip.name,
        "clip_fingerprint": clip.fingerprint,
        "concept_set": concepts.name,
        "attribute": concepts.attribute,
        "classes": list(case.classes),
        "names": list(subject.names),
        "scores": [each.score for each in firsts],
        "plain": [{"text": each.text, "classes": list(each.classes)} for each in concepts.concepts],
        "absent": case.absent,
        "images": len(case.train),
    }


def _words(subject: _Subject, learned: Learned, near: NearestWords) -> dict[str, Any]:
    length = learned.context.shape[1]
    own = subject.spec.context == "class"
    low, median, high = near.typical
    return {
        "vectors": [
            {
                "class": subject.case.classes[place // length] if own else "",
                "place": place % length + 1,
                "norm": norm,
                "chance": chance,
                "words": [each._asdict() for each in words],
            }
            for place, (norm, chance, words) in enumerate(zip(near.norms, near.chance, near.words, strict=True))
        ],
        "word_distances": {
            "low": low,
            "median": median,
            "high": high,
            "norm": near.typical_norm,
            "candidates": near.candidates,
            "tokens": near.tokens,
        },
    }


def _notes(subject: _Subject, seen: Bools, unseen: dict[str, Any] | None) -> list[str]:
    """Say what the images can be trusted for."""
    spec, case = subject.spec, subject.case
    notes = [
        *split_notes(spec, case, _ABSENT, "to choose the epoch", "chose the epoch"),
        *encoder_notes(spec, case, spec.clip, seen),
        *copy_notes(spec, case, unseen, "they"),
    ]
    if spec.shots:
        notes.append(
            f"{len(case.train):,} images were learned from, {spec.shots:,} of each class (seed {spec.seed}), but "
            f"{len(case.tune):,} labelled images of {spec.tune_on!r} chose the epoch, and the probe's penalty"
        )
    outside = int((case.labels[case.dataset.rows(spec.report_on)] < 0).sum())
    if outside:
        notes.append(f"{outside:,} images of {spec.report_on!r} are left out: their labels are no class of the set")
    return notes


def _reading(subject: _Subject, learned: Learned, near: NearestWords, bounds: dict[str, Any]) -> list[str]:
    """Say what learning came to, and what the nearest words can be trusted for."""
    spec, notes = subject.spec, []
    best, plain = learned.curve[learned.best_epoch]["accuracy"], bounds["zero-shot"]["tuned"]
    if not learned.best_epoch:
        notes.append(
            f"no epoch was right more often on {spec.tune_on!r} than the start: what is kept is the start, and nothing "
            "was learned"
        )
    elif best < plain:
        notes.append(
            f"no epoch reached the {100 * plain:.1f} % that the concept set's own words have on {spec.tune_on!r} (the "
            f"best {100 * best:.1f} %): more images, words to begin with, another seed or rate may help"
        )
    unknown = subject.clip.unseen_words([*subject.names, spec.words])
    if unknown:
        notes.append(f"{subject.clip.name} never saw these words in training: {', '.join(unknown)}")
    return [*notes, _far(near)]


def _far(near: NearestWords) -> str:
    """Say whether the nearest words can be read as what was learned."""
    nearest = np.array([words[0].distance for words in near.words])
    real = int((nearest < np.array(near.chance)).sum())
    where = (
        f"the learned vectors' nearest words are {np.median(nearest):.2f} away in the median (a word's own nearest is "
        f"{near.typical[1]:.2f} away, 95 % within {near.typical[2]:.2f})"
    )
    which = f"{real} of {len(nearest)} vectors are nearer to a word than random vectors of their length come to any"
    return f"{where}; {which}" + ("" if real == len(nearest) else ": the words of the others say nothing")
