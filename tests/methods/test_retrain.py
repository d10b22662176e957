from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from tests.references.retrain import mean_intervals
from workbench.errors import SpecError
from workbench.methods.proportions import paired_difference, share
from workbench.methods.retrain import Comparison, compare

CLASSES = ("angry", "happy", "sad", "never")


def answers(seed: int, right: tuple[float, float], count: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, count)
    found = [np.where(random.random(count) < share, labels, random.integers(0, 3, count)) for share in right]
    return labels, found[0], found[1]


def test_scores_are_scikit_learns() -> None:
    labels, before, after = answers(0, (0.6, 0.7))
    found = compare(labels, before, after, CLASSES, 200)
    scores = {
        "accuracy": accuracy_score,
        "macro_f1": lambda y, p: f1_score(y, p, average="macro"),
        "balanced_accuracy": balanced_accuracy_score,
    }
    for name, score in scores.items():
        change = found.changes[name]
        assert change.before.value == pytest.approx(score(labels, before))
        assert change.after.value == pytest.approx(score(labels, after))
        assert change.difference.value == pytest.approx(score(labels, after) - score(labels, before))
    assert [each.name for each in found.classes] == ["angry", "happy", "sad"]
    own = labels == 1
    assert found.classes[1].change.after.value == pytest.approx((after[own] == 1).mean())


def test_shares_have_score_intervals_and_their_difference_a_paired_one() -> None:
    labels, before, after = answers(1, (0.55, 0.75))
    found = compare(labels, before, after, CLASSES, 50)
    was, now = before == labels, after == labels
    gained, lost, both = int((now & ~was).sum()), int((was & ~now).sum()), int((was & now).sum())
    accuracy = found.changes["accuracy"]
    assert accuracy.before == share(int(was.sum()), 300)
    assert accuracy.after == share(int(now.sum()), 300)
    assert accuracy.difference == paired_difference(300, gained, lost, both)
    own = labels == 2
    assert found.classes[2].change.before == share(int(was[own].sum()), int(own.sum()))


def test_images_all_right_both_times_do_not_make_an_interval_of_length_nought() -> None:
    labels = np.arange(23) % 3
    found = compare(labels, labels, labels, CLASSES, 100).changes["accuracy"]
    assert found.before == share(23, 23)
    assert found.difference.low == pytest.approx(-found.difference.high)
    assert found.difference.high > 0.1


def test_intervals_of_means_over_classes_are_those_of_drawing_images_again() -> None:
    labels, before, after = answers(1, (0.55, 0.75))
    found = compare(labels, before, after, CLASSES, 4000).changes
    for name, intervals in mean_intervals(labels, before, after, 4, 700).items():
        change = found[name]
        for part, expected in zip((change.before, change.after, change.difference), intervals, strict=True):
            assert (part.low, part.high) == pytest.approx(expected, abs=0.016)


def test_a_class_that_a_resample_does_not_hold_is_no_zero_in_its_mean() -> None:
    labels = np.array([0] * 20 + [1] * 20 + [2])  # one resample in three holds no image of the last class
    found = compare(labels, labels, labels, CLASSES, 500).changes
    for name in ("macro_f1", "balanced_accuracy"):
        assert (found[name].before.low, found[name].before.high) == (1.0, 1.0)
    answers = np.where(labels == 2, 0, labels)
    low = compare(labels, answers, labels, CLASSES, 4000).changes["balanced_accuracy"].before.low
    literal = mean_intervals(labels, answers, labels, 4, 700)["balanced_accuracy"][0][0]
    assert low == pytest.approx(literal, abs=0.01) == pytest.approx(2 / 3, abs=0.01)


def test_the_conclusion_needs_both_interval_and_test() -> None:
    labels, before, after = answers(2, (0.5, 0.8))
    assert compare(labels, before, after, CLASSES, 300).conclusion == "helped"
    assert compare(labels, after, before, CLASSES, 300).conclusion == "hurt"
    assert compare(labels, after, after, CLASSES, 300).conclusion == "no measurable change"
    few = slice(0, 12)
    assert compare(labels[few], before[few], after[few], CLASSES, 300).conclusion == "no measurable change"


def test_a_comparison_survives_json() -> None:
    found = compare(*answers(3, (0.5, 0.6)), CLASSES, 100)
    again = Comparison.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again == found


def test_no_images_are_refused() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    with pytest.raises(SpecError, match="no images"):
        compare(nothing, nothing, nothing, CLASSES)
