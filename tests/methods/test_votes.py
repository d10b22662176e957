from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.methods.votes import best, count_votes, places
from workbench.methods.zeroshot import fold_vote


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), ties=st.booleans(), top_k=st.integers(1, 5), silent=st.booleans())
def test_votes_are_counted_exactly_as_the_literal_rule_does(seed: int, ties: bool, top_k: int, silent: bool) -> None:
    rng = np.random.default_rng(seed)
    shape = int(rng.integers(1, 6)), int(rng.integers(2, 6)), 40  # (T, K, N)
    scores = rng.integers(0, 3, shape).astype(np.float64) if ties else rng.normal(size=shape)
    spoken = np.ones(shape[1], dtype=bool)
    spoken[int(rng.integers(shape[1]))] = not silent
    found = count_votes(scores, spoken, top_k)
    expected = fold_vote(scores.transpose(2, 0, 1), np.diag(spoken), top_k)
    assert np.array_equal(found.ranked, expected.ranked)
    assert np.array_equal(found.shares, expected.shares)
    assert np.array_equal(found.probabilities, expected.probabilities)
    assert found.ranked.dtype == expected.ranked.dtype


@given(seed=st.integers(0, 1000))
def test_places_are_those_of_a_stable_sort(seed: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 3, (4, 30)).astype(np.float64)
    assert np.array_equal(np.argsort(places(scores), axis=0), np.argsort(-scores, axis=0, kind="stable"))


@pytest.mark.parametrize("seed", range(5))
def test_equal_ones_are_told_apart_by_the_second_score(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = (rng.integers(0, 3, (4, 50)).astype(np.float64) for _ in range(2))
    assert np.array_equal(best(first, second), np.lexsort((-second.T, -first.T))[:, 0])
    assert np.array_equal(best(first), first.argmax(axis=0))
