"""What edited prompts do: scores and their changes, confusions, templates by classes, recalls, and the faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from workbench.app import definitions
from workbench.app import prompt_words as words
from workbench.app.browse import Rows, csv_bytes
from workbench.app.components import Tile
from workbench.app.components.confusion_matrix import Matrix, confusion_matrix
from workbench.app.components.face_card import Bar, Card, Fact, Part, face_card
from workbench.app.prompt_labs import Answer
from workbench.app.routes import image_address
from workbench.app.session import View
from workbench.app.text import interval, percent, plain, several
from workbench.app.widgets import notices
from workbench.app.widgets.face_panel import verdict
from workbench.app.widgets.faces import ChosenFace, browse_faces, chosen_face
from workbench.app.widgets.metrics import CHART
from workbench.data.datasets import Dataset
from workbench.errors import unknown_name
from workbench.figures.prompts import template_recalls
from workbench.figures.theme import UNKNOWN, class_colours
from workbench.methods.reweight_verdict import points

if TYPE_CHECKING:
    from workbench.methods.retrain import Change
    from workbench.studies.prompt_lab import Tried

GRID_HEIGHT = 460


def draw_answer(view: View, dataset: Dataset, found: Answer) -> None:
    """Draw what an edit gives.

    Raises
    ------
    SpecError
        The view names a class or a face that is not there.
    """
    headline(found)
    notices.notes(found.now.notes)
    matrix = matrix_of(found.now)
    draw_matrix(view, matrix)
    if view["label"] or view["predicted"]:
        draw_faces(view, dataset, found.now)


def draw_tables(view: View, found: Answer) -> None:
    """Draw templates by classes, and the recall of each class with its changes."""
    st.markdown("**Template by class**", help=words.HEAT)
    recalls = {
        name: {"recalls": [each._asdict() | {"recall": each.recall._asdict()} for each in own]}
        for name, own in found.now.alone.items()
    }
    figure = template_recalls(recalls, found.now.measured.to_dict())
    st.plotly_chart(figure, key=view.key("heat"), config=CHART)
    st.markdown("**Class by class**", help=words.RECALLS)
    st.dataframe(class_table(found), hide_index=True, column_config=_columns())


def headline(found: Answer) -> None:
    """Draw the three scores, and how each changed since the start and by the last edit."""
    for column, name in zip(st.columns(3, gap="small"), words.NUMBERS, strict=True):
        title, definition = words.NUMBERS[name]
        value = getattr(found.now.measured, name)._asdict()
        with column:
            span = interval(value)
            st.metric(title, percent(value["value"]), span, delta_color="off", delta_arrow="off", help=definition)
            since, last = (each.changes[name] for each in (found.since_start, found.since_last))
            if found.edited:
                st.caption(f"since the start {in_colour(since)}  \nlast edit {in_colour(last)}", help=words.CHANGE)
    if not found.edited:
        st.caption("Nothing is edited yet: these are the starting set's figures.")
    encoded = f"{several(found.now.encoded, 'new sentence')} encoded"
    images = several(found.now.measured.images, "labelled image")
    st.caption(f"{images} · answered in {found.seconds:.2f} s · {encoded}", help=words.SECONDS)


def in_colour(change: Change) -> str:
    """Return a change in points with its interval; green or red where the interval leaves out 0."""
    value, low, high = change.difference
    text = points(value)
    colour = "green" if low > 0 else "red" if high < 0 else ""
    return f"{f':{colour}[**{text}**]' if colour else text} ({points(low)} to {points(high)})"


def matrix_of(found: Tried) -> Matrix:
    """Return labels against answers."""
    classes = found.concept_set.classes
    colours = class_colours(classes)
    line = tuple(colours[name] for name in classes)
    hint = "labelled {row}, answered {column}: {count} images, {share} of those labelled {row}"
    agree = np.eye(len(classes), dtype=bool)
    name = "Labels against answers"
    return Matrix(name, classes, classes, found.confusion, agree, line, line, "label ↓", "answered", hint, words.MATRIX)


def draw_matrix(view: View, matrix: Matrix) -> None:
    """Draw labels against answers; a pick changes the view's choice, and the same pick again takes it back.

    Raises
    ------
    SpecError
        The view names a row or column that is not there.
    """
    chosen = view["label"], view["predicted"]
    for name, asked, known in (("label", chosen[0], matrix.rows), ("predicted", chosen[1], matrix.columns)):
        if asked and asked not in known:
            raise unknown_name(name, asked, known)
    row, column = (
        names.index(name) if name else None for name, names in zip(chosen, (matrix.rows, matrix.columns), strict=True)
    )

    def pick() -> None:
        cell = view.event("matrix", "pick")
        asked = (
            "" if cell["row"] is None else matrix.rows[int(cell["row"])],
            "" if cell["column"] is None else matrix.columns[int(cell["column"])],
        )
        label, predicted = ("", "") if asked == chosen else asked
        view.set(label=label, predicted=predicted, page="1", face="")

    place = None if (row, column) == (None, None) else (row, column)
    confusion_matrix(matrix, key=view.key("matrix"), selected=place, on_pick=pick)


def draw_faces(view: View, dataset: Dataset, found: Tried) -> None:
    """Draw the faces of the chosen cell, the surest answers first, and above them the open face."""
    classes, label, guess = found.concept_set.classes, view["label"], view["predicted"]
    kept = np.ones(len(found.rows), dtype=bool)
    if label:
        kept &= found.labels == classes.index(label)
    if guess:
        kept &= found.answers == classes.index(guess)
    sure = found.probabilities[np.arange(len(found.rows)), found.answers]
    places = np.flatnonzero(kept)
    places = places[np.argsort(-sure[places], kind="stable")]
    place_of = {int(found.rows[place]): int(place) for place in places.tolist()}
    told = [f"labelled **{plain(label)}**"] if label else []
    told += [f"answered **{plain(guess)}**"] if guess else []
    draw_grid(
        view,
        dataset,
        found.rows[places],
        " and ".join(told),
        (
            lambda rows: tiles(dataset, found, [place_of[int(row)] for row in rows]),
            lambda face: make_card(dataset, found, place_of.get(face.row), face),
            lambda: export(dataset, found, places),
        ),
    )


def draw_grid(view: View, dataset: Dataset, rows: Rows, told: str, makers: tuple[Any, Any, Any]) -> None:
    """Draw faces and the one that is open, with a way back; ``makers`` make the tiles, the card and the file."""
    make_tiles, make, make_file = makers
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(told[:1].upper() + told[1:], width="stretch", help=words.ORDER)
            st.button(
                "Close",
                key=view.key("close faces"),
                type="tertiary",
                icon=":material/close:",
                on_click=lambda: view.set(label="", predicted="", face="", page="1"),
            )
        face = chosen_face(view, dataset, rows, "")
        if face is not None:
            face_card(
                replace(make(face), reveal=True),
                key=view.key("card"),
                on_step=face.step,
                on_pick=lambda: view.set(face=str(view.event("card", "pick"))),
            )
        browse_faces(view, dataset, rows, make_tiles, make_file, height=GRID_HEIGHT)


def tiles(dataset: Dataset, found: Tried, places: Sequence[int]) -> Sequence[Tile]:
    """Return a tile for each of the places: the answer and its share, and the label."""
    classes = found.concept_set.classes
    colours = class_colours(classes)
    made = []
    for place in places:
        row, label, answer = int(found.rows[place]), classes[found.labels[place]], classes[found.answers[place]]
        share = percent(found.probabilities[place, found.answers[place]], 0)
        hint = f"{dataset.ids[row]}: labelled {label}, answered {answer} with {share}"
        line = tuple(colours[name] for name in dict.fromkeys((label, answer)))
        made.append(Tile(row, answer, share, line, hint, "" if label == answer else f"label {label}"))
    return made


def make_card(dataset: Dataset, found: Tried, place: int | None, face: ChosenFace) -> Card:
    """Gather what is known of a face; ``place`` is where it stands among the answered images, if it does."""
    row, classes = face.row, found.concept_set.classes
    colours = class_colours(classes)
    label = str(dataset.labels[row])
    facts = [
        Fact("split", str(dataset.splits[row])),
        Fact("id", str(dataset.ids[row])),
        Fact("row", str(row), "Its place in the dataset, from 0 on."),
    ]
    picture, alt = image_address(dataset, row), f"the face {dataset.ids[row]}"
    if place is None:
        said = [Part("labelled"), Part(label, colours.get(label, UNKNOWN))] if label else [Part("no label")]
        return Card(picture, alt, said, facts, first=face.first, last=face.last)
    shares = found.probabilities[place]
    votes = found.aggregate.startswith("vote")
    hint = "Share of the templates that rank the class first." if votes else definitions.PROBABILITY
    bars = [
        Bar(name, percent(value), float(value) * 100, colours[name], hint, name == label)
        for name, value in zip(classes, shares, strict=True)
    ]
    said = list(verdict(label, classes[found.answers[place]], colours))
    return Card(picture, alt, said, facts, bars=bars, first=face.first, last=face.last)


def export(dataset: Dataset, found: Tried, places: np.ndarray) -> bytes:
    """Return the faces on show as CSV."""
    classes = found.concept_set.classes
    header = ["id", "split", "label", "answered", *(f"p({name})" for name in classes)]
    rows = found.rows
    lines = (
        [
            dataset.ids[rows[place]],
            dataset.splits[rows[place]],
            dataset.labels[rows[place]],
            classes[found.answers[place]],
            *(f"{value:.6f}" for value in found.probabilities[place]),
        ]
        for place in places.tolist()
    )
    return csv_bytes(header, lines)


def class_table(found: Answer) -> pd.DataFrame:
    """Return the recall of each class, and how it changed."""
    lines = []
    since = {each.name: each.change for each in found.since_start.classes}
    last = {each.name: each.change for each in found.since_last.classes}
    for each in found.now.measured.recalls:
        line: Mapping[str, Any] = {
            "class": each.name,
            "images": each.images,
            "recall": each.recall.value * 100,
            "95 %": interval(each.recall._asdict(), 0),
            "since the start": _change(since[each.name]) if found.edited else "–",
            "last edit": _change(last[each.name]) if found.edited else "–",
        }
        lines.append(line)
    return pd.DataFrame(lines)


def _change(change: Change) -> str:
    value, low, high = change.difference
    return f"{points(value)} ({points(low)} to {points(high)})"


def _columns() -> dict[str, Any]:
    helps = words.COLUMNS
    return {
        "images": st.column_config.NumberColumn("images", help=helps["images"], format="localized", width="small"),
        "recall": st.column_config.ProgressColumn(
            "recall", help=helps["recall"], format="%.1f %%", min_value=0, max_value=100
        ),
        **{
            name: st.column_config.TextColumn(name, help=helps[name])
            for name in ("95 %", "since the start", "last edit")
        },
    }
