from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from workbench.errors import SpecError
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


def test_the_interval_is_that_of_drawing_images_again() -> None:
    labels, before, after = answers(1, (0.55, 0.75))
    difference = compare(labels, before, after, CLASSES, 4000).changes["accuracy"].difference
    random = np.random.default_rng(9)
    gain = (after == labels).astype(float) - (before == labels)
    drawn = [gain[random.integers(0, len(gain), len(gain))].mean() for _ in range(4000)]
    assert (difference.low, difference.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.012)


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
