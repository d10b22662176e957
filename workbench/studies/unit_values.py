"""One unit over all faces: its recorded activation for every image of the dataset."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workbench.errors import StoreError
from workbench.store import Store
from workbench.studies.dissection import Dissection, layer_activations
from workbench.studies.embed import SHARD, first_rows, list_matrix


def unit_values(dissection: Dissection, store: Store, layer: str, unit: int) -> npt.NDArray[np.float32]:
    """Return one unit's activation for every image, float32 ``(N,)`` by dataset row; one part is in memory at a time.

    Raises
    ------
    SpecError
        The dissection has no such layer or unit.
    StoreError
        The activations were deleted, or the dataset has changed since; dissect again to record them.
    """
    dissection.index(layer, unit)
    recorded = layer_activations(dissection, store, layer)
    dataset = recorded.dataset
    parts = range(-(-len(first_rows(dataset)) // SHARD))
    tables = (recorded.artifact.table(part) for part in parts)
    found = {
        digest: value
        for table in tables
        for digest, value in zip(
            table["digest"].to_pylist(), list_matrix(table, "activation")[:, unit].tolist(), strict=True
        )
    }
    missing = next((row for row, digest in enumerate(dataset.digests) if digest not in found), None)
    if missing is not None:
        raise StoreError(
            f"no activation of {layer} is recorded for {dataset.ids[missing]!r} of {dataset.name}; "
            "the dataset has changed, so dissect it again"
        )
    return np.array([found[digest] for digest in dataset.digests], dtype=np.float32)
