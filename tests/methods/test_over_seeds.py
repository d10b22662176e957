"""Figures over images and seeds: the same numbers as for one run, and intervals that cover both kinds of chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from workbench.errors import SpecError
from workbench.methods.metrics import evaluate
from workbench.methods.over_seeds import FIGURES, behind, measure

K = 4


def run(seed: int, count: int = 400, right: float = 0.6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels that do not depend on the seed, ranks and confidences that do."""
    labels = np.random.default_rng(0).integers(0, K, count)
    generator = np.random.default_rng([seed, 1])
    answers = np.where(generator.random(count) < right, labels, generator.integers(0, K, count))
    ranked = np.array([[answer, *(each for each in range(K) if each != answer)] for answer in answers])
    return labels, ranked, generator.uniform(0.3, 1.0, count)


@given(some.integers(0, 2**20), some.integers(1, 60))
def test_one_seed_is_measured_as_a_single_run_is(seed: int, count: int) -> None:
    labels, ranked, sure = run(seed, count)
    found = measure(labels, [ranked], [sure], K, resamples=20)
    probabilities = np.full((count, K), 0.0)
    probabilities[np.arange(count), ranked[:, 0]] = sure
    alone = evaluate(labels, ranked, probabilities, resamples=10)
    expected = (alone.accuracy, alone.top_k_accuracy[3], alone.macro_f1, alone.calibration.error)
    for name, each in zip(FIGURES, expected, strict=True):
        assert found.values[name] == pytest.approx(each.value)
        low, high = found.estimate(name)[1:]
        assert 0 <= low <= high <= 1


def test_the_interval_of_one_seed_is_that_of_the_bootstrap_over_images() -> None:
    labels, ranked, sure = run(3, 1000)
    found = measure(labels, [ranked], [sure], K, resamples=2000).estimate("accuracy")
    wide = 1.96 * np.sqrt(found.value * (1 - found.value) / 1000)
    assert found.low == pytest.approx(found.value - wide, abs=0.006)
    assert found.high == pytest.approx(found.value + wide, abs=0.006)


def test_a_figure_of_several_seeds_is_their_mean_and_each_seeds_own_is_kept() -> None:
    runs = [run(seed) for seed in range(3)]
    found = measure(runs[0][0], [each[1] for each in runs], [each[2] for each in runs], K, resamples=10)
    alone = [measure(labels, [ranked], [sure], K, resamples=10) for labels, ranked, sure in runs]
    for name in FIGURES:
        np.testing.assert_allclose(found.by_seed[name], [each.values[name] for each in alone])
        assert found.values[name] == pytest.approx(np.mean(found.by_seed[name]))


def test_seeds_that_differ_widen_the_interval_and_equal_ones_do_not() -> None:
    labels, ranked, sure = run(0, 2000)
    other = run(1, 2000, right=0.2)
    alone = measure(labels, [ranked], [sure], K, resamples=500).estimate("accuracy")
    same = measure(labels, [ranked] * 3, [sure] * 3, K, resamples=500).estimate("accuracy")
    mixed = measure(labels, [ranked, other[1]], [sure, other[2]], K, resamples=500).estimate("accuracy")
    assert same == pytest.approx(alone)
    assert mixed.high - mixed.low > 3 * (alone.high - alone.low)
    assert mixed.low < 0.45 < 0.65 < mixed.high  # a resample may hold the good seed twice, or the bad one


def test_a_difference_is_measured_on_the_same_images() -> None:
    labels, ranked, sure = run(0, 1500)
    worse = ranked.copy()
    worse[:30] = np.roll(worse[:30], 1, axis=1)
    first, second = (measure(labels, [each], [sure], K, resamples=800) for each in (ranked, worse))
    found = behind(first, second)
    wrong = (ranked[:30, 0] == labels[:30]).sum() - (worse[:30, 0] == labels[:30]).sum()
    assert found.value == pytest.approx(-wrong / 1500)
    assert found.high - found.low < 0.02  # 30 images differ; unpaired it would be four times as wide
    assert behind(first, first) == (0, 0, 0)


def test_what_cannot_be_measured_is_refused() -> None:
    labels, ranked, sure = run(0, 10)
    none = np.zeros(0, dtype=np.int64)
    with pytest.raises(SpecError, match="no labelled images"):
        measure(none, [ranked[:0]], [sure[:0]], K)
    with pytest.raises(SpecError, match="answers"):
        measure(labels, [ranked + K], [sure], K)
