from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.references import dissect as reference
from workbench.errors import SpecError
from workbench.methods import dissect
from workbench.methods.dissect import RANKED, SIMILARITIES, layer_offset, similarity


def case(seed: int, images: int = 240, units: int = 7, concepts: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Activations of rectified units, one of them sparse; cosines about those of a CLIP."""
    generator = np.random.default_rng(seed)
    activations = np.maximum(generator.normal(size=(images, units)), -0.5).astype(np.float32)
    activations[:, 0] = np.maximum(activations[:, 0] - 1.2, 0)
    scores = (0.2 + 0.05 * generator.normal(size=(images, concepts))).astype(np.float32)
    return activations, scores


@pytest.mark.parametrize("name", SIMILARITIES)
@pytest.mark.parametrize("seed", range(3))
def test_every_similarity_equals_the_published_loop(name: str, seed: int) -> None:
    activations, scores = case(seed)
    found = similarity(name, activations, scores)
    expected = getattr(reference, name)(activations, scores)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()


@pytest.mark.parametrize("name", SIMILARITIES)
@pytest.mark.parametrize("images", [2, 3, 30, 130])
def test_ties_and_few_images_equal_the_published_loop_with_ties_by_rank(name: str, images: int) -> None:
    generator = np.random.default_rng(images)
    activations = generator.integers(0, 3, (images, 5)).astype(np.float32)
    scores = (generator.integers(-1, 3, (images, 4)) / 8).astype(np.float32)
    activations[:, 1], activations[:, 2], scores[:, 0] = 0, 2, 0.25  # constant columns
    expected = getattr(reference, name)(activations, scores)
    np.testing.assert_allclose(similarity(name, activations, scores), expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", SIMILARITIES)
def test_blocks_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    activations, scores = case(5)
    whole = similarity(name, activations, scores)
    for block in ("_UNITS", "_COLUMNS", "_ROWS"):
        monkeypatch.setattr(dissect, block, 2)
    np.testing.assert_allclose(similarity(name, activations, scores), whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", SIMILARITIES)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_the_order_of_images_does_not_matter(name: str, seed: int) -> None:
    activations, scores = case(seed)
    activations += np.random.default_rng(seed).random(activations.shape, dtype=np.float32) * 1e-3  # no ties
    order = np.random.default_rng(seed).permutation(len(scores))
    there, back = similarity(name, activations, scores), similarity(name, activations[order], scores[order])
    np.testing.assert_allclose(back, there, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", RANKED)
@given(seed=st.integers(0, 10_000), power=st.integers(-60, 60))
@settings(max_examples=10, deadline=None)
def test_the_scale_of_a_unit_does_not_matter_to_rankings(name: str, seed: int, power: int) -> None:
    activations, scores = case(seed)
    scaled = activations * np.float32(2.0) ** np.array([power, 1, 0, 3, -7, 0, 2], dtype=np.float32)
    np.testing.assert_array_equal(similarity(name, activations, scores), similarity(name, scaled, scores))


@pytest.mark.parametrize("name", ["cos_similarity", "cos_similarity_cubed"])
@pytest.mark.parametrize("factor", [1e-20, 1e15])
def test_the_cosines_do_not_leave_float32(name: str, factor: float) -> None:
    activations, scores = case(1)
    scaled = activations * np.float32(factor)
    expected = getattr(reference, name)(scaled, scores)
    np.testing.assert_allclose(similarity(name, scaled, scores), expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", SIMILARITIES)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_a_planted_unit_gets_its_concept(name: str, seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores = (0.2 + 0.05 * generator.normal(size=(1500, 8))).astype(np.float32)
    noise = generator.normal(size=scores.shape) * 0.01
    assert similarity(name, (scores + noise).astype(np.float32), scores).argmax(axis=1).tolist() == list(range(8))


def test_the_offset_takes_lambda_times_the_mean_over_units() -> None:
    logs = np.array([[-700.0, -1.0], [-701.0, -1.0]])
    np.testing.assert_allclose(layer_offset(logs, 0.6), [0.6 * (-700 + np.log((1 + np.exp(-1)) / 2)), -0.6], rtol=1e-7)


@pytest.mark.parametrize("name", SIMILARITIES)
def test_one_concept_and_no_units_have_their_shapes(name: str) -> None:
    activations, scores = case(3)
    assert np.isfinite(similarity(name, activations, scores[:, :1])).all()
    assert similarity(name, activations[:, :0], scores).shape == (0, 6)


@pytest.mark.parametrize("name", SIMILARITIES)
def test_what_cannot_be_compared_is_refused(name: str) -> None:
    activations, scores = case(4)
    with pytest.raises(SpecError, match=r"there are 1 images.*at least 2"):
        similarity(name, activations[:1], scores[:1])
    with pytest.raises(SpecError, match="no concepts"):
        similarity(name, activations, scores[:, :0])
    with pytest.raises(ValueError, match="activations have 239 images, concept scores 240"):
        similarity(name, activations[1:], scores)
    with pytest.raises(ValueError, match=r"float array \(N, U\)"):
        similarity(name, activations[:, 0], scores)
    activations[7, 2] = np.nan
    with pytest.raises(SpecError, match="activations hold NaN or an infinite value in row 7"):
        similarity(name, activations, scores)
    scores[9, 1] = np.inf
    with pytest.raises(SpecError, match="concept scores hold NaN or an infinite value in row 9"):
        similarity(name, activations, scores)


def test_an_unknown_similarity_lists_the_known_ones() -> None:
    with pytest.raises(SpecError, match="unknown similarity 'soft_pmi'; did you mean 'soft_wpmi'"):
        similarity("soft_pmi", *case(0))


def test_the_inputs_are_left_as_they_were() -> None:
    activations, scores = case(6)
    activations.flags.writeable = scores.flags.writeable = False
    for name in SIMILARITIES:
        similarity(name, activations, scores)
