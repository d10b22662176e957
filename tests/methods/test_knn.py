from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from workbench.errors import SpecError
from workbench.methods.knn import Neighbourhood, remember


def rows(count: int, seed: int, dim: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(3.0, 1.0, (count, dim))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), k=st.integers(1, 30), classes=st.integers(2, 5))
def test_shares_are_those_of_a_library_on_centred_cosine(seed: int, k: int, classes: int) -> None:
    known, asked = rows(30, seed), rows(12, seed + 1)
    labels = np.random.default_rng(seed).permutation(np.arange(30) % classes)
    found = remember(known, labels, classes, k).probabilities(asked)
    library = KNeighborsClassifier(k, metric="cosine", algorithm="brute").fit(known - known.mean(axis=0), labels)
    np.testing.assert_allclose(found, library.predict_proba(asked - known.mean(axis=0)), atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_of_equal_shares_the_nearer_rows_win() -> None:
    known = np.array([[1.0, 0.0], [0.9, 0.3], [-1.0, 0.1], [-0.9, -0.4]])
    found = remember(known, np.array([0, 0, 1, 1]), 2, 4).probabilities(np.array([[1.0, 0.1], [-1.0, 0.0]]))
    assert found.argmax(axis=1).tolist() == [0, 1]
    np.testing.assert_allclose(found, 0.5, atol=1e-5)


def test_rows_without_a_label_do_not_vote_and_an_absent_class_gets_nothing() -> None:
    known, labels = rows(10, 0), np.array([0, 1, -1, -1, 0, 1, -1, 0, 1, 0])
    voting = remember(known, labels, 3, 7)
    kept = labels >= 0
    np.testing.assert_array_equal(
        voting.probabilities(known), remember(known[kept], labels[kept], 3, 7).probabilities(known)
    )
    assert (voting.probabilities(known)[:, 2] == 0).all()


@pytest.mark.parametrize("k", [0, 5])
def test_more_neighbours_than_images_or_none_are_refused(k: int) -> None:
    with pytest.raises(SpecError, match=f"{k} neighbours cannot vote among 4 training images; use 1 to 4"):
        remember(rows(6, 0), np.array([0, 1, 0, 1, -1, -1]), 2, k)


def test_a_picture_that_is_the_mean_of_all_is_answered() -> None:
    known = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    found = remember(known, np.array([0, 1, 0, 1]), 2, 4).probabilities(np.zeros((1, 2)))
    np.testing.assert_allclose(found, 0.5, atol=1e-5)


def test_it_answers_the_same_from_its_arrays_and_refuses_others() -> None:
    made = remember(rows(9, 2), np.arange(9) % 3, 3, 4)
    arrays = made.arrays()
    again = Neighbourhood.restore(arrays)
    np.testing.assert_array_equal(again.probabilities(rows(5, 3)), made.probabilities(rows(5, 3)))
    assert again.parameters == 9 * 6 + 9 + 6
    for wrong in ({"mean": np.zeros(5, np.float32)}, {"labels": np.full(9, 3)}, {"sizes": np.array([3, 10])}):
        with pytest.raises(ValueError, match="do not fit"):
            Neighbourhood.restore(arrays | wrong)
