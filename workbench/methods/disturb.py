"""Disturb pictures of faces: light, focus, sensor noise, storage, distance, tilt, and a bar over eyes or mouth.

A level is in physical units, and each kind has one at which a picture is left as it is, to the bit. Away from it the
disturbance grows, on one side or on two: a face can be darker or brighter.

Eyes and mouth are bands at fixed heights of the picture, measured on the mean face of FER2013's test images: they fit
crops framed as FER2013's are, from above the brows to the chin. In pictures framed otherwise the bar covers something
else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, rotate

from workbench.errors import SpecError, unknown_name
from workbench.methods.shapes import Floats, Ints

Faces = NDArray[np.uint8]
"""Pictures of one size, ``(N, H, W)`` gray or ``(N, H, W, 3)`` in colour."""

EYES, MOUTH = 0.37, 0.80
"""Height of eyes and mouth in a picture, as a share of it from the top."""
_GRAY = np.array([0.299, 0.587, 0.114])
"""How much red, green and blue tell of a gray level (ITU-R BT.601)."""


@dataclass(frozen=True)
class Disturbance:
    """A way to disturb pictures.

    Parameters
    ----------
    title : str
        What it is, in words.
    unit : str
        What a level is measured in, as the title of an axis.
    neutral : float
        The level that leaves a picture as it is; of ``size`` 0, which stands for the picture's own size.
    sides : mapping of str to tuple of float
        Levels to try, each side from weak to strong; a single side has no name.
    low, high : float
        The least and the greatest level that is taken.
    apply : callable
        From pictures, a level and the pictures' seeds to disturbed pictures.
    """

    title: str
    unit: str
    neutral: float
    sides: Mapping[str, tuple[float, ...]]
    low: float
    high: float
    apply: Callable[[Faces, float, Ints], Faces]


def disturb(faces: Faces, name: str, level: float, seeds: Ints) -> Faces:
    """Disturb pictures of one size.

    Parameters
    ----------
    faces : uint8 array (N, H, W) or (N, H, W, 3)
        The pictures; they are not changed.
    name : str
        A key of :data:`KINDS`.
    level : float
        How strongly, in the kind's unit; its neutral level returns the very pictures.
    seeds : int array (N,)
        A number from 0 for each picture, which decides its noise and which way it is turned: equal at every level.

    Returns
    -------
    uint8 array of the same shape

    Raises
    ------
    SpecError
        No such disturbance, or the level is out of its range.
    ValueError
        The pictures or seeds have another shape or type.
    """
    if name not in KINDS:
        raise unknown_name("disturbance", name, KINDS)
    kind = KINDS[name]
    if faces.dtype != np.uint8 or faces.ndim not in (3, 4) or (faces.ndim == 4 and faces.shape[-1] != 3):
        raise ValueError(f"pictures must be uint8 (N, H, W) or (N, H, W, 3), not {faces.dtype} {faces.shape}")
    if seeds.shape != faces.shape[:1]:
        raise ValueError(f"{len(faces)} pictures need as many seeds, not {seeds.shape}")
    if level == kind.neutral:
        return faces
    if not kind.low <= level <= kind.high:
        raise SpecError(f"{name} of {level:g} is out of range: {kind.low:g} to {kind.high:g} ({kind.unit})")
    return kind.apply(faces, float(level), seeds) if len(faces) else faces


def _whole(values: Floats) -> Faces:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _means(faces: Faces) -> Floats:
    """Return each picture's mean gray level, in a shape that the pictures can be added to."""
    gray = faces.mean(axis=(1, 2)) if faces.ndim == 3 else faces.mean(axis=(1, 2)) @ _GRAY
    return np.asarray(gray).reshape(-1, *(1,) * (faces.ndim - 1))


def _brightness(faces: Faces, level: float, _: Ints) -> Faces:
    return _whole(faces + level)


def _contrast(faces: Faces, level: float, _: Ints) -> Faces:
    means = _means(faces)
    return _whole(means + level * (faces - means))


def _blur(faces: Faces, level: float, _: Ints) -> Faces:
    sigma = level * faces.shape[1], level * faces.shape[2]
    every = (0.0, *sigma, *(0.0,) * (faces.ndim - 3))
    return _whole(gaussian_filter(faces.astype(np.float32), every, mode="nearest"))


def _noise(faces: Faces, level: float, seeds: Ints) -> Faces:
    pattern = np.stack([np.random.default_rng((int(seed), 1)).standard_normal(faces.shape[1:]) for seed in seeds])
    return _whole(faces + level * pattern)


def _jpeg(faces: Faces, level: float, _: Ints) -> Faces:
    found = []
    for face in faces:
        file = BytesIO()
        Image.fromarray(face).save(file, "JPEG", quality=round(level))
        found.append(np.asarray(Image.open(file)))
    return np.stack(found)


def _size(faces: Faces, level: float, _: Ints) -> Faces:
    """Shrink to ``level`` pixels a side (each a mean of what falls on it) and enlarge again; never enlarge first."""
    high, wide = faces.shape[1:3]
    small = min(round(level), wide), min(round(level), high)
    if small == (wide, high):
        return faces
    shrunk = (Image.fromarray(face).resize(small, Image.Resampling.BICUBIC) for face in faces)
    return np.stack([np.asarray(face.resize((wide, high), Image.Resampling.BICUBIC)) for face in shrunk])


def _rotation(faces: Faces, level: float, seeds: Ints) -> Faces:
    """Turn each picture to its own side; what comes into the frame continues the picture's edge."""
    turned = np.empty_like(faces)
    for side, sign in ((seeds % 2 == 0, 1.0), (seeds % 2 == 1, -1.0)):
        if side.any():
            values = faces[side].astype(np.float32)
            turned[side] = _whole(rotate(values, sign * level, axes=(1, 2), reshape=False, order=1, mode="nearest"))
    return turned


def _bar(at: float) -> Callable[[Faces, float, Ints], Faces]:
    def cover(faces: Faces, level: float, _: Ints) -> Faces:
        high = faces.shape[1]
        top = max(0, round((at - level / 2) * high))
        covered = faces.copy()
        covered[:, top : top + max(1, round(level * high))] = _whole(_means(faces))
        return covered

    return cover


_BAR = {"": (0.08, 0.16, 0.24, 0.32, 0.4)}

KINDS: Mapping[str, Disturbance] = {
    "brightness": Disturbance(
        "Brightness",
        "gray levels added",
        0.0,
        {"darker": (-40, -80, -120, -160, -200), "brighter": (40, 80, 120, 160, 200)},
        -255.0,
        255.0,
        _brightness,
    ),
    "contrast": Disturbance(
        "Contrast",
        "gain around the picture's mean gray",
        1.0,
        {"flatter": (0.7, 0.5, 0.3, 0.2, 0.1, 0.05), "harder": (1.5, 2, 4, 8, 16)},
        0.0,
        100.0,
        _contrast,
    ),
    "blur": Disturbance(
        "Blur",
        "standard deviation as a share of the side",
        0.0,
        {"": (0.01, 0.02, 0.04, 0.06, 0.09, 0.12)},
        0.0,
        0.5,
        _blur,
    ),
    "noise": Disturbance(
        "Noise", "standard deviation in gray levels", 0.0, {"": (5, 10, 20, 40, 60, 80)}, 0.0, 255.0, _noise
    ),
    "jpeg": Disturbance("JPEG", "quality; 100 is no JPEG", 100.0, {"": (90, 70, 50, 30, 20, 10, 5)}, 1.0, 95.0, _jpeg),
    "size": Disturbance(
        "Size", "pixels a side", 0.0, {"": (160, 112, 80, 56, 40, 32, 24, 16, 12, 8, 6)}, 1.0, 10_000.0, _size
    ),
    "rotation": Disturbance(
        "Rotation", "degrees, each face to its own side", 0.0, {"": (10, 20, 30, 45, 60, 90)}, 0.0, 180.0, _rotation
    ),
    "eyes": Disturbance("Eyes covered", "height of the bar as a share of the face", 0.0, _BAR, 0.0, 1.0, _bar(EYES)),
    "mouth": Disturbance("Mouth covered", "height of the bar as a share of the face", 0.0, _BAR, 0.0, 1.0, _bar(MOUTH)),
}
"""What a picture can suffer, by name; all levels are strengths of one picture and hold for any size and for colour."""
