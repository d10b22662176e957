from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import Cancelled
from workbench.models.fold_encoders import LEAST_STEPS, MOST_STEPS, encode, train, training_steps


def stripes(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy pictures, the upper or the lower half bright."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    pixels = rng.integers(60, 120, (count, 48, 48))
    for picture, label in zip(pixels, labels, strict=True):
        picture[24 * label : 24 * (label + 1)] += 100
    return pixels.astype(np.uint8), labels


def test_an_encoder_learns_what_it_is_shown_and_says_so_of_other_pictures() -> None:
    weights = train(*stripes(64), 2, seed=0, steps=25)
    pixels, labels = stripes(20, seed=1)
    found = encode(weights, pixels, 2)
    assert found.features.shape == (20, 96)
    assert (found.logits.argmax(axis=1) == labels).mean() >= 0.9


def test_the_seed_decides_about_the_weights() -> None:
    pixels, labels = stripes(16)
    first, again, other = (train(pixels, labels, 2, seed, 2) for seed in (3, 3, 4))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["lin1.weight"], other["lin1.weight"])


def test_mirror_images_are_the_same_to_it() -> None:
    pixels, labels = stripes(16)
    weights = train(pixels, labels, 2, 0, 2)
    left, right = encode(weights, pixels, 2), encode(weights, pixels[:, :, ::-1].copy(), 2)
    np.testing.assert_allclose(left.logits, right.logits, atol=1e-4)


def test_training_stops_when_asked_and_tells_each_step() -> None:
    ticks = []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        train(*stripes(8), 2, 0, 10, tick)
    assert len(ticks) == 3


def test_steps_grow_with_the_images_within_bounds() -> None:
    assert training_steps(100) == LEAST_STEPS
    assert LEAST_STEPS < training_steps(20_000) < training_steps(28_700) <= MOST_STEPS
    assert training_steps(10**6) == MOST_STEPS


def test_no_pictures_give_no_rows() -> None:
    pixels, labels = stripes(8)
    found = encode(train(pixels, labels, 2, 0, 1), pixels[:0], 2)
    assert found.features.shape == (0, 96)
    assert found.logits.shape == (0, 2)
