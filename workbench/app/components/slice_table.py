"""A table of slices with their error rates as dots with intervals; a row opens its faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from workbench.app.components import renderer
from workbench.app.routes import SHEET_COLUMNS


@dataclass(frozen=True)
class Column:
    """A heading and its definition."""

    title: str
    help: str


@dataclass(frozen=True)
class SliceRow:
    """One slice.

    Parameters
    ----------
    name, note : str
        What it is called, and a line under it.
    rate, low, high, rest : float
        Error rate with its interval, and that of all other images, 0 to 1.
    verdict : str
        ``"worse"``, ``"better"`` or ``"unclear"``: whether the difference from the rest holds.
    cells : tuple of (str, str)
        Text and small note of each further column.
    words : str
        What a screen reader says of the row.
    """

    name: str
    note: str
    rate: float
    low: float
    high: float
    rest: float
    verdict: str
    cells: tuple[tuple[str, str], ...]
    words: str


def slice_table(
    columns: Sequence[Column],
    rows: Sequence[SliceRow],
    sheet: str,
    pictures: int,
    *,
    key: str,
    opened: int | None,
    on_open: Callable[[], None],
) -> None:
    """Draw the table.

    Parameters
    ----------
    columns : sequence of Column
        Headings: of the faces, the name, the plot, then of each cell.
    rows : sequence of SliceRow
        The slices.
    sheet : str
        Address of a sheet with ``pictures`` images of each slice, one slice after the other.
    pictures : int
        Images of each slice.
    key : str
        The component's key; the number of the opened row is its ``open``.
    opened : int or None
        The row to mark.
    on_open : callable
        Called before the rerun that opening causes.
    """
    top = max((row.high for row in rows), default=1.0)
    renderer("slice_table", "slices", "table")(
        key=key,
        data={
            "columns": [asdict(column) for column in columns],
            "rows": [asdict(row) for row in rows],
            "sheet": sheet,
            "sheet_columns": SHEET_COLUMNS,
            "pictures": pictures,
            "opened": opened,
            "top": min(1.0, max(0.1, -(-top * 10 // 1) / 10)),
        },
        on_open_change=on_open,
    )
