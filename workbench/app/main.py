"""The app's frame: pages, navigation and the running job."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from workbench.app.widgets import job_status, notices

FOLDER = Path(__file__).parent

st.set_page_config(
    page_title="Expression workbench", page_icon=str(FOLDER / "icon.png"), layout="wide", initial_sidebar_state=216
)

PAGES = [
    st.Page(notices.START, title="Start", icon=":material/home:", url_path="start", default=True),
    st.Page(notices.DATA, title="Data", icon=":material/photo_library:", url_path="data"),
    st.Page(notices.CONFUSIONS, title="Confusions", icon=":material/grid_on:", url_path="confusions"),
    st.Page(notices.MAP, title="Map", icon=":material/scatter_plot:", url_path="map"),
    st.Page(notices.REVIEW, title="Review", icon=":material/rate_review:", url_path="review"),
    st.Page(notices.SLICES, title="Slices", icon=":material/pie_chart:", url_path="slices"),
    st.Page(notices.NEURONS, title="Neurons", icon=":material/neurology:", url_path="neurons"),
    st.Page(notices.REWEIGHT, title="Reweight", icon=":material/tune:", url_path="reweight"),
    st.Page(notices.PROMPTS, title="Prompts", icon=":material/edit_note:", url_path="prompts"),
    st.Page(notices.TRAINING, title="Training", icon=":material/model_training:", url_path="training"),
    st.Page(notices.LADDER, title="Ladder", icon=":material/leaderboard:", url_path="ladder"),
    st.Page(notices.VIDEO, title="Video", icon=":material/movie:", url_path="video"),
    st.Page(notices.JOBS, title="Jobs", icon=":material/pending_actions:", url_path="jobs"),
]

page = st.navigation(PAGES, expanded=True)
st.logo(FOLDER / "logo.svg", size="large", icon_image=FOLDER / "icon.png")
st.html(FOLDER / "main.css")
with st.sidebar:
    job_status.indicator()
page.run()
