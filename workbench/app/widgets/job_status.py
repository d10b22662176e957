"""The running job beside every page: what it does, how far it is, and a way to stop it."""

from __future__ import annotations

import time

import streamlit as st

from workbench.app import session
from workbench.app.text import plain
from workbench.app.widgets import notices
from workbench.errors import WorkbenchError
from workbench.jobs import Job
from workbench.progress import describe_rate

LIVE = ("running", "queued")
SYMBOLS = {
    "queued": ":material/schedule:",
    "running": ":material/progress_activity:",
    "done": ":material/check_circle:",
    "failed": ":material/error:",
    "cancelled": ":material/block:",
}


def indicator() -> None:
    """Draw the indicator; it looks again every second while a job is live, and not at all otherwise."""
    live = any(job.status in LIVE for job in session.jobs().list())
    session.remember("live jobs", live)
    st.fragment(_indicator, run_every=1.0 if live else None)()


def _indicator() -> None:
    live = [job for job in session.jobs().list() if job.status in LIVE]
    if session.recall("live jobs") and not live:
        session.remember("live jobs", False)
        st.rerun()
    for job in live:
        if job.status == "running":
            with st.container(border=True, gap="small"):
                st.caption(f"{SYMBOLS['running']} **{plain(job.title)}**")
                progress(job)
                stop_button(job, f"sidebar.stop.{job.id}")
    queued = sum(job.status == "queued" for job in live)
    if queued:
        st.caption(f"{queued} waiting")


def progress(job: Job) -> None:
    """Draw a running job's step, rate and time left; how long it takes already where nothing can be counted."""
    state = job.progress()
    if state.total:
        st.progress(min(1.0, state.done / state.total), text=plain(state.step))
        st.caption(plain(describe_rate(state.done, state.total, state.seconds)))
        return
    st.caption(plain(state.step) or "starting")
    st.html('<div class="working" role="progressbar" aria-label="working"></div>')
    done = describe_rate(state.done, None, state.seconds) + " · " if state.done else ""
    taken = state.seconds + state.silent if state.step else time.time() - (job.started or time.time())
    st.caption(plain(f"{done}{taken:,.0f} s so far"))


def stop_button(job: Job, key: str) -> None:
    """Offer to stop a live job; what it finished is kept."""
    words = "Stops within seconds; finished parts are kept."
    st.button("Stop", key=key, icon=":material/stop_circle:", help=words, on_click=_stop, args=(job.id,))


_PLACES = {
    "classification": (notices.CONFUSIONS, {"dataset": "{dataset}", "run": "{name}"}),
    "map": (notices.MAP, {"dataset": "{dataset}", "map": "{name}"}),
    "angles": (notices.MAP, {"dataset": "{dataset}", "tab": "angles", "angles": "{name}"}),
    "ladder": (notices.LADDER, {"dataset": "{dataset}", "ladder": "{name}"}),
    "robustness": (notices.LADDER, {"dataset": "{dataset}", "tab": "robustness", "study": "{name}"}),
    "prompts": (notices.PROMPTS, {"dataset": "{dataset}", "tab": "studies", "study": "{name}"}),
    "comparison": (notices.PROMPTS, {"tab": "compare", "comparison": "{name}"}),
    "suspects": (notices.REVIEW, {"dataset": "{dataset}", "tab": "suspects", "of": "{name}"}),
    "retrain": (notices.REVIEW, {"dataset": "{dataset}", "tab": "loop"}),
    "leakage": (notices.REVIEW, {"dataset": "{dataset}", "tab": "loop"}),
    "slices": (notices.SLICES, {"run": "{name}"}),
    "probe": (notices.TRAINING, {"dataset": "{dataset}", "model": "probe:{name}"}),
    "coop": (notices.TRAINING, {"dataset": "{dataset}", "model": "coop:{name}"}),
    "trained": (notices.TRAINING, {"dataset": "{dataset}", "model": "trained:{name}"}),
    "dissection": (notices.NEURONS, {"run": "{name}"}),
    "ablation": (notices.NEURONS, {"run": "{dissection}", "tab": "removal"}),
    "reweighting": (notices.REWEIGHT, {"run": "{dissection}", "layer": "{layer}"}),
    "score": (notices.VIDEO, {"score": "{name}"}),
    "score-table": (notices.VIDEO, {"section": "table", "table": "{name}"}),
}
"""By kind of artifact: its page, and the parameters made of its name and what was asked for."""


def result_place(job: Job) -> tuple[str, dict[str, str]] | None:
    """Return the page and the parameters that show what a job made; nothing where no page does."""
    kind, _, name = job.result.rpartition("/")
    if not job.result or (kind and kind not in _PLACES):
        return None
    page, parameters = _PLACES.get(kind, (notices.DATA, {"dataset": "{name}"}))
    known = {**job.spec.to_dict(), "name": name}
    return page, {key: value.format_map(known) for key, value in parameters.items()}


def _stop(number: int) -> None:
    """Ask the job to stop; as a callback it is run even where the person goes to another page at once."""
    try:
        session.jobs().cancel(number)
    except WorkbenchError as error:
        st.toast(plain(error))
