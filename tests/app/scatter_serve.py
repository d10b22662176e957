"""An app of one map and a second page, on the real routes."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from workbench.app.point_routes import POINT_ROUTES

app = st.App(Path(__file__).with_name("scatter_main.py"), routes=POINT_ROUTES)
PagesManager.uses_pages_directory = False
