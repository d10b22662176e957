"""The table of emotions and scores: changed by hand, answered at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from workbench.app import score_words, scores, session, video_words
from workbench.app.score_settings import Edits
from workbench.app.session import View
from workbench.app.text import plain
from workbench.app.widgets.video_result import Live
from workbench.data.concepts import Concept, to_yaml
from workbench.errors import SpecError, WorkbenchError

if TYPE_CHECKING:
    from workbench.studies.scoring import VideoScore

TABLE_HEIGHT, ROW_HEIGHT = 460, 33
DRAWN, ADDED = "emotions drawn", "words added"
NO_CLASS = "no class"
FIXED = ["emotion", "classes", "mean"]
"""Columns that cannot be changed."""


def draw_emotions(view: View, live: Live) -> None:
    """Draw the table, and beside it what comes of it and what else can be done."""
    left, right = st.columns([8, 5], gap="medium")
    with left:
        st.markdown("**Emotions and scores**", help=video_words.EMOTIONS)
        table(view, live)
    with right:
        answer(view, live)
        if score_words.takes_words(live.stored):
            add_words(view, live)


def table(view: View, live: Live) -> None:
    """Draw the table; a change is in the view before the page is drawn again."""
    stored = live.stored
    key = view.key(f"emotions {stored.artifact.name} {session.recall(DRAWN) or 0}")
    if key not in st.session_state:
        session.remember(key, live.edits)
    begun: Edits = session.recall(key)

    def take() -> None:
        if view["score"] == stored.artifact.name:  # a browser may still send the table of the score before
            view.set(edits=str(edited(begun, st.session_state[key]["edited_rows"], stored.scores.tolist())))

    st.data_editor(
        emotion_table(stored, begun),
        key=key,
        on_change=take,
        hide_index=True,
        height=min(TABLE_HEIGHT, ROW_HEIGHT * (len(stored.names) + 1) + 3),
        disabled=FIXED,
        column_config=columns(),
    )


def emotion_table(stored: VideoScore, edits: Edits) -> pd.DataFrame:
    """Return a row for each emotion, with the changes it begins with."""
    changed, keep = edits.apply(stored.scores)
    shown = stored.present
    mean = stored.probabilities[shown].mean(axis=0) if shown.any() else np.zeros(len(stored.names))
    spoken = [", ".join(np.array(stored.classes)[speaks].tolist()) for speaks in stored.membership]
    return pd.DataFrame(
        {"use": keep, "emotion": list(stored.names), "classes": spoken, "score": changed, "mean": mean * 100}
    )


def columns() -> dict[str, Any]:
    """Return how the columns look."""
    config, helps = st.column_config, video_words.COLUMNS
    return {
        "use": config.CheckboxColumn("use", help=helps["use"], width=50),
        "emotion": config.TextColumn("emotion", help=helps["emotion"], width="small"),
        "classes": config.TextColumn("speaks for", help=helps["classes"], width="small"),
        "score": config.NumberColumn(
            "score", help=helps["score"], min_value=1.0, max_value=5.0, required=True, format="%.2f", width=70
        ),
        "mean": config.ProgressColumn("mean probability", help=helps["mean"], format="%.1f %%", max_value=100.0),
    }


def edited(begun: Edits, rows: Mapping[int, Mapping[str, Any]], stored: list[float]) -> Edits:
    """Return the changes in all: those the table began with, and those made in it since.

    Parameters
    ----------
    begun : Edits
        What the table began with.
    rows : mapping
        Row to the columns changed since, as the table reports them.
    stored : list of float
        The scores without any change; going back to one is no change.
    """
    changed, without = dict(begun.scores), set(begun.without)
    for row, values in rows.items():
        if values.get("score") is not None:
            changed[int(row)] = float(values["score"])
        if "use" in values:
            (without.discard if values["use"] else without.add)(int(row))
    return Edits({row: score for row, score in changed.items() if score != stored[row]}, frozenset(without))


def answer(view: View, live: Live) -> None:
    """Draw what comes of the changes, the way back, and the table as a concept set."""
    stored, edits = live.stored, live.edits
    before, now = stored.result.video, live.found.result.video
    lines = [
        f"{stored.names[row]} {stored.scores[row]:.3g} → {value:.3g}" for row, value in sorted(edits.scores.items())
    ]
    lines += [f"without {stored.names[row]}" for row in sorted(edits.without)]
    name, message = session.recall(ADDED) or ("", "")
    if name == stored.artifact.name:
        st.success(plain(message), icon=":material/check:")
    with st.container(border=True):
        st.markdown(f"Video score **{now:.2f}**, stored {before:.2f} ({now - before:+.2f})")
        st.caption(plain("; ".join(lines)) or "No emotion is changed. Change a score or untick an emotion.")
        with st.container(horizontal=True, gap="small"):
            st.button(
                "Reset",
                key=view.key("reset emotions"),
                icon=":material/restart_alt:",
                disabled=not edits,
                help="All scores and emotions as they were stored.",
                on_click=reset,
                args=(view,),
            )
            if st.button(
                "Store as a score",
                key=view.key("store emotions"),
                icon=":material/save:",
                disabled=not edits,
                help=video_words.STORE,
            ):
                keep(view, live)
            st.download_button(
                "Save as a concept set",
                lambda: to_yaml(score_words.as_concepts(stored, edits)).encode(),
                "concept-set.yaml",
                "application/yaml",
                key=view.key("yaml"),
                icon=":material/download:",
                help=video_words.YAML,
                on_click="ignore",
            )


def keep(view: View, live: Live) -> None:
    """Store the score with the changed emotions beside this one, and go there."""
    try:
        name = scores.with_words(live.stored, score_words.as_concepts(live.stored, live.edits))
    except WorkbenchError as error:
        st.error(plain(error), icon=":material/error:")
    else:
        view.jump(score=name)
        st.rerun()


def reset(view: View) -> None:
    """Take back every change to the emotions; the table is drawn afresh."""
    session.remember(DRAWN, (session.recall(DRAWN) or 0) + 1)
    view.set(edits="")


def add_words(view: View, live: Live) -> None:
    """Offer to add words and templates: only texts are encoded, and the result is a score of its own."""
    stored = live.stored
    st.markdown("**Add words**", help=video_words.ADD_WORDS)
    with st.form(view.key(f"add words {stored.artifact.name}")):
        left, right = st.columns([3, 2])
        text = left.text_input("Words", placeholder="relieved, grateful", help=video_words.NEW_WORDS)
        score = right.number_input(
            "Their score", 1.0, 5.0, None, 0.5, format="%g", placeholder=video_words.SCALE, help=video_words.NEW_SCORE
        )
        spoken = left.selectbox(
            "They speak for",
            [*stored.classes, NO_CLASS],
            None,
            placeholder="a class, or none",
            help=video_words.NEW_CLASS,
        )
        templates = st.text_area(
            "Templates, one a line", "\n".join(score_words.templates(stored)), height=100, help=video_words.TEMPLATES
        )
        if st.form_submit_button("Score with these words", icon=":material/add:"):
            try:
                words = new_words(text, score, spoken)
                name = scores.with_words(stored, score_words.extended(stored, live.edits, words, templates))
            except WorkbenchError as error:
                st.error(plain(error), icon=":material/error:")
            else:
                was, now = live.found.result.video, scores.score(name).result.video
                added = f"{', '.join(word.text for word in words)} added" if words else "Templates changed"
                session.remember(ADDED, (name, f"{added}: {was:.2f} → {now:.2f}"))
                view.jump(score=name)
                st.rerun()


def new_words(text: str, score: float | None, spoken: str | None) -> list[Concept]:
    """Return the words of a comma-separated text as concepts.

    Raises
    ------
    SpecError
        There are words, but no score, or it was not said which class they speak for.
    """
    words = list(filter(None, map(str.strip, text.split(","))))
    if not words:
        return []
    if score is None:
        raise SpecError(f"give {words[0]!r} a score from 1 to 5")
    if spoken is None:
        raise SpecError(f"choose the class that {words[0]!r} speaks for, or {NO_CLASS!r}")
    return [Concept(word, () if spoken == NO_CLASS else (spoken,), float(score)) for word in words]
