"""Starting and stopping the server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from workbench.app import launch
from workbench.data.video_library import uploads_dir
from workbench.errors import SpecError, WorkbenchError
from workbench.store import Store


def test_a_port_in_use_is_refused_in_one_line_that_names_it() -> None:
    with socket.socket() as taken:
        taken.bind((launch.ADDRESS, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SpecError, match=f"port {port} "):
            launch.check_port(port)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_cannot_be_is_refused(port: int) -> None:
    with pytest.raises(SpecError, match="does not exist"):
        launch.check_port(port)


def test_without_a_port_the_next_free_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind((launch.ADDRESS, 0))
        taken.listen()
        monkeypatch.setattr(launch, "FIRST_PORT", taken.getsockname()[1])
        assert launch.free_port() > taken.getsockname()[1]


def test_the_server_listens_here_only_and_sends_no_statistics() -> None:
    words = launch.command(8599)
    for option in (
        "--server.address=127.0.0.1",
        "--browser.gatherUsageStats=false",
        "--server.enableXsrfProtection=true",
        "--server.fileWatcherType=none",
    ):
        assert option in words


def test_a_server_that_ends_at_once_is_an_error_and_not_a_wait() -> None:
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as child:
        child.wait()
        with pytest.raises(WorkbenchError, match="status 3"):
            launch.wait_until_ready(child, "http://127.0.0.1:1")


def test_an_upload_left_behind_is_deleted_when_the_app_starts(tmp_path: Path) -> None:
    left, fresh = (uploads_dir(Store(tmp_path)) / name for name in ("0123456789abcdef", "fedcba9876543210"))
    for folder in (left, fresh):
        folder.mkdir(parents=True)
        (folder / "face.mp4").write_bytes(b"face")
    os.utime(left, (0, 0))
    port = launch.free_port()
    child = subprocess.Popen(launch.command(port), env=launch.environment(tmp_path), stdout=subprocess.DEVNULL)
    try:
        launch.wait_until_ready(child, f"http://127.0.0.1:{port}")
        deadline = time.monotonic() + 60
        while left.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not left.exists()
        assert (fresh / "face.mp4").exists()
    finally:
        launch.stop(child)


def test_launch_answers_only_to_this_machines_names_and_ends_cleanly_on_ctrl_c(tmp_path: Path) -> None:
    port = launch.free_port()
    code = (
        "import sys; from pathlib import Path; from workbench.app.launch import launch;"
        f"sys.exit(launch(Path({str(tmp_path)!r}), port={port}, open_browser=False))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        assert f"http://127.0.0.1:{port}" in child.stderr.readline()
        stranger = urllib.request.Request(
            f"http://127.0.0.1:{port}/_stcore/health", headers={"Host": "outside.invalid"}
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(stranger, timeout=60)  # noqa: S310 - an address of our own
        assert refused.value.code == 400
        refused.value.close()
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 0
        assert "Traceback" not in child.stderr.read()
    assert launch.check_port(port) == port
