"""The numbers of a video, its player and graph: as stored, or as changed by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from workbench.app import scores, session, uploads, video_words
from workbench.app.components.video_player import Marker, OtherCourse, Timeline, video_player
from workbench.app.score_settings import Edits, read_edits, read_settings
from workbench.app.score_words import EDITED
from workbench.app.session import View
from workbench.app.text import count, plain
from workbench.data.concepts import bundled_concept_sets
from workbench.figures.score import clock, sensitivity_words
from workbench.figures.theme import class_colours
from workbench.specs.video import WHOLE
from workbench.store import Artifact

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from workbench.methods.bootstrap import Estimate
    from workbench.methods.peak_end import PeakEnd, Settings
    from workbench.methods.score_evidence import Sensitivity
    from workbench.studies.scoring import Rescored, VideoScore

EARLIER, LATER, END = "#8e6bbf", "#b5654a", "#1f7a8c"
"""Colours of the two peaks and of the end, everywhere on the page."""


@dataclass(frozen=True)
class Live:
    """A score as it is shown.

    Parameters
    ----------
    stored : VideoScore
        The score as it is stored.
    edits : Edits
        Changes to its emotions.
    settings : Settings
        How the video score is made of frame scores.
    found : Rescored
        What comes of them.
    changed : bool
        Whether anything differs from what is stored.
    """

    stored: VideoScore
    edits: Edits
    settings: Settings
    found: Rescored
    changed: bool


def score_titles(runs: Iterable[Artifact]) -> dict[str, str]:
    """Return scores in words, by their names; no two alike."""
    titles: dict[str, str] = {}
    for run in runs:
        words = score_title(run)
        alike = sum(title.partition(" (")[0] == words for title in titles.values())
        titles[run.name] = f"{words} ({alike + 1})" if alike else words
    return titles


def score_title(run: Artifact) -> str:
    """Return a score in words: model, faces, when, sampling and concept set; what mostly differs comes first."""
    spec = run.spec
    every = "" if spec["every"] == 1 else f"1 frame in {spec['every']}"
    sampling = f"{spec['rate']:g} frames/s" if spec["rate"] else every
    concepts, edited, _ = str(spec["concepts"]).replace("\\", "/").rpartition("/")[2].partition(EDITED)
    finished = time.strftime("%d %b %H:%M", time.localtime(run.created))
    changed = "edited words" if edited else "edited scores" if spec["scores"] else ""
    words = [str(spec["model"]), changed, video_words.faces(spec["faces"]), finished, sampling, concepts]
    return " · ".join(filter(None, words))


def first_of(runs: Sequence[Artifact]) -> Artifact:
    """Return the score to begin with: the newest with a bundled concept set, else the newest."""
    bundled = bundled_concept_sets()
    return next((run for run in runs if run.spec["concepts"] in bundled and not run.spec["scores"]), runs[0])


def read_live(view: View, stored: VideoScore) -> Live:
    """Return the score with the view's changes.

    Raises
    ------
    SpecError
        The view names changes that cannot be.
    """
    edits = read_edits(view["edits"], stored.names)
    settings = read_settings(view, stored.spec)
    changed = bool(edits) or settings != stored.settings
    return Live(stored, edits, settings, scores.rescored(stored, edits, settings), changed)


def numbers(live: Live) -> Callable[[], None]:
    """Draw the numbers, each with its definition; below it the interval, the moment, or what is stored.

    Returns
    -------
    callable
        Draws interval and band, which take longer for a long video: to be called when all else is drawn.
    """
    result, before, times = live.found.result, live.stored.result, live.stored.times
    notes = {
        "video": "…",
        "end": window_words(live.settings),
        "earlier": f"{high_or_low(result, result.earlier_row)}, {clock(times[result.earlier_row])}",
        "later": f"{high_or_low(result, result.later_row)}, {clock(times[result.later_row])}",
        "mean": f"{count(int(live.stored.present.sum()))} frames",
        "median": f"{count(int((~live.stored.present).sum()))} gaps",
    }
    columns = st.columns([1.4, *[1] * (len(notes) - 1)], gap="small")  # the first has the longest title
    first, band = columns[0].empty(), st.empty()

    def draw(place: DeltaGenerator, name: str, note: str) -> None:
        title, help_text = video_words.NUMBERS[name]
        title = f"{title} ({video_words.SCALE})" if name == "video" else title
        now, was = (f"{getattr(each, name):.2f}" for each in (result, before))
        words = f"{note} (was {was})" if live.changed and was != now else note
        place.metric(title, now, words, delta_color="off", delta_arrow="off", help=help_text)

    def finish() -> None:
        moved, interval = scores.evidence(live.stored, live.edits, live.settings)
        draw(first, "video", f"95 %: {span(interval)}")
        band.caption(band_words(moved), help=video_words.BAND)

    for column, (name, note) in zip((first, *columns[1:]), notes.items(), strict=True):
        draw(column, name, note)
    band.caption("…")
    if not live.changed:
        finish()
    return finish


def band_words(moved: Sensitivity) -> str:
    """Return how far the score moves under other choices, in words."""
    return plain(sensitivity_words(moved))


def window_words(settings: Settings) -> str:
    """Return the end window in words."""
    if settings.end_seconds:
        return f"last {settings.end_seconds:g} s"
    return f"last {settings.end_frames:g} frames"


def span(interval: Estimate) -> str:
    """Return an interval in words; a dash where there are too few frames for one."""
    return "–" if interval.low != interval.low else f"{interval.low:.2f} to {interval.high:.2f}"


def high_or_low(result: PeakEnd, row: int) -> str:
    """Return which of the two peaks stands in a row."""
    return "highest" if row == result.highest_row else "lowest"


def player(view: View, live: Live, others: Sequence[OtherCourse]) -> None:
    """Draw the player beside its graph, the strip of emotions below."""
    base, result = live.stored, live.found.result
    colours = class_colours(base.classes)
    source = scores.source(base)
    timeline = Timeline(
        times=np.asarray(base.times, dtype=np.float64),
        scores=result.course,
        classes=base.classes,
        colours=[colours[name] for name in base.classes],
        class_probabilities=live.found.class_probabilities,
        markers=marks(base, result),
        end_weights=result.end_weights,
        boxes=None if base.spec.faces == WHOLE else base.box,
        duration=base.video["duration"],
        fault_time=base.fault["time"] if base.fault else None,
        computed=result.video,
        reported=scores.reported(base),
        others=others,
    )

    def went() -> None:
        moment = view.event("player", "seek")
        if moment is not None:
            view.set(at=f"{float(moment):.3f}")

    with st.container(key="video-player"):  # main.css keeps its room while it loads
        video_player(
            timeline,
            source.address,
            key=view.key("player"),
            seek=seek(view),
            note=source.note,
            codec=base.video["codec"],
            on_seek=went,
        )
    if isinstance(source.place, uploads.Held):
        st.caption(f":material/hourglass_bottom: {video_words.HELD}")


def marks(base: VideoScore, result: PeakEnd) -> list[Marker]:
    """Return what is marked in the graph."""
    last = int(np.flatnonzero(base.present)[-1])
    rows = (
        (result.earlier_row, "earlier peak", EARLIER),
        (result.later_row, "later peak", LATER),
        (last, "end", END),
    )
    return [Marker(float(base.times[row]), words, colour) for row, words, colour in rows]


def go_to(view: View, moment: float) -> None:
    """Ask the player to go to a moment, in seconds."""
    view.set(at=f"{moment:.3f}")
    session.remember("video seek", (session.recall("video seek") or 0) + 1)


def seek(view: View) -> tuple[int, float] | None:
    """Return the number of the last request to go somewhere, and the moment that the view names, or ``None``."""
    if not view["at"]:
        return None
    return int(session.recall("video seek") or 0), view.real("at", 0.0, 0.0, 1e7)
