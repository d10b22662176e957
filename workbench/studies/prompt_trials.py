"""Trials of prompt sets on the images that are tuned on: each template, random sets, and a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.data.concepts import ConceptSet
from workbench.data.datasets import Dataset
from workbench.methods.prompt_search import Choice, Step, search, smallest
from workbench.methods.prompts import TOP, Bank, Measured, fold, measure, random_choice, score
from workbench.methods.proportions import share
from workbench.methods.retrain import Comparison, compare
from workbench.methods.shapes import Bools, Floats, Ints
from workbench.progress import Progress
from workbench.specs.base import numbers
from workbench.specs.ladder import PromptsSpec
from workbench.store import Store
from workbench.studies.classification import class_labels
from workbench.studies.embed import embed_texts

if TYPE_CHECKING:
    from workbench.models.clip import Clip

SPREAD_DRAWS = 200
"""Random sets by which the spread is measured."""
_CHANCE_DRAWS = 1000
_KEPT = 64


@dataclass(frozen=True)
class Subject:
    """What prompts are tried on.

    Parameters
    ----------
    spec : PromptsSpec
        What was asked for.
    dataset : Dataset
        The images.
    clip : Clip
        Encodes the sentences.
    concept_set : ConceptSet
        Whose templates and concepts may be chosen.
    others : sequence of ConceptSet
        Other attributes of the same file.
    images : float32 array (N, D)
        Embedding of every row of the dataset.
    tuned, reported : int64 array
        Rows of the two splits that are labelled with a class, ascending.
    """

    spec: PromptsSpec
    dataset: Dataset
    clip: Clip
    concept_set: ConceptSet
    others: Sequence[ConceptSet]
    images: Floats
    tuned: Ints
    reported: Ints

    @property
    def aggregate(self) -> str:
        """How concepts are folded into classes."""
        return self.spec.aggregate or self.concept_set.default_aggregate

    @property
    def whole(self) -> Choice:
        """All templates, and all concepts that speak for a class."""
        speaking = np.flatnonzero(self.concept_set.membership.any(axis=1))
        return Choice(tuple(range(len(self.concept_set.templates))), tuple(speaking.tolist()))

    def labels(self, rows: Ints) -> Ints:
        """Return the class of each of the rows."""
        return class_labels(self.dataset, self.concept_set.classes, repr(self.spec.concepts))[rows]


class Trials:
    """Scores of choices on the images that are tuned on."""

    def __init__(self, subject: Subject, store: Store, progress: Progress) -> None:
        self.subject = subject
        self.labels = subject.labels(subject.tuned)
        self.prompts = subject.concept_set.prompts()
        self.membership: Bools = subject.concept_set.membership
        self._progress = progress
        self._logits: dict[tuple[int, ...], Floats] = {}
        self.bank = Bank(subject.images[subject.tuned], subject.clip.logit_scale)
        sets = (subject.concept_set, *subject.others)
        sentences = [sentence for each in sets for line in each.prompts() for sentence in line]
        self.bank.prepare(sentences, lambda texts: embed_texts(texts, subject.clip, store, progress))

    def ranked(self, choice: Choice) -> Ints:
        """Return the classes of each image from the best on, by a choice's templates and concepts."""
        self._progress.advance(0)
        concepts, aggregate = list(choice.concepts), self.subject.aggregate
        if aggregate.startswith("vote"):
            lines = [[self.prompts[place][concept] for concept in concepts] for place in choice.templates]
            return self.bank.classify(lines, self.membership[concepts], aggregate, TOP).ranked
        if choice.templates not in self._logits:
            while len(self._logits) >= _KEPT:
                del self._logits[next(iter(self._logits))]
            self._logits[choice.templates] = self.bank.logits([self.prompts[place] for place in choice.templates])
        logits = self._logits[choice.templates][:, concepts]
        return fold(logits, self.membership[concepts], aggregate, TOP).ranked

    def score(self, choice: Choice) -> float:
        """Return what the search raises."""
        predicted = self.ranked(choice)[:, 0]
        return score(self.labels, predicted, self.membership.shape[1], self.subject.spec.metric)

    def measure(self, choice: Choice) -> Measured:
        """Return everything that is measured, with intervals."""
        return measure(self.labels, self.ranked(choice), self.subject.concept_set.classes, seed=self.subject.spec.seed)

    def compare(self, before: Choice, after: Choice) -> Comparison:
        """Compare two choices on the same images."""
        first, second = (self.ranked(choice)[:, 0] for choice in (before, after))
        return compare(self.labels, first, second, self.subject.concept_set.classes, seed=self.subject.spec.seed)


def template_trials(trials: Trials) -> tuple[dict[str, Measured], dict[str, Comparison]]:
    """Measure each template alone, and all but each against all; nothing is left out where there is but one."""
    whole, names = trials.subject.whole, trials.subject.concept_set.templates
    alone = {name: trials.measure(whole._replace(templates=(place,))) for place, name in enumerate(names)}
    if len(names) < 2:
        return alone, {}
    rest = {name: tuple(each for each in whole.templates if each != place) for place, name in enumerate(names)}
    return alone, {name: trials.compare(whole, whole._replace(templates=kept)) for name, kept in rest.items()}


def spread(trials: Trials) -> dict[str, Any]:
    """Score random sets, and tell their spread beside that of drawing the images again."""
    rng = np.random.default_rng(trials.subject.spec.seed)
    templates = len(trials.subject.concept_set.templates)
    values = np.array([trials.score(_drawn(templates, trials, rng)) for _ in range(SPREAD_DRAWS)])
    predicted = trials.ranked(trials.subject.whole)[:, 0]
    again = []
    for _ in range(_CHANCE_DRAWS if trials.subject.spec.metric != "accuracy" else 0):
        rows = rng.integers(0, len(predicted), len(predicted))
        again.append(score(trials.labels[rows], predicted[rows], trials.membership.shape[1], "macro_f1"))
    right = float((predicted == trials.labels).mean())
    chance = float(np.std(again)) if again else float(np.sqrt(right * (1 - right) / len(predicted)))
    low, high = np.quantile(values, [0.025, 0.975])
    return {
        "values": values.tolist(),
        "mean": float(values.mean()),
        "sd": float(values.std(ddof=1)),
        "low": float(low),
        "high": float(high),
        "chance_sd": chance,
    }


def _drawn(templates: int, trials: Trials, rng: np.random.Generator, size: int = 0) -> Choice:
    chosen = random_choice(templates, trials.membership, rng, (size, size) if size else None)
    return Choice(tuple(chosen[0].tolist()), tuple(chosen[1].tolist()))


def experiment(trials: Trials) -> tuple[list[dict[str, Any]], list[str]]:
    """Draw so many templates and concepts of each class, several times for each size; note sizes that do not fit."""
    spec, concept_set = trials.subject.spec, trials.subject.concept_set
    fewest = int(trials.membership.sum(axis=0).min())
    most = min(len(concept_set.templates), fewest)
    rng = np.random.default_rng(spec.seed)
    found, left_out = [], []
    for size in dict.fromkeys(int(number) for number in numbers(spec.sizes, "sizes")):
        if size > most:
            left_out.append(str(size))
            continue
        for _ in range(spec.draws):
            choice = _drawn(len(concept_set.templates), trials, rng, size)
            drawn = _texts(concept_set, choice)
            found.append({"size": size, **drawn, "measured": trials.measure(choice).to_dict()})
    notes = []
    if left_out:
        notes.append(
            f"random sets of {', '.join(left_out)} templates and as many synonyms were not drawn: templates in the "
            f"concept set: {len(concept_set.templates)}, concepts of its smallest class: {fewest}"
        )
    return found, notes


def climb(trials: Trials) -> tuple[list[Step], dict[str, dict[str, Any]]]:
    """Search from the smallest set and from the whole one; return the better path and what both reached."""
    spec, subject = trials.subject.spec, trials.subject
    count = len(subject.concept_set.templates)
    first, tried = smallest(trials.membership, trials.score, count)
    paths = {
        name: search(start, count, trials.membership, trials.score, spec.least, spec.most_steps)
        for name, start in (("smallest", first), ("whole", subject.whole))
    }
    reached = {
        name: {"value": path[-1].value, "steps": len(path) - 1, "tried": sum(step.tried for step in path)}
        for name, path in paths.items()
    }
    reached["smallest"]["tried"] += tried
    return max(paths.values(), key=lambda path: path[-1].value), reached


def described(path: Sequence[Step], concept_set: ConceptSet) -> list[dict[str, Any]]:
    """Return the steps of a search in plain values, what came and went by its text."""
    lines = []
    for step in path:
        texts = concept_set.templates if "template" in step.change else concept_set.texts
        lines.append(
            {
                "change": step.change,
                "added": texts[step.added] if step.added >= 0 else "",
                "removed": texts[step.removed] if step.removed >= 0 else "",
                "templates": len(step.choice.templates),
                "concepts": len(step.choice.concepts),
                "value": step.value,
                "tried": step.tried,
            }
        )
    return lines


def other_attributes(trials: Trials) -> list[dict[str, Any]]:
    """Tell what each template answers of attributes that the dataset has no labels of; see ``Prompts.attributes``."""
    found = []
    for each in trials.subject.others:
        count = len(each.classes)
        answers = [
            trials.bank.classify(lines, each.membership, each.default_aggregate, TOP).predicted
            for lines in (each.prompts(), *([line] for line in each.prompts()))
        ]
        templates = []
        for name, alone in zip(each.templates, answers[1:], strict=True):
            agreement = share(int((alone == answers[0]).sum()), len(alone))
            templates.append({"template": name, "shares": _shares(alone, count), "agreement": agreement._asdict()})
        whole = _shares(answers[0], count)
        found.append(
            {"attribute": each.attribute, "classes": list(each.classes), "whole": whole, "templates": templates}
        )
    return found


def _shares(answers: Ints, count: int) -> list[float]:
    return [float(number) for number in np.bincount(answers, minlength=count) / len(answers)]


def _texts(concept_set: ConceptSet, choice: Choice) -> dict[str, list[str]]:
    return {
        "templates": [concept_set.templates[place] for place in choice.templates],
        "concepts": [concept_set.texts[place] for place in choice.concepts],
    }
