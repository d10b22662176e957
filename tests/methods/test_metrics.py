from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from tests.references import metrics as reference
from workbench.errors import SpecError
from workbench.methods.metrics import (
    calibration,
    confusion_matrix,
    evaluate,
    fine_confusion_matrix,
    in_top_k,
    negative_log_likelihood,
    scores,
)


def case(seed: int, n: int = 300, classes: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, ranked classes and probabilities of a classifier that is right about half the time."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes)) + 1.2 * np.eye(classes)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return labels, np.argsort(-probabilities, axis=1), probabilities


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=40))
def test_scores_are_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = np.array(pairs).T
    found = scores(confusion_matrix(labels, predicted, 6))
    classes = list(range(6))
    p, r, f, support = sklearn_metrics.precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=0
    )
    np.testing.assert_allclose(found.precision, p)
    np.testing.assert_allclose(found.recall, r)
    np.testing.assert_allclose(found.f1, f)
    assert found.support.tolist() == support.tolist()
    assert found.accuracy == pytest.approx(sklearn_metrics.accuracy_score(labels, predicted))
    for average in ("macro", "weighted"):
        expected = sklearn_metrics.f1_score(labels, predicted, average=average, zero_division=0)
        assert getattr(found, f"{average}_f1") == pytest.approx(expected)


def test_confusion_rows_are_labels_and_columns_predictions() -> None:
    labels, predicted = np.array([0, 0, 1]), np.array([1, 1, 1])
    assert confusion_matrix(labels, predicted, 2).tolist() == [[0, 2], [0, 1]]
    assert confusion_matrix(labels[:0], predicted[:0], 2).tolist() == [[0, 0], [0, 0]]
    expected = sklearn_metrics.confusion_matrix(*case(0)[:1], case(0)[1][:, 0])
    assert np.array_equal(confusion_matrix(case(0)[0], case(0)[1][:, 0], 5), expected)


def test_fine_confusion_counts_concepts_by_label() -> None:
    found = fine_confusion_matrix(np.array([3, 3, 0]), np.array([1, 1, 0]), 4, 2)
    assert found.tolist() == [[1, 0], [0, 0], [0, 0], [0, 2]]


def test_top_k_accuracy_is_scikit_learns() -> None:
    labels, ranked, probabilities = case(1)
    for k in (1, 2, 3):
        expected = sklearn_metrics.top_k_accuracy_score(labels, probabilities, k=k)
        assert in_top_k(labels, ranked, k).mean() == pytest.approx(expected)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.one_of(st.floats(0, 1), st.integers(0, 15).map(lambda i: i / 15)), st.booleans()), min_size=1)
)
def test_calibration_error_follows_the_literal_definition(images: list[tuple[float, bool]]) -> None:
    confidence, correct = zip(*images, strict=True)
    found = calibration(np.array(confidence), np.array(correct), resamples=2)
    assert found.error.value == pytest.approx(reference.expected_calibration_error(confidence, correct), abs=1e-12)
    assert found.counts.sum() == len(images)


def test_reliability_bins_hold_means_and_nan_where_empty() -> None:
    found = calibration(np.array([0.05, 0.95, 0.99]), np.array([False, True, False]), bins=10, resamples=2)
    assert found.counts.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    np.testing.assert_allclose(found.confidence[[0, 9]], [0.05, 0.97])
    np.testing.assert_allclose(found.accuracy[[0, 9]], [0, 0.5])
    assert np.isnan(found.accuracy[1:9]).all()


def test_negative_log_likelihood_is_scikit_learns_log_loss() -> None:
    labels, _, probabilities = case(2)
    found = negative_log_likelihood(probabilities, labels, resamples=20)
    assert found.value == pytest.approx(sklearn_metrics.log_loss(labels, probabilities))
    assert found.low < found.value < found.high
    assert negative_log_likelihood(np.array([[1.0, 0.0]]), np.array([1]), resamples=2).value == pytest.approx(
        27.6, abs=0.1
    )


def test_every_interval_holds_its_value_and_lies_in_range() -> None:
    labels, ranked, probabilities = case(3, n=1000)
    found = evaluate(labels, ranked, probabilities, top_k=(1, 2, 3), resamples=300)
    estimates = [found.accuracy, found.macro_f1, found.weighted_f1, found.macro_precision, found.macro_recall]
    estimates += [value for each in found.classes for value in (each.precision, each.recall, each.f1)]
    estimates += list(found.top_k_accuracy.values())
    for value, low, high in estimates:
        assert 0 <= low < value < high <= 1
    assert found.top_k_accuracy[1] == found.accuracy
    assert sum(each.support for each in found.classes) == found.images == 1000


def test_evaluation_is_equal_for_equal_seeds_only() -> None:
    labels, ranked, probabilities = case(4)
    first, same, other = (evaluate(labels, ranked, probabilities, resamples=50, seed=s).to_dict() for s in (1, 1, 2))
    assert first == same
    assert first["accuracy"] != other["accuracy"]


def test_an_evaluation_becomes_plain_json() -> None:
    labels, ranked, probabilities = case(5, n=8)
    plain = json.loads(json.dumps(evaluate(labels, ranked, probabilities, resamples=10).to_dict(), allow_nan=False))
    assert set(plain["accuracy"]) == {"value", "low", "high"}
    assert None in plain["calibration"]["accuracy"]


def test_macro_averages_leave_out_classes_that_never_occur() -> None:
    labels, predicted = np.array([0, 0, 1]), np.array([0, 1, 1])
    assert (
        scores(confusion_matrix(labels, predicted, 7)).macro_f1
        == scores(confusion_matrix(labels, predicted, 2)).macro_f1
    )


def test_a_class_absent_from_a_resample_still_counts_in_its_macro_average() -> None:
    resample = np.array([[2, 0], [0, 0]])
    assert scores(resample, np.array([True, True])).macro_recall == 0.5


def test_one_class_alone_is_all_right() -> None:
    found = evaluate(np.zeros(4, dtype=int), np.zeros((4, 1), dtype=int), np.ones((4, 1)), resamples=5)
    assert found.accuracy == (1, 1, 1)
    assert found.calibration.error.value == 0


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(0, dtype=int), "no labelled images"),
        (np.array([0, -1]), "row 1 is -1, outside 0 to 4; leave rows without a label out"),
        (np.array([0, 5]), "row 1 is 5"),
    ],
)
def test_unusable_labels_are_refused(labels: np.ndarray, message: str) -> None:
    ranked, probabilities = np.zeros((len(labels), 1), dtype=int), np.full((len(labels), 5), 0.2)
    with pytest.raises(SpecError, match=message):
        evaluate(labels, ranked, probabilities)


def test_shapes_that_do_not_fit_are_refused() -> None:
    labels, ranked, probabilities = case(6)
    with pytest.raises(ValueError, match="labels have 299 rows, the others 300"):
        evaluate(labels[1:], ranked, probabilities)
    with pytest.raises(ValueError, match=r"ranked must be an array \(N, R\)"):
        in_top_k(labels, ranked[1:], 1)
    with pytest.raises(ValueError, match="must be an integer array"):
        confusion_matrix(probabilities[:, 0], labels, 5)
    with pytest.raises(ValueError, match=r"must be an array \(..., K, K\)"):
        scores(np.zeros((2, 3), dtype=int))
    with pytest.raises(SpecError, match="no labelled images"):
        scores(np.zeros((3, 3), dtype=int))
    with pytest.raises(SpecError, match="k is 0"):
        in_top_k(labels, ranked, 0)


def test_a_nan_confidence_is_refused() -> None:
    with pytest.raises(SpecError, match="NaN or outside 0 to 1"):
        calibration(np.array([0.5, np.nan]), np.array([True, True]))


def test_shares_of_votes_are_in_the_bin_below_their_edge_however_they_were_rounded() -> None:
    shares, right = np.repeat([0.2, 0.4, 0.6, 0.8, 1.0], 20), np.arange(100) % 3 > 0
    exact = calibration(shares, right, resamples=2)
    for noise in (2e-7, -2e-7):
        assert calibration(shares + noise, right, resamples=2).counts.tolist() == exact.counts.tolist()
    assert exact.counts[[2, 5, 8, 11, 14]].tolist() == [20] * 5


@given(st.integers(5, 80), st.integers(0, 1000))
def test_the_interval_of_the_calibration_error_holds_its_value(images: int, seed: int) -> None:
    """Its plain resamples lie above it, by about as much as chance adds."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.2, 1.0, images)
    error = calibration(confidence, rng.random(images) < confidence, resamples=200).error
    assert 0 <= error.low <= error.value <= error.high
