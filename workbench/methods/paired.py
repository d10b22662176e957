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
from workbench.methods.shapes import Bools


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
    if before_right.shape != after_right.shape or before_right.ndim != 1:
        raise ValueError(f"before {before_right.shape} and after {after_right.shape} must both be (N,)")
    if not len(before_right):
        raise SpecError("there are no images to compare two classifiers on")
    if before_right.dtype != np.bool_ or after_right.dtype != np.bool_:
        raise ValueError(f"what is right must be bool, not {before_right.dtype} and {after_right.dtype}")
    gained = int((after_right & ~before_right).sum())
    lost = int((before_right & ~after_right).sum())
    p = float(binomtest(gained, gained + lost, 0.5).pvalue) if gained + lost else 1.0
    return McNemar(gained, lost, p)
