"""Jobs: what runs, what waits, what ended and how."""

from __future__ import annotations

import time

import streamlit as st

from workbench.app import session
from workbench.app.text import plain
from workbench.app.widgets import job_status, notices
from workbench.jobs import Job


def main() -> None:
    """Draw the page."""
    st.title("Jobs")
    st.caption("One job runs at a time, the rest wait. Jobs go on when this tab or the app is closed.")
    with notices.explained(notices.JOBS):
        live = any(job.status in job_status.LIVE for job in session.jobs().list())
        st.fragment(listing, run_every=1.0 if live else None)()


def listing() -> None:
    """Draw every job, the newest first."""
    found = session.jobs().list()
    if not found:
        st.info("No jobs yet. An import or a new run starts one.", icon=":material/pending_actions:")
        st.page_link(notices.START, label="Go to Start", icon=":material/home:")
    for job in found:
        with st.container(border=True, gap="small"):
            draw(job)


def draw(job: Job) -> None:
    """Draw one job."""
    head, action = st.columns([5, 1], vertical_alignment="center")
    head.markdown(f"{job_status.SYMBOLS[job.status]} **{plain(job.title)}** · {job.status} · {when(job)}")
    if job.status in job_status.LIVE:
        with action:
            job_status.stop_button(job, f"jobs.stop.{job.id}")
    if job.status == "running":
        job_status.progress(job)
    if job.error:
        st.error(plain(job.error), icon=":material/error:")
    if job.status == "done" and (place := job_status.result_place(job)):
        page, parameters = place
        st.page_link(page, label="Open the result", icon=":material/arrow_forward:", query_params=parameters)
    for note in job.progress().notes:
        st.caption(plain(note))
    log = job.log()
    if log:
        with st.expander("Log", expanded=job.status == "failed"):
            st.code(log, language=None)


def when(job: Job) -> str:
    """Return in words when a job was submitted and how long it took."""
    begun = time.strftime("%d %b %H:%M", time.localtime(job.created))
    if job.started is None:
        return begun
    seconds = (job.finished or time.time()) - job.started
    return f"{begun} · {seconds:.0f} s" if seconds < 120 else f"{begun} · {seconds / 60:.0f} min"


main()
