"""Pictures that speak for a score: the frames of its peaks and of its end, taken from the video when asked for.

Pictures are never stored with a score. Where the video is gone, there are none.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from workbench.data.face_tracks import WHOLE, crop
from workbench.data.video import Source, pictures_at
from workbench.methods.peak_end import PeakEnd
from workbench.methods.shapes import Floats
from workbench.studies.scoring import VideoScore

SIDE = 640
"""The longest side of a frame's picture, in pixels."""
FRAME = "#f2c14e"
"""Colour of the frame around a face."""


@dataclass(frozen=True)
class Moment:
    """A frame that a score depends on.

    Parameters
    ----------
    name : str
        What it is: ``earlier peak``, ``later peak`` or ``end``.
    row : int
        Its row in the score.
    time, score : float
        Seconds, and the frame score as it was judged.
    """

    name: str
    row: int
    time: float
    score: float


@dataclass(frozen=True)
class Picture:
    """A frame, and the face as the model saw it.

    Parameters
    ----------
    row : int
        Row in the score.
    frame : Image or None
        RGB, at most :data:`SIDE` pixels wide and high; ``None`` where it cannot be read.
    face : Image or None
        What was encoded; ``None`` where the frame cannot be read or is a gap.
    """

    row: int
    frame: Image.Image | None
    face: Image.Image | None


def framed(picture: Image.Image, box: Sequence[float] | Floats | None) -> bytes:
    """Return a picture as JPEG with a frame around ``box`` (left, top, width, height as shares), if there is one."""
    drawn = picture.convert("RGB")
    if box is not None and np.isfinite(box).all() and tuple(box) != WHOLE:
        wide, high = drawn.size
        corners = box[0] * wide, box[1] * high, (box[0] + box[2]) * wide, (box[1] + box[3]) * high
        ImageDraw.Draw(drawn).rectangle([float(each) for each in corners], outline=FRAME, width=max(2, wide // 160))
    buffer = io.BytesIO()
    drawn.save(buffer, format="JPEG", quality=88)
    return buffer.getvalue()


def moments(score: VideoScore, result: PeakEnd | None = None) -> list[Moment]:
    """Return the earlier peak, the later peak and the end (the frame that weighs most in it), in time's order."""
    result = result or score.result
    rows = {
        "earlier peak": result.earlier_row,
        "later peak": result.later_row,
        "end": int(np.argmax(result.end_weights)),
    }
    found = [Moment(name, row, float(score.times[row]), float(result.course[row])) for name, row in rows.items()]
    return sorted(found, key=lambda moment: moment.time)


def pictures(score: VideoScore, source: Source, rows: Sequence[int]) -> list[Picture]:
    """Return the pictures of some rows of a score, in their order.

    Parameters
    ----------
    source : Path or BinaryIO
        The video that was scored.

    Raises
    ------
    VideoError
        It is no video.
    """
    found = []
    frames = pictures_at(source, [float(score.times[row]) for row in rows])
    for row, frame in zip(rows, frames, strict=True):
        if frame is None:
            found.append(Picture(row, None, None))
            continue
        face = None
        if score.present[row]:
            x, y, width, height = map(float, score.box[row])
            face = crop(frame, (x, y, width, height), score.spec.margin, score.spec.colour)
        whole = Image.fromarray(frame.picture)
        whole.thumbnail((SIDE, SIDE))
        found.append(Picture(row, whole, face))
    return found
