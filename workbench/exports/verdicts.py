"""What reviewers said of a dataset, as files: verdicts as CSV, or the cleaned dataset as Parquet or class folders."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.data.datasets import Dataset
from workbench.data.verdicts import Verdicts, export_rows
from workbench.errors import SpecError, StoreError
from workbench.files import disk_errors, sync, write_atomically, write_bytes
from workbench.progress import SILENT, Progress
from workbench.specs import CleanSpec
from workbench.store import Store
from workbench.studies.clean import SOFT_LABELS, cleaned, soft_labels
from workbench.studies.clean_plan import new_labels, plan

_MARK = ".workbench-export"
"""In a folder this module wrote, so that nothing else is ever replaced."""
_ROWS = 512
_LONGEST = 120
_SUFFIXES = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif", b"BM": ".bmp", b"RIFF": ".webp"}


@dataclass(frozen=True)
class _Images:
    """The rows of a dataset that are left, their labels, and the soft labels of those rows."""

    dataset: Dataset
    rows: np.ndarray
    labels: np.ndarray
    soft: pa.Table


def write_verdicts(dataset: Dataset, store: Store, path: Path, force: bool = False, progress: Progress = SILENT) -> str:
    """Write verdicts, or the dataset they lead to, and return a line that says what was written.

    Parameters
    ----------
    dataset : Dataset
        Judged images; as images are written, a cleaned dataset is taken as it stands, any other as its verdicts leave
        it (not-a-face dropped, disputed and ambiguous images kept as they are).
    store : Store
        The workspace of the verdicts.
    path : Path
        ``.csv``: every row of the verdicts, undone ones too. ``.parquet``: the images, with ``id``, ``split``,
        ``label``, ``image`` and the soft labels. Without a suffix: a folder, ``split/class/id.png``; images without a
        label lie in ``split``.
    force : bool
        Write over what is there; a folder is replaced only where an export made it.
    progress : Progress
        Told of every image.

    Raises
    ------
    SpecError
        The file is there already, its suffix says nothing, or there are no verdicts.
    StoreError
        The disk is full or not writable.
    """
    path = path.expanduser()
    suffix = path.suffix.lower()
    if suffix not in _WRITERS and (suffix and not path.is_dir()):
        raise SpecError(f"{path}: what is wanted? Use .csv for verdicts, .parquet or a folder for the cleaned dataset")
    with disk_errors(path):
        _check_target(path, suffix in _WRITERS, force)
        path.parent.mkdir(parents=True, exist_ok=True)
    return _WRITERS.get(suffix, _write_folders)(dataset, store, path, progress)


def _check_target(path: Path, file: bool, force: bool) -> None:
    if not path.exists() and not path.is_symlink():
        return
    if file and path.is_dir():
        raise SpecError(f"{path} is a folder; name a file in it")
    if not file and not path.is_dir():
        raise SpecError(f"{path} is a file; name a folder, or a file that ends in .csv or .parquet")
    empty = not file and not any(path.iterdir())
    if not force and not empty:
        raise SpecError(f"{path} is there already; choose another name, or write over it with --force")
    if not file and not empty and not (path / _MARK).exists():
        raise SpecError(f"{path} was not made by an export, so it is not replaced; delete it first, or choose another")


def verdicts_csv(dataset: Dataset, store: Store) -> bytes:
    """Return every verdict on a dataset as CSV: who, when (UTC), before, after, and what was taken back.

    Raises
    ------
    SpecError
        There are none.
    """
    rows = Verdicts(store).rows(dataset.name)
    if not rows:
        origin = cleaned(dataset)
        hint = f"those it was cleaned by are on {origin.parent!r}" if origin else "judge images on the Review page"
        raise SpecError(f"there are no verdicts on {dataset.name!r}; {hint}")
    header, lines = export_rows(rows)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return buffer.getvalue().encode()


def _write_csv(dataset: Dataset, store: Store, path: Path, progress: Progress) -> str:
    data = verdicts_csv(dataset, store)
    progress.step(f"writing {path.name}")
    write_bytes(path, data)
    return f"{path}: {len(Verdicts(store).rows(dataset.name)):,} rows of verdicts on {dataset.name}"


def _write_parquet(dataset: Dataset, store: Store, path: Path, progress: Progress) -> str:
    images = _images(dataset, store)
    progress.step(f"writing {path.name}", len(images.rows))

    def write(temporary: Path) -> None:
        writer: pq.ParquetWriter | None = None
        try:
            for start in range(0, len(images.rows), _ROWS):
                table = _table(images, slice(start, start + _ROWS))
                writer = writer or pq.ParquetWriter(temporary, table.schema, compression="zstd")
                writer.write_table(table)
                progress.advance(len(table))
        finally:
            if writer is not None:
                writer.close()

    write_atomically(path, write)
    return _said(path, images)


def _table(images: _Images, part: slice) -> pa.Table:
    dataset, rows = images.dataset, images.rows[part]
    soft = images.soft.slice(part.start, _ROWS)
    columns = {
        "id": pa.array(dataset.ids[rows].tolist(), pa.string()),
        "split": pa.array(dataset.splits[rows].tolist(), pa.string()),
        "label": pa.array([label or None for label in images.labels[part].tolist()], pa.string()),
        "image": pa.array(dataset.image_bytes(rows), pa.binary()),
    }
    return pa.table(columns | {name: soft[name] for name in soft.column_names if name != "id"})


def _write_folders(dataset: Dataset, store: Store, path: Path, progress: Progress) -> str:
    images = _images(dataset, store)
    progress.step(f"writing {path.name}", len(images.rows))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with disk_errors(path):
            temporary.mkdir()
            (temporary / _MARK).write_text(f"{dataset.name} {dataset.fingerprint}\n", encoding="utf-8")
            for place, data in _files(images):
                (temporary / place).parent.mkdir(parents=True, exist_ok=True)
                (temporary / place).write_bytes(data)
                progress.advance()
            _replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return _said(path, images)


def _replace(new: Path, path: Path) -> None:
    """Give a finished folder its place; what stood there is deleted only then."""
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    if path.exists():
        path.rename(old)
    new.rename(path)
    sync(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def _files(images: _Images) -> Iterator[tuple[Path, bytes]]:
    """Give every image's place below the folder, each name once, and its bytes."""
    dataset, taken = images.dataset, set[str]()
    folders = _Names()
    for start in range(0, len(images.rows), _ROWS):
        rows = images.rows[start : start + _ROWS]
        for row, label, data in zip(rows, images.labels[start : start + _ROWS], dataset.image_bytes(rows), strict=True):
            folder = Path(folders(str(dataset.splits[row])), *([folders(str(label))] if label else []))
            ending = next((suffix for start_, suffix in _SUFFIXES.items() if data.startswith(start_)), ".png")
            stem = _safe(str(dataset.ids[row]).removesuffix(ending))
            name, number = f"{stem}{ending}", 1
            while str(folder / name).casefold() in taken:
                number += 1
                name = f"{stem}~{number}{ending}"
            taken.add(str(folder / name).casefold())
            yield folder / name, data


class _Names:
    """A folder's name for each split or class: safe, and different for different ones."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        if text not in self._names:
            name, number = _safe(text), 1
            while name.casefold() in {known.casefold() for known in self._names.values()}:
                number += 1
                name = f"{_safe(text)}~{number}"
            self._names[text] = name
        return self._names[text]


def _safe(text: str) -> str:
    """Return text that may name a file: no separators, no leading dot, not too long."""
    plain = re.sub(r"[^\w.()~ -]+", "_", text, flags=re.ASCII).strip(" .")
    return plain[:_LONGEST].strip(" .") or "image"


def _images(dataset: Dataset, store: Store) -> _Images:
    """Return what is left of a dataset after its verdicts; a cleaned one without verdicts of its own as it stands."""
    standing = Verdicts(store).current(dataset.name)
    if cleaned(dataset) is not None and not standing:
        rows = np.arange(len(dataset))
        return _Images(dataset, rows, dataset.labels, _stored_soft(dataset))
    found = plan(CleanSpec(dataset.name, f"{dataset.name[:50]}-export"), dataset, standing)
    left = np.ones(len(dataset), dtype=bool)
    left[list(found.dropped)] = False
    if not left.any():
        raise SpecError(f"the verdicts leave no image of {dataset.name}; there is nothing to write")
    return _Images(dataset, np.flatnonzero(left), new_labels(found)[left], soft_labels(found).filter(pa.array(left)))


def _stored_soft(dataset: Dataset) -> pa.Table:
    path = dataset.path / SOFT_LABELS
    try:
        return pq.read_table(path, partitioning=None)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path}: the soft labels cannot be read; delete {dataset.name} and clean it again") from error


def _said(path: Path, images: _Images) -> str:
    left_out = len(images.dataset) - len(images.rows)
    changed = int((images.labels != images.dataset.labels[images.rows]).sum())
    return (
        f"{path}: {len(images.rows):,} images of {images.dataset.name}, {changed:,} with another label, "
        f"{left_out:,} left out"
    )


_WRITERS: dict[str, Callable[[Dataset, Store, Path, Progress], str]] = {".csv": _write_csv, ".parquet": _write_parquet}
