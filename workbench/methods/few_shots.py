"""Few shots: so many training images of each class, drawn by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.errors import SpecError
from workbench.methods.shapes import Ints


def draw_shots(labels: Ints, rows: Ints, classes: Sequence[str], shots: int, seed: int) -> Ints:
    """Draw so many rows of each class; with one seed, fewer shots are among more of them.

    Parameters
    ----------
    labels : int array (N,)
        Class of every row, 0 .. K - 1, or -1.
    rows : int array (M,)
        The rows to draw from.
    classes : sequence of str
        Names (K).
    shots : int
        Rows of each class; 0 for all. A class without any row is left out.
    seed : int
        Seed of the draw.

    Returns
    -------
    int array
        Ascending.

    Raises
    ------
    SpecError
        A class has fewer rows than shots; the text names them all.
    """
    if not shots:
        return rows
    counts = np.bincount(labels[rows], minlength=len(classes))
    short = [f"{name} {count:,}" for name, count in zip(classes, counts.tolist(), strict=True) if 0 < count < shots]
    if short:
        least = int(counts[counts > 0].min())
        raise SpecError(
            f"{shots:,} shots are more than the training images of some classes: {', '.join(short)}; use {least:,} or "
            "fewer, or 0 for all images"
        )
    drawn = [
        np.random.default_rng([seed, place]).permutation(rows[labels[rows] == place])[:shots]
        for place in np.flatnonzero(counts).tolist()
    ]
    return np.sort(np.concatenate(drawn))
