"""Rendered videos whose course of emotion is known: what a video's score is measured against.

Six videos, one a :data:`COURSES` entry. Each shows one person, or two, whose identity stays while the strength of
their emotions moves smoothly and the head moves a little. Beside each ``NAME.mp4`` stands ``NAME.truth.parquet``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from workbench.data.faces import ACTIONS, EMOTION_ACTIONS, EMOTIONS, FaceParameters, head, render, sample
from workbench.data.rendered_scene import HEIGHT, WIDTH, side_by_side, view, wall
from workbench.data.video_writer import VideoWriter
from workbench.errors import InputError, SpecError
from workbench.files import disk_errors, write_atomically
from workbench.progress import SILENT, Progress

RATE, FRAMES = 12.0, 108
"""Pictures a second, and pictures a video: nine seconds."""

TRUTH_SUFFIX = ".truth.parquet"

Keys = tuple[tuple[float, float], ...]
"""Points (second, value) that a course runs through: smoothly from one to the next, level before and after."""

_FACE = 80  # side of the rendered picture in pixels
_FIRST_SEED = 800_000  # people that are neither in the demo dataset nor among those a model was trained on
_FORMAT = 1  # of the mark that tells a rendered video from any other of its name
_MOTION, _NOISE, _WALL = 1, 2, 3  # streams of random numbers
_HAIR = 2.0  # in place of hair that is wider than the square
_DOME = 0.63  # how far the middle of a face stands out, in units of the face
_CAMERA = {
    "scale": 0.8,
    "shift_x": 0.0,
    "shift_y": 0.0,
    "background": 0.72,
    "background_slope": 0.0,
    "exposure": 0.0,
    "contrast": 1.0,
    "blur": 0.25,
    "noise": 0.0,
    "compression": 0.0,
    "ambient": 0.5,
    "glasses": 0.0,
    "beard": 0.0,
    "moustache": 0.0,
}
_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Person:
    """One person of a video.

    Attributes
    ----------
    course : mapping of str to Keys
        Strength 0..1 of each emotion that is shown over time; neutral takes the rest.
    centre : Keys
        Where the head is, as a share of the picture's width, over time; below 0 and above 1 is outside.
    side : float
        Side of the square that holds head and shoulders, as a share of the picture's height.
    """

    course: Mapping[str, Keys]
    centre: Keys = ((0.0, 0.5),)
    side: float = 0.75


COURSES: Mapping[str, tuple[Person, ...]] = MappingProxyType(
    {
        "ends-happy": (
            Person({"sad": ((1, 0), (2.5, 0.8), (3.2, 0.8), (4.8, 0)), "happy": ((5, 0), (7.4, 1), (9, 1))}),
        ),
        "ends-angry": (
            Person({"happy": ((1, 0), (2.5, 0.8), (3.2, 0.8), (4.8, 0)), "angry": ((5, 0), (7.4, 1), (9, 1))}),
        ),
        "peak-early": (
            Person({"happy": ((0.5, 0), (1.8, 1), (2.3, 1), (4, 0)), "sad": ((5, 0), (6.5, 0.7), (8, 0.3))}),
        ),
        "peak-late": (
            Person({"disgust": ((0.5, 0), (1.8, 0.9), (2.3, 0.9), (4, 0)), "happy": ((5.2, 0), (6.8, 1), (8.4, 0.2))}),
        ),
        "face-leaves": (
            Person(
                {"happy": ((0.5, 0), (2, 0.9), (3, 0.9), (4.5, 0)), "angry": ((5, 0), (6.5, 0.9), (9, 0.9))},
                centre=((2.9, 0.5), (3.7, 1.4), (5.2, 1.4), (6, 0.5)),
            ),
        ),
        "two-faces": (
            Person({"happy": ((1, 0), (4, 1), (5, 1), (8, 0.3))}, centre=((0, 0.30),), side=0.75),
            Person({"surprise": ((1, 0), (3, 0.9), (5, 0)), "angry": ((5, 0), (8, 1))}, centre=((0, 0.78),), side=0.56),
        ),
    }
)
"""The people of each video, by its name; the first person's face is the largest throughout."""


@dataclass(frozen=True)
class Truth:
    """What one person of a rendered video shows, frame by frame.

    Attributes
    ----------
    frames : ndarray of int64, shape (S,)
    times : ndarray of float64, shape (S,)
        Seconds from the start.
    boxes : ndarray of float64, shape (S, 4)
        Left, top, width and height of the face as shares of the picture's width and height.
    strengths : ndarray of float64, shape (S, 7)
        Strength 0..1 of each emotion, columns in the order of ``EMOTIONS``; rows sum to 1.
    present : ndarray of bool, shape (S,)
        Whether at least half of the box lies within the picture.
    """

    frames: NDArray[np.int64]
    times: _Floats
    boxes: _Floats
    strengths: _Floats
    present: NDArray[np.bool_] = field(repr=False)

    def scores(self, class_scores: Mapping[str, float]) -> _Floats:
        """Return the frame scores: emotion strengths times the emotions' scores.

        Parameters
        ----------
        class_scores : mapping of str to float
            A score for each of the seven ``EMOTIONS``.

        Returns
        -------
        ndarray of float64, shape (S,)
            NaN where no face is to be seen.

        Raises
        ------
        SpecError
            An emotion has no score.
        """
        missing = [name for name in EMOTIONS if name not in class_scores]
        if missing:
            raise SpecError(f"no score for {', '.join(missing)}; each of {', '.join(EMOTIONS)} needs one")
        values = self.strengths @ np.array([class_scores[name] for name in EMOTIONS])
        return np.where(self.present, values, np.nan)


def write_rendered_videos(folder: Path, seed: int = 0, progress: Progress = SILENT) -> list[Path]:
    """Render the six videos and their truth; those that are there already are kept.

    Parameters
    ----------
    folder : Path
        Where to write; made if need be.
    seed : int
        0 or more; chooses the people, how each shows an emotion, and how they move.
    progress : Progress
        Told of every frame; may stop the work.

    Returns
    -------
    list of Path
        The videos, in the order of :data:`COURSES`.

    Raises
    ------
    SpecError
        The seed is negative, or a video of the same name stands there that was not made with this seed.
    StoreError
        The disk is full or not writable.
    """
    if seed < 0:
        raise SpecError(f"seed is {seed}; it must not be negative")
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.mp4" for name in COURSES]
    needed = [path for path in paths if not _is_there(path, seed)]
    if needed:
        progress.step("rendering videos", len(needed) * FRAMES)
    for path in needed:
        _write(path, seed, progress)
    return paths


def read_truth(video: Path, person: int = 0) -> Truth:
    """Read the truth of a rendered video.

    Parameters
    ----------
    video : Path
        The video; its truth stands beside it.
    person : int
        Number of the person, from 0.

    Raises
    ------
    InputError
        There is no truth beside the video, or no such person in it.
    """
    path = _truth_path(video)
    if not path.is_file():
        raise InputError(f"{path}: not found; only rendered videos have a known truth")
    table = pq.read_table(path)
    rows = table.filter(pc.equal(table["person"], person))
    if not rows.num_rows:
        people = len(set(table["person"].to_pylist()))
        raise InputError(f"{path}: has no person {person}; persons are numbered 0 to {people - 1}")
    column = {name: rows[name].to_numpy() for name in rows.column_names}
    return Truth(
        column["frame"],
        column["time"],
        np.stack([column[name] for name in ("x", "y", "w", "h")], axis=1),
        np.stack([column[name] for name in EMOTIONS], axis=1),
        column["present"],
    )


def truth_of(name: str, seed: int = 0) -> list[Truth]:
    """Return what each person of a video shows, without rendering it; see :data:`COURSES`."""
    return [_take(name, number, seed).truth for number in range(len(COURSES[name]))]


def _truth_path(video: Path) -> Path:
    return video.with_name(video.stem + TRUTH_SUFFIX)


def _mark(name: str, seed: int) -> bytes:
    return json.dumps({"course": name, "seed": seed, "format": _FORMAT}).encode()


def _is_there(video: Path, seed: int) -> bool:
    if not video.exists():
        return False
    truth = _truth_path(video)
    found = (pq.read_schema(truth).metadata or {}).get(b"rendered") if truth.is_file() else None
    if found != _mark(video.stem, seed):
        raise SpecError(f"{video} is in the way: it is not the video rendered with seed {seed}; move or rename it")
    return True


def _write(path: Path, seed: int, progress: Progress) -> None:
    """Write one video, its truth first, so that a finished video has its truth."""
    takes = [_take(path.stem, number, seed) for number in range(len(COURSES[path.stem]))]
    tables = [_table(take.truth, number) for number, take in enumerate(takes)]
    table = pa.concat_tables(tables).replace_schema_metadata({b"rendered": _mark(path.stem, seed)})
    write_atomically(_truth_path(path), lambda temporary: pq.write_table(table, temporary, compression="zstd"))
    texture, random = wall((seed, _WALL)), np.random.default_rng((seed, _NOISE))
    with VideoWriter(path, WIDTH, HEIGHT, RATE) as video:
        for row in range(FRAMES):
            picture = _picture(takes, row) + texture + random.normal(0, 1.2, texture.shape)
            video.write(np.clip(np.round(picture), 0, 255).astype(np.uint8))
            progress.advance()


def _table(truth: Truth, person: int) -> pa.Table:
    columns = {
        "frame": truth.frames,
        "time": truth.times,
        "person": np.full(len(truth.frames), person),
        **{name: truth.boxes[:, column] for column, name in enumerate(("x", "y", "w", "h"))},
        **{name: truth.strengths[:, column] for column, name in enumerate(EMOTIONS)},
        "present": truth.present,
    }
    return pa.table({name: pa.array(values) for name, values in columns.items()})


@dataclass(frozen=True)
class _Take:
    """One person's frames: what is rendered, and where its square stands in the picture."""

    parameters: FaceParameters
    truth: Truth
    left: _Floats  # (S,) pixels
    top: _Floats
    side: float


def _picture(takes: Sequence[_Take], row: int) -> _Floats:
    """Return one frame (HEIGHT, WIDTH) before a plain wall; two people are cut half-way between their squares."""
    squares = [render(take.parameters[row : row + 1], _FACE).images[0] for take in takes]
    views = [
        view(square, take.left[row], take.top[row], take.side) for square, take in zip(squares, takes, strict=True)
    ]
    return side_by_side(views, [(one.left[row] + one.side + other.left[row]) / 2 for one, other in pairwise(takes)])


def _take(name: str, number: int, seed: int) -> _Take:
    person, video = COURSES[name][number], list(COURSES).index(name)
    random = np.random.default_rng((seed, _MOTION, video, number))
    times = np.arange(FRAMES) / RATE
    strengths = _strengths(person, times)
    parameters = _faces(sample(1, _FIRST_SEED + seed, start=10 * video + number), strengths, times, random)
    side = person.side * HEIGHT
    left = _course(person.centre, times) * WIDTH - side / 2 + _sway(times, 0.02 * side, random)
    top = HEIGHT + 0.03 * side - side + _sway(times, 0.012 * side, random)
    boxes = _boxes(parameters, left, top, side)
    x, y, w, h = boxes.T
    seen = np.clip(np.minimum(x + w, 1) - np.maximum(x, 0), 0, None) * np.clip(np.minimum(y + h, 1) - y, 0, None)
    truth = Truth(np.arange(FRAMES), times, boxes, strengths, seen >= 0.5 * w * h)
    return _Take(parameters, truth, left, top, side)


def _course(keys: Keys, times: _Floats) -> _Floats:
    """Run smoothly (with level ends) through the points, level before the first and after the last."""
    at, values = np.array(keys, dtype=np.float64).T
    after = np.clip(np.searchsorted(at, times, side="right"), 1, len(at) - 1) if len(at) > 1 else None
    if after is None:
        return np.full(len(times), values[0])
    share = np.clip((times - at[after - 1]) / (at[after] - at[after - 1]), 0, 1)
    found: _Floats = values[after - 1] + (values[after] - values[after - 1]) * share**2 * (3 - 2 * share)
    return found


def _strengths(person: Person, times: _Floats) -> _Floats:
    """Return the strength of each emotion, (S, 7); neutral takes the rest."""
    strengths = np.zeros((len(times), len(EMOTIONS)))
    for emotion, keys in person.course.items():
        strengths[:, EMOTIONS.index(emotion)] = _course(keys, times)
    strengths[:, EMOTIONS.index("neutral")] = 1 - strengths.sum(axis=1)
    return strengths


def _sway(times: _Floats, size: float, random: np.random.Generator) -> _Floats:
    """Move to and fro within ``size``, as a head that is not held still."""
    periods, phases = random.uniform(2.5, 6.0, 2), random.uniform(0, 2 * np.pi, 2)
    moves: _Floats = 0.5 * size * np.sin(2 * np.pi * times[:, None] / periods + phases).sum(axis=1)
    return moves


def _faces(person: FaceParameters, strengths: _Floats, times: _Floats, random: np.random.Generator) -> FaceParameters:
    """Return one person's faces: the same head in the same light, its actions as strong as the emotions are."""
    actions = np.zeros((len(times), len(ACTIONS)))
    for column, emotion in enumerate(EMOTIONS):
        combinations = EMOTION_ACTIONS[emotion]
        for name in combinations[random.integers(len(combinations))]:
            actions[:, ACTIONS.index(name)] += strengths[:, column]
    style = person.column("hair_style")
    faces = person.repeated(len(times)).with_values(
        **_CAMERA,
        skin_tone=np.clip(person.column("skin_tone"), 0.42, 0.72),
        hair_style=np.where(np.isin(np.floor(style), (head.LONG, head.CURLY)), _HAIR, style),
        nose_wrinkle=0.8 * strengths[:, EMOTIONS.index("disgust")],
        yaw=_sway(times, 0.12, random),
        pitch=_sway(times, 0.06, random),
        roll=_sway(times, 0.05, random),
    )
    return replace(faces, actions=np.clip(actions, 0, 1).astype(np.float32))


def _boxes(parameters: FaceParameters, left: _Floats, top: _Floats, side: float) -> _Floats:
    """Return the box from forehead to chin and from temple to temple, (S, 4), as shares of the picture."""
    half = parameters.column("scale") * side / 2  # pixels in one unit of the face
    x = left + side / 2 + half * _DOME * np.tan(parameters.column("yaw"))
    y = top + side / 2 + half * _DOME * np.tan(parameters.column("pitch"))
    wide, upper, lower = 0.92 * parameters.column("face_width"), 0.72, parameters.column("face_length")
    corners = np.stack([x - half * wide, y - half * upper, 2 * half * wide, half * (upper + lower)], axis=1)
    boxes: _Floats = corners / (WIDTH, HEIGHT, WIDTH, HEIGHT)
    return boxes
