from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.data.video_files import index_of, write_sound, write_video
from workbench.data import video_decoding
from workbench.data.video import Frame, Reader, pictures_at, probe
from workbench.errors import SpecError, VideoError

STEADY = [index / 25 for index in range(30)]
UNEVEN = [0.0, 0.04, 0.3, 0.31, 0.5, 1.2, 1.21, 1.9, 2.0, 2.02]


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("videos") / "steady.mp4", STEADY)


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def wiped(path: Path, start: float, end: float) -> Path:
    data = bytearray(path.read_bytes())
    first, last = int(len(data) * start), int(len(data) * end)
    data[first:last] = bytes(last - first)
    path.write_bytes(data)
    return path


def test_every_frame_comes_in_order_with_its_time_and_picture(steady: Path) -> None:
    reader = Reader(steady)
    frames = list(reader)
    assert [frame.index for frame in frames] == list(range(30))
    assert [frame.time for frame in frames] == pytest.approx(STEADY)
    assert [index_of(frame.picture) for frame in frames] == list(range(30))
    assert all(frame.picture.shape == (48, 64, 3) and frame.picture.dtype == np.uint8 for frame in frames)
    assert reader.fault is None
    assert reader.decoded == 30


def test_a_reader_can_be_read_again(steady: Path) -> None:
    reader = Reader(steady)
    assert [frame.time for frame in reader] == [frame.time for frame in reader]
    assert reader.decoded == 30


def test_an_open_file_reads_as_its_path_does(steady: Path) -> None:
    data = io.BytesIO(steady.read_bytes())
    assert [frame.time for frame in Reader(data)] == [frame.time for frame in Reader(steady)]
    assert probe(data, "steady.mp4") == probe(steady)


def test_only_every_nth_frame_is_taken(steady: Path) -> None:
    reader = Reader(steady, every=7)
    assert [(frame.index, index_of(frame.picture)) for frame in reader] == [(i, i) for i in (0, 7, 14, 21, 28)]
    assert reader.decoded == 30


@pytest.mark.parametrize(("rate", "taken"), [(25, range(30)), (100, range(30)), (5, range(0, 30, 5)), (1, [0, 25])])
def test_a_rate_takes_the_first_frame_from_each_multiple_on(steady: Path, rate: float, taken: list[int]) -> None:
    assert [frame.index for frame in Reader(steady, rate=rate)] == list(taken)


def test_a_rate_on_uneven_times_takes_no_frame_twice(tmp_path: Path) -> None:
    path = write_video(tmp_path / "uneven.mp4", UNEVEN)
    assert [frame.index for frame in Reader(path, rate=4)] == [0, 2, 4, 5, 7, 8]


@pytest.mark.parametrize("options", [{}, {"every": 3}, {"rate": 8.0}])
def test_skipping_changes_nothing_about_the_frames_that_remain(steady: Path, options: dict[str, float]) -> None:
    whole = [frame for frame in Reader(steady, **options) if frame.index >= 11]  # type: ignore[arg-type]
    rest = list(Reader(steady, **options).skip(11))  # type: ignore[arg-type]
    assert [(frame.index, frame.time) for frame in rest] == [(frame.index, frame.time) for frame in whole]
    assert all((a.picture == b.picture).all() for a, b in zip(rest, whole, strict=True))


@pytest.mark.parametrize("name", ["uneven.mp4", "uneven.mkv", "uneven.mov"])
def test_times_of_a_variable_rate_are_the_true_ones(tmp_path: Path, name: str) -> None:
    reader = Reader(write_video(tmp_path / name, UNEVEN))
    assert [frame.time for frame in reader] == pytest.approx(UNEVEN, abs=0.001)
    assert reader.fault is None


@pytest.mark.parametrize("rate", [1, 120])
def test_very_slow_and_very_fast_videos_are_whole(tmp_path: Path, rate: int) -> None:
    times = [index / rate for index in range(12)]
    reader = Reader(write_video(tmp_path / "video.mp4", times))
    assert [frame.time for frame in reader] == pytest.approx(times, abs=1e-4)
    assert reader.fault is None


def test_a_long_last_frame_and_a_late_first_one_are_no_fault(tmp_path: Path) -> None:
    reader = Reader(write_video(tmp_path / "video.mp4", [2.0, 2.04, 5.0]))
    assert [frame.time for frame in reader] == pytest.approx([0, 0.04, 3.0], abs=1e-4)
    assert reader.fault is None


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("v.mp4", "libx264", "yuv422p10le"),
        ("v.mp4", "libx264", "yuv444p"),
        ("v.mp4", "libx264", "gray"),
        ("v.mp4", "libx265", "yuv420p10le"),
        ("v.webm", "libvpx-vp9", "yuva420p"),
        ("v.webm", "libvpx", "yuv420p"),
        ("v.mkv", "ffv1", "gray16le"),
        ("v.mov", "prores_ks", "yuv422p10le"),
        ("v.mov", "qtrle", "rgb24"),
        ("v.avi", "rawvideo", "bgr24"),
        ("v.ts", "libx264", "yuv420p"),
    ],
)
def test_formats_and_odd_pixel_formats_come_out_alike(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    path = write_video(tmp_path / name, STEADY[:12], codec=codec, pixels=pixels)
    reader = Reader(path)
    frames = list(reader)
    assert [index_of(frame.picture) for frame in frames] == list(range(12))
    assert [frame.time for frame in frames] == pytest.approx(STEADY[:12], abs=0.002)
    assert reader.fault is None


def test_an_odd_size_keeps_its_columns_and_rows(tmp_path: Path) -> None:
    path = write_video(tmp_path / "odd.mkv", STEADY[:3], size=(61, 37), codec="ffv1", pixels="bgr0")
    assert {frame.picture.shape for frame in Reader(path)} == {(37, 61, 3)}


@pytest.mark.parametrize(("rotation", "place"), [(0, (0, 0)), (90, (1, 0)), (180, (1, 1)), (270, (0, 1))])
def test_the_bright_corner_turns_counterclockwise(tmp_path: Path, rotation: int, place: tuple[int, int]) -> None:
    path = tmp_path / "corner.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_rotation(rotation)
        pixels = np.zeros((48, 64, 3), dtype=np.uint8)
        pixels[:24, :32] = 255
        container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    picture = next(iter(Reader(path))).picture
    height, width = picture.shape[:2]
    corners = {(row, column): picture[-row, -column].mean() > 128 for row in (0, 1) for column in (0, 1)}
    assert [corner for corner, bright in corners.items() if bright] == [place]
    turned = rotation in (90, 270)
    assert (width, height) == ((48, 64) if turned else (64, 48))
    video = probe(path)
    assert (video.rotation, video.width, video.height) == (rotation, width, height)


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path) -> None:
    path = write_video(tmp_path / "wide.mp4", STEADY[:2], size=(64, 48), aspect=Fraction(3, 2))
    assert (probe(path).width, probe(path).height) == (96, 48)
    assert next(iter(Reader(path))).picture.shape == (48, 96, 3)


def test_large_frames_are_scaled_down_and_small_ones_are_left(tmp_path: Path, steady: Path) -> None:
    large = write_video(tmp_path / "large.mp4", STEADY[:2], size=(640, 320), rotation=90)
    assert next(iter(Reader(large, max_side=100))).picture.shape == (100, 50, 3)
    assert next(iter(Reader(steady, max_side=100))).picture.shape == (48, 64, 3)


_PEAK = """
import sys, psutil
from pathlib import Path
from workbench.data.video import Reader
reader, before = Reader(Path(sys.argv[1]), max_side=320), psutil.Process().memory_info().rss
grown = [psutil.Process().memory_info().rss - before for frame in reader if frame.picture.shape == (180, 320, 3)]
assert len(grown) == reader.decoded == 3, reader.fault
print(max(grown) // 2**20)
"""


def test_frames_of_8k_are_read_in_bounded_memory(tmp_path: Path) -> None:
    path = write_video(tmp_path / "8k.mkv", STEADY[:3], size=(7680, 4320), codec="mjpeg", pixels="yuvj420p")
    run = subprocess.run([sys.executable, "-c", _PEAK, str(path)], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 8 * 7680 * 4320 * 1.5 / 2**20  # eight decoded frames; one in full colour is two of these


def test_frames_beyond_any_camera_are_refused_before_memory_is_taken(
    steady: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_decoding, "MAX_PIXELS", 64 * 47)
    with pytest.raises(VideoError, match=r"steady.mp4: frames of 64 x 48 pixels; 3,008 pixels at most"):
        probe(steady)


def test_a_probe_says_what_the_file_is(steady: Path) -> None:
    video = probe(steady)
    assert video.to_dict() == {
        "name": "steady.mp4",
        "digest": hashlib.sha256(steady.read_bytes()).hexdigest()[:32],
        "codec": "h264",
        "width": 64,
        "height": 48,
        "rotation": 0,
        "duration": pytest.approx(1.2, abs=0.001),
        "rate": pytest.approx(25),
        "frames": 30,
        "size": steady.stat().st_size,
    }


def test_sound_beside_the_pictures_changes_nothing(tmp_path: Path) -> None:
    for name in ("video.mp4", "video.mkv"):
        reader = Reader(write_video(tmp_path / name, STEADY[:10], sound=True))
        assert [index_of(frame.picture) for frame in reader] == list(range(10))
        assert reader.fault is None


@pytest.mark.parametrize("name", ["video.mp4", "video.mkv"])
def test_pictures_that_begin_after_the_sound_keep_their_delay_as_in_a_player(tmp_path: Path, name: str) -> None:
    path = write_video(tmp_path / name, [0.6, 0.64, 0.68], sound=True)
    reader = Reader(path)
    frames = list(reader)
    assert [frame.time for frame in frames] == pytest.approx([0.6, 0.64, 0.68], abs=0.03)
    assert reader.fault is None
    assert all(pictures_at(path, [frame.time for frame in frames]))


def test_one_frame_is_a_video(tmp_path: Path) -> None:
    path = write_video(tmp_path / "one.mp4", [0.0])
    reader = Reader(path)
    assert [(frame.index, frame.time) for frame in reader] == [(0, 0.0)]
    assert reader.fault is None
    assert probe(path).frames == 1


# --- files that are no videos


def no_video(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.mp4"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("a line of text\n" * 200)
    elif kind == "folder":
        path.mkdir()
    elif kind == "picture":
        Image.new("RGB", (64, 48)).save(path, format="PNG")
    elif kind == "playlist":
        path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n/etc/hostname.ts\n#EXT-X-ENDLIST\n")
    elif kind == "noise":
        path.write_bytes(np.random.default_rng(0).bytes(50_000))
    elif kind == "sound":
        write_sound(path)
    elif kind == "no-index":
        cut(write_video(path, STEADY, moov_first=False, noise=True), 0.7)
    elif kind == "first-frame-lost":
        wiped(write_video(path, STEADY, noise=True), 0.05, 1.0)
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("empty", "the file is empty"),
        ("text", "not a video"),
        ("missing", "no such file"),
        ("folder", "not a file"),
        ("picture", "not a video"),
        ("playlist", "not a video"),
        ("noise", "not a video"),
        ("sound", "it has sound but no picture"),
        ("no-index", "its index is missing"),
        ("first-frame-lost", "no frame of it can be decoded"),
    ],
)
def test_what_is_no_video_is_refused_in_one_line(tmp_path: Path, kind: str, words: str) -> None:
    path = no_video(tmp_path, kind)
    for read in (probe, lambda source: next(iter(Reader(source)))):
        with pytest.raises(VideoError, match=words) as caught:
            read(path)
        assert str(caught.value).startswith(f"{kind}.mp4: ")
        assert "\n" not in str(caught.value)


def test_a_video_named_otherwise_is_read_by_its_content(steady: Path, tmp_path: Path) -> None:
    path = tmp_path / "steady.txt"
    path.write_bytes(steady.read_bytes())
    assert probe(path).codec == "h264"


@pytest.mark.parametrize("options", [{"every": 0}, {"rate": -1.0}, {"max_side": 3}])
def test_options_out_of_range_are_refused(steady: Path, options: dict[str, float]) -> None:
    with pytest.raises(SpecError):
        Reader(steady, **options)  # type: ignore[arg-type]


# --- damage


@pytest.mark.parametrize(
    ("name", "codec"),
    [("v.mp4", "libx264"), ("v.mp4", "libx265"), ("v.mkv", "libx264"), ("v.webm", "libvpx-vp9"), ("v.avi", "mjpeg")],
)
def test_a_file_cut_short_gives_its_frames_and_the_time_of_the_cut(tmp_path: Path, name: str, codec: str) -> None:
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = write_video(tmp_path / name, STEADY, codec=codec, pixels=pixels, noise=True)
    whole = list(Reader(path))
    reader = Reader(cut(path, 0.6))
    frames = list(reader)
    assert 3 <= len(frames) < 25
    assert all((a.picture == b.picture).all() for a, b in zip(frames, whole, strict=False))
    assert reader.fault is not None
    assert reader.fault.frame == reader.decoded == len(frames)
    assert reader.fault.time == pytest.approx(frames[-1].time + 0.04, abs=0.02)
    assert f"{reader.fault.time:.2f} s" in reader.fault.message


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv"])
def test_a_hole_in_the_file_ends_the_frames_before_it(tmp_path: Path, name: str) -> None:
    path = write_video(tmp_path / name, STEADY, noise=True)
    whole = list(Reader(path))
    reader = Reader(wiped(path, 0.5, 0.7))
    frames = list(reader)
    assert 3 <= len(frames) < 20
    assert all((a.picture == b.picture).all() for a, b in zip(frames, whole, strict=False))
    assert reader.fault is not None
    assert reader.fault.time == pytest.approx(frames[-1].time + 0.04, abs=0.02)


def test_flipped_bytes_never_escape_as_another_error(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mp4", STEADY[:15], noise=True)
    data, faults = path.read_bytes(), 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), rng.integers(1, 200)):
            damaged[place] ^= int(rng.integers(1, 256))
        reader = Reader(io.BytesIO(bytes(damaged)))
        frames: list[Frame] = []
        with suppress(VideoError):
            frames = list(reader)
        faults += reader.fault is not None
        assert [frame.time for frame in frames] == sorted(frame.time for frame in frames)
    assert faults > 5


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_flipped_bytes_in_the_pictures_are_noticed(codec: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mp4", STEADY[:15], noise=True, codec=codec)
    data = bytearray(path.read_bytes())
    for place in range(len(data) // 2, len(data) * 3 // 4, 97):
        data[place] ^= 255
    reader = Reader(io.BytesIO(bytes(data)))
    frames = list(reader)
    assert 0 < len(frames) < 15
    assert reader.fault is not None
    assert f"after {len(frames)} frames" in reader.fault.message


class Stamped:
    """What a clock reads of a frame."""

    def __init__(self, pts: int | None) -> None:
        self.pts, self.duration, self.time_base = pts, 0, Fraction(1, 1000)


class Stream:
    """What a clock reads of a stream: 25 frames a second."""

    average_rate, guessed_rate = Fraction(25), None


def clocked(stamps: list[int | None]) -> list[float]:
    from workbench.data.video_decoding import Clock

    clock = Clock(Stream(), 100)  # type: ignore[arg-type]
    return [clock.read(Stamped(stamp)) for stamp in stamps]  # type: ignore[arg-type]


def test_a_frame_without_a_time_follows_at_the_usual_distance() -> None:
    assert clocked([100, 140, None, 220, 260]) == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])
    assert clocked([None, None, None]) == pytest.approx([0, 0.04, 0.08])


def test_one_time_that_goes_back_does_not_shift_those_after_it() -> None:
    assert clocked([100, 140, 60, 220, 260]) == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])


def test_times_that_start_anew_go_on_from_where_they_were() -> None:
    assert clocked([100, 140, 180, 0, 60, 120, 180]) == pytest.approx([0, 0.04, 0.08, 0.12, 0.18, 0.24, 0.30])


def test_equal_times_are_told_apart() -> None:
    times = clocked([100, 100, 100, 100])
    assert (np.diff(times) > 0).all()


def test_two_recordings_joined_in_one_stream_are_read_through(tmp_path: Path) -> None:
    part = write_video(tmp_path / "part.ts", STEADY).read_bytes()
    path = tmp_path / "joined.ts"
    path.write_bytes(part + part)
    reader = Reader(path)
    frames = list(reader)
    assert [index_of(frame.picture) for frame in frames] == [*range(30), *range(30)]
    assert [frame.time for frame in frames] == pytest.approx([index / 25 for index in range(60)])
    assert reader.fault is None
    assert all(pictures_at(path, [frame.time for frame in frames]))


# --- single frames


def test_frames_are_found_again_by_their_times(steady: Path) -> None:
    frames = list(Reader(steady))
    wanted = [frames[index] for index in (29, 0, 13, 13, 10)]
    found = pictures_at(steady, [frame.time for frame in wanted])
    assert all(isinstance(frame, Frame) for frame in found)
    assert all((a.picture == b.picture).all() for a, b in zip(wanted, found, strict=True) if b)


def test_uneven_and_late_starting_frames_are_found_again(tmp_path: Path) -> None:
    path = write_video(tmp_path / "uneven.mp4", [time + 1.5 for time in UNEVEN])
    found = pictures_at(path, [frame.time for frame in Reader(path)])
    assert [index_of(frame.picture) for frame in found if frame] == list(range(10))


@pytest.mark.parametrize("name", ["bare.h264", "video.ts", "video.flv"])
def test_frames_are_found_again_where_seeking_is_poor_or_times_are_missing(tmp_path: Path, name: str) -> None:
    path = write_video(tmp_path / name, STEADY, codec="flv" if name.endswith("flv") else "libx264")
    frames = list(Reader(path))
    assert [frame.time for frame in frames] == pytest.approx(STEADY, abs=1e-3)
    found = pictures_at(path, [frames[index].time for index in (0, 7, 29)])
    assert [index_of(frame.picture) for frame in found if frame] == [0, 7, 29]


def test_a_time_without_a_frame_gives_none(steady: Path) -> None:
    assert pictures_at(steady, [0.021, 99.0, -1.0]) == [None, None, None]


def test_pictures_behind_damage_are_none_and_those_before_it_are_there(tmp_path: Path) -> None:
    path = wiped(write_video(tmp_path / "v.mp4", STEADY, noise=True), 0.6, 1.0)
    found = pictures_at(path, [0.0, STEADY[5], STEADY[29]])
    assert [frame is not None for frame in found] == [True, True, False]


# --- real clips


def test_real_clips_are_read_whole_with_their_own_times(real_videos: Path) -> None:
    for name, frames, last in (("single_face.mp4", 72, 2.3667), ("face_noface.mov", 169, 6.3604)):
        reader = Reader(real_videos / name)
        found = list(reader)
        assert (len(found), reader.fault) == (frames, None)
        assert found[-1].time == pytest.approx(last, abs=0.001)


def test_a_real_hevc_clip_cut_in_the_middle_is_read_up_to_there(real_videos: Path, tmp_path: Path) -> None:
    data = (real_videos / "face_noface.mov").read_bytes()
    moov_first = data.find(b"moov") < data.find(b"mdat")
    path = tmp_path / "cut.mov"
    path.write_bytes(data[: len(data) // 2])
    if moov_first:
        reader = Reader(path)
        assert 10 < len(list(reader)) < 169
        assert reader.fault is not None
    else:
        with pytest.raises(VideoError, match="its index is missing"):
            next(iter(Reader(path)))
