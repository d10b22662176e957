"""A dissection's recorded activations, read by unit or by face as a page asks for them."""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property
from threading import Lock

import numpy as np
import numpy.typing as npt

from workbench.data.datasets import Dataset, open_dataset
from workbench.errors import StoreError
from workbench.store import Artifact, Store
from workbench.studies.dissection import Dissection
from workbench.studies.embed import SHARD, list_matrix

Floats = npt.NDArray[np.float32]

KEPT = 160_000_000
"""A layer with at most this many activations (640 MB) stays in memory while its units are looked at."""
COLUMNS = 64
"""Units whose activations stay in memory, whatever the layer's size."""


class UnitValues:
    """The activations of a dissection's units on the faces of its dataset; safe to read from several threads.

    Parameters
    ----------
    dissection : Dissection
        Whose units.
    store : Store
        The workspace that holds the recorded activations.

    Raises
    ------
    SpecError
        The dataset is gone.
    """

    def __init__(self, dissection: Dissection, store: Store) -> None:
        self.dissection = dissection
        self.dataset: Dataset = open_dataset(store, dissection.spec.dataset)
        self._store = store
        self._kept: tuple[str, Floats] | None = None
        self._columns: OrderedDict[tuple[str, int], Floats] = OrderedDict()
        self._lock = Lock()

    def face(self, row: int) -> Floats:
        """Return every unit's activation for one face, shape ``(U,)``; one part a layer is read.

        Raises
        ------
        StoreError
            The activations were deleted, or the dataset has changed; dissect again to record them.
        """
        place = int(self._places[row])
        return np.concatenate(
            [self._part(self._artifact(layer), place // SHARD)[place % SHARD] for layer in self.dissection.layers]
        )

    def unit(self, layer: str, unit: int) -> Floats:
        """Return one unit's activation for every face, shape ``(N,)`` by dataset row.

        Raises
        ------
        SpecError
            The dissection has no such layer or unit.
        StoreError
            As for :meth:`face`.
        """
        self.dissection.index(layer, unit)
        with self._lock:
            if (layer, unit) not in self._columns:
                self._columns[layer, unit] = self._read(layer, unit)[self._places]
                if len(self._columns) > COLUMNS:
                    self._columns.popitem(last=False)
            return self._columns[layer, unit]

    def _read(self, layer: str, unit: int) -> Floats:
        """Return a unit's activation for every different face."""
        if self._kept is not None and self._kept[0] == layer:
            return np.asarray(self._kept[1][:, unit])
        artifact, rows = self._artifact(layer), self.dissection.rows(layer)
        parts = (self._part(artifact, part) for part in range(-(-len(self._firsts) // SHARD)))
        if len(self._firsts) * (rows.stop - rows.start) > KEPT:
            return np.concatenate([part[:, unit] for part in parts])
        self._kept = layer, np.concatenate(list(parts))
        return np.asarray(self._kept[1][:, unit])

    @cached_property
    def _unique(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The row each different image first stands in, ascending, and each row's place among them."""
        _, firsts, inverse = np.unique(self.dataset.digests.astype(np.str_), return_index=True, return_inverse=True)
        order = np.argsort(firsts)
        places = np.empty(len(order), dtype=np.int64)
        places[order] = np.arange(len(order))
        return firsts[order], places[inverse]

    @property
    def _firsts(self) -> npt.NDArray[np.int64]:
        return self._unique[0]

    @property
    def _places(self) -> npt.NDArray[np.int64]:
        return self._unique[1]

    def _artifact(self, layer: str) -> Artifact:
        return self._store.artifact(*self.dissection.recorded[layer].split("/", 1))

    def _part(self, artifact: Artifact, part: int) -> Floats:
        table = artifact.table(part)
        rows = self._firsts[part * SHARD : (part + 1) * SHARD]
        if table["digest"].to_pylist() != self.dataset.digests[rows].tolist():
            raise StoreError(f"{self.dataset.name} has changed since {artifact.name} was recorded; dissect it again")
        return np.asarray(list_matrix(table, "activation"))
