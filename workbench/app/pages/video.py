"""Video: what a video's satisfaction score is made of, and what becomes of it when the choices are others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from workbench.app import score_settings, scores, session, video_words
from workbench.app.session import View
from workbench.app.widgets import notices
from workbench.app.widgets.form_popover import begin_open, form_popover
from workbench.app.widgets.video_compare import courses, draw_compare
from workbench.app.widgets.video_emotions import draw_emotions
from workbench.app.widgets.video_files import draw_files
from workbench.app.widgets.video_form import MODEL, begin, follow, score_form
from workbench.app.widgets.video_made import draw_made
from workbench.app.widgets.video_picture import draw_picture
from workbench.app.widgets.video_result import first_of, numbers, player, read_live, score_titles
from workbench.app.widgets.video_sensitivity import draw_sensitivity
from workbench.app.widgets.video_table import draw_tables
from workbench.errors import unknown_name
from workbench.store import Artifact

if TYPE_CHECKING:
    from workbench.studies.scoring import VideoScore

SECTIONS = {"video": "Video", "table": "Several", "picture": "Picture"}
TABS = {
    "made": ("How it is made", draw_made),
    "emotions": ("Emotions and scores", draw_emotions),
    "sensitivity": ("Sensitivity", draw_sensitivity),
    "compare": ("Compare", draw_compare),
    "files": ("Files", draw_files),
}
PLACE = {
    "section": "video",
    "video": "",
    "score": "",
    "tab": "made",
    "at": "",
    "with": "",
    "table": "",
    "score_with": "",
}
PICTURE = {"model": "face-clip", "concepts": "customer-satisfaction", "way": "file", "whose": "largest"}
DEFAULTS = {**PLACE, **PICTURE, **dict.fromkeys(score_settings.CONTROLS, ""), "edits": ""}
RESETS = {"video": ("score", "edits", "at", "with"), "score": ("edits", "with"), "unit": ("window",)}


def main() -> None:
    """Draw the page."""
    view = View("video", DEFAULTS, RESETS)
    with notices.explained(notices.VIDEO):
        if view["section"] not in SECTIONS:
            raise unknown_name("section", view["section"], SECTIONS)
        follow(view)
        if view["score_with"]:
            session.remember(MODEL, view["score_with"])
            begin_open("new score")
            view.settle(score_with="", section="video")
        if view["section"] == "video":
            video(view)
        else:
            choice(view, "section", SECTIONS)
            (draw_tables if view["section"] == "table" else draw_picture)(view)


def choice(view: View, name: str, titles: dict[str, str]) -> None:
    """Draw a choice of one of a few."""
    bound = view.bind(name)
    st.segmented_control(
        name, list(titles), required=True, format_func=titles.__getitem__, label_visibility="collapsed", **bound
    )


def video(view: View) -> None:
    """Draw a video's score, or the way to one."""
    runs = {run.name: run for run in scores.scores()}
    if view["score"] and view["score"] not in runs:
        raise unknown_name("score", view["score"], runs)
    videos = list(dict.fromkeys([*scores.library(), *map(scores.video_of, runs.values())]))
    newest = scores.video_of(next(iter(runs.values()))) if runs else next(iter(videos), "")
    chosen = scores.video_of(runs[view["score"]]) if view["score"] else view["video"] or newest
    if chosen and chosen not in videos:
        raise unknown_name("video", chosen, videos)
    own = [run for run in runs.values() if scores.video_of(run) == chosen]
    if own:
        view.settle(video=chosen, score=view["score"] or first_of(own).name)
    choose(view, videos, chosen, own)
    if own:
        look(view, scores.score(view["score"]))
    else:
        begin(chosen)


def choose(view: View, videos: list[str], chosen: str, own: list[Artifact]) -> None:
    """Draw what is looked at: the video and which of its scores."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        choice(view, "section", SECTIONS)
        if videos:
            st.selectbox("Video", videos, label_visibility="collapsed", width=160, **view.bind("video", chosen))
        if own:
            titles = score_titles(own)
            score = view.bind("score", of=chosen)
            st.selectbox("Score", list(titles), format_func=titles.__getitem__, label_visibility="collapsed", **score)
            with form_popover("New", "new score"):
                score_form("popover", chosen)


@st.fragment
def look(view: View, stored: VideoScore) -> None:
    """Draw a score: numbers and player, then one part of what stands behind them."""
    with notices.explained(notices.VIDEO):
        if view["tab"] not in TABS:
            raise unknown_name("tab", view["tab"], TABS)
        live = read_live(view, stored)
        notices.notes([video_words.note(line) for line in stored.notes])
        finish = numbers(live)
        player(view, live, courses(view, live))
        choice(view, "tab", {name: title for name, (title, _) in TABS.items()})
        TABS[view["tab"]][1](view, live)
        finish()


main()
