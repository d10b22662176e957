"""Video files opened and decoded; what :mod:`workbench.data.video` is made of.

References
----------
PyAV and FFmpeg do the work: https://pyav.basswood-io.com, https://ffmpeg.org.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np

from workbench.errors import VideoError

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

Source: TypeAlias = Path | BinaryIO
"""A video file, or one that is open for reading in binary and can be sought in."""

FORMATS = "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,h264,hevc,ivf,m4v,mxf,gif,rm,dv,obu,nut,wtv"
"""FFmpeg's names of the formats that are read; others open further files or addresses (playlists) or are pictures."""

MAX_PIXELS = 16_384 * 8_192
"""The largest frame that is decoded, in pixels: four times 8K."""

_RATE = 25.0
_HELD = 64
_TOGETHER = 0.001


class Damage(Exception):  # noqa: N818 - part of reading a video, not an error for a person
    """The decoder or the file gave up; the text says why. It does not leave :mod:`workbench.data.video`."""


class Clock:
    """Turns presentation times into seconds since the :func:`beginning` that only go forward."""

    def __init__(self, stream: VideoStream, start: int | None) -> None:
        rate = stream.average_rate or stream.guessed_rate
        self._start = start
        self._raw: float | None = None
        self._time: float | None = None
        self._length = 0.0
        self.interval = float(1 / rate) if rate else 1 / _RATE

    def read(self, frame: VideoFrame) -> float:
        """Return a frame's time; see :class:`Reader` for those that have none."""
        unit = frame.time_base or Fraction(0)
        self._length = float(frame.duration * unit)
        raw = None
        if frame.pts is not None:
            self._start = frame.pts if self._start is None else self._start
            raw = float((frame.pts - self._start) * unit)
        time = self._next(raw)
        if self._time is not None:
            self.interval += 0.25 * (time - self._time - self.interval)
        self._raw, self._time = raw, time
        return time

    def _next(self, raw: float | None) -> float:
        if self._time is None:
            return max(raw or 0.0, 0.0)
        if raw is not None and raw > self._time:
            return raw
        step = raw - self._raw if raw is not None and self._raw is not None else 0.0
        return self._time + (step if step > 0 else self.interval)

    @property
    def end(self) -> float:
        """Where the last frame ends, in seconds."""
        return 0.0 if self._time is None else self._time + max(self._length, self.interval)


def beginning(container: InputContainer, stream: VideoStream) -> int | None:
    """Return the presentation time that counts as 0, in the stream's own units; None where nothing is known.

    It is the file's, as in a player: where sound begins before the pictures, the first frame comes later than 0.
    """
    start, unit = stream.start_time, stream.time_base
    if start is None or not unit or container.start_time is None:
        return start
    early = start - round(container.start_time / (1_000_000 * unit))
    return start - early if early * unit > _TOGETHER and container.start_time >= 0 else start


@contextmanager
def opened(source: Source, name: str = "") -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video file and its first video stream, and close them at the end.

    Raises
    ------
    VideoError
        The file is missing, empty, not a video, or has sound only.
    """
    import av

    called = name_of(source, name)
    _check_bytes(source, called)
    handle: Any = str(source.resolve()) if isinstance(source, Path) else source
    try:
        container = av.open(handle, container_options={"format_whitelist": FORMATS})
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"{called}: {_why_unreadable(source)}") from error
    with container:
        streams = [stream for stream in container.streams.video if not _is_cover(stream)]
        if not streams:
            what = "has sound but no picture" if container.streams.audio else "has no pictures"
            raise VideoError(f"{called}: it {what}; a video is needed")
        stream = streams[0]
        if stream.codec_context is None:
            raise VideoError(f"{called}: its video is in a format that cannot be decoded here; H.264 in MP4 can")
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > MAX_PIXELS:
            raise VideoError(
                f"{called}: frames of {width:,} x {height:,} pixels; {MAX_PIXELS:,} pixels at most are read"
            )
        stream.thread_type = "AUTO"
        if stream.codec_context.name == "hevc":  # this decoder hides damage, and marks no frame, unless told not to
            stream.codec_context.options = {"err_detect": "explode"}
        yield container, stream


def _is_cover(stream: VideoStream) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def _check_bytes(source: Source, called: str) -> None:
    if isinstance(source, Path):
        if not source.exists():
            raise VideoError(f"{called}: there is no such file ({source})")
        if not source.is_file():
            raise VideoError(f"{called}: it is not a file ({source})")
        empty = source.stat().st_size == 0
    else:
        empty = not source.seek(0, 2)
        source.seek(0)
    if empty:
        raise VideoError(f"{called}: the file is empty")


def _why_unreadable(source: Source) -> str:
    """Say why a file could not be opened, from its first bytes."""
    if isinstance(source, Path):
        try:
            with source.open("rb") as file:
                head = file.read(64)
        except OSError as error:
            return f"it cannot be read ({error.strerror})"
    else:
        source.seek(0)
        head = source.read(64)
    if head[4:8] == b"ftyp":
        return "its index is missing (no moov box): the file was cut short; copy or export it again"
    return "it is not a video, or too damaged to be opened; MP4, MOV, WebM, MKV and AVI are read"


def decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Decode frame by frame; at damage, first the sound frames that the decoder still holds, then :class:`Damage`.

    Frames that the decoder marks as damaged before the first sound one are left out: a recording may start in the
    middle of a group of pictures.
    """
    import av

    packets = container.demux(stream)
    strict = container.format.name != "mpegts"  # there, a joint of two recordings counts as damage too
    fed: deque[int] = deque(maxlen=_HELD)  # presentation times of the packets so far
    last: int | None = None
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            if packet.pts is not None:
                fed.append(packet.pts)
            lost = strict and packet.is_corrupt
            frames = [] if lost else packet.decode()
        except (av.FFmpegError, OSError, ValueError) as error:
            yield from _held(stream, fed, last)
            raise Damage(getattr(error, "strerror", None) or str(error)) from error
        for frame in frames:
            if frame.is_corrupt and last is not None:
                raise Damage("a frame could be decoded in part only")
            if not frame.is_corrupt:
                last = frame.pts if frame.pts is not None else -1
                yield frame
        if lost:
            yield from _held(stream, fed, last)
            raise Damage("a part of the file is missing or unreadable")


def _held(stream: VideoStream, fed: Iterable[int], last: int | None) -> Iterator[VideoFrame]:
    """Give out what the decoder holds, up to the first frame that is damaged or stands behind a missing one."""
    import av

    with suppress(av.FFmpegError, OSError, ValueError):
        for frame in stream.codec_context.decode(None):
            due = min((pts for pts in fed if last is not None and pts > last), default=None)
            if frame.is_corrupt or frame.pts is None or (due is not None and frame.pts > due):
                return
            last = frame.pts
            yield frame


def displayed_size(frame: VideoFrame, stream: VideoStream) -> tuple[int, int]:
    """Return width and height with square pixels, before rotation."""
    aspect = float(stream.sample_aspect_ratio or 1)
    return max(round(frame.width * (aspect if 0.1 < aspect < 10 else 1)), 1), frame.height


def rotation_of(frame: VideoFrame) -> int:
    """Return how a frame is turned for display, counterclockwise: 0, 90, 180 or 270 degrees."""
    return round((frame.rotation % 360) / 90) % 4 * 90


def to_picture(frame: VideoFrame, stream: VideoStream, max_side: int) -> np.ndarray:
    """Turn a decoded frame into an upright picture, ``(H, W, 3)`` uint8, scaled down in the same pass."""
    width, height = displayed_size(frame, stream)
    scale = min(1.0, max_side / max(width, height))
    width, height = max(round(width * scale), 1), max(round(height * scale), 1)
    picture = frame.reformat(width=width, height=height, format="rgb24").to_ndarray()
    turns = rotation_of(frame) // 90
    return np.ascontiguousarray(np.rot90(picture, k=turns)) if turns else picture


def claimed_duration(container: InputContainer, stream: VideoStream) -> float | None:
    """Return the length that the file claims for its pictures, in seconds.

    AVI's own length is worked out from the file's size, so there the number of frames speaks; Matroska writes the
    length of each stream beside it; the length of the whole file counts only where nothing but pictures is in it.
    """
    if "avi" in container.format.name.split(",") and stream.frames and stream.average_rate:
        return float(stream.frames / stream.average_rate)
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")
    minutes, _, seconds = rest.partition(":")
    with suppress(ValueError):
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    if container.duration and len(container.streams) == 1:
        return container.duration / 1_000_000
    return None


def name_of(source: Source, name: str = "") -> str:
    """Return what to call a video: the name given, else the file's own, else "the video"."""
    if name:
        return name
    found = source.name if isinstance(source, Path) else getattr(source, "name", "")
    return Path(found).name if isinstance(found, str) and found else "the video"
