"""Compare two classifiers on the same images: which is better, and could that be chance.

References
----------
McNemar, Note on the Sampling Error of the Difference between Correlated Proportions or Percentages, 1947.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

from workbench.errors import SpecError
from workbench.methods.bootstrap import RESAMPLES, Estimate, estimate, resample_group_sums
from workbench.methods.shapes import Bools, Floats


class McNemar(NamedTuple):
    """Images that only the second classifier has right (``gained``), only the first (``lost``), and the exact p."""

    gained: int
    lost: int
    p: float


def mcnemar(before_right: Bools, after_right: Bools) -> McNemar:
    """Test whether two classifiers differ in accuracy, by the images on which only one is right.

    Parameters
    ----------
    before_right, after_right : bool array (N,)
        Whether each classifier is right on each image.

    Returns
    -------
    McNemar
        p is two-sided and exact (binomial with probability 1/2); 1 where they are right on the same images.
    """
    _check_pair(before_right, after_right)
    if before_right.dtype != np.bool_ or after_right.dtype != np.bool_:
        raise ValueError(f"what is right must be bool, not {before_right.dtype} and {after_right.dtype}")
    gained = int((after_right & ~before_right).sum())
    lost = int((before_right & ~after_right).sum())
    p = float(binomtest(gained, gained + lost, 0.5).pvalue) if gained + lost else 1.0
    return McNemar(gained, lost, p)


def paired_difference(before: Floats | Bools, after: Floats | Bools, seed: int = 0) -> Estimate:
    """Estimate the mean over images of ``after - before`` with its 95 % bootstrap interval.

    Parameters
    ----------
    before, after : float or bool array (N,)
        A number of each image (right or not, its margin, ..) by each classifier; at least one image.
    seed : int
        Of the resamples of images.

    Raises
    ------
    SpecError
        There are no images, or a difference is NaN or infinite.
    """
    _check_pair(before, after)
    differences = after.astype(np.float64) - before.astype(np.float64)
    if not np.isfinite(differences).all():
        row = int(np.flatnonzero(~np.isfinite(differences))[0])
        raise SpecError(f"the difference is NaN or infinite in row {row}")
    _, sums = resample_group_sums(differences[:, None], np.zeros(len(before), dtype=np.int64), 1, RESAMPLES, seed)
    return estimate(float(differences.mean()), sums[:, 0, 0] / len(before))


def _check_pair(before: Floats | Bools, after: Floats | Bools) -> None:
    if before.shape != after.shape or before.ndim != 1:
        raise ValueError(f"before {before.shape} and after {after.shape} must both be (N,)")
    if not len(before):
        raise SpecError("there are no images to compare two classifiers on")
