"""Edits of a prompt set at 36,000 images, against the first evaluation of the set."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workbench.data.concepts import Concept, ConceptSet, load_concept_set
from workbench.methods.prompts import Bank, measure
from workbench.methods.retrain import compare
from workbench.models.clip import Clip, load_clip

COUNT = 35_887
ROUNDS = 5


def run() -> list[tuple[str, str]]:
    """Change a template, then a synonym, of each bundled set; images are random directions."""
    clip = load_clip("face-clip")
    rng = np.random.default_rng(0)
    images = rng.normal(size=(COUNT, clip.dim)).astype(np.float32)
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    labels = rng.integers(0, 7, COUNT)
    rows = []
    for name in ("fer7", "customer-satisfaction", "sentence-ensembles"):
        whole = load_concept_set(name)
        score = whole.concepts[0].score
        templates = [replace(whole, templates=(*whole.templates[:-1], f"one {n} {{}}")) for n in range(ROUNDS)]
        words = [Concept(f"word {n}", whole.classes[:1], score) for n in range(ROUNDS)]
        synonyms = [replace(whole, concepts=(*whole.concepts, word)) for word in words]
        bank = Bank(images, clip.logit_scale)
        first = _seconds(bank, clip, [whole], labels)
        for edit, sets in (("template", templates), ("synonym", synonyms)):
            seconds = _seconds(bank, clip, sets, labels, whole.prompts())
            figure = f"{name} ({whole.default_aggregate}): another {edit}, {COUNT:,} images"
            rows.append((figure, f"{seconds:.3f} s, {seconds / first:.2f} of the first evaluation"))
    return rows


def _seconds(
    bank: Bank, clip: Clip, sets: Sequence[ConceptSet], labels: np.ndarray, known: Sequence[Sequence[str]] = ()
) -> float:
    """Return the median seconds of an edit in the lab: the set, each new template alone, and what changed, twice.

    ``known`` are the lines of prompts that have been told alone before.
    """
    taken, before, alone = [], labels, set(map(tuple, known))
    for each in sets:
        started = time.perf_counter()
        prompts = each.prompts()
        bank.prepare([sentence for line in prompts for sentence in line], clip.encode_texts)
        found = bank.classify(prompts, each.membership, each.default_aggregate)
        measure(labels, found.ranked, each.classes)
        for line in [line for line in prompts if tuple(line) not in alone]:
            bank.alone(line, each.membership, each.default_aggregate)
            alone.add(tuple(line))
        for _ in range(2):
            compare(labels, before, found.predicted, each.classes)
        before = found.predicted
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)
