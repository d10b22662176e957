"""A table of classifiers with their accuracies as dots with intervals: headings sort, a row is chosen."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from workbench.app.components import renderer


@dataclass(frozen=True)
class Column:
    """A heading: what it sorts by (empty for not at all), its definition, and its width in CSS pixels."""

    title: str
    order: str
    help: str
    width: int


@dataclass(frozen=True)
class ModelRow:
    """One classifier, or several that differ in their seed only.

    Parameters
    ----------
    model : str
        What a choice of the row sends back.
    name, note : str
        What it is called, and a line under it.
    value, low, high : float
        Accuracy with its interval, 0 to 1.
    other : float or None
        A second accuracy, drawn as a ring. Where a row lies far below the others, an arrow stands for it.
    cells : tuple of (str, str)
        Text and small note of each further column.
    words : str
        What a screen reader says of the row.
    group : bool
        Whether it stands for the rows below it; then it is never marked as chosen.
    inside : bool
        Whether it belongs to the group above it.
    muted : bool
        Whether it is of an earlier state of the dataset.
    hint : str
        What a pointer sees on hover over the name.
    """

    model: str
    name: str
    note: str
    value: float
    low: float
    high: float
    other: float | None
    cells: tuple[tuple[str, str], ...]
    words: str
    group: bool = False
    inside: bool = False
    muted: bool = False
    hint: str = ""


def model_table(
    columns: Sequence[Column],
    rows: Sequence[ModelRow],
    *,
    key: str,
    order: str,
    chosen: str,
    on_sort: Callable[[], None],
    on_choose: Callable[[], None],
    whole: bool = False,
    show: bool = True,
) -> None:
    """Draw the table.

    Parameters
    ----------
    columns : sequence of Column
        Headings: of the name, the plot, then of each cell.
    rows : sequence of ModelRow
        The classifiers.
    key : str
        The component's key; the chosen order is its ``sort``, the chosen row's ``model`` its ``choose``.
    order : str
        What it is sorted by, with ``-`` before it for the highest first.
    chosen : str
        The row to mark.
    on_sort, on_choose : callable
        Called before the rerun that each causes.
    whole : bool
        Whether all rows are seen at once; else a long table scrolls.
    show : bool
        Whether a table that scrolls begins at the chosen row; else at its top.
    """
    low, high = span(near([(row.low, row.high, row.other or row.low) for row in rows]))
    renderer("model_table", "models", "table")(
        key=key,
        data={
            "columns": [asdict(column) for column in columns],
            "rows": [asdict(row) for row in rows],
            "order": order,
            "chosen": chosen,
            "whole": whole,
            "show": show,
            "low": low,
            "high": high,
        },
        on_sort_change=on_sort,
        on_choose_change=on_choose,
    )


def near(rows: Sequence[tuple[float, ...]]) -> list[float]:
    """Return the values of the rows that an axis has to hold: not of those that lie far below the others.

    Far is further below the lower quartile of the rows' first values than 3 times the distance of their quartiles.
    """
    firsts = sorted(values[0] for values in rows)
    if len(firsts) < 4:
        return [value for values in rows for value in values]
    lower, _, upper = statistics.quantiles(firsts, n=4, method="inclusive")
    return [value for values in rows if values[0] >= lower - 3 * (upper - lower) for value in values]


def span(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis that holds shares from 0 to 1: multiples of a tenth, at least two tenths apart."""
    low = int(min(values, default=0.0) * 10) / 10
    high = min(1.0, -int(-max(values, default=1.0) * 10 // 1) / 10)
    if high - low < 0.2:
        low, high = (low, low + 0.2) if low <= 0.8 else (0.8, 1.0)
    return low, high
