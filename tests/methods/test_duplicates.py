from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.references import duplicates as reference
from workbench.errors import SpecError
from workbench.methods.duplicates import (
    Groups,
    conflicting,
    connect,
    exact_groups,
    near_pairs,
    pair_correlations,
    tones,
)


def hashes_with_near_ones(seed: int, count: int) -> np.ndarray:
    """Random hashes of which many are others with a few bits flipped."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 2**64, count, dtype=np.uint64)
    for row in range(1, count):
        if rng.random() < 0.6:
            values[row] = values[rng.integers(0, row)]
            for bit in rng.integers(0, 64, rng.integers(0, 7)):
                values[row] ^= np.uint64(1) << np.uint64(bit)
    return values


def test_exact_groups_are_numbered_by_their_first_rows() -> None:
    groups = exact_groups(np.array(["b", "x", "a", "b", "a", "y", "b"]))
    assert groups.of.tolist() == [0, -1, 1, 0, 1, -1, 0]
    assert [rows.tolist() for rows in groups.members] == [[0, 3, 6], [2, 4]]
    assert groups.count == 2


def test_digests_may_come_as_objects() -> None:
    assert exact_groups(np.array(["a", "b", "a"], dtype=object)).of.tolist() == [0, -1, 0]


@pytest.mark.parametrize("distance", [0, 1, 4, 7, 16])
@pytest.mark.parametrize("seed", [0, 1])
def test_near_groups_are_those_of_comparing_all_pairs(seed: int, distance: int) -> None:
    hashes = hashes_with_near_ones(seed, 150)
    expected = reference.near([int(value) for value in hashes], distance)
    pairs = near_pairs(hashes, distance)
    found = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert found <= expected
    for first, second, bits in zip(*pairs, strict=True):
        assert int(hashes[first] ^ hashes[second]).bit_count() == bits <= distance
    groups = connect(pairs.first, pairs.second, len(hashes))
    assert [rows.tolist() for rows in groups.members] == reference.components(expected, len(hashes))


def test_every_pair_of_distinct_near_hashes_is_found_once() -> None:
    hashes = np.unique(hashes_with_near_ones(2, 200))
    pairs = near_pairs(hashes, 6)
    found = list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert found == sorted(reference.near([int(value) for value in hashes], 6))


def test_signed_hashes_are_taken_as_their_bits() -> None:
    hashes = np.array([-1, -2, 5], dtype=np.int64)
    assert near_pairs(hashes, 1).distance.tolist() == [1]


def test_many_equal_hashes_need_no_pair_each_with_each() -> None:
    pairs = near_pairs(np.zeros(5000, dtype=np.uint64))
    assert len(pairs.first) == 4999
    assert connect(pairs.first, pairs.second, 5000).count == 1


def test_ignored_rows_are_in_no_pair() -> None:
    pairs = near_pairs(np.zeros(4, dtype=np.uint64), ignore=np.array([True, False, False, True]))
    assert (pairs.first.tolist(), pairs.second.tolist()) == ([1], [2])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=30), st.integers(0, 16))
def test_two_rows_within_the_distance_always_share_a_group(values: list[int], distance: int) -> None:
    hashes = np.array(values, dtype=np.uint64)
    pairs = near_pairs(hashes, distance)
    groups = connect(pairs.first, pairs.second, len(values))
    for i, j in reference.near(values, distance):
        assert groups.of[i] == groups.of[j] >= 0


def test_no_images_make_no_groups() -> None:
    pairs = near_pairs(np.zeros(0, dtype=np.uint64))
    groups = connect(pairs.first, pairs.second, 0)
    assert groups.count == 0
    assert groups.members == []
    assert conflicting(groups, np.zeros(0, dtype=str)).shape == (0,)
    assert exact_groups(np.array([], dtype=str)).count == 0


def test_conflicts_are_groups_with_more_than_one_value() -> None:
    groups = Groups(np.array([0, 0, 1, 1, 1, -1, 2, 2]))
    labels = np.array(["sad", "sad", "sad", "fear", "sad", "happy", "", "fear"])
    assert conflicting(groups, labels, missing="").tolist() == [False, True, False]
    assert conflicting(groups, labels).tolist() == [False, True, True]
    assert conflicting(groups, labels.astype(object), missing="").tolist() == [False, True, False]


def test_correlation_ignores_brightness_and_contrast() -> None:
    picture = np.random.default_rng(0).integers(0, 100, (1, 8, 8)).astype(np.uint8)
    assert pair_correlations(picture, picture * 2 + 10) == pytest.approx([1])
    assert pair_correlations(picture, 255 - picture) == pytest.approx([-1])
    assert pair_correlations(picture, np.full_like(picture, 9)).tolist() == [0]
    assert pair_correlations(picture[:0], picture[:0]).shape == (0,)


def test_pictures_of_one_or_two_tones_are_told_from_photos() -> None:
    rng = np.random.default_rng(0)
    black = np.zeros((48, 48), dtype=np.uint8)
    icon = black.copy()
    icon[20:30, 20:30] = 255
    photo = rng.integers(0, 256, (48, 48)).astype(np.uint8)
    faint = rng.integers(100, 110, (48, 48)).astype(np.uint8)
    assert tones(black).blank
    assert tones(faint).blank
    assert not tones(icon).blank
    assert tones(icon).few_tones
    assert not tones(photo).few_tones


def test_tones_are_the_deviation_and_the_share_of_the_two_commonest() -> None:
    gray = np.array([[0, 0, 0, 10], [10, 20, 30, 40]], dtype=np.uint8)
    deviation, share = tones(gray)
    assert deviation == pytest.approx(gray.std())
    assert share == 5 / 8


def test_what_does_not_fit_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match="hashes must be a 64-bit integer array"):
        near_pairs(np.zeros(3, dtype=np.int32))
    with pytest.raises(SpecError, match="distance is 17 bits; it must be 0 to 16"):
        near_pairs(np.zeros(3, dtype=np.int64), 17)
    with pytest.raises(ValueError, match="ignore has shape"):
        near_pairs(np.zeros(3, dtype=np.int64), ignore=np.zeros(2, dtype=bool))
    with pytest.raises(ValueError, match="unlike shapes"):
        pair_correlations(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="values have shape"):
        conflicting(Groups(np.array([0, 0])), np.array(["a"]))
    with pytest.raises(ValueError, match="uint8 array"):
        tones(np.zeros((4, 4)))
