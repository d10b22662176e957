"""How long work tells where it stands, and how it is asked to stop."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Protocol, TextIO

from workbench.errors import Cancelled


class Progress(Protocol):
    """What a study reports to.

    ``advance`` raises :class:`~workbench.errors.Cancelled` when the person asked to stop, so a study that reports
    often can be stopped soon.
    """

    def step(self, name: str, total: int | None = None) -> None:
        """Begin a step of ``total`` items (``None`` where the number is not known)."""

    def advance(self, count: int = 1) -> None:
        """Report ``count`` more finished items of the present step."""

    def note(self, message: str) -> None:
        """Report one line a person should see, such as a warning."""


class Silent:
    """Reports nothing and never stops."""

    def step(self, name: str, total: int | None = None) -> None:
        """See :class:`Progress`."""

    def advance(self, count: int = 1) -> None:
        """See :class:`Progress`."""

    def note(self, message: str) -> None:
        """See :class:`Progress`."""


SILENT = Silent()


def describe_rate(done: int, total: int | None, seconds: float) -> str:
    """Return progress in words: ``"1,200 of 3,000 · 410/s · 4 s left"``."""
    rate = done / seconds if seconds > 0 else 0.0
    words = [f"{done:,} of {total:,}" if total is not None else f"{done:,}"]
    if rate > 0 and seconds > 0.5:
        words.append(f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s")
        if total is not None and total > done:
            words.append(f"{(total - done) / rate:,.0f} s left")
    return " · ".join(words)


class Console:
    """A progress line on a terminal, or one line a step where the stream is not a terminal."""

    def __init__(self, stream: TextIO | None = None, interval: float = 0.2) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._interval = interval
        self._name = ""
        self._total: int | None = None
        self._done = 0
        self._started = self._shown = 0.0

    def step(self, name: str, total: int | None = None) -> None:
        """See :class:`Progress`."""
        self.close()
        self._name, self._total, self._done = name, total, 0
        self._started = time.monotonic()
        self._shown = 0.0

    def advance(self, count: int = 1) -> None:
        """See :class:`Progress`."""
        self._done += count
        now = time.monotonic()
        if self._stream.isatty() and now - self._shown >= self._interval:
            self._shown = now
            self._stream.write(f"\r\x1b[2K{self._line(now)}")
            self._stream.flush()

    def note(self, message: str) -> None:
        """See :class:`Progress`."""
        lead = "\r\x1b[2K" if self._stream.isatty() else ""
        self._stream.write(f"{lead}note: {message}\n")
        self._stream.flush()

    def close(self) -> None:
        """End the present step's line."""
        if self._name:
            lead = "\r\x1b[2K" if self._stream.isatty() else ""
            seconds = time.monotonic() - self._started
            self._stream.write(f"{lead}{self._line(time.monotonic())} · {seconds:.1f} s\n")
            self._stream.flush()
            self._name = ""

    def _line(self, now: float) -> str:
        if self._done == 0 and self._total is None:
            return self._name
        return f"{self._name}: {describe_rate(self._done, self._total, now - self._started)}"


class EventFile:
    """Progress as one JSON object a line, for a page to poll; stops when a file named ``cancel`` appears beside it."""

    def __init__(self, path: Path, interval: float = 0.25) -> None:
        self._path = path
        self._cancel = path.parent / "cancel"
        self._interval = interval
        self._name = ""
        self._total: int | None = None
        self._done = 0
        self._started = self._written = 0.0

    def step(self, name: str, total: int | None = None) -> None:
        """See :class:`Progress`."""
        self._flush()
        self._name, self._total, self._done = name, total, 0
        self._started = time.monotonic()
        self._flush()
        self._stop_if_asked()

    def advance(self, count: int = 1) -> None:
        """See :class:`Progress`."""
        self._done += count
        if time.monotonic() - self._written >= self._interval:
            self._flush()
            self._stop_if_asked()

    def note(self, message: str) -> None:
        """See :class:`Progress`."""
        self._write({"note": message})

    def close(self) -> None:
        """Write the last state of the present step."""
        self._flush()

    def _flush(self) -> None:
        self._written = time.monotonic()
        if self._name:
            seconds = round(self._written - self._started, 3)
            self._write({"step": self._name, "total": self._total, "done": self._done, "seconds": seconds})

    def _write(self, event: dict[str, object]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")

    def _stop_if_asked(self) -> None:
        if self._cancel.exists():
            raise Cancelled("stopped as asked; finished parts are kept and the same command goes on from there")
