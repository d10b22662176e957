"""Images in folders: ``class/*.png`` or ``split/class/*.png``, Kaggle's copy of FER2013 among them."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import ClassVar

from workbench.data.labels import class_name, is_split, name_numbers
from workbench.data.sources.base import MAX_FILE_BYTES, Item, Rejected, readable_name, reason_of
from workbench.errors import DatasetError

IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".bmp", ".dib", ".gif", ".webp", ".tif", ".tiff"}
    | {".pgm", ".ppm", ".pnm", ".pbm", ".avif", ".jp2"}
)
"""File names that promise an image; a file without any suffix is tried too."""

_JUNK = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"})
_JUNK_FOLDERS = frozenset({"__macosx", "$recycle.bin", "lost+found"})
_OFFICIAL = re.compile(r"(Training|PublicTest|PrivateTest)_\d+", re.IGNORECASE)


class FolderSource:
    """Every image below a folder, in the order of their paths.

    The split is the folder that is a word for one (or the upper of two where only the lower is an emotion); the class
    is the folder below it, else the one above; without a split it is the uppermost folder. Names such as
    ``PublicTest_123.jpg`` (Kaggle's FER2013, whose ``test`` folder holds both test splits) give back the true split.
    Hidden files and the litter of file managers are ignored.

    Parameters
    ----------
    root : Path
        The folder.

    Raises
    ------
    DatasetError
        It cannot be listed, or holds no file.
    """

    kind: ClassVar[str] = "folder"

    def __init__(self, root: Path) -> None:
        self._root = root
        self._paths, self.signature = _list_files(root)
        if not self._paths:
            raise DatasetError(
                f"{root}: the folder holds no files; give one with class/*.png or split/class/*.png in it"
            )
        images = [path for path in self._paths if _is_image(path)]
        self._depth = _wrapping_folders(images)
        self.count = len(self._paths)
        self._numbers = name_numbers(label for _, label in map(self._place, images) if label)
        self.notes: list[str] = []
        if self._numbers:
            self.notes.append("the class folders are numbers: read as FER2013's (0 = angry, ... 6 = neutral)")

    def items(self, start: int = 0) -> Iterator[Item | Rejected]:
        """See :class:`~workbench.data.sources.base.Source`."""
        for path in self._paths[start:]:
            name = readable_name(path)
            if not _is_image(path):
                yield Rejected(name, f"not an image file ({Path(name).suffix})")
                continue
            split, label = self._place(path)
            label = self._numbers.get(label, label) if label else None
            yield Item(name, split, label, name, partial(_read, self._root / path))

    def _place(self, path: str) -> tuple[str, str | None]:
        """Return split and label as the path has them."""
        folders = [readable_name(part) for part in path.split("/")[self._depth : -1]]
        split, label = "", folders[0] if folders else None
        place = 0 if _is_fold(folders) else next((i for i, name in enumerate(folders) if is_split(name)), None)
        if place is not None:
            split = folders[place]
            neighbours = folders[place + 1 : place + 2] or folders[max(place - 1, 0) : place]
            label = neighbours[0] if neighbours else None
        official = _OFFICIAL.match(path.rsplit("/", 1)[-1])
        return official.group(1) if official else split, label


def _is_fold(folders: list[str]) -> bool:
    return len(folders) > 1 and class_name(folders[0]) is None and class_name(folders[1]) is not None


def _is_image(path: str) -> bool:
    suffix = PurePosixPath(path).suffix.lower()
    return not suffix or suffix in IMAGE_SUFFIXES


def _list_files(root: Path) -> tuple[list[str], str]:
    """Return the relative paths of all files below, sorted, and a hash of their names, sizes and times."""
    found: list[tuple[str, int, int]] = []
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(root / folder) as entries:
                for entry in entries:
                    path = f"{folder}{entry.name}"
                    if entry.name.startswith(".") or entry.name.lower() in _JUNK:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name.lower() not in _JUNK_FOLDERS:
                            pending.append(f"{path}/")
                    elif not entry.is_dir():  # a link to a folder may lead round in circles
                        found.append((path, *_size_and_time(entry)))
        except OSError as error:
            raise DatasetError(f"{root / folder}: the folder {reason_of(error)}") from error
    found.sort()
    digest = hashlib.sha256("\n".join(map(repr, found)).encode())
    return [path for path, _, _ in found], digest.hexdigest()


def _size_and_time(entry: os.DirEntry[str]) -> tuple[int, int]:
    try:
        status = entry.stat()
    except OSError:  # a link to nothing; reading it gives the reason
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _wrapping_folders(paths: list[str]) -> int:
    """Return how many folders wrap everything, as unpacked archives have them (``images/images/train/...``)."""
    parts = {tuple(path.split("/")[:-1]) for path in paths}
    depth = 0
    while True:
        names = {folders[depth] if len(folders) > depth else "" for folders in parts}
        deeper = all(len(folders) > depth + 1 for folders in parts)
        if len(names) != 1 or not deeper or is_split(name := names.pop()) or class_name(name):
            return depth
        depth += 1


def _read(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DatasetError("not a regular file")
        if status.st_size > MAX_FILE_BYTES:
            raise DatasetError(f"{status.st_size:,} bytes is more than the {MAX_FILE_BYTES:,} that are read")
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(reason_of(error)) from error
