"""How well a unit's activation alone tells a class from the others: the area under the ROC curve (AUROC).

AUROC is the probability that an image of the class activates the unit more than another image does, a tie counting
half: 0.5 tells nothing, 1 always more, 0 always less (a unit that is silent for the class). Its interval is DeLong's.

References
----------
DeLong, DeLong & Clarke-Pearson, Comparing the Areas under Two or More Correlated Receiver Operating Characteristic
Curves: A Nonparametric Approach, Biometrics 1988.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from workbench.methods.blocks import each_block
from workbench.methods.shapes import Bools, Floats, check_embeddings

LEVEL = 0.95
_UNITS = 32


class Auroc(NamedTuple):
    """AUROC of units (rows) for classes (columns) with 95 % intervals: float32 ``(U, K)`` each, 0..1, NaN if none."""

    value: Floats
    low: Floats
    high: Floats


def auroc(activations: Floats, positive: Bools) -> Auroc:
    """Measure how each unit's activation tells the images of each class from all others.

    Parameters
    ----------
    activations : float array (N, U)
        One row an image.
    positive : bool array (N, K)
        Whether the image belongs to the class; an image may belong to several.

    Returns
    -------
    Auroc
        NaN where a class has no images or all of them; the interval also where it has one, or all but one. The
        interval has no width where the classes are told apart without a mistake: then it is no bound.

    Raises
    ------
    SpecError
        An activation is NaN or infinite.
    """
    check_embeddings(activations, "activations", "NU")
    if positive.ndim != 2 or positive.dtype != np.bool_ or len(positive) != len(activations):
        found = f"{positive.dtype} {positive.shape}"
        raise ValueError(f"positive must be a bool array (N, K) with N = {len(activations)}, not {found}")
    shape = (activations.shape[1], positive.shape[1])
    value, variance = np.full(shape, np.nan), np.full(shape, np.nan)
    told = positive.any(axis=0) & ~positive.all(axis=0)
    classes = np.ascontiguousarray(positive[:, told].T)  # (T, N)

    def fill(start: int) -> None:
        block = np.ascontiguousarray(activations[:, start : start + _UNITS].T)
        for unit, column in enumerate(block, start):
            value[unit, told], variance[unit, told] = _delong(column, classes)

    each_block(fill, shape[0] if classes.size else 0, _UNITS)
    width = norm.ppf((1 + LEVEL) / 2) * np.sqrt(variance)
    parts = value, np.clip(value - width, 0, 1), np.clip(value + width, 0, 1)
    return Auroc(*(part.astype(np.float32) for part in parts))


def _delong(column: Floats, classes: Bools) -> tuple[Floats, Floats]:
    """Return the AUROC and its variance for each class, (T,) each, from one unit's activations (N,).

    Images of equal activation form a group, so that the placement of an image among the other class is counted once a
    group: those below, and half of those in its own.
    """
    order = np.argsort(column)
    ordered = column[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)  # last image of each group
    upto = np.cumsum(classes[:, order], axis=1, dtype=np.int32)[:, ends].astype(np.float64)  # (T, G) of the class
    inside = np.diff(upto, axis=1, prepend=0)
    others_upto = ends + 1 - upto
    others_inside = np.diff(others_upto, axis=1, prepend=0)
    members, others = upto[:, -1:], others_upto[:, -1:]
    above = (others_upto - others_inside / 2) / others  # share of the others that a member of the group exceeds
    below = (members - upto + inside / 2) / members  # share of the members that exceed another of the group
    value = np.einsum("tg,tg->t", inside, above) / members[:, 0]
    of_members = np.einsum("tg,tg->t", inside, (above - value[:, None]) ** 2)
    of_others = np.einsum("tg,tg->t", others_inside, (below - value[:, None]) ** 2)
    members, others = members[:, 0], others[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = of_members / (members - 1) / members + of_others / (others - 1) / others
    return value, np.where((members > 1) & (others > 1), variance, np.nan)
