"""Disturbances of pictures: what stays, what grows, what is refused."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter
from torchvision.transforms.v2 import functional

from workbench.errors import SpecError
from workbench.methods.disturb import EYES, KINDS, MOUTH, disturb

GRAY = np.random.default_rng(0).integers(0, 256, (5, 48, 48), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (3, 40, 56, 3), dtype=np.uint8)
SEEDS = np.arange(5)


def smooth(count: int = 4, side: int = 48) -> np.ndarray:
    """Pictures that look more like faces than noise does: nothing of them is lost in one pixel."""
    random = np.random.default_rng(2).normal(size=(count, side, side))
    values = gaussian_filter(random, (0, 5, 5))
    faces: np.ndarray = np.clip(128 + 40 * values / values.std(), 0, 255).astype(np.uint8)
    return faces


@pytest.mark.parametrize("faces", [GRAY, COLOUR], ids=["gray", "colour"])
@pytest.mark.parametrize("name", KINDS)
def test_the_neutral_level_gives_the_very_pictures(name: str, faces: np.ndarray) -> None:
    assert disturb(faces, name, KINDS[name].neutral, SEEDS[: len(faces)]) is faces


@pytest.mark.parametrize("faces", [GRAY, COLOUR], ids=["gray", "colour"])
@pytest.mark.parametrize("name", KINDS)
def test_every_level_keeps_shape_and_input_and_is_the_same_twice(name: str, faces: np.ndarray) -> None:
    before = faces.copy()
    seeds = SEEDS[: len(faces)]
    for levels in KINDS[name].sides.values():
        for level in levels:
            found = disturb(faces, name, level, seeds)
            assert found.shape == faces.shape
            assert found.dtype == np.uint8
            np.testing.assert_array_equal(found, disturb(faces, name, level, seeds))
    np.testing.assert_array_equal(faces, before)


@pytest.mark.parametrize("name", KINDS)
def test_a_stronger_level_changes_more(name: str) -> None:
    faces = smooth()
    for levels in KINDS[name].sides.values():
        shown = [level for level in levels if {"size": level < 48, "rotation": level <= 45}.get(name, True)]
        changes = [np.abs(disturb(faces, name, level, SEEDS[:4]).astype(float) - faces).mean() for level in shown]
        assert changes[0] > 0
        assert changes == sorted(changes), f"{name}: {changes}"


@given(st.sampled_from(sorted(KINDS)), st.integers(1, 4), st.data())
def test_a_picture_is_disturbed_as_it_would_be_alone(name: str, count: int, data: st.DataObject) -> None:
    level = data.draw(st.sampled_from([each for levels in KINDS[name].sides.values() for each in levels]))
    together = disturb(GRAY[:count], name, level, SEEDS[:count])
    alone = disturb(GRAY[count - 1 : count], name, level, SEEDS[count - 1 : count])
    np.testing.assert_array_equal(together[-1:], alone)


def test_light_agrees_with_torchvision() -> None:
    """Gain is measured from the picture's own mean, as torchvision's contrast is; brightness is added."""
    ours = disturb(GRAY, "contrast", 0.5, SEEDS)
    theirs = functional.adjust_contrast(torch.from_numpy(GRAY).unsqueeze(1), 0.5).squeeze(1).numpy()
    assert np.abs(ours.astype(int) - theirs).max() <= 1
    np.testing.assert_array_equal(disturb(GRAY, "brightness", 40, SEEDS), np.minimum(GRAY.astype(int) + 40, 255))
    assert disturb(GRAY, "brightness", -255, SEEDS).max() == 0


def test_blur_is_of_a_share_of_the_side() -> None:
    faces = smooth(side=96)
    expected = np.rint(gaussian_filter(faces[0].astype(float), 0.05 * 96, mode="nearest"))
    assert np.abs(disturb(faces, "blur", 0.05, SEEDS[:4])[0] - expected).max() <= 1
    small = np.stack([np.asarray(Image.fromarray(face).resize((48, 48), Image.Resampling.BOX)) for face in faces])
    blurred = disturb(faces, "blur", 0.05, SEEDS[:4])
    shrunk = np.stack([np.asarray(Image.fromarray(face).resize((48, 48), Image.Resampling.BOX)) for face in blurred])
    assert np.abs(disturb(small, "blur", 0.05, SEEDS[:4]).astype(int) - shrunk)[:, 8:-8, 8:-8].max() <= 3


def test_noise_has_one_pattern_at_every_strength() -> None:
    flat = np.full((2, 48, 48), 128, dtype=np.uint8)
    weak, strong = (disturb(flat, "noise", level, np.array([7, 8])).astype(float) - 128 for level in (10, 20))
    assert weak.std() == pytest.approx(10, rel=0.05)
    np.testing.assert_allclose(strong, 2 * weak, atol=1.6)
    assert np.abs(weak[0] - weak[1]).max() > 5
    coloured = disturb(np.full((1, 48, 48, 3), 128, dtype=np.uint8), "noise", 20, np.array([7]))
    assert np.corrcoef(coloured[0, ..., 0].ravel(), coloured[0, ..., 1].ravel())[0, 1] < 0.2


def test_jpeg_is_what_pillow_writes() -> None:
    file = BytesIO()
    Image.fromarray(COLOUR[0]).save(file, "JPEG", quality=30)
    np.testing.assert_array_equal(disturb(COLOUR, "jpeg", 30, SEEDS[:3])[0], np.asarray(Image.open(file)))


def test_a_size_is_never_greater_than_the_picture() -> None:
    np.testing.assert_array_equal(disturb(GRAY, "size", 400, SEEDS), GRAY)
    tiny = disturb(GRAY, "size", 1, SEEDS)
    assert (np.ptp(tiny, axis=(1, 2)) == 0).all()


def test_faces_turn_to_their_own_side_and_back() -> None:
    faces = smooth()
    turned = disturb(faces, "rotation", 90, SEEDS[:4])
    np.testing.assert_array_equal(turned[1], np.rot90(turned[1], 4))
    np.testing.assert_allclose(turned[0].astype(int), np.rot90(faces[0]), atol=1)
    np.testing.assert_allclose(turned[1].astype(int), np.rot90(faces[1], -1), atol=1)


@pytest.mark.parametrize(("name", "at"), [("eyes", EYES), ("mouth", MOUTH)])
def test_a_bar_covers_its_band_and_nothing_else(name: str, at: float) -> None:
    covered = disturb(GRAY, name, 0.25, SEEDS)
    changed = (covered != GRAY).any(axis=(0, 2))
    assert changed.sum() == 12
    assert changed[round(at * 48)]
    rows = np.flatnonzero(changed)
    np.testing.assert_array_equal(covered[0, rows], round(float(GRAY[0].mean())))


@pytest.mark.parametrize(
    ("name", "level", "words"),
    [
        ("fog", 1.0, "unknown disturbance 'fog'"),
        ("blur", 0.6, "blur of 0.6 is out of range: 0 to 0.5"),
        ("jpeg", 0.0, "jpeg of 0 is out of range: 1 to 95"),
        ("noise", float("nan"), "noise of nan is out of range"),
    ],
)
def test_what_cannot_be_is_refused(name: str, level: float, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        disturb(GRAY, name, level, SEEDS)


@pytest.mark.parametrize(
    ("faces", "seeds"),
    [(GRAY.astype(float), SEEDS), (GRAY[0], SEEDS[:1]), (GRAY, SEEDS[:2]), (COLOUR[..., :2], SEEDS[:3])],
)
def test_wrong_shapes_are_a_mistake(faces: np.ndarray, seeds: np.ndarray) -> None:
    with pytest.raises(ValueError, match="pictures"):
        disturb(faces, "blur", 0.1, seeds)


def test_no_pictures_are_no_mistake() -> None:
    assert disturb(GRAY[:0], "noise", 10, SEEDS[:0]).shape == (0, 48, 48)
