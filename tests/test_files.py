from __future__ import annotations

import errno
import multiprocessing
import os
import zipfile
from pathlib import Path

import pytest

from workbench.errors import BusyError, StoreError
from workbench.files import check_zip, locked, write_atomically, write_bytes


def test_a_failed_write_leaves_the_former_content_and_no_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "result"
    write_bytes(path, b"former")

    def fail(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        write_atomically(path, fail)
    assert path.read_bytes() == b"former"
    assert [entry.name for entry in tmp_path.iterdir()] == ["result"]


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "read-only"), (errno.EACCES, "permission")]
)
def test_a_disk_that_cannot_be_written_is_one_clear_line(tmp_path: Path, number: int, words: str) -> None:
    def fail(temporary: Path) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(StoreError, match=words) as caught:
        write_atomically(tmp_path / "result", fail)
    assert str(tmp_path / "result") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_that_is_too_long_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="the name is too long"):
        write_bytes(tmp_path / ("x" * 300), b"")
    assert list(tmp_path.iterdir()) == []


def test_a_zip_with_a_changed_byte_is_told_from_a_whole_one_and_from_other_files(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive:
        archive.writestr("first", b"a" * 50)
        archive.writestr("second", b"b" * 50)
    data = (tmp_path / "archive").read_bytes()
    (tmp_path / "other").write_bytes(b"no archive")
    check_zip(tmp_path / "archive")
    check_zip(tmp_path / "other")
    (tmp_path / "archive").write_bytes(data.replace(b"b" * 50, b"b" * 49 + b"c"))
    with pytest.raises(zipfile.BadZipFile, match="second in it does not match its checksum"):
        check_zip(tmp_path / "archive")


def hold(path: Path, ready: multiprocessing.synchronize.Event, release: multiprocessing.synchronize.Event) -> None:
    with locked(path, "it"):
        ready.set()
        release.wait(30)


def test_a_lock_held_by_another_process_is_busy_and_dies_with_its_owner(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, release = context.Event(), context.Event()
    owner = context.Process(target=hold, args=(tmp_path / "lock", ready, release))
    owner.start()
    assert ready.wait(30)
    with pytest.raises(BusyError, match="dataset 'x' is being written by another process"):  # noqa: SIM117
        with locked(tmp_path / "lock", "dataset 'x'"):
            pass
    owner.kill()
    owner.join()
    with locked(tmp_path / "lock", "dataset 'x'"):
        pass
