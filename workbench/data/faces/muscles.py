"""What each facial action does to the face: a table from actions to movements of its parts.

A movement is a shift in frame units (the picture is 2 units wide), a share (0..1) of a part's size, or the depth of a
wrinkle (0..1). A face at rest is a little tense; the "relaxed" actions take that tension away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.data.faces.actions import ACTIONS

# Movement: (value at rest, lowest, highest).
MOVEMENTS: dict[str, tuple[float, float, float]] = {
    "brow_inner": (0.0, -0.16, 0.12),  # shift down
    "brow_middle": (0.0, -0.16, 0.12),
    "brow_outer": (0.0, -0.14, 0.16),
    "brow_gap": (0.0, -0.075, 0.05),  # inner end: shift away from the nose
    "glabella": (0.22, 0.0, 1.6),  # upright creases between the brows
    "forehead": (0.18, 0.0, 1.5),  # level creases across the forehead
    "upper_lid": (0.0, -0.75, 1.1),  # share of the opening above the pupil
    "lower_lid": (0.0, -0.85, 0.9),
    "closed": (0.0, 0.0, 1.0),
    "lid_fold": (0.55, 0.0, 1.4),
    "crow_feet": (0.0, 0.0, 1.5),
    "eye_bag": (0.25, 0.0, 1.5),
    "sparkle": (0.5, 0.0, 2.0),
    "tears": (0.0, 0.0, 1.0),
    "nostrils": (0.0, 0.0, 1.0),
    "nose_creases": (0.0, 0.0, 1.5),
    "upper_lip_raise": (0.0, 0.0, 1.0),
    "mouth_wide": (0.0, -0.35, 0.45),  # share of the mouth's width
    "corners": (0.0, -0.16, 0.14),  # shift down, bending the whole mouth
    "corner_tips": (0.0, -0.1, 0.12),  # shift down of the outer ends only
    "gap_above": (0.0, 0.0, 0.11),
    "gap_below": (0.0, 0.0, 0.34),
    "smile_gap": (0.0, 0.0, 1.0),
    "lips_thin": (0.0, -0.3, 0.88),
    "lip_bulge": (0.0, 0.0, 1.0),
    "jaw": (0.0, 0.0, 0.17),  # shift down of the chin
    "chin_raise": (0.0, 0.0, 1.2),
    "cheeks": (0.1, -0.2, 1.3),
    "cheek_hollow": (0.0, 0.0, 1.2),
    "nose_mouth_fold": (0.36, 0.0, 1.6),
    "mouth_chin_fold": (0.08, 0.0, 1.5),
    "jaw_muscle": (0.06, 0.0, 1.2),
    "corner_dimple": (0.0, 0.0, 1.2),
}

EFFECTS: dict[str, dict[str, float]] = {
    "Furrowed Brows": {
        "brow_inner": 0.055, "brow_middle": 0.02, "brow_gap": -0.06, "glabella": 1.2, "brow_outer": -0.02,
    },
    "Raised Brows": {
        "brow_inner": -0.115, "brow_middle": -0.135, "brow_outer": -0.10, "forehead": 1.15, "glabella": -0.2,
        "lid_fold": 0.4,
    },
    "Lowered Brows": {
        "brow_inner": 0.085, "brow_middle": 0.10, "brow_outer": 0.05, "glabella": 0.35, "lid_fold": -0.55,
        "upper_lid": -0.15,
    },
    "Drooping Brows": {
        "brow_inner": -0.10, "brow_middle": -0.01, "brow_outer": 0.11, "brow_gap": -0.02, "glabella": 0.2,
    },
    "Relaxed Brows": {
        "brow_inner": 0.012, "brow_middle": -0.022, "brow_outer": 0.005, "brow_gap": 0.045, "glabella": -0.6,
        "forehead": -0.6,
    },
    "Wide Open Eyes": {"upper_lid": 0.65, "lower_lid": 0.6, "lid_fold": 0.3, "eye_bag": -0.2},
    "Narrowed Eyes": {"upper_lid": -0.52, "lower_lid": -0.52, "eye_bag": 0.45, "lid_fold": -0.25},
    "Twinkling or Crinkled Eyes": {
        "lower_lid": -0.40, "crow_feet": 1.25, "eye_bag": 0.85, "sparkle": 1.4, "cheeks": 0.2,
    },
    "Tearful Eyes": {"tears": 1.0, "lower_lid": 0.1, "eye_bag": 0.35},
    "Closed Eyes": {"closed": 1.0, "lid_fold": -0.3, "sparkle": -0.5},
    "Relaxed Eyes": {"upper_lid": -0.46, "lower_lid": 0.1, "lid_fold": 0.85, "eye_bag": -0.5},
    "Tense Mouth and Jaw": {
        "mouth_wide": 0.12, "lips_thin": 0.4, "jaw_muscle": 1.05, "corner_dimple": 1.1, "cheek_hollow": 0.5,
        "mouth_chin_fold": 0.25,
    },
    "Relaxed Mouth and Jaw": {
        "lips_thin": -0.30, "gap_below": 0.026, "jaw": 0.03, "jaw_muscle": -0.1, "mouth_wide": -0.10,
        "nose_mouth_fold": -0.25, "mouth_chin_fold": -0.1,
    },
    "Smile": {
        "mouth_wide": 0.34, "corners": -0.15, "smile_gap": 1.0, "lips_thin": 0.22, "cheeks": 1.0,
        "nose_mouth_fold": 0.95, "lower_lid": -0.12, "corner_dimple": 0.25,
    },
    "Frown": {
        "corners": 0.12, "mouth_wide": -0.06, "chin_raise": 0.3, "lips_thin": 0.15, "nose_mouth_fold": 0.3,
        "glabella": 0.35, "brow_inner": 0.015,
    },
    "Downturned Mouth": {"corner_tips": 0.085, "mouth_wide": 0.12, "mouth_chin_fold": 0.95, "nose_mouth_fold": 0.15},
    "Slightly Open Mouth": {"gap_above": 0.042, "gap_below": 0.062, "jaw": 0.012},
    "Wide Open Mouth": {
        "gap_above": 0.085, "gap_below": 0.25, "jaw": 0.14, "mouth_wide": -0.08, "nose_mouth_fold": 0.35,
        "cheek_hollow": 0.35,
    },
    "Slight Chin Raise": {"chin_raise": 1.0, "corners": 0.02, "lips_thin": 0.12},
    "Slightly Dropped Jaw": {"jaw": 0.085, "gap_below": 0.045, "cheek_hollow": 0.75, "mouth_wide": -0.10},
    "Flared Nostrils": {"nostrils": 1.0, "nose_creases": 0.15},
    "Tightened Facial Muscles": {
        "nose_mouth_fold": 0.75, "cheek_hollow": 0.8, "eye_bag": 0.5, "jaw_muscle": 0.45, "crow_feet": 0.35,
        "forehead": 0.3, "glabella": 0.3, "mouth_chin_fold": 0.45,
    },
    "Compressed Lips": {"lips_thin": 0.85, "lip_bulge": 1.0, "corner_dimple": 0.3},
    "Elevated Upper Eyelids": {"upper_lid": 0.85, "lid_fold": -0.3},
    "Relaxed Facial Muscles": {
        "nose_mouth_fold": -0.6, "eye_bag": -0.5, "forehead": -0.35, "glabella": -0.3, "cheeks": -0.25,
        "jaw_muscle": -0.1, "mouth_chin_fold": -0.1, "lips_thin": -0.1, "upper_lid": -0.08, "brow_gap": 0.012,
    },
}  # fmt: skip

NOSE_WRINKLE: dict[str, float] = {
    "nose_creases": 1.2, "upper_lip_raise": 1.0, "nose_mouth_fold": 0.5, "lower_lid": -0.25, "gap_below": 0.012,
    "brow_inner": 0.03,
}  # fmt: skip


def _table() -> NDArray[np.float32]:
    """Return EFFECTS and NOSE_WRINKLE as a matrix (26, movements)."""
    names = list(MOVEMENTS)
    table = np.zeros((len(ACTIONS) + 1, len(names)), dtype=np.float32)
    for row, effects in enumerate([*(EFFECTS[action] for action in ACTIONS), NOSE_WRINKLE]):
        for name, amount in effects.items():
            table[row, names.index(name)] = amount
    return table


_TABLE = _table()


def movements(
    actions: NDArray[np.float32], nose_wrinkle: NDArray[np.float32], age: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    """Return every movement of N faces.

    Parameters
    ----------
    actions : ndarray, shape (N, 25)
        Strengths in 0..1.
    nose_wrinkle, age : ndarray, shape (N,)
        In 0..1; age deepens the wrinkles that are there at rest.

    Returns
    -------
    dict of str to ndarray, each of shape (N, 1, 1)
        Contributions are added up and kept within the limits of :data:`MOVEMENTS`.
    """
    strengths = np.concatenate([actions, nose_wrinkle[:, None]], axis=1)
    moved = (strengths[:, :, None] * _TABLE).sum(axis=1)  # (N, movements); rounds the same for any N
    result = {}
    for column, (name, (rest, lowest, highest)) in enumerate(MOVEMENTS.items()):
        result[name] = np.clip(rest + moved[:, column], lowest, highest).astype(np.float32)[:, None, None]
    old = age[:, None, None]
    for name, most in (("forehead", 0.5), ("eye_bag", 0.7), ("nose_mouth_fold", 0.6), ("mouth_chin_fold", 0.5)):
        result[name] = result[name] + most * old
    return result
