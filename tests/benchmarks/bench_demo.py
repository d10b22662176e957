"""Time and size of the demo, in a fresh process and an empty workspace, as ``make demo`` builds it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path


def run() -> list[tuple[str, str]]:
    """Build the demo and add up what it left on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "workbench", "--workspace", folder, "demo", "--no-app"]
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - started
        again = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        repeated = time.perf_counter() - again
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return [
        ("demo workspace, built", f"{seconds:.0f} s"),
        ("demo workspace, there already", f"{repeated:.0f} s ({repeated / seconds:.2f} x)"),
        ("its size", f"{size / 1e6:.0f} MB"),
    ]
