"""Parquet files with image bytes and a label column: our own, pandas', and those of the Hugging Face hub."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.data.labels import is_split, name_numbers
from workbench.data.sources.base import Item, Rejected, file_signature, readable_name, refuse
from workbench.errors import DatasetError

IMAGE_COLUMNS = ("image", "img", "bytes", "image_bytes", "picture", "jpg", "png")
LABEL_COLUMNS = ("label", "labels", "emotion", "class", "expression", "cls")
SPLIT_COLUMNS = ("split", "usage")
ID_COLUMNS = ("id", "image_id", "file_name", "filename")

_BATCH = 64
_SHARD = re.compile(r"(.+?)-\d+-of-\d+")


@dataclass(frozen=True)
class _File:
    path: Path
    image: str
    label: str
    split: str | None
    id: str | None
    names: Sequence[str]  # of numbered labels, empty where the file has none
    word: str  # the split its name or folder tells
    groups: tuple[int, ...]  # rows in each row group


class ParquetSource:
    """The rows of one Parquet file or of several shards, in the order of their names.

    The image column holds the bytes of an image file, alone or as the ``{bytes, path}`` of Hugging Face; the label
    column holds words, or numbers named by the file's ``ClassLabel``. The split comes from a column, else from the
    shard's name (``train-00000-of-00002.parquet``) or folder.

    Parameters
    ----------
    paths : sequence of Path
        The files, at least one.
    root : Path
        What the user named, for messages and shard names.

    Raises
    ------
    DatasetError
        No file can be read, or none has the columns.
    """

    kind: ClassVar[str] = "parquet"

    def __init__(self, paths: Sequence[Path], root: Path) -> None:
        self._root = root
        self._files: list[_File] = []
        self._unusable: list[Rejected] = []
        for path in sorted(paths):
            try:
                self._files.append(_open(path))
            except DatasetError as error:
                self._unusable.append(Rejected(self._name(path), str(error)))
        if not self._files:
            raise DatasetError(f"{root / self._name(min(paths))}: {self._unusable[0].reason}")
        self.count = len(self._unusable) + sum(sum(file.groups) for file in self._files)
        self.signature = file_signature(sorted(paths))
        self._numbers = self._name_numbers()
        self.notes: list[str] = []
        if self._numbers:
            self.notes.append("the labels are numbers without names: read as FER2013's (0 = angry, ... 6 = neutral)")

    def items(self, start: int = 0) -> Iterator[Item | Rejected]:
        """See :class:`~workbench.data.sources.base.Source`."""
        yield from self._unusable[start:]
        row = len(self._unusable)  # number of the next thing
        for file in self._files:
            for group, rows in enumerate(file.groups):
                if row + rows > start:
                    yield from self._group(file, group, row, max(start - row, 0))
                row += rows

    def _group(self, file: _File, group: int, row: int, skip: int) -> Iterator[Item | Rejected]:
        """Give the rows of one row group but the first ``skip``; rows that cannot be read are rejected one by one."""
        done = 0
        columns = [name for name in (file.image, file.label, file.split, file.id) if name]
        try:
            with pq.ParquetFile(file.path, buffer_size=1 << 20, pre_buffer=False) as opened:
                for batch in opened.iter_batches(_BATCH, row_groups=[group], columns=columns, use_threads=False):
                    if done + len(batch) > skip:
                        items = self._items(file, batch, row + done - len(self._unusable))
                        yield from items[max(skip - done, 0) :]
                    done += len(batch)
        except (pa.ArrowException, OSError) as error:
            reason = f"the Parquet file is damaged here ({_first_line(error)})"
            for lost in range(max(done, skip), file.groups[group]):
                yield Rejected(f"{self._name(file.path)} row {row + lost - len(self._unusable) + 1}", reason)

    def _items(self, file: _File, batch: pa.RecordBatch, row: int) -> list[Item | Rejected]:
        images = batch.column(file.image).to_pylist()
        labels = batch.column(file.label).to_pylist()
        empty = [None] * len(batch)
        splits = batch.column(file.split).to_pylist() if file.split else empty
        ids = batch.column(file.id).to_pylist() if file.id else empty
        items: list[Item | Rejected] = []
        for place, (image, label, split, own) in enumerate(
            zip(images, labels, splits, ids, strict=True), start=row + 1
        ):
            name = str(own) if own not in (None, "") else f"row-{place:05d}"
            origin = f"{self._name(file.path)} row {place}" + (f" ({name})" if own else "")
            word = file.word if split is None else str(split)
            items.append(Item(name, word, self._label(file, label), origin, _reader(image)))
        return items

    def _label(self, file: _File, value: Any) -> str | None:
        text = _label_text(value)
        if text is not None and file.names and text.lstrip("-").isdecimal():
            number = int(text[:9])
            return file.names[number] if 0 <= number < len(file.names) else None if number < 0 else text
        return self._numbers.get(text, text) if text is not None else None

    def _name_numbers(self) -> dict[str, str]:
        """Return FER2013's names of the numbers, where the labels are numbers without names."""
        found: set[str] = set()
        for file in self._files:
            if file.names:
                return {}
            try:
                column = pq.read_table(file.path, columns=[file.label], partitioning=None)[file.label]
                found.update(
                    text for value in pc.unique(column).to_pylist() if (text := _label_text(value)) is not None
                )
            except (pa.ArrowException, OSError):
                continue
        return name_numbers(found)

    def _name(self, path: Path) -> str:
        below = path != self._root and path.is_relative_to(self._root)
        return readable_name(str(path.relative_to(self._root)) if below else path.name)


def _open(path: Path) -> _File:
    try:
        with pq.ParquetFile(path) as opened:
            schema, metadata = opened.schema_arrow, opened.metadata
            groups = tuple(metadata.row_group(index).num_rows for index in range(metadata.num_row_groups))
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"not a Parquet file, or a damaged one ({_first_line(error)})") from error
    columns = {name.strip().lower(): name for name in reversed(schema.names)}
    images = [name for name in schema.names if _holds_bytes(schema.field(name).type)]
    known = [columns[word] for word in IMAGE_COLUMNS if word in columns and columns[word] in images]
    labels = [columns[word] for word in LABEL_COLUMNS if word in columns]
    if not (known or len(images) == 1) or not labels:
        found = ", ".join(f"{field.name} ({field.type})" for field in list(schema)[:12])
        lacking = "label column" if known or len(images) == 1 else "image column"
        raise DatasetError(
            f"no {lacking}; found {found[:300]}; expected image (bytes of an image file, or bytes and path) and label "
            "(words or numbers), and may have split and id"
        )
    split = next((columns[word] for word in SPLIT_COLUMNS if word in columns), None)
    own = next((columns[word] for word in ID_COLUMNS if word in columns), None)
    names = _class_names(schema, labels[0])
    return _File(path, (known or images)[0], labels[0], split, own, names, _split_word(path), groups)


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        fields = [kind.field(index) for index in range(kind.num_fields)]
        return any(field.name == "bytes" and _holds_bytes(field.type) for field in fields)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _class_names(schema: pa.Schema, label: str) -> list[str]:
    """Return the names that Hugging Face's metadata give the numbers of a label column."""
    try:
        feature = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"][label]
        return [str(name) for name in feature["names"]]
    except (KeyError, TypeError, ValueError):
        return []


def _split_word(path: Path) -> str:
    shard = _SHARD.fullmatch(path.stem)
    words = [shard.group(1)] if shard else []
    words += [path.stem, path.parent.name]
    return next((word for word in words if is_split(word)), "")


def _label_text(value: Any) -> str | None:
    """Return a label as text; ``None`` for a missing one."""
    if value is None or value != value:  # NaN, pandas' missing number
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value).strip()


def _reader(image: Any) -> Callable[[], bytes]:
    data = image.get("bytes") if isinstance(image, dict) else image
    if data is None:
        return refuse("no image bytes in the row")
    return partial(bytes, data)


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
