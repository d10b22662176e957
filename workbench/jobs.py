"""Studies in child processes: one runs at a time, the rest queue; they outlive a page, a tab and the app itself.

A job is a row of ``workbench.sqlite`` and a folder ``jobs/<id>/`` with ``spec.toml``, ``events.jsonl`` (progress),
``log.txt`` and, once somebody asked to stop, ``cancel``. The child is ``python -m workbench run spec.toml --job <id>``;
it writes its own end into the database and starts the next job. Whoever lists the jobs notices a child that died
without a word, so no supervisor has to stay alive.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from workbench.data.video_library import uploads_dir
from workbench.errors import Cancelled, StoreError, WorkbenchError
from workbench.files import disk_errors
from workbench.progress import EventFile
from workbench.specs import Spec, read_spec, spec_toml
from workbench.store import Store
from workbench.studies import run_study

PATIENCE = 5.0
"""Seconds a cancelled job has to stop by itself before it is killed (what it finished is kept either way)."""
UNCLAIMED = 3600.0
"""Seconds after which an upload that no job was ever submitted for is deleted."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL, title TEXT NOT NULL, status TEXT NOT NULL,
    created REAL NOT NULL, started REAL, finished REAL, cancelled REAL,
    pid INTEGER, pid_created REAL,
    result TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT ''
)
"""


_FIELDS = ("id", "kind", "title", "status", "created", "started", "finished", "result", "error")


@dataclass(frozen=True)
class JobProgress:
    """Where a job stands in its present step; ``total`` is ``None`` where unknown.

    ``seconds`` count from the step's start to its last word, ``silent`` from then on.
    """

    step: str = ""
    done: int = 0
    total: int | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    silent: float = 0.0


@dataclass(frozen=True)
class Job:
    """One submitted study; times are seconds since 1970.

    ``status`` is ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``; ``result`` names what it made
    (``kind/name`` of an artifact, or a dataset) and ``error`` is one line where it failed.
    """

    id: int
    kind: str
    title: str
    status: str
    created: float
    started: float | None
    finished: float | None
    result: str
    error: str
    folder: Path = field(repr=False)

    @property
    def spec(self) -> Spec:
        """What was asked for."""
        return read_spec(self.folder / "spec.toml")

    def progress(self) -> JobProgress:
        """Read the last state the child reported."""
        told = self.folder / "events.jsonl"
        try:
            lines = told.read_text(encoding="utf-8").splitlines()
            silent = max(0.0, time.time() - told.stat().st_mtime)
        except OSError:
            return JobProgress()
        events = [json.loads(line) for line in lines if line.endswith("}")]
        notes = tuple(str(event["note"]) for event in events if "note" in event)
        for event in reversed(events):
            if "step" in event:
                return JobProgress(event["step"], event["done"], event["total"], event["seconds"], notes, silent)
        return JobProgress(notes=notes)

    def log(self, tail: int = 40) -> str:
        """Return the last lines of what the child printed."""
        try:
            text = (self.folder / "log.txt").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-tail:])


class Jobs:
    """The queue of a workspace; safe to use from several processes at once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def submit(self, spec: Spec) -> Job:
        """Queue a study, and start it if nothing runs."""
        with self._database() as database:
            row = (spec.kind, spec.title, time.time())
            cursor = database.execute("INSERT INTO jobs (kind, title, status, created) VALUES (?, ?, 'queued', ?)", row)
            number = int(cursor.lastrowid or 0)
            folder = self._folder(number)
            with disk_errors(folder):
                folder.mkdir(parents=True)
                (folder / "spec.toml").write_text(spec_toml(spec), encoding="utf-8")
        self._start_next()
        return self.get(number)

    def list(self) -> list[Job]:
        """Return all jobs, newest first; notices dead children and starts the next job."""
        self._start_next()
        with self._database() as database:
            rows = database.execute(f"SELECT {', '.join(_FIELDS)} FROM jobs ORDER BY id DESC").fetchall()  # noqa: S608
        return [Job(folder=self._folder(row[0]), **dict(zip(_FIELDS, row, strict=True))) for row in rows]

    def get(self, number: int) -> Job:
        """Return one job; :class:`StoreError` where there is none of that number."""
        for job in self.list():
            if job.id == number:
                return job
        raise StoreError(f"there is no job {number}; `workbench jobs` lists them")

    def cancel(self, number: int) -> None:
        """Ask a job to stop: a queued one is dropped, a running one ends within seconds and keeps finished parts."""
        with self._database() as database:
            row = database.execute("SELECT status, pid, pid_created FROM jobs WHERE id = ?", (number,)).fetchone()
            if row is None:
                raise StoreError(f"there is no job {number}; `workbench jobs` lists them")
            status, pid, created = row
            now = time.time()
            if status == "queued":
                database.execute("UPDATE jobs SET status = 'cancelled', finished = ? WHERE id = ?", (now, number))
                self._sweep(database)
            elif status == "running":
                database.execute("UPDATE jobs SET cancelled = ? WHERE id = ? AND cancelled IS NULL", (now, number))
                (self._folder(number) / "cancel").touch()
                if _alive(pid, created):
                    _signal_group(pid, signal.SIGINT)

    def run(self, number: int) -> None:
        """Run a job in this process (the child's side) and record how it ended."""
        folder = self._folder(number)
        progress = EventFile(folder / "events.jsonl")
        status, result, error = "failed", "", "the process ended unexpectedly; the log has the details"
        try:
            result = run_study(read_spec(folder / "spec.toml"), self._store, progress)
            status, error = "done", ""
        except (Cancelled, KeyboardInterrupt):
            status, error = "cancelled", ""
            raise
        except WorkbenchError as failure:
            error = str(failure)
            raise
        finally:
            progress.close()
            with self._database() as database:
                database.execute(
                    "UPDATE jobs SET status = ?, result = ?, error = ?, finished = ? WHERE id = ?",
                    (status, result, error, time.time(), number),
                )
            self._start_next()

    def sweep(self) -> None:
        """Delete the uploads whose jobs have all ended, however they ended, and those that nobody claimed in an hour.

        A job reads an upload where its spec names the upload's folder. :meth:`list` does this as well, and so does the
        end of each job.
        """
        if uploads_dir(self._store).is_dir():
            with self._database() as database:
                self._sweep(database)

    def _sweep(self, database: sqlite3.Connection) -> None:
        folder = uploads_dir(self._store)
        uploads = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
        if not uploads:
            return
        claimed, needed = set(), set()
        for number, status in database.execute("SELECT id, status FROM jobs").fetchall():
            text = self._spec_text(number)
            named = {name for name in uploads if name in text}
            claimed |= named
            needed |= named if status in ("queued", "running") else set()
        for name in uploads.keys() - needed:
            with suppress(FileNotFoundError):
                if name in claimed or time.time() - uploads[name].stat().st_mtime > UNCLAIMED:
                    shutil.rmtree(uploads[name], ignore_errors=True)

    def _start_next(self) -> None:
        """Settle children that died, delete what only they read, and start the oldest queued job where none runs."""
        if not self._store.database.exists():
            return
        with self._database() as database:
            alive = self._settle(database)
            self._sweep(database)
            if not alive:
                self._start_oldest(database)

    def _settle(self, database: sqlite3.Connection) -> bool:
        """Note the children that died, kill one that does not stop, and return whether one still runs."""
        running = database.execute("SELECT id, pid, pid_created, cancelled FROM jobs WHERE status = 'running'")
        alive = False
        for number, pid, created, cancelled in running.fetchall():
            if not _alive(pid, created):
                self._settle_dead(database, number, cancelled)
                continue
            alive = True
            if cancelled is not None and time.time() - cancelled > PATIENCE:
                _signal_group(pid, signal.SIGKILL)
        return alive

    def _start_oldest(self, database: sqlite3.Connection) -> None:
        row = database.execute("SELECT id FROM jobs WHERE status = 'queued' ORDER BY id LIMIT 1").fetchone()
        if row is not None:
            pid, created = self._spawn(row[0])
            database.execute(
                "UPDATE jobs SET status = 'running', started = ?, pid = ?, pid_created = ? WHERE id = ?",
                (time.time(), pid, created, row[0]),
            )

    def _settle_dead(self, database: sqlite3.Connection, number: int, cancelled: float | None) -> None:
        status = "failed" if cancelled is None else "cancelled"
        error = "the process was killed or crashed; submit it again to go on from its last finished part"
        values = (status, "" if cancelled else error, time.time(), number)
        database.execute("UPDATE jobs SET status = ?, error = ?, finished = ? WHERE id = ?", values)

    def _spawn(self, number: int) -> tuple[int, float]:
        folder = self._folder(number)
        root = str(self._store.root.resolve())
        command = [sys.executable, "-m", "workbench", "--workspace", root, "run", str(folder / "spec.toml")]
        with (folder / "log.txt").open("ab") as log:
            child = subprocess.Popen(  # noqa: S603
                [*command, "--job", str(number)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        threading.Thread(target=child.wait, daemon=True).start()  # no zombie while this process lives
        return child.pid, psutil.Process(child.pid).create_time()

    def _spec_text(self, number: int) -> str:
        try:
            return (self._folder(number) / "spec.toml").read_text(encoding="utf-8")
        except OSError:
            return ""

    def _folder(self, number: int) -> Path:
        return self._store.jobs_dir / str(number)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """Open a connection inside one write transaction, so that two processes never start the same job."""
        with disk_errors(self._store.database):
            self._store.root.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(self._store.database, timeout=30, isolation_level=None)) as database:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("BEGIN IMMEDIATE")
                database.execute(_SCHEMA)
                yield database
                database.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"{self._store.database}: the job list cannot be used ({error})") from error


def _alive(pid: int | None, created: float | None) -> bool:
    """Whether the process lives and is the one that was started (numbers are reused)."""
    if pid is None:
        return False
    try:
        process = psutil.Process(pid)
        same = created is None or abs(process.create_time() - created) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return
