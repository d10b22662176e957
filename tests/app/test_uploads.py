"""Uploads: safe names that never meet, whole files or none, one line where the disk will not have them."""

from __future__ import annotations

import errno
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.app import uploads
from workbench.data.video_library import VIDEO_SUFFIXES, find_video, list_videos, uploads_dir, videos_dir
from workbench.errors import InputError, StoreError
from workbench.store import Store


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("clip.mp4", "clip.mp4"),
        ("CLIP.MOV", "CLIP.mov"),
        ("../../etc/cron.d/x.mp4", "x.mp4"),
        ("C:\\films\\face.avi", "face.avi"),
        ("my holiday (1).mp4", "my-holiday-1.mp4"),
        ("gesicht süß.webm", "gesicht-süß.webm"),
        ("<img src=x onerror=alert(1)>.mp4", "img-src-x-onerror-alert-1.mp4"),
        ("\u202e4pm.exe.mp4", "4pm.exe.mp4"),
        ("...mp4", "video.mp4"),
        ("-rf.mp4", "rf.mp4"),
        ("\x00\n.mp4", "video.mp4"),
        ("🙂.mp4", "video.mp4"),
        ("a" * 119 + "-bcd.mp4", "a" * 119 + ".mp4"),
    ],
)
def test_a_hostile_name_becomes_a_safe_one(name: str, safe: str) -> None:
    assert uploads.safe_name(name) == safe


@given(st.text(max_size=300), st.sampled_from(VIDEO_SUFFIXES))
def test_every_name_becomes_one_that_stays_in_its_folder(stem: str, suffix: str) -> None:
    name = uploads.safe_name(stem + suffix)
    assert Path(name).name == name
    assert not name.startswith((".", "-"))
    assert name.isprintable()
    assert len(name.encode()) <= uploads.NAME_BYTES + 5
    assert uploads.safe_name(name) == name


@pytest.mark.parametrize("name", ["", "clip", ".mp4x", "clip.txt", "clip.mp4.exe", "clip.mp4/"])
def test_what_is_not_named_like_a_video_is_refused_in_one_line(store: Store, name: str) -> None:
    with pytest.raises(InputError, match=r"not named like a video; its name may end in .*\.mp4"):
        uploads.receive(store, b"bytes", name)
    assert not store.root.exists()


def test_two_uploads_of_one_name_at_once_do_not_meet(store: Store) -> None:
    contents = [bytes([number]) * 1000 for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda content: uploads.receive(store, content, "clip.mp4"), contents))
    assert len(set(paths)) == 16
    assert [path.read_bytes() for path in paths] == contents
    assert all(path.name == "clip.mp4" and path.parent.parent == uploads_dir(store) for path in paths)


def test_videos_kept_at_once_under_one_name_all_stay(store: Store) -> None:
    contents = [bytes([number]) * 1000 for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda content: uploads.keep(store, content, "clip.mp4"), contents))
    assert len(set(names)) == 16
    assert sorted(names) == sorted(list_videos(store))
    assert [(videos_dir(store) / name).read_bytes() for name in names] == contents


def test_a_video_kept_twice_is_there_once(store: Store) -> None:
    path = uploads.receive(store, b"face", "clip.mp4")
    assert uploads.keep(store, path) == uploads.keep(store, b"face", "clip.mp4") == "clip.mp4"
    assert list_videos(store) == ["clip.mp4"]
    assert path.exists()


def test_a_kept_video_can_be_named_without_its_end(store: Store) -> None:
    names = [uploads.keep(store, content, name) for content, name in ((b"1", "clip.mp4"), (b"2", "clip.mov"))]
    assert names == ["clip.mp4", "clip-2.mov"]
    assert [find_video(store, Path(name).stem).name for name in names] == names


@pytest.mark.parametrize("place", ["receive", "keep"])
def test_an_empty_upload_is_refused_in_one_line(store: Store, place: str) -> None:
    with pytest.raises(InputError, match=r"^clip\.mp4 is empty"):
        getattr(uploads, place)(store, b"", "clip.mp4")
    assert not store.root.exists()


def test_an_upload_that_is_gone_cannot_be_kept(store: Store) -> None:
    with pytest.raises(InputError, match=r"clip\.mp4 is not there any more"):
        uploads.keep(store, uploads_dir(store) / "0123" / "clip.mp4")


@pytest.mark.parametrize("place", ["receive", "keep"])
def test_too_little_room_is_said_before_anything_is_written(
    store: Store, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(StoreError, match=r"1 MB are free in .* and 67 MB are needed"):
        getattr(uploads, place)(store, b"face", "clip.mp4")
    assert not store.root.exists()


@pytest.mark.parametrize("place", ["receive", "keep"])
def test_a_disk_that_fills_up_is_one_line_and_leaves_nothing(
    store: Store, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StoreError, match="the disk is full"):
        getattr(uploads, place)(store, b"face", "clip.mp4")
    assert [path for path in store.root.rglob("*") if path.is_file()] == []
    assert not uploads_dir(store).exists() or list(uploads_dir(store).iterdir()) == []
