"""A picture from the camera or a file, and its emotion at once; nothing of it is stored."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st
from PIL import Image

from workbench.app import scores, video_words
from workbench.app.session import View
from workbench.app.text import percent, plain
from workbench.app.widgets import notices
from workbench.app.widgets.dissect_form import check_target
from workbench.app.widgets.video_form import MODELS
from workbench.data.concepts import bundled_concept_sets
from workbench.data.images import decode, encode_png
from workbench.errors import unknown_name
from workbench.specs import ScoreSpec
from workbench.studies.score_pictures import framed

if TYPE_CHECKING:
    from workbench.studies.score import PictureScore

BARS_HEIGHT = 290
SCORED = " answers with classes: "
"""What the note holds that says how a model without words of its own comes to a score."""
PICTURES = ("png", "jpg", "jpeg", "webp", "bmp")
FACES = {"largest": "The largest face", "whole": "The whole picture"}
WAYS = {"file": "From a file", "camera": "From the camera"}


def draw_picture(view: View) -> None:
    """Draw where the picture comes from, and what it shows.

    Raises
    ------
    WorkbenchError
        The picture cannot be read, or there is no such model or concept set.
    """
    left, right = st.columns([5, 7], gap="large")
    with left:
        spec = settings(view)
        data = picture_of(view)
    with right:
        if data is None:
            st.info("Its emotion and its score appear here at once.", icon=":material/mood:")
            return
        draw_scored(view, data, spec)


def draw_scored(view: View, data: bytes, spec: ScoreSpec, said: Collection[str] = (), with_score: bool = True) -> None:
    """Draw what a picture shows, or that there is no face in it; notes that the page has ``said`` are left out.

    Without ``with_score`` neither the score is drawn nor the note that says how classes come to theirs.

    Raises
    ------
    WorkbenchError
        The picture cannot be read, or there is no such model or concept set.
    """
    picture = decode(data, "the picture")
    check_target(spec.model)
    found = scores.score_picture(picture, spec)
    if found is None:
        without_face(view, picture)
    else:
        notes = [note for note in found.notes if note not in said and (with_score or SCORED not in note)]
        notices.notes(notes, "picture")
        draw_answer(picture, found, with_score)


def settings(view: View) -> ScoreSpec:
    """Draw what the picture is scored with."""
    first, second = st.columns(2)
    names = list(dict.fromkeys([*MODELS, *scores.stored_models(), view["model"]]))
    first.selectbox("Model", names, accept_new_options=True, help=video_words.MODEL, **view.bind("model"))
    sets = list(dict.fromkeys([*bundled_concept_sets(), view["concepts"]]))
    second.selectbox("Concept set", sets, accept_new_options=True, help=video_words.CONCEPTS, **view.bind("concepts"))
    ways(view)
    return ScoreSpec("picture", view["model"], concepts=view["concepts"], faces=view["whose"])


def ways(view: View) -> None:
    """Draw whether the picture comes from the camera, and which face of it counts."""
    for name, valid in (("way", WAYS), ("whose", FACES)):
        if view[name] not in valid:
            raise unknown_name(name, view[name], valid)
    with st.container(horizontal=True, gap="small"):
        for title, name, shown in (("Picture", "way", WAYS), ("Face", "whose", FACES)):
            st.segmented_control(
                title,
                list(shown),
                required=True,
                format_func=shown.__getitem__,
                label_visibility="collapsed",
                **view.bind(name),
            )


def picture_of(view: View) -> bytes | None:
    """Draw the camera or the uploader and return the picture's bytes, or ``None``."""
    st.caption(f":material/visibility_off: {video_words.PICTURE}")
    if view["way"] == "camera":
        taken = st.camera_input("Take a picture", key=view.key("camera"), label_visibility="collapsed")
    else:
        taken = st.file_uploader("A picture", PICTURES, key=view.key("picture"), max_upload_size=50)
    return None if taken is None else taken.getvalue()


def without_face(view: View, picture: Image.Image) -> None:
    """Say that there is no face, and offer the whole picture as the way to a score."""
    st.warning("No face was found in this picture, so it has no score.", icon=":material/face_retouching_off:")
    st.button(
        "Score the whole picture",
        key=view.key("take whole"),
        icon=":material/crop_free:",
        help=video_words.WHOLE_PICTURE,
        on_click=view.set,
        kwargs={"whose": "whole"},
    )
    st.image(framed(picture, None), width=320)


def draw_answer(picture: Image.Image, found: PictureScore, with_score: bool = True) -> None:
    """Draw the face, the score if it is asked for, and the emotions."""
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.image(framed(picture, found.box), width="stretch")
        st.caption("What the model saw:")
        st.image(encode_png(found.picture), width=96)
    best, finest = int(np.argmax(found.class_probabilities)), int(np.argmax(found.probabilities))
    shown = {
        "Emotion": (found.classes[best], percent(found.class_probabilities[best]), video_words.EMOTION),
    }
    if with_score:
        shown[f"Frame score ({video_words.SCALE})"] = (f"{found.score:.2f}", "", video_words.FRAME_SCORE)
    with right:
        for column, (title, (value, note, help_text)) in zip(st.columns(len(shown)), shown.items(), strict=True):
            column.metric(title, plain(value), plain(note), delta_color="off", delta_arrow="off", help=help_text)
        if found.names != found.classes:
            st.caption(
                f"most probable word: {plain(found.names[finest])} ({percent(found.probabilities[finest])})",
                help=video_words.FINEST,
            )
        bars(found.classes, found.class_probabilities, "class")
        if found.names != found.classes:
            bars(found.names, found.probabilities, "emotion", found.scores)


def bars(
    names: Sequence[str],
    probabilities: npt.NDArray[np.floating],
    title: str,
    scored: npt.NDArray[np.floating] | None = None,
) -> None:
    """Draw probabilities as a table with bars, the most probable first."""
    order = np.argsort(-probabilities, kind="stable")
    columns = {title: np.array(names)[order], "probability": probabilities[order] * 100}
    if scored is not None:
        columns["score"] = scored[order]
    config = {
        "probability": st.column_config.ProgressColumn(
            format="%.1f %%", min_value=0.0, max_value=100.0, help=video_words.PROBABILITY
        ),
        "score": st.column_config.NumberColumn(format="%.1f", help=video_words.COLUMNS["score"]),
    }
    st.dataframe(pd.DataFrame(columns), hide_index=True, height=BARS_HEIGHT, column_config=config)
