"""Prompts of an attribute that the dataset has no labels of: what is answered, not how right it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from workbench.app import prompt_labs as labs
from workbench.app import prompt_words as words
from workbench.app.browse import csv_bytes
from workbench.app.components import Tile
from workbench.app.components.confusion_matrix import Matrix
from workbench.app.components.face_card import Card, Fact, Part
from workbench.app.prompt_labs import Place, Prompted
from workbench.app.routes import image_address
from workbench.app.session import View
from workbench.app.text import percent, plain, several
from workbench.app.widgets import notices
from workbench.app.widgets.faces import ChosenFace
from workbench.app.widgets.metrics import CHART
from workbench.app.widgets.prompts_answer import draw_grid, draw_matrix
from workbench.data.datasets import Dataset
from workbench.figures.prompts import template_shares
from workbench.figures.theme import UNKNOWN, class_colours

if TYPE_CHECKING:
    from workbench.studies.prompt_lab import Guessed

NO_LABEL = "no label"


def draw_guess(view: View, dataset: Dataset, where: Place, sets: tuple[Prompted, Prompted, Prompted]) -> None:
    """Draw what prompts answer: of the present set, beside the starting one and the one before the last edit.

    Raises
    ------
    SpecError
        The view names a class or a face that is not there.
    """
    now, start, last = (labs.guessed(where, each) for each in sets)
    classes = now.concept_set.classes
    attribute = plain(now.concept_set.attribute or "these classes")
    st.info(
        f"{plain(dataset.name)} has no labels of {attribute}, so nothing here says how right an answer is.",
        icon=":material/help:",
    )
    same = [percent(float((each.answers == now.answers).mean())) for each in (start, last)]
    row = st.container(horizontal=True, gap="small")
    row.metric("Answered as at the start", same[0], width=208, help=words.AGREEMENT)
    row.metric("As before the last edit", same[1], width=208, help=words.AGREEMENT)
    encoded = several(now.encoded, "new sentence")
    st.caption(
        f"{several(len(now.rows), 'image')} · answered in {now.seconds:.2f} s · {encoded} encoded", help=words.SECONDS
    )
    notices.notes(now.notes)
    labels = np.where(dataset.labels[now.rows] == "", NO_LABEL, dataset.labels[now.rows])
    rows = tuple(name for name in [*dataset.classes, NO_LABEL] if (labels == name).any())
    draw_matrix(view, matrix_of(now, rows, labels))
    if view["label"] or view["predicted"]:
        draw_faces(view, dataset, now, labels)
    st.markdown("**Template by class**", help=words.SHARES)
    shares = {name: now.shares(name).tolist() for name in now.alone}
    st.plotly_chart(template_shares(shares, now.shares().tolist(), classes), key=view.key("shares"), config=CHART)


def matrix_of(found: Guessed, rows: tuple[str, ...], labels: np.ndarray) -> Matrix:
    """Return the dataset's own labels against the answers."""
    classes = found.concept_set.classes
    counts = [
        [int(((labels == name) & (found.answers == place)).sum()) for place in range(len(classes))] for name in rows
    ]
    own, others = class_colours(tuple(name for name in rows if name != NO_LABEL)), class_colours(classes)
    return Matrix(
        "Labels against answers",
        rows,
        classes,
        np.array(counts, dtype=np.int64).reshape(len(rows), len(classes)),
        np.ones((len(rows), len(classes)), dtype=bool),
        tuple(own.get(name, UNKNOWN) for name in rows),
        tuple(others[name] for name in classes),
        "label ↓",
        "answered",
        "labelled {row}, answered {column}: {count} images, {share} of those labelled {row}",
        words.ANSWERS,
    )


def draw_faces(view: View, dataset: Dataset, found: Guessed, labels: np.ndarray) -> None:
    """Draw the faces of the chosen cell."""
    classes = found.concept_set.classes
    kept = np.ones(len(found.rows), dtype=bool)
    if view["label"]:
        kept &= labels == view["label"]
    if view["predicted"]:
        kept &= found.answers == classes.index(view["predicted"])
    rows = found.rows[kept]
    answer = dict(zip(found.rows.tolist(), (classes[place] for place in found.answers), strict=True))
    told = [f"labelled **{plain(view['label'])}**"] if view["label"] else []
    told += [f"answered **{plain(view['predicted'])}**"] if view["predicted"] else []
    colours = class_colours(classes)

    def tile(row: int) -> Tile:
        label, said = str(dataset.labels[row]) or NO_LABEL, answer[row]
        return Tile(row, said, "", (colours[said],), f"{dataset.ids[row]}: labelled {label}, answered {said}", label)

    def card(face: ChosenFace) -> Card:
        said = answer.get(face.row, "")
        parts = [Part("answered"), Part(said, colours[said])] if said else []
        label = str(dataset.labels[face.row]) or NO_LABEL
        facts = [Fact("label", label), Fact("split", str(dataset.splits[face.row])), Fact("row", str(face.row))]
        name = str(dataset.ids[face.row])
        picture = image_address(dataset, face.row)
        return Card(picture, f"the face {name}", parts, [*facts, Fact("id", name)], first=face.first, last=face.last)

    def file() -> bytes:
        lines = ([dataset.ids[row], dataset.splits[row], dataset.labels[row], answer[row]] for row in rows.tolist())
        return csv_bytes(["id", "split", "label", "answered"], lines)

    makers = lambda shown: [tile(int(row)) for row in shown], card, file
    draw_grid(view, dataset, rows, " and ".join(told), makers)
