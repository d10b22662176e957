"""What every report is made of: tables and lines for people, plain values for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

PAIRED = (
    "percent with 95 % interval, Wilson's for accuracy and Newcombe's for its difference, a bootstrap's for all else"
)
"""What stands in a table of two classifiers on the same images, see workbench.methods.retrain."""


@dataclass(frozen=True)
class Table:
    """Rows of cells under a head; numbers are right-aligned."""

    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    title: str = ""

    @property
    def cells(self) -> list[list[str]]:
        """The rows as text."""
        return [[_cell(value) for value in row] for row in self.rows]

    def text(self) -> str:
        """Return the table with aligned columns."""
        cells = self.cells
        numeric = [all(_is_number(row[i]) for row in self.rows) for i in range(len(self.head))]
        widths = [max(len(row[i]) for row in [list(self.head), *cells]) for i in range(len(self.head))]

        def line(row: Sequence[str]) -> str:
            padded = [c.rjust(w) if n else c.ljust(w) for c, w, n in zip(row, widths, numeric, strict=True)]
            return "  ".join(padded).rstrip() + "\n"

        body = "".join(map(line, cells)) if cells else "(none)\n"
        return (f"{self.title}\n" if self.title else "") + line(self.head) + body


@dataclass(frozen=True)
class Report:
    """A command's result: plain values, and the tables and lines that show them."""

    values: dict[str, Any]
    parts: Sequence[Table | str]

    def json(self) -> str:
        """Return the values as one JSON document."""
        return json.dumps(self.values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def text(self) -> str:
        """Return the tables and lines."""
        texts = [part.text() if isinstance(part, Table) else part + "\n" for part in self.parts]
        lines = [isinstance(part, str) and part.startswith("note: ") for part in self.parts]
        gaps = ["" if one and other else "\n" for one, other in pairwise([*lines, True])]
        return "".join(text + gap for text, gap in zip(texts, [*gaps[:-1], ""], strict=True))


def interval(value: dict[str, float]) -> str:
    """Return a share with its interval, in percent."""
    return f"{100 * value['value']:.1f} ({100 * value['low']:.1f} to {100 * value['high']:.1f})"


def share(value: float | None) -> str:
    """Return a share in percent, or nothing."""
    return "" if value is None else f"{100 * value:.1f}"


def points(value: float, digits: int = 2) -> str:
    """Return a change of a share in points, with its sign."""
    return f"{100 * value:+.{digits}f}"


def decimals(value: float | None, digits: int = 3) -> str:
    """Return a number with ``digits`` decimals, or nothing where there is none."""
    return "" if value is None or value != value else f"{value:.{digits}f}"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else " ".join(str(value).split())


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, str) and bool(re.fullmatch(r"[-+]?[\d.,]*", value)))
