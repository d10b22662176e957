"""Uploaded videos: written where a job can read them, held in memory while their tab is open, kept only on purpose.

An upload lies in a folder of its own under a random name, so two of the same name never meet. When a job ends, the
uploads that no other job still reads are deleted (:meth:`workbench.jobs.Jobs.sweep`).
"""

from __future__ import annotations

import filecmp
import re
import secrets
import shutil
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from weakref import WeakValueDictionary

from workbench.data.video_library import VIDEO_SUFFIXES, list_videos, uploads_dir, videos_dir
from workbench.errors import InputError, StoreError
from workbench.files import disk_errors, write_atomically
from workbench.jobs import Jobs
from workbench.store import Store

NAME_BYTES = 120
"""Longest name without its end, in bytes of UTF-8."""
SPARE_BYTES = 64 << 20
"""Free space that an upload must leave on the disk."""


@dataclass(frozen=True, eq=False)
class Held:
    """An upload in memory, for the page to play; it goes with the last reference, so the tab's session keeps it."""

    name: str
    data: bytes = field(repr=False)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))


_held: WeakValueDictionary[str, Held] = WeakValueDictionary()


def hold(data: bytes, name: str) -> Held:
    """Return an upload's bytes with a token by which the browser may fetch them as long as somebody refers to it."""
    held = Held(safe_name(name), data)
    _held[held.token] = held
    return held


def find_held(token: str) -> Held | None:
    """Return the held upload of that token, or ``None``."""
    return _held.get(token)


def safe_name(name: str) -> str:
    """Return a file name that any system takes: letters, digits, ``-``, ``_`` and ``.``, and a video's end.

    Raises
    ------
    InputError
        The name does not end as a video's does.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    stem, dot, end = last.rpartition(".")
    suffix = f".{end}".lower()
    if not dot or suffix not in VIDEO_SUFFIXES:
        raise InputError(f"{last[:80]!r} is not named like a video; its name may end in {', '.join(VIDEO_SUFFIXES)}")
    stem = re.sub(r"[^\w.-]+", "-", stem).strip("-._")
    short = stem.encode(errors="ignore")[:NAME_BYTES].decode(errors="ignore").rstrip("-._")
    return (short or "video") + suffix


def receive(store: Store, data: bytes, name: str) -> Path:
    """Write an upload into a folder of its own and return its path, for a job that is submitted next.

    An upload that no job names is deleted an hour later, so this is for the moment of submitting.

    Raises
    ------
    InputError
        The name is not a video's, or the upload is empty.
    StoreError
        The disk is full or not writable; nothing is left behind.
    """
    folder = uploads_dir(store) / secrets.token_hex(12)
    path = folder / safe_name(name)
    _check_room(store, data, path.name)
    try:
        with disk_errors(path):
            folder.mkdir(parents=True)
        write_atomically(path, lambda temporary: temporary.write_bytes(data))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return path


def keep(store: Store, source: Path | bytes, name: str = "") -> str:
    """Copy an upload into the workspace's videos and return the name it has there.

    Parameters
    ----------
    store : Store
        The workspace.
    source : Path or bytes
        The upload; a file's stays where it is.
    name : str
        What it should be called, for bytes. A number is added where another video is called so, whatever its end; a
        video that is there already, byte for byte, is not copied again.

    Raises
    ------
    InputError
        The name is not a video's, or the upload is empty or gone.
    StoreError
        The disk is full or not writable.
    """
    wanted = Path(safe_name(source.name if isinstance(source, Path) else name))
    if isinstance(source, Path) and not source.is_file():
        raise InputError(f"{source.name} is not there any more: uploads are deleted once they have been scored")
    _check_room(store, source, wanted.name)
    folder = videos_dir(store)
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = folder / (wanted.name if number == 1 else f"{wanted.stem}-{number}{wanted.suffix}")
        taken = {Path(other).stem: other for other in list_videos(store)}
        if path.stem not in taken and _reserve(path):
            break
        if path.name == taken.get(path.stem) and _same(path, source):
            return path.name
        number += 1
    try:
        write_atomically(path, _writer(source))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path.name


def sweep(store: Store) -> None:
    """Delete every upload that no queued or running job reads; see :meth:`workbench.jobs.Jobs.sweep`."""
    Jobs(store).sweep()


def _writer(source: Path | bytes) -> Callable[[Path], object]:
    if isinstance(source, Path):
        return lambda temporary: shutil.copyfile(source, temporary)
    return lambda temporary: temporary.write_bytes(source)


def _reserve(path: Path) -> bool:
    """Take a name that nobody has, as one step, so that two uploads at once never share it."""
    try:
        with disk_errors(path), path.open("xb"):
            return True
    except StoreError as error:
        if isinstance(error.__cause__, FileExistsError):
            return False
        raise


def _same(path: Path, source: Path | bytes) -> bool:
    if isinstance(source, Path):
        return filecmp.cmp(path, source, shallow=False)
    return path.stat().st_size == len(source) and path.read_bytes() == source


def _check_room(store: Store, source: Path | bytes, name: str) -> None:
    size = source.stat().st_size if isinstance(source, Path) else len(source)
    if not size:
        raise InputError(f"{name} is empty; nothing was uploaded")
    place = next(folder for folder in (store.root.absolute(), *store.root.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if free < size + SPARE_BYTES:
        have, need = (f"{value / 1e6:,.0f} MB" for value in (free, size + SPARE_BYTES))
        raise StoreError(f"cannot write {name}: {have} are free in {place} and {need} are needed; make room first")
