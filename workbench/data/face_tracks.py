"""Following faces from frame to frame.

Faces are looked for every few frames only. Where two such looks agree, the boxes between are interpolated; where they
do not (someone came or went, a cut, two people close together), every frame between is looked at, so that a face's
first and last frame are exact and two people are told apart.

References
----------
Linking by overlap and an optimal assignment: A. Bewley and others, "Simple Online and Realtime Tracking", ICIP 2016;
here the motion is carried on at a constant speed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from PIL import Image
from scipy.optimize import linear_sum_assignment

from workbench.data.detectors import Detector
from workbench.data.video import Frame
from workbench.errors import SpecError

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, width and height as shares of the frame's width and height; may reach beyond 0 to 1."""

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
"""The whole frame; :func:`crop` gives it as it is."""

LOST = 1.0
"""A face that is found again within so many seconds keeps its track."""

CUT = 30.0
"""Mean difference of two frames in brightness (0 to 255, on 16 x 16 cells) from which a cut lies between them."""

_LINK = 0.25
_LINK_LOST = 0.15
_CELLS = 16
_BUFFER = 64
_TINY = 1e-6


@dataclass(frozen=True)
class Face:
    """A face in a frame.

    Attributes
    ----------
    track : int
        The person's number, from 0 in order of appearance. After a cut, or away for more than :data:`LOST` seconds, a
        person gets a new one.
    box : tuple of float
        See :data:`Box`; values of float32 precision.
    confidence : float
        The detector's, 0 to 1 (high = sure); NaN where the box is interpolated.
    """

    track: int
    box: Box
    confidence: float


@dataclass(frozen=True)
class TrackedFrame:
    """A frame and its faces, the largest first."""

    frame: Frame
    faces: tuple[Face, ...]


@dataclass(frozen=True)
class _Track:
    """What is remembered of a person: last box, where it moves (shares a second), and when it was seen."""

    number: int
    box: Box
    speed: tuple[float, float]
    seen: float

    def at(self, time: float) -> Box:
        """Where it would be by now had it moved on."""
        step = time - self.seen
        x, y, width, height = self.box
        return x + self.speed[0] * step, y + self.speed[1] * step, width, height

    def moved_to(self, box: Box, time: float) -> _Track:
        """Return the track with its newest box; the speed is a running mean."""
        step = time - self.seen
        if step <= 0:
            return replace(self, box=box, seen=time)
        dx = box[0] + box[2] / 2 - self.box[0] - self.box[2] / 2
        dy = box[1] + box[3] / 2 - self.box[1] - self.box[3] / 2
        share = min(1.0, step / 0.1)  # speeds over less than a tenth of a second are mostly the detector's tremor
        x_speed = self.speed[0] + share * (dx / step - self.speed[0])
        y_speed = self.speed[1] + share * (dy / step - self.speed[1])
        return replace(self, box=box, speed=(x_speed, y_speed), seen=time)


class Tracker:
    """Follow the faces of a video.

    Parameters
    ----------
    detector : Detector
        What finds faces in a frame.
    detect_every : float
        The most seconds between two detections; 0 detects in each frame. A face that is away for less between two
        detections that agree is not missed.
    max_faces : int
        How many faces a frame has at most: the largest. Others are followed too, so track numbers may be missing.

    Raises
    ------
    SpecError
        ``detect_every`` is below 0 or ``max_faces`` below 1.
    """

    def __init__(self, detector: Detector, detect_every: float = 0.2, max_faces: int = 4) -> None:
        if detect_every < 0 or max_faces < 1:
            raise SpecError("detect_every must be 0 or more, and max_faces 1 or more")
        self._detector, self._every, self._max_faces = detector, detect_every, max_faces
        self._tracks: tuple[_Track, ...] = ()
        self._next = 0
        self._time: float | None = None  # of the last detection
        self._cells: np.ndarray | None = None  # of the last frame

    def follow(self, frames: Iterable[Frame]) -> Iterator[list[TrackedFrame]]:
        """Find and follow faces, a list of frames from one detection (excluded) to the next (included) at a time.

        Parameters
        ----------
        frames : iterable of Frame
            In order of time; at most 64 are held at once.
        """
        waiting: list[Frame] = []
        for frame in frames:
            if waiting and frame.time - self._seen > self._every + _TINY:
                yield self._group(waiting)
                waiting = []
            waiting.append(frame)
            if self._time is None or len(waiting) == _BUFFER:
                yield self._group(waiting)
                waiting = []
        if waiting:
            yield self._group(waiting)

    def state(self) -> dict[str, Any]:
        """Return, as JSON values, what :meth:`restore` goes on from with the frame after the last list."""
        return {
            "next": self._next,
            "time": self._time,
            "cells": None if self._cells is None else self._cells.tolist(),
            "tracks": [[track.number, *track.box, *track.speed, track.seen] for track in self._tracks],
        }

    def restore(self, state: Mapping[str, Any]) -> Tracker:
        """Go on from a :meth:`state`; what follows is the same as without the break."""
        self._next, self._time = int(state["next"]), state["time"]
        self._cells = None if state["cells"] is None else np.array(state["cells"], dtype=np.uint8)
        self._tracks = tuple(
            _Track(int(number), (x, y, width, height), (dx, dy), seen)
            for number, x, y, width, height, dx, dy, seen in state["tracks"]
        )
        return self

    def _group(self, frames: list[Frame]) -> list[TrackedFrame]:
        """Find the faces of the frames since the last detection; the last of them is looked at first."""
        *between, last = frames
        cuts, found = self._cuts(frames), self._detect(last)
        if between and not any(cuts) and self._agrees(found, last.time):
            before, start = {track.number: track.box for track in self._live}, self._seen
            faces = self._link(found, last.time)
            tracked = [self._between(frame, before, faces, start, last.time) for frame in between]
        else:
            tracked = []
            for frame, cut in zip(between, cuts, strict=False):
                self._tracks = () if cut else self._tracks
                tracked.append(self._shown(frame, self._link(self._detect(frame), frame.time)))
            self._tracks = () if cuts[-1] else self._tracks
            faces = self._link(found, last.time)
        return [*tracked, self._shown(last, faces)]

    @property
    def _live(self) -> list[_Track]:
        return [track for track in self._tracks if track.seen == self._time]

    @property
    def _seen(self) -> float:
        return 0.0 if self._time is None else self._time

    def _detect(self, frame: Frame) -> list[Face]:
        """Return the faces of a frame without their tracks yet, the largest first."""
        height, width = frame.picture.shape[:2]
        rows = self._detector.detect(frame.picture)[: 2 * self._max_faces]
        boxes = rows[:, :4] / np.array([width, height, width, height], dtype=np.float32)
        return [Face(-1, _box(box), float(row[4])) for box, row in zip(boxes, rows, strict=True)]

    def _cuts(self, frames: list[Frame]) -> list[bool]:
        """Say before which of the frames there is a cut."""
        cuts = []
        for frame in frames:
            cells = _cells(frame.picture)
            jump = 0.0 if self._cells is None else np.abs(cells.astype(np.int16) - self._cells).mean()
            cuts.append(bool(jump >= CUT))
            self._cells = cells
        return cuts

    def _agrees(self, found: list[Face], time: float) -> bool:
        """Whether the faces are those of the last detection beyond doubt: each overlaps one of them, and one only."""
        live = self._live
        if len(live) != len(found):
            return False
        likely = _affinity(live, found, time) >= _LINK
        apart = all(_overlap(a.box, b.box) == 0 for i, a in enumerate(found) for b in found[:i])
        return bool(apart and (likely.sum(0) == 1).all() and (likely.sum(1) == 1).all())

    def _link(self, found: list[Face], time: float) -> list[Face]:
        """Give each face its track: one just seen, else one lost a short while ago, else a new one."""
        live, lost = self._live, [track for track in self._tracks if track.seen != self._time]
        lost = [track for track in lost if time - track.seen <= LOST + _TINY]
        links = _assigned(live, found, time, _LINK)
        left = [index for index in range(len(found)) if index not in links]
        again = _assigned(lost, [found[index] for index in left], time, _LINK_LOST)
        links |= {left[index]: track for index, track in again.items()}
        faces, tracks = [], {track.number: track for track in (*live, *lost)}
        for index, face in enumerate(found):
            track = links.get(index)
            if track is None:
                track = _Track(self._next, face.box, (0.0, 0.0), time)
                self._next += 1
            tracks[track.number] = track.moved_to(face.box, time)
            faces.append(replace(face, track=track.number))
        self._tracks, self._time = tuple(tracks.values()), time
        return faces

    def _between(
        self, frame: Frame, before: Mapping[int, Box], after: list[Face], start: float, end: float
    ) -> TrackedFrame:
        share = (frame.time - start) / (end - start)
        faces = []
        for face in after:
            old, new = np.array(before[face.track]), np.array(face.box)
            faces.append(Face(face.track, _box(old + share * (new - old)), math.nan))
        return self._shown(frame, faces)

    def _shown(self, frame: Frame, faces: list[Face]) -> TrackedFrame:
        largest = sorted(faces, key=lambda face: -face.box[2] * face.box[3])
        return TrackedFrame(frame, tuple(largest[: self._max_faces]))


def crop(frame: Frame, box: Box, margin: float = 0.0, colour: str = "gray") -> Image.Image:
    """Cut a face out as FER2013 does: a square around its box.

    Parameters
    ----------
    frame : Frame
        The frame.
    box : Box
        Where the face is; :data:`WHOLE` gives the whole frame as it is, not squared.
    margin : float
        What is added on each side, as a share of the square's side.
    colour : str
        ``gray`` (mode L) or ``rgb``.

    Returns
    -------
    PIL.Image.Image
        Its side is the longer one of the box, and the margins; what lies outside the frame repeats the frame's edge.
    """
    picture = frame.picture
    if box != WHOLE:
        height, width = picture.shape[:2]
        side = max(box[2] * width, box[3] * height) * (1 + 2 * margin)
        size = max(round(side), 1)
        left = round((box[0] + box[2] / 2) * width - size / 2)
        top = round((box[1] + box[3] / 2) * height - size / 2)
        if min(left, top) < 0 or left + size > width or top + size > height:
            picture = picture[np.clip(np.arange(top, top + size), 0, height - 1)]
            picture = picture[:, np.clip(np.arange(left, left + size), 0, width - 1)]
        else:
            picture = picture[top : top + size, left : left + size]
    image = Image.fromarray(picture)
    return image.convert("L") if colour == "gray" else image


def _box(values: np.ndarray) -> Box:
    x, y, width, height = (float(value) for value in np.asarray(values, dtype=np.float32))
    return x, y, width, height


def _cells(picture: np.ndarray) -> np.ndarray:
    """Return the brightness of 16 x 16 cells, uint8."""
    step = max(min(picture.shape[:2]) // 96, 1)
    green = np.ascontiguousarray(picture[::step, ::step, 1])
    return np.asarray(Image.fromarray(green).resize((_CELLS, _CELLS), Image.Resampling.BOX))


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union, 0 to 1."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a[2] * a[3] + b[2] * b[3] - width * height)


def _affinity(tracks: list[_Track], faces: list[Face], time: float) -> np.ndarray:
    """How well each face fits each track, ``(tracks, faces)``, 0 to 1: where it was, or would be had it moved on."""
    rows = [
        [max(_overlap(track.at(time), face.box), _overlap(track.box, face.box)) for face in faces] for track in tracks
    ]
    return np.array(rows, dtype=np.float64).reshape(len(tracks), len(faces))


def _assigned(tracks: list[_Track], faces: list[Face], time: float, least: float) -> dict[int, _Track]:
    """Link faces (by index) to tracks so that the sum of the affinities is the largest."""
    affinity = _affinity(tracks, faces, time)
    pairs = zip(*linear_sum_assignment(np.where(affinity >= least, affinity, 0.0), maximize=True), strict=True)
    return {int(face): tracks[track] for track, face in pairs if affinity[track, face] >= least}
