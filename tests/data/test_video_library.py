from __future__ import annotations

from pathlib import Path

import pytest

from workbench.data.video_library import find_video, list_videos, videos_dir
from workbench.errors import InputError
from workbench.store import Store


@pytest.fixture
def library(store: Store) -> Store:
    videos_dir(store).mkdir(parents=True)
    for name in ("b.mov", "a.mp4", "a.webm", ".hidden.mp4", "ratings.csv", "b.truth.parquet"):
        (videos_dir(store) / name).write_bytes(b"x")
    (videos_dir(store) / "folder.mp4").mkdir()
    return store


def test_the_library_lists_videos_only(library: Store) -> None:
    assert list_videos(library) == ["a.mp4", "a.webm", "b.mov"]


def test_a_workspace_without_videos_has_none(store: Store) -> None:
    assert list_videos(store) == []


def test_a_video_is_found_by_path_by_name_and_without_its_end(library: Store, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(b"x")
    assert find_video(library, str(other)) == other
    assert find_video(library, "a.webm") == videos_dir(library) / "a.webm"
    assert find_video(library, "b") == videos_dir(library) / "b.mov"
    assert find_video(library, str(tmp_path)) == tmp_path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", "may be a.mp4 or a.webm"),
        ("b.mow", "no such file"),
        ("bmov", "did you mean 'b.mov'"),
        ("missing.mp4", "no such file"),
        ("no/such/place", "no such file"),
        ("x" * 5000, "no file can have this name"),
        ("a\0b", "unknown video"),
    ],
)
def test_what_is_not_there_is_said(library: Store, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        find_video(library, text)
