"""Files that are either whole or absent: atomic writes, locks that die with their owner, full disks in one line."""

from __future__ import annotations

import errno
import fcntl
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbench.errors import BusyError, StoreError
from workbench.progress import SILENT, Progress

_DISK_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be larger than the system allows",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "no permission to write there",
    errno.EPERM: "no permission to write there",
    errno.EEXIST: "a file of that name is in the way",
    errno.ENOTEMPTY: "a folder of that name is in the way",
    errno.ENOENT: "the folder above it does not exist and cannot be made",
    errno.ENOTDIR: "a part of the path is a file",
    errno.EISDIR: "a folder of that name is in the way",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "links on the way there go in a circle",
    errno.EIO: "the disk reports an error",
}


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full or read-only disk into a one-line :class:`StoreError` that names ``path``."""
    try:
        yield
    except OSError as error:
        reason = _DISK_REASONS.get(error.errno or 0)
        if reason is None:
            raise
        raise StoreError(
            f"cannot write {path}: {reason}; finished parts are kept, so run the same command again after mending it"
        ) from error


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary sibling, put it on the disk, and rename it to ``path``.

    A process killed at any moment leaves either the former content or the whole new one.

    Raises
    ------
    StoreError
        The disk is full or not writable; the temporary file is removed.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with disk_errors(path):
            write(temporary)
            sync(temporary)
            temporary.replace(path)
            sync(path.parent)
    finally:
        with suppress(OSError):  # what went wrong before is what counts
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically."""
    write_atomically(path, lambda temporary: temporary.write_bytes(data))


def check_zip(path: Path) -> None:
    """Hold what a zip archive, such as a file of ``torch.save``, holds against its checksums; other files pass.

    Raises
    ------
    zipfile.BadZipFile
        The text names the first member whose bytes are not those that were written.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(f"{damaged} in it does not match its checksum")


def sync(path: Path) -> None:
    """Have the system put a file's content, or a folder's names, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, what: str, *, wait: bool = False, progress: Progress = SILENT) -> Iterator[None]:
    """Hold the exclusive lock ``path`` for the time of the block; the system releases it when the process dies.

    Parameters
    ----------
    path : Path
        The lock file; it stays behind, empty.
    what : str
        What is locked, for the error.
    wait : bool
        Wait for the other process (asking ``progress`` whether to stop) instead of raising.

    Raises
    ------
    BusyError
        Another process holds the lock and ``wait`` is false.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        waiting = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if not wait:
                    raise BusyError(
                        f"{what} is being written by another process; try again when it has ended"
                    ) from error
                if not waiting:
                    progress.note(f"waiting for another process that is writing {what}")
                    waiting = True
                progress.advance(0)
                time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)
