"""Rendered faces for training and for held-out measurement, rendered once and kept in ``cache/``."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.data.faces import render, sample

BLOCK = 256
log = logging.getLogger("train_face_clip")


@dataclass(frozen=True)
class RenderedFaces:
    """Rendered gray faces with the truth about them.

    Attributes
    ----------
    pixels : ndarray, shape (N, 48, 48), uint8
    actions : ndarray, shape (N, 25), float32
        Strength of each facial action, 0 to 1.
    emotions : ndarray, shape (N,), int64
        Index into the seven classes, -1 for none.
    """

    pixels: NDArray[np.uint8]
    actions: NDArray[np.float32]
    emotions: NDArray[np.int64]


def rendered_faces(count: int, seed: int, random_share: float, cache: Path) -> RenderedFaces:
    """Read faces from the cache, rendering the blocks that it lacks (an interrupted rendering goes on)."""
    cache.mkdir(parents=True, exist_ok=True)
    blocks = []
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        path = cache / f"faces-{seed}-{random_share:g}-{start}-{size}.npz"
        if not path.exists():
            batch = render(sample(size, seed, start=start, random_share=random_share))
            sibling = path.with_suffix(".tmp.npz")
            np.savez(sibling, pixels=batch.images, actions=batch.actions, emotions=batch.emotions)
            sibling.replace(path)
            log.info("rendered %d of %d faces of seed %d", start + size, count, seed)
        with np.load(path) as stored:
            blocks.append((stored["pixels"], stored["actions"], stored["emotions"]))
    return RenderedFaces(*(np.concatenate(part) for part in zip(*blocks, strict=True)))
