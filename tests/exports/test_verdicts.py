from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.app.conftest import HOSTILE
from tests.studies.review_data import judge, judged_dataset
from workbench.data.datasets import Dataset
from workbench.data.verdicts import Verdicts
from workbench.errors import SpecError, StoreError
from workbench.exports.verdicts import write_verdicts
from workbench.specs import CleanSpec, ImportSpec
from workbench.store import Store
from workbench.studies.clean import clean
from workbench.studies.importing import import_dataset


@pytest.fixture
def dataset(store: Store, tmp_path: Path) -> Dataset:
    found = judged_dataset(store, tmp_path, 30)
    judge(store, found, (0, "happy", "ann"), (1, "keep", "ben"), (2, "not-a-face", "ann"))
    return found


def labels(dataset: Dataset) -> dict[str, str]:
    return dict(zip(dataset.ids.tolist(), dataset.labels.tolist(), strict=True))


def test_every_row_of_the_verdicts_is_in_the_csv(store: Store, dataset: Dataset, tmp_path: Path) -> None:
    Verdicts(store).undo("ann", "faces")
    line = write_verdicts(dataset, store, tmp_path / "new" / "v.csv")
    assert line.endswith("v.csv: 4 rows of verdicts on faces")
    with (tmp_path / "new" / "v.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["image"], row["action"], row["before"], row["after"]) for row in rows] == [
        ("face-0000", "relabel", "angry", "happy"),
        ("face-0001", "keep", "happy", "happy"),
        ("face-0002", "not-a-face", "sad", ""),
        ("face-0002", "undo", "", "sad"),
    ]
    assert rows[0]["reviewer"] == "ann"


@pytest.mark.parametrize("target", ["out.parquet", "out"])
def test_what_is_written_can_be_imported_again(store: Store, dataset: Dataset, tmp_path: Path, target: str) -> None:
    line = write_verdicts(dataset, store, tmp_path / target)
    assert line.endswith("29 images of faces, 1 with another label, 1 left out")
    again = import_dataset(ImportSpec(str(tmp_path / target), "again"), store)
    better = clean(CleanSpec("faces", "better"), store)
    assert sorted(again.digests) == sorted(better.digests)
    by_digest = dict(zip(again.digests.tolist(), zip(again.labels, again.splits, strict=True), strict=True))
    for digest, label, split in zip(better.digests, better.labels, better.splits, strict=True):
        assert by_digest[digest] == (label, split)


def test_a_cleaned_dataset_is_written_as_it_stands(store: Store, dataset: Dataset, tmp_path: Path) -> None:
    better = clean(CleanSpec("faces", "better"), store)
    write_verdicts(better, store, tmp_path / "b.parquet")
    table = pq.read_table(tmp_path / "b.parquet")
    assert table["id"].to_pylist() == better.ids.tolist()
    assert table["label"].to_pylist() == better.labels.tolist()
    soft = table.to_pylist()[0]
    assert (soft["votes"], soft["p_angry"], soft["p_happy"]) == (2, 0.5, 0.5)
    with pytest.raises(SpecError, match="no verdicts on 'better'; those it was cleaned by are on 'faces'"):
        write_verdicts(better, store, tmp_path / "b.csv")


@pytest.mark.parametrize("target", ["v.csv", "v.parquet", "folder"])
def test_nothing_is_written_over_without_force(store: Store, dataset: Dataset, tmp_path: Path, target: str) -> None:
    path = tmp_path / target
    write_verdicts(dataset, store, path)
    before = sorted(each.name for each in path.rglob("*")) if path.is_dir() else path.read_bytes()
    judge(store, dataset, (4, "sad", "ann"))
    with pytest.raises(SpecError, match="is there already; choose another name, or write over it with --force"):
        write_verdicts(dataset, store, path)
    assert before == (sorted(each.name for each in path.rglob("*")) if path.is_dir() else path.read_bytes())
    write_verdicts(dataset, store, path, force=True)
    if path.is_dir():
        assert (path / "train" / "sad" / "face-0004.png").is_file()
    else:
        assert path.read_bytes() != before
    assert [each for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_force_replaces_only_what_an_export_made(store: Store, dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.png").write_bytes(b"mine")
    with pytest.raises(SpecError, match="was not made by an export, so it is not replaced"):
        write_verdicts(dataset, store, tmp_path / "photos", force=True)
    assert (tmp_path / "photos" / "mine.png").read_bytes() == b"mine"
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(SpecError, match="is a folder; name a file in it"):
        write_verdicts(dataset, store, tmp_path / "x.csv")
    with pytest.raises(SpecError, match=r"what is wanted\? Use .csv"):
        write_verdicts(dataset, store, tmp_path / "x.xlsx")


def test_a_name_that_is_too_long_is_one_line(store: Store, dataset: Dataset, tmp_path: Path) -> None:
    for name in ("x" * 300, "x" * 300 + ".csv", "x" * 250):
        with pytest.raises(StoreError, match="the name is too long"):
            write_verdicts(dataset, store, tmp_path / name)
    assert not [each for each in tmp_path.iterdir() if "xxx" in each.name]


def test_an_interrupted_folder_leaves_nothing(
    store: Store, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dataset, "image_bytes", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_verdicts(dataset, store, tmp_path / "out")
    assert not [each for each in tmp_path.iterdir() if "out" in each.name]


def test_names_from_data_stay_inside_the_folder(store: Store, tmp_path: Path) -> None:
    judged_dataset(store, tmp_path, 12, name="plain")
    table = pq.read_table(tmp_path / "plain.parquet")
    names = ["../../up", "a/b", "A/B", "a:b", "", ".hidden", "x" * 400, *HOSTILE, "face.png"][:12]
    words = [*HOSTILE, "../../out", "a/b", "a:b", ""] + ["sad"] * 4
    table = table.set_column(0, "id", pa.array(names)).set_column(2, "label", pa.array(words))
    pq.write_table(table, tmp_path / "hostile.parquet")
    hostile = import_dataset(ImportSpec(str(tmp_path / "hostile.parquet"), "hostile"), store)
    judge(store, hostile, (11, "sad" if "sad" in hostile.classes else "skip", "ann"))
    write_verdicts(hostile, store, tmp_path / "in" / "out")
    files = [each for each in (tmp_path / "in").rglob("*") if each.is_file()]
    assert len([each for each in files if each.suffix == ".png"]) == len(hostile)
    assert all(each.resolve().is_relative_to((tmp_path / "in" / "out").resolve()) for each in files)
    folders = {each.parent.name for each in files if each.suffix == ".png" and each.parent.parent.name != "out"}
    assert len(folders) == len(set(hostile.labels.tolist()) - {""})


def test_no_verdicts_at_all_is_told(store: Store, tmp_path: Path) -> None:
    faces = judged_dataset(store, tmp_path, 12)
    for target in ("v.csv", "v.parquet", "v"):
        with pytest.raises(SpecError, match="there are no verdicts on 'faces'"):
            write_verdicts(faces, store, tmp_path / target)
    judge(store, faces, *((row, "not-a-face", "ann") for row in np.arange(12).tolist()))
    with pytest.raises(SpecError, match="leave no image of faces"):
        write_verdicts(faces, store, tmp_path / "v.parquet")
