"""People from other sides and in other light: paired, within what the renderer can turn."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.data.faces import EMOTIONS, render
from workbench.data.faces.posed import LIMITS, people, posed
from workbench.errors import SpecError


def test_the_same_people_whatever_the_count() -> None:
    few, many = people(5, 1), people(9, 1)
    np.testing.assert_array_equal(render(few).images, render(many[:5]).images)
    assert [EMOTIONS[emotion] for emotion in many.emotions[:7]] == list(EMOTIONS)
    assert len(people(0, 1)) == 0


@pytest.mark.parametrize("name", LIMITS)
def test_only_pose_or_light_changes(name: str) -> None:
    faces = people(7, 0)
    turned = posed(faces, name, 20)
    np.testing.assert_array_equal(turned.actions, faces.actions)
    np.testing.assert_array_equal(turned.noise_seeds, faces.noise_seeds)
    changed = {"yaw": {"yaw", "shift_x"}, "pitch": {"pitch", "shift_y"}, "light": {"light_x"}}[name]
    from workbench.data.faces.parameters import NAMES

    moved = {NAMES[column] for column in np.flatnonzero((turned.values != faces.values).any(axis=0))}
    assert moved == changed
    assert posed(faces, name, 0) is faces


def test_half_of_them_turn_left_and_half_right() -> None:
    yaw = posed(people(6, 0), "yaw", 30).column("yaw")
    np.testing.assert_allclose(yaw, np.radians([-30, 30] * 3), rtol=1e-6)


def test_a_turned_head_stays_in_the_middle() -> None:
    """The head is darker or brighter than what is behind it: its outline's middle moves little."""
    faces = people(30, 3).with_values(background=0.0, background_slope=0.0, skin_tone=0.9, exposure=0.0, hair_style=0.0)
    for degrees in (20, 40):
        seen = render(posed(faces, "yaw", degrees), 96).images[:, 40:60] > 60
        middle = (seen * np.arange(96)).sum(axis=(1, 2)) / seen.sum(axis=(1, 2))
        assert abs(middle.mean() - 47.5) < 2
        assert np.abs(middle - 47.5).max() < 8


def test_a_lamp_to_the_side_leaves_the_other_side_darker() -> None:
    faces = people(40, 2)
    front, side = (render(posed(faces, "light", degrees)).images.astype(float) for degrees in (0, 60))
    halves = side[:, :, :24].mean(axis=(1, 2)) - side[:, :, 24:].mean(axis=(1, 2))
    before = front[:, :, :24].mean(axis=(1, 2)) - front[:, :, 24:].mean(axis=(1, 2))
    turned = np.where(faces.noise_seeds[:, 1] % 2, -1, 1) * (halves - before)
    assert (turned > 0).mean() > 0.9


@pytest.mark.parametrize(("name", "degrees"), [("yaw", 41), ("yaw", -1), ("pitch", 31), ("light", 80), ("roll", 1)])
def test_what_the_renderer_cannot_do_is_refused(name: str, degrees: float) -> None:
    with pytest.raises(SpecError, match="unknown pose" if name == "roll" else "the renderer turns"):
        posed(people(1, 0), name, degrees)
