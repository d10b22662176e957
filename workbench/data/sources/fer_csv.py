"""FER2013's own tables: ``fer2013.csv`` and ``icml_face_data.csv``, pixels written as numbers."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, ClassVar

import numpy as np

from workbench.data.images import encode_png
from workbench.data.labels import FER_CLASSES, class_name
from workbench.data.sources.base import Item, Rejected, file_signature, reason_of
from workbench.errors import DatasetError

SIDE = 48
"""FER2013's images are 48 x 48 pixels."""

_MAX_LINE = 65_536
_EMOTIONS = {str(number): name for number, name in enumerate(FER_CLASSES)}
_VALUES = {str(value): value for value in range(256)}


class FerCsvSource:
    """The rows of a table with the columns ``emotion``, ``pixels`` and ``Usage``, read line by line.

    ``emotion`` is 0 to 6 (angry, disgust, fear, happy, sad, surprise, neutral) or the word; ``pixels`` holds 2,304
    numbers from 0 to 255 with spaces between; ``Usage`` may be missing. A row is named by its place.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    DatasetError
        It cannot be read, is no UTF-8 text, or lacks a column.
    """

    kind: ClassVar[str] = "fer-csv"

    def __init__(self, path: Path) -> None:
        self._path = path
        self.notes: list[str] = []
        try:
            self.signature = file_signature([path])
            with path.open("rb") as file:
                lines = _lines(file)
                self._emotion, self._pixels, self._usage = _columns(path, next(lines, b""))
                self.count = sum(1 for _ in lines)
        except OSError as error:
            raise DatasetError(f"{path}: {reason_of(error)}") from error

    def items(self, start: int = 0) -> Iterator[Item | Rejected]:
        """See :class:`~workbench.data.sources.base.Source`."""
        with self._path.open("rb") as file:
            for row, line in enumerate(_lines(file)):  # row 0 is the header
                if row > start:
                    yield self._item(row, line)

    def _item(self, row: int, line: bytes) -> Item | Rejected:
        origin = f"{self._path.name} line {row + 1}"  # line 1 is the header
        try:
            fields = _fields(line)
            values = [fields[place].strip() for place in (self._emotion, self._pixels)]
            usage = fields[self._usage].strip() if self._usage is not None else ""
            label = _emotion(values[0])
        except IndexError:
            return Rejected(origin, "the row has too few fields")
        except DatasetError as error:
            return Rejected(origin, str(error))
        return Item(f"row-{row:05d}", usage, label, origin, partial(_read, values[1]))


def _columns(path: Path, header: bytes) -> tuple[int, int, int | None]:
    try:
        names = [name.strip().lower() for name in _fields(header.removeprefix(b"\xef\xbb\xbf"))]
    except DatasetError as error:
        raise DatasetError(f"{path}: the first line is no header: {error}") from error
    for name in ("emotion", "pixels"):
        if name not in names:
            found = ", ".join(name or "(empty)" for name in names)[:200]
            raise DatasetError(f"{path}: no column {name!r}; found {found}; expected emotion, pixels, Usage")
    return names.index("emotion"), names.index("pixels"), names.index("usage") if "usage" in names else None


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Give the lines left in a file; of an endless line only the beginning, which is then too long to be read."""
    while line := file.readline(_MAX_LINE):
        rest = line
        while len(rest) == _MAX_LINE and not rest.endswith(b"\n"):
            rest = file.readline(_MAX_LINE)
        yield line


def _fields(line: bytes) -> list[str]:
    if not line.strip():
        raise DatasetError("the row is blank")
    if len(line) >= _MAX_LINE:
        raise DatasetError(f"the row is longer than {_MAX_LINE:,} bytes")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DatasetError(f"not UTF-8 text (byte {error.start + 1})") from error
    if "\0" in text:
        raise DatasetError("not UTF-8 text (it holds zero bytes)")
    return next(csv.reader([text.strip("\r\n")]))


def _emotion(text: str) -> str:
    name = _EMOTIONS.get(text) or class_name(text)
    if name is None:
        raise DatasetError(f"emotion is {text[:40]!r}; expected 0 to {len(FER_CLASSES) - 1}")
    return name


def _read(text: str) -> bytes:
    """Return the PNG of a row's pixels."""
    numbers = text.split()
    if len(numbers) != SIDE * SIDE:
        raise DatasetError(f"{len(numbers):,} pixels; expected {SIDE} x {SIDE} = {SIDE * SIDE:,}")
    try:
        pixels = bytes(map(_VALUES.__getitem__, numbers))
    except KeyError as error:
        raise DatasetError(f"pixel value {error.args[0][:20]!r}; expected a whole number from 0 to 255") from error
    return encode_png(np.frombuffer(pixels, dtype=np.uint8).reshape(SIDE, SIDE))
