"""Video files to frames: streamed, with true timestamps, up to the first damage.

References
----------
PyAV and FFmpeg do the decoding: https://pyav.basswood-io.com, https://ffmpeg.org. FFmpeg hides a good deal of damage: a
file cut short mostly just ends. So the end that was reached is held against the length that the file claims.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.data.video_decoding import (
    Clock,
    Damage,
    beginning,
    claimed_duration,
    decoded,
    displayed_size,
    name_of,
    opened,
    rotation_of,
    to_picture,
)
from workbench.data.video_decoding import (
    Source as Source,
)
from workbench.errors import SpecError, VideoError

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

MAX_SIDE = 1280
"""The longest side of a frame's picture unless another is asked for, in pixels."""

_SLACK = 0.35
_SAME = 1e-6
_EARLY = 10.0
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Video:
    """What a video file says of itself.

    Attributes
    ----------
    name : str
        The file's name.
    digest : str
        The first 32 hexadecimal digits of the SHA-256 of its bytes.
    codec : str
        Such as ``h264`` or ``hevc``.
    width, height : int
        As displayed, in pixels: after rotation, with square pixels.
    rotation : int
        How it is turned for display, counterclockwise: 0, 90, 180 or 270 degrees.
    duration : float or None
        Seconds, where the file says.
    rate : float or None
        Frames a second on average, where the file says.
    frames : int or None
        Frames, where the file says.
    size : int
        Bytes.
    """

    name: str
    digest: str
    codec: str
    width: int
    height: int
    rotation: int
    duration: float | None
    rate: float | None
    frames: int | None
    size: int

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Frame:
    """One frame of a video.

    Attributes
    ----------
    index : int
        Its place among all frames of the video, from 0; -1 where it was looked up by its time.
    time : float
        Seconds since the start of the file, as a player counts them; more than that of the frame before.
    picture : np.ndarray
        ``(H, W, 3)`` uint8 red, green, blue, upright and with square pixels.
    """

    index: int
    time: float
    picture: np.ndarray


@dataclass(frozen=True)
class Fault:
    """Where a video stopped being readable.

    Attributes
    ----------
    time : float
        Seconds since the start of the file up to which frames came.
    frame : int
        How many frames came before.
    message : str
        One line.
    """

    time: float
    frame: int
    message: str


class Reader:
    """The frames of a video in turn, decoded as they are asked for, in constant memory.

    Damage after the first frame ends the frames and is kept as :attr:`fault`, and so is a file that ends clearly before
    the length it claims. Damage that the decoder repairs without saying so goes unseen.

    A frame's time is its presentation time. One without, or one that does not come after the frame before, follows it
    at the usual distance (or, where times start anew in the middle, at the distance the new times have).

    Parameters
    ----------
    source : Path or BinaryIO
        The video; see :data:`workbench.data.video_decoding.Source`.
    every : int
        Take every n-th frame, the first included.
    rate : float
        Take the first frame at or after each multiple of ``1 / rate`` seconds; 0 goes by ``every``.
    max_side : int
        The longest side of the pictures, in pixels; larger frames are scaled down while they are converted.

    Attributes
    ----------
    fault : Fault or None
        Where reading stopped early; known after the last frame.
    decoded : int
        Frames decoded so far, taken or not.

    Raises
    ------
    VideoError
        While iterating: the file is no video, or not even its first frame can be read. The text says which.
    """

    def __init__(self, source: Source, every: int = 1, rate: float = 0.0, max_side: int = MAX_SIDE) -> None:
        if every < 1 or rate < 0 or max_side < 16:
            raise SpecError("every must be 1 or more, rate 0 or more, and max_side 16 or more")
        self._source, self._every, self._rate, self._max_side = source, every, rate, max_side
        self._first = 0
        self.fault: Fault | None = None
        self.decoded = 0

    def skip(self, index: int) -> Reader:
        """Leave out the frames before this index: they are decoded, but neither converted nor given out."""
        self._first = index
        return self

    def __iter__(self) -> Iterator[Frame]:
        self.fault, self.decoded = None, 0
        with opened(self._source) as (container, stream):
            clock, due = Clock(stream, beginning(container, stream)), 0
            try:
                for raw in decoded(container, stream):
                    index, time = self.decoded, clock.read(raw)
                    self.decoded += 1
                    if self._rate:
                        taken = time * self._rate >= due - _SAME
                        due = int(time * self._rate + _SAME) + 1 if taken else due
                    else:
                        taken = index % self._every == 0
                    if taken and index >= self._first:
                        yield Frame(index, time, to_picture(raw, stream, self._max_side))
            except Damage as damage:
                self.fault = self._fault(clock, damage)
            else:
                self.fault = self._shortfall(clock, container, stream)

    def _fault(self, clock: Clock, damage: Damage) -> Fault:
        if not self.decoded:
            raise VideoError(f"{name_of(self._source)}: no frame of it can be decoded ({damage})")
        text = f"damaged at {clock.end:.2f} s, after {self.decoded:,} frames ({damage})"
        return Fault(clock.end, self.decoded, text)

    def _shortfall(self, clock: Clock, container: InputContainer, stream: VideoStream) -> Fault | None:
        if not self.decoded:
            raise VideoError(f"{name_of(self._source)}: it has no frame; a video with at least one is needed")
        claimed = claimed_duration(container, stream)
        complete = 0 < stream.frames <= self.decoded
        if claimed is None or complete or claimed - clock.end <= max(_SLACK, 2 * clock.interval):
            return None
        text = f"ends at {clock.end:.2f} s, after {self.decoded:,} frames, of the {claimed:.2f} s it should have"
        return Fault(clock.end, self.decoded, text)


def probe(source: Source, name: str = "") -> Video:
    """Return what a video file says of itself; its first frame is decoded to be sure that it is one.

    Parameters
    ----------
    source : Path or BinaryIO
        The video; see :data:`workbench.data.video_decoding.Source`.
    name : str
        What to call it; a file's own name unless given.

    Raises
    ------
    VideoError
        It is missing, empty, not a video, sound only, or not even its first frame can be read.
    """
    with opened(source, name) as (container, stream):
        try:
            first = next(decoded(container, stream), None)
        except Damage as damage:
            raise VideoError(f"{name_of(source, name)}: no frame of it can be decoded ({damage})") from damage
        if first is None:
            raise VideoError(f"{name_of(source, name)}: it has no frame; a video with at least one is needed")
        width, height = displayed_size(first, stream)
        rotation = rotation_of(first)
        duration = claimed_duration(container, stream)
        rate = stream.average_rate or stream.guessed_rate
        codec, frames = stream.codec_context.name, stream.frames
    digest, size = digest_of(source)
    width, height = (height, width) if rotation in (90, 270) else (width, height)
    rate_value = float(rate) if rate else None
    return Video(
        name_of(source, name), digest, codec, width, height, rotation, duration, rate_value, frames or None, size
    )


def pictures_at(source: Source, times: Sequence[float], max_side: int = MAX_SIDE) -> list[Frame | None]:
    """Return the frames at some times, each found by seeking to the key frame before it where the format allows.

    Parameters
    ----------
    source : Path or BinaryIO
        The video; see :data:`workbench.data.video_decoding.Source`.
    times : sequence of float
        :attr:`Frame.time` of the frames.
    max_side : int
        The longest side of the pictures, in pixels.

    Returns
    -------
    list of Frame or None
        In the order of the times; None where no frame has that time, or damage hides it.

    Raises
    ------
    VideoError
        The file is no video.
    """
    found: dict[float, Frame] = {}
    with opened(source) as (container, stream):
        for time in sorted(set(times)):
            raw = _sought(container, stream, time)
            if raw is not None:
                found[time] = Frame(-1, time, to_picture(raw, stream, max_side))
    missing = sorted(set(times) - set(found))
    if missing:
        found |= _passed(source, missing, max_side)
    return [found.get(time) for time in times]


def _sought(container: InputContainer, stream: VideoStream, time: float) -> VideoFrame | None:
    """Return the frame at a time by seeking, or None; some formats come out late, so a second try starts earlier."""
    import av

    unit = stream.time_base or Fraction(1, 90_000)
    start = beginning(container, stream) or 0
    for early in (0.0, _EARLY):
        with suppress(Damage, av.FFmpegError, OSError, ValueError):
            container.seek(start + int(max(time - early, 0) / unit), stream=stream, backward=True)
            for frame in decoded(container, stream):
                distance = float((frame.pts - start) * unit) - time if frame.pts is not None else math.inf
                if abs(distance) <= _SAME:
                    return frame
                if distance > 0:
                    break
    return None


def _passed(source: Source, times: list[float], max_side: int) -> dict[float, Frame]:
    """Return the frames at some ascending times by reading on from the start, where seeking does not find them."""
    found: dict[float, Frame] = {}
    with opened(source) as (container, stream), suppress(Damage):
        clock = Clock(stream, beginning(container, stream))
        for raw in decoded(container, stream):
            time = clock.read(raw)
            while times and times[0] < time - _SAME:
                times = times[1:]
            if not times:
                break
            if times[0] <= time + _SAME:
                found[times[0]] = Frame(-1, times[0], to_picture(raw, stream, max_side))
    return found


def digest_of(source: Source) -> tuple[str, int]:
    """Return :attr:`Video.digest` of a file's bytes, and how many they are."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            return digest_of(file)
    source.seek(0)
    sha, size = hashlib.sha256(), 0
    while block := source.read(_BLOCK):
        sha.update(block)
        size += len(block)
    source.seek(0)
    return sha.hexdigest()[:32], size
