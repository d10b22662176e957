"""Checks at the edge of the methods: shapes, ranges and finite values, each refused in one line.

A wrong shape is a caller's mistake and raises ``ValueError``; a value that a user's data or model can bring about
raises :class:`~workbench.errors.SpecError`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def check_embeddings(values: Floats, name: str, axes: str, dimension: int | None = None) -> None:
    """Refuse what is no finite float array with the given axes.

    Parameters
    ----------
    values : array
        The embeddings.
    name : str
        What the error calls them, for example ``"image embeddings"``.
    axes : str
        One letter an axis, for example ``"ND"``; the last is the embedding's dimension.
    dimension : int, optional
        The length that the last axis must have.

    Raises
    ------
    ValueError
        The number of axes, the type or the dimension is wrong.
    SpecError
        A value is NaN or infinite; the text names the first row that has one.
    """
    shape = f"({', '.join(axes)})"
    if values.ndim != len(axes) or not np.issubdtype(values.dtype, np.floating):
        raise ValueError(f"{name} must be a float array {shape}, not {values.dtype} {values.shape}")
    if dimension is not None and values.shape[-1] != dimension:
        raise ValueError(f"{name} have dimension {values.shape[-1]}, the others {dimension}")
    if not np.isfinite(values.sum(dtype=np.float64)):
        finite = np.isfinite(values).all(axis=-1)
        if not finite.all():
            row = tuple(int(index) for index in np.argwhere(~finite)[0])
            raise SpecError(f"{name} hold NaN or an infinite value in row {row[0] if len(row) == 1 else row}")


def check_unit(values: Floats, name: str) -> None:
    """Refuse embeddings whose length is not 1 within a hundredth (half precision is well within)."""
    lengths = np.sqrt(np.einsum("...d,...d->...", values, values, dtype=np.float32))
    wrong = np.abs(lengths - 1.0) > 0.01
    if wrong.any():
        row = tuple(int(index) for index in np.argwhere(wrong)[0])
        where = row[0] if len(row) == 1 else row
        raise SpecError(f"{name}: row {where} has length {float(lengths[row]):.3g}; embeddings must have length 1")


def check_membership(membership: Bools, concepts: int) -> None:
    """Refuse a membership that is not bool ``(C, K)``, or in which no concept speaks for any class."""
    if membership.ndim != 2 or membership.dtype != np.bool_ or membership.shape[0] != concepts:
        found = f"{membership.dtype} {membership.shape}"
        raise ValueError(f"membership must be a bool array (C, K) with C = {concepts}, not {found}")
    if not membership.any():
        raise SpecError("no concept of the set speaks for a class; give the concepts classes to classify with it")


def check_labels(labels: Ints, name: str, count: int, rows: int | None = None) -> None:
    """Refuse what is not an integer array ``(N,)`` of values in ``0 .. count - 1``.

    Raises
    ------
    ValueError
        Shape, type or length is wrong.
    SpecError
        A value is out of range; rows without a label (-1) are to be left out first.
    """
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"{name} must be an integer array (N,), not {labels.dtype} {labels.shape}")
    if rows is not None and len(labels) != rows:
        raise ValueError(f"{name} have {len(labels)} rows, the others {rows}")
    if labels.size and (labels.min() < 0 or labels.max() >= count):
        row = int(np.flatnonzero((labels < 0) | (labels >= count))[0])
        raise SpecError(f"{name}: row {row} is {labels[row]}, outside 0 to {count - 1}; leave rows without a label out")
