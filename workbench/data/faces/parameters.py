"""What a rendered face is made from: named numbers, drawn reproducibly face by face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.data.faces.actions import (
    ACTIONS,
    EMOTIONS,
    action_index,
    action_vector,
    emotion_index,
    emotion_strengths,
    independent_strengths,
    without_contradictions,
)
from workbench.errors import SpecError, unknown_name

# Frame units: the picture spans -1..1 in both directions, x to the right, y downwards. Angles in radians.
# name: (lowest, highest, power); value = lowest + (highest - lowest) * uniform ** power.
RANGES: dict[str, tuple[float, float, float]] = {
    # identity
    "face_width": (0.70, 0.84, 1.0),
    "face_length": (0.94, 1.08, 1.0),
    "jaw_width": (0.72, 1.0, 1.0),
    "jaw_square": (0.0, 1.0, 1.0),
    "eye_spacing": (0.35, 0.42, 1.0),
    "eye_height": (-0.26, -0.18, 1.0),
    "eye_width": (0.165, 0.205, 1.0),
    "eye_opening": (0.9, 1.2, 1.0),
    "eye_slant": (-0.02, 0.03, 1.0),
    "iris_tone": (0.08, 0.42, 1.5),
    "gaze": (-0.035, 0.035, 1.0),
    "brow_height": (0.17, 0.225, 1.0),
    "brow_thickness": (0.028, 0.055, 1.0),
    "brow_arch": (0.02, 0.065, 1.0),
    "nose_length": (0.37, 0.45, 1.0),
    "nose_width": (0.085, 0.135, 1.0),
    "nose_ridge": (0.6, 1.2, 1.0),
    "mouth_height": (0.50, 0.58, 1.0),
    "mouth_width": (0.23, 0.30, 1.0),
    "lip_fullness": (0.75, 1.4, 1.0),
    "lip_tone": (0.62, 0.86, 1.0),
    "teeth": (0.0, 1.0, 1.0),
    "asymmetry": (-0.02, 0.02, 1.0),
    # surface
    "skin_tone": (0.36, 0.90, 0.65),
    "age": (0.0, 1.0, 1.6),
    "freckles": (0.0, 0.8, 4.0),
    "hair_style": (0.0, 6.0, 1.0),
    "hair_tone": (0.05, 0.8, 1.8),
    "hair_length": (0.0, 1.0, 1.0),
    "hair_line": (-0.86, -0.62, 1.0),
    "glasses": (-4.0, 1.0, 1.0),
    "glasses_shape": (0.0, 1.0, 1.0),
    "beard": (-3.0, 1.0, 1.0),
    "moustache": (-4.0, 1.0, 1.0),
    # camera and light
    "yaw": (-1.0, 1.0, 1.0),
    "pitch": (-1.0, 1.0, 1.0),
    "roll": (-1.0, 1.0, 1.0),
    "scale": (0.98, 1.24, 1.0),
    "shift_x": (-0.07, 0.07, 1.0),
    "shift_y": (-0.08, 0.06, 1.0),
    "light_x": (-0.8, 0.8, 1.0),
    "light_y": (-0.85, 0.05, 1.0),
    "ambient": (0.25, 0.62, 1.0),
    "background": (0.02, 1.0, 1.0),
    "background_slope": (-0.35, 0.35, 1.0),
    "exposure": (-1.0, 1.0, 1.0),
    "contrast": (0.82, 1.38, 1.0),
    "blur": (0.25, 0.95, 1.7),
    "noise": (0.0, 0.018, 2.0),
    "compression": (0.0, 0.8, 3.0),
    # a muscle outside the 25 actions: the wrinkled nose and raised upper lip of disgust
    "nose_wrinkle": (0.0, 0.0, 1.0),
}
NAMES: tuple[str, ...] = tuple(RANGES)
_UNUSED = NAMES.index("hair_line") + 1  # a number drawn for nothing: without it every seed would give other faces
_DRAWS = 1 + 1 + 52 + len(NAMES) + 1


@dataclass(frozen=True)
class FaceParameters:
    """Everything :func:`~workbench.data.faces.render.render` needs, one row a face.

    Attributes
    ----------
    values : ndarray of float32, shape (N, P)
        Identity, surface, camera and light; columns in the order of :data:`NAMES`.
    actions : ndarray of float32, shape (N, 25)
        Strength of each facial action, 0 (absent) to 1 (full), columns in the order of ``ACTIONS``.
    emotions : ndarray of int64, shape (N,)
        Index into ``EMOTIONS``; -1 where the actions were drawn independently of any emotion.
    noise_seeds : ndarray of int64, shape (N, 2)
        Seed and number of the face; they seed its skin and hair texture and its sensor noise.
    """

    values: NDArray[np.float32]
    actions: NDArray[np.float32]
    emotions: NDArray[np.int64]
    noise_seeds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice | Sequence[int] | NDArray[np.integer] | NDArray[np.bool_]) -> FaceParameters:
        """Return the faces at ``rows`` (a slice, indices or a mask)."""
        keep = rows if isinstance(rows, slice) else np.asarray(rows)
        return FaceParameters(self.values[keep], self.actions[keep], self.emotions[keep], self.noise_seeds[keep])

    def column(self, name: str) -> NDArray[np.float32]:
        """Return one named value of every face, shape (N,)."""
        if name not in RANGES:
            raise unknown_name("face parameter", name, NAMES)
        return self.values[:, NAMES.index(name)]

    def with_values(self, **changes: float | NDArray[np.floating]) -> FaceParameters:
        """Return a copy with named values replaced by a number or by one number a face."""
        values = self.values.copy()
        for name, value in changes.items():
            if name not in RANGES:
                raise unknown_name("face parameter", name, NAMES)
            values[:, NAMES.index(name)] = value
        return replace(self, values=values)

    def with_actions(self, strengths: Mapping[str, float | NDArray[np.floating]], keep: bool = True) -> FaceParameters:
        """Return a copy with named actions set, for example to sweep one action while all else stays.

        Parameters
        ----------
        strengths : mapping of str to float or ndarray of shape (N,)
            Strength in 0..1 by action name.
        keep : bool
            Whether actions that are not named stay as they are (else they become 0).

        Raises
        ------
        SpecError
            If a name is not an action or a strength is outside 0..1.
        """
        actions = self.actions.copy() if keep else np.zeros_like(self.actions)
        for name, strength in strengths.items():
            column = action_index(name)
            if not (np.min(strength) >= 0 and np.max(strength) <= 1):
                raise SpecError(f"strength of {name!r} is {strength}; it must lie in 0..1")
            actions[:, column] = strength
        return replace(self, actions=actions)

    def repeated(self, times: int) -> FaceParameters:
        """Return every face ``times`` times in a row (face 0 first), for sweeps and video frames."""
        return self[np.repeat(np.arange(len(self)), times)]


def interpolate(first: FaceParameters, second: FaceParameters, weights: NDArray[np.floating]) -> FaceParameters:
    """Return faces between two faces, such as the frames of a video or a blend of two emotions.

    Parameters
    ----------
    first, second : FaceParameters
        One face each, or N faces each. Texture and identity numbers that cannot be mixed come from ``first``.
    weights : ndarray, shape (N,)
        0 gives ``first``, 1 gives ``second``.

    Returns
    -------
    FaceParameters
        N faces; the emotion is the nearer one's.
    """
    w = np.asarray(weights, dtype=np.float32)
    if len(first) not in (1, len(w)) or len(second) not in (1, len(w)):
        raise SpecError(f"cannot interpolate {len(first)} and {len(second)} faces with {len(w)} weights")
    actions = (1 - w[:, None]) * first.actions + w[:, None] * second.actions
    values = (1 - w[:, None]) * first.values + w[:, None] * second.values
    for name in ("hair_style", "glasses", "beard", "moustache"):
        values[:, NAMES.index(name)] = first.column(name)
    emotions = np.where(w < 0.5, first.emotions, second.emotions)
    seeds = np.broadcast_to(first.noise_seeds, (len(w), 2)).copy()
    return FaceParameters(values.astype(np.float32), actions.astype(np.float32), emotions.astype(np.int64), seeds)


def sample(
    count: int,
    seed: int,
    *,
    start: int = 0,
    emotions: Sequence[str] | None = None,
    weights: Sequence[float] | None = None,
    random_share: float = 0.0,
    actions: Mapping[str, float] | None = None,
) -> FaceParameters:
    """Draw faces. Face number i of a seed is the same whatever the count.

    Parameters
    ----------
    count : int
        How many faces, 0 or more.
    seed : int
        0 or more.
    start : int
        Number of the first face, so that a long series can be drawn in blocks.
    emotions : sequence of str, optional
        Emotions to draw from; all seven by default.
    weights : sequence of float, optional
        Relative frequency of each of ``emotions``; equal by default.
    random_share : float
        Share (0..1) of faces whose actions are independent of any emotion; their emotion is -1.
    actions : mapping of str to float, optional
        Strengths to use for every face instead of drawn ones; the emotion is then -1.

    Returns
    -------
    FaceParameters

    Raises
    ------
    SpecError
        For an unknown emotion or action, a strength, share or weight out of range, or a negative count.
    """
    allowed = [emotion_index(name) for name in (emotions if emotions is not None else EMOTIONS)]
    shares = np.asarray(weights if weights is not None else np.ones(len(allowed)), dtype=np.float64)
    if count < 0 or seed < 0 or start < 0:
        raise SpecError(f"count, seed and start must not be negative (count {count}, seed {seed}, start {start})")
    if not allowed or shares.shape != (len(allowed),) or shares.min() < 0 or shares.sum() <= 0:
        raise SpecError(f"weights {weights} do not fit the {len(allowed)} emotions asked for")
    if not 0.0 <= random_share <= 1.0:
        raise SpecError(f"random_share is {random_share}; it must lie in 0..1")
    draws = np.empty((count, _DRAWS))
    for row in range(count):
        draws[row] = np.random.default_rng((seed, start + row)).random(_DRAWS)
    position = np.searchsorted(np.cumsum(shares) / shares.sum(), draws[:, 0], side="right")
    drawn = np.asarray(allowed, dtype=np.int64)[np.minimum(position, len(allowed) - 1)]
    drawn[draws[:, 1] < random_share] = -1
    strengths = np.zeros((count, len(ACTIONS)), dtype=np.float32)
    if actions is not None:
        strengths[:] = action_vector(actions)
        drawn[:] = -1
    else:
        for row, emotion in enumerate(drawn):
            numbers = draws[row, 2:54]
            strengths[row] = emotion_strengths(emotion, numbers) if emotion >= 0 else independent_strengths(numbers)
        strengths = without_contradictions(strengths)
    seeds = np.stack([np.full(count, seed), start + np.arange(count)], axis=1).astype(np.int64)
    values = _values(np.delete(draws[:, 54:], _UNUSED, axis=1), drawn, draws[:, 2:54])
    return FaceParameters(values, strengths, drawn, seeds)


def _values(
    draws: NDArray[np.float64], emotions: NDArray[np.int64], action_draws: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Turn uniform numbers (N, P) into values; pose is peaked at the front, beards keep to fitting faces."""
    table = np.array(list(RANGES.values()))
    values = table[:, 0] + (table[:, 1] - table[:, 0]) * draws ** table[:, 2]
    column = {name: values[:, index] for index, name in enumerate(NAMES)}
    for name, widest in (("yaw", 0.55), ("pitch", 0.28), ("roll", 0.30)):
        column[name][:] = widest * np.sign(column[name]) * np.abs(column[name]) ** 1.7
    long_hair = (column["hair_style"] >= 3.0) & (column["hair_style"] < 4.0)
    for name in ("glasses", "beard", "moustache"):
        column[name][:] = np.where(column[name] > 0, 0.35 + 0.65 * column[name], 0.0)
    for name in ("beard", "moustache"):
        column[name][long_hair] = 0.0
    disgust = EMOTIONS.index("disgust")
    column["nose_wrinkle"][:] = np.where(emotions == disgust, 0.55 + 0.45 * action_draws[:, 1], 0.0)
    result: NDArray[np.float32] = values.astype(np.float32)
    return result
