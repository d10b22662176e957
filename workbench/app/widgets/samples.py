"""The images of a dataset, without any model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from workbench.app.browse import SAMPLE_ORDERS, Rows, csv_bytes, labelled_rows
from workbench.app.components import Tile
from workbench.app.components.face_card import Card, Fact, Part, face_card
from workbench.app.components.face_grid import face_grid
from workbench.app.routes import SHEET_LIMIT, image_address, sheet_address
from workbench.app.session import View
from workbench.app.widgets import notices
from workbench.app.widgets.faces import browse_faces, chosen_face
from workbench.data.datasets import Dataset
from workbench.data.labels import ALL
from workbench.errors import unknown_name
from workbench.figures.theme import UNKNOWN, class_colours

ANY = ""
NO_LABEL = "no label"
EXAMPLES = 8
"""Images shown of each class."""


@st.fragment
def draw_samples(view: View, dataset: Dataset) -> None:
    """Draw the filters, the faces and the chosen face."""
    with notices.explained(notices.DATA):
        labels = [ANY, *dataset.classes]
        if view["label"] not in labels:
            raise unknown_name("label", view["label"], dataset.classes)
        if view["split"] not in dataset.selections:
            raise unknown_name("split", view["split"], dataset.selections)
        left, right = st.columns([4, 9], gap="medium")
        with left:
            st.selectbox("Split", dataset.selections, **view.bind("split"))
            st.selectbox("Label", labels, format_func=lambda value: value or "any", **view.bind("label"))
            st.selectbox("Order", list(SAMPLE_ORDERS), format_func=SAMPLE_ORDERS.__getitem__, **view.bind("order"))
        rows = labelled_rows(dataset, view["split"], view["label"], view["order"])
        with left:
            sample_card(view, dataset, rows)
        with right:
            browse_faces(view, dataset, rows, lambda shown: sample_tiles(dataset, shown), lambda: export(dataset, rows))


def examples(view: View, dataset: Dataset) -> None:
    """Draw some images of each class; a pick shows the image among the others of its class."""
    tiles: list[Tile] = []
    for name in dataset.classes:
        rows = labelled_rows(dataset, ALL, name, "random")
        found = sample_tiles(dataset, rows[:EXAMPLES])
        tiles += [replace(tile, caption=str(dataset.splits[tile.row]), group=name) for tile in found]
    shown = tiles[:SHEET_LIMIT]

    def pick() -> None:
        row = int(view.event("examples", "pick"))
        view.set(tab="images", label=str(dataset.labels[row]))
        view.set(face=str(row))

    sheet = sheet_address(dataset, [tile.row for tile in shown])
    face_grid(shown, sheet, key=view.key("examples"), selected=None, on_pick=pick, on_turn=lambda: None, tile=62)


def sample_tiles(dataset: Dataset, rows: Rows) -> Sequence[Tile]:
    """Return a tile for each row: its label and split."""
    colours = class_colours(dataset.classes)
    found = []
    for row in rows.tolist():
        label, split = str(dataset.labels[row]), str(dataset.splits[row])
        hint = f"{dataset.ids[row]}: labelled {label or 'nothing'}, {split}"
        found.append(Tile(row, label or NO_LABEL, "", (colours.get(label, UNKNOWN),), hint))
    return found


def sample_card(view: View, dataset: Dataset, rows: Rows) -> None:
    """Draw the face the view names, if it names one.

    Raises
    ------
    SpecError
        The dataset has no such face.
    """
    face = chosen_face(view, dataset, rows, "Choose a face to see it large. Arrow keys walk through them.")
    if face is None:
        return
    row = face.row
    label = str(dataset.labels[row])
    colour = class_colours(dataset.classes).get(label, UNKNOWN)
    width, height = dataset.sizes[row].tolist()
    card = Card(
        image=image_address(dataset, row),
        alt=f"the face {dataset.ids[row]}",
        verdict=[Part("labelled"), Part(label, colour)] if label else [Part(NO_LABEL)],
        facts=[
            Fact("split", str(dataset.splits[row])),
            Fact("id", str(dataset.ids[row])),
            Fact("row", str(row), "Its place in the dataset, from 0 on."),
            Fact("size", f"{width} x {height}", "Width and height in pixels."),
            Fact(
                "digest",
                str(dataset.digests[row])[:12],
                "First digits of the SHA-256 of its pixels: equal for equal pictures.",
            ),
        ],
        first=face.first,
        last=face.last,
    )
    face_card(card, key=view.key("card"), on_step=face.step, on_pick=lambda: None)


def counts_table(dataset: Dataset, counts: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """Return the number of images by class (row) and split (column), with totals."""
    table = pd.DataFrame({split: dict(numbers) for split, numbers in counts.items()}).fillna(0).astype(int)
    names = [name for name in (*dataset.classes, ANY) if name in table.index]
    table = table.reindex(names)
    table["all"] = table.sum(axis=1)
    table.loc["all"] = table.sum(axis=0)
    return table.rename(index={ANY: NO_LABEL}).reset_index(names="class")


def export(dataset: Dataset, rows: Rows) -> bytes:
    """Return the list of images as CSV."""
    lines = ([dataset.ids[row], dataset.splits[row], dataset.labels[row]] for row in rows.tolist())
    return csv_bytes(["id", "split", "label"], lines)
