from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import SpecError
from workbench.methods.learners import LEARNERS, choose, log_probabilities, ranks, values_to_try
from workbench.specs import training


def clusters(count: int, seed: int, noise: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(count) % 3
    centres = np.random.default_rng(99).normal(size=(3, 8))
    return centres[labels] + np.random.default_rng(seed).normal(size=(count, 8)) * noise, labels


def test_every_learner_has_its_place_in_the_spec() -> None:
    assert tuple(LEARNERS) == training.LEARNERS


@pytest.mark.parametrize("name", LEARNERS)
def test_it_learns_and_answers_the_same_from_its_arrays(name: str) -> None:
    train, judge, other = clusters(90, 0), clusters(60, 1), clusters(60, 2)
    learned, tried, place = choose(name, train, judge, 3, values_to_try(name, (), 90))
    found = learned.probabilities(other[0])
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == other[1]).mean() > 0.8
    again = LEARNERS[name].restore({key: value.copy() for key, value in learned.arrays().items()})
    np.testing.assert_array_equal(again.probabilities(other[0]), found)
    assert learned.parameters == again.parameters > 0
    assert tried[place].accuracy.value == max(each.accuracy.value for each in tried)


@pytest.mark.parametrize("name", LEARNERS)
def test_the_same_seed_learns_the_same(name: str) -> None:
    value = values_to_try(name, (), 60)[-1]
    first, second = (LEARNERS[name].learn(*clusters(60, 0), 3, value, 5).arrays() for _ in range(2))
    for key, array in first.items():
        np.testing.assert_array_equal(array, second[key])


@pytest.mark.parametrize("name", LEARNERS)
def test_a_class_without_training_images_is_as_good_as_impossible(name: str) -> None:
    features, labels = clusters(60, 0)
    learned = LEARNERS[name].learn(features, labels, 5, values_to_try(name, (), 60)[-1], 0)
    assert learned.probabilities(features)[:, 3:].max() < 1e-6


def test_of_equally_good_values_the_smoothest_is_taken() -> None:
    train, judge = clusters(60, 0, 0.01), clusters(30, 1, 0.01)
    ticks: list[int] = []
    _, tried, place = choose("knn", train, judge, 3, (20, 5, 1), tick=lambda: ticks.append(1))
    assert [each.accuracy.value for each in tried] == [1, 1, 1]
    assert (place, len(ticks)) == (0, 3)


def test_the_choice_looks_only_at_the_images_that_choose() -> None:
    train, judge = clusters(60, 0), clusters(45, 1, 1.5)
    _, tried, place = choose("knn", train, judge, 3, (50, 3, 1))
    learned = LEARNERS["knn"].learn(*train, 3, tried[place].value, 0)
    right = learned.probabilities(judge[0]).argmax(axis=1) == judge[1]
    assert tried[place].accuracy.value == pytest.approx(right.mean())
    assert tried[place].accuracy.low <= right.mean() <= tried[place].accuracy.high


def test_every_number_of_neighbours_is_judged_as_if_it_were_alone() -> None:
    train, judge = clusters(60, 0, 1.5), clusters(45, 1, 1.5)
    _, tried, _ = choose("knn", train, judge, 3, (50, 20, 3, 1))
    for each in tried:
        alone = LEARNERS["knn"].learn(*train, 3, each.value, 0).probabilities(judge[0])
        assert each.accuracy.value == pytest.approx((alone.argmax(axis=1) == judge[1]).mean())
        own = np.maximum(alone[np.arange(45), judge[1]], 1e-12)
        assert each.log_loss == pytest.approx(-np.log(own).mean())


def test_values_are_ordered_from_the_smoothest_and_checked() -> None:
    assert values_to_try("linear", (1.0, 100.0, 1.0), 10) == (100.0, 1.0)
    assert values_to_try("knn", (), 30) == (20, 10, 5, 1)
    with pytest.raises(SpecError, match="settings: 31 neighbours are more than the 30 training images"):
        values_to_try("knn", (31.0,), 30)
    with pytest.raises(SpecError, match=r"settings: 2\.5 cannot be a number of neighbours; it must be a whole number"):
        values_to_try("knn", (2.5,), 30)
    with pytest.raises(SpecError, match="settings: -1 cannot be a strength"):
        values_to_try("linear", (-1.0,), 30)


def test_logits_give_the_probabilities_back_and_bear_zero() -> None:
    given = np.array([[0.2, 0.5, 0.3, 0.0]])
    powers = np.exp(log_probabilities(given).astype(np.float64))
    np.testing.assert_allclose(powers / powers.sum(), given, atol=1e-6)
    assert ranks(np.array([[0.3, 0.4, 0.3]]), 3).tolist() == [[1, 0, 2]]
    nearer = np.array([[0.3, 0.3 + 1e-8, 0.4 - 1e-8]])  # as the shares of votes are where the second class is nearer
    assert ranks(log_probabilities(nearer.astype(np.float64)), 3).tolist() == [[2, 1, 0]]
