"""Rank votes counted a row a class: the answers of :func:`workbench.methods.zeroshot.fold_vote`, several times as fast.

Few classes are ranked for many images, so comparing the rows of two classes beats sorting each image's few values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.methods.shapes import Bools, Floats
from workbench.methods.zeroshot import ClassScores


def places(scores: Floats) -> NDArray[np.int16]:
    """Return at which place each class of an image stands, by its score, from 0 on: int16 ``(K, N)``.

    Parameters
    ----------
    scores : float array (K, N)
        What speaks for each class, no NaN; of equal classes the one that stands first comes first.
    """
    found = np.zeros(scores.shape, dtype=np.int16)
    for number in range(1, len(scores)):
        for before in range(number):
            ahead = scores[before] >= scores[number]
            found[number] += ahead
            found[before] += ~ahead
    return found


def best(scores: Floats | NDArray[np.int16], second: Floats | None = None) -> NDArray[np.int16]:
    """Return the class with the greatest score of each image, int16 ``(N,)``.

    Parameters
    ----------
    scores : float or int16 array (K, N)
        What speaks for each class, no NaN.
    second : float array (K, N), optional
        Decides among equal ones; those that are equal here too: the class that stands first.
    """
    leading = scores == scores.max(axis=0)
    if second is not None:
        left = np.where(leading, second, -np.inf)
        leading &= left == left.max(axis=0)
    return np.asarray(leading.argmax(axis=0), dtype=np.int16)


def count_votes(scores: Floats, spoken: Bools, top_k: int = 3) -> ClassScores:
    """Count over templates which class stands at each rank, as :func:`workbench.methods.zeroshot.fold_vote` does.

    Parameters
    ----------
    scores : float64 array (T, K, N)
        What speaks for each class in each template: its concepts' similarities, joined.
    spoken : bool array (K,)
        Which classes have concepts; the others get no vote.
    top_k : int
        How many ranks are counted, at most the number of classes with concepts.
    """
    templates, classes, images = scores.shape
    if not spoken.all():
        scores = np.where(spoken[:, None], scores, -np.inf)
    ranks = min(top_k, int(spoken.sum()))
    votes = np.zeros((ranks, classes, images), dtype=np.int16)
    for each in scores:
        standing = places(each)
        for number, counted in enumerate(votes):
            counted += standing == number
    mean = scores.mean(axis=0)
    winners = np.stack([best(counted, mean) for counted in votes]).astype(np.int64)  # (R, N)
    shares = np.take_along_axis(votes, winners[:, None], axis=1)[:, 0] / templates
    return ClassScores(votes[0].T / templates, winners.T, np.ascontiguousarray(shares.T))
