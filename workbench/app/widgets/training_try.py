"""A picture of one's own, and what a trained classifier says of it; nothing of it is stored."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from workbench.app.session import View
from workbench.app.widgets import video_picture
from workbench.specs import ScoreSpec


def draw_try(view: View, model: str, said: Collection[str]) -> None:
    """Draw where the picture comes from, and the probabilities that ``model`` gives it, without notes ``said`` before.

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
            video_picture.draw_scored(view, data, ScoreSpec("picture", model, faces=view["whose"]), said)
