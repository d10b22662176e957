"""Doubt labels: join several opinions on each image's class into a score, a bin and a proposal.

An *opinion* is a matrix ``(N, K)`` of class probabilities that did not come from the image's own label; a row of NaN
says nothing. The joint opinion is their weighted mean. A label is doubted as far as the joint opinion prefers another
class; see :func:`judge`.

References
----------
Northcutt, Jiang & Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, JAIR 2021 (noise matrix).
Ren et al., A Simple Fix to Mahalanobis Distance for Improving Near-OOD Detection, 2021 (:func:`outlyingness`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workbench.methods.shapes import Floats, Ints

BINS = ("", "wrong label", "ambiguous", "not a face")
"""What an image is suspected of, by number."""

PARTS: Mapping[str, str] = {
    "probe": "how far a probe that never saw the image or its duplicates prefers another class",
    "neighbours": "how far the labels of the nearest images prefer another class, the image's own duplicates left out",
    "zero-shot": "how far the CLIP's texts prefer another class",
    "network": "how far the network prefers another class",
    "duplicates": "the share of the same picture's other copies that carry another label",
    "ambiguous": "how closely two classes share the joint probability, or how far the opinions contradict one another",
    "not a face": "how far the picture is blank, of few tones, or away from all others",
}
"""What each part of a score says; all 0..1, greater: more doubtful, 0.5: undecided in the first four."""


def other_than(probabilities: Floats, labels: Ints) -> Ints:
    """Return the most probable class besides the label, int64 ``(N,)``; of equal ones the first.

    Where there is no label (-1) the most probable class.
    """
    others = np.array(probabilities, dtype=np.float64)
    rows = np.flatnonzero(labels >= 0)
    others[rows, labels[rows]] = -np.inf
    return np.asarray(np.where(np.isnan(others), -np.inf, others).argmax(axis=1))
