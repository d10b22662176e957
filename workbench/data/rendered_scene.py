"""The pictures of rendered videos: a person before a wall, drawn from a rendered square of head and shoulders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 320, 240
"""Size of a picture in pixels."""

_Floats = NDArray[np.float64]


def view(square: NDArray[np.uint8], left: float, top: float, side: float) -> _Floats:
    """Return the whole picture as if this person were alone in it, before a wall without texture.

    Parameters
    ----------
    square : ndarray of uint8, shape (N, N)
        Head and shoulders as rendered, before an even background.
    left, top, side : float
        Where the square stands in the picture, in pixels; it may reach beyond it.

    Returns
    -------
    ndarray of float64, shape (HEIGHT, WIDTH)
        Gray, 0..255.
    """
    tone = float(np.median(square[0]))
    wide = _rounded_shoulders(square.astype(np.float32), tone)
    zoom = len(square) / side  # source pixels a picture pixel
    start = (wide.shape[1] - len(square)) / 2 - left * zoom, -top * zoom
    shown = Image.fromarray(wide).transform(
        (WIDTH, HEIGHT),
        Image.Transform.AFFINE,
        (zoom, 0.0, start[0], 0.0, zoom, start[1]),
        Image.Resampling.BICUBIC,
        fillcolor=tone,
    )
    return np.asarray(shown, dtype=np.float64)


def side_by_side(views: Sequence[_Floats], cuts: Sequence[float]) -> _Floats:
    """Put the views of several people into one picture, each from its cut (in pixels from the left) to the next."""
    picture = views[0].copy()
    for cut, each in zip(cuts, views[1:], strict=True):
        picture[:, round(cut) :] = each[:, round(cut) :]
    return picture


def wall(seed: tuple[int, ...]) -> _Floats:
    """Return a wall's faint texture (HEIGHT, WIDTH), to be added: smooth spots of a few gray levels."""
    coarse = np.random.default_rng(seed).normal(0, 4, (HEIGHT // 16, WIDTH // 16)).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), dtype=np.float64)


def _rounded_shoulders(square: NDArray[np.float32], tone: float) -> NDArray[np.float32]:
    """Widen the square a little and let the shoulders fall off to the sides, so that no edge of it is to be seen."""
    size = len(square)
    wide = np.pad(square, ((0, 0), (size // 8, size // 8)), mode="edge")
    across = np.abs(np.arange(wide.shape[1]) + 0.5 - wide.shape[1] / 2) / (size / 2)
    drop = 0.25 * size * np.clip((across - 0.72) / 0.5, 0, None) ** 2
    rows = np.arange(size)[:, None] - drop[None, :]  # where each pixel comes from
    whole = np.floor(rows).astype(np.int64)
    part = (rows - whole).astype(np.float32)
    padded = np.concatenate([np.full((size, wide.shape[1]), tone, np.float32), wide])
    columns = np.arange(wide.shape[1])[None, :]
    upper, lower = padded[whole + size, columns], padded[np.minimum(whole + 1, size - 1) + size, columns]
    return np.asarray(upper + part * (lower - upper), dtype=np.float32)
