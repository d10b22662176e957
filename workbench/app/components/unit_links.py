"""A short list of units, each with its faces, a bar and a link to its page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from workbench.app.components import renderer
from workbench.app.routes import SHEET_COLUMNS


@dataclass(frozen=True)
class UnitLink:
    """A unit of the list: its name, page, label with the colours of the classes it speaks for, and a value as a bar.

    ``share`` is the bar's length, 0 to 1; ``hint`` is seen on hover and read by a screen reader.
    """

    unit: str
    link: str
    label: str
    colours: tuple[str, ...]
    muted: bool
    value: str
    share: float
    hint: str


def unit_links(items: Sequence[UnitLink], sheet: str, pictures: int, *, key: str, on_open: Callable[[], None]) -> None:
    """Draw the list; ``sheet`` holds ``pictures`` faces of each unit, and ``open`` is the name of the chosen unit."""
    renderer("unit_links", "unitlinks")(
        key=key,
        data={
            "items": [asdict(item) for item in items],
            "sheet": sheet,
            "sheet_columns": SHEET_COLUMNS,
            "pictures": pictures,
        },
        on_open_change=on_open,
    )
