"""Search for a choice of templates and concepts that classifies better: one change at a time, the best each time.

A step adds or leaves out one template or one concept, or exchanges a concept for another of the same classes. Exchanges
are needed where classes must keep equally many words, as the vote by summed similarities wants. The search stops when
no step raises the score by the least gain asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from workbench.errors import SpecError
from workbench.methods.shapes import Bools


class Choice(NamedTuple):
    """Places of the templates and of the concepts chosen, each ascending."""

    templates: tuple[int, ...]
    concepts: tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """One step of a search.

    Parameters
    ----------
    change : str
        ``"start"``, ``"add template"``, ``"leave out template"``, ``"add concept"``, ``"leave out concept"`` or
        ``"exchange concept"``.
    added, removed : int
        Places of what came and what went, -1 for none.
    choice : Choice
        What is chosen after it.
    value : float
        Its score.
    tried : int
        Choices that were scored to find it.
    """

    change: str
    added: int
    removed: int
    choice: Choice
    value: float
    tried: int


def smallest(membership: Bools, score: Callable[[Choice], float], templates: int) -> tuple[Choice, int]:
    """Return the best single template with the first concept of each class, and how many were scored."""
    concepts = tuple(sorted({int(np.flatnonzero(column)[0]) for column in membership.T}))
    choices = [Choice((template,), concepts) for template in range(templates)]
    values = [score(choice) for choice in choices]
    return choices[int(np.argmax(values))], len(choices)


def search(
    start: Choice,
    templates: int,
    membership: Bools,
    score: Callable[[Choice], float],
    least: float,
    most_steps: int,
) -> list[Step]:
    """Climb from a choice, a step at a time.

    Parameters
    ----------
    start : Choice
        Where it begins; every class has a concept.
    templates : int
        T.
    membership : bool array (C, K)
        Which concept speaks for which class. Concepts that speak for none are never added.
    score : callable
        The score of a choice, greater is better; called once for each.
    least : float
        The least gain of a step, 0 or more; equal scores never make one.
    most_steps : int
        After so many it ends.

    Returns
    -------
    list of Step
        The first is the start. Of equal gains the first kind of change named in :class:`Step` is taken.
    """
    if not (start.templates and membership[list(start.concepts)].any(axis=0).all()):
        raise SpecError("a search needs a template, and a concept for every class, to begin with")
    steps = [Step("start", -1, -1, start, score(start), 1)]
    known = {start: steps[0].value}
    for _ in range(most_steps):
        best: Step | None = None
        tried = 0
        for change, added, removed, choice in _changes(steps[-1].choice, templates, membership):
            if choice not in known:
                known[choice] = score(choice)
                tried += 1
            if best is None or known[choice] > best.value:
                best = Step(change, added, removed, choice, known[choice], 0)
        gain = 0.0 if best is None else best.value - steps[-1].value
        if best is None or gain <= 0 or gain < least:
            break
        steps.append(Step(best.change, best.added, best.removed, best.choice, best.value, tried))
    return steps


def _changes(choice: Choice, templates: int, membership: Bools) -> Iterator[tuple[str, int, int, Choice]]:
    chosen, words = set(choice.templates), set(choice.concepts)
    for place in range(templates):
        if place not in chosen:
            yield "add template", place, -1, Choice(_sorted(chosen | {place}), choice.concepts)
    for place in choice.templates if len(chosen) > 1 else ():
        yield "leave out template", -1, place, Choice(_sorted(chosen - {place}), choice.concepts)
    speaking = [place for place in np.flatnonzero(membership.any(axis=1)).tolist() if place not in words]
    for place in speaking:
        yield "add concept", place, -1, Choice(choice.templates, _sorted(words | {place}))
    for place in choice.concepts:
        if membership[_sorted(words - {place}), :].any(axis=0).all():
            yield "leave out concept", -1, place, Choice(choice.templates, _sorted(words - {place}))
    for gone in choice.concepts:
        for place in speaking:
            if (membership[gone] == membership[place]).all():
                changed = Choice(choice.templates, _sorted(words - {gone} | {place}))
                yield "exchange concept", place, gone, changed


def _sorted(places: set[int]) -> tuple[int, ...]:
    return tuple(sorted(places))
