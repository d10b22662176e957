"""A score as files: its frames, a summary, a document, and an annotated video made when asked for."""

from __future__ import annotations

import shlex
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from workbench.app import scores, session, uploads, video_words
from workbench.app.session import View
from workbench.app.text import plain
from workbench.app.widgets.video_result import Live
from workbench.errors import WorkbenchError
from workbench.exports import score as exports
from workbench.exports.annotated import write_annotated
from workbench.progress import Silent
from workbench.specs import ScoreSpec

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from workbench.studies.scoring import VideoScore


STEP = 0.02
"""How far the bar moves at a time, as a share of its length."""


def draw_files(view: View, live: Live) -> None:
    """Offer the files of the stored score."""
    stored = live.stored
    if live.changed:
        st.info("The files hold the score as it is stored, without the changes made here.", icon=":material/info:")
    place = scores.source(stored).place
    stem = exports.file_stem(stored.video["name"])
    offers = {
        "Frames as CSV": ("frames.csv", "text/csv", lambda: exports.frames_csv(stored)),
        "Frames as Parquet": (
            "frames.parquet",
            "application/vnd.apache.parquet",
            lambda: exports.frames_parquet(stored),
        ),
        "Summary as JSON": ("summary.json", "application/json", lambda: exports.summary_json(stored)),
        "Report as HTML": ("report.html", "text/html", lambda: report(stored, place)),
    }
    with st.container(horizontal=True, gap="small"):
        for title, (end, mime, make) in offers.items():
            st.download_button(
                title,
                make,
                f"{stem}.{end}",
                mime,
                key=view.key(title),
                icon=":material/download:",
                help=video_words.FILES[title],
                on_click="ignore",
            )
    annotated(view, stored, place)
    keep(view, stored, place)
    st.caption("The same on the command line:")
    st.code(command(live), language=None, wrap_lines=True)


def command(live: Live) -> str:
    """Return the command that makes the score as it is shown; emotions left out need a concept set without them."""
    settings, names = live.settings, live.stored.names
    asked = replace(
        live.stored.spec,
        video=live.stored.video["name"],
        end_frames=settings.end_frames,
        end_seconds=settings.end_seconds,
        parts=",".join(f"{part:g}" for part in settings.parts),
        peak=settings.peak,
        smoothing=settings.smoothing,
    ).to_dict()
    asked["scores"] = ",".join(
        filter(None, [asked["scores"], *(f"{names[row]}={score:g}" for row, score in live.edits.scores.items())])
    )
    usual = ScoreSpec(asked["video"]).to_dict()
    options = [[f"--{name.replace('_', '-')}", str(value)] for name, value in asked.items() if value != usual[name]]
    words = ["workbench", "score", asked["video"], *(word for option in options for word in option), "--out", "FOLDER"]
    return shlex.join(words)


def report(stored: VideoScore, place: Path | uploads.Held | None) -> bytes:
    """Return the document of a score, with the frames where the video is at hand."""
    source = None if place is None else scores.opened(place)
    return exports.score_html(stored, source, scores.reported(stored)).encode()


def annotated(view: View, stored: VideoScore, place: Path | uploads.Held | None) -> None:
    """Offer to make the annotated video, and then the video."""
    if place is None:
        st.caption("An annotated video needs the video itself, which is gone.")
        return
    name = f"annotated {stored.artifact.name}"
    made = session.recall(name)
    if made is None:
        if st.button(
            "Make the annotated video",
            key=view.key("annotate"),
            icon=":material/movie_edit:",
            help=video_words.ANNOTATED,
        ):
            bar = st.progress(0.0, "Drawing into the frames")
            session.remember(name, draw_annotated(stored, place, Bar(bar)))
            bar.empty()
            st.rerun(scope="fragment")
        return
    st.download_button(
        "Annotated video (MP4)",
        made,
        f"{exports.file_stem(stored.video['name'])}.annotated.mp4",
        "video/mp4",
        key=view.key("annotated"),
        icon=":material/download:",
        on_click="ignore",
    )


def draw_annotated(stored: VideoScore, place: Path | uploads.Held, progress: Bar) -> bytes:
    """Return the annotated video; nothing of it stays on the disk."""
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder, scores.file_of(place) as source:
        path = Path(folder) / "annotated.mp4"
        write_annotated(stored, source, path, progress)
        return path.read_bytes()


class Bar(Silent):
    """Progress drawn on the page."""

    def __init__(self, bar: DeltaGenerator) -> None:
        self._bar = bar
        self._done, self._total, self._shown = 0, 0, 0.0

    def step(self, name: str, total: int | None = None) -> None:
        """See :class:`workbench.progress.Progress`."""
        del name
        self._done, self._total, self._shown = 0, total or 0, 0.0

    def advance(self, count: int = 1) -> None:
        """See :class:`workbench.progress.Progress`."""
        self._done += count
        share = min(1.0, self._done / self._total) if self._total else 0.0
        if share - self._shown >= STEP:
            self._shown = share
            self._bar.progress(share, f"Drawing into the frames: {self._done:,} of {self._total:,}")


def keep(view: View, stored: VideoScore, place: Path | uploads.Held | None) -> None:
    """Offer to keep a video that is not among the workspace's, and to delete one that is."""
    if place is None or stored.video["name"] in scores.library():
        return

    def take() -> None:
        try:
            if isinstance(place, Path):
                uploads.keep(session.store(), place)
            else:
                uploads.keep(session.store(), place.data, place.name)
        except WorkbenchError as error:
            st.toast(plain(error))

    st.button(
        "Keep the video in the workspace",
        key=view.key("keep"),
        icon=":material/save:",
        help=video_words.KEPT,
        on_click=take,
    )
