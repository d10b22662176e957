"""One face: picture, label and prediction, probabilities, facts and nearest neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

from workbench.app.components import Tile, renderer
from workbench.app.routes import SHEET_COLUMNS


@dataclass(frozen=True)
class Bar:
    """One probability.

    ``percent`` is its length from 0 to 100; ``strong`` marks the face's own label.
    """

    name: str
    text: str
    percent: float
    colour: str
    hint: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Fact:
    """A name, its value, and the definition shown on hover."""

    name: str
    value: str
    help: str = ""


@dataclass(frozen=True)
class Part:
    """A piece of the line on top; with a colour it is drawn as a chip."""

    text: str
    colour: str = ""


@dataclass(frozen=True)
class Card:
    """What is shown of one face; empty parts are left out.

    ``first`` and ``last`` say that there is no face before or after it; with ``reveal`` the page scrolls until a newly
    opened card is in view.
    """

    image: str
    alt: str
    verdict: Sequence[Part]
    facts: Sequence[Fact]
    bars: Sequence[Bar] = ()
    concepts: Sequence[Bar] = ()
    concepts_title: str = ""
    neighbours: Sequence[Tile] = field(default_factory=tuple)
    neighbours_sheet: str = ""
    neighbours_title: str = ""
    first: bool = True
    last: bool = True
    reveal: bool = False


def face_card(card: Card, *, key: str, on_step: Callable[[], None], on_pick: Callable[[], None]) -> None:
    """Draw the card; ``step`` is -1 or 1, ``pick`` the row of a neighbour that was clicked."""
    data = {
        "image": card.image,
        "alt": card.alt,
        "verdict": [asdict(part) for part in card.verdict],
        "facts": [asdict(fact) for fact in card.facts],
        "bars": [asdict(bar) for bar in card.bars],
        "concepts": [asdict(bar) for bar in card.concepts],
        "concepts_title": card.concepts_title,
        "neighbours": {
            "tiles": [tile.to_dict() for tile in card.neighbours],
            "sheet": card.neighbours_sheet,
            "sheet_columns": SHEET_COLUMNS,
        },
        "neighbours_title": card.neighbours_title,
        "first": card.first,
        "last": card.last,
        "reveal": card.reveal,
    }
    renderer("face_card", "card")(key=key, data=data, on_step_change=on_step, on_pick_change=on_pick)
