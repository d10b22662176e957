"""Model hubs: no needless waiting where there is no network, no messages of other libraries on the terminal."""

from __future__ import annotations

import logging
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pickle import UnpicklingError
from urllib.parse import urlparse

import torch
from huggingface_hub import constants as hub

from workbench.errors import ModelError


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
def library_errors(what: str) -> Iterator[None]:
    """Keep a library's messages off the terminal and turn what it raises over weights into one line."""
    with quiet_logging(), warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        try:
            yield
        except (OSError, RuntimeError, ValueError, KeyError, TypeError, UnpicklingError) as error:
            line = (str(error) or type(error).__name__).splitlines()[0][:200]
            raise ModelError(
                f"{what}: the weights cannot be had ({line}); connect to the network once, give a file "
                "of weights, or use face-cnn, which is bundled"
            ) from error


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
