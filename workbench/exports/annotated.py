"""A copy of a scored video: face, emotion and score in every frame, the course of the score in a strip beneath."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from workbench.data.video import Frame, Reader
from workbench.data.video_writer import VideoWriter
from workbench.progress import SILENT, Progress
from workbench.studies.scoring import VideoScore

SIDE = 1280
"""The longest side of the copy, in pixels."""
_LIGHT, _DARK, _MARK, _GAP = (255, 255, 255), (16, 22, 28), (255, 176, 0), (150, 160, 168)
_FAINT = (52, 62, 70)
_GRAPH = 0.2  # height of the strip, as a share of the frame's


def write_annotated(score: VideoScore, source: Path, path: Path, progress: Progress = SILENT) -> None:
    """Write the copy: every frame, as long as the video can be read, without sound.

    It is higher than the video by the strip with the course of the score, a fifth and at least 60 pixels.

    Parameters
    ----------
    source : Path
        The video that was scored.
    path : Path
        The MP4 to make; whole or absent.

    Raises
    ------
    VideoError, StoreError
        The video cannot be read, or the copy not be written.
    """
    reader = Reader(source, max_side=SIDE)
    progress.step(f"annotate {score.video['name']}", score.video["frames"])
    frames = iter(reader)
    first = next(frames)
    high, wide = first.picture.shape[:2]
    painter = _Painter(score, wide, high)
    with VideoWriter(path, wide, painter.height, min(score.video["rate"] or 25.0, 1000.0)) as video:
        for frame in chain([first], frames):
            video.write(painter.paint(frame), frame.time)
            progress.advance()


class _Painter:
    """Draws into frames; what is the same in all of them is prepared once."""

    def __init__(self, score: VideoScore, wide: int, high: int) -> None:
        self._score, self._wide, self._high = score, wide, high
        self._text = max(12, round(high / 22))
        self._font = ImageFont.load_default(self._text)
        self._line = max(2, round(high / 240))
        self._course = score.result.course
        self._end = max(float(score.times[-1]), 1e-9)
        strip = max(60, round(high * _GRAPH))
        self.height = high + strip + (high + strip) % 2
        small = max(10, round(strip / 9))
        self._small, pad = ImageFont.load_default(small), 0.75 * small
        self._left, self._right = 2.5 * pad, wide - 1 - pad  # the strip's plot area, in pixels
        self._top, self._bottom = pad, self.height - high - 1 - pad
        self._graph = self._draw_graph()

    def paint(self, frame: Frame) -> np.ndarray:
        """Return the frame's picture with everything drawn into it and the strip beneath, uint8 ``(height, W, 3)``."""
        row = max(int(np.searchsorted(self._score.frames, frame.index, side="right")) - 1, 0)
        picture = Image.new("RGB", (self._wide, self.height), _DARK)
        picture.paste(Image.fromarray(frame.picture), (0, 0))
        picture.paste(self._graph, (0, self._high))
        draw = ImageDraw.Draw(picture)
        across = self._across(float(self._score.times[row]))
        ends = (self._high + self._top, self._high + self._bottom)
        draw.line([(across, ends[0]), (across, ends[1])], fill=_MARK, width=self._line)
        self._write(draw, row)
        return np.asarray(picture)

    def _write(self, draw: ImageDraw.ImageDraw, row: int) -> None:
        if not self._score.present[row]:
            self._label(draw, (self._line * 2, self._line * 2), "no face: a gap", _GAP)
            return
        x, y, width, height = (float(value) for value in self._score.box[row])
        box = (x * self._wide, y * self._high, (x + width) * self._wide, (y + height) * self._high)
        draw.rectangle(box, outline=_MARK, width=self._line)
        shares = self._score.class_probabilities[row]
        best = int(np.nanargmax(shares))
        words = f"{self._course[row]:.2f}  {self._score.classes[best]} {shares[best]:.0%}"
        above = max(box[1] - 1.6 * self._text, 0.0)
        self._label(draw, (max(box[0], 0.0), above), words, _MARK)

    def _label(
        self, draw: ImageDraw.ImageDraw, place: tuple[float, float], words: str, colour: tuple[int, int, int]
    ) -> None:
        left, top, right, bottom = draw.textbbox(place, words, font=self._font)
        pad = self._line
        draw.rectangle((left - pad, top - pad, right + pad, bottom + pad), fill=_DARK)
        draw.text(place, words, fill=colour, font=self._font)

    def _across(self, time: float) -> float:
        return self._left + min(max(time / self._end, 0.0), 1.0) * (self._right - self._left)

    def _up(self, score: float) -> float:
        return self._bottom - (score - 1) / 4 * (self._bottom - self._top)

    def _draw_graph(self) -> Image.Image:
        """Return the strip with the whole course; scores 1 to 5 from its foot to its top."""
        graph = Image.new("RGB", (self._wide, self.height - self._high), _DARK)
        draw = ImageDraw.Draw(graph)
        for score in range(1, 6):
            draw.line([(self._left, self._up(score)), (self._right, self._up(score))], fill=_FAINT, width=1)
            if score % 2:
                place = (0.8 * self._left, self._up(score))
                draw.text(place, str(score), fill=_GAP, font=self._small, anchor="rm")
        shown = np.isfinite(self._course)
        for run in np.split(np.arange(len(shown)), np.flatnonzero(np.diff(shown)) + 1):
            if shown[run[0]]:
                points = [(self._across(float(self._score.times[k])), self._up(float(self._course[k]))) for k in run]
                draw.line(points if len(points) > 1 else points * 2, fill=_LIGHT, width=self._line)
        return graph
