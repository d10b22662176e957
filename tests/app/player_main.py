"""The page the player is tried on: ``?case=`` chooses what it shows."""

from __future__ import annotations

import numpy as np
import streamlit as st

from workbench.app.components.video_player import Marker, OtherCourse, Timeline, video_player
from workbench.app.video_routes import library_address

RATE, FRAMES = 10.0, 30
PEAK, GAP = 7, (12, 15)
LONG, LONG_PEAK, LONG_GAP = 90_000, 31_234, 70_001
HOSTILE = '<img src="http://outside.invalid/a.png" onerror="window.hacked=1">'
SOURCES = {"plain": "steps.mp4", "old": "old.mp4", "gone": "gone.mp4"}


def timeline(frames: int, peak: int, gap: slice, names: tuple[str, str], **extra: object) -> Timeline:
    """Scores of 3 with one frame at 4.6, the end at 2.5, and a gap."""
    times = np.arange(frames) / RATE
    scores = np.full(frames, 3.0)
    scores[peak], scores[-1] = 4.6, 2.5
    scores[gap] = np.nan
    shares = np.stack([(scores - 1) / 4, 1 - (scores - 1) / 4], axis=1)
    weights = np.where(np.isnan(scores), 0.0, np.exp(times - times[-1]))
    boxes = np.tile([0.25, 0.25, 0.5, 0.5], (frames, 1))
    boxes[gap] = np.nan
    markers = [Marker(times[peak], f"peak {names[0]}"[:30], "#2a9d8f"), Marker(times[-1], "end", "#3d7fb8")]
    others = [OtherCourse(names[1], "#b5654a", scores - 0.5)]
    return Timeline(
        times,
        scores,
        names,
        ["#e0a526", "#3d7fb8"],
        shares,
        markers,
        weights,
        boxes,
        computed=3.2,
        others=others,
        **extra,
    )


def play() -> None:
    """Draw the player."""
    case = st.query_params.get("case", "plain")
    if case == "long":
        shown = timeline(LONG, LONG_PEAK, slice(LONG_GAP, LONG_GAP + 1), ("happy", "sad"))
    elif case == "hostile":
        shown = timeline(FRAMES, PEAK, slice(*GAP), (HOSTILE, HOSTILE + " "))
    else:
        shown = timeline(
            FRAMES, PEAK, slice(*GAP), ("happy", "sad"), fault_time=2.6, reported=3.25 if case == "near" else 4.0
        )
    source = library_address(SOURCES[case]) if case in SOURCES else ""
    note = "The upload was deleted after scoring."
    video_player(shown, source, key="player", seek=st.session_state.get("ask"), note=note, codec="mpeg4", on_seek=heard)
    if st.button("Again"):
        st.session_state.again = st.session_state.get("again", 0) + 1
    if st.button("Go to the start of the gap"):
        st.session_state.ask = (st.session_state.get("ask", (0, 0))[0] + 1, GAP[0] / RATE)
        st.rerun()
    st.text(f"runs again: {st.session_state.get('again', 0)}")
    st.text(f"heard: {st.session_state.get('heard')}")


def heard() -> None:
    """Keep where the person went."""
    sought = dict(st.session_state.get("player") or {}).get("seek")  # none where the page was left at that moment
    st.session_state.heard = None if sought is None else f"{sought:.2f}"


def elsewhere() -> None:
    """Draw another page."""
    st.text("elsewhere")


pages = [st.Page(play, title="Player", default=True), st.Page(elsewhere, title="Elsewhere", url_path="elsewhere")]
st.navigation(pages).run()
