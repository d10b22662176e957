"""Reported scores: a table of the scores that people gave to videos."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from workbench.data.sources.base import reason_of
from workbench.errors import InputError, unknown_name

LOWEST, HIGHEST = 1.0, 5.0
"""The range of a score."""

COLUMNS = ("video", "score")
"""Columns that the table must have, in any case and order; others are ignored."""

_LARGEST = 10_000_000  # bytes; a table of ratings is small


def read_ratings(path: Path, videos: Sequence[str]) -> dict[str, float]:
    """Read the scores that people gave.

    Parameters
    ----------
    path : Path
        A CSV file with the columns :data:`COLUMNS`, separated by commas, semicolons (numbers may then have a decimal
        comma) or tabs. A video is named with or without its end.
    videos : sequence of str
        The names of the videos, with their ends.

    Returns
    -------
    dict of str to float
        Scores 1 to 5 by the names in ``videos``, in their order; videos that the table does not name are left out.

    Raises
    ------
    InputError
        The file cannot be read, lacks a column, or has no row; or a line names an unknown video, an ambiguous one, or
        one a second time, or has no score, no number, or one outside 1 to 5. The text names the line.
    """
    found: dict[str, float] = {}
    lines: dict[str, int] = {}
    for line, name, text in _rows(path):
        where = f"{path}, line {line}"
        video = _video(where, name, videos)
        if video in found:
            raise InputError(f"{where}: {video!r} has a score already, on line {lines[video]}; each video takes one")
        found[video], lines[video] = _score(where, video, text), line
    if not found:
        raise InputError(f"{path}: has no ratings; beneath its heading each line takes a video's name and its score")
    return {video: found[video] for video in videos if video in found}


def _rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield line number, video and score, as written, of every row that is not empty."""
    text = _text(path)
    first = next((place for place, line in enumerate(text.splitlines()) if line.strip() and line[:4] != "sep="), 0)
    text = "".join(text.splitlines(keepends=True)[first:])  # blank lines and Excel's own first line
    heading = text.partition("\n")[0]
    delimiter = max(",;\t", key=heading.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        names = [name.strip().casefold() for name in next(reader, [])]
        for column in COLUMNS:
            if names.count(column) != 1:
                wrong = "has no column" if column not in names else "has more than one column"
                raise InputError(f"{path}: {wrong} {column!r}; its first line must name the columns video and score")
        at = [names.index(column) for column in COLUMNS]
        for row in reader:
            cells = [cell.strip() for cell in row] + [""] * len(names)
            if any(cells):
                score = cells[at[1]]
                yield first + reader.line_num, cells[at[0]], score.replace(",", ".") if delimiter == ";" else score
    except csv.Error as error:
        raise InputError(f"{path}, line {first + reader.line_num}: is not CSV ({error})") from error


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path}: is {path.stat().st_size / 1e6:.0f} MB; a table of ratings has a line a video")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {reason_of(error)}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is no UTF-8 text; save the table as CSV UTF-8") from error
    if not text.strip():
        raise InputError(f"{path}: is empty; it takes a heading 'video,score' and a line a video")
    return text


def _video(where: str, name: str, videos: Sequence[str]) -> str:
    if not name:
        raise InputError(f"{where}: names no video; give its name, such as {next(iter(videos), 'interview.mp4')}")
    if name in videos:
        return name
    alike = [video for video in videos if PurePosixPath(video).stem == name]
    if len(alike) > 1:
        raise InputError(f"{where}: {name!r} may be {' or '.join(alike)}; give the whole name")
    if not alike:
        raise InputError(f"{where}: {unknown_name('video', name[:100], videos)}")
    return alike[0]


def _score(where: str, video: str, text: str) -> float:
    allowed = f"a score is a number from {LOWEST:g} to {HIGHEST:g}"
    if not text:
        raise InputError(f"{where}: {video!r} has no score; {allowed}, and a video without one needs no line")
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not LOWEST <= score <= HIGHEST:
        raise InputError(f"{where}: the score of {video!r} is {text[:40]!r}; {allowed}")
    return score
