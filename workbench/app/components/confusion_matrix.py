"""A confusion matrix as an accessible table of buttons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.app.components import renderer
from workbench.app.text import count, percent


@dataclass(frozen=True)
class Matrix:
    """Counts with named rows and columns.

    Parameters
    ----------
    name : str
        What the table is, for screen readers.
    rows, columns : tuple of str
        Names of the rows (R) and columns (K).
    counts : int array (R, K)
        Number of images in each cell.
    agree : bool array (R, K)
        Where row and column say the same.
    row_colours, colours : tuple of str
        CSS colours of rows and columns.
    row_axis, column_axis : str
        What the rows and the columns are.
    cell_hint : str
        Sentence on a cell with ``{row}``, ``{column}``, ``{count}`` and ``{share}``.
    explanation : str
        One line under the table.
    fewest : int
        A row of fewer images has no colour: its shares say little.
    """

    name: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    agree: npt.NDArray[np.bool_]
    row_colours: tuple[str, ...]
    colours: tuple[str, ...]
    row_axis: str
    column_axis: str
    cell_hint: str
    explanation: str
    fewest: int = 0

    def shares(self) -> npt.NDArray[np.float64]:
        """Return each cell as a share of its row, 0 to 1; a row without images is 0."""
        totals = self.counts.sum(axis=1, keepdims=True)
        shares = np.zeros(self.counts.shape)
        np.divide(self.counts, totals, out=shares, where=totals > 0)
        return shares


def confusion_matrix(
    matrix: Matrix, *, key: str, selected: tuple[int | None, int | None] | None, on_pick: Callable[[], None]
) -> None:
    """Draw the matrix; the picked cell ``{"row": i, "column": j}`` is the component's ``pick``.

    A heading gives its row or column with ``None`` for the other. ``selected`` marks a cell or heading the same way.
    """
    rows, columns = len(matrix.rows), len(matrix.columns)
    shares = matrix.shares()
    cells = [[_cell(matrix, shares, i, j) for j in range(columns)] for i in range(rows)]
    longest = max((len(name) for name in matrix.rows), default=1)
    renderer("confusion_matrix", "matrix")(
        key=key,
        data={
            "name": matrix.name,
            "rows": list(matrix.rows),
            "columns": list(matrix.columns),
            "counts": cells,
            "agree": matrix.agree.tolist(),
            "totals": [count(total) for total in matrix.counts.sum(axis=1)],
            "row_colours": list(matrix.row_colours),
            "colours": list(matrix.colours),
            "row_axis": matrix.row_axis,
            "column_axis": matrix.column_axis,
            "explanation": matrix.explanation,
            "max_height": 0 if rows <= 12 else 446,
            "cell_height": 38 if rows <= 10 else 30,
            "side_width": min(10.6, 1.3 + 0.42 * longest),
            "selected": None if selected is None else {"row": selected[0], "column": selected[1]},
        },
        on_pick_change=on_pick,
    )


def _cell(matrix: Matrix, shares: npt.NDArray[np.float64], i: int, j: int) -> dict[str, object]:
    number, share = count(matrix.counts[i, j]), percent(shares[i, j])
    heat = 0.0 if matrix.counts[i].sum() < matrix.fewest else float(shares[i, j]) ** 0.7
    words = {"row": matrix.rows[i], "column": matrix.columns[j], "count": number, "share": share}
    return {
        "count": number,
        "share": share,
        "heat": round(heat * 100),
        "hint": matrix.cell_hint.format_map(words),
    }
