from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.references import ablate as literal
from workbench.errors import SpecError
from workbench.methods.ablate import (
    ClassSums,
    Control,
    SetEffect,
    changes,
    class_sums,
    control,
    loss_p_values,
    random_sets,
    rank_by_label,
    rank_by_selectivity,
    sentence,
    stratified_sample,
)


def sums(logits: np.ndarray, labels: np.ndarray) -> ClassSums:
    return class_sums(logits, labels)


@pytest.mark.parametrize("seed", range(5))
def test_changes_are_those_of_the_literal_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, 60)  # class 4 never occurs
    before = rng.normal(size=(60, 5)).astype(np.float32)
    after = np.round(rng.normal(size=(3, 60, 5)), 1).astype(np.float32)  # with ties
    found = changes(
        sums(before, labels),
        ClassSums(*(np.stack(part) for part in zip(*(sums(one, labels) for one in after), strict=True))),
        np.bincount(labels, minlength=5),
    )
    old_recall, old_margin = literal.recall_and_margin(before, labels)
    for index, one in enumerate(after):
        recall, margin = literal.recall_and_margin(one, labels)
        np.testing.assert_allclose(found.recall[index], recall - old_recall, atol=1e-12)
        np.testing.assert_allclose(found.margin[index], margin - old_margin, atol=1e-9)
        right = (one.argmax(axis=1) == labels).mean() - (before.argmax(axis=1) == labels).mean()
        assert found.accuracy[index] == pytest.approx(right)
    assert np.isnan(found.recall[:, 4]).all()


def test_sums_of_batches_add_up_to_those_of_all_images() -> None:
    rng = np.random.default_rng(0)
    labels, logits = rng.integers(0, 3, 50), rng.normal(size=(50, 3))
    parts = [sums(logits[part], labels[part]) for part in (slice(0, 20), slice(20, 50))]
    whole = sums(logits, labels)
    assert np.array_equal(parts[0].right + parts[1].right, whole.right)
    assert np.allclose(parts[0].margin + parts[1].margin, whole.margin)


def test_one_class_or_a_label_outside_the_classes_is_refused() -> None:
    with pytest.raises(SpecError, match="one class"):
        class_sums(np.zeros((2, 1)), np.zeros(2, dtype=np.int64))
    with pytest.raises(SpecError, match="row 1 is 3"):
        class_sums(np.zeros((2, 3)), np.array([0, 3]))


@pytest.mark.parametrize("seed", range(5))
def test_p_values_count_the_random_sets_that_cost_as_much(seed: int) -> None:
    rng = np.random.default_rng(seed)
    random, change = rng.integers(-3, 3, (50, 4)) / 10, rng.integers(-3, 3, 4) / 10
    expected = [literal.loss_p_value(change[k], random[:, k]) for k in range(4)]
    assert np.allclose(loss_p_values(change, random), expected)
    assert np.isnan(loss_p_values(np.array([np.nan]), np.zeros((50, 1)))).all()


def test_a_loss_beyond_all_random_sets_has_the_least_p_value() -> None:
    assert loss_p_values(np.array([-0.5]), np.full((50, 1), -0.1)) == pytest.approx(1 / 51)
    assert loss_p_values(np.array([0.1]), np.full((50, 1), -0.1)) == 1


def test_p_values_are_uniform_where_the_set_is_drawn_like_the_others() -> None:
    values = np.random.default_rng(0).normal(size=(4000, 20))
    p = np.array([loss_p_values(row[:1], row[1:, None])[0] for row in values])
    assert (p <= 0.05).mean() <= 0.065
    assert abs(p.mean() - 0.525) < 0.02


@given(st.integers(2, 40), st.integers(1, 39), st.integers(1, 20), st.integers(0, 5))
def test_random_sets_hold_different_units_of_the_layer(units: int, size: int, count: int, seed: int) -> None:
    if size >= units:
        with pytest.raises(SpecError, match="cannot be compared with random ones"):
            random_sets(units, size, count, seed)
        return
    drawn = random_sets(units, size, count, seed)
    assert drawn.shape == (count, size)
    assert all(len(set(row)) == size and min(row) >= 0 and max(row) < units for row in drawn.tolist())
    assert np.array_equal(drawn, random_sets(units, size, count, seed))


def test_random_sets_take_every_unit_equally_often() -> None:
    drawn = random_sets(10, 3, 20_000, 0)
    assert np.allclose(np.bincount(drawn.ravel()) / len(drawn), 0.3, atol=0.015)


def test_units_are_ranked_by_selectivity_and_constant_ones_left_out() -> None:
    assert rank_by_selectivity(np.array([0.5, np.nan, 0.9, 0.1, 0.9])).tolist() == [2, 4, 0, 3]


def test_units_are_ranked_by_label_those_that_hold_first() -> None:
    speaks = np.array([True, True, True, False, True])
    holds = np.array([False, True, True, True, False])
    similarity = np.array([0.9, 0.2, 0.3, 0.95, np.nan])
    assert rank_by_label(speaks, holds, similarity).tolist() == [2, 1, 0]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=80), st.integers(0, 90), st.integers(0, 3))
def test_a_stratified_sample_keeps_proportions_and_every_class(labels: list[int], count: int, seed: int) -> None:
    given_labels = np.array(labels, dtype=np.int64)
    drawn = stratified_sample(given_labels, count, seed)
    classes, sizes = np.unique(given_labels, return_counts=True)
    expected = len(labels) if count in (0, *range(len(labels), 91)) else max(count, len(classes))
    assert len(drawn) == expected
    assert np.array_equal(drawn, np.unique(drawn))
    for name, size in zip(classes, sizes, strict=True):
        found = (given_labels[drawn] == name).sum()
        assert found >= 1
        if expected > 2 * len(classes):
            assert abs(found - size * expected / len(labels)) <= len(classes)


def test_the_sentence_gives_the_loss_the_random_sets_and_the_other_class_that_loses_most() -> None:
    recall, p = np.array([-0.123, 0.01, -0.02]), np.array([1 / 51, 0.9, 0.4])
    random = Control(np.array([-0.004, 0, 0]), np.array([-0.016, 0, 0]), np.array([0.009, 0, 0]))
    effect = SetEffect("happy", 16, recall, p, random, 50)
    assert sentence(effect, "lin1", ("happy", "sad", "fear"), np.array([1234, 5, 6])) == (
        "Removing the 16 units of lin1 that count most for happy takes 12.3 points of happy's recall (1,234 images); "
        "50 random sets of 16 take 0.4 (-0.9 to 1.6): p = .020. The other class that loses most is fear, 2.0 points."
    )


def test_the_sentence_says_where_a_loss_is_no_more_than_chance() -> None:
    wide = Control(np.zeros(2), np.full(2, -0.05), np.full(2, 0.05))
    effect = SetEffect("sad", 1, np.array([-0.0001, 0.031]), np.array([0.5, 0.61]), wide, 50)
    text = sentence(effect, "lin1", ("happy", "sad"), np.array([9, 9]))
    assert text.startswith("Removing the unit of lin1 that counts most for sad ")
    assert "random sets of 1 take 0.0 (-5.0 to 5.0)" in text
    assert "adds 3.1 points to sad's recall" in text
    assert text.endswith("p = .61, no more than chance would. No other class loses.")


def test_the_sentence_says_where_removal_helps_more_than_chance_would() -> None:
    random = Control(np.array([0.0, 0.01]), np.array([0.0, -0.02]), np.array([0.0, 0.05]))
    effect = SetEffect("sad", 8, np.array([0.0, 0.237]), np.array([1.0, 1.0]), random, 50)
    text = sentence(effect, "lin1", ("happy", "sad"), np.array([9, 9]))
    assert "adds 23.7 points to sad's recall" in text
    assert "p = 1.00, a gain beyond chance." in text


def test_the_interval_of_random_sets_is_theirs() -> None:
    values = np.linspace(-1, 1, 201)[:, None]
    found = control(values)
    assert found.mean == pytest.approx(0)
    assert (found.low, found.high) == (pytest.approx(-0.95), pytest.approx(0.95))
