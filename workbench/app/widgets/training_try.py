"""A picture of one's own, and what a trained classifier says of it; nothing of it is stored."""

from __future__ import annotations

import streamlit as st

from workbench.app import training
from workbench.app import training_words as words
from workbench.app.session import View
from workbench.app.text import percent, plain
from workbench.app.widgets import video_picture
from workbench.specs import ScoreSpec
from workbench.store import Artifact


def draw_try(view: View, run: Artifact) -> None:
    """Draw where the picture comes from, and the probabilities that a classifier gives it, without its own notes.

    Raises
    ------
    WorkbenchError
        The picture cannot be read, or the model cannot be had any more.
    """
    left, right = st.columns([5, 7], gap="large")
    with left:
        video_picture.ways(view)
        data = video_picture.picture_of(view)
    with right:
        if data is None:
            st.info("Its probabilities appear here at once.", icon=":material/mood:")
        else:
            commonest = training.no_better_than(run)
            if commonest:
                st.warning(words.POOR.format(percent(commonest), plain(run.spec["report_on"])))
            spec = ScoreSpec("picture", training.model_of(run), faces=view["whose"])
            video_picture.draw_scored(view, data, spec, run.summary["notes"], with_score=False)
