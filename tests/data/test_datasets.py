from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.conftest import write_source
from workbench.data import dataset_writer
from workbench.data.datasets import Dataset, list_datasets, open_dataset
from workbench.data.images import perceptual_hash, pixel_digest
from workbench.errors import DamagedArtifactError, SpecError
from workbench.specs import ImportSpec
from workbench.store import Store
from workbench.studies.importing import import_dataset


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_writer, "SHARD_ROWS", 25)
    monkeypatch.setattr(dataset_writer, "GROUP_ROWS", 4)


@pytest.fixture
def dataset(store: Store, tmp_path: Path, small_shards: None) -> Dataset:
    return import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet")), "faces"), store)


def test_columns_describe_the_pictures_row_by_row(dataset: Dataset, tmp_path: Path) -> None:
    source = pq.read_table(tmp_path / "faces.parquet").to_pylist()
    assert len(dataset) == 60
    assert dataset.ids.tolist() == [row["id"] for row in source]
    assert dataset.labels.tolist() == [row["label"] for row in source]
    assert dataset.splits.tolist() == [row["split"] for row in source]
    assert dataset.image_bytes(range(60)) == [row["image"] for row in source]
    pictures = [dataset.image(row) for row in range(60)]
    assert dataset.digests.tolist() == [pixel_digest(picture) for picture in pictures]
    assert dataset.hashes.tolist() == [perceptual_hash(picture) for picture in pictures]
    assert dataset.sizes.tolist() == [[48, 48]] * 60
    assert (dataset.contrasts > 20).all()


def test_rows_come_in_the_order_asked_for_across_shards(dataset: Dataset) -> None:
    rows = np.array([59, 0, 24, 25, 24, 3])
    everything = dataset.image_bytes(range(60))
    assert dataset.image_bytes(rows) == [everything[row] for row in rows]
    assert dataset.image_bytes([]) == []
    for bad in (-1, 60):
        with pytest.raises(IndexError, match="rows 0 to 59"):
            dataset.image_bytes([0, bad])


def test_splits_by_name_merged_and_all(dataset: Dataset) -> None:
    assert dataset.selections == ("train", "validation", "test", "merged-test", "all")
    assert dataset.rows("train").tolist() == list(range(0, 60, 3))
    merged = sorted([*range(1, 60, 3), *range(2, 60, 3)])
    assert dataset.rows("merged-test").tolist() == merged
    assert dataset.rows("all").tolist() == dataset.rows().tolist() == list(range(60))
    with pytest.raises(SpecError, match="unknown split of faces 'tset'; did you mean 'test'"):
        dataset.rows("tset")


def test_merged_test_needs_both_parts(store: Store, tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / "x" / name / "sad").mkdir(parents=True)
        Image.effect_noise((48, 48), 50).save(tmp_path / "x" / name / "sad" / "a.png")
    dataset = import_dataset(ImportSpec(str(tmp_path / "x"), "x"), store)
    assert dataset.selections == ("train", "test", "all")


def test_arrays_are_read_only(dataset: Dataset) -> None:
    for array in (dataset.ids, dataset.labels, dataset.splits, dataset.digests, dataset.hashes, dataset.sizes):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


def test_shards_open_without_us_and_have_a_fixed_length(dataset: Dataset) -> None:
    import pandas

    shards = sorted(dataset.path.glob("images-*.parquet"))
    assert [pq.read_metadata(shard).num_rows for shard in shards] == [25, 25, 10]
    frame = pandas.read_parquet(shards[0])
    assert list(frame.columns) == [
        "id",
        "split",
        "label",
        "bytes",
        "width",
        "height",
        "digest",
        "perceptual_hash",
        "contrast",
    ]
    assert Image.open(io.BytesIO(frame["bytes"][0])).size == (48, 48)


def test_manifest_tells_source_splits_labels_and_counts(dataset: Dataset, tmp_path: Path) -> None:
    manifest = json.loads((dataset.path / "manifest.json").read_text())
    assert manifest["source"] == str(tmp_path / "faces.parquet")
    assert manifest["splits"]["validation"] == {"count": 20, "source": {"validation": 20}}
    assert manifest["labels"]["angry"] == {"count": 9, "source": {"angry": 9}}
    assert manifest["counts"] == {"images": 60, "rejected": 0}
    assert dataset.classes == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    dataset.verify()


def test_fingerprint_follows_content_not_name_or_source(store: Store, tmp_path: Path) -> None:
    def fingerprint(name: str, seed: int) -> str:
        source = write_source(tmp_path / f"{name}.parquet", seed=seed)
        return import_dataset(ImportSpec(str(source), name), store).fingerprint

    assert fingerprint("a", 0) == fingerprint("b", 0) != fingerprint("c", 1)


def test_listing_and_opening_by_name(store: Store, dataset: Dataset) -> None:
    (store.datasets_dir / ".half.partial" / "data").mkdir(parents=True)
    (store.datasets_dir / "stray").mkdir()
    assert list_datasets(store) == ["faces"]
    assert open_dataset(store, "faces").fingerprint == dataset.fingerprint
    for name in ("face", "..", "../faces", ".half.partial", ""):
        with pytest.raises(SpecError, match="unknown dataset"):
            open_dataset(store, name)
    assert list_datasets(Store(store.root / "nothing")) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": 99}', b"\xff\xfe"])
def test_a_damaged_manifest_is_an_error_that_names_its_path(store: Store, dataset: Dataset, content: bytes) -> None:
    (dataset.path / "manifest.json").write_bytes(content)
    with pytest.raises(DamagedArtifactError, match=r"faces/manifest\.json: the manifest cannot be read"):
        open_dataset(store, "faces")


def test_a_missing_or_shortened_shard_is_an_error_that_names_its_path(store: Store, dataset: Dataset) -> None:
    shard = dataset.path / "images-00001.parquet"
    content = shard.read_bytes()
    shard.write_bytes(content[:-1])
    with pytest.raises(DamagedArtifactError, match=r"images-00001\.parquet: .* bytes where"):
        open_dataset(store, "faces")
    shard.unlink()
    with pytest.raises(DamagedArtifactError, match=r"images-00001\.parquet: the file is missing"):
        open_dataset(store, "faces")


def test_changed_image_bytes_are_noticed_when_read(store: Store, dataset: Dataset) -> None:
    shard = dataset.path / "images-00001.parquet"
    content = bytearray(shard.read_bytes())
    place = content.index(dataset.image_bytes([30])[0])
    content[place + 100] ^= 1
    shard.write_bytes(content)
    damaged = open_dataset(store, "faces")
    with pytest.raises(DamagedArtifactError, match=r"images-00001\.parquet"):
        damaged.verify()
    with pytest.raises(DamagedArtifactError, match=r"images-00001\.parquet: cannot be read"):
        damaged.image_bytes([30])
    assert damaged.image_bytes([0]) == dataset.image_bytes([0])


def test_a_dataset_can_be_imported_again_under_another_name(store: Store, dataset: Dataset) -> None:
    copy = import_dataset(ImportSpec(str(dataset.path), "copy"), store)
    assert copy.fingerprint == dataset.fingerprint
    assert {row["source"] for row in copy.rejected.to_pylist()} == {"rejected.parquet", "health.parquet"}
