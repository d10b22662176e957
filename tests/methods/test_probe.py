from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.references import probe as reference
from workbench.errors import SpecError
from workbench.methods.probe import choose_strength, fit, folds, out_of_fold


def clouds(seed: int, rows: int, classes: int = 3, dimension: int = 4, apart: float = 3.0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=rows)
    centres = np.random.default_rng(99).normal(size=(classes, dimension)) * apart
    return (centres[labels] + rng.normal(size=(rows, dimension))).astype(np.float32), labels


def test_weights_are_where_the_literal_loss_has_no_slope() -> None:
    features, labels = clouds(0, 60)
    probe = fit(features, labels, 3, strength=5.0)
    slopes = reference.slopes(probe, features, labels, 5.0)
    assert max(map(abs, slopes)) < 0.01 * len(labels)
    smoother = fit(features, labels, 3, strength=50.0)
    assert reference.loss(probe, features, labels, 5.0) < reference.loss(smoother, features, labels, 5.0)


def test_two_classes_give_two_columns_that_sum_to_one() -> None:
    features, labels = clouds(1, 80, classes=2)
    found = fit(features, labels, 2).probabilities(features)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == labels).mean() > 0.95


def test_unlabelled_rows_change_nothing() -> None:
    features, labels = clouds(2, 90)
    labels[::3] = -1
    alone = fit(features[labels >= 0], labels[labels >= 0], 3)
    together = fit(features, labels, 3)
    np.testing.assert_array_equal(alone.weights, together.weights)


def test_a_class_without_rows_gets_no_probability_and_constant_features_do_no_harm() -> None:
    features, labels = clouds(3, 90)
    found = fit(np.hstack([features, np.full((90, 2), 7, np.float32)]), labels, 5)
    probabilities = found.probabilities(np.hstack([features, np.full((90, 2), 7, np.float32)]))
    assert np.isfinite(probabilities).all()
    assert probabilities[:, 3:].max() < 1e-12


def test_no_row_is_judged_by_a_probe_that_saw_its_label() -> None:
    features, labels = clouds(4, 60)
    fold = folds(labels, np.full(60, -1), 4)
    before = out_of_fold(features, labels, fold, 3)
    changed = labels.copy()
    changed[fold == 2] = (changed[fold == 2] + 1) % 3
    after = out_of_fold(features, changed, fold, 3)
    np.testing.assert_array_equal(before[fold == 2], after[fold == 2])
    assert not np.allclose(before[fold != 2], after[fold != 2])


def test_unlabelled_rows_get_the_mean_of_all_probes() -> None:
    features, labels = clouds(5, 60)
    labels[:5] = -1
    fold = folds(labels, np.full(60, -1), 3)
    probes = [fit(features, np.where(fold == name, -1, labels), 3) for name in range(3)]
    expected = np.mean([probe.probabilities(features[:5]) for probe in probes], axis=0)
    np.testing.assert_allclose(out_of_fold(features, labels, fold, 3)[:5], expected)


@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(12, 80))
@settings(max_examples=40, deadline=None)
def test_groups_stay_together_and_classes_are_spread(seed: int, n_folds: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    labels, groups = rng.integers(-1, 3, rows), np.full(rows, -1)
    groups[: rows // 4] = rng.integers(0, 3, rows // 4)
    if len(np.unique(np.where(groups < 0, np.arange(rows) + 9, groups)[labels >= 0])) < n_folds:
        return
    fold = folds(labels, groups, n_folds, seed)
    for group in range(3):
        assert len(set(fold[groups == group].tolist())) <= 1
    single = fold[(groups < 0) & (labels == 1)]
    counts = np.bincount(single, minlength=n_folds)
    assert counts.max() - counts.min() <= 1 + (groups >= 0).any()


def test_folds_are_those_of_the_seed() -> None:
    labels, groups = np.arange(40) % 3, np.full(40, -1)
    assert np.array_equal(folds(labels, groups, 4, 1), folds(labels, groups, 4, 1))
    assert not np.array_equal(folds(labels, groups, 4, 1), folds(labels, groups, 4, 2))


def test_noise_asks_for_a_strong_penalty_and_signal_for_a_weak_one() -> None:
    features, labels = clouds(6, 150, dimension=20)
    nothing = np.random.default_rng(0).permutation(labels)
    groups = np.full(150, -1)
    assert choose_strength(features, labels, groups, 3, (0.1, 1e5)) == 0.1
    assert choose_strength(features, nothing, groups, 3, (0.1, 1e5)) == 1e5


def test_one_class_is_refused_in_one_line() -> None:
    features, _ = clouds(7, 10)
    with pytest.raises(SpecError, match="one class only; a probe needs at least two"):
        fit(features, np.zeros(10, dtype=np.int64), 3)
    with pytest.raises(SpecError, match="no class"):
        fit(features, np.full(10, -1), 3)


def test_what_is_not_finite_is_refused_with_its_row() -> None:
    features, labels = clouds(8, 10)
    features[6, 1] = np.nan
    with pytest.raises(SpecError, match="NaN or an infinite value in row 6"):
        fit(features, labels, 3)


def test_more_folds_than_images_are_refused() -> None:
    with pytest.raises(SpecError, match="5 folds need at least 5 different labelled images; there are 2"):
        folds(np.array([0, 1, -1]), np.full(3, -1), 5)


def test_equal_features_give_the_classes_shares() -> None:
    labels = np.array([0] * 30 + [1] * 10)
    found = fit(np.ones((40, 3)), labels, 2).probabilities(np.ones((1, 3)))
    np.testing.assert_allclose(found, [[0.75, 0.25]], atol=1e-3)
