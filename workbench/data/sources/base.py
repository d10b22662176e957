"""What every source of images gives the importer."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from workbench.errors import DatasetError

MAX_FILE_BYTES = 256_000_000
"""The largest image file that is read, in bytes."""


@dataclass(frozen=True, slots=True)
class Item:
    """One image a source offers, not read yet.

    Parameters
    ----------
    id : str
        Name within the source.
    split : str
        The source's own word for the split; empty where it has none.
    label : str or None
        The source's own word for the class.
    origin : str
        File, or file and line, for the list of rejected images.
    read : callable
        Returns the image file's bytes; raises :class:`~workbench.errors.DatasetError` where they cannot be had.
    """

    id: str
    split: str
    label: str | None
    origin: str
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something in a source that is no usable image, with one line that says why."""

    origin: str
    reason: str


class Source(Protocol):
    """A place that images come from, in an order that does not change.

    Attributes
    ----------
    kind : str
        Name in the registry of sources.
    count : int
        How many items and rejections :meth:`items` gives in all.
    signature : str
        Changes when the source's files do (their names, sizes and times).
    notes : list of str
        What a person should know about how the source was read.
    """

    kind: ClassVar[str]
    count: int
    signature: str
    notes: list[str]

    def items(self, start: int = 0) -> Iterator[Item | Rejected]:
        """Give what the source holds, from the ``start``-th thing on."""


def file_signature(paths: Iterable[Path]) -> str:
    """Return a hash of names, sizes and times of files."""
    digest = hashlib.sha256()
    for path in paths:
        status = path.stat()
        digest.update(f"{os.fsencode(path.name)!r} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def readable_name(path: str) -> str:
    """Return a path as text that can be stored: bytes that are no UTF-8 are written as escapes."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def reason_of(error: OSError) -> str:
    """Return why a file cannot be read, in a few words."""
    return f"cannot be read ({error.strerror or str(error).splitlines()[0]})"


def refuse(message: str) -> Callable[[], bytes]:
    """Return an :attr:`Item.read` that raises."""

    def read() -> bytes:
        raise DatasetError(message)

    return read
