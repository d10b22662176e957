"""The ASGI app that ``streamlit run`` serves: the pages, and the routes for images beside them."""

from __future__ import annotations

import importlib
import threading
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from streamlit.runtime.pages_manager import PagesManager

from workbench.app.launch import launch
from workbench.app.routes import ROUTES

__all__ = ["app", "launch"]

ALLOWED_HOSTS = ["127.0.0.1", "localhost"]

app = st.App(
    Path(__file__).with_name("main.py"),
    routes=ROUTES,
    middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=ALLOWED_HOSTS, www_redirect=False)],
)

# main.py names the pages itself; without this the very first visit would run a file of pages/ as a page of its own.
PagesManager.uses_pages_directory = False

# What reads stored classifications is slow to import: begin before anybody asks.
threading.Thread(target=importlib.import_module, args=("workbench.studies.classify",), daemon=True).start()
