"""A copy of a scored video with its face, its emotion and its score drawn into every frame."""

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
_GRAPH = 0.16  # height of the graph, as a share of the frame's


def write_annotated(score: VideoScore, source: Path, path: Path, progress: Progress = SILENT) -> None:
    """Write the copy: every frame, as long as the video can be read, without sound.

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
    with VideoWriter(path, wide, high, min(score.video["rate"] or 25.0, 1000.0)) as video:
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
        self._graph = self._draw_graph()

    def paint(self, frame: Frame) -> np.ndarray:
        """Return the frame's picture with everything drawn into it, uint8 ``(H, W, 3)``."""
        row = max(int(np.searchsorted(self._score.frames, frame.index, side="right")) - 1, 0)
        picture = Image.fromarray(frame.picture)
        top = self._high - self._graph.height
        picture.paste(Image.blend(picture.crop((0, top, self._wide, self._high)), self._graph, 0.72), (0, top))
        draw = ImageDraw.Draw(picture)
        across = min(float(self._score.times[row]) / self._end, 1.0) * (self._wide - 1)
        draw.line([(across, top), (across, self._high)], fill=_MARK, width=self._line)
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

    def _draw_graph(self) -> Image.Image:
        """Return the whole course as a strip of the frame's width; scores 1 to 5 from its foot to its top."""
        high = max(24, round(self._high * _GRAPH))
        graph = Image.new("RGB", (self._wide, high), _DARK)
        draw = ImageDraw.Draw(graph)
        across = np.clip(self._score.times / self._end, 0, 1) * (self._wide - 1)
        up = (high - 1) * (1 - (self._course - 1) / 4)
        middle = (high - 1) / 2
        draw.line([(0, middle), (self._wide, middle)], fill=_GAP, width=1)
        shown = np.isfinite(self._course)
        for run in np.split(np.arange(len(shown)), np.flatnonzero(np.diff(shown)) + 1):
            if shown[run[0]]:
                points = [(float(across[k]), float(up[k])) for k in run]
                draw.line(points if len(points) > 1 else points * 2, fill=_LIGHT, width=self._line)
        return graph
