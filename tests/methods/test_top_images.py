from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.references.dissect import ranking
from workbench.errors import SpecError
from workbench.methods.top_images import ascending, places_of, top_images


def expected(activations: np.ndarray, k: int) -> list[list[int]]:
    return [ranking(column)[:k] for column in activations.T]


@pytest.mark.parametrize("k", [1, 5, 100, 299, 300, 1000])
def test_top_images_are_those_of_sorting_each_column(k: int) -> None:
    activations = np.random.default_rng(k).normal(size=(300, 70)).astype(np.float32)
    assert top_images(activations, k).tolist() == expected(activations, k)


def test_many_images_are_found_through_the_sampled_threshold() -> None:
    activations = np.random.default_rng(0).normal(size=(9000, 9)).astype(np.float32)
    assert top_images(activations, 20).tolist() == expected(activations, 20)


def test_units_that_the_sample_misleads_are_looked_through_in_full() -> None:
    activations = np.random.default_rng(1).normal(size=(9000, 4)).astype(np.float32)
    activations[::4, 0] += 100  # every sampled image, so that too few exceed the threshold
    activations[1::4, 1] += 100
    activations[:, 2] = 3  # constant
    activations[:, 3] = np.maximum(activations[:, 3] - 3.5, 0)  # a few images fire at all
    assert top_images(activations, 100).tolist() == expected(activations, 100)


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_equal_activations_come_in_the_order_of_rows(seed: int, levels: int, k: int) -> None:
    values = np.random.default_rng(seed).integers(-levels, levels + 1, (30, 5)) * np.float32(0.5)
    values[values == 0] *= np.where(np.arange((values == 0).sum()) % 2, -1, 1)  # -0 equals 0
    assert top_images(values, k).tolist() == expected(values, k)


def test_packed_keys_sort_like_the_values_and_keep_the_places() -> None:
    values = np.array([0.0, -1e-30, 3.4e38, -3.4e38, -0.0, 1e-30, 7.0, 7.0], dtype=np.float32)
    keys = np.sort(ascending(values, np.arange(8)))
    assert places_of(keys).tolist() == [3, 1, 0, 4, 5, 6, 7, 2]


def test_no_units_have_no_top_images() -> None:
    assert top_images(np.zeros((5, 0), np.float32), 3).shape == (0, 3)
    assert top_images(np.zeros((0, 5), np.float32), 3).shape == (5, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_activations_that_are_not_finite_are_refused_with_their_row(value: float) -> None:
    activations = np.zeros((200, 3), np.float32)
    activations[131, 1] = value
    with pytest.raises(SpecError, match="activations hold NaN or an infinite value in row 131"):
        top_images(activations, 2)


def test_a_wrong_k_or_shape_is_refused() -> None:
    with pytest.raises(SpecError, match="k is 0"):
        top_images(np.zeros((5, 2), np.float32), 0)
    with pytest.raises(ValueError, match=r"float array \(N, U\)"):
        top_images(np.zeros(5, np.float32), 1)
