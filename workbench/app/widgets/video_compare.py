"""Other scores of the same video beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from workbench.app import scores, video_words
from workbench.app.components.video_player import OtherCourse
from workbench.app.score_settings import Edits
from workbench.app.session import View
from workbench.app.widgets.video_result import Live, score_titles
from workbench.errors import unknown_name
from workbench.store import Artifact

if TYPE_CHECKING:
    from workbench.studies.scoring import Rescored, VideoScore

COLOURS = ("#d1495b", "#3d7fb8", "#6a994e", "#8e6bbf", "#b5654a")
"""Of the courses drawn over this one, in the order chosen."""
MOST = len(COLOURS)


def draw_compare(view: View, live: Live) -> None:
    """Draw the choice of other scores, and a table of all."""
    others = others_of(live.stored)
    if not others:
        st.info(
            "This is the only score of this video. Score it with another model, other words or other faces (New score) "
            "and both are laid over each other here.",
            icon=":material/compare_arrows:",
        )
        return
    st.multiselect(
        "Drawn over this one",
        list(others),
        format_func=score_titles(others.values()).__getitem__,
        max_selections=MOST,
        help=video_words.COMPARE,
        **view.tie("with", chosen(view, live.stored), " ".join, live.stored.artifact.name),
    )
    st.dataframe(
        comparison(live, others),
        hide_index=True,
        column_config=number_columns(),
    )


def number_columns() -> dict[str, Any]:
    """Return how the columns of numbers look."""
    helps = dict(video_words.NUMBERS.values()) | {"Difference": video_words.DIFFERENCE}
    return {name: st.column_config.NumberColumn(format="%.2f", help=text) for name, text in helps.items()}


def others_of(stored: VideoScore) -> dict[str, Artifact]:
    """Return the other scores of the same video, by name, newest first."""
    same = (run for run in scores.scores() if run.summary["video"]["digest"] == stored.video["digest"])
    return {run.name: run for run in same if run.name != stored.artifact.name}


def chosen(view: View, stored: VideoScore) -> list[str]:
    """Return the names of the scores laid over this one.

    Raises
    ------
    SpecError
        The view names one that is not of this video.
    """
    names = view["with"].split()
    others = others_of(stored) if names else {}
    for name in names:
        if name not in others:
            raise unknown_name("other score of this video", name, others)
    return names[:MOST]


def courses(view: View, live: Live) -> list[OtherCourse]:
    """Return the courses laid over this one, each made with the same settings, at the times of this one's frames."""
    found = []
    for name, colour in zip(chosen(view, live.stored), COLOURS, strict=False):
        other = scores.score(name)
        course = scores.rescored(other, Edits(), live.settings).result.course
        words = f"{other.model}, {other.spec.concepts.rpartition('/')[2]}, {video_words.faces(other.spec.faces)}"
        found.append(OtherCourse(words, colour, at_times(live.stored.times, other.times, course)))
    return found


def at_times(
    times: npt.NDArray[np.floating], other: npt.NDArray[np.floating], course: npt.NDArray[np.floating]
) -> npt.NDArray[np.floating]:
    """Return a course (T,) of the moments ``other`` at the moments ``times`` (S,): that of the nearest frame.

    NaN where that frame is a gap, or farther away than the longer of the usual distances between frames.
    """
    after = np.clip(np.searchsorted(other, times), 1, max(len(other) - 1, 1))
    nearest = np.where(np.abs(other[after - 1] - times) <= np.abs(other[after % len(other)] - times), after - 1, after)
    nearest = np.minimum(nearest, len(other) - 1)
    usual = max((float(np.median(np.diff(each))) for each in (times, other) if len(each) > 1), default=np.inf)
    return np.where(np.abs(other[nearest] - times) <= usual * 1.01, course[nearest], np.nan)


def comparison(live: Live, others: Mapping[str, Artifact]) -> pd.DataFrame:
    """Return a row for each score of the video, this one first, all made with the same settings."""
    rows = [row_of("this score", live.found, live.found)]
    for name, title in score_titles(others.values()).items():
        rows.append(row_of(title, scores.rescored(scores.score(name), Edits(), live.settings), live.found))
    return pd.DataFrame(rows)


def row_of(title: str, found: Rescored, this: Rescored) -> dict[str, object]:
    """Return a score's numbers."""
    result = found.result
    names = ("video", "end", "earlier", "later", "mean", "median")
    values: dict[str, object] = {"score of": title}
    values |= {video_words.NUMBERS[name][0]: getattr(result, name) for name in names}
    return values | {"Difference": result.video - this.result.video}
