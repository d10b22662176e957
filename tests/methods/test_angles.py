from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.references import map as reference
from workbench.errors import SpecError
from workbench.methods.angles import agreement, angles_between, class_angles, extremes, unrelated


def groups(per_class: int, classes: int = 4, noise: float = 0.3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(classes, 6))
    labels = np.repeat(np.arange(classes), per_class)
    vectors = centres[labels] + noise * rng.normal(size=(len(labels), 6))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


def table(size: int, seed: int) -> np.ndarray:
    values = np.random.default_rng(seed).integers(40, 140, size=(size, size)).astype(float)
    return np.triu(values, 1) + np.triu(values, 1).T


@given(st.integers(3, 6), st.integers(1, 9), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_angles_are_what_their_definition_says(classes: int, per_class: int, seed: int) -> None:
    vectors, labels = groups(per_class, classes, seed=seed)
    found = class_angles(vectors, labels, classes, resamples=2)
    assert found.angles == pytest.approx(reference.angles(vectors, labels, classes), abs=1e-3)
    assert np.array_equal(found.angles, found.angles.T)


def test_a_class_counts_the_same_however_many_images_it_has() -> None:
    vectors, labels = groups(5)
    more = np.concatenate([vectors, np.repeat(vectors[labels == 0], 9, axis=0)])
    longer = np.concatenate([labels, np.zeros(45, dtype=np.int64)])
    expected = class_angles(vectors, labels, 4, resamples=2).angles
    assert class_angles(more, longer, 4, resamples=2).angles == pytest.approx(expected, abs=1e-3)


def test_unrelated_classes_lie_at_the_angle_that_is_said() -> None:
    around = angles_between(np.eye(7))
    assert around[np.triu_indices(7, 1)] == pytest.approx(unrelated(7))
    assert unrelated(7) == pytest.approx(99.594, abs=1e-3)


def test_intervals_hold_the_angle_of_the_whole_as_often_as_they_say() -> None:
    """Samples of a population whose angles are known: about 95 of 100 intervals contain them."""
    vectors, labels = groups(400, noise=0.5)
    truth = class_angles(vectors, labels, 4, resamples=2).angles[np.triu_indices(4, 1)]
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(40):
        rows = np.concatenate([rng.choice(np.flatnonzero(labels == name), 40) for name in range(4)])
        found = class_angles(vectors[rows], labels[rows], 4, resamples=200)
        low, high = (ends[np.triu_indices(4, 1)] for ends in (found.low, found.high))
        inside.append((low <= truth) & (truth <= high))
    assert 0.88 <= np.mean(inside) <= 0.99


def test_intervals_narrow_with_more_images_and_are_the_same_again() -> None:
    few, many = (class_angles(*groups(size), 4, resamples=200) for size in (8, 200))
    assert np.nanmean(many.high - many.low) < 0.5 * np.nanmean(few.high - few.low)
    again = class_angles(*groups(8), 4, resamples=200)
    assert np.array_equal(few.low, again.low, equal_nan=True)


def test_a_class_with_a_single_image_has_angles_but_no_interval() -> None:
    vectors, labels = groups(5)
    keep = (labels != 2) | (np.arange(len(labels)) == 10)
    found = class_angles(vectors[keep], labels[keep], 4, resamples=50)
    assert np.isfinite(found.angles).all()
    assert np.isnan(found.low[2]).all()
    assert np.isfinite(found.low[0, 1])


@pytest.mark.parametrize(("classes", "kept"), [(2, 2), (1, 1), (4, 3)])
def test_fewer_than_three_classes_or_an_empty_one_are_refused(classes: int, kept: int) -> None:
    vectors, labels = groups(5)
    rows = labels < kept
    with pytest.raises(SpecError, match=f"{kept} of {classes} classes have images; angles around the grand mean need"):
        class_angles(vectors[rows], labels[rows], classes)


def test_equal_embeddings_have_no_direction() -> None:
    _, labels = groups(5)
    with pytest.raises(SpecError, match="has no direction; angles need classes whose embeddings differ"):
        class_angles(np.full((20, 6), 0.4, dtype=np.float32), labels, 4)


def test_embeddings_that_are_not_finite_are_refused() -> None:
    vectors, labels = groups(5)
    vectors[3, 1] = np.inf
    with pytest.raises(SpecError, match="row 3"):
        class_angles(vectors, labels, 4)


@given(st.integers(3, 5), st.integers(0, 1000), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_agreement_and_its_p_are_what_their_definitions_say(size: int, first: int, second: int) -> None:
    one, other = table(size, first), table(size, second)
    spearman, p = reference.mantel(one, other)
    found = agreement(one, other)
    assert found.exact
    assert found.spearman == pytest.approx(spearman, abs=1e-9)
    assert found.p == pytest.approx(p)


def test_a_table_agrees_with_itself_wholly_and_seldom_by_chance() -> None:
    found = agreement(table(7, 0), table(7, 0))
    assert found.spearman == pytest.approx(1)
    assert found.orders == 5040
    assert found.p == pytest.approx(1 / 5040)


def test_of_many_classes_seeded_orders_are_drawn_and_the_true_one_is_counted() -> None:
    found = agreement(table(10, 0), table(10, 0))
    assert not found.exact
    assert found.orders == 10_000
    assert found.p == pytest.approx(1 / 10_000)
    assert agreement(table(10, 0), table(10, 1), seed=3) == agreement(table(10, 0), table(10, 1), seed=3)


def test_where_all_angles_tie_nothing_agrees() -> None:
    same = 90 * (1 - np.eye(4))
    assert agreement(same, table(4, 0)) == (0.0, 1.0, 24, True)


def test_the_extreme_pairs_are_found_with_how_often_they_are() -> None:
    found = class_angles(*groups(50), 4, resamples=100)
    closest, opposite = extremes(found)
    upper = found.angles[np.triu_indices(4, 1)]
    assert found.angles[closest.first, closest.second] == upper.min()
    assert found.angles[opposite.first, opposite.second] == upper.max()
    pairs = found.samples[:, *np.triu_indices(4, 1)]
    assert opposite.share == pytest.approx((pairs.argmax(axis=1) == upper.argmax()).mean())
