"""The ASGI app that ``streamlit run`` serves: the pages, and the routes for images beside them."""

from __future__ import annotations

import contextlib
import importlib
import threading
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from streamlit.runtime.pages_manager import PagesManager

from workbench.app.launch import launch
from workbench.app.point_routes import POINT_ROUTES
from workbench.app.report_routes import REPORT_ROUTES
from workbench.app.routes import ROUTES, workspace
from workbench.app.uploads import sweep
from workbench.app.verdict_routes import VERDICT_ROUTES
from workbench.app.video_routes import VIDEO_ROUTES
from workbench.errors import WorkbenchError
from workbench.store import Store

__all__ = ["app", "launch"]

ALLOWED_HOSTS = ["127.0.0.1", "localhost"]

app = st.App(
    Path(__file__).with_name("main.py"),
    routes=[*ROUTES, *POINT_ROUTES, *REPORT_ROUTES, *VERDICT_ROUTES, *VIDEO_ROUTES],
    middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=ALLOWED_HOSTS, www_redirect=False)],
)

# main.py names the pages itself; without this the very first visit would run a file of pages/ as a page of its own.
PagesManager.uses_pages_directory = False


def prepare() -> None:
    """Delete uploads left behind, and import what reads stored classifications, which is slow, before anybody asks."""
    with contextlib.suppress(WorkbenchError):
        sweep(Store(workspace()))
    importlib.import_module("workbench.studies.classify")


threading.Thread(target=prepare, daemon=True).start()
