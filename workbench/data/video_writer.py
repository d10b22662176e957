"""Writing an MP4 picture by picture, playable by any browser."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError
from workbench.files import disk_errors, sync

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

TICKS = 90_000
"""Time stamps are whole multiples of 1 / TICKS seconds."""

_BT709, _LIMITED = 1, 1


class VideoWriter:
    """Write an H.264 video (4:2:0, MP4, its index at the front) that is either whole or absent.

    Used as ``with VideoWriter(path, 320, 240) as video: video.write(picture)``. The video is written beside ``path``
    and renamed when the block ends; an exception inside the block removes it. Memory does not grow with the length.

    Parameters
    ----------
    path : Path
        The file to make; one that is there is replaced at the end.
    width, height : int
        Size of every picture in pixels, 1 or more. An odd size is made even by repeating the last column or row.
    rate : float
        Pictures a second where :meth:`write` is given no time, above 0 and at most 1000.
    quality : int
        Constant rate factor of x264, 0 (lossless, large) to 51 (poor, small).

    Raises
    ------
    SpecError
        A size, the rate or the quality is out of range, a picture does not fit, or none was written.
    StoreError
        The disk is full or not writable.
    """

    def __init__(self, path: Path, width: int, height: int, rate: float = 25.0, quality: int = 20) -> None:
        if width < 1 or height < 1:
            raise SpecError(f"a video cannot be {width} x {height} pixels; give 1 or more each way")
        if not 0 < rate <= 1000:
            raise SpecError(f"rate is {rate:g}; it must be above 0 and at most 1000 pictures a second")
        if not 0 <= quality <= 51:
            raise SpecError(f"quality is {quality}; it must lie in 0..51")
        self.path, self.width, self.height, self.rate, self.quality = path, width, height, rate, quality
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._opened: tuple[OutputContainer, VideoStream] | None = None
        self._last: int | None = None

    def __enter__(self) -> Self:
        import av

        with disk_errors(self.path):
            self._temporary.touch()  # FFmpeg would notice only at the first picture that it cannot write here
            options = {"movflags": "+faststart", "movie_timescale": str(TICKS)}
            container = av.open(self._temporary, "w", format="mp4", options=options)
        stream = container.add_stream("libx264", rate=Fraction(self.rate).limit_denominator(1001))
        self._opened = container, stream
        context = stream.codec_context
        context.width, context.height = self.width + self.width % 2, self.height + self.height % 2
        context.pix_fmt = "yuv420p"
        context.time_base = Fraction(1, TICKS)
        # without B-frames the last picture keeps its time on the screen; key pictures make seeking fast
        key_every = str(max(1, round(2 * self.rate)))
        context.options = {"crf": str(self.quality), "preset": "veryfast", "bf": "0", "g": key_every}
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        return self

    def write(self, picture: NDArray[np.uint8], time: float | None = None) -> None:
        """Add a picture.

        Parameters
        ----------
        picture : ndarray of uint8, shape (height, width, 3) or (height, width)
            Red, green and blue, or gray.
        time : float, optional
            When it is shown, in seconds from the start, later than the one before; 1 / rate after it by default.
        """
        from av import VideoFrame

        if self._opened is None:
            raise SpecError("pictures are written inside the video's with block")
        container, stream = self._opened
        frame = VideoFrame.from_ndarray(self._even(picture), format="rgb24").reformat(
            format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED
        )
        frame.pts, frame.time_base = self._ticks(time), Fraction(1, TICKS)
        with disk_errors(self.path):
            container.mux(stream.encode(frame))

    def _even(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the picture in three colours, its sides made even."""
        wanted = (self.height, self.width)
        if picture.dtype != np.uint8 or picture.shape not in (wanted, (*wanted, 3)):
            raise SpecError(
                f"a picture of {picture.dtype} and shape {picture.shape} does not fit this video; "
                f"it takes uint8 of shape {(*wanted, 3)} or {wanted}"
            )
        colours = picture if picture.ndim == 3 else np.repeat(picture[:, :, None], 3, axis=2)
        odd = ((0, self.height % 2), (0, self.width % 2), (0, 0))
        return np.ascontiguousarray(np.pad(colours, odd, mode="edge"))

    def _ticks(self, time: float | None) -> int:
        if time is None:
            ticks = 0 if self._last is None else self._last + round(TICKS / self.rate)
        else:
            ticks = round(time * TICKS)
            earliest = 0 if self._last is None else self._last + 1
            if ticks < earliest:
                raise SpecError(
                    f"a picture at {time:g} s cannot follow one at {(earliest - 1) / TICKS:g} s; times rise"
                )
        self._last = ticks
        return ticks

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._opened is None:
            return
        (container, stream), self._opened = self._opened, None
        try:
            if error is None and self._last is None:
                raise SpecError(f"no picture was written to {self.path}; a video needs one at least")
            with disk_errors(self.path):
                if error is None:
                    container.mux(stream.encode(None))
                container.close()
                if error is None:
                    sync(self._temporary)
                    self._temporary.replace(self.path)
                    sync(self.path.parent)
        finally:
            container.close()
            self._temporary.unlink(missing_ok=True)
