"""Where images come from: one module a kind of source, and one function that finds the right one."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

from workbench.data.sources.base import Item, Rejected, Source
from workbench.data.sources.fer_csv import FerCsvSource
from workbench.data.sources.folder import IMAGE_SUFFIXES, FolderSource
from workbench.data.sources.hub import download
from workbench.data.sources.parquet import ParquetSource
from workbench.errors import DatasetError

__all__ = ["SOURCES", "Item", "Rejected", "Source", "open_source"]

SOURCES: dict[str, Callable[[Path], Source]] = {
    ".csv": FerCsvSource,
    ".parquet": lambda path: ParquetSource([path], path.parent),
}
"""What reads a file, by the end of its name; a folder is looked into."""

_FORMS = "a folder of images, fer2013.csv or icml_face_data.csv, a Parquet file or folder of them, or hf:owner/name"
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")


def open_source(source: str) -> Source:
    """Return the reader of what a user named.

    Parameters
    ----------
    source : str
        A folder (``class/*.png`` or ``split/class/*.png``, or Parquet shards), ``fer2013.csv`` or
        ``icml_face_data.csv``, a Parquet file, a pattern of Parquet files (``data/*.parquet``), or ``hf:owner/name``.

    Raises
    ------
    SpecError
        ``hf:`` is followed by no name of the hub.
    DatasetError
        There is no such file, it is of another kind, or it cannot be read.
    """
    if source.startswith("hf:"):
        return _open_folder(download(source.removeprefix("hf:")))
    path = Path(source).expanduser()
    try:
        if path.is_dir():
            return _open_folder(path)
        exists = path.is_file()
    except (OSError, ValueError) as error:
        raise DatasetError(f"{source[:200]!r}: no file or folder can have this name") from error
    if exists:
        return _open_file(path)
    plain = list(itertools.takewhile(lambda part: not set(part) & set("*?["), path.parts))
    if len(plain) < len(path.parts):
        folder = Path(*plain)
        matches = list(folder.glob(str(Path(*path.parts[len(plain) :]))))
        if any(match.suffix == ".parquet" for match in matches):
            return ParquetSource([match for match in matches if match.suffix == ".parquet"], folder)
    raise DatasetError(f"{source!r}: no such file or folder; a source is {_FORMS}")


def _open_file(path: Path) -> Source:
    suffix = path.suffix.lower()
    if suffix in SOURCES:
        return SOURCES[suffix](path)
    if suffix in _ARCHIVES:
        raise DatasetError(f"{path}: an archive is not read; unpack it and import the folder")
    raise DatasetError(f"{path}: not a source of images; a source is {_FORMS}")


def _open_folder(folder: Path) -> Source:
    """Return the reader of a folder: images if it holds any, else Parquet shards, else a single table of pixels."""
    tables: dict[str, list[Path]] = {".parquet": [], ".csv": []}
    for path in folder.rglob("*"):
        suffix = path.suffix.lower()
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        if suffix in IMAGE_SUFFIXES:
            return FolderSource(folder)
        if suffix in tables:
            tables[suffix].append(path)
    if tables[".parquet"]:
        return ParquetSource(tables[".parquet"], folder)
    if len(tables[".csv"]) == 1:
        return FerCsvSource(tables[".csv"][0])
    return FolderSource(folder)
