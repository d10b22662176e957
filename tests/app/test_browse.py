"""Which faces a page shows, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from workbench.app.browse import (
    Choice,
    chosen_rows,
    csv_bytes,
    neighbour_in_list,
    page_holding,
    page_of,
)
from workbench.errors import SpecError


@dataclass
class Judged:
    splits: np.ndarray = field(default_factory=lambda: np.array(["train", "test", "test", "validation", "test"]))
    labels: np.ndarray = field(default_factory=lambda: np.array(["sad", "sad", "fear", "sad", ""]))
    predicted: np.ndarray = field(default_factory=lambda: np.array(["sad", "fear", "fear", "fear", "sad"]))
    concepts: tuple[str, ...] = ("frown", "scream")
    concept_probabilities: np.ndarray = field(
        default_factory=lambda: np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.1, 0.9], [0.7, 0.3]])
    )
    margins: np.ndarray = field(default_factory=lambda: np.array([0.5, -0.2, 0.9, -0.7, np.nan]))


@pytest.mark.parametrize(
    ("choice", "order", "rows"),
    [
        (Choice(), "wrongest", [3, 1, 0, 2, 4]),
        (Choice(), "surest", [2, 0, 1, 3, 4]),
        (Choice(), "closest", [1, 0, 3, 2, 4]),
        (Choice(), "stored", [0, 1, 2, 3, 4]),
        (Choice("merged-test"), "stored", [1, 2, 3, 4]),
        (Choice("test", "sad"), "wrongest", [1]),
        (Choice(label="sad", predicted="fear"), "wrongest", [3, 1]),
        (Choice(concept="frown"), "stored", [0, 2, 4]),
        (Choice(outcome="wrong"), "stored", [1, 3]),
        (Choice(outcome="right"), "stored", [0, 2]),
        (Choice("nowhere"), "wrongest", []),
    ],
)
def test_a_choice_gives_its_rows_in_the_order_asked_for(choice: Choice, order: str, rows: list[int]) -> None:
    assert chosen_rows(Judged(), choice, order).tolist() == rows


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(SpecError, match="sideways"):
        chosen_rows(Judged(), Choice(), "sideways")


@pytest.mark.parametrize(("page", "expected"), [(0, (0, 100)), (2, (200, 250)), (9, (200, 250)), (-3, (0, 100))])
def test_a_page_is_kept_within_bounds(page: int, expected: tuple[int, int]) -> None:
    rows, within, pages = page_of(np.arange(250), page)
    assert (int(rows[0]), int(rows[-1]) + 1) == expected
    assert pages == 3
    assert within * 100 == expected[0]


def test_an_empty_list_has_one_empty_page() -> None:
    rows, page, pages = page_of(np.zeros(0, dtype=np.int64), 4)
    assert (len(rows), page, pages) == (0, 0, 1)


def test_previous_and_next_end_at_the_ends_of_the_list() -> None:
    rows = np.array([7, 3, 9])
    assert neighbour_in_list(rows, 3, 1) == 9
    assert neighbour_in_list(rows, 7, -1) is None
    assert neighbour_in_list(rows, 9, 1) is None
    assert neighbour_in_list(rows, 4, 1) is None


def test_the_page_that_holds_a_row_is_found() -> None:
    assert page_holding(np.arange(250)[::-1], 0) == 2
    assert page_holding(np.arange(5), 8) is None


def test_csv_quotes_what_needs_quoting() -> None:
    assert csv_bytes(["id", "label"], [['a"b', "x,y\nz"]]) == b'id,label\n"a""b","x,y\nz"\n'
