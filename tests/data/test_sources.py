from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.data.images import decode, encode_png
from workbench.data.labels import FER_CLASSES, split_name
from workbench.data.sources import Item, Rejected, Source, open_source
from workbench.errors import DatasetError, SpecError

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 48, 48), dtype=np.uint8)
PNGS = [encode_png(pixels) for pixels in PIXELS]
NAMES = ["neutral", "angry", "happy"]


def put(root: Path, *paths: str) -> Path:
    for number, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(PNGS[number])
    return root


def placed(source: Source) -> list[tuple[str, str, str | None]]:
    return [(item.id, item.split, item.label) for item in source.items() if isinstance(item, Item)]


def rejected(source: Source) -> list[tuple[str, str]]:
    """Origin and reason of all that cannot be read."""
    found = []
    for item in source.items():
        if isinstance(item, Rejected):
            found.append((item.origin, item.reason))
            continue
        try:
            decode(item.read(), item.origin)
        except DatasetError as error:
            found.append((item.origin, str(error)))
    return found


def csv_line(emotion: object, pixels: np.ndarray, usage: str) -> str:
    return f"{emotion},{' '.join(map(str, pixels.ravel().tolist()))},{usage}"


def assert_resumable(source: Source) -> None:
    """Beginning at any place gives what is left from there."""
    everything = [(item.origin, getattr(item, "id", "")) for item in source.items()]
    assert len(everything) == source.count
    for start in range(source.count + 1):
        assert [(item.origin, getattr(item, "id", "")) for item in source.items(start)] == everything[start:]


class TestFolder:
    def test_class_folders(self, tmp_path: Path) -> None:
        source = open_source(str(put(tmp_path, "angry/b.png", "angry/a.png", "Happiness/c.jpg")))
        assert placed(source) == [
            ("Happiness/c.jpg", "", "Happiness"),
            ("angry/a.png", "", "angry"),
            ("angry/b.png", "", "angry"),
        ]
        assert_resumable(source)

    def test_split_folders_and_images_without_label(self, tmp_path: Path) -> None:
        source = open_source(str(put(tmp_path, "train/sad/a.png", "val/sad/deep/b.png", "test/c.png", "d.png")))
        assert placed(source) == [
            ("d.png", "", None),
            ("test/c.png", "test", None),
            ("train/sad/a.png", "train", "sad"),
            ("val/sad/deep/b.png", "val", "sad"),
        ]

    def test_class_above_split(self, tmp_path: Path) -> None:
        assert placed(open_source(str(put(tmp_path, "sad/train/a.png", "happy/test/b.png")))) == [
            ("happy/test/b.png", "test", "happy"),
            ("sad/train/a.png", "train", "sad"),
        ]

    def test_unknown_split_names_above_emotions(self, tmp_path: Path) -> None:
        assert placed(open_source(str(put(tmp_path, "fold1/sad/a.png", "fold2/happy/b.png")))) == [
            ("fold1/sad/a.png", "fold1", "sad"),
            ("fold2/happy/b.png", "fold2", "happy"),
        ]

    def test_folders_that_only_wrap_are_no_classes(self, tmp_path: Path) -> None:
        root = put(tmp_path, "archive/images/train/sad/a.png", "archive/images/test/happy/b.png")
        (root / "README.txt").write_text("about")
        source = open_source(str(root))
        assert [place[1:] for place in placed(source)] == [("test", "happy"), ("train", "sad")]

    def test_kaggles_file_names_give_back_the_official_splits(self, tmp_path: Path) -> None:
        root = put(tmp_path, "train/angry/Training_1.jpg", "test/angry/PublicTest_2.jpg", "test/sad/PrivateTest_3.jpg")
        assert [(split_name(split), label) for _, split, label in placed(open_source(str(root)))] == [
            ("validation", "angry"),
            ("test", "sad"),
            ("train", "angry"),
        ]

    def test_numbered_class_folders(self, tmp_path: Path) -> None:
        fer = open_source(str(put(tmp_path / "fer", "0/a.png", "6/b.png")))
        assert [label for _, _, label in placed(fer)] == ["angry", "neutral"]
        assert "FER2013" in fer.notes[0]
        raf = open_source(str(put(tmp_path / "raf", *(f"{number}/a.png" for number in range(1, 8)))))
        assert [label for _, _, label in placed(raf)] == list("1234567")

    def test_litter_is_ignored_and_other_files_are_set_aside(self, tmp_path: Path) -> None:
        root = put(tmp_path, "sad/a.png", "sad/.hidden.png", ".git/x.png", "__MACOSX/sad/a.png", "sad/._a.png")
        for name in (".DS_Store", "sad/Thumbs.db", "sad/desktop.ini"):
            (root / name).write_bytes(b"litter")
        (root / "sad/notes.txt").write_text("words")
        (root / "sad/words.png").write_text("words")
        (root / "sad/empty.png").write_bytes(b"")
        assert rejected(open_source(str(root))) == [
            ("sad/empty.png", "sad/empty.png: the file is empty"),
            ("sad/notes.txt", "not an image file (.txt)"),
            ("sad/words.png", "sad/words.png: not a picture"),
        ]

    def test_links_pipes_and_odd_names_do_not_stop_it(self, tmp_path: Path) -> None:
        root = put(tmp_path / "root", "sad/a.png")
        (root / "sad/linked.png").symlink_to(root / "sad/a.png")
        (root / "sad/nowhere.png").symlink_to(root / "gone.png")
        (root / "loop").symlink_to(root)
        os.mkfifo(root / "sad/pipe.png")
        Path(os.fsdecode(os.fsencode(root) + b"/sad/\xff.png")).write_bytes(PNGS[0])
        source = open_source(str(root))
        assert [place[0] for place in placed(source)] == [
            "sad/a.png",
            "sad/linked.png",
            "sad/nowhere.png",
            "sad/pipe.png",
            "sad/\\xff.png",
        ]
        assert rejected(source) == [
            ("sad/nowhere.png", "cannot be read (No such file or directory)"),
            ("sad/pipe.png", "not a regular file"),
        ]

    def test_empty_folder_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match=r"holds no files; give one with class/\*\.png"):
            open_source(str(tmp_path))

    def test_signature_follows_content_times(self, tmp_path: Path) -> None:
        put(tmp_path, "sad/a.png")
        before = open_source(str(tmp_path)).signature
        assert open_source(str(tmp_path)).signature == before
        os.utime(tmp_path / "sad/a.png", (1, 1))
        assert open_source(str(tmp_path)).signature != before


class TestFerCsv:
    HEADER = "emotion,pixels,Usage"

    def write(self, path: Path, *lines: str | bytes) -> Path:
        path.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines) + b"\n")
        return path

    def test_rows_become_pictures_with_labels_and_splits(self, tmp_path: Path) -> None:
        usages = ["Training", "PublicTest", "PrivateTest"] * 3
        lines = [csv_line(n % 7, PIXELS[n], usages[n]) for n in range(9)]
        source = open_source(str(self.write(tmp_path / "fer2013.csv", self.HEADER, *lines)))
        assert placed(source) == [(f"row-{n + 1:05d}", usages[n], FER_CLASSES[n % 7]) for n in range(9)]
        for item, pixels in zip(source.items(), PIXELS, strict=False):
            assert isinstance(item, Item)
            np.testing.assert_array_equal(np.asarray(decode(item.read(), "x")), pixels)
        assert_resumable(source)

    def test_icml_columns_with_spaces_in_another_order(self, tmp_path: Path) -> None:
        pixels = " ".join(map(str, PIXELS[0].ravel().tolist()))
        path = self.write(tmp_path / "icml_face_data.csv", "emotion, Usage, pixels", f"3,Training,{pixels}\r")
        assert placed(open_source(str(path))) == [("row-00001", "Training", "happy")]
        assert rejected(open_source(str(path))) == []

    def test_byte_order_mark_quotes_and_missing_usage(self, tmp_path: Path) -> None:
        pixels = " ".join(map(str, PIXELS[0].ravel().tolist()))
        path = self.write(tmp_path / "x.csv", b"\xef\xbb\xbfemotion,pixels", f'"3","{pixels}"')
        assert placed(open_source(str(path))) == [("row-00001", "", "happy")]

    def test_each_bad_row_is_set_aside_with_its_line(self, tmp_path: Path) -> None:
        good = csv_line(0, PIXELS[0], "Training")
        short = PIXELS[0].ravel()[:2303]
        lines = [
            good,  # line 2
            csv_line(1, short, "Training"),
            good.replace(f"{PIXELS[0, 0, 0]} ", "256 ", 1),
            good.replace(f"{PIXELS[0, 0, 0]} ", "x7 ", 1),
            good.replace(f"{PIXELS[0, 0, 0]} ", "-1 ", 1),
            csv_line(7, PIXELS[0], "Training"),
            csv_line("", PIXELS[0], "Training"),
            "",
            b"0,\xff\xfe 12,Training",
            "0",
            "0," + "1 " * 40_000 + ",Training",
            csv_line("3" * 5000, PIXELS[0], "Training"),
            "0,,Training",
            good,
        ]
        source = open_source(str(self.write(tmp_path / "f.csv", self.HEADER, *lines)))
        assert rejected(source) == [
            ("f.csv line 3", "2,303 pixels; expected 48 x 48 = 2,304"),
            ("f.csv line 4", "pixel value '256'; expected a whole number from 0 to 255"),
            ("f.csv line 5", "pixel value 'x7'; expected a whole number from 0 to 255"),
            ("f.csv line 6", "pixel value '-1'; expected a whole number from 0 to 255"),
            ("f.csv line 7", "emotion is '7'; expected 0 to 6"),
            ("f.csv line 8", "emotion is ''; expected 0 to 6"),
            ("f.csv line 9", "the row is blank"),
            ("f.csv line 10", "not UTF-8 text (byte 3)"),
            ("f.csv line 11", "the row has too few fields"),
            ("f.csv line 12", "the row is longer than 65,536 bytes"),
            ("f.csv line 13", f"emotion is '{'3' * 40}'; expected 0 to 6"),
            ("f.csv line 14", "0 pixels; expected 48 x 48 = 2,304"),
        ]
        assert_resumable(source)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "blank"),
            ("emotion,pixels,Usage\n0,1 2,Training\n".encode("utf-16"), "not UTF-8 text"),
            (b"a,b\n1,2\n", "no column 'emotion'; found a, b; expected emotion, pixels, Usage"),
            (b"emotion,Usage\n1,Training\n", "no column 'pixels'"),
            (b"\x00" * 100_000, "longer than"),
        ],
    )
    def test_a_table_of_another_kind_is_one_line(self, tmp_path: Path, content: bytes, reason: str) -> None:
        path = tmp_path / "t.csv"
        path.write_bytes(content)
        with pytest.raises(DatasetError, match=reason) as caught:
            open_source(str(path))
        assert "\n" not in str(caught.value)
        assert "t.csv" in str(caught.value)


def hub_metadata(names: list[str]) -> dict[bytes, bytes]:
    features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    return {b"huggingface": json.dumps({"info": {"features": features}}).encode()}


def hub_shard(path: Path, start: int, stop: int) -> Path:
    """A shard as `datasets` writes it: image {bytes, path}, numbered labels whose names stand in the schema."""
    rows = range(start, stop)
    images = [{"bytes": PNGS[row], "path": f"{row}.png"} for row in rows]
    table = pa.table({"image": images, "label": pa.array([row % 3 for row in rows], pa.int64())})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata(hub_metadata(NAMES)), path, row_group_size=3)
    return path


class TestParquet:
    def write(self, path: Path, row_group_size: int = 4, **columns: Any) -> Path:
        pq.write_table(pa.table(columns), path, row_group_size=row_group_size)
        return path

    def test_columns_of_words(self, tmp_path: Path) -> None:
        path = self.write(
            tmp_path / "faces.parquet",
            Usage=["Training", "PublicTest", None],
            id=["a", "b", ""],
            emotion=["sad", None, "Contempt"],
            img_data=[PNGS[0], PNGS[1], None],
        )
        source = open_source(str(path))
        assert placed(source) == [("a", "Training", "sad"), ("b", "PublicTest", None), ("row-00003", "", "Contempt")]
        assert rejected(source) == [("faces.parquet row 3", "no image bytes in the row")]
        assert_resumable(source)

    def test_shards_of_the_hub_with_named_numbers_and_splits_from_file_names(self, tmp_path: Path) -> None:
        hub_shard(tmp_path / "data/train-00000-of-00002.parquet", 0, 7)
        hub_shard(tmp_path / "data/train-00001-of-00002.parquet", 7, 11)
        hub_shard(tmp_path / "data/test-00000-of-00001.parquet", 11, 16)
        source = open_source(str(tmp_path))
        assert source.kind == "parquet"
        found = placed(source)
        assert [split for _, split, _ in found] == ["test"] * 5 + ["train"] * 11
        assert [label for _, _, label in found] == [NAMES[row % 3] for row in (*range(11, 16), *range(11))]
        assert len({name for name, _, _ in found}) == 16
        assert rejected(source) == []
        assert_resumable(source)
        matched = open_source(str(tmp_path / "data" / "train-*.parquet"))
        assert matched.count == 11

    def test_split_from_the_shards_folder(self, tmp_path: Path) -> None:
        hub_shard(tmp_path / "default/validation/0000.parquet", 0, 2)
        assert [split for _, split, _ in placed(open_source(str(tmp_path)))] == ["validation"] * 2

    def test_a_missing_label_of_the_hub_is_no_label(self, tmp_path: Path) -> None:
        table = pa.table({"image": PNGS[:3], "label": [-1, 1, None]}).replace_schema_metadata(hub_metadata(NAMES))
        pq.write_table(table, tmp_path / "x.parquet")
        assert [label for _, _, label in placed(open_source(str(tmp_path / "x.parquet")))] == [None, "angry", None]

    @pytest.mark.parametrize("labels", [[0, 3, 6], [0.0, 3.0, 6.0], ["0", "3", "6"]])
    def test_numbers_without_names_are_fer2013s(self, tmp_path: Path, labels: list[Any]) -> None:
        source = open_source(str(self.write(tmp_path / "x.parquet", image=PNGS[:3], label=labels)))
        assert [label for _, _, label in placed(source)] == ["angry", "happy", "neutral"]
        assert "FER2013" in source.notes[0]

    def test_numbers_above_six_stay_numbers(self, tmp_path: Path) -> None:
        source = open_source(str(self.write(tmp_path / "x.parquet", image=PNGS[:3], label=[0, 3, 7])))
        assert [label for _, _, label in placed(source)] == ["0", "3", "7"]
        assert source.notes == []

    def test_missing_columns_are_named_with_what_would_be_right(self, tmp_path: Path) -> None:
        path = self.write(tmp_path / "x.parquet", url=["a"], text=["b"])
        with pytest.raises(
            DatasetError, match=r"no image column; found url \(string\), text \(string\); expected image"
        ):
            open_source(str(path))
        path = self.write(tmp_path / "y.parquet", image=PNGS[:1], text=["b"])
        with pytest.raises(DatasetError, match=r"no label column; found image \(binary\), text"):
            open_source(str(path))

    def test_a_file_that_is_no_parquet_is_one_line(self, tmp_path: Path) -> None:
        for content in (b"", b"PAR1 not really PAR1", PNGS[0] * 30):
            (tmp_path / "x.parquet").write_bytes(content)
            with pytest.raises(DatasetError, match="not a Parquet file") as caught:
                open_source(str(tmp_path / "x.parquet"))
            assert "\n" not in str(caught.value)

    def test_a_damaged_shard_among_others_is_set_aside(self, tmp_path: Path) -> None:
        hub_shard(tmp_path / "train-00000-of-00002.parquet", 0, 4)
        (tmp_path / "train-00001-of-00002.parquet").write_bytes(b"cut off")
        self.write(tmp_path / "statistics.parquet", n=[1])
        source = open_source(str(tmp_path))
        assert len(placed(source)) == 4
        assert [origin for origin, _ in rejected(source)] == ["statistics.parquet", "train-00001-of-00002.parquet"]
        assert_resumable(source)

    def test_a_damaged_row_group_loses_only_its_rows(self, tmp_path: Path) -> None:
        columns = {"image": PNGS[:12], "label": ["sad"] * 12}
        path = tmp_path / "x.parquet"
        pq.write_table(pa.table(columns), path, row_group_size=4, compression="zstd")
        start = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
        content = bytearray(path.read_bytes())
        content[start : start + 400] = b"\xff" * 400
        path.write_bytes(content)
        source = open_source(str(path))
        assert [place[0] for place in placed(source)] == [f"row-{row:05d}" for row in (1, 2, 3, 4, 9, 10, 11, 12)]
        assert [origin for origin, _ in rejected(source)] == [f"x.parquet row {row}" for row in (5, 6, 7, 8)]
        assert_resumable(source)


class TestHub:
    def snapshot(self, tmp_path: Path) -> Path:
        """A folder laid out as the hub's cache: files are links to blobs."""
        blobs, folder = tmp_path / "blobs", tmp_path / "snapshots" / "0123abc"
        (folder / "data").mkdir(parents=True)
        for number, name in enumerate(("train-00000-of-00001", "test-00000-of-00001")):
            blob = hub_shard(blobs / f"{number:040d}", 8 * number, 8 * number + 8)
            (folder / "data" / f"{name}.parquet").symlink_to(blob)
        (folder / "README.md").write_text("---\nlicense: unknown\n---\n")
        return folder

    def test_a_downloaded_snapshot_is_read_as_its_files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = self.snapshot(tmp_path)
        asked: dict[str, Any] = {}

        def snapshot_download(repo_id: str, **options: Any) -> str:
            asked.update(repo_id=repo_id, **options)
            return str(folder)

        monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
        source = open_source("hf:owner/faces@refs/convert/parquet")
        assert (asked["repo_id"], asked["repo_type"], asked["revision"]) == (
            "owner/faces",
            "dataset",
            "refs/convert/parquet",
        )
        assert [split for _, split, _ in placed(source)] == ["test"] * 8 + ["train"] * 8
        assert rejected(source) == []

    def test_images_in_a_snapshot_are_read_as_a_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        put(tmp_path, "train/sad/a.png", "test/happy/b.png")
        monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(tmp_path))
        assert open_source("hf:owner/faces").kind == "folder"

    def test_no_network_is_one_line_that_says_what_to_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from huggingface_hub.errors import LocalEntryNotFoundError

        def fail(*_: Any, **__: Any) -> str:
            raise LocalEntryNotFoundError("a long\nstory")

        monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
        with pytest.raises(DatasetError, match=r"hub cannot be reached.*import its folder") as caught:
            open_source("hf:owner/faces")
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("error", [ConnectionError("refused\nagain"), ValueError("odd"), OSError("disk")])
    def test_other_failures_are_one_line(self, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
        def fail(*_: Any, **__: Any) -> str:
            raise error

        monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
        with pytest.raises(DatasetError, match="the download failed") as caught:
            open_source("hf:owner/faces")
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("name", ["hf:", "hf:faces", "hf:a/b/c", "hf:../x", "hf:a b/c"])
    def test_other_names_are_refused_before_any_request(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("a request"))
        with pytest.raises(SpecError, match="write hf:owner/name"):
            open_source(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nothing/here", "no such file or folder; a source is a folder of images"),
        ("*.parquet", "no such file or folder"),
        ("faces.zip", "unpack it"),
        ("faces.npy", "not a source of images"),
        ("x" * 5000, "no file or folder can have this name"),
        ("a\0b", "no such file or folder"),
    ],
)
def test_what_is_no_source_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, reason: str) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("faces.zip", "faces.npy"):
        Path(file).write_bytes(b"x")
    with pytest.raises(DatasetError, match=reason):
        open_source(name)


def test_a_folder_with_one_table_of_pixels_is_that_table(tmp_path: Path) -> None:
    (tmp_path / "fer2013.csv").write_text(f"emotion,pixels,Usage\n{csv_line(3, PIXELS[0], 'Training')}\n")
    assert open_source(str(tmp_path)).kind == "fer-csv"
