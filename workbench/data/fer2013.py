"""FER2013 held in memory for training, without the training images that also stand in a held-out split.

The ordinary way to a data set is the importer; this module serves the training of the bundled models, which has to
know exactly which images a model has seen.

References
----------
Goodfellow et al., "Challenges in Representation Learning: A report on three machine learning contests", 2013.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from workbench.data.images import decode, perceptual_hash, pixel_digest
from workbench.errors import DatasetError

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
USAGES = ("Training", "PublicTest", "PrivateTest")
SIDE = 48
SAME, ALIKE, HASH_BITS = 0.9, 0.8, 2
"""When two images are one: see `without_held_out`."""
DIGEST_LENGTH = 16
"""Hex digits of a pixel digest that a fingerprint keeps."""


@dataclass(frozen=True)
class Faces:
    """Gray faces with a class each.

    Attributes
    ----------
    pixels : ndarray, shape (N, 48, 48), uint8
        Gray values, 0 black to 255 white.
    labels : ndarray, shape (N,), int64
        Index into `CLASSES`.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, keep: NDArray[np.bool_]) -> Faces:
        """Return the faces where ``keep`` is true."""
        return Faces(self.pixels[keep], self.labels[keep])


def read_fer2013(path: Path) -> dict[str, Faces]:
    """Read FER2013 from a Parquet file with the columns ``usage``, ``label`` and ``image`` (picture bytes).

    Returns
    -------
    dict of str to Faces
        One entry for each of `USAGES`, in the file's row order.

    Raises
    ------
    DatasetError
        If the file cannot be read, lacks a column, or an image is not 48x48.
    """
    try:
        table = pq.read_table(path, columns=["usage", "label", "image"])
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{path}: not a FER2013 Parquet file with usage, label and image: {error}") from error
    usages = np.array(table["usage"].to_pylist())
    labels = np.array([CLASSES.index(name) for name in table["label"].to_pylist()], dtype=np.int64)
    pixels = np.empty((len(labels), SIDE, SIDE), dtype=np.uint8)
    for row, data in enumerate(table["image"].to_pylist()):
        image = decode(data, f"{path} row {row}").convert("L")
        if image.size != (SIDE, SIDE):
            raise DatasetError(f"{path} row {row}: {image.size[0]}x{image.size[1]} pixels, not {SIDE}x{SIDE}")
        pixels[row] = np.asarray(image)
    return {usage: Faces(pixels[usages == usage], labels[usages == usage]) for usage in USAGES}


def without_held_out(training: Faces, held_out: NDArray[np.uint8]) -> Faces:
    """Leave out the training faces that also stand, the same or nearly, among held-out faces.

    Two images are the same here when their pixels correlate at `SAME` or more (which is so of copies that differ in
    brightness, contrast or compression, and of most other crops of one photograph), or at `ALIKE` or more while their
    perceptual hashes differ in `HASH_BITS` bits at most. Images of one gray value correlate with nothing and are left
    out altogether.

    Parameters
    ----------
    training : Faces
        The faces to choose from.
    held_out : ndarray, shape (M, 48, 48), uint8
        Faces a model must never have seen.
    """
    directions, hashes = _centred(held_out).T, _hashes(held_out)  # (P, M), (M,)
    rows, own = _centred(training.pixels), _hashes(training.pixels)
    block = 1024
    seen = np.ptp(training.pixels.reshape(len(training), -1), axis=1) == 0
    for i in range(0, len(rows), block):
        correlation = rows[i : i + block] @ directions  # (B, M)
        near = np.bitwise_count(own[i : i + block, None] ^ hashes) <= HASH_BITS
        seen[i : i + block] |= ((correlation >= SAME) | (near & (correlation >= ALIKE))).any(axis=1)
    return training.take(~seen)


def fingerprints(pixels: NDArray[np.uint8]) -> pa.Table:
    """Fingerprints of the images a model was trained on.

    Returns
    -------
    pa.Table
        Columns ``digest`` (the first 16 hex digits of the pixel digest) and ``perceptual_hash`` (uint64), sorted by
        digest; identical images stand once.
    """
    found = {}
    for face in pixels:
        image = Image.fromarray(face)
        found[pixel_digest(image)[:DIGEST_LENGTH]] = perceptual_hash(image)
    digests = sorted(found)
    hashes = pa.array([found[digest] for digest in digests], type=pa.uint64())
    return pa.table({"digest": pa.array(digests, type=pa.string()), "perceptual_hash": hashes})


def write_fingerprints(pixels: NDArray[np.uint8], path: Path) -> None:
    """Write `fingerprints` as a compressed Parquet file."""
    pq.write_table(fingerprints(pixels), path, compression="zstd", use_dictionary=False)


def _hashes(pixels: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return np.array([perceptual_hash(Image.fromarray(face)) for face in pixels], dtype=np.uint64)


def _centred(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    rows = pixels.reshape(len(pixels), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return rows
