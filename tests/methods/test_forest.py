from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from workbench.errors import SpecError
from workbench.methods import forest
from workbench.methods.forest import Forest, grow, growth, join, pack


def rings(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three rings around one centre, and three columns of noise."""
    random = np.random.default_rng(seed)
    labels, angle = np.arange(count) % 3, random.uniform(0, 2 * np.pi, count)
    radius = 1 + 2 * labels + random.normal(0, 0.4, count)
    shown = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return np.hstack([shown, random.normal(size=(count, 3))]).astype(np.float32), labels


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), leaf=st.integers(1, 9), steps=st.integers(2, 400))
def test_a_packed_tree_answers_as_the_librarys_own(seed: int, leaf: int, steps: int) -> None:
    features, labels = rings(120, seed)
    features = np.round(features * steps / 8).astype(np.float32) * np.float32(8 / steps)  # many equal values
    library = RandomForestClassifier(1, min_samples_leaf=leaf, random_state=seed).fit(features, labels)
    made = pack(library.estimators_[0].tree_, np.arange(3), 3)
    np.testing.assert_allclose(made.probabilities(features), library.predict_proba(features), atol=1e-6)


def test_thresholds_between_neighbouring_numbers_still_tell_them_apart() -> None:
    low = np.float32(1000.1)
    values = np.array([[low], [np.nextafter(low, np.float32(2000))]] * 10, dtype=np.float32)
    made = grow(values, np.array([0, 1] * 10), 2, 20)
    assert made.probabilities(values).argmax(axis=1).tolist() == [0, 1] * 10


def test_a_forest_is_the_mean_of_its_trees_whatever_is_walked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = rings(200, 0)
    made = grow(features, labels, 3, 7)
    whole = made.probabilities(features)
    for pairs in (1, 30, 900):
        monkeypatch.setattr(forest, "_PAIRS", pairs)
        np.testing.assert_allclose(made.probabilities(features), whole, atol=1e-12)
    np.testing.assert_allclose(whole.sum(axis=1), 1)
    np.testing.assert_array_equal(made.sums(features), whole * 7)


def test_more_trees_begin_with_the_first_and_need_not_grow_them_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forest, "BATCH", 4)
    features, labels = rings(90, 0)
    grown: list[int] = []
    first = grow(features, labels, 3, 8, seed=2)
    more = join([first, grow(features, labels, 3, 6, seed=2, first=8, tick=grown.append)])
    assert grown == [4, 2]
    for name, array in grow(features, labels, 3, 14, seed=2).arrays().items():
        np.testing.assert_array_equal(more.arrays()[name], array)
    nodes = len(first.feature)
    np.testing.assert_array_equal(more.feature[:nodes], first.feature)
    assert more.trees == 14
    assert not np.array_equal(grow(features, labels, 3, 4, seed=3).feature[:20], more.feature[:20])


def test_it_learns_better_with_more_trees_and_is_small() -> None:
    learned, other = rings(900, 0), rings(600, 1)
    one, many = (grow(*learned, 3, trees).probabilities(other[0]).argmax(axis=1) == other[1] for trees in (1, 60))
    assert many.mean() > one.mean() + 0.03
    made = grow(*learned, 3, 60)
    assert made.size < 11 * len(made.feature)


def test_growth_judges_the_first_trees_as_forests_of_their_own() -> None:
    learned, other = rings(300, 0), rings(200, 1)
    made = grow(*learned, 3, 30)
    found = growth(made, *other)
    assert [each.trees for each in found] == [10, 20, 30]
    for each in found:
        alone = grow(*learned, 3, each.trees)
        right = alone.probabilities(other[0]).argmax(axis=1) == other[1]
        assert each.accuracy.value == pytest.approx(right.mean())
        assert each.accuracy.low <= each.accuracy.value <= each.accuracy.high
        assert each.bytes == 10 * len(alone.feature)


def test_classes_that_do_not_occur_get_nothing_and_rows_without_a_label_are_left_out() -> None:
    features, labels = rings(60, 0)
    made = grow(np.vstack([features, features[:9]]), np.append(labels * 2, [-1] * 9), 6, 5)
    assert (made.probabilities(features)[:, [1, 3, 5]] == 0).all()
    np.testing.assert_array_equal(made.feature, grow(features, labels * 2, 6, 5).feature)


def test_larger_leaves_make_smaller_trees() -> None:
    features, labels = rings(300, 0)
    sizes = [len(grow(features, labels, 3, 5, leaf).feature) for leaf in (1, 5, 20)]
    assert sizes == sorted(sizes, reverse=True)


def test_what_cannot_be_learned_from_is_refused() -> None:
    with pytest.raises(SpecError, match="one class only"):
        grow(rings(30, 0)[0], np.zeros(30, dtype=np.int64), 3, 5)
    with pytest.raises(SpecError, match="fewer than 32,768 features"):
        grow(np.zeros((4, 40000), dtype=np.float32), np.array([0, 1, 0, 1]), 2, 5)


def test_arrays_that_lead_outside_or_in_a_circle_are_refused() -> None:
    arrays = grow(*rings(60, 0), 3, 3).arrays()
    nothing = np.zeros(0, dtype=np.int32)
    for wrong in (
        {"child": np.zeros_like(arrays["child"])},
        {"child": arrays["child"] + 5000},
        {"feature": np.where(arrays["feature"] >= 0, 77, arrays["feature"])},
        {"shares": arrays["shares"][:1]},
        {"roots": arrays["roots"] + 5000},
        {"roots": nothing},
        {"threshold": arrays["threshold"][1:]},
    ):
        with pytest.raises(ValueError, match=r"outside the forest|do not fit"):
            Forest.restore(arrays | wrong)
