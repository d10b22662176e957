from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from workbench.cli import main
from workbench.data.video import Reader
from workbench.errors import StoreError
from workbench.exports.score import (
    distinct_stems,
    file_stem,
    frame_table,
    frames_csv,
    frames_parquet,
    summary_json,
    write_annotated,
    write_results,
    write_score,
)
from workbench.progress import Silent
from workbench.specs import ScoreSpec
from workbench.store import Store
from workbench.studies.score import score
from workbench.studies.scoring import VideoScore, source_of


@pytest.fixture(scope="module")
def stored(face_video: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[VideoScore, Store]:
    store = Store(tmp_path_factory.mktemp("workspace"))
    found = score(ScoreSpec(str(face_video), resamples=100), store)
    assert isinstance(found, VideoScore)
    return found, store


def test_a_row_a_frame_with_gaps_left_blank(stored: tuple[VideoScore, Store]) -> None:
    found, _ = stored
    table = pd.read_csv(io.BytesIO(frames_csv(found)))
    assert table["frame"].tolist() == list(range(30))
    gaps = table[table["score"].isna()]
    assert gaps["frame"].tolist() == [20, 21, 22, 23, 24]
    assert gaps.drop(columns=["frame", "time", "end_weight"]).isna().all(axis=None)
    shown = table.dropna(subset=["score"])
    words = [name for name in table.columns if name.startswith("p:")]
    assert len(words) == 37
    np.testing.assert_allclose(shown[words].sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(shown[words].to_numpy() @ found.scores, shown["score"], atol=1e-4)
    assert table["end_weight"].sum() == pytest.approx(1)
    assert 20 < shown["x"].iloc[0] < 60
    assert 50 < shown["width"].iloc[0] < 110


def test_csv_and_parquet_hold_the_same(stored: tuple[VideoScore, Store]) -> None:
    found, _ = stored
    read = pq.read_table(io.BytesIO(frames_parquet(found)))
    assert read.equals(frame_table(found))
    assert read.column_names == list(pd.read_csv(io.BytesIO(frames_csv(found))).columns)


def test_the_summary_is_whole_and_names_no_place_on_this_machine(stored: tuple[VideoScore, Store]) -> None:
    found, store = stored
    text = summary_json(found).decode()
    values = json.loads(text)
    assert values["result"]["video"] == found.result.video
    assert values["sensitivity"]["choices"]
    assert values["spec"]["video"] == "smile.mp4"
    assert str(store.root) not in text
    assert str(Path(found.artifact.summary["path"]).parent) not in text


def test_everything_is_written_and_the_document_needs_nothing_else(
    stored: tuple[VideoScore, Store], tmp_path: Path
) -> None:
    found, store = stored
    written = write_score(found, tmp_path / "smile", source_of(found, store), annotated=True)
    assert [path.name for path in written] == [
        "smile.frames.csv",
        "smile.frames.parquet",
        "smile.summary.json",
        "smile.report.html",
        "smile.annotated.mp4",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in written)
    document = (tmp_path / "smile.report.html").read_text(encoding="utf-8")
    assert f"{found.result.video:.2f}" in document
    assert document.count("data:image/") >= 3
    assert 'src="http' not in document
    assert str(Path(found.artifact.summary["path"]).parent) not in document


class Counter(Silent):
    def __init__(self) -> None:
        self.done = 0

    def advance(self, count: int = 1) -> None:
        self.done += count


def test_the_annotated_video_has_every_frame_with_the_face_marked(
    stored: tuple[VideoScore, Store], face_video: Path, tmp_path: Path
) -> None:
    found, _ = stored
    progress = Counter()
    write_annotated(found, face_video, tmp_path / "out.mp4", progress)
    plain, drawn = list(Reader(face_video)), list(Reader(tmp_path / "out.mp4"))
    assert progress.done == 30
    assert [frame.time for frame in drawn] == pytest.approx([frame.time for frame in plain], abs=1e-3)
    x, y, _, height = found.box[3] * np.array([160, 120, 160, 120])
    edge = drawn[3].picture[round(float(y + height / 2)), round(float(x))].astype(int)
    assert edge[0] - edge[2] > 60  # orange on gray
    assert np.abs(drawn[22].picture[40:60, 60:100].astype(int) - 120).mean() < 8  # a gap has no box
    assert [frame.picture.shape for frame in drawn] == [(180, 160, 3)] * 30  # a strip beneath, nothing over the picture
    assert np.abs(drawn[22].picture[100:119].astype(int) - plain[22].picture[100:119]).mean() < 8
    assert drawn[22].picture[122:].mean() < 80


def test_a_document_without_the_video_says_so_and_an_annotated_copy_cannot_be(face_video: Path, tmp_path: Path) -> None:
    copy, store = tmp_path / "gone.mp4", Store(tmp_path / "workspace")
    shutil.copy(face_video, copy)
    found = score(ScoreSpec(str(copy), model="face-cnn", resamples=100), store)
    assert isinstance(found, VideoScore)
    copy.unlink()
    reference, out = found.artifact.reference, tmp_path / "out"
    with pytest.raises(StoreError, match=r"gone\.mp4 is gone"):
        write_results(reference, store, out, annotated=True)
    assert list(out.iterdir()) == []
    document = write_results(reference, store, out)[3].read_text(encoding="utf-8")
    assert "data:image/jpeg" not in document
    assert "not at hand" in document
    shutil.copy(face_video, tmp_path / "elsewhere.mp4")  # the same bytes under another name
    again = write_results(reference, store, out, str(tmp_path / "elsewhere.mp4"))
    assert "data:image/jpeg" in again[3].read_text(encoding="utf-8")


def test_a_folder_is_written_with_each_model_by_name(face_video: Path, tmp_path: Path) -> None:
    videos, store = tmp_path / "videos", Store(tmp_path / "workspace")
    videos.mkdir()
    shutil.copy(face_video, videos / "a.mp4")
    (videos / "b.mp4").write_bytes(b"broken")
    found = score(ScoreSpec(str(videos), model="face-clip,face-cnn", resamples=100), store)
    written = write_results(found.artifact.reference, store, tmp_path / "out")
    names = {str(path.relative_to(tmp_path / "out")) for path in written}
    assert {"scores.csv", "a.face-clip.report.html", "a.face-cnn.frames.csv"} <= names
    assert len(written) == 1 + 2 * 4
    table = pd.read_csv(tmp_path / "out" / "scores.csv")
    assert len(table) == 4
    assert table.set_index(["video", "model"])["computed"].notna().to_dict()["a.mp4", "face-cnn"]


def test_the_command_writes_and_prints(face_video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--workspace", str(tmp_path / "w"), "score", str(face_video), "--model", "face-cnn", "--resamples", "100"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "smile.mp4, 3.0 s: video score" in printed
    assert "earlier peak" in printed
    assert "note: 5 of 30 scored frames" in printed
    assert (tmp_path / "out" / "smile.face-cnn.report.html").is_file()
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["result"]["video"] > 1
    assert main([*words, "--annotated"]) == 2
    assert "--annotated goes with --out" in capsys.readouterr().err
    (tmp_path / "file").write_text("x")
    assert main([*words, "--out", str(tmp_path / "file")]) == 2
    assert "file" in capsys.readouterr().err.splitlines()[-1]


def test_videos_and_models_of_like_names_do_not_share_files(face_video: Path, tmp_path: Path) -> None:
    from tests.conftest import write_clip

    videos, store = tmp_path / "videos", Store(tmp_path / "workspace")
    videos.mkdir()
    for name in ("a.mp4", "a.mov", "b c.mp4", "b-c.mp4"):
        shutil.copy(face_video, videos / name)
    models = []
    for seed in (1, 2):
        (tmp_path / str(seed) / "net").mkdir(parents=True)
        models.append(f"local-dir:{write_clip(tmp_path / str(seed) / 'net', seed)}")
    found = score(ScoreSpec(str(videos), ",".join(models), faces="whole", every=10, resamples=100), store)
    written = write_results(found.artifact.reference, store, tmp_path / "out", str(videos))
    assert len({path.relative_to(tmp_path) for path in written}) == len(written) == 1 + 2 * 4 * 4
    assert all(path.is_file() for path in written)


def test_names_are_made_distinct() -> None:
    assert distinct_stems(["a.mp4", "b.mp4", "a.mp4"]) == {"a.mp4": "a", "b.mp4": "b"}
    assert distinct_stems(["a.mp4", "a.mov"]) == {"a.mp4": "a.mp4", "a.mov": "a.mov"}
    assert len(set(distinct_stems(["x y.mp4", "x-y.mp4", "x.y.mp4", "X Y.mp4"]).values())) == 4
    assert distinct_stems(["ViT-B-32/openai", "ViT-L-14/openai"], whole=True) == {
        "ViT-B-32/openai": "ViT-B-32-openai",
        "ViT-L-14/openai": "ViT-L-14-openai",
    }


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.mp4", "a"), ("über Land.mov", "über-Land"), ("../../x.mp4", "x"), (".mp4", "mp4"), ("<b>.mp4", "b")],
)
def test_files_are_named_after_the_video(name: str, stem: str) -> None:
    assert file_stem(name) == stem
