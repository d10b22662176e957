from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.references import zeroshot as reference
from workbench.errors import SpecError
from workbench.methods import zeroshot
from workbench.methods.zeroshot import (
    classify,
    concept_probabilities,
    ensemble,
    fold_max,
    fold_sum,
    fold_vote,
    label_margin,
    top_margin,
)
from workbench.specs import AGGREGATES

SCALE = 12.0


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    values = rng.normal(size=shape).astype(np.float32)
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def case(seed: int, images: int = 40, templates: int = 3, concepts: int = 9, classes: int = 4):
    """Random embeddings and a membership in which some concepts speak for several classes and one for none."""
    rng = np.random.default_rng(seed)
    membership = rng.random((concepts, classes)) < 0.3
    membership[np.arange(classes), np.arange(classes)] = True
    membership[-1] = False
    return unit(rng, images, 8), unit(rng, templates, concepts, 8), membership


@pytest.mark.parametrize("seed", range(4))
def test_concept_probabilities_are_the_softmax_over_the_template_ensemble(seed: int) -> None:
    images, texts, _ = case(seed)
    mean = reference.ensemble(texts)
    np.testing.assert_allclose(ensemble(texts), mean, atol=1e-6)
    expected = [reference.concept_probabilities(image, mean, SCALE) for image in images]
    np.testing.assert_allclose(concept_probabilities(images, ensemble(texts), SCALE), expected, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("aggregate", ["sum", "max"])
def test_classes_follow_the_literal_rule(seed: int, aggregate: str) -> None:
    images, texts, membership = case(seed)
    found = classify(images, texts, membership, SCALE, aggregate=aggregate)
    fold = {"sum": reference.sum_classes, "max": reference.max_classes}[aggregate]
    mean = reference.ensemble(texts)
    for row, image in enumerate(images):
        expected = fold(reference.concept_probabilities(image, mean, SCALE), membership)
        np.testing.assert_allclose(found.classes.probabilities[row], expected, atol=1e-5)
        np.testing.assert_allclose(found.classes.shares[row], sorted(expected, reverse=True)[:3], atol=1e-5)


def test_max_predicts_a_class_of_the_most_probable_concept_that_speaks_for_one() -> None:
    images, texts, membership = case(5, images=200)
    found = classify(images, texts, membership, SCALE, aggregate="max")
    speaking = np.where(membership.any(axis=1), found.concept_probabilities, 0)
    assert membership[speaking.argmax(axis=1), found.classes.predicted].all()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("templates", [1, 2, 5])
def test_vote_follows_the_literal_rule(seed: int, templates: int) -> None:
    images, texts, membership = case(seed, templates=templates)
    found = classify(images, texts, membership, SCALE, aggregate="vote").classes
    for row, image in enumerate(images):
        winners, shares = reference.vote(image, texts, membership, 3)
        assert found.ranked[row].tolist() == winners
        np.testing.assert_allclose(found.shares[row], shares)


def test_vote_names_the_winner_of_each_rank_with_its_share() -> None:
    # three templates rank (a, b, c), (a, c, b), (b, a, c); one concept a class
    similarities = np.array([[[0.9, 0.5, 0.1], [0.9, 0.1, 0.5], [0.5, 0.9, 0.1]]])
    found = fold_vote(similarities, np.eye(3, dtype=bool))
    assert found.ranked.tolist() == [[0, 0, 2]]  # rank 2: one vote each for b, c and a, and a is the most similar
    np.testing.assert_allclose(found.shares, [[2 / 3, 1 / 3, 2 / 3]])
    np.testing.assert_allclose(found.probabilities, [[2 / 3, 1 / 3, 0]])


def test_vote_ties_go_to_the_class_that_stands_first() -> None:
    found = fold_vote(np.full((1, 2, 3), 0.5), np.eye(3, dtype=bool))
    assert found.ranked.tolist() == [[0, 1, 2]]


def test_vote_by_sum_favours_the_class_with_more_synonyms_and_by_mean_does_not() -> None:
    membership = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=bool)
    similarities = np.array([[[0.20, 0.20, 0.20, 0.30]]])
    assert fold_vote(similarities, membership).predicted.tolist() == [0]
    assert fold_vote(similarities, membership, synonyms="mean").predicted.tolist() == [1]


def test_vote_by_mean_equals_vote_by_sum_where_classes_have_equally_many_concepts() -> None:
    rng = np.random.default_rng(0)
    membership = np.repeat(np.eye(5, dtype=bool), 3, axis=0)
    images, texts = unit(rng, 60, 8), unit(rng, 4, 15, 8)
    by_sum, by_mean = (classify(images, texts, membership, SCALE, aggregate=a).classes for a in ("vote", "vote-mean"))
    assert np.array_equal(by_sum.ranked, by_mean.ranked)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), aggregate=st.sampled_from(AGGREGATES))
def test_class_probabilities_are_a_distribution_and_ranked_by_it(seed: int, aggregate: str) -> None:
    images, texts, membership = case(seed, images=12)
    found = classify(images, texts, membership, SCALE, aggregate=aggregate).classes
    assert (found.probabilities >= 0).all()
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    best = found.probabilities[np.arange(12), found.predicted]
    np.testing.assert_allclose(best, found.probabilities.max(axis=1))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), aggregate=st.sampled_from(["sum", "max"]))
def test_a_concept_under_two_classes_counts_as_if_it_were_written_once_under_each(seed: int, aggregate: str) -> None:
    images, texts, membership = case(seed, images=12)
    concept, column = np.nonzero(membership)
    written_out = np.eye(membership.shape[1], dtype=bool)[column]
    together = classify(images, texts, membership, SCALE, aggregate=aggregate).classes
    apart = classify(images, texts[:, concept], written_out, SCALE, aggregate=aggregate).classes
    np.testing.assert_allclose(together.probabilities, apart.probabilities, atol=1e-6)


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_a_concept_without_a_class_has_no_part_in_the_classes(aggregate: str) -> None:
    images, texts, membership = case(1)
    full = classify(images, texts, membership, SCALE, aggregate=aggregate)
    without = classify(images, texts[:, :-1], membership[:-1], SCALE, aggregate=aggregate)
    np.testing.assert_allclose(full.classes.probabilities, without.classes.probabilities, atol=1e-6)
    assert full.concept_probabilities.shape == (40, 9)


@pytest.mark.parametrize("aggregate", ["sum", "max"])
def test_classes_stay_a_distribution_where_a_classless_concept_takes_all_probability(aggregate: str) -> None:
    logits = np.array([[0.0, 1.0, 5000.0]])
    membership = np.array([[1, 0], [0, 1], [0, 0]], dtype=bool)
    fold = {"sum": fold_sum, "max": fold_max}[aggregate]
    np.testing.assert_allclose(fold(logits, membership).probabilities, [[1 / (1 + np.e), np.e / (1 + np.e)]])


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_a_class_without_concepts_is_never_predicted(aggregate: str) -> None:
    images, texts, membership = case(2)
    membership[:, 1] = False
    found = classify(images, texts, membership, SCALE, aggregate=aggregate, top_k=1).classes
    assert not (found.predicted == 1).any()
    assert (found.probabilities[:, 1] == 0).all()


def test_max_ties_through_a_shared_concept_go_to_the_greater_sum() -> None:
    membership = np.array([[1, 1], [0, 1]], dtype=bool)
    found = fold_max(np.array([[2.0, 1.0]]), membership)
    np.testing.assert_allclose(found.probabilities, [[0.5, 0.5]])
    assert found.ranked.tolist() == [[1, 0]]


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_one_class_and_no_images_are_no_special_cases(aggregate: str) -> None:
    images, texts, _ = case(3)
    one = classify(images, texts, np.ones((9, 1), dtype=bool), SCALE, aggregate=aggregate).classes
    assert one.ranked.shape == (40, 1)
    assert (one.probabilities == 1).all()
    none = classify(images[:0], texts, np.ones((9, 2), dtype=bool), SCALE, aggregate=aggregate)
    assert none.classes.probabilities.shape == (0, 2)
    assert none.classes.ranked.shape == (0, 2)
    assert none.concept_probabilities.shape == (0, 9)


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_the_blocks_in_which_images_are_taken_change_nothing(aggregate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    images, texts, membership = case(4)
    whole = classify(images, texts, membership, SCALE, aggregate=aggregate)
    monkeypatch.setattr(zeroshot, "_BLOCK_VALUES", 60)
    blocks = classify(images, texts, membership, SCALE, aggregate=aggregate)
    np.testing.assert_allclose(whole.classes.probabilities, blocks.classes.probabilities, atol=1e-6)
    np.testing.assert_allclose(whole.concept_probabilities, blocks.concept_probabilities, atol=1e-6)


def test_nan_is_refused_with_its_row() -> None:
    images, texts, membership = case(0)
    images[7, 2] = np.nan
    with pytest.raises(SpecError, match="image embeddings hold NaN or an infinite value in row 7"):
        classify(images, texts, membership, SCALE)


def test_embeddings_of_another_length_than_one_are_refused() -> None:
    images, texts, membership = case(0)
    images[3] *= 2
    with pytest.raises(SpecError, match="row 3 has length 2; embeddings must have length 1"):
        classify(images, texts, membership, SCALE)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"membership": np.zeros((9, 4), dtype=bool)}, SpecError, "no concept of the set speaks for a class"),
        (
            {"membership": np.ones((8, 4), dtype=bool)},
            ValueError,
            r"membership must be a bool array \(C, K\) with C = 9",
        ),
        ({"aggregate": "votes"}, SpecError, "unknown aggregate 'votes'; did you mean 'vote'"),
        ({"top_k": 0}, SpecError, "top_k is 0"),
        ({"logit_scale": float("nan")}, SpecError, "logit scale is nan"),
        ({"images": np.zeros((3, 5), dtype=np.float32)}, ValueError, "have dimension 5, the others 8"),
        ({"images": np.zeros((3, 8), dtype=np.int64)}, ValueError, "must be a float array"),
        ({"template_texts": np.zeros((0, 9, 8), dtype=np.float32)}, ValueError, "are empty"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    change: dict[str, object], error: type[Exception], message: str
) -> None:
    images, texts, membership = case(0)
    arguments = {"images": images, "template_texts": texts, "membership": membership, "logit_scale": SCALE, **change}
    with pytest.raises(error, match=message):
        classify(**arguments)


def test_sentences_that_cancel_out_are_refused() -> None:
    vector = np.array([[[1.0, 0.0]], [[-1.0, 0.0]]], dtype=np.float32)
    with pytest.raises(SpecError, match="length 0"):
        ensemble(vector)


def test_margins_measure_the_lead_of_the_best_and_of_the_label() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.4, 0.4, 0.2], [0.1, 0.3, 0.6]])
    np.testing.assert_allclose(top_margin(probabilities), [0.5, 0.0, 0.3])
    np.testing.assert_allclose(label_margin(probabilities, np.array([0, 2, -1])), [0.5, -0.2, np.nan])
    assert top_margin(np.ones((2, 1))).tolist() == [1, 1]
    assert label_margin(np.ones((1, 1)), np.array([0])).tolist() == [1]
    with pytest.raises(SpecError, match="row 0 is 3, outside 0 to 2"):
        label_margin(probabilities, np.array([3, 0, 0]))
