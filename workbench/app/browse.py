"""Which images a page shows, in which order, and as a table: arrays in, row numbers out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from workbench.data.datasets import Dataset
from workbench.errors import SpecError

Rows = npt.NDArray[np.int64]

PAGE_SIZE = 100
OUTCOMES = {"all": "all", "wrong": "wrong", "right": "right"}
ORDERS = {
    "wrongest": "errors first",
    "closest": "closest calls",
    "surest": "hits first",
    "stored": "as stored",
}
SAMPLE_ORDERS = {"random": "Random sample", "stored": "As stored"}
SAMPLE_SEED = 0


class Judged(Protocol):
    """What is read of a classification; all arrays have one entry a row of the dataset."""

    @property
    def splits(self) -> np.ndarray:
        """Split of each row."""

    @property
    def labels(self) -> np.ndarray:
        """Label of each row, empty where there is none."""

    @property
    def predicted(self) -> np.ndarray:
        """Predicted class of each row."""

    @property
    def concepts(self) -> Sequence[str]:
        """Names of the concepts (C)."""

    @property
    def concept_probabilities(self) -> np.ndarray:
        """Probabilities (N, C)."""

    @property
    def margins(self) -> np.ndarray:
        """Margin of each row, NaN without a label."""


@dataclass(frozen=True)
class Choice:
    """Which images of a classification are meant; an empty name means any.

    Parameters
    ----------
    split : str
        A split's name, ``"merged-test"`` (validation and test) or ``"all"``.
    label, predicted : str
        Class by label, and by prediction.
    concept : str
        The most probable concept.
    outcome : str
        ``"all"``, ``"right"`` or ``"wrong"``; the last two leave out images without a label.
    """

    split: str = "all"
    label: str = ""
    predicted: str = ""
    concept: str = ""
    outcome: str = "all"


def in_split(splits: npt.NDArray[np.str_], split: str) -> npt.NDArray[np.bool_]:
    """Return which rows belong to ``split``, by its name, ``"merged-test"`` or ``"all"``."""
    if split == "all":
        return np.ones(len(splits), dtype=bool)
    if split == "merged-test":
        return np.asarray((splits == "validation") | (splits == "test"))
    return np.asarray(splits == split)


def chosen_rows(judged: Judged, choice: Choice, order: str = "wrongest") -> Rows:
    """Return the rows that ``choice`` means, in one of :data:`ORDERS`.

    ``wrongest`` sorts by margin from the lowest (the most confident error), ``surest`` from the highest, ``closest`` by
    its distance from 0; images without a label come last.
    """
    keep = in_split(judged.splits, choice.split)
    if choice.label:
        keep &= judged.labels == choice.label
    if choice.predicted:
        keep &= judged.predicted == choice.predicted
    if choice.concept:
        keep &= top_concepts(judged) == list(judged.concepts).index(choice.concept)
    if choice.outcome != "all":
        right = judged.labels == judged.predicted
        keep &= (right if choice.outcome == "right" else ~right) & (judged.labels != "")
    rows = np.flatnonzero(keep).astype(np.int64)
    if order == "stored":
        return rows
    margins = judged.margins[rows]
    keys = {"wrongest": margins, "surest": -margins, "closest": np.abs(margins)}
    if order not in keys:
        raise SpecError(f"unknown order {order!r} (known: {', '.join(ORDERS)})")
    return rows[np.argsort(np.where(np.isnan(keys[order]), np.inf, keys[order]), kind="stable")]


def top_concepts(judged: Judged) -> npt.NDArray[np.int64]:
    """Return the index of each row's most probable concept, shape (N,)."""
    return np.asarray(judged.concept_probabilities.argmax(axis=1))


def labelled_rows(dataset: Dataset, split: str, label: str, order: str) -> Rows:
    """Return the rows of a split that carry ``label`` (empty for any), as stored or in a random order that stays."""
    rows = dataset.rows(split)
    if label:
        rows = rows[dataset.labels[rows] == label]
    return np.random.default_rng(SAMPLE_SEED).permutation(rows) if order == "random" else rows


def page_of(rows: Rows, page: int, size: int = PAGE_SIZE) -> tuple[Rows, int, int]:
    """Return the rows of a page (0-based), the page number kept within bounds, and the number of pages (at least 1)."""
    pages = max(1, -(-len(rows) // size))
    within = min(max(page, 0), pages - 1)
    return rows[within * size : (within + 1) * size], within, pages


def neighbour_in_list(rows: Rows, row: int, change: int) -> int | None:
    """Return the row ``change`` places after ``row`` in the list, or ``None`` beyond its ends or where it is absent."""
    places = np.flatnonzero(rows == row)
    if not len(places):
        return None
    place = int(places[0]) + change
    return int(rows[place]) if 0 <= place < len(rows) else None


def page_holding(rows: Rows, row: int, size: int = PAGE_SIZE) -> int | None:
    """Return the page (0-based) on which ``row`` stands, or ``None``."""
    places = np.flatnonzero(rows == row)
    return int(places[0]) // size if len(places) else None


def csv_bytes(header: Sequence[str], lines: Iterable[Sequence[object]]) -> bytes:
    """Return a table as UTF-8 CSV."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return buffer.getvalue().encode()
