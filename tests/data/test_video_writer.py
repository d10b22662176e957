from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.data.video_writer import VideoWriter
from workbench.errors import SpecError, StoreError


def two_colours(height: int, width: int) -> NDArray[np.uint8]:
    picture = np.empty((height, width, 3), np.uint8)
    picture[:, : width // 2], picture[:, width // 2 :] = (200, 30, 60), (20, 180, 90)
    return picture


def write_black(path: Path, *times: float, stopped: bool = False) -> None:
    with VideoWriter(path, 16, 16) as video:
        for time in times:
            video.write(np.zeros((16, 16), np.uint8), time)
        if stopped:
            raise KeyboardInterrupt


def read(path: Path) -> tuple[list[float], list[NDArray[np.uint8]]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    times = [float(frame.pts * frame.time_base) for frame in frames if frame.pts is not None and frame.time_base]
    return times, [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in frames]


def test_browsers_play_it_from_the_first_bytes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(path, 64, 48) as video:
        video.write(two_colours(48, 64))
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_colours_survive(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", 64, 48) as video:
        video.write(two_colours(48, 64))
    _, (found,) = read(tmp_path / "a.mp4")
    assert np.abs(found[:, :28].astype(int) - (200, 30, 60)).max() <= 4
    assert np.abs(found[:, 36:].astype(int) - (20, 180, 90)).max() <= 4


def test_a_gray_picture_is_the_same_in_three_colours(tmp_path: Path) -> None:
    gray = np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))
    with VideoWriter(tmp_path / "a.mp4", 64, 48, quality=0) as video:
        video.write(gray)
    _, (found,) = read(tmp_path / "a.mp4")
    assert np.abs(found.astype(int) - gray[:, :, None]).max() <= 3


@given(steps=st.lists(st.integers(1, 90_000), min_size=1, max_size=12), start=st.integers(0, 90_000))
@settings(max_examples=10, deadline=None)
def test_uneven_times_survive_to_a_tick(tmp_path_factory: pytest.TempPathFactory, steps: list[int], start: int) -> None:
    path = tmp_path_factory.mktemp("times") / "a.mp4"
    times = start / 90_000 + np.concatenate([[0], np.cumsum(steps)]) / 90_000
    write_black(path, *times.tolist())
    np.testing.assert_allclose(read(path)[0], times, atol=1.5 / 90_000)


@pytest.mark.parametrize("rate", [1.0, 29.97, 25.0, 120.0])
def test_pictures_without_a_time_follow_the_rate(tmp_path: Path, rate: float) -> None:
    with VideoWriter(tmp_path / "a.mp4", 16, 16, rate) as video:
        for _ in range(4):
            video.write(np.zeros((16, 16), np.uint8))
    np.testing.assert_allclose(read(tmp_path / "a.mp4")[0], np.arange(4) / rate, atol=3 / 90_000)


def test_the_last_picture_has_its_time_on_the_screen(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", 16, 16, rate=5) as video:
        for time in (0.0, 0.1, 2.0):
            video.write(np.zeros((16, 16), np.uint8), time)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.duration == pytest.approx(2.2e6, rel=0.01)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (17, 32), (32, 17), (319, 241)])
def test_odd_sizes_repeat_their_last_column_and_row(tmp_path: Path, width: int, height: int) -> None:
    picture = np.full((height, width), 40, np.uint8)
    picture[-1], picture[:, -1] = 220, 220
    with VideoWriter(tmp_path / "a.mp4", width, height, quality=0) as video:
        video.write(picture)
    _, (found,) = read(tmp_path / "a.mp4")
    assert found.shape == (height + height % 2, width + width % 2, 3)
    if height % 2:
        assert found[-1].min() >= 215
    if width % 2:
        assert found[:, -1].min() >= 215


def test_nothing_is_left_when_the_work_breaks_off_and_an_older_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"older")
    with pytest.raises(KeyboardInterrupt):
        write_black(path, 0.0, stopped=True)
    assert [each.name for each in tmp_path.iterdir()] == ["a.mp4"]
    assert path.read_bytes() == b"older"


def test_a_video_without_pictures_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no picture"), VideoWriter(tmp_path / "a.mp4", 16, 16):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "picture",
    [np.zeros((16, 16), np.float32), np.zeros((16, 17), np.uint8), np.zeros((16, 16, 4), np.uint8)],
    ids=["float", "size", "four colours"],
)
def test_a_picture_that_does_not_fit_is_refused(tmp_path: Path, picture: NDArray[np.uint8]) -> None:
    with pytest.raises(SpecError, match="does not fit this video"), VideoWriter(tmp_path / "a.mp4", 16, 16) as video:
        video.write(picture)


def test_times_that_do_not_rise_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="times rise"):
        write_black(tmp_path / "a.mp4", 1.0, 1.0)


def test_a_picture_outside_the_block_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="inside the video's with block"):
        VideoWriter(tmp_path / "a.mp4", 16, 16).write(np.zeros((16, 16), np.uint8))


@pytest.mark.parametrize(
    ("options", "words"),
    [((0, 16, 25.0), "0 x 16"), ((16, 16, 0.0), "rate is 0"), ((16, 16, 25.0, 52), "quality is 52")],
)
def test_sizes_rates_and_qualities_out_of_range_are_refused(
    tmp_path: Path, options: tuple[int, int, float], words: str
) -> None:
    with pytest.raises(SpecError, match=words):
        VideoWriter(tmp_path / "a.mp4", *options)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match=r"cannot write .*nowhere.*a\.mp4"),
        VideoWriter(tmp_path / "nowhere" / "a.mp4", 16, 16),
    ):
        pass
