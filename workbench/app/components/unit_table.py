"""A table of units with their most activating faces: headings sort, a row opens its unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.app.components import renderer
from workbench.app.routes import SHEET_COLUMNS


@dataclass(frozen=True)
class Column:
    """A heading: what it sorts by (empty for not at all), its definition, and how wide it is in CSS."""

    title: str
    order: str
    help: str
    width: str
    right: bool = True


@dataclass(frozen=True)
class Cell:
    """What stands in a cell.

    Parameters
    ----------
    text : str
        The value.
    note : str
        A second line, smaller.
    colours : tuple of str
        CSS colours of the dots before the text.
    muted : bool
        Whether the text is gray.
    share : float or None
        Length of the bar under the text, 0 to 1.
    hint : str
        What a pointer sees on hover.
    """

    text: str
    note: str = ""
    colours: tuple[str, ...] = ()
    muted: bool = False
    share: float | None = None
    hint: str = ""


@dataclass(frozen=True)
class Row:
    """A unit: its name, the address of its page, what a screen reader says, and a cell for each column."""

    unit: str
    link: str
    words: str
    cells: Sequence[Cell]


def unit_table(
    columns: Sequence[Column],
    rows: Sequence[Row],
    sheet: str,
    pictures: int,
    *,
    key: str,
    order: str,
    opened: str,
    on_sort: Callable[[], None],
    on_open: Callable[[], None],
    on_turn: Callable[[], None],
) -> None:
    """Draw the table.

    Parameters
    ----------
    columns, rows : sequence
        Headings, and units with a cell for each.
    sheet : str
        Address of a sheet with ``pictures`` images of each unit, one unit after the other.
    pictures : int
        Images of each unit.
    key : str
        The component's key; the chosen order is its ``sort``, the name of the opened unit its ``open``, and the turn
        (-1 or 1) its ``turn``.
    order : str
        What it is sorted by, with ``-`` before it for the highest first.
    opened : str
        Name of the unit that was opened last; its row is marked and brought into view.
    on_sort, on_open, on_turn : callable
        Called before the rerun that each causes.
    """
    renderer("unit_table", "units", "table")(
        key=key,
        data={
            "columns": [vars(column) for column in columns],
            "rows": [{**vars(row), "cells": [vars(cell) for cell in row.cells]} for row in rows],
            "sheet": sheet,
            "sheet_columns": SHEET_COLUMNS,
            "pictures": pictures,
            "order": order,
            "opened": opened,
            "empty": "No unit is like that. Widen the filters or clear the search.",
        },
        on_sort_change=on_sort,
        on_open_change=on_open,
        on_turn_change=on_turn,
    )
