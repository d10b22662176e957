from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from tests.references import dissect as slow
from tests.references import evidence as reference
from workbench.errors import SpecError
from workbench.methods import evidence
from workbench.methods.dissect import RANKED, SIMILARITIES, similarity
from workbench.methods.evidence import faithfulness, null_distribution, p_values, q_values, stability


def case(seed: int, images: int = 1200, units: int = 40, concepts: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Units without any relation to the images, and concepts that resemble each other."""
    generator = np.random.default_rng(seed)
    activations = np.maximum(generator.normal(size=(images, units)), -0.5) + 1e-3 * generator.random((images, units))
    scores = 0.2 + 0.05 * (generator.normal(size=(images, concepts)) + generator.normal(size=(images, 1)))
    return activations.astype(np.float32), scores.astype(np.float32)


@pytest.mark.parametrize("name", SIMILARITIES)
def test_the_null_is_that_of_permuting_whole_columns(name: str) -> None:
    activations, scores = case(0, images=150, units=5, concepts=3)
    similarities = similarity(name, activations, scores)
    null = null_distribution(name, activations, scores, similarities, draws=4000, seed=1)
    logs = {"soft_wpmi": slow.soft_wpmi_log, "wpmi": slow.wpmi_log}.get(name, getattr(slow, name))
    weight = RANKED[name].weight if name in RANKED else 0.0
    draws = 1500 if name in RANKED else 6000  # rare great values decide the cubed cosine
    expected = reference.similarities_of_permuted(logs, activations, scores, weight, draws, seed=2)
    spread = expected.std(axis=0)
    np.testing.assert_allclose(null.low, np.quantile(expected, 0.025, axis=0), atol=0.35 * spread.max())
    np.testing.assert_allclose(null.high, np.quantile(expected, 0.975, axis=0), atol=0.35 * spread.max())
    maxima = expected.max(axis=1)
    assert null.maxima.mean() == pytest.approx(maxima.mean(), abs=5 * maxima.std() / np.sqrt(draws))
    assert null.limit == pytest.approx(np.quantile(maxima, 0.95), abs=0.35 * maxima.std())


@pytest.mark.parametrize("name", SIMILARITIES)
def test_p_values_of_random_units_are_uniform_and_hardly_any_unit_is_labelled(name: str) -> None:
    activations, scores = case(1, units=400)
    similarities = similarity(name, activations, scores)
    p = p_values(similarities.max(axis=1), null_distribution(name, activations, scores, similarities, 3000, seed=0))
    assert kstest(p, "uniform").pvalue > 0.001
    assert (q_values(p) <= 0.05).mean() <= 0.05


@pytest.mark.parametrize("name", SIMILARITIES)
def test_planted_units_among_random_ones_pass(name: str) -> None:
    activations, scores = case(2)
    generator = np.random.default_rng(0)
    activations[:, :6] = scores + 0.02 * generator.normal(size=scores.shape)
    similarities = similarity(name, activations, scores)
    null = null_distribution(name, activations, scores, similarities, draws=2000, seed=0)
    passed = q_values(p_values(similarities.max(axis=1), null)) <= 0.05
    assert similarities.argmax(axis=1)[:6].tolist() == list(range(6))
    assert passed[:6].all()
    assert passed[6:].mean() <= 0.1


def test_a_unit_that_follows_a_concept_passes_in_a_layer_of_few_units() -> None:
    """soft-WPMI cannot exceed the logarithm of the number of units; neither may the null."""
    activations, scores = case(4, units=8)
    activations[:, 3] = scores[:, 2] + 0.01 * np.random.default_rng(0).normal(size=len(scores))
    similarities = similarity("soft_wpmi", activations, scores)
    null = null_distribution("soft_wpmi", activations, scores, similarities, draws=2000, seed=0)
    assert null.maxima.max() <= np.log(8) + 1e-5
    assert p_values(similarities.max(axis=1), null)[3] < 0.05


@pytest.mark.parametrize("name", SIMILARITIES)
def test_with_one_concept_only_what_differs_can_pass(name: str) -> None:
    activations, scores = case(3, images=300, units=20, concepts=1)
    similarities = similarity(name, activations, scores)
    p = p_values(similarities.max(axis=1), null_distribution(name, activations, scores, similarities, 500, seed=0))
    if name in ("soft_wpmi", "wpmi"):  # the only concept has probability 1 in every image
        assert (p == 1).all()
    assert (q_values(p) > 0.05).all()


def test_p_counts_the_unit_itself_and_ties() -> None:
    null = evidence.Null(np.array([0.1, 0.2, 0.2, 0.4], dtype=np.float32), np.zeros(1), np.zeros(1), 0.4)
    observed = np.array([0.5, 0.4, 0.2, 0.15, -1], dtype=np.float32)
    assert p_values(observed, null).tolist() == pytest.approx([0.2, 0.4, 0.8, 0.8, 1.0])


@given(st.lists(st.floats(0.0001, 1), min_size=1, max_size=40))
def test_q_is_benjamini_and_hochbergs_and_monotone_in_p(p: list[float]) -> None:
    q = q_values(np.array(p))
    np.testing.assert_allclose(q, reference.benjamini_hochberg(p), rtol=1e-12)
    assert (np.diff(q[np.argsort(p)]) >= 0).all()
    assert (q >= p).all()


def test_no_units_have_no_q() -> None:
    assert q_values(np.empty(0)).shape == (0,)


@pytest.mark.parametrize("name", SIMILARITIES)
def test_stability_is_that_of_computing_every_resample_anew(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    activations, scores = case(4, images=400, units=12)
    labels = similarity(name, activations, scores).argmax(axis=1)
    generator = np.random.default_rng(7)
    same = np.zeros(12)
    for _ in range(12):
        counts = np.bincount(generator.integers(0, 400, 400), minlength=400)
        same += np.array(reference.labels_of_resample(SIMILARITIES[name], activations, scores, counts)) == labels
    np.testing.assert_allclose(stability(name, activations, scores, labels, 12, seed=7), same / 12, atol=1e-6)


@pytest.mark.parametrize("name", SIMILARITIES)
def test_planted_labels_are_stable_and_wrong_ones_are_not(name: str) -> None:
    generator = np.random.default_rng(5)
    scores = (0.2 + 0.05 * generator.normal(size=(1000, 5))).astype(np.float32)
    activations = scores[:, [0, 1, 2, 3, 4, 0]]
    share = stability(name, activations, scores, np.array([0, 1, 2, 3, 4, 3]), 20, seed=0)
    assert share.tolist() == [1, 1, 1, 1, 1, 0]


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_faithfulness_is_spearmans_with_ties(seed: int) -> None:
    generator = np.random.default_rng(seed)
    activations = generator.integers(0, 4, (30, 5)).astype(np.float32)
    scores = generator.integers(0, 6, (30, 3)).astype(np.float32)
    labels = generator.integers(0, 3, 5)
    found = faithfulness(activations, scores, labels)
    expected = [reference.spearman(activations[:, unit], scores[:, label]) for unit, label in enumerate(labels)]
    np.testing.assert_allclose(found.value, expected, atol=1e-6)
    assert ((found.low <= found.value) & (found.value <= found.high)).all()


def test_the_interval_of_faithfulness_covers_the_true_value_95_times_in_100() -> None:
    generator = np.random.default_rng(6)
    scores = generator.normal(size=(200, 1))
    activations = 0.6 * scores + 0.8 * generator.normal(size=(200, 1))
    found = []
    for _ in range(600):
        scores = generator.normal(size=(200, 1)).astype(np.float32)
        activations = (0.6 * scores + 0.8 * generator.normal(size=(200, 1))).astype(np.float32)
        found.append(faithfulness(activations, scores, np.array([0])))
    true = 6 / np.pi * np.arcsin(0.6 / 2)
    covered = [bool(one.low[0] < true < one.high[0]) for one in found]
    assert 0.92 < np.mean(covered) < 0.98


def test_a_constant_unit_has_no_faithfulness_and_perfect_order_has_no_width() -> None:
    scores = np.arange(10, dtype=np.float32)[:, None]
    found = faithfulness(np.concatenate([np.ones_like(scores), scores**3], axis=1), scores, np.array([0, 0]))
    assert np.isnan([found.value[0], found.low[0], found.high[0]]).all()
    assert found.value[1] == pytest.approx(1)
    few = faithfulness(scores[:3], scores[:3], np.array([0]))
    assert few.value[0] == pytest.approx(1)
    assert np.isnan(few.low[0])


def test_equal_seeds_give_equal_evidence() -> None:
    activations, scores = case(8, images=200, units=4)
    similarities = similarity("soft_wpmi", activations, scores)
    first, second, other = (
        null_distribution("soft_wpmi", activations, scores, similarities, 50, seed).maxima for seed in (1, 1, 2)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_what_cannot_be_judged_is_refused() -> None:
    activations, scores = case(9, images=50, units=3, concepts=2)
    similarities = similarity("wpmi", activations, scores)
    with pytest.raises(SpecError, match="draws is 0"):
        null_distribution("wpmi", activations, scores, similarities, 0)
    with pytest.raises(ValueError, match="do not fit 3 units"):
        null_distribution("wpmi", activations, scores, similarities[:2])
    with pytest.raises(SpecError, match="unknown similarity"):
        null_distribution("pmi", activations, scores, similarities)
    with pytest.raises(SpecError, match="unknown similarity"):
        stability("pmi", activations, scores, np.zeros(3, int))
    with pytest.raises(SpecError, match="resamples is 0"):
        stability("wpmi", activations, scores, np.zeros(3, int), 0)
    with pytest.raises(SpecError, match="labels: row 1 is 2"):
        stability("wpmi", activations, scores, np.array([0, 2, 0]))
    with pytest.raises(ValueError, match="49 images, concept scores 50"):
        faithfulness(activations[1:], scores, np.zeros(3, int))
    activations[4, 0] = np.nan
    with pytest.raises(SpecError, match="row 4"):
        faithfulness(activations, scores, np.zeros(3, int))
