from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.references import suspects as reference
from workbench.errors import SpecError
from workbench.methods import suspects
from workbench.methods.suspects import (
    AMBIGUOUS,
    BINS,
    FLOOR,
    PARTS,
    confident_joint,
    copies_opinion,
    doubt,
    faceless,
    join,
    judge,
    neighbours_opinion,
    other_than,
    outlyingness,
    reliability,
    skill,
    whole_rows,
    wrong_share_interval,
)


def test_rows_of_whole_numbers_add_up_to_the_classes_sizes() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        sizes = rng.integers(0, 400, 7)
        joint = rng.dirichlet(np.full(7, 0.3), 7) * sizes[:, None]
        found = whole_rows(joint)
        assert (found.sum(axis=1) == sizes).all()
        assert (np.abs(found - joint) < 1).all()
    assert whole_rows(np.array([[3.0, 0.0], [0.0, 5.0]])).tolist() == [[3, 0], [0, 5]]


def test_the_estimate_of_wrong_labels_lies_in_its_interval_and_more_images_narrow_it() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for count in (200, 3200):
        true = rng.integers(0, 3, count)
        labels = np.where(rng.random(count) < 0.1, (true + 1) % 3, true)
        probabilities = np.where(np.arange(3) == true[:, None], 0.8, 0.1)
        joint = confident_joint(probabilities, labels)
        low, high = wrong_share_interval(probabilities, labels, 200)
        assert low < 1 - np.trace(joint) / joint.sum() < high
        assert low < 0.1 < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def opinions_of(seed: int, rows: int, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(classes, 0.5), rows), rng.integers(-1, classes, rows)


@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(2, 6))
@settings(max_examples=60, deadline=None)
def test_the_noise_matrix_is_that_of_the_literal_steps_and_keeps_the_labels_numbers(
    seed: int, rows: int, classes: int
) -> None:
    probabilities, labels = opinions_of(seed, rows, classes)
    found = confident_joint(probabilities, labels)
    np.testing.assert_allclose(found, reference.confident_joint(probabilities, labels))
    np.testing.assert_allclose(found.sum(axis=1), np.bincount(labels[labels >= 0], minlength=classes))


def test_the_noise_matrix_finds_noise_of_a_known_kind() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 3000)
    labels = np.where((true == 0) & (rng.random(3000) < 0.3), 1, true)
    probabilities = np.full((3000, 3), 0.05)
    probabilities[np.arange(3000), true] = 0.9
    found = confident_joint(probabilities, labels)
    assert found[1, 0] == pytest.approx(((labels == 1) & (true == 0)).sum(), rel=0.05)
    assert found[0, 1] == found[2, 0] == 0


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_doubt_is_the_other_classs_share_and_half_at_a_tie(seed: int) -> None:
    probabilities, labels = opinions_of(seed, 20)
    found = doubt(probabilities, labels)
    for row, label in enumerate(labels):
        if label < 0:
            assert np.isnan(found[row])
        else:
            assert found[row] == pytest.approx(reference.doubt(probabilities[row], label, FLOOR))
            wrong = probabilities[row].argmax() != label
            assert (found[row] > 0.5) == wrong


def test_a_tie_is_undecided_and_a_ruled_out_label_nearly_certain() -> None:
    found = doubt(np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]), np.zeros(3, dtype=np.int64))
    np.testing.assert_allclose(found, [0.5, 1.05 / 1.1, 0.05 / 1.1])


def test_an_opinion_that_says_nothing_of_an_image_is_left_out_there() -> None:
    first = np.array([[0.8, 0.2], [np.nan, np.nan]])
    second = np.array([[0.2, 0.8], [0.3, 0.7]])
    found = join({"a": first, "b": second}, {"a": 3.0, "b": 1.0})
    np.testing.assert_allclose(found, [[0.65, 0.35], [0.3, 0.7]])


def test_opinions_of_no_skill_count_equally() -> None:
    found = join({"a": np.array([[0.8, 0.2]]), "b": np.array([[0.2, 0.8]])}, {"a": 0.0, "b": 0.0})
    np.testing.assert_allclose(found, [[0.5, 0.5]])


def test_skill_is_one_for_the_labels_themselves_and_none_for_their_shares_or_worse() -> None:
    labels = np.array([0, 0, 0, 1, -1])
    rows = np.arange(5)
    assert skill(np.eye(2)[[0, 0, 0, 1, 1]], labels, rows) == pytest.approx(1)
    assert skill(np.tile([0.75, 0.25], (5, 1)), labels, rows) == pytest.approx(0, abs=1e-12)
    assert skill(np.tile([0.1, 0.9], (5, 1)), labels, rows) == 0
    assert skill(np.full((5, 2), np.nan), labels, rows) == 0


def test_copies_speak_only_where_one_carries_another_label() -> None:
    labels = np.array([0, 1, 1, 2, 2, 0, -1])
    groups = np.array([0, 0, 0, 1, 1, -1, 1])
    found = copies_opinion(labels, groups, 3)
    np.testing.assert_allclose(found[0], [0, 1, 0])
    np.testing.assert_allclose(found[1], [0.5, 0.5, 0])
    assert np.isnan(found[[3, 4, 5]]).all()
    np.testing.assert_allclose(found[6], [0, 0, 1])


def test_neighbours_that_do_not_count_are_passed_over() -> None:
    labels = np.array([0, 1, 1, -1])
    near = np.array([[3, -1, 1, 0, 2], [-1, -1, -1, -1, 3]])
    found = neighbours_opinion(near, labels, 2, 2)
    np.testing.assert_allclose(found[0], [0.5, 0.5])
    assert np.isnan(found[1]).all()


def test_the_distance_off_all_classes_is_the_literal_one() -> None:
    rng = np.random.default_rng(3)
    embeddings, labels = rng.normal(size=(60, 5)), rng.integers(-1, 3, 60)
    expected = reference.outlyingness(embeddings, labels, suspects._SHRINKAGE)
    np.testing.assert_allclose(outlyingness(embeddings, labels), expected)


def test_what_is_like_no_class_lies_farthest_off() -> None:
    rng = np.random.default_rng(4)
    labels = np.repeat([0, 1], 200)
    embeddings = rng.normal(size=(400, 6)) * 0.1 + np.where(labels, 1.0, -1.0)[:, None] * np.eye(6)[0]
    embeddings[7] = np.eye(6)[3] * 2
    assert outlyingness(embeddings, labels).argmax() == 7


def test_equal_embeddings_lie_off_nothing_and_nan_is_refused() -> None:
    assert not outlyingness(np.ones((10, 3)), np.zeros(10, dtype=np.int64)).any()
    with pytest.raises(SpecError, match="row 2"):
        outlyingness(np.where(np.arange(6).reshape(3, 2) > 4, np.nan, 1.0), np.zeros(3, dtype=np.int64))


def test_each_sign_alone_makes_a_picture_faceless() -> None:
    blank = np.array([True, False, False, False])
    found = faceless(blank, np.array([0.0, 0.9, 0.1, 0.1]), np.array([0.0, 0.0, 9.0, 1.0]), None)
    assert found.tolist()[0] == 1.0
    assert (found >= 0.5).tolist() == [True, True, True, False]


def test_what_is_unlike_all_must_be_like_pictures_without_a_face_where_these_are_known() -> None:
    outlying = np.array([6.0, 6.0, 0.0])
    found = faceless(np.zeros(3, bool), np.zeros(3), outlying, np.array([0.2, 0.0, 0.2]))
    assert (found >= 0.5).tolist() == [True, False, False]


def a_judgement(rows: list[list[float]], labels: list[int], face: list[float] | None = None) -> suspects.Judgement:
    given, size = np.array(labels), len(rows)
    copies = np.full((size, 3), np.nan)
    return judge(
        {"probe": np.array(rows)}, given, copies, np.array(face or [0.0] * size), {"probe": 1.0}, np.arange(size)
    )


def test_bins_and_proposals_follow_the_joint_opinion() -> None:
    rows = [[0.05, 0.9, 0.05], [0.9, 0.05, 0.05], [0.45, 0.5, 0.05], [0.05, 0.9, 0.05], [0.2, 0.5, 0.3]]
    found = a_judgement(rows, [0, 0, 0, 0, -1], [0, 0, 0, 0.8, 0.7])
    assert [BINS[place] for place in found.bins] == ["wrong label", "", "ambiguous", "not a face", "not a face"]
    assert found.proposed.tolist() == [1, -1, -1, -1, -1]
    assert found.parts["ambiguous"][2] == pytest.approx((0.45 + FLOOR) / (0.5 + FLOOR))
    assert found.parts["ambiguous"][0] < AMBIGUOUS < found.parts["ambiguous"][2]
    assert found.scores[4] == pytest.approx(0.7)
    assert found.scores[3] >= 0.8


def test_a_copy_with_another_label_raises_doubt_and_one_with_the_same_does_not() -> None:
    labels = np.array([0, 0])
    probabilities = np.tile([0.6, 0.3, 0.1], (2, 1))
    copies = np.array([[0.0, 1.0, 0.0], [np.nan] * 3])
    found = judge({"probe": probabilities}, labels, copies, np.zeros(2), {"probe": 1.0}, np.arange(2))
    assert found.scores[0] > found.scores[1]
    assert found.parts["duplicates"].tolist() == [1.0, 0.0]


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_scores_and_parts_lie_in_0_to_1_and_proposals_are_never_the_label(seed: int) -> None:
    probabilities, labels = opinions_of(seed, 40)
    rng = np.random.default_rng(seed)
    second = rng.dirichlet(np.ones(4), 40)
    second[::7] = np.nan
    copies = copies_opinion(labels, rng.integers(-1, 8, 40), 4)
    found = judge({"probe": probabilities, "network": second}, labels, copies, rng.random(40) * 0.7,
                  {"probe": 0.4, "network": 0.1}, np.arange(40))  # fmt: skip
    assert set(found.parts) <= set(PARTS)
    for values in (found.scores, *found.parts.values()):
        known = values[np.isfinite(values)]
        assert ((known >= 0) & (known <= 1)).all()
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    proposed = found.proposed >= 0
    assert (found.proposed != labels)[proposed].all()
    assert (found.bins[proposed] == BINS.index("wrong label")).all()
    assert np.isfinite(found.scores[labels >= 0]).all()


def test_labels_of_a_noisy_class_are_doubted_more_for_the_same_opinion() -> None:
    probabilities = np.array([[0.4, 0.6, 0.0], [0.6, 0.4, 0.0]])
    found = doubt(probabilities, np.array([0, 1]), np.array([0.5, 0.9, 0.9]))
    np.testing.assert_allclose(found, [0.65 / (0.65 + 0.225), 0.65 / (0.65 + 0.405)])


def test_reliability_is_the_diagonals_share_and_few_labels_prove_little() -> None:
    probabilities = np.array([[0.9, 0.1, 0.0]] * 8 + [[0.05, 0.95, 0.0]] * 2 + [[0.1, 0.9, 0.0]] * 10)
    found = reliability(probabilities, np.array([0] * 8 + [0] * 2 + [1] * 10))
    np.testing.assert_allclose(found, [9 / 12, 11 / 12, 1 / 2])


def test_the_other_class_is_never_the_label() -> None:
    assert other_than(np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0, -1])).tolist() == [1, 0]
