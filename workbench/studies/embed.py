"""Encode a dataset's images, and texts, with a CLIP: equal images once, resumable, stored by content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from workbench.data.datasets import Dataset, open_dataset
from workbench.data.images import decode
from workbench.engines import Engine, engine
from workbench.errors import DamagedArtifactError
from workbench.progress import SILENT, Progress
from workbench.specs import EmbedSpec
from workbench.store import Artifact, ArtifactKey, Build, Store, content_hash

if TYPE_CHECKING:
    import torch

    from workbench.models.clip import Clip

SHARD = 2048
"""Images in one stored part; an interrupted run resumes after the last whole part."""
BATCH = 256
"""Images encoded at once; divides :data:`SHARD`, so a resumed run sees the same batches."""


@dataclass(frozen=True)
class Embeddings:
    """Image embeddings of a dataset.

    Parameters
    ----------
    artifact : Artifact
        Where they are stored: columns ``digest`` and ``embedding``, a row for each different image.
    matrix : ndarray of float32, shape (N, D)
        Unit vectors, one for each row of the dataset; read-only.
    """

    artifact: Artifact
    matrix: np.ndarray


def embed(spec: EmbedSpec, store: Store, progress: Progress = SILENT) -> Embeddings:
    """Encode every image of a dataset, or return what is stored.

    Raises
    ------
    SpecError, ModelError
        The dataset, CLIP or engine does not exist or cannot be loaded.
    Cancelled
        Stopped by ``progress``; finished parts are kept.
    """
    from workbench.models.clip import load_clip  # loads torch, which reading stored embeddings does without

    dataset = open_dataset(store, spec.dataset)
    workers = engine(spec.engine)
    progress.step(f"load {spec.clip}")
    return embed_dataset(dataset, load_clip(spec.clip), store, progress, workers)


def embed_dataset(
    dataset: Dataset, clip: Clip, store: Store, progress: Progress = SILENT, workers: Engine | None = None
) -> Embeddings:
    """Encode a dataset with a CLIP that is already loaded; see :func:`embed`."""
    rows = first_rows(dataset)
    key = embeddings_key(clip, dataset)

    def compute(build: Build) -> Artifact:
        if not _copy_parts(build, dataset, rows, key, store):
            _encode_parts(build, dataset, clip, rows, progress, workers or engine("local"))
        return build.finish({"dataset": dataset.name, "clip": clip.name, "images": len(rows), "dim": clip.dim})

    spec = EmbedSpec(dataset.name, clip.name).to_dict()
    return open_embeddings(dataset, store.find_or_build(key, spec, compute, progress))


def embeddings_key(clip: Clip, dataset: Dataset) -> ArtifactKey:
    """Name a dataset's embeddings: the CLIP's weights and preprocessing, and the images' pixels in order."""
    return ArtifactKey(
        kind="embeddings",
        slug=f"{dataset.name}-{clip.name.rpartition('/')[2] if clip.name.startswith('local-dir:') else clip.name}",
        content={"clip": clip.fingerprint, "images": content_hash(dataset.digests[first_rows(dataset)].tolist())},
    )


def open_embeddings(dataset: Dataset, artifact: Artifact) -> Embeddings:
    """Lay stored embeddings out by the dataset's rows."""
    table = artifact.table()
    position = {digest: row for row, digest in enumerate(table["digest"].to_pylist())}
    matrix = list_matrix(table, "embedding")[[position[digest] for digest in dataset.digests]]
    matrix.flags.writeable = False
    return Embeddings(artifact, matrix)


def embed_texts(texts: Sequence[str], clip: Clip, store: Store, progress: Progress = SILENT) -> np.ndarray:
    """Encode texts, or return what is stored.

    Returns
    -------
    ndarray of float32, shape (len(texts), D)
        Unit vectors in the order of ``texts``; equal texts are encoded once.
    """
    unique = list(dict.fromkeys(texts))
    key = ArtifactKey("texts", f"{len(unique)}-texts", {"clip": clip.fingerprint, "texts": unique})

    def compute(build: Build) -> Artifact:
        progress.step("encode texts", len(unique))
        vectors = clip.encode_texts(unique)
        progress.advance(len(unique))
        build.write_table(0, pa.table({"text": unique, "embedding": list_column(vectors)}))
        return build.finish({"clip": clip.name, "texts": len(unique)})

    artifact = store.find_or_build(key, {"clip": clip.name, "texts": unique}, compute, progress)
    position = {text: row for row, text in enumerate(unique)}
    return list_matrix(artifact.table(), "embedding")[[position[text] for text in texts]]


def _copy_parts(build: Build, dataset: Dataset, rows: np.ndarray, key: ArtifactKey, store: Store) -> bool:
    """Write the vectors of another dataset's embeddings by the same CLIP, where they hold every image of this one.

    So the images of a cleaned dataset, which are among its parent's, are not encoded again.
    """
    digests = dataset.digests[rows]
    for artifact in store.artifacts(key.kind):
        if artifact.manifest["content"].get("clip") != key.content["clip"] or artifact.summary["images"] < len(rows):
            continue
        try:
            table = artifact.table()
        except DamagedArtifactError:
            continue
        position = {digest: place for place, digest in enumerate(table["digest"].to_pylist())}
        if all(digest in position for digest in digests):
            for start in range(0, len(rows), SHARD):
                places = pa.array([position[digest] for digest in digests[start : start + SHARD]])
                build.write_table(start // SHARD, table.take(places).combine_chunks())
            return True
    return False


def _encode_parts(
    build: Build, dataset: Dataset, clip: Clip, rows: np.ndarray, progress: Progress, workers: Engine
) -> None:
    shards = {start // SHARD: rows[start : start + SHARD] for start in range(0, len(rows), SHARD)}
    missing = {index: shard for index, shard in shards.items() if not build.has_part(index)}
    progress.step(f"encode {dataset.name} with {clip.name}", len(rows))
    progress.advance(len(rows) - sum(map(len, missing.values())))

    def prepare(batch: np.ndarray) -> torch.Tensor:
        return clip.prepare([decode(data, dataset.name) for data in dataset.image_bytes(batch)])

    batches = [shard[start : start + BATCH] for shard in missing.values() for start in range(0, len(shard), BATCH)]
    encoded = workers.map(prepare, clip.encode_prepared, batches)
    for index, shard in missing.items():
        vectors: list[np.ndarray] = []
        while sum(map(len, vectors)) < len(shard):
            vectors.append(next(encoded))
            progress.advance(len(vectors[-1]))
        digests = dataset.digests[shard].tolist()
        build.write_table(index, pa.table({"digest": digests, "embedding": list_column(np.concatenate(vectors))}))


def first_rows(dataset: Dataset) -> np.ndarray:
    """Return the row each different image first stands in, ascending."""
    return np.sort(np.unique(dataset.digests, return_index=True)[1])


def list_column(values: np.ndarray) -> pa.FixedSizeListArray:
    """Return a matrix ``(N, D)`` as a column of N lists."""
    if not values.shape[1]:
        return pa.array([[]] * len(values), pa.list_(pa.from_numpy_dtype(values.dtype)))
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(values).ravel()), values.shape[1])


def list_matrix(table: pa.Table, name: str) -> np.ndarray:
    """Return a column of lists as a matrix ``(N, D)``."""
    lists = table[name].combine_chunks()
    return np.asarray(lists.flatten().to_numpy()).reshape(len(lists), -1)
