"""Nearest neighbours by sorting all cosines."""

from __future__ import annotations

import numpy as np


def nearest(embeddings: np.ndarray, query: np.ndarray, k: int, exclude: int = -1) -> list[int]:
    cosine = {}
    for row, embedding in enumerate(embeddings.astype(np.float64)):
        if row != exclude:
            other = query.astype(np.float64)
            cosine[row] = float(embedding @ other) / float(np.linalg.norm(embedding) * np.linalg.norm(other))
    return sorted(cosine, key=lambda row: (-cosine[row], row))[:k]
