"""Which images a model was trained on, so that no study judges those very images with it unawares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from workbench.errors import ModelError

FILE = "training_images.parquet"
"""Columns ``digest`` (first 16 hex digits of the pixel digest) and ``perceptual_hash`` (uint64)."""


@dataclass(frozen=True)
class TrainingImages:
    """Fingerprints of the images a model was trained on.

    Parameters
    ----------
    digests : ndarray of str, shape (N,)
        First 16 hex digits of each image's pixel digest, sorted.
    hashes : ndarray of uint64, shape (N,)
        Perceptual hashes, sorted: they also match a copy that was compressed again.
    """

    digests: np.ndarray
    hashes: np.ndarray

    @classmethod
    def read(cls, folder: Path) -> TrainingImages | None:
        """Read a model folder's fingerprints; ``None`` where it carries none.

        Raises
        ------
        ModelError
            The file is there but cannot be read.
        """
        path = folder / FILE
        if not path.is_file():
            return None
        try:
            table = pq.read_table(path, columns=["digest", "perceptual_hash"])
        except (OSError, ValueError) as error:
            raise ModelError(f"{path}: the fingerprints cannot be read ({error})") from error
        digests = np.sort(np.asarray(table["digest"].to_pylist(), dtype="U16"))
        return cls(digests, np.sort(table["perceptual_hash"].to_numpy().astype(np.uint64)))

    def union(self, other: TrainingImages | None) -> TrainingImages:
        """Return the fingerprints of the images that either was trained on."""
        if other is None:
            return self
        return TrainingImages(np.union1d(self.digests, other.digests), np.union1d(self.hashes, other.hashes))

    def matches(self, digests: np.ndarray, hashes: np.ndarray) -> np.ndarray:
        """Return which images the model was trained on: equal pixels, or an equal perceptual hash.

        Parameters
        ----------
        digests : ndarray of str, shape (M,)
            Pixel digests, in hex.
        hashes : ndarray of uint64, shape (M,)
            Perceptual hashes.

        Returns
        -------
        ndarray of bool, shape (M,)
        """
        return np.isin(digests.astype("U16"), self.digests) | np.isin(hashes.astype(np.uint64), self.hashes)
