from __future__ import annotations

import json

import numpy as np
import pytest

from tests.references import paired
from tests.references import reweight as reference
from workbench.methods.bootstrap import Estimate
from workbench.methods.reweight_verdict import (
    Verdict,
    conclusion,
    judge,
    left_alone,
    optimism,
    p_text,
    points,
    sentence,
)

NONE = np.zeros(0)


def verdict(gain: float, low: float, high: float, p: float) -> Verdict:
    return Verdict(1000, 0.5, 0.5 + gain, Estimate(gain, low, high), 10, 5, p, ())


def test_gain_gains_and_losses_are_counted_over_images_and_classes() -> None:
    before = np.array([1, 1, 0, 0, 0, 1], dtype=bool)
    after = np.array([1, 0, 1, 1, 0, 1], dtype=bool)
    found = judge(before, after, np.array([0, 0, 0, 2, 2, 2]), ["sad", "fear", "happy"])
    assert (found.images, found.gained, found.lost) == (6, 2, 1)
    assert (found.before, found.after) == (0.5, pytest.approx(4 / 6))
    assert found.gain.value == pytest.approx(1 / 6)
    assert [(c.name, c.images, c.before, c.after) for c in found.classes] == [
        ("sad", 3, pytest.approx(2 / 3), pytest.approx(2 / 3)),
        ("happy", 3, pytest.approx(1 / 3), pytest.approx(2 / 3)),
    ]
    assert found.classes[1].change.value == pytest.approx(1 / 3)
    json.dumps(found.to_dict(), allow_nan=False)


def test_intervals_are_those_of_drawing_the_images_again() -> None:
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, 900)
    before, after = rng.random(900) < 0.5, rng.random(900) < 0.6
    found = judge(before, after, labels, ["a", "b", "c"])
    assert found.gain == pytest.approx(paired.difference(before, after), abs=0.01)
    of = labels == 1
    assert found.classes[1].change == pytest.approx(paired.difference(before[of], after[of]), abs=0.015)


def test_the_sentence_of_a_chance_gain_says_so() -> None:
    random = np.array([0.003] * 9 + [0.0] * 11)
    found = sentence(verdict(0.0021, -0.003, 0.007, 0.44), {"random": random, "shuffled": NONE}, "test")
    assert found == (
        "+0.21 points on test (95 % interval -0.30 to 0.70, p = .44), no better than 9 of 20 random sets of units: "
        "not significant."
    )


def test_the_sentence_tells_controls_that_are_beaten_from_those_that_are_not() -> None:
    real = verdict(0.05, 0.03, 0.07, 1e-6)
    low, high = np.zeros(20), np.array([0.06, 0.0])
    assert sentence(real, {"random": low, "shuffled": np.zeros(10)}, "test") == (
        "+5.00 points on test (95 % interval 3.00 to 7.00, p < .001), better than all 20 random sets of units and all "
        "10 repeats with shuffled similarities: significant, and owed to which units were chosen."
    )
    assert sentence(real, {"random": low, "shuffled": high}, "test").endswith(
        "better than all 20 random sets of units, no better than 1 of 2 repeats with shuffled similarities: "
        "significant, but not owed to which units were chosen."
    )


@pytest.mark.parametrize(
    ("gain", "low", "high", "p", "random", "shuffled", "expected"),
    [
        (0.02, 0.01, 0.03, 0.001, 0.0, 0.0, "holds"),
        (0.02, 0.01, 0.03, 0.001, 0.02, 0.0, "any units"),
        (0.02, 0.01, 0.03, 0.001, 0.0, 0.03, "any units"),
        (0.02, -0.001, 0.03, 0.04, 0.0, 0.0, "not significant"),
        (0.02, 0.001, 0.03, 0.06, 0.0, 0.0, "not significant"),
        (-0.02, -0.03, -0.01, 0.001, 0.0, 0.0, "loss"),
    ],
)
def test_a_gain_holds_only_where_test_interval_and_controls_agree(
    gain: float, low: float, high: float, p: float, random: float, shuffled: float, expected: str
) -> None:
    controls = {"random": np.array([random] + [0.0] * 19), "shuffled": np.array([shuffled] + [0.0] * 9)}
    assert conclusion(verdict(gain, low, high, p), controls) == expected


def test_numbers_are_written_as_papers_do() -> None:
    assert [points(x) for x in (0.0021, -0.0065, 0.00001, -0.00001)] == ["+0.21", "-0.65", "0.00", "0.00"]
    assert [p_text(p) for p in (1.0, 0.44, 0.0432, 0.0004)] == ["p = 1.00", "p = .44", "p = .043", "p < .001"]
    assert left_alone("lin1", "validation", 3589, 72).startswith("Leave lin1 alone: none of the 72 settings")


def test_choosing_on_the_reported_images_is_measured() -> None:
    rng = np.random.default_rng(0)
    right, before = rng.random((12, 200)) < 0.5, rng.random(200) < 0.5
    found = optimism(right, before, np.arange(12.0), chosen=4)
    gains = right.mean(axis=1) - before.mean()
    assert found.best == int(gains.argmax())
    assert found.best_gain == pytest.approx(gains.max())
    assert found.chosen_gain == pytest.approx(gains[4])
    assert found.halves_same > found.halves_other  # pure chance: what is chosen on a half does not carry over
    assert found.halves_low <= found.halves_same - found.halves_other <= found.halves_high


def test_each_half_is_judged_as_the_literal_search_does() -> None:
    rng = np.random.default_rng(3)
    right, before = rng.random((5, 31)) < 0.6, rng.random(31) < 0.5
    found = optimism(right, before, np.arange(5.0), chosen=-1, halves=1, seed=7)
    first = np.random.default_rng([7, 3]).permutation(31)[:15].tolist()
    same, other = reference.half_optimism(right.tolist(), before.tolist(), first)
    assert found.halves_same == pytest.approx(same)
    assert found.halves_other == pytest.approx(other)
    assert found.chosen_gain == 0


def test_a_real_gain_carries_over_to_the_other_half() -> None:
    before = np.arange(400) % 2 == 0
    right = np.stack([before, before | (np.arange(400) % 5 == 1)])
    found = optimism(right, before, np.array([0.1, 0.2]), chosen=1)
    assert found.best == 1
    assert abs(found.halves_same - found.halves_other) < 0.02
