"""The trainings of a dataset that run, wait, or have lately ended without a result."""

from __future__ import annotations

import streamlit as st

from workbench.app import session, training
from workbench.app import training_words as words
from workbench.app.session import View
from workbench.app.text import percent, plain, several
from workbench.app.widgets import job_status
from workbench.errors import WorkbenchError
from workbench.figures.coop import curve as prompts_curve
from workbench.figures.training import curve, losses
from workbench.jobs import Job

LEFT = "trainings left alone"
"""Numbers of the jobs that the person does not want to hear of any more."""
BARE = {"displayModeBar": False}
"""Settings of a chart that is drawn again every few seconds."""
ASKED = "trainings asked for"
"""Numbers of the jobs that were begun in this tab, each with the classifier that was on show then."""


def follow(view: View, dataset: str) -> None:
    """Show what was begun here as soon as it is there, where no other classifier has been chosen meanwhile."""
    going = []
    for number, shown in session.recall(ASKED) or []:
        job = session.jobs().get(number)
        place = job_status.result_place(job) if job.status == "done" else None
        if job.status in job_status.LIVE:
            going.append((number, shown))
        elif place and place[1].get("dataset") == dataset and view["model"] == shown:
            view.set(model=place[1]["model"])
    session.remember(ASKED, going)


def draw_live(view: View, dataset: str) -> None:
    """Draw the jobs that train on a dataset; while one runs they are looked at again every second."""
    found = training.trainings(dataset, job_status.LIVE)
    if found.live:
        st.fragment(_live, run_every=1.0)(view, dataset, [job.id for job in found.live])
    left_alone = session.recall(LEFT) or []
    for job in found.ended:
        if job.id not in left_alone:
            unfinished(view, job)


def _live(view: View, dataset: str, numbers: list[int]) -> None:
    """Draw the jobs; when one ends or begins, the whole page is drawn again."""
    live = training.trainings(dataset, job_status.LIVE).live
    if [job.id for job in live] != numbers:
        st.rerun()
    for job in live:
        with st.container(border=True, gap="small"):
            left, right = st.columns([6, 1], vertical_alignment="center")
            with left:
                st.markdown(f"{job_status.SYMBOLS[job.status]} **{plain(job.title)}**")
                if job.status == "running":
                    job_status.progress(job)
                else:
                    st.caption("waits for its turn")
            with right:
                job_status.stop_button(job, view.key(f"stop {job.id}"))
            draw_curve(view, job)


def draw_curve(view: View, job: Job) -> None:
    """Draw the curve so far of a network that is being trained, or of prompts that are being learned."""
    if job.status != "running":
        return
    key = view.key(f"curve {job.id}")
    if epochs := training.live_epochs(job):
        best = max(epochs, key=lambda each: each.accuracy)
        st.markdown(best_words(best.accuracy, best.epoch), help=words.CURVE)
        left, right = st.columns(2, gap="medium")
        left.plotly_chart(curve(epochs, best.epoch), key=key, config=BARE)
        right.plotly_chart(losses(epochs, best.epoch), key=f"{key} of loss", config=BARE)
    elif course := training.live_prompts(job):
        kept = max(course, key=lambda each: each["accuracy"])
        number, split = int(kept["epoch"]), str(getattr(job.spec, "tune_on", ""))
        st.markdown(best_words(kept["accuracy"], number), help=words.CURVE)
        st.plotly_chart(prompts_curve(course, number, split), key=key, config=BARE)


def best_words(accuracy: float, epoch: int) -> str:
    """Return what is the best so far."""
    return f"Best so far: **{percent(accuracy)}** of the images that choose are right, in epoch {epoch}."


def unfinished(view: View, job: Job) -> None:
    """Draw a job that failed or was stopped, and the way to go on."""
    with st.container(border=True, gap="small"):
        if job.status == "failed":
            st.error(f"{plain(job.title)}: {plain(job.error)}", icon=":material/error:")
        else:
            st.markdown(f":material/block: **{plain(job.title)}** was stopped; {plain(kept(job))}")
        with st.container(horizontal=True, gap="small"):
            st.button(
                "Start the same again",
                key=view.key(f"again {job.id}"),
                icon=":material/resume:",
                help=words.GO_ON,
                on_click=again,
                args=(view, job),
            )
            st.button(
                "Leave it", key=view.key(f"leave {job.id}"), type="tertiary", on_click=leave_alone, args=(job.id,)
            )


def kept(job: Job) -> str:
    """Return what a stopped job leaves, in words."""
    epochs = len(training.live_epochs(job)) or max(0, len(training.live_prompts(job)) - 1)
    return (
        f"{several(epochs, 'epoch')} and the last checkpoint are kept." if epochs else "what it had finished is kept."
    )


def again(view: View, job: Job) -> None:
    """Ask for the same once more."""
    try:
        begun(view, session.jobs().submit(job.spec))
    except WorkbenchError as error:
        st.toast(plain(error))


def begun(view: View, job: Job) -> None:
    """Note what was begun in this tab."""
    session.remember(ASKED, [*(session.recall(ASKED) or []), (job.id, view["model"])])


def leave_alone(number: int) -> None:
    """Speak no more of a job in this tab."""
    session.remember(LEFT, [*(session.recall(LEFT) or []), number])
