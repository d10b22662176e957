"""An app of one player and a second page, on the real routes."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from workbench.app.video_routes import VIDEO_ROUTES

app = st.App(Path(__file__).with_name("player_main.py"), routes=VIDEO_ROUTES)
PagesManager.uses_pages_directory = False
