"""Run a dataset through a network and keep one number a unit and image: several layers in one pass, resumable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from workbench.data.datasets import Dataset
from workbench.data.images import decode
from workbench.engines import engine
from workbench.errors import ModelError
from workbench.progress import SILENT, Progress
from workbench.store import Artifact, ArtifactKey, Build, Store, content_hash
from workbench.studies.embed import SHARD, first_rows, list_column, list_matrix

if TYPE_CHECKING:
    import torch

    from workbench.models.layers import Layer
    from workbench.models.targets import Target

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Captured = dict[str, Floats]

LARGE_SIDE = 100
"""From this width of input on, in pixels, batches are small."""
BATCHES = {"small": 256, "large": 32}
"""Images in a batch for inputs below and from :data:`LARGE_SIDE`; both divide a shard."""


@dataclass(frozen=True)
class Activations:
    """One layer's pooled activations of a dataset.

    Parameters
    ----------
    dataset : Dataset
        Whose images.
    artifact : Artifact
        Columns ``digest`` and ``activation`` (units), a row for each different image.
    """

    dataset: Dataset
    artifact: Artifact

    def matrix(self) -> Floats:
        """Read them all: float32 ``(N, U)``, a row for each row of the dataset."""
        table = self.artifact.table()
        position = {digest: row for row, digest in enumerate(table["digest"].to_pylist())}
        return np.asarray(list_matrix(table, "activation")[[position[digest] for digest in self.dataset.digests]])


def record_activations(
    dataset: Dataset,
    target: Target,
    layers: Sequence[Layer],
    pool: str,
    store: Store,
    progress: Progress = SILENT,
) -> Mapping[str, Activations]:
    """Record the layers' activations for every image, or return what is stored.

    Parameters
    ----------
    pool : str
        See :class:`workbench.specs.DissectSpec`.

    Raises
    ------
    ModelError
        The network gives something that is no finite number; the text names layer and image.
    Cancelled
        Stopped by ``progress``; finished parts are kept.
    """
    keys = {layer.name: activations_key(dataset, target, layer, pool) for layer in layers}
    found = {name: store.find(key) for name, key in keys.items()}
    missing = [layer for layer in layers if found[layer.name] is None]
    with ExitStack() as stack:
        builds: dict[str, Build] = {}
        for layer in sorted(missing, key=lambda layer: keys[layer.name].name):  # one order of locks for everyone
            spec = {"dataset": dataset.name, "target": target.spec, "layer": layer.name, "pool": pool}
            build = stack.enter_context(store.build(keys[layer.name], spec, progress))
            if isinstance(build, Artifact):
                found[layer.name] = build
            else:
                builds[layer.name] = build
        recorded = [layer for layer in missing if layer.name in builds]
        if recorded:
            _record(dataset, target, recorded, pool, builds, progress)
        for layer in recorded:
            summary = {"dataset": dataset.name, "target": target.spec, "layer": layer.name, "units": layer.units}
            found[layer.name] = builds[layer.name].finish(summary)
    return {name: Activations(dataset, artifact) for name, artifact in found.items() if artifact is not None}


def activations_key(dataset: Dataset, target: Target, layer: Layer, pool: str) -> ArtifactKey:
    """Name a layer's activations: weights and preprocessing, layer, pooling, and the images' pixels in order."""
    return ArtifactKey(
        kind="activations",
        slug=f"{dataset.name}-{target.spec.rpartition('/')[2]}-{layer.name}",
        content={
            "target": target.fingerprint,
            "layer": layer.name,
            "pool": pool,
            "images": content_hash(dataset.digests[first_rows(dataset)].tolist()),
        },
    )


def forward_batches(dataset: Dataset, target: Target, rows: Rows) -> list[Rows]:
    """Cut rows into batches of a size that suits the network's input."""
    first = target.prepare([decode(data, dataset.name) for data in dataset.image_bytes(rows[:1])])
    size = BATCHES["large" if first.shape[-1] >= LARGE_SIDE else "small"]
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _record(
    dataset: Dataset,
    target: Target,
    layers: Sequence[Layer],
    pool: str,
    builds: Mapping[str, Build],
    progress: Progress,
) -> None:
    rows = first_rows(dataset)
    shards = {start // SHARD: rows[start : start + SHARD] for start in range(0, len(rows), SHARD)}
    missing = {
        index: shard for index, shard in shards.items() if not all(build.has_part(index) for build in builds.values())
    }
    progress.step(f"run {dataset.name} through {target.spec}", len(rows))
    progress.advance(len(rows) - sum(map(len, missing.values())))
    batches = [batch for shard in missing.values() for batch in forward_batches(dataset, target, shard)]
    prepare, compute = _stages(dataset, target, layers, pool)
    results = engine("local").map(prepare, compute, batches)
    for index, shard in missing.items():
        parts: list[Captured] = []
        done = 0
        while done < len(shard):
            parts.append(next(results))
            count = len(parts[-1][layers[0].name])
            progress.advance(count)
            done += count
        for layer in layers:
            values = np.concatenate([part[layer.name] for part in parts])
            _check_finite(values, layer, target, dataset, shard)
            if not builds[layer.name].has_part(index):
                columns = {"digest": dataset.digests[shard].tolist(), "activation": list_column(values)}
                builds[layer.name].write_table(index, pa.table(columns))


def _stages(
    dataset: Dataset, target: Target, layers: Sequence[Layer], pool_by: str
) -> tuple[Callable[[Rows], torch.Tensor], Callable[[torch.Tensor], Captured]]:
    import torch

    from workbench.models.layers import capture, pool

    def prepare(batch: Rows) -> torch.Tensor:
        return target.prepare([decode(data, dataset.name) for data in dataset.image_bytes(batch)])

    def compute(inputs: torch.Tensor) -> Captured:
        with torch.inference_mode(), capture(target.module, [layer.name for layer in layers]) as outputs:
            target.module(inputs)
            return {
                layer.name: pool(outputs[layer.name], layer.kind, pool_by).float().cpu().numpy() for layer in layers
            }

    return prepare, compute


def _check_finite(values: Floats, layer: Layer, target: Target, dataset: Dataset, shard: Rows) -> None:
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if bad.size:
        unit = int(np.flatnonzero(~np.isfinite(values[bad[0]]))[0])
        raise ModelError(
            f"{target.spec}: unit {unit} of layer {layer.name} gives {values[bad[0], unit]} for the image "
            f"{dataset.ids[shard[bad[0]]]!r} of {dataset.name}; the network must give finite numbers"
        )
