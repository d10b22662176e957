"""Raw pixels as features: what a classifier without any encoder learns from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from workbench.data.datasets import Dataset
from workbench.data.images import decode
from workbench.methods.shapes import Floats, Ints
from workbench.progress import SILENT, Progress

SIDE = 48
"""Width and height that pictures are brought to, in pixels; FER2013's own."""
DIMENSION = SIDE * SIDE
_BATCH = 1024


def gray_pixels(pictures: Sequence[Image.Image]) -> Floats:
    """Turn pictures into rows of gray values, float32 ``(N, 2304)`` in 0..1, row by row from the top left."""
    size = (SIDE, SIDE)
    gray = [picture if picture.mode == "L" else picture.convert("L") for picture in pictures]
    squared = [picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC) for picture in gray]
    pixels = np.stack([np.asarray(picture, dtype=np.uint8) for picture in squared])
    return np.asarray(pixels.reshape(len(pixels), DIMENSION) / np.float32(255), dtype=np.float32)


def pixel_features(dataset: Dataset, rows: Ints, progress: Progress = SILENT) -> Floats:
    """Return the gray values of a dataset's images, float32 ``(len(rows), 2304)``."""
    features = np.empty((len(rows), DIMENSION), dtype=np.float32)
    progress.step(f"read the pixels of {dataset.name}", len(rows))
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        features[start : start + len(batch)] = gray_pixels(
            [decode(data, dataset.name) for data in dataset.image_bytes(batch)]
        )
        progress.advance(len(batch))
    return features
