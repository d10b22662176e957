"""Reweighting a layer: which unit is scaled by how much, which setting is chosen, and what it is compared with.

A *setting* is a threshold and a factor. Units whose label counts by the threshold (similarity above it, or q at most
it) are *up*: their weights are multiplied by the factor; those of all other units are divided by it. A *scale* holds
one number a unit; everything here turns similarities into scales, or permutes scales.

The study this follows took similarity above 0 and factor 1.5, weights only, chosen on the images it was reported on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.errors import SpecError
from workbench.methods.shapes import Bools, Floats, Ints

THRESHOLDS = 8
"""How many thresholds are tried where none are named."""
CUSTOMARY = {"tau": 0.0, "q": 0.05}
"""The threshold the literature would take, by what it is a threshold of; tried too where it divides the units."""


@dataclass(frozen=True)
class Grid:
    """Settings to try: every threshold with every factor, thresholds outermost.

    Parameters
    ----------
    thresholds, factors : float64 array (S,)
        Of each setting.
    scales : float32 array (S, U)
        What each setting multiplies the weights of each unit by.
    up : int64 array (S,)
        Units each setting multiplies by its factor; U minus this are divided.
    """

    thresholds: Floats
    factors: Floats
    scales: Floats
    up: Ints

    def __len__(self) -> int:
        return len(self.factors)

    @property
    def changes(self) -> Floats:
        """How much each setting changes, float64 ``(S,)``: mean distance of its scales from 1, in powers of e."""
        return np.asarray(np.abs(np.log(self.scales.astype(np.float64))).mean(axis=1))


def units_up(values: Floats, threshold: float, by: str = "tau") -> Bools:
    """Return which units a threshold counts as interpretable, bool ``(U,)``.

    Parameters
    ----------
    values : float array (U,)
        Greatest similarity of each unit (``by="tau"``), or its q value (``by="q"``); NaN is never interpretable.
    threshold : float
        Similarity must be above it; q must be at most it.
    by : str
        ``"tau"`` or ``"q"``.
    """
    with np.errstate(invalid="ignore"):
        return np.asarray(values <= threshold if by == "q" else values > threshold)


def unit_scales(values: Floats, threshold: float, factor: float, rule: str = "weights", by: str = "tau") -> Floats:
    """Return what the weights of each unit are multiplied by.

    Parameters
    ----------
    values, threshold, by
        As in :func:`units_up`.
    factor : float
        Above 0; 1 changes nothing.
    rule : str
        ``"weights"`` and ``"weights-and-bias"``: factor for units that are up, 1 / factor for the others.
        ``"similarity"``: ``factor ** d`` with d the distance of the similarity from the threshold in standard
        deviations of the layer's similarities, cut off at -1 and 1, so that units near the threshold hardly change.

    Returns
    -------
    float32 array (U,)
    """
    if rule == "similarity":
        spread = float(np.nanstd(values)) or 1.0
        distance = np.clip((values.astype(np.float64) - threshold) / spread, -1.0, 1.0)
        return (float(factor) ** np.nan_to_num(distance, nan=-1.0)).astype(np.float32)
    return np.where(units_up(values, threshold, by), factor, 1.0 / factor).astype(np.float32)


def default_thresholds(values: Floats, by: str = "tau", count: int = THRESHOLDS) -> list[float]:
    """Return thresholds that divide a layer's units in about equal steps, ascending.

    They are quantiles of the layer's own values; the one nearest to the customary threshold (similarity 0, q .05)
    makes way for it where that divides the units. Ties leave fewer than ``count``.

    Raises
    ------
    SpecError
        No threshold divides the units: all values are equal.
    """
    finite = np.sort(values[np.isfinite(values)].astype(np.float64))
    ranks = np.arange(1, count + 1) / (count + 1)
    quantiles = np.quantile(finite, ranks, method="lower") if len(finite) else finite
    thresholds = [value for value in np.unique(quantiles).tolist() if divides(values, value, by)]
    customary = CUSTOMARY[by]
    if divides(values, customary, by) and customary not in thresholds:
        if len(thresholds) == count:
            thresholds.remove(min(thresholds, key=lambda value: abs(value - customary)))
        thresholds.append(customary)
    if not thresholds:
        raise SpecError("no threshold divides the units of this layer: all their values are equal")
    return sorted(thresholds)


def divides(values: Floats, threshold: float, by: str = "tau") -> bool:
    """Return whether a threshold leaves units on both sides."""
    return 0 < int(units_up(values, threshold, by).sum()) < len(values)


def settings_grid(
    values: Floats, thresholds: list[float], factors: list[float], rule: str = "weights", by: str = "tau"
) -> Grid:
    """Return every threshold with every factor; see :func:`unit_scales`.

    Raises
    ------
    SpecError
        A threshold leaves all units on one side, so there is nothing to compare; or the rule goes by the similarity
        and the threshold does not.
    """
    if rule == "similarity" and by != "tau":
        raise SpecError("the rule 'similarity' goes by each unit's similarity; its threshold is tau, not q")
    for threshold in thresholds:
        if not divides(values, threshold, by):
            low, high = np.nanmin(values), np.nanmax(values)
            raise SpecError(
                f"{by} = {threshold:g} puts all {len(values):,} units on one side; their values lie between "
                f"{low:.4g} and {high:.4g}"
            )
    pairs = [(threshold, factor) for threshold in thresholds for factor in factors]
    return Grid(
        thresholds=np.array([threshold for threshold, _ in pairs]),
        factors=np.array([factor for _, factor in pairs]),
        scales=np.stack([unit_scales(values, threshold, factor, rule, by) for threshold, factor in pairs]),
        up=np.array([int(units_up(values, threshold, by).sum()) for threshold, _ in pairs], dtype=np.int64),
    )


def choose(gains: Ints, changes: Floats) -> int:
    """Return the setting to take, or -1 to leave the network alone.

    Parameters
    ----------
    gains : int64 array (S,)
        Images each setting gets right beyond those the network as it is gets right.
    changes : float array (S,)
        How much each setting changes; see :attr:`Grid.changes`.

    Notes
    -----
    The greatest gain wins; of equal gains the mildest change, then the first. A setting that gains nothing never wins,
    for leaving the network alone is milder.
    """
    best = int(gains.max(initial=0))
    if best <= 0:
        return -1
    equal = np.flatnonzero(gains == best)
    return int(equal[np.argmin(changes[equal])])


def random_scales(scale: Floats, count: int, seed: int = 0) -> Floats:
    """Return ``count`` random assignments of the same scales to the units, float32 ``(count, U)``.

    With the rule ``"weights"`` that is a random set of as many units with the same factor.
    """
    generator = np.random.default_rng([seed, 1])
    return np.stack([generator.permutation(scale) for _ in range(count)]) if count else scale[None][:0]


def norm_scales(scale: Floats, norms: Floats) -> Floats:
    """Return the same scales dealt out by weight norm, float32 ``(U,)``: the unit with the greatest norm the greatest.

    Parameters
    ----------
    scale : float array (U,)
        The setting's scales.
    norms : float array (U,)
        Length of each unit's weights; of equal ones the first unit comes first.
    """
    dealt = np.empty_like(scale)
    dealt[np.argsort(-norms, kind="stable")] = np.sort(scale)[::-1]
    return dealt


def shuffled_values(values: Floats, count: int, seed: int = 0) -> Floats:
    """Return the units' values dealt out at random ``count`` times, ``(count, U)``: labels that mean nothing."""
    generator = np.random.default_rng([seed, 2])
    return np.stack([generator.permutation(values) for _ in range(count)]) if count else values[None][:0]
