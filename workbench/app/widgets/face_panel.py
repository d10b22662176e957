"""All that is known of one face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.app import definitions, session
from workbench.app.browse import Rows
from workbench.app.components import Tile
from workbench.app.components.face_card import Bar, Card, Fact, Part, face_card
from workbench.app.routes import image_address, sheet_address
from workbench.app.session import View
from workbench.app.text import percent
from workbench.app.widgets.faces import ChosenFace, chosen_face
from workbench.data.datasets import Dataset
from workbench.figures.theme import UNKNOWN, class_colours

if TYPE_CHECKING:
    from workbench.studies.classify import Classification

TOP_CONCEPTS = 5
NEIGHBOURS = 12


def face_panel(view: View, dataset: Dataset, run: Classification, rows: Rows) -> None:
    """Draw the face the view names, if it names one; Previous and Next walk through ``rows``.

    Raises
    ------
    SpecError
        The dataset has no such face.
    """
    face = chosen_face(view, dataset, rows, "Choose a cell, then a face. Arrow keys walk through both.")
    if face is None:
        return

    def pick() -> None:
        view.set(face=str(view.event("card", "pick")))

    face_card(make_card(dataset, run, face), key=view.key("card"), on_step=face.step, on_pick=pick)


def make_card(dataset: Dataset, run: Classification, face: ChosenFace) -> Card:
    """Gather what is shown of a face."""
    row = face.row
    label, predicted = str(run.labels[row]), str(run.predicted[row])
    colours = class_colours(run.classes)
    near, similarity = session.neighbours(dataset, run, row, NEIGHBOURS)
    return Card(
        image=image_address(dataset, row),
        alt=f"the face {run.ids[row]}",
        verdict=verdict(label, predicted, colours),
        facts=[
            Fact("margin", f"{run.margins[row]:+.3f}", definitions.MARGIN),
            Fact("split", str(run.splits[row])),
            *([Fact("seen in training", "yes", definitions.TRAINED_ON)] if run.trained_on[row] else []),
            Fact("id", str(run.ids[row])),
            Fact("row", str(row), "Its place in the dataset, from 0 on."),
        ],
        bars=class_bars(run, row, colours),
        concepts=concept_bars(run, row),
        concepts_title="Most probable concepts" if len(run.concepts) > len(run.classes) else "",
        neighbours=neighbour_tiles(run, near, similarity, colours),
        neighbours_sheet=sheet_address(dataset, near),
        neighbours_title="Most similar images, with their labels",
        first=face.first,
        last=face.last,
    )


def verdict(label: str, predicted: str, colours: dict[str, str]) -> Sequence[Part]:
    """Return the line on top: label and prediction."""
    predicted_part = Part(predicted, colours.get(predicted, UNKNOWN))
    if not label:
        return [Part("no label, predicted"), predicted_part]
    if label == predicted:
        return [Part("labelled and predicted"), predicted_part]
    return [Part("labelled"), Part(label, colours.get(label, UNKNOWN)), Part("predicted"), predicted_part]


def class_bars(run: Classification, row: int, colours: dict[str, str]) -> Sequence[Bar]:
    """Return the class probabilities in the order of classes."""
    return [
        Bar(name, percent(value), float(value) * 100, colours[name], definitions.PROBABILITY, name == run.labels[row])
        for name, value in zip(run.classes, run.class_probabilities[row], strict=True)
    ]


def concept_bars(run: Classification, row: int) -> Sequence[Bar]:
    """Return the most probable concepts, where there are more concepts than classes."""
    if len(run.concepts) <= len(run.classes):
        return []
    probabilities = run.concept_probabilities[row]
    best = np.argsort(-probabilities, kind="stable")[:TOP_CONCEPTS]
    return [
        Bar(run.concepts[i], percent(probabilities[i]), float(probabilities[i]) * 100, UNKNOWN, definitions.CONCEPTS)
        for i in best.tolist()
    ]


def neighbour_tiles(run: Classification, rows: Rows, similarity: np.ndarray, colours: dict[str, str]) -> Sequence[Tile]:
    """Return a tile for each neighbour: its label, and how similar it is."""
    found = []
    for row, value in zip(rows.tolist(), similarity.tolist(), strict=True):
        label = str(run.labels[row])
        hint = f"{run.ids[row]}: labelled {label or 'nothing'}, {run.splits[row]}, cosine similarity {value:.3f}"
        found.append(Tile(row, label or "no label", f"{value:.2f}", (colours.get(label, UNKNOWN),), hint))
    return found
