"""Model hubs: no needless waiting where there is no network, no messages of other libraries on the terminal."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlparse

from huggingface_hub import constants as hub


@contextmanager
def quiet_logging() -> Iterator[None]:
    """Keep other libraries' warnings off the terminal: what matters is raised as one line."""
    former = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(former)


@contextmanager
def offline_when_unreachable() -> Iterator[None]:
    """Where the hub cannot be reached, use its cache only: an error then takes seconds, not minutes of retries."""
    former = hub.HF_HUB_OFFLINE
    if not former and not _hub_reachable():
        hub.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        hub.HF_HUB_OFFLINE = former


def _hub_reachable() -> bool:
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return True
    try:
        socket.create_connection((urlparse(hub.ENDPOINT).hostname or "", 443), timeout=5).close()
    except OSError:
        return False
    return True
