from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import binom

from workbench.errors import SpecError
from workbench.methods.proportions import contrast
from workbench.methods.shapes import Bools, Floats
from workbench.methods.slices import (
    centre,
    detectable,
    find_groups,
    halves,
    measure,
    name_groups,
    neighbour_errors,
    text_scores,
)


def clouds(seed: int = 0, each: int = 150, dim: int = 12) -> tuple[Floats, np.ndarray]:
    """Points of length 1 in four overlapping clouds, and which cloud each is of."""
    random = np.random.default_rng(seed)
    middles = random.normal(size=(4, dim))
    of = np.repeat(np.arange(4), each)
    points = middles[of] + random.normal(size=(len(of), dim)) * 0.8
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), of


def planted(seed: int = 0) -> tuple[Floats, Bools, Bools]:
    """A cloud that is mostly wrong among others that mostly are not: points, wrong, planted."""
    points, of = clouds(seed)
    random = np.random.default_rng(seed + 1)
    inside = of == 2
    wrong = random.random(len(of)) < np.where(inside, 0.8, 0.08)
    return centre(points), wrong, inside


def test_a_planted_slice_is_found_first_and_confirmed_on_images_that_did_not_find_it() -> None:
    points, wrong, inside = planted()
    finding = halves(np.full(len(points), -1), 0)
    groups = find_groups(points, wrong, finding, 8, 20, 0)
    own = groups == 0
    assert inside[own].mean() > 0.8
    first = measure(groups, wrong, ~finding)[0]
    assert first.group == 0
    assert first.q < 1e-4
    assert first.difference.low > 0.3
    assert first.images == int((own & ~finding).sum())


def test_what_is_measured_does_not_decide_the_groups() -> None:
    points, wrong, _ = planted()
    finding = halves(np.full(len(points), -1), 0)
    other = np.where(finding, wrong, ~wrong)
    assert np.array_equal(find_groups(points, wrong, finding, 6, 20), find_groups(points, other, finding, 6, 20))


def test_without_a_slice_hardly_any_group_is_called_one() -> None:
    points, _ = clouds(5)
    calls = 0
    for seed in range(5):
        wrong = np.random.default_rng(seed).random(len(points)) < 0.3
        finding = halves(np.full(len(points), -1), seed)
        groups = find_groups(centre(points), wrong, finding, 8, 20, seed)
        calls += sum(each.q <= 0.05 for each in measure(groups, wrong, ~finding))
    assert calls <= 1


def test_groups_are_the_same_for_a_seed_and_small_ones_are_none() -> None:
    points, wrong, _ = planted(3)
    finding = halves(np.full(len(points), -1), 3)
    groups = find_groups(points, wrong, finding, 30, 25, 3)
    assert np.array_equal(groups, find_groups(points, wrong, finding, 30, 25, 3))
    assert (np.bincount(groups[groups >= 0]) >= 25).all()
    assert -1 in groups


def test_duplicates_fall_into_one_half_and_halves_are_equal() -> None:
    groups = np.full(400, -1)
    groups[:200] = np.repeat(np.arange(50), 4)
    finding = halves(groups, 1)
    assert all(len(set(finding[groups == group].tolist())) == 1 for group in range(50))
    assert abs(int(finding.sum()) - 200) < 40


def test_neighbour_errors_are_those_of_a_literal_search() -> None:
    points, wrong, _ = planted(7)
    points, wrong = points[::6], wrong[::6]
    known = np.arange(0, len(points), 2)
    found = neighbour_errors(points, wrong, known, 5)
    for row in range(len(points)):
        near = sorted((-float(points[row] @ points[other]), other) for other in known if other != row)[:5]
        assert found[row] == pytest.approx(np.mean([wrong[other] for _, other in near]))


def test_a_slice_is_measured_against_all_other_images() -> None:
    groups = np.array([0, 0, 0, 1, 1, -1, -1, -1])
    wrong = np.array([True, True, False, False, True, True, False, False])
    found = measure(groups, wrong)
    assert [(each.images, each.wrong) for each in found] == [(3, 2), (2, 1)]
    assert found[0].rest.value == pytest.approx(2 / 5)
    assert found[0].difference.value == pytest.approx(2 / 3 - 2 / 5)
    assert measure(np.zeros(4, dtype=np.int64), wrong[:4]) == []  # nothing outside it
    assert measure(np.full(4, -1), wrong[:4]) == []


def test_a_text_near_to_every_group_names_none() -> None:
    random = np.random.default_rng(0)
    groups = np.repeat([0, 1], 600)
    texts = np.eye(3, 6)
    points = random.normal(size=(1200, 6)) * 0.2
    points[:, 0] += 2  # the first text is near to all
    points[:600, 1] += 1
    points[600:, 2] += 1
    scores = text_scores(points, groups, texts)
    assert abs(scores[:, 0]).max() < 0.2
    names = name_groups(scores, ["all", "one", "two"])
    assert [[text for text, _ in each] for each in names] == [["one"], ["two"]]
    assert names[0][0][1] == pytest.approx(scores[0, 1])


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.tile(np.eye(1, 4), (100, 1)), "are equal"),
        (clouds()[0][:12], "12 images are too few for groups of 20"),
    ],
)
def test_what_cannot_be_grouped_is_told(points: Floats, message: str) -> None:
    wrong = np.arange(len(points)) % 2 == 0
    with pytest.raises(SpecError, match=message):
        find_groups(centre(points), wrong, np.arange(len(points)) % 4 < 2, 6, 20)


def test_nan_is_refused() -> None:
    points = clouds()[0].copy()
    points[3, 1] = np.nan
    with pytest.raises(SpecError, match="NaN"):
        centre(points)


def power(images: int, others: int, group: float, rate: float, level: float) -> float:
    """Add up how likely each pair of counts is for which Fisher's test finds the group worse: literal."""
    found = 0.0
    for wrong, rest in itertools.product(range(images + 1), range(others + 1)):
        if wrong / images > rest / others and contrast(wrong, images, rest, others).p <= level:
            found += float(binom.pmf(wrong, images, group) * binom.pmf(rest, others, rate))
    return found


@pytest.mark.parametrize(("images", "others", "rate", "level"), [(20, 60, 0.2, 0.05), (15, 40, 0.1, 0.01)])
def test_what_can_be_found_is_found_in_four_of_five_by_fishers_test(
    images: int, others: int, rate: float, level: float
) -> None:
    least = detectable(images, others, rate, level)
    assert least is not None
    assert power(images, others, rate + least, rate, level) == pytest.approx(0.8, abs=0.05)


def test_more_images_show_smaller_differences_and_a_handful_none() -> None:
    least = [detectable(count, 2000, 0.13) or math.inf for count in (20, 60, 200, 1000)]
    assert least == sorted(least, reverse=True)
    assert least[-1] < 0.06
    assert detectable(1, 2000, 0.13) is None  # one wrong image: p = .13 at best
    assert detectable(2, 2000, 0.13, level=0.05 / 12) is None  # two: p = .017 at best
    assert detectable(2, 2000, 0.13) == pytest.approx(0.83, abs=0.01)
    assert detectable(0, 10, 0.1) is None
    assert detectable(10, 10, 1.0) is None
