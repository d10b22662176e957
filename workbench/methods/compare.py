"""Compare two classifiers class by class: on which classes do they differ beyond chance, all classes looked at.

What they score over all images is in :func:`workbench.methods.retrain.compare`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from workbench.methods.evidence import q_values
from workbench.methods.paired import mcnemar
from workbench.methods.shapes import Ints, check_labels


class ClassTest(NamedTuple):
    """The images of one class on which only one of two classifiers is right.

    Parameters
    ----------
    name : str
        The class.
    images : int
        Images labelled with it, 1 or more.
    only_first, only_second : int
        Images that only that classifier has right.
    p, q : float
        Exact two-sided McNemar test, and Benjamini and Hochberg's q among all classes that have images.
    """

    name: str
    images: int
    only_first: int
    only_second: int
    p: float
    q: float


def class_tests(labels: Ints, first: Ints, second: Ints, classes: Sequence[str]) -> list[ClassTest]:
    """Test for each class whether one of two classifiers is right on more of its images.

    Parameters
    ----------
    labels, first, second : int array (N,)
        The label and both answers of each image, 0 .. K - 1.
    classes : sequence of str
        Names (K).

    Returns
    -------
    list of ClassTest
        In the order of ``classes``; those without images are left out.
    """
    for values, name in ((labels, "labels"), (first, "first answers"), (second, "second answers")):
        check_labels(values, name, len(classes), len(labels))
    found = []
    for place in np.unique(labels).tolist():
        own = labels == place
        found.append((classes[place], int(own.sum()), mcnemar(first[own] == place, second[own] == place)))
    q = q_values(np.array([test.p for _, _, test in found], dtype=np.float64))
    return [
        ClassTest(name, images, test.lost, test.gained, test.p, float(value))
        for (name, images, test), value in zip(found, q, strict=True)
    ]
