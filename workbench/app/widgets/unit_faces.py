"""All faces of a dataset by how much they activate one unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from workbench.app import definitions, session
from workbench.app.browse import Rows, csv_bytes, labelled_rows
from workbench.app.components import Tile
from workbench.app.components.face_card import Card, Fact, Part, face_card
from workbench.app.routes import image_address
from workbench.app.session import View
from workbench.app.units import share_below, unit_name
from workbench.app.widgets import notices
from workbench.app.widgets.faces import browse_faces, chosen_face
from workbench.data.datasets import Dataset
from workbench.errors import unknown_name
from workbench.figures.theme import UNKNOWN, class_colours

if TYPE_CHECKING:
    from workbench.studies.dissection import Dissection

ANY = ""
ENDS = {"high": "most active first", "low": "least active first"}
"""Which end of the activations the grid begins with."""


def browse_unit_faces(view: View, dataset: Dataset, dissection: Dissection, number: int) -> None:
    """Draw filters, the grid of faces, and the chosen face with its way to the Confusions page.

    Raises
    ------
    SpecError
        The view names a split, label, end or face there is not.
    StoreError
        The recorded activations have been deleted.
    """
    labels = [ANY, *dataset.classes]
    for name, valid in (("split", dataset.selections), ("label", labels), ("end", ENDS)):
        if view[name] not in valid:
            raise unknown_name(name, view[name], [choice for choice in valid if choice])
    left, right = st.columns([4, 9], gap="medium")
    with left:
        st.selectbox("Order", list(ENDS), format_func=ENDS.__getitem__, **view.bind("end"))
        first, second = st.columns(2, gap="small")
        first.selectbox("Split", dataset.selections, **view.bind("split"))
        second.selectbox("Label", labels, format_func=lambda value: value or "any", **view.bind("label"))
    layer = dissection.layers[int(dissection.layer_index[number])]
    with st.spinner("Reading the unit's activations", show_time=True):
        values = session.unit_values(dissection).unit(layer, int(dissection.unit[number]))
    rows = by_activation(values, labelled_rows(dataset, view["split"], view["label"], "stored"), view["end"])
    with left:
        draw_face(view, dataset, dissection, number, values, rows)
    with right:
        browse_faces(
            view,
            dataset,
            rows,
            lambda shown: face_tiles(dataset, shown, values),
            lambda: export(dataset, rows, values, unit_name(dissection, number)),
        )


def by_activation(values: np.ndarray, rows: Rows, end: str) -> Rows:
    """Return rows sorted by the unit's activation, from the most or the least active on; ties stay as stored."""
    found = values[rows]
    return rows[np.argsort(-found if end == "high" else found, kind="stable")]


def face_tiles(dataset: Dataset, rows: Rows, values: np.ndarray) -> Sequence[Tile]:
    """Return a tile for each row: its label and the unit's activation."""
    colours = class_colours(dataset.classes)
    found = []
    for row in rows.tolist():
        label, value = str(dataset.labels[row]), float(values[row])
        hint = f"{dataset.ids[row]}: labelled {label or 'nothing'}, {dataset.splits[row]}, activation {value:.4g}"
        found.append(Tile(row, label or "no label", f"{value:.3g}", (colours.get(label, UNKNOWN),), hint))
    return found


def draw_face(
    view: View, dataset: Dataset, dissection: Dissection, number: int, values: np.ndarray, rows: Rows
) -> None:
    """Draw the face the view names, if it names one.

    Raises
    ------
    SpecError
        The dataset has no such face.
    """
    face = chosen_face(view, dataset, rows, "Choose a face. Arrow keys walk through them.")
    if face is None:
        return
    row = face.row
    label, value = str(dataset.labels[row]), float(values[row])
    below = float(share_below(dissection.quantiles[number], value))
    colour = class_colours(dataset.classes).get(label, UNKNOWN)
    card = Card(
        image=image_address(dataset, row),
        alt=f"the face {dataset.ids[row]}",
        verdict=[Part("labelled"), Part(label, colour)] if label else [Part("no label")],
        facts=[
            Fact("activation", f"{value:.4g}"),
            Fact("more active than on", f"{below:.0f} % of probing images", definitions.PERCENTILE),
            Fact("split", str(dataset.splits[row])),
            Fact("id", str(dataset.ids[row])),
        ],
        first=face.first,
        last=face.last,
    )
    face_card(card, key=view.key("card"), on_step=face.step, on_pick=lambda: None)
    st.page_link(
        notices.CONFUSIONS,
        label="Open on the Confusions page",
        icon=":material/grid_on:",
        query_params={"dataset": dataset.name, "split": "all", "face": str(row)},
    )


def export(dataset: Dataset, rows: Rows, values: np.ndarray, unit: str) -> bytes:
    """Return the list of faces with the unit's activation as CSV."""
    header = ["id", "split", "label", f"activation({unit})"]
    columns = dataset.ids[rows], dataset.splits[rows], dataset.labels[rows], [f"{value:.6g}" for value in values[rows]]
    lines = zip(*columns, strict=True)
    return csv_bytes(header, lines)
