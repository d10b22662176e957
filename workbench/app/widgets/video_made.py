"""How a video score is made: its sum, the choices behind it as controls, and the frames behind the parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from workbench.app import scores, video_words
from workbench.app.score_settings import CONTROLS, UNITS, unit_of
from workbench.app.session import View
from workbench.app.text import plain
from workbench.app.widgets.video_result import Live, go_to
from workbench.data.concepts import MAX_SCORE
from workbench.errors import unknown_name
from workbench.figures.score import EARLIER, END, LATER, clock
from workbench.methods.peak_end import PeakEnd, Settings
from workbench.specs import PEAKS

if TYPE_CHECKING:
    from workbench.studies.scoring import VideoScore

PARTS = {"part_end": "End score", "part_earlier": "Earlier peak", "part_later": "Later peak"}
NUMBER_WIDTH = 150
MOST_FRAMES, MOST_SECONDS, MOST_SMOOTHING = 100_000.0, 10_000.0, 60.0


def draw_made(view: View, live: Live) -> None:
    """Draw the sum, the controls and the frames."""
    left, right = st.columns([5, 7], gap="large")
    with left:
        controls(view, live)
    with right:
        st.markdown("**The sum**", help=video_words.SUM)
        st.markdown(sum_words(live))
        st.html(sum_bars(live.found.result, live.settings))
    people(view, live.stored)
    pictures(view, live)


def sum_words(live: Live) -> str:
    """Return the peak-end rule with this video's numbers."""
    result, shares = live.found.result, live.settings.shares
    terms = zip(shares, (result.end, result.earlier, result.later), ("end", "earlier peak", "later peak"), strict=True)
    added = " + ".join(f"{share:.3g} × {value:.2f} :gray[{name}]" for share, value, name in terms)
    return f"{added} = **{result.video:.2f}**"


def sum_bars(result: PeakEnd, settings: Settings) -> str:
    """Return the sum as bars, each beginning where the one before ends; plain HTML, which is there at once."""
    names, colours = ("end score", "earlier peak", "later peak"), (END, EARLIER, LATER)
    rows, begin = [], 0.0
    for name, share, value, colour in zip(
        names, settings.shares, (result.end, result.earlier, result.later), colours, strict=True
    ):
        rows.append((f"{share:.3g} × {name}", begin, share * value, f"+{share * value:.2f}", colour))
        begin += share * value
    rows.append(("video score", 0.0, result.video, f"{result.video:.2f}", "currentColor"))
    percent = 100 / MAX_SCORE
    lines = "".join(
        f'<div><span>{label}</span><p><i style="margin-left:{start * percent:.2f}%;width:{length * percent:.2f}%;'
        f'background:{colour}"></i><b>{text}</b></p></div>'
        for label, start, length, text, colour in rows
    )
    return f'<div class="score-sum">{lines}</div>'


def controls(view: View, live: Live) -> None:
    """Draw the choices; each answers at once."""
    settings = live.settings
    window(view, live)
    for column, (name, title), share in zip(st.columns(3), PARTS.items(), settings.parts, strict=True):
        value = float(view[name]) if view[name] else share
        column.slider(title, 0.0, 1.0, step=0.05, help=video_words.PART, **view.slide(name, value))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.number_input(
            "Smoothing (s)",
            0.0,
            MOST_SMOOTHING,
            step=0.1,
            format="%g",
            help=video_words.SMOOTHING,
            width=NUMBER_WIDTH,
            **view.slide("smoothing", settings.smoothing),
        )
        st.segmented_control(
            "A peak is",
            PEAKS,
            required=True,
            format_func=video_words.PEAK.__getitem__,
            help=video_words.PEAK_HELP,
            **view.bind("peak", settings.peak),
        )
    st.button(
        "As stored",
        key=view.key("controls as stored"),
        icon=":material/restart_alt:",
        disabled=not any(view[name] for name in CONTROLS),
        on_click=view.set,
        kwargs=dict.fromkeys(CONTROLS, ""),
    )


def window(view: View, live: Live) -> None:
    """Draw the choice of the end window and of its unit."""
    unit = unit_of(view, live.stored.spec)
    seconds = unit == "seconds"
    value = live.settings.end_seconds if seconds else live.settings.end_frames
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.number_input(
            "End window",
            0.01,
            MOST_SECONDS if seconds else MOST_FRAMES,
            step=0.5 if seconds else 5.0,
            format="%g",
            help=video_words.WINDOW,
            width=NUMBER_WIDTH,
            **view.slide("window", value),
        )
        st.segmented_control("Unit", UNITS, required=True, label_visibility="collapsed", **view.bind("unit", unit))
    length = float(live.stored.times[-1]) if seconds else float(live.stored.frames[-1] + 1)
    if value > length:
        st.caption(f"Longer than the video ({length:.4g} {unit}): the end score is nearly the mean.")


def pictures(view: View, live: Live) -> None:
    """Draw the frames of the peaks and of the end; each is a way to its moment."""
    st.markdown("**Frames behind the parts**", help=video_words.PICTURES)
    rows = evidence_rows(live)
    found = scores.pictures(live.stored, tuple(row for _, row in rows))
    if all(each.frame is None for each in found):
        st.caption(plain(scores.source(live.stored).note or "These frames cannot be read from the video."))
    for column, (title, row), picture in zip(st.columns(len(rows), gap="small"), rows, found, strict=True):
        with column:
            draw_frame(view, live, title, row, picture)


def draw_frame(view: View, live: Live, title: str, row: int, picture: scores.Shown) -> None:
    """Draw one frame with the face as the model saw it, its score, and the way to its moment."""
    moment = float(live.stored.times[row])
    st.button(
        title,
        key=view.key(f"to {title}"),
        type="tertiary",
        icon=":material/play_circle:",
        help="Go to this moment",
        on_click=go_to,
        args=(view, moment),
    )
    if picture.frame is not None:
        st.image(picture.frame, width="stretch")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if picture.face is not None:
            st.image(picture.face, width=56)
        st.caption(f"{clock(moment)} · **{live.found.result.course[row]:.2f}** · {plain(strongest_words(live, row))}")


def evidence_rows(live: Live) -> list[tuple[str, int]]:
    """Return the rows of the frames that are shown, each with what it stands for: the peaks, and three of the end."""
    result, present = live.found.result, np.flatnonzero(live.stored.present)
    last = int(present[-1])
    share = np.cumsum(result.end_weights[::-1])[::-1]  # weight of this frame and all after it
    half = int(present[share[present] >= 0.5][-1])
    start = int(present[share[present] >= 0.95][-1])
    rows = [("Earlier peak", result.earlier_row), ("Later peak", result.later_row)]
    return [*rows, ("Window begins", start), ("Half the weight", half), ("End", last)]


def strongest_words(live: Live, row: int) -> str:
    """Return the three most probable classes of a frame."""
    values = live.found.class_probabilities[row]
    order = np.argsort(-values)[:3]
    return ", ".join(f"{live.stored.classes[place]} {values[place]:.0%}" for place in order.tolist())


def people(view: View, stored: VideoScore) -> None:
    """Offer the score of another person of the video."""
    if len(stored.tracks) < 2:
        return
    st.markdown("**Persons in the video**", help=video_words.TRACKS)
    if faces := scores.people(stored):
        with st.container(horizontal=True, gap="small"):
            for number, face in faces.items():
                st.image(face, f"person {number}", width=72)
    tracks = {f"track:{track['track']}": track for track in stored.tracks}
    choices = {"largest": "largest face of each frame"} | {name: track_words(each) for name, each in tracks.items()}
    asked = st.pills(
        "Person",
        list(choices),
        format_func=lambda name: plain(choices[name]),
        default=stored.spec.faces if stored.spec.faces in choices else None,
        label_visibility="collapsed",
        key=view.key(f"person of {stored.artifact.name}"),
    )
    if asked and asked != stored.spec.faces:
        if asked not in choices:
            raise unknown_name("person", asked, choices)
        view.jump(score=scores.of_person(stored, asked))
        st.rerun()


def track_words(track: dict[str, float]) -> str:
    """Return a track in words."""
    begin, end = clock(track["first"]), clock(track["last"])
    return f"person {track['track']}: {track['frames']} frames, {begin} to {end}"
