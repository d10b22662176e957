from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.references import map as reference
from workbench.methods.map_quality import draw, purity, purity_chance, trustworthiness


def scattered(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors, places that know a little of them, labels."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, 5)).astype(np.float32)
    return vectors, (vectors[:, :2] + rng.normal(size=(count, 2))).astype(np.float32), np.arange(count) % 3


@given(st.integers(9, 24), st.integers(1, 4), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_trustworthiness_is_what_its_formula_says(count: int, k: int, seed: int) -> None:
    vectors, points, _ = scattered(count, seed)
    found = trustworthiness(vectors, points, k)
    assert found.images == count
    assert found.value == pytest.approx(reference.trustworthiness(vectors, points, k), abs=1e-9)


def test_trustworthiness_agrees_with_scikit_learn() -> None:
    from sklearn.manifold import trustworthiness as known

    vectors, points, _ = scattered(80)
    assert trustworthiness(vectors, points, 10).value == pytest.approx(known(vectors, points, n_neighbors=10))


def test_a_map_that_is_the_space_is_trusted_wholly_and_one_drawn_at_random_by_half() -> None:
    vectors, _, _ = scattered(600)
    rng = np.random.default_rng(5)
    flat = rng.normal(size=(600, 2)).astype(np.float32)
    assert trustworthiness(flat, flat).value == 1
    assert trustworthiness(vectors, flat).value == pytest.approx(0.5, abs=0.03)


def test_a_sample_is_near_what_all_points_say_and_is_counted() -> None:
    vectors, points, labels = scattered(600)
    sampled = trustworthiness(vectors, points, most=200, seed=3)
    assert sampled.images == 200
    assert sampled.value == pytest.approx(trustworthiness(vectors, points).value, abs=0.03)
    assert purity(points, labels, most=100).images == 100


@given(st.integers(5, 25), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_purity_is_the_share_of_neighbours_with_the_same_label(count: int, seed: int) -> None:
    _, points, labels = scattered(count, seed)
    found = purity(points.astype(np.float64), labels, k=3)
    assert found.value == pytest.approx(reference.purity(points.astype(np.float64), labels, 3))


def test_unlabelled_points_are_neither_asked_nor_neighbours() -> None:
    _, points, labels = scattered(30)
    hidden = labels.copy()
    hidden[::4] = -1
    kept = hidden >= 0
    assert purity(points, hidden, k=3) == purity(points[kept], labels[kept], k=3)


def test_chance_is_how_often_two_labels_agree() -> None:
    assert purity_chance(np.array([0, 0, 0, 1, -1, -1])) == pytest.approx(0.75**2 + 0.25**2)
    assert purity_chance(np.array([4, 4])) == 1
    assert math.isnan(purity_chance(np.array([-1])))


def test_too_few_points_have_no_figure() -> None:
    vectors, points, _ = scattered(3)
    assert math.isnan(trustworthiness(vectors, points).value)
    assert math.isnan(purity(points, np.array([0, -1, -1])).value)


def test_neighbours_at_the_very_same_place_do_not_lower_trust() -> None:
    vectors = np.repeat(scattered(10)[0], 4, axis=0)
    assert trustworthiness(vectors, vectors[:, :2] * 0 + np.repeat(np.arange(10.0), 4)[:, None], 3).value == 1


def test_a_draw_is_seeded_ascending_and_without_repetition() -> None:
    assert np.array_equal(draw(5, 5, 0), np.arange(5))
    drawn = draw(100, 20, 1)
    assert len(set(drawn.tolist())) == 20
    assert np.array_equal(drawn, np.sort(drawn))
    assert np.array_equal(drawn, draw(100, 20, 1))
    assert not np.array_equal(drawn, draw(100, 20, 2))
