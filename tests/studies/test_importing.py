from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.conftest import write_source
from tests.data.test_images import huge_png, saved
from workbench.data import dataset_writer
from workbench.data.datasets import Dataset, list_datasets
from workbench.data.images import encode_png
from workbench.errors import BusyError, Cancelled, DatasetError, SpecError, StoreError
from workbench.progress import Silent
from workbench.specs import ImportSpec
from workbench.store import Store
from workbench.studies.importing import import_dataset


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_writer, "SHARD_ROWS", 25)
    monkeypatch.setattr(dataset_writer, "GROUP_ROWS", 8)


class Stops(Silent):
    """Asks to stop once so many images are done."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.done = 0

    def advance(self, count: int = 1) -> None:
        self.done += count
        if self.done >= self.after:
            raise Cancelled("stopped as asked")


class Notes(Silent):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def note(self, message: str) -> None:
        self.messages.append(message)


def contents(dataset: Dataset) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in dataset.path.iterdir()}


def hidden(store: Store) -> list[str]:
    return sorted(path.name for path in store.datasets_dir.iterdir() if not path.name.endswith(".lock"))


def faces(root: Path, **files: bytes) -> Path:
    """A folder with one sound picture and the files given, all in class sad."""
    (root / "sad").mkdir(parents=True)
    sound = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    for name, content in {"sound.png": encode_png(sound), **files}.items():
        (root / "sad" / name).write_bytes(content)
    return root


def test_every_kind_of_bad_file_is_listed_and_the_rest_imported(store: Store, tmp_path: Path) -> None:
    noise = Image.effect_noise((60, 40), 60)
    turned = Image.Exif()
    turned[0x0112] = 6
    root = faces(
        tmp_path / "x",
        **{
            "bomb.png": huge_png(20_000),
            "cmyk.jpg": saved(noise.convert("CMYK"), "JPEG"),
            "cut.png": encode_png(noise)[:700],
            "empty.png": b"",
            "text.png": b"a text file",
            "turned.jpg": saved(noise, "JPEG", exif=turned),
        },
    )
    notes = Notes()
    dataset = import_dataset(ImportSpec(str(root), "x"), store, notes)
    assert dataset.ids.tolist() == ["sad/cmyk.jpg", "sad/sound.png", "sad/turned.jpg"]
    assert dataset.rejected.to_pylist() == [
        {"source": "sad/bomb.png", "reason": "more pixels than the 64,000,000 that are read"},
        {"source": "sad/cut.png", "reason": dataset.rejected["reason"][1].as_py()},
        {"source": "sad/empty.png", "reason": "the file is empty"},
        {"source": "sad/text.png", "reason": "not a picture"},
    ]
    assert dataset.rejected["reason"][1].as_py().startswith("the picture is damaged or cut short")
    assert dataset.sizes.tolist() == [[60, 40], [48, 48], [40, 60]]
    assert notes.messages == ["4 of 7 set aside; the health report says why"]


def test_labels_outside_the_classes_are_kept_dropped_or_mapped(store: Store, tmp_path: Path) -> None:
    image = [encode_png(np.full((8, 8), 40 * n, dtype=np.uint8)) for n in range(5)]
    labels = ["Happiness", "contempt", "bored", None, "Contempt"]
    pq.write_table(pa.table({"image": image, "label": labels}), tmp_path / "x.parquet")

    def imported(name: str, rule: str) -> Dataset:
        return import_dataset(ImportSpec(str(tmp_path / "x.parquet"), name, rule), store)

    kept = imported("kept", "keep")
    assert kept.labels.tolist() == ["happy", "contempt", "bored", "", "contempt"]
    assert kept.classes == ("happy", "bored", "contempt")
    dropped = imported("dropped", "drop")
    assert dropped.labels.tolist() == ["happy", ""]
    assert "'contempt' is outside the classes" in dropped.rejected["reason"][0].as_py()
    mapped = imported("mapped", "contempt=disgust,bored=drop")
    assert mapped.labels.tolist() == ["happy", "disgust", "", "disgust"]
    assert mapped.manifest["notes"] == []
    misspelt = imported("misspelt", "contemt=disgust")
    assert misspelt.manifest["notes"] == ["no image has the label 'contemt' of the mapping"]


def test_ids_that_come_twice_are_numbered(store: Store, tmp_path: Path) -> None:
    image = [encode_png(np.full((8, 8), n, dtype=np.uint8)) for n in range(4)]
    columns = {"image": image, "label": ["sad"] * 4, "id": ["a", "a", "a~2", "a"]}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    dataset = import_dataset(ImportSpec(str(tmp_path / "x.parquet"), "x"), store)
    assert dataset.ids.tolist() == ["a", "a~2", "a~2~2", "a~3"]


def test_large_pictures_go_through_threads_to_the_same_bytes(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        folder = tmp_path / "x" / "sad"
        folder.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((200, 200), 20 + number).save(folder / f"{number:02d}.jpg")
    (tmp_path / "x" / "sad" / "20b.jpg").write_bytes(b"bad")
    threaded = import_dataset(ImportSpec(str(tmp_path / "x"), "x"), store)
    monkeypatch.setattr("workbench.studies.importing._LARGE", 10**9)
    alone = import_dataset(ImportSpec(str(tmp_path / "x"), "x"), Store(tmp_path / "other"))
    assert len(threaded) == 40
    assert contents(threaded) == contents(alone)


def test_nothing_usable_is_an_error_and_leaves_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.png").write_bytes(b"words")
    with pytest.raises(
        DatasetError, match=r"not one usable image among 1 files or rows; the first: a\.png: not a picture"
    ):
        import_dataset(ImportSpec(str(tmp_path / "x"), "x"), store)
    assert hidden(store) == []


def test_a_name_that_is_taken_is_refused_before_the_source_is_read(store: Store, tmp_path: Path) -> None:
    import_dataset(ImportSpec(str(write_source(tmp_path / "f.parquet")), "x"), store)
    with pytest.raises(SpecError, match="there is a dataset 'x' already; choose another name"):
        import_dataset(ImportSpec("no such source", "x"), store)


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", "", "a" * 65, "a b", "a\n", "ä"])
def test_names_that_are_no_names_are_refused(name: str) -> None:
    with pytest.raises(SpecError, match="cannot be a dataset's name"):
        ImportSpec("x", name)


def test_a_second_import_of_the_name_is_told_to_wait(store: Store, tmp_path: Path) -> None:
    source = write_source(tmp_path / "f.parquet")
    store.datasets_dir.mkdir(parents=True)
    with (store.datasets_dir / ".x.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="dataset 'x' is being written by another process"):
            import_dataset(ImportSpec(str(source), "x"), store)
        assert len(import_dataset(ImportSpec(str(source), "y"), store)) == 60
    assert len(import_dataset(ImportSpec(str(source), "x"), store)) == 60


@pytest.mark.parametrize("after", [16, 30, 48, 60])
def test_a_stopped_import_goes_on_to_the_same_bytes(store: Store, tmp_path: Path, after: int) -> None:
    source = write_source(tmp_path / "f.parquet")
    whole = import_dataset(ImportSpec(str(source), "x"), Store(tmp_path / "other"))
    with pytest.raises(Cancelled):
        import_dataset(ImportSpec(str(source), "x"), store, Stops(after))
    assert list_datasets(store) == []
    resumed = Stops(10**9)
    assert contents(import_dataset(ImportSpec(str(source), "x"), store, resumed)) == contents(whole)
    assert resumed.done == 60
    assert hidden(store) == ["x"]


def test_finished_shards_are_not_read_again(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_source(tmp_path / "f.parquet")
    with pytest.raises(Cancelled):
        import_dataset(ImportSpec(str(source), "x"), store, Stops(60))
    decoded: list[str] = []

    def decode(data: bytes, origin: str) -> Any:
        decoded.append(origin)
        return Image.effect_noise((48, 48), 50)

    monkeypatch.setattr("workbench.studies.importing.decode", decode)
    import_dataset(ImportSpec(str(source), "x"), store)
    assert len(decoded) == 10  # 50 of 60 stand in finished shards


def test_a_changed_source_or_rule_begins_anew(store: Store, tmp_path: Path) -> None:
    source = write_source(tmp_path / "f.parquet")
    with pytest.raises(Cancelled):
        import_dataset(ImportSpec(str(source), "x"), store, Stops(48))
    write_source(source, count=40, seed=1)
    dataset = import_dataset(ImportSpec(str(source), "x"), store)
    assert len(dataset) == 40
    assert dataset.fingerprint == import_dataset(ImportSpec(str(source), "y"), store).fingerprint


KILLED = """
import os, signal, sys
from pathlib import Path
from workbench.data import dataset_writer
from workbench import files
from workbench.specs import ImportSpec
from workbench.store import Store
from workbench.studies.importing import import_dataset
dataset_writer.SHARD_ROWS, dataset_writer.GROUP_ROWS = 25, 8
left = int(sys.argv[3])
def trace(event, arguments):
    global left
    if event in ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir") and ".x.partial" in str(arguments[0]):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(trace)
import_dataset(ImportSpec(sys.argv[1], "x"), Store(Path(sys.argv[2])))
"""


@pytest.mark.slow
def test_kill_9_at_any_file_operation_leaves_nothing_or_all(tmp_path: Path) -> None:
    source = write_source(tmp_path / "f.parquet")
    whole = contents(import_dataset(ImportSpec(str(source), "x"), Store(tmp_path / "whole")))
    killed = 0
    for place in (1, 3, 7, 12, 17, 23, 29, 36, 44, 52, 60):
        store = Store(tmp_path / f"killed-{place}")
        command = [sys.executable, "-c", KILLED, str(source), str(store.root), str(place)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode in (-signal.SIGKILL, 0), ended.stderr
        killed += ended.returncode != 0
        if list_datasets(store):
            dataset = Dataset(store.datasets_dir / "x")
        else:
            dataset = import_dataset(ImportSpec(str(source), "x"), store)
        assert contents(dataset) == whole, f"killed at file operation {place}"
    assert killed >= 8


FULL_DISK = """
import resource, sys
from pathlib import Path
from workbench.errors import StoreError
from workbench.specs import ImportSpec
from workbench.store import Store
from workbench.studies.importing import import_dataset
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    import_dataset(ImportSpec(sys.argv[1], "x"), Store(Path(sys.argv[2])))
except StoreError as error:
    sys.exit(f"StoreError: {error}")
"""


def test_a_file_the_disk_refuses_is_one_line_and_nothing_is_visible(store: Store, tmp_path: Path) -> None:
    source = write_source(tmp_path / "f.parquet")
    command = [sys.executable, "-c", FULL_DISK, str(source), str(store.root)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert ended.stderr.startswith("StoreError: cannot write"), ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert list_datasets(store) == []
    assert len(import_dataset(ImportSpec(str(source), "x"), store)) == 60


def test_a_full_disk_is_one_line_and_the_import_goes_on_later(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_source(tmp_path / "f.parquet")
    written = []

    def refuse(self: Any, batch: Any, *arguments: Any) -> None:
        written.append(len(batch))
        if len(written) == 6:
            raise OSError(28, "No space left on device")
        real(self, batch, *arguments)

    real = pq.ParquetWriter.write_batch
    with monkeypatch.context() as patch:
        patch.setattr(pq.ParquetWriter, "write_batch", refuse)
        with pytest.raises(StoreError, match="the disk is full; finished parts are kept"):
            import_dataset(ImportSpec(str(source), "x"), store)
    assert list_datasets(store) == []
    whole = import_dataset(ImportSpec(str(source), "x"), Store(tmp_path / "other"))
    assert contents(import_dataset(ImportSpec(str(source), "x"), store)) == contents(whole)


@pytest.mark.slow
def test_the_real_fer2013_has_its_published_counts(store: Store, fer2013_parquet: Path) -> None:
    dataset = import_dataset(ImportSpec(str(fer2013_parquet), "fer2013"), store)
    assert {name: len(dataset.rows(name)) for name in dataset.selections} == {
        "train": 28_709,
        "validation": 3_589,
        "test": 3_589,
        "merged-test": 7_178,
        "all": 35_887,
    }
    published = {"angry": 491, "disgust": 55, "fear": 528, "happy": 879, "neutral": 626, "sad": 594, "surprise": 416}
    test = dataset.labels[dataset.rows("test")]
    assert all(abs(int((test == name).sum()) - count) <= 3 for name, count in published.items())
