"""Uploads live as long as a job that reads them, however the job ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.conftest import write_source
from workbench.data.video_library import uploads_dir
from workbench.errors import Cancelled, WorkbenchError
from workbench.jobs import UNCLAIMED, Jobs
from workbench.specs import ImportSpec
from workbench.store import Store


@pytest.fixture
def jobs(store: Store, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """The queue, with this process standing in for every child."""
    here = (os.getpid(), psutil.Process().create_time())
    monkeypatch.setattr(Jobs, "_spawn", lambda *_: here)
    return Jobs(store)


def upload(store: Store, token: str, images: bool = False) -> Path:
    folder = uploads_dir(store) / token
    folder.mkdir(parents=True)
    path = folder / "video.parquet"
    if images:
        return write_source(path)
    path.write_bytes(b"no images")
    return path


def test_an_upload_stays_while_a_queued_or_running_job_reads_it(store: Store, jobs: Jobs) -> None:
    path = upload(store, "0123456789abcdef")
    running, queued = (jobs.submit(ImportSpec(str(path), name)).id for name in ("first", "second"))
    assert [jobs.get(number).status for number in (running, queued)] == ["running", "queued"]
    jobs.sweep()
    assert path.exists()
    with pytest.raises(WorkbenchError):
        jobs.run(running)
    assert path.exists()
    with pytest.raises(WorkbenchError):
        jobs.run(queued)
    assert not path.parent.exists()


def test_an_upload_goes_when_its_job_is_done(store: Store, jobs: Jobs) -> None:
    path = upload(store, "0123456789abcdef", images=True)
    number = jobs.submit(ImportSpec(str(path), "faces")).id
    jobs.run(number)
    assert jobs.get(number).status == "done"
    assert not path.parent.exists()


def test_an_upload_goes_when_its_job_is_cancelled(store: Store, jobs: Jobs) -> None:
    path = upload(store, "0123456789abcdef", images=True)
    number = jobs.submit(ImportSpec(str(path), "faces")).id
    (store.jobs_dir / str(number) / "cancel").touch()
    with pytest.raises(Cancelled):
        jobs.run(number)
    assert not path.parent.exists()


def test_an_upload_goes_when_its_job_is_dropped_from_the_queue(store: Store, jobs: Jobs) -> None:
    first, second = upload(store, "0123456789abcdef"), upload(store, "fedcba9876543210")
    jobs.submit(ImportSpec(str(first), "first"))
    dropped = jobs.submit(ImportSpec(str(second), "second")).id
    jobs.cancel(dropped)
    assert first.exists()
    assert not second.parent.exists()


def test_an_upload_goes_when_its_job_was_killed(store: Store, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    monkeypatch.setattr(Jobs, "_spawn", lambda *_: (ended.pid, 1.0))
    path = upload(store, "0123456789abcdef")
    number = jobs.submit(ImportSpec(str(path), "faces")).id
    assert jobs.get(number).status == "failed"
    assert not path.parent.exists()


def test_an_upload_that_waits_for_its_job_stays_for_an_hour(store: Store, jobs: Jobs) -> None:
    path = upload(store, "0123456789abcdef")
    jobs.sweep()
    assert path.exists()
    late = path.parent.stat().st_mtime - UNCLAIMED - 60
    os.utime(path.parent, (late, late))
    jobs.sweep()
    assert not path.parent.exists()


def test_without_uploads_sweeping_makes_no_workspace(store: Store) -> None:
    Jobs(store).sweep()
    assert not store.root.exists()
