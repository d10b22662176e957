"""Recorded activations read by unit and by face."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.app.synthetic import write_dissection
from tests.conftest import write_source
from workbench.data.datasets import open_dataset
from workbench.errors import SpecError, StoreError
from workbench.specs import ImportSpec
from workbench.store import Artifact, Store
from workbench.studies import unit_values
from workbench.studies.activations import Activations
from workbench.studies.dissection import Dissection
from workbench.studies.importing import import_dataset
from workbench.studies.unit_values import UnitValues


@pytest.fixture
def dissection(store: Store, tmp_path: Path) -> Dissection:
    import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet", 60)), "faces"), store)
    return write_dissection(store, "faces", 24)


def recorded(dissection: Dissection, store: Store, layer: str) -> np.ndarray:
    """A layer's recorded activations, read whole."""
    artifact = store.artifact(*dissection.recorded[layer].split("/", 1))
    return Activations(open_dataset(store, dissection.spec.dataset), artifact).matrix()


@pytest.mark.parametrize("kept", [0, unit_values.KEPT])
def test_a_unit_is_read_over_all_faces(
    dissection: Dissection, store: Store, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit_values, "KEPT", kept)
    monkeypatch.setattr(unit_values, "SHARD", 7)
    monkeypatch.setattr("tests.app.synthetic.SHARD", 7)
    small = write_dissection(store, "faces", 22)
    values = UnitValues(small, store)
    for layer in small.layers:
        expected = recorded(small, store, layer)
        for unit in (0, 10):
            np.testing.assert_array_equal(values.unit(layer, unit), expected[:, unit])


def test_a_face_is_read_over_all_units(dissection: Dissection, store: Store) -> None:
    values = UnitValues(dissection, store)
    for row in (0, 8, 9, 59):  # 9 is a copy of 8
        expected = [recorded(dissection, store, layer)[row] for layer in dissection.layers]
        np.testing.assert_array_equal(values.face(row), np.concatenate(expected))


def test_a_unit_that_is_not_there_is_refused(dissection: Dissection, store: Store) -> None:
    with pytest.raises(SpecError, match="units 0 to 11"):
        UnitValues(dissection, store).unit("lin1", 12)


def test_deleted_activations_are_missed_in_one_line(dissection: Dissection, store: Store) -> None:
    for artifact in store.artifacts("activations"):
        store.remove(artifact)
    with pytest.raises(StoreError):
        UnitValues(dissection, store).unit("lin1", 0)


def test_a_dataset_that_has_changed_since_is_refused(dissection: Dissection, store: Store, tmp_path: Path) -> None:
    import_dataset(ImportSpec(str(write_source(tmp_path / "others.parquet", 60, seed=9)), "others"), store)
    manifest = dissection.artifact.manifest
    moved = {**manifest, "spec": {**manifest["spec"], "dataset": "others"}}
    other = Dissection(replace(dissection.artifact, manifest=moved))
    assert isinstance(other.artifact, Artifact)
    with pytest.raises(StoreError, match="others has changed"):
        UnitValues(other, store).unit("conv1", 0)
