"""Small videos of every sort, made with PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

TICKS = 12_800


def level(index: int) -> int:
    """The gray of a frame's middle, by which a test knows the frame again."""
    return (index * 7) % 231 + 12


def index_of(picture: np.ndarray) -> int:
    """Which of the first 33 frames this is, up to coding noise."""
    height, width = picture.shape[:2]
    middle = picture[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4]
    return round((float(middle.mean()) - 12) / 7)


def noisy(index: int, width: int, height: int) -> np.ndarray:
    """A picture that does not compress well: damage somewhere in the file hits some frame."""
    return np.random.default_rng(index).integers(0, 256, (height, width, 3), dtype=np.uint8)


def plain(index: int, width: int, height: int) -> np.ndarray:
    return np.full((height, width, 3), level(index), dtype=np.uint8)


def write_video(
    path: Path,
    times: Sequence[float],
    *,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    pixels: str = "yuv420p",
    noise: bool = False,
    rotation: int = 0,
    aspect: Fraction | None = None,
    sound: bool = False,
    moov_first: bool = True,
    group: int = 10,
) -> Path:
    """Write a video with one frame at each of the times, in seconds (an AVI: multiples of 1/25)."""
    width, height = size
    ticks = 25 if path.suffix == ".avi" else TICKS
    options = {"movflags": "faststart"} if moov_first and path.suffix in (".mp4", ".mov") else {}
    with av.open(path, "w", options=options) as container:
        stream = container.add_stream(
            codec, rate=25, options={"x265-params": "log-level=none"} if "265" in codec else {}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.time_base = stream.codec_context.time_base = Fraction(1, ticks)
        stream.gop_size = group
        if aspect:
            stream.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        voice = container.add_stream("aac", rate=44_100, layout="mono") if sound else None
        for index, time in enumerate(times):
            picture = (noisy if noise else plain)(index, width, height)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if pixels == "gray":  # H.264 in gray is the brightness of 4:2:0 alone, 16 to 235
                frame = av.VideoFrame.from_ndarray(frame.to_ndarray(format="yuv420p")[:height], format="gray")
            else:
                frame = frame.reformat(format=pixels)
            frame.pts, frame.time_base = round(time * ticks), Fraction(1, ticks)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if voice is not None:
            _add_sound(container, voice)
    return path


def write_sound(path: Path) -> Path:
    """Write a file with sound and no picture."""
    with av.open(path, "w") as container:
        _add_sound(container, container.add_stream("aac", rate=44_100, layout="mono"))
    return path


def _add_sound(container: av.container.OutputContainer, stream: av.audio.stream.AudioStream) -> None:
    for start in range(0, 44_100, 1024):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 44_100, start
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
