from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.ratings import read_ratings
from workbench.errors import InputError

VIDEOS = ("calls.mp4", "visit.mov", "visit.webm", "the queue.mp4")


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "ratings.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "video,score\ncalls.mp4,4.5\nthe queue,2\n",
        "Score , VIDEO\n4.5, calls\n2,the queue.mp4\n",
        "video;score\ncalls.mp4;4,5\nthe queue;2\n",
        "video\tscore\ncalls.mp4\t4.5\nthe queue\t2\n",
        "\ufeffvideo,score\r\ncalls.mp4,4.5\r\n\r\nthe queue,2\r\n,,\r\n",
        'date,video,notes,score\n1 May,calls,"good, mostly\nfriendly",4.5\n2 May,the queue,,2.0',
    ],
    ids=["plain", "order and case", "semicolons", "tabs", "BOM and blank lines", "further columns"],
)
def test_tables_as_people_save_them(tmp_path: Path, text: str) -> None:
    assert read_ratings(written(tmp_path, text), VIDEOS) == {"calls.mp4": 4.5, "the queue.mp4": 2.0}


def test_the_order_is_that_of_the_videos(tmp_path: Path) -> None:
    found = read_ratings(written(tmp_path, "video,score\nthe queue,2\ncalls,1\n"), VIDEOS)
    assert list(found) == ["calls.mp4", "the queue.mp4"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty; it takes a heading 'video,score'"),
        ("\n \n", "is empty"),
        ("video,score\n", "has no ratings"),
        ("video,mark\ncalls,3\n", "has no column 'score'"),
        ("calls.mp4,3\n", "has no column 'video'"),
        ("video,score,Score\ncalls,3,4\n", "has more than one column 'score'"),
        ("video,score\ncall.mp4,3\n", "line 2: unknown video 'call.mp4'; did you mean 'calls.mp4'?"),
        ("video,score\nvisit,3\n", "line 2: 'visit' may be visit.mov or visit.webm; give the whole name"),
        ("video,score\ncalls,3\n\ncalls.mp4,4\n", "line 4: 'calls.mp4' has a score already, on line 2"),
        ("video,score\n,3\n", "line 2: names no video; give its name, such as calls.mp4"),
        ("video,score\ncalls,\n", "line 2: 'calls.mp4' has no score"),
        ("video,score\ncalls\n", "line 2: 'calls.mp4' has no score"),
        ("video,score\ncalls,good\n", "line 2: the score of 'calls.mp4' is 'good'; a score is a number from 1 to 5"),
        ("video,score\ncalls,5.01\n", "is '5.01'; a score is a number from 1 to 5"),
        ("video,score\ncalls,0\n", "is '0'"),
        ("video,score\ncalls,nan\n", "is 'nan'"),
        ("video,score\ncalls,inf\n", "is 'inf'"),
        (b"\x00\x01\xff\xfe", "is no UTF-8 text"),
        ("video,score\ncalls,\x003\n", "line 2: "),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str | bytes, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_ratings(path, VIDEOS)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert words in message
    assert "\n" not in message


def test_a_missing_file_a_folder_and_a_large_file_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError, match=str(path)):
            read_ratings(path, VIDEOS)
    large = tmp_path / "film.csv"
    with large.open("wb") as file:
        file.truncate(20_000_000)
    with pytest.raises(InputError, match="is 20 MB; a table of ratings"):
        read_ratings(large, VIDEOS)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: ("video,score\n" + text).encode()))
def test_any_bytes_give_ratings_or_one_line(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = written(tmp_path_factory.getbasetemp(), data)
    message, found = "one line", {}
    try:
        found = read_ratings(path, VIDEOS)
    except InputError as error:
        message = str(error)
    assert len(message.splitlines()) == 1
    assert all(1 <= score <= 5 for score in found.values())


@pytest.mark.parametrize("head", ["sep=,\n", "\n\n", "sep=,\n\n"])
def test_blank_lines_and_a_spreadsheets_own_first_line_are_passed_over(head: str, tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(head + "video,score\na.mp4,4\n")
    assert read_ratings(path, ["a.mp4"]) == {"a.mp4": 4.0}
    path.write_text(head + "video,score\na.mp4,9\n")
    with pytest.raises(InputError, match=f"line {head.count(chr(10)) + 2}:"):
        read_ratings(path, ["a.mp4"])
