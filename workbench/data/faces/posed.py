"""The same people and expressions from other sides and in other light.

The renderer moves a relief of the face, it does not turn a body: nothing can hide behind the nose or the cheek. Beyond
about 40 degrees to the side, or 30 up and down, features leave the visible half and the background folds into the
face, so no figure there would be one of faces. Lamps go further: light is computed from the relief's slope, without
cast shadows.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from workbench.data.faces.actions import EMOTIONS
from workbench.data.faces.canvas import dome
from workbench.data.faces.parameters import FaceParameters, sample
from workbench.errors import SpecError, unknown_name

LIMITS: Mapping[str, tuple[float, float]] = {"yaw": (0.0, 40.0), "pitch": (-30.0, 30.0), "light": (0.0, 75.0)}
"""Least and greatest angle of each, in degrees: to the side, down (negative: up), and of the lamp to the side."""
_LAMP_HEIGHT = -0.3
_AMBIENT = 0.25
_OUTLINE = {"yaw": 0.77, "pitch": 0.98}
"""Half the width and height of a mean head, in frame units."""
_FIRST_SEED = 900_000  # people of their own: neither those the bundled models saw nor those of the demo


def people(count: int, seed: int) -> FaceParameters:
    """Draw people who look straight ahead, lit from the front and a little above; all emotions equally often.

    Parameters
    ----------
    count : int
        How many, from 0.
    seed : int
        0 or more; person i of a seed is the same whatever the count.
    """
    one_each = [
        sample(1, _FIRST_SEED + seed, start=row, emotions=[EMOTIONS[row % len(EMOTIONS)]]) for row in range(count)
    ]
    if not one_each:
        return sample(0, _FIRST_SEED + seed)
    drawn = FaceParameters(
        np.concatenate([each.values for each in one_each]),
        np.concatenate([each.actions for each in one_each]),
        np.concatenate([each.emotions for each in one_each]),
        np.concatenate([each.noise_seeds for each in one_each]),
    )
    return drawn.with_values(
        yaw=0.0, pitch=0.0, roll=0.0, shift_x=0.0, shift_y=0.0, light_x=0.0, light_y=_LAMP_HEIGHT, ambient=_AMBIENT
    )


def posed(faces: FaceParameters, name: str, degrees: float) -> FaceParameters:
    """Turn people, or their lamp; everything else about them and the camera stays.

    Parameters
    ----------
    faces : FaceParameters
        What :func:`people` returned.
    name : str
        ``yaw`` and ``light``: every second person to the left, the others to the right. ``pitch``: up is negative. A
        turned head is moved back until its outline is in the middle, as a face detector's box would have it.
    degrees : float
        Within :data:`LIMITS`; 0 returns the very people.

    Raises
    ------
    SpecError
        No such name, or an angle that the renderer cannot turn to.
    """
    if name not in LIMITS:
        raise unknown_name("pose", name, LIMITS)
    low, high = LIMITS[name]
    if not low <= degrees <= high:
        raise SpecError(f"{name} of {degrees:g} degrees is out of range: the renderer turns {low:g} to {high:g}")
    if degrees == 0:
        return faces
    side = np.where(faces.noise_seeds[:, 1] % 2, 1.0, -1.0)
    angle = np.radians(degrees)
    if name == "light":
        return faces.with_values(light_x=side * np.tan(angle))
    back = -_moved(name, float(angle)) * faces.column("scale")
    if name == "pitch":
        return faces.with_values(pitch=angle, shift_y=back)
    return faces.with_values(yaw=side * angle, shift_x=side * back)


def _moved(name: str, angle: float) -> float:
    """Return how far the middle of a head's outline moves in the frame, before its size is applied."""
    half = _OUTLINE[name]
    places = np.linspace(0.0, 1.5, 1501, dtype=np.float32)
    zeros = np.zeros_like(places)

    def reach(sign: float) -> float:
        at = sign * places
        relief: NDArray[np.floating] = dome(at, zeros) if name == "yaw" else dome(zeros, at)
        beyond = sign * (at * np.cos(angle) - relief * np.sin(angle)) >= half
        return sign * float(places[np.argmax(beyond)])

    return (reach(1.0) + reach(-1.0)) / 2
