"""Start the browser app as a child process, bound to this machine, and stop it cleanly."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path

from workbench.errors import SpecError, WorkbenchError
from workbench.progress import Console, Progress

ADDRESS = "127.0.0.1"
FIRST_PORT = 8501
PORTS_TRIED = 50
START_SECONDS = 60.0
STOP_SECONDS = 5.0

OPTIONS: dict[str, str] = {
    "server.address": ADDRESS,
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "server.runOnSave": "false",
    "server.maxUploadSize": "500",
    "server.enableXsrfProtection": "true",
    "server.enableStaticServing": "false",
    "server.showEmailPrompt": "false",
    "browser.gatherUsageStats": "false",
    "browser.serverAddress": ADDRESS,
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "runner.magicEnabled": "false",
    "logger.level": "warning",
    "theme.baseFontSize": "15",
    "theme.baseRadius": "8px",
    "theme.headingFontSizes": '["1.7rem", "1.25rem", "1.05rem"]',
    "theme.headingFontWeights": "[650, 600, 600]",
    "theme.metricValueFontSize": "1.35rem",
    "theme.paddingTop": "1.6rem",
    "theme.light.primaryColor": "#1f6f8b",
    "theme.light.backgroundColor": "#ffffff",
    "theme.light.secondaryBackgroundColor": "#f2f5f7",
    "theme.light.textColor": "#1b2a33",
    "theme.light.borderColor": "#dbe2e7",
    "theme.light.sidebar.backgroundColor": "#f7f9fa",
    "theme.dark.primaryColor": "#59b3cf",
    "theme.dark.backgroundColor": "#12181d",
    "theme.dark.secondaryBackgroundColor": "#1d262d",
    "theme.dark.textColor": "#e4ebef",
    "theme.dark.borderColor": "#33414b",
    "theme.dark.sidebar.backgroundColor": "#171f25",
}
"""The server's whole configuration: this machine only, no statistics, no file watcher, cross-site protection on."""


def launch(
    store_root: Path, port: int | None = None, open_browser: bool = True, progress: Progress | None = None
) -> int:
    """Serve the app on ``127.0.0.1`` until it is interrupted, and return its exit status.

    Parameters
    ----------
    store_root : Path
        The workspace; it need not exist yet.
    port : int, optional
        The TCP port, 1 to 65535; without it the next free one from 8501 on is taken.
    open_browser : bool
        Whether to open the address in the person's browser.
    progress : Progress, optional
        Is told the address once the app answers; without it the terminal is.

    Returns
    -------
    int
        0 after Ctrl-C or a request to end; else the server's own exit status.

    Raises
    ------
    SpecError
        The port is out of range or in use.
    WorkbenchError
        The server did not start.
    """
    chosen = free_port() if port is None else check_port(port)
    child = subprocess.Popen(command(chosen), env=environment(store_root), stdout=subprocess.DEVNULL)  # noqa: S603 - our own interpreter
    former = signal.signal(signal.SIGTERM, _interrupt)
    try:
        address = f"http://{ADDRESS}:{chosen}"
        wait_until_ready(child, address)
        (progress or Console()).note(f"the workbench is at {address} (Ctrl-C stops it)")
        if open_browser:
            webbrowser.open(address)
        return child.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, former)
        stop(child)


def command(port: int) -> list[str]:
    """Return the command line that serves the app on ``port``."""
    script = Path(__file__).with_name("serve.py")
    flags = [f"--{name}={value}" for name, value in OPTIONS.items()]
    return [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}", *flags]


def environment(store_root: Path) -> dict[str, str]:
    """Return this process's environment with the workspace named in ``WORKBENCH_HOME``."""
    return {**os.environ, "WORKBENCH_HOME": str(store_root.resolve()), "PYTHONUNBUFFERED": "1"}


def check_port(port: int) -> int:
    """Return ``port`` if it can be listened on.

    Raises
    ------
    SpecError
        It is out of range or in use.
    """
    if not 1 <= port <= 65535:
        raise SpecError(f"port {port} does not exist; use 1 to 65535, or leave it out for the next free one")
    if not _can_bind(port):
        raise SpecError(
            f"port {port} on {ADDRESS} cannot be used (another program has it, or it needs more rights); "
            "name another, or leave it out for the next free one"
        )
    return port


def free_port() -> int:
    """Return the first port from 8501 on that is free.

    Raises
    ------
    SpecError
        None of fifty is free.
    """
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        if _can_bind(port):
            return port
    raise SpecError(f"no port between {FIRST_PORT} and {FIRST_PORT + PORTS_TRIED - 1} is free; name one with --port")


def wait_until_ready(child: subprocess.Popen[bytes], address: str) -> None:
    """Wait until the server answers.

    Raises
    ------
    WorkbenchError
        It ended, or did not answer within a minute.
    """
    deadline = time.monotonic() + START_SECONDS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise WorkbenchError(f"the app's server ended at once with status {child.returncode}; its message is above")
        try:
            with opener.open(f"{address}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise WorkbenchError(f"the app's server did not answer within {START_SECONDS:.0f} s")


def stop(child: subprocess.Popen[bytes]) -> None:
    """End the server: asked first, and killed where it does not listen."""
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _can_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except (OSError, OverflowError):
            return False
    return True


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
