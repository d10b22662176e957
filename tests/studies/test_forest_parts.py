"""A forest that is killed while it grows goes on where it was, to the same trees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import StopAfter
from tests.studies.review_data import judged_dataset
from workbench.errors import Cancelled, DamagedArtifactError
from workbench.methods import forest
from workbench.progress import SILENT
from workbench.specs.training import ProbeSpec
from workbench.store import Artifact, Store
from workbench.studies import forest_parts
from workbench.studies.probe import probe


def known(count: int = 80) -> tuple[np.ndarray, np.ndarray]:
    features = np.random.default_rng(0).normal(size=(count, 4)).astype(np.float32)
    return features, (features[:, 0] > features[:, 1]).astype(np.int64)


SPEC = ProbeSpec("faces", "forest", trees=140, seed=1)


def test_the_parts_make_the_forest_that_grows_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forest_parts, "PART", 20)
    begun = forest.grow(*known(), 2, 100, 3, 1)
    found, _ = forest_parts.grow_on(begun, SPEC, known(), 2, 3, store, SILENT)
    for name, array in forest.grow(*known(), 2, 140, 3, 1).arrays().items():
        np.testing.assert_array_equal(found.arrays()[name], array)


def test_a_stopped_growth_keeps_its_parts_and_grows_only_the_rest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forest_parts, "PART", 20)
    begun = forest.grow(*known(), 2, 100, 3, 1)
    with pytest.raises(Cancelled):
        forest_parts.grow_on(begun, SPEC, known(), 2, 3, store, StopAfter(4))
    (kept,) = store.artifacts("trees")
    monkeypatch.setattr(type(kept), "summary", {"seconds": 100.0})
    grown: list[int] = []
    whole = forest.grow

    def counted(*given: object) -> forest.Forest:
        grown.append(given[6])  # type: ignore[arg-type]
        return whole(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(forest_parts, "grow", counted)
    found, seconds = forest_parts.grow_on(begun, SPEC, known(), 2, 3, store, SILENT)
    assert seconds >= 100
    assert grown == [120]
    np.testing.assert_array_equal(found.child, whole(*known(), 2, 140, 3, 1).child)


def test_other_images_leaves_or_seeds_take_no_part_of_another(store: Store) -> None:
    begun = forest.grow(*known(), 2, 100, 3, 1)
    forest_parts.grow_on(begun, SPEC, known(), 2, 3, store, SILENT)
    features, labels = known()
    forest_parts.grow_on(begun, SPEC, (features + 1, labels), 2, 3, store, SILENT)
    forest_parts.grow_on(begun, SPEC, (features, 1 - labels), 2, 3, store, SILENT)
    forest_parts.grow_on(begun, SPEC, known(), 2, 5, store, SILENT)
    forest_parts.grow_on(begun, ProbeSpec("faces", "forest", trees=140, seed=2), known(), 2, 3, store, SILENT)
    assert len(store.artifacts("trees")) == 5


def test_no_part_is_left_once_the_forest_is_stored(store: Store, tmp_path: Path) -> None:
    judged_dataset(store, tmp_path, 60)
    spec = ProbeSpec("faces", "forest", "pixels", settings="5", trees=110)
    assert probe(spec, store).growth[-1]["trees"] == 110
    assert not store.artifacts("trees")


def test_a_forest_removes_the_parts_of_smaller_ones_and_leaves_those_of_larger_ones(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forest_parts, "PART", 20)
    begun = forest.grow(*known(), 2, 100, 3, 1)
    small, large = (ProbeSpec("faces", "forest", trees=trees, seed=1) for trees in (130, 180))
    with pytest.raises(Cancelled):
        forest_parts.grow_on(begun, large, known(), 2, 3, store, StopAfter(4))
    (kept,) = store.artifacts("trees")
    forest_parts.grow_on(begun, small, known(), 2, 3, store, SILENT)
    forest_parts.grow_on(begun, ProbeSpec("faces", "forest", trees=110, seed=2), known(), 2, 3, store, SILENT)
    forest_parts.forget_parts(small, store)
    assert sorted(part.spec["seed"] for part in store.artifacts("trees")) == [1, 2]
    assert store.artifact("trees", kept.name) == kept
    forest_parts.grow_on(begun, small, known(), 2, 3, store, SILENT)
    forest_parts.forget_parts(large, store)
    assert [part.spec["seed"] for part in store.artifacts("trees")] == [2]


def test_a_part_that_another_run_removes_meanwhile_is_grown_again_and_a_damaged_one_is_said(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = forest.grow(*known(), 2, 100, 3, 1)
    whole, _ = forest_parts.grow_on(begun, SPEC, known(), 2, 3, store, SILENT)
    read = Artifact.arrays

    def removed_before(self: Artifact, name: str) -> dict[str, np.ndarray]:
        monkeypatch.setattr(Artifact, "arrays", read)
        store.remove(self)
        return self.arrays(name)

    monkeypatch.setattr(Artifact, "arrays", removed_before)
    found, _ = forest_parts.grow_on(begun, SPEC, known(), 2, 3, store, SILENT)
    np.testing.assert_array_equal(found.child, whole.child)
    (part,) = store.artifacts("trees")
    (part.path / "trees.safetensors").write_bytes(b"damaged")
    with pytest.raises(DamagedArtifactError, match="the bytes are not those that were written"):
        forest_parts.grow_on(begun, SPEC, known(), 2, 3, store, SILENT)
