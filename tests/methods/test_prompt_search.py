from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import SpecError
from workbench.methods.prompt_search import Choice, search, smallest

TEMPLATES = 3
MEMBERSHIP = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 1], [0, 0]], dtype=bool)
WHOLE = Choice((0, 1, 2), (0, 1, 2, 3, 4))


def every_choice() -> list[Choice]:
    """All choices there are: templates and concepts that leave no class without a word."""
    found: list[Choice] = []
    for size in range(1, TEMPLATES + 1):
        for templates in combinations(range(TEMPLATES), size):
            for count in range(1, 6):
                sets = (each for each in combinations(range(5), count) if MEMBERSHIP[list(each)].any(axis=0).all())
                found.extend(Choice(templates, concepts) for concepts in sets)
    return found


CHOICES = every_choice()


def beside(one: Choice, other: Choice) -> bool:
    """Whether one step leads from a choice to another."""
    templates, concepts = (set(a) ^ set(b) for a, b in zip(one, other, strict=True))
    if len(templates) + len(concepts) == 1:
        return True
    gone, came = concepts - set(other.concepts), concepts - set(one.concepts)
    if templates or len(gone) != 1 or len(came) != 1:
        return False
    return bool((MEMBERSHIP[gone.pop()] == MEMBERSHIP[came.pop()]).all())


def scores(seed: int) -> dict[Choice, float]:
    values = np.random.default_rng(seed).permutation(len(CHOICES)) / len(CHOICES)
    return dict(zip(CHOICES, values.tolist(), strict=True))


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_each_step_is_the_best_of_all_neighbours_and_the_last_has_none_better(seed: int) -> None:
    values = scores(seed)
    path = search(WHOLE, TEMPLATES, MEMBERSHIP, values.__getitem__, 0.0, 100)
    for before, after in pairwise(path):
        around = {choice: values[choice] for choice in CHOICES if beside(before.choice, choice)}
        assert after.choice == max(around, key=around.__getitem__)
        assert after.value == values[after.choice] > before.value
    last = path[-1].choice
    assert all(values[choice] < values[last] for choice in CHOICES if beside(last, choice))


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_no_choice_is_scored_twice_and_the_count_is_told(seed: int) -> None:
    values, asked = scores(seed), []

    def score(choice: Choice) -> float:
        asked.append(choice)
        return values[choice]

    path = search(WHOLE, TEMPLATES, MEMBERSHIP, score, 0.0, 100)
    assert len(asked) == len(set(asked))
    assert sum(step.tried for step in path) <= len(asked)


def counted(score: Callable[[Choice], float], least: float, most: int) -> int:
    return len(search(WHOLE, TEMPLATES, MEMBERSHIP, score, least, most)) - 1


def test_it_stops_at_the_least_gain_and_at_the_most_steps() -> None:
    def fewer(choice: Choice) -> float:
        return 1 - 0.1 * (len(choice.templates) + len(choice.concepts))

    assert counted(fewer, 0.05, 100) == 6  # down to one template and the concept that speaks for both
    assert counted(fewer, 0.2, 100) == 0
    assert counted(fewer, 0.0, 2) == 2
    assert counted(lambda _: 0.5, 0.0, 100) == 0


def test_a_step_tells_what_came_and_what_went() -> None:
    start, goal = Choice((0,), (0, 2)), Choice((0,), (1, 2))
    path = search(start, TEMPLATES, MEMBERSHIP, lambda choice: float(choice == goal), 0.0, 5)
    assert (path[-1].change, path[-1].added, path[-1].removed) == ("exchange concept", 1, 0)
    assert path[-1].choice == goal


def test_the_smallest_set_is_the_best_template_with_a_concept_of_each_class() -> None:
    choice, tried = smallest(MEMBERSHIP, lambda each: float(each.templates == (1,)), TEMPLATES)
    assert choice == Choice((1,), (0, 2))
    assert tried == TEMPLATES


@pytest.mark.parametrize("start", [Choice((), (0, 2)), Choice((0,), (0,)), Choice((0,), ())])
def test_a_start_that_leaves_a_class_without_a_word_is_refused(start: Choice) -> None:
    with pytest.raises(SpecError, match="a concept for every class"):
        search(start, TEMPLATES, MEMBERSHIP, lambda _: 0.0, 0.0, 5)
