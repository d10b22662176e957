"""The form that scores a video, and how far the scoring is."""

from __future__ import annotations

import io
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from workbench.app import scores, session, uploads, video_words
from workbench.app.session import View
from workbench.app.text import plain
from workbench.app.widgets import job_status
from workbench.app.widgets.dissect_form import check_target
from workbench.app.widgets.form_popover import close
from workbench.data.concepts import bundled_concept_sets, load_concept_set
from workbench.data.video_library import VIDEO_SUFFIXES, find_video, uploads_dir
from workbench.errors import SpecError, WorkbenchError
from workbench.files import disk_errors, write_atomically
from workbench.jobs import Job
from workbench.specs import ScoreSpec

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

MODELS = ("face-clip", "face-cnn")
"""Models to choose from; others may be typed."""
MODEL = "model to score with"
"""Under which name a link leaves the model that the form begins with."""
JOB, UPLOADS = "score jobs", "uploads taken"


@st.fragment
def score_form(key: str, video: str) -> None:
    """Draw the form, begun with ``video``, and submit what is asked for; ``key`` tells forms of a page apart."""
    videos = scores.library()
    chosen = st.selectbox(
        "Video",
        videos,
        videos.index(video) if video in videos else None,
        placeholder="a video, or the path of a file or folder",
        accept_new_options=True,
        help=video_words.VIDEO,
    )
    files = st.file_uploader(
        "Or upload",
        [suffix.lstrip(".") for suffix in VIDEO_SUFFIXES],
        accept_multiple_files=True,
        key=f"upload {key} {session.recall(UPLOADS) or 0}",
        help=video_words.UPLOAD,
    )
    st.caption(f":material/delete: {video_words.UPLOAD}")
    keep = st.checkbox(video_words.KEEP, disabled=not files)
    asked = settings()
    problem = st.empty()
    if st.button("Score", key=f"score {key}", type="primary", icon=":material/play_arrow:"):
        try:
            numbers = submit(str(chosen or ""), files, keep, asked)
        except WorkbenchError as error:
            problem.error(plain(error), icon=":material/error:")
        else:
            session.remember(JOB, numbers)
            close("new score")
            session.remember(MODEL, None)
            session.remember(UPLOADS, (session.recall(UPLOADS) or 0) + 1)  # the uploader begins afresh
            st.rerun()


def settings() -> dict[str, object]:
    """Draw what a video is scored with and return it by the names of the spec's fields."""
    first = session.recall(MODEL) or MODELS[0]
    offered = list(dict.fromkeys([*MODELS, *scores.stored_models(), first]))
    left, right = st.columns(2)
    models = left.multiselect("Models", offered, [first], accept_new_options=True, help=video_words.MODELS)
    bundled = bundled_concept_sets()
    concepts = right.selectbox(
        "Concept set",
        bundled,
        bundled.index(ScoreSpec.concepts),
        accept_new_options=True,
        help=video_words.CONCEPTS,
    )
    faces, frames = st.columns(2)
    with faces:
        asked = face_choice()
    with frames:
        asked |= frame_choice()
    return {"model": ",".join(models), "concepts": str(concepts or ""), **asked, **further()}


def face_choice() -> dict[str, object]:
    """Draw whose face is scored."""
    faces = st.selectbox(
        "Whose face", list(video_words.FACES), format_func=video_words.FACES.__getitem__, help=video_words.FACES_HELP
    )
    if faces != "track":
        return {"faces": str(faces)}
    return {"faces": f"track:{st.number_input('Person', 0, 9999, help=video_words.PERSON)}"}


def frame_choice() -> dict[str, object]:
    """Draw which frames are scored."""
    names = video_words.SAMPLING
    sampling = st.selectbox("Frames", list(names), format_func=names.__getitem__, help=video_words.SAMPLING_HELP)
    if sampling == "every":
        return {"every": st.number_input("n", 2, 100_000, help=video_words.EVERY)}
    if sampling == "rate":
        return {"rate": st.number_input("Frames a second", 0.1, 1000.0, 5.0, 1.0, format="%g", help=video_words.RATE)}
    return {}


def further() -> dict[str, object]:
    """Draw the choices that are seldom made otherwise."""
    with st.expander("Margin, colour, reported scores"):
        left, right = st.columns(2)
        margin = left.number_input("Margin", -0.3, 2.0, 0.0, 0.05, help=video_words.MARGIN)
        names = video_words.COLOURS
        colour = right.selectbox("Colour", list(names), format_func=names.__getitem__, help=video_words.COLOUR_HELP)
        path = left.text_input("Reported scores", placeholder="/data/ratings.csv", help=video_words.REPORTED)
        key = f"reported {session.recall(UPLOADS) or 0}"
        file = right.file_uploader("Or their CSV file", ["csv"], key=key, help=video_words.REPORTED_FILE)
    return {"margin": float(margin), "colour": str(colour), "reported": file or path.strip()}


def submit(chosen: str, files: Sequence[UploadedFile], keep: bool, asked: dict[str, object]) -> list[int]:
    """Submit a job for each upload, else for what was chosen, and return the jobs' numbers.

    Raises
    ------
    WorkbenchError
        Nothing is chosen, a file is no video, or the settings cannot be.
    """
    for model in str(asked["model"]).split(","):
        check_target(model)
    concepts = load_concept_set(str(asked["concepts"]))
    if concepts.scores is None:
        raise SpecError(f"{concepts.name} has no scores, so it cannot score a video; customer-satisfaction has")
    if not files and not chosen.strip():
        raise SpecError("choose a video, or upload one")
    asked = asked | {"reported": received(asked["reported"])}
    if not files:
        spec = ScoreSpec(video=chosen.strip(), **asked)  # type: ignore[arg-type]
        find_video(session.store(), spec.video)
        return [session.jobs().submit(spec).id]
    return [upload(file, keep, asked) for file in files]


def received(reported: object) -> str:
    """Return where the reported scores lie; an uploaded file is written to a folder of its own, deleted after the job.

    Raises
    ------
    StoreError
        The disk is full or not writable.
    """
    if isinstance(reported, str):
        return reported
    data: bytes = reported.getvalue()  # type: ignore[attr-defined] # an UploadedFile
    path = uploads_dir(session.store()) / secrets.token_hex(12) / "reported.csv"
    with disk_errors(path):
        path.parent.mkdir(parents=True)
    write_atomically(path, lambda temporary: temporary.write_bytes(data))
    return str(path)


def upload(file: UploadedFile, keep: bool, asked: dict[str, object]) -> int:
    """Write an upload where a job finds it, submit the job and return its number.

    Raises
    ------
    WorkbenchError
        The file is no video, the disk is full, or the settings cannot be.
    """
    from workbench.data.video import probe

    data = file.getvalue()
    name = uploads.safe_name(file.name)
    if not data:
        raise SpecError(f"{name} is empty; nothing was uploaded")
    video = probe(io.BytesIO(data), name)
    ScoreSpec(video=name, **asked)  # type: ignore[arg-type] # refused before anything is written
    store = session.store()
    if keep:
        kept = uploads.keep(store, data, name)
        return session.jobs().submit(ScoreSpec(video=kept, **asked)).id  # type: ignore[arg-type]
    scores.hold(data, name, video.digest)
    path = uploads.receive(store, data, name)
    return session.jobs().submit(ScoreSpec(video=str(path), **asked)).id  # type: ignore[arg-type]


def follow(view: View) -> None:
    """Draw how far the scorings begun in this tab are; the page goes to the first result as soon as it is there."""
    jobs = [session.jobs().get(number) for number in session.recall(JOB) or []]
    live = [job.id for job in jobs if job.status in job_status.LIVE]
    ended = [job for job in jobs if job.status in ("failed", "cancelled")]
    for job in jobs:
        if job.status == "done" and (place := job_status.result_place(job)):
            view.jump(**{"section": "video", "edits": "", **place[1]})
    session.remember(JOB, live + [job.id for job in ended])
    for job in ended:
        if job.status == "failed":
            st.error(f"{plain(job.title)}: {plain(job.error)}", icon=":material/error:")
        else:
            st.info(f"{plain(job.title)}: {stopped_words(job)}", icon=":material/block:")
    if live:
        st.fragment(_progress, run_every=1.0)(live)


def stopped_words(job: Job) -> str:
    """Return what became of a job that was stopped."""
    uploaded = uploads_dir(session.store()) in Path(getattr(job.spec, "video", "")).parents
    return "Stopped; nothing was scored" + (", and the upload is deleted." if uploaded else ".")


def _progress(numbers: list[int]) -> None:
    """Draw the jobs; when one ends, the whole page is drawn again."""
    jobs = [session.jobs().get(number) for number in numbers]
    if any(job.status not in job_status.LIVE for job in jobs):
        st.rerun()
    for job in jobs:
        with st.container(border=True, gap="small"):
            left, right = st.columns([6, 1], vertical_alignment="center")
            with left:
                st.markdown(f"{job_status.SYMBOLS[job.status]} **{plain(job.title)}**")
                if job.status == "running":
                    job_status.progress(job)
                else:
                    st.caption("waits for its turn")
            with right:
                job_status.stop_button(job, f"video.stop.{job.id}")


def begin(video: str) -> None:
    """Offer to score a video that has no score yet, or the first one of all."""
    words = f"{plain(video)} has not been scored yet." if video else "There is no video yet: upload one."
    st.info(words, icon=":material/movie:")
    with st.columns([3, 2])[0].container(border=True):
        score_form("first", video)
