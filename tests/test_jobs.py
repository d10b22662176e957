from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import write_source
from workbench.data.datasets import list_datasets
from workbench.errors import StoreError
from workbench.jobs import Job, Jobs
from workbench.specs import DemoSpec, ImportSpec
from workbench.store import Store

ENDED = ("done", "failed", "cancelled")


def wait_until(jobs: Jobs, number: int, statuses: tuple[str, ...] = ENDED, seconds: float = 120.0) -> Job:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job = jobs.get(number)
        if job.status in statuses:
            return job
        time.sleep(0.05)
    raise AssertionError(f"job {number} is still {job.status}: {job.log()}")


def pid_of(store: Store, number: int) -> int:
    import sqlite3

    with sqlite3.connect(store.database) as database:
        pid = int(database.execute("SELECT pid FROM jobs WHERE id = ?", (number,)).fetchone()[0])
    database.close()
    return pid


def test_jobs_run_one_after_another_in_child_processes_and_name_what_they_made(store: Store, tmp_path: Path) -> None:
    source = write_source(tmp_path / "faces.parquet")
    jobs = Jobs(store)
    first = jobs.submit(ImportSpec(str(source), "first"))
    second = jobs.submit(ImportSpec(str(source), "second"))
    assert [job.id for job in jobs.list()] == [second.id, first.id]
    done = wait_until(jobs, second.id)
    first = jobs.get(first.id)
    assert (first.status, first.result) == ("done", "first"), first.log()
    assert (done.status, done.result) == ("done", "second"), done.log()
    assert first.finished is not None
    assert done.started is not None
    assert done.started >= first.finished - 0.5
    assert set(list_datasets(store)) == {"first", "second"}
    assert done.progress().step
    told = done.folder / "events.jsonl"
    os.utime(told, (time.time() - 300, time.time() - 300))
    assert 300 <= done.progress().silent < 400
    assert done.spec == ImportSpec(str(source), "second")


def test_a_job_that_cannot_be_done_tells_why_in_one_line(store: Store) -> None:
    jobs = Jobs(store)
    job = wait_until(jobs, jobs.submit(ImportSpec("/no/such/source", "faces")).id)
    assert job.status == "failed"
    assert "/no/such/source" in job.error
    deadline = time.monotonic() + 60
    while "/no/such/source" not in job.log():  # the process records its end, then prints why
        assert time.monotonic() < deadline, job.log()
        time.sleep(0.05)


@pytest.mark.slow
def test_a_running_job_is_cancelled_within_seconds_and_the_next_one_starts(store: Store, tmp_path: Path) -> None:
    jobs = Jobs(store)
    long = jobs.submit(DemoSpec(count=20000))
    queued = jobs.submit(ImportSpec(str(write_source(tmp_path / "faces.parquet")), "next"))
    dropped = jobs.submit(DemoSpec(count=20000))
    jobs.cancel(dropped.id)
    deadline = time.monotonic() + 60
    while not jobs.get(long.id).progress().step:
        assert jobs.get(long.id).status in ("queued", "running"), jobs.get(long.id).log()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    asked = time.monotonic()
    jobs.cancel(long.id)
    assert wait_until(jobs, long.id).status == "cancelled"
    assert time.monotonic() - asked < 8
    assert wait_until(jobs, queued.id).status == "done"
    assert jobs.get(dropped.id).status == "cancelled"


@pytest.mark.slow
def test_a_killed_child_is_noticed_and_the_queue_goes_on(store: Store, tmp_path: Path) -> None:
    jobs = Jobs(store)
    killed = jobs.submit(DemoSpec(count=20000))
    queued = jobs.submit(ImportSpec(str(write_source(tmp_path / "faces.parquet")), "next"))
    wait_until(jobs, killed.id, ("running",))
    os.kill(pid_of(store, killed.id), signal.SIGKILL)
    job = wait_until(jobs, killed.id)
    assert job.status == "failed"
    assert "killed or crashed" in job.error
    assert wait_until(jobs, queued.id).status == "done"


def test_a_number_reused_by_another_process_is_not_taken_for_the_job(store: Store, tmp_path: Path) -> None:
    import sqlite3

    jobs = Jobs(store)
    number = jobs.submit(ImportSpec(str(write_source(tmp_path / "faces.parquet")), "faces")).id
    wait_until(jobs, number)
    with sqlite3.connect(store.database) as database:
        database.execute(
            "UPDATE jobs SET status = 'running', finished = NULL, pid = ?, pid_created = ? WHERE id = ?",
            (os.getpid(), psutil.Process().create_time() - 1000, number),
        )
    database.close()
    assert jobs.get(number).status == "failed"


def test_a_job_that_is_not_there_is_one_line(store: Store) -> None:
    with pytest.raises(StoreError, match="there is no job 7"):
        Jobs(store).get(7)
    with pytest.raises(StoreError, match="there is no job 7"):
        Jobs(store).cancel(7)
