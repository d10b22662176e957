"""The faces that a map shows or a lasso holds: their confusions, a grid, and a way to review them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import streamlit as st

from workbench.app import map_words, session
from workbench.app.browse import Rows, csv_bytes
from workbench.app.components import Tile
from workbench.app.components.confusion_matrix import Matrix, confusion_matrix
from workbench.app.components.face_card import Card, Fact, Part, face_card
from workbench.app.components.scatter import Colouring
from workbench.app.routes import image_address
from workbench.app.session import View
from workbench.app.text import count, plain
from workbench.app.widgets import notices
from workbench.app.widgets.face_panel import make_card
from workbench.app.widgets.faces import ChosenFace, browse_faces, chosen_face
from workbench.app.widgets.map_colour import Sources
from workbench.figures.theme import UNKNOWN, class_colours

if TYPE_CHECKING:
    from workbench.studies.classify import Classification

GRID_HEIGHT = 640
FEWEST = 10
"""A row of the table with fewer images has no colour."""
SAID = ("label", "prediction", "split")
"""Colours that have a column of their own in the export."""


def draw_faces(view: View, sources: Sources, colouring: Colouring, chosen: npt.NDArray[np.int64]) -> Rows:
    """Draw the faces at the places ``chosen`` of the map, above them the open face; return the rows of those listed."""
    found = sources.found
    if colouring.values is not None:
        values = colouring.values[chosen]
        chosen = chosen[np.argsort(np.where(np.isnan(values), np.inf, -values), kind="stable")]
    rows = np.asarray(found.rows[chosen], dtype=np.int64)
    shown = rows
    if sources.run is not None and len(rows):
        keep = in_cell(view, sources.run, rows)
        rows, chosen = rows[keep], chosen[keep]
    if view["face"]:
        draw_face(view, sources, rows)
    elif sources.run is not None and len(shown):
        draw_table(view, sources.run, shown)
    draw_actions(view, sources, colouring, rows)
    notes = value_texts(colouring, chosen)
    by_row = dict(zip(rows.tolist(), notes, strict=True)) if notes else {}
    browse_faces(
        view,
        sources.dataset,
        rows,
        lambda shown: tiles(sources, shown, by_row),
        lambda: export(sources, colouring, chosen),
        height=GRID_HEIGHT,
        empty="No image is here. Draw another lasso, or switch classes on in the legend.",
    )
    return rows


def draw_actions(view: View, sources: Sources, colouring: Colouring, rows: Rows) -> None:
    """Say what is listed, and offer to review it or to let go of the selection."""
    held = sources.held
    selected = bool(view["lasso"]) or held is not None
    if held is not None:
        here = int(held.points.sum())
        number = f"all {count(here)} images" if here == held.images else f"{count(here)} of {count(held.images)} images"
        st.markdown(f"Slice **{plain(held.name)}**: {number} on this map, the others dimmed")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        order = {"prompt": "most similar first", "activation": "most active first", "suspicion": "most doubtful first"}
        words = "as stored" if colouring.values is None else order[view["colour"]]
        st.markdown(f"**{'Selected' if selected else 'On the map'}**, {words}", width="stretch")
        if selected:
            st.button(
                "Let go",
                key=view.key("let go"),
                icon=":material/close:",
                help="Selects nothing (Escape on the map).",
                on_click=lambda: view.set(lasso="", among="", face=""),
            )
        review = st.button(
            f"Review these {count(len(rows))}",
            key=view.key("review"),
            icon=":material/rule:",
            type="primary" if selected else "secondary",
            help=map_words.REVIEW,
            disabled=not len(rows),
        )
    if review:
        session.remember("selection", (sources.dataset.name, rows))
        st.switch_page(notices.REVIEW, query_params={"dataset": sources.dataset.name, "queue": "selection"})


def in_cell(view: View, run: Classification, rows: Rows) -> npt.NDArray[np.bool_]:
    """Return which of ``rows`` the picked cell of labels against predictions holds; all where none is picked."""
    labels, predicted = np.asarray(run.labels)[rows], np.asarray(run.predicted)[rows]
    keep = np.ones(len(rows), dtype=bool)
    if (labels != "").any():
        for name, given in (("label", labels), ("predicted", predicted)):
            keep &= (given == view[name]) | (view[name] not in run.classes)
    return keep


def draw_table(view: View, run: Classification, rows: Rows) -> None:
    """Draw labels against predictions of ``rows``; a click picks a cell."""
    matrix = selection_matrix(np.asarray(run.labels)[rows], np.asarray(run.predicted)[rows], run.classes)
    names, columns = list(matrix.rows), list(matrix.columns)
    if not names:
        return
    label, guess = view["label"], view["predicted"]
    place = (names.index(label) if label in names else None, columns.index(guess) if guess in columns else None)

    def pick() -> None:
        cell = view.event("table", "pick")
        row = "" if cell["row"] is None else names[int(cell["row"])]
        column = "" if cell["column"] is None else columns[int(cell["column"])]
        again = (row, column) == (view["label"], view["predicted"])
        view.set(label="" if again else row, predicted="" if again else column, page="1")

    confusion_matrix(matrix, key=view.key("table"), selected=None if place == (None, None) else place, on_pick=pick)


def selection_matrix(labels: npt.NDArray[np.str_], predicted: npt.NDArray[np.str_], classes: Sequence[str]) -> Matrix:
    """Return the counts of labels against predictions, with those classes only that occur."""
    present = [name for name in classes if (labels == name).any()]
    guessed = [name for name in classes if (predicted == name).any()]
    pairs = [[int(((labels == name) & (predicted == guess)).sum()) for guess in guessed] for name in present]
    colours = class_colours(classes)
    return Matrix(
        "Labels against predictions of these images",
        tuple(present),
        tuple(guessed),
        np.array(pairs, dtype=np.int64).reshape(len(present), len(guessed)),
        np.array([[name == guess for guess in guessed] for name in present], dtype=bool).reshape(len(present), -1),
        tuple(colours[name] for name in present),
        tuple(colours[name] for name in guessed),
        "label ↓",
        "predicted",
        "labelled {row}, predicted {column}: {count} images, {share} of those here labelled {row}",
        map_words.TABLE.format(fewest=FEWEST),
        FEWEST,
    )


def value_texts(colouring: Colouring, chosen: npt.NDArray[np.int64]) -> list[str]:
    """Return the value of each chosen point in three digits; none where classes colour."""
    if colouring.values is None:
        return []
    return ["–" if value != value else f"{value:.3g}" for value in colouring.values[chosen].tolist()]


def tiles(sources: Sources, rows: Rows, values: dict[int, str]) -> Sequence[Tile]:
    """Return a tile for each row: its label, its value, and the prediction where that is another."""
    dataset, run = sources.dataset, sources.run
    colours = class_colours(dataset.classes) | (class_colours(run.classes) if run is not None else {})
    found = []
    for row in rows.tolist():
        label = str(dataset.labels[row])
        predicted = str(run.predicted[row]) if run is not None else ""
        value = values.get(row, "")
        parts = [f"labelled {label or 'nothing'}", str(dataset.splits[row])]
        parts += [f"predicted {predicted}"] if predicted else []
        parts += [f"value {value}"] if value else []
        hint = f"{dataset.ids[row]}: {', '.join(parts)}"
        line = tuple(colours.get(name, UNKNOWN) for name in dict.fromkeys(filter(None, (label, predicted)))) or (
            UNKNOWN,
        )
        remark = f"predicted {predicted}" if predicted and predicted != label else ""
        found.append(Tile(row, label or "no label", value, line, hint, remark))
    return found


def draw_face(view: View, sources: Sources, rows: Rows) -> None:
    """Draw the face the view names, if it names one."""
    face = chosen_face(view, sources.dataset, rows, "")
    if face is None:
        return
    run = sources.run
    st.button(
        "Close the face",
        key=view.key("close"),
        type="tertiary",
        icon=":material/close:",
        help="Back to labels against predictions.",
        on_click=lambda: view.set(face=""),
    )
    card = make_card(sources.dataset, run, face) if run is not None else plain_card(sources, face)
    face_card(
        replace(card, reveal=True),
        key=view.key("card"),
        on_step=face.step,
        on_pick=lambda: view.set(face=str(view.event("card", "pick"))),
    )


def plain_card(sources: Sources, face: ChosenFace) -> Card:
    """Gather what is known of a face without any run."""
    dataset, row = sources.dataset, face.row
    label = str(dataset.labels[row])
    verdict = [Part("labelled"), Part(label, class_colours(dataset.classes)[label])] if label else [Part("no label")]
    facts = [Fact("split", str(dataset.splits[row])), Fact("id", str(dataset.ids[row])), Fact("row", str(row))]
    picture = image_address(dataset, row)
    return Card(picture, f"the face {dataset.ids[row]}", verdict, facts, first=face.first, last=face.last)


def export(sources: Sources, colouring: Colouring, chosen: npt.NDArray[np.int64]) -> bytes:
    """Return the listed faces as CSV: ids, labels, predictions, places, and the value or class that colours them."""
    dataset, run, found = sources.dataset, sources.run, sources.found
    header = ["id", "split", "label", "predicted", "x", "y", *([] if colouring.title in SAID else [colouring.title])]

    def line(place: int) -> list[object]:
        row = int(found.rows[place])
        x, y = found.points[place].tolist()
        predicted = str(run.predicted[row]) if run is not None else ""
        return [
            dataset.ids[row],
            dataset.splits[row],
            dataset.labels[row],
            predicted,
            f"{x:.6g}",
            f"{y:.6g}",
            *([] if colouring.title in SAID else [seen(place)]),
        ]

    def seen(place: int) -> str:
        if colouring.values is not None:
            value = float(colouring.values[place])
            return "" if value != value else f"{value:.6g}"
        code = int(colouring.codes[place])
        return colouring.names[code] if code < len(colouring.names) else ""

    return csv_bytes(header, (line(place) for place in chosen.tolist()))
