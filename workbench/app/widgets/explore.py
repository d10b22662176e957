"""A confusion matrix beside its images: a cell gives the faces in it, a face gives all that is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import streamlit as st

from workbench.app import definitions
from workbench.app.browse import ORDERS, OUTCOMES, Choice, Rows, chosen_rows, csv_bytes
from workbench.app.components import Tile
from workbench.app.components.confusion_matrix import Matrix, confusion_matrix
from workbench.app.session import View
from workbench.app.text import percent
from workbench.app.widgets import notices
from workbench.app.widgets.face_panel import face_panel
from workbench.app.widgets.faces import browse_faces
from workbench.app.widgets.fired import draw_fired
from workbench.data.datasets import Dataset
from workbench.errors import unknown_name
from workbench.figures.theme import UNKNOWN, class_colours

if TYPE_CHECKING:
    from workbench.studies.classify import Classification

ANY = ""
FILTER_WIDTH = 126
"""Width of a filter, in CSS pixels: four fit over the faces on a laptop, and wrap where it is narrower."""


@st.fragment
def explore(view: View, dataset: Dataset, run: Classification, split: str, fine: bool) -> None:
    """Draw the matrix (concepts against labels where ``fine``), the faces it chooses, and the chosen face."""
    with notices.explained(notices.CONFUSIONS):
        choice = read_choice(view, run, split, fine)
        rows = chosen_rows(run, choice, view["order"])
        left, right = st.columns([7, 7] if fine else [6, 7], gap="medium")
        with left:
            draw_matrix(view, run, choice, fine)
            face_panel(view, dataset, run, rows)
            fired = st.container()
            with st.container(horizontal=True, vertical_alignment="center"):
                export_matrix(view, run, choice.split, fine)
                review_link(dataset, run, choice)
        with right:
            draw_filters(view, run, fine)
            browse_faces(
                view,
                dataset,
                rows,
                lambda shown: tiles(run, shown, bool(choice.label)),
                lambda: export(run, rows),
                height=980,
                empty="No image falls here. Widen the filters, or choose another cell.",
            )
        with fired:
            draw_fired(view, dataset, str(run.artifact.spec.get("model", "")))


def read_choice(view: View, run: Classification, split: str, fine: bool) -> Choice:
    """Return which images the view means.

    Raises
    ------
    SpecError
        It names a class, concept, order or outcome that this run does not have.
    """
    known = {
        "label": run.classes,
        "predicted": run.classes,
        "concept": run.concepts,
        "outcome": OUTCOMES,
        "order": ORDERS,
    }
    for name, valid in known.items():
        if view[name] and view[name] not in valid:
            raise unknown_name(name, view[name], valid)
    concept = view["concept"] if fine else ANY
    predicted = ANY if fine else view["predicted"]
    return Choice(split, view["label"], predicted, concept, view["outcome"])


def draw_matrix(view: View, run: Classification, choice: Choice, fine: bool) -> None:
    """Draw the matrix; a pick changes the view's choice, and the same pick again takes it back."""
    matrix = matrix_of(run, choice.split, fine)
    row_name, column_name = ("concept", "label") if fine else ("label", "predicted")
    chosen_row, chosen_column = (choice.concept, choice.label) if fine else (choice.label, choice.predicted)
    place = (_place(matrix.rows, chosen_row), _place(matrix.columns, chosen_column))
    key = "fine" if fine else "broad"

    def pick() -> None:
        cell = view.event(key, "pick")
        row = ANY if cell["row"] is None else matrix.rows[int(cell["row"])]
        column = ANY if cell["column"] is None else matrix.columns[int(cell["column"])]
        again = (row, column) == (chosen_row, chosen_column)
        view.set(**{row_name: ANY if again else row, column_name: ANY if again else column, "page": "1", "face": ""})

    confusion_matrix(matrix, key=view.key(key), selected=None if place == (None, None) else place, on_pick=pick)


def export_matrix(view: View, run: Classification, split: str, fine: bool) -> None:
    """Offer the counts of the matrix as a file."""
    st.download_button(
        "Matrix as CSV",
        lambda: matrix_csv(matrix_of(run, split, fine)),
        f"{run.spec.dataset}-{split}-{'fine' if fine else 'broad'}.csv",
        "text/csv",
        key=view.key("matrix csv"),
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
    )


def review_link(dataset: Dataset, run: Classification, choice: Choice) -> None:
    """Draw the way to judging the errors on show, one key a verdict."""
    known = {"label": choice.label, "proposed": choice.predicted}
    asked = {name: value for name, value in known.items() if value in dataset.classes}
    link = {"dataset": dataset.name, "queue": "run", "run": run.artifact.name, "split": choice.split, **asked}
    st.page_link(notices.REVIEW, label="Review the errors", icon=":material/rate_review:", query_params=link)


def matrix_of(run: Classification, split: str, fine: bool) -> Matrix:
    """Return the matrix of a split: label against prediction, or most probable concept against label."""
    colours = class_colours(run.classes)
    classes = tuple(run.classes)
    columns = tuple(colours[name] for name in classes)
    counts = np.asarray(run.metrics[split]["fine" if fine else "confusion"], dtype=np.int64)
    if not fine:
        return broad_matrix(classes, counts)
    spoken = run.membership
    hint = "{row}, labelled {column}: {count} images, {share} of those whose most probable concept this is"
    row_colours = tuple(_concept_colour(spoken[i], columns) for i in range(len(run.concepts)))
    names = tuple(run.concepts)
    return Matrix(
        "Concepts against labels",
        names,
        classes,
        counts,
        spoken,
        row_colours,
        columns,
        "concept ↓",
        "label",
        hint,
        definitions.FINE,
    )


def broad_matrix(classes: tuple[str, ...], counts: npt.NDArray[np.int64]) -> Matrix:
    """Return the matrix of labels against predictions of counts ``(K, K)``."""
    colours = class_colours(classes)
    columns = tuple(colours[name] for name in classes)
    hint = "labelled {row}, predicted {column}: {count} images, {share} of those labelled {row}"
    return Matrix(
        "Labels against predictions",
        classes,
        classes,
        counts,
        np.eye(len(classes), dtype=bool),
        columns,
        columns,
        "label ↓",
        "predicted",
        hint,
        definitions.BROAD,
    )


def draw_filters(view: View, run: Classification, fine: bool) -> None:
    """Draw the filters over the faces."""
    second = ("concept", run.concepts) if fine else ("predicted", run.classes)
    titles = {"label": "Label", "predicted": "Predicted", "concept": "Top concept"}
    with st.container(horizontal=True, gap="small"):
        for name, valid in (("label", run.classes), second):
            options = [ANY, *valid]
            st.selectbox(titles[name], options, format_func=_or_any, width=FILTER_WIDTH, **view.bind(name))
        st.selectbox(
            "Show", list(OUTCOMES), format_func=OUTCOMES.__getitem__, width=FILTER_WIDTH, **view.bind("outcome")
        )
        words = definitions.ORDER
        st.selectbox(
            "Sort", list(ORDERS), format_func=ORDERS.__getitem__, width=FILTER_WIDTH, help=words, **view.bind("order")
        )


def tiles(run: Classification, rows: Rows, labels_known: bool) -> Sequence[Tile]:
    """Return a tile for each row: prediction and probability, and the label unless the filter tells it already."""
    colours = class_colours(run.classes)
    index = {name: place for place, name in enumerate(run.classes)}
    found = []
    for row in rows.tolist():
        label, predicted = str(run.labels[row]), str(run.predicted[row])
        probability = percent(run.class_probabilities[row, index[predicted]], 0)
        hint = f"{run.ids[row]}: labelled {label or 'nothing'}, predicted {predicted} with {probability}"
        line = tuple(colours.get(name, UNKNOWN) for name in dict.fromkeys((label, predicted)))
        remark = "" if labels_known else f"label {label}" if label else "no label"
        found.append(Tile(row, predicted, probability, line, hint, remark))
    return found


def export(run: Classification, rows: Rows) -> bytes:
    """Return the list of faces as CSV."""
    header = ["id", "split", "label", "predicted", "margin", *(f"p({name})" for name in run.classes)]
    lines = (
        [
            run.ids[row],
            run.splits[row],
            run.labels[row],
            run.predicted[row],
            f"{run.margins[row]:.6f}",
            *(f"{value:.6f}" for value in run.class_probabilities[row]),
        ]
        for row in rows.tolist()
    )
    return csv_bytes(header, lines)


def matrix_csv(matrix: Matrix) -> bytes:
    """Return the counts of a matrix as CSV."""
    lines = ([name, *numbers] for name, numbers in zip(matrix.rows, matrix.counts.tolist(), strict=True))
    return csv_bytes([f"{matrix.row_axis.split()[0]} / {matrix.column_axis}", *matrix.columns], lines)


def _place(names: Sequence[str], name: str) -> int | None:
    return list(names).index(name) if name in names else None


def _concept_colour(spoken: np.ndarray, colours: Sequence[str]) -> str:
    places = np.flatnonzero(spoken)
    return colours[int(places[0])] if len(places) == 1 else UNKNOWN


def _or_any(name: str) -> str:
    return name or "any"
