"""The nearest training rows as a classifier: each of the k most alike has one vote.

Alike is the cosine of the features, once the mean of the training rows is taken away: what all pictures share says
nothing of their classes.

References
----------
Cover & Hart, Nearest neighbor pattern classification, IEEE Transactions on Information Theory 13, 1967.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.errors import SpecError
from workbench.methods.neighbours import nearest
from workbench.methods.shapes import Floats, Ints, check_embeddings

_TIE = 1e-6


@dataclass(frozen=True)
class Neighbourhood:
    """Training rows that vote.

    Parameters
    ----------
    rows : float32 array (M, D)
        Training features minus ``mean``, of length 1.
    labels : int array (M,)
        Their classes, 0 .. K - 1.
    mean : float32 array (D,)
        Mean of the training features.
    n_classes : int
        K.
    k : int
        How many rows vote, 1 to M.
    """

    rows: Floats
    labels: Ints
    mean: Floats
    n_classes: int
    k: int

    @property
    def parameters(self) -> int:
        """How many numbers it keeps."""
        return int(self.rows.size + self.labels.size + self.mean.size)

    def probabilities(self, features: Floats) -> Floats:
        """Return each class's share of the k votes, float64 ``(N, K)``; of equal shares the nearer rows' is greater."""
        return self.shares(self.voters(features))

    def voters(self, features: Floats) -> Ints:
        """Return the k training rows most like each row, the nearest first, int64 ``(N, k)``."""
        return nearest(self.rows, _directions(features, self.mean), self.k).rows

    def shares(self, voters: Ints) -> Floats:
        """Return the class shares of voters ``(N, k)`` as :meth:`probabilities` does."""
        weights = 1 + _TIE * np.arange(self.k, 0, -1) / self.k  # (k,): decides between equal counts, and only there
        votes = np.zeros((len(voters), self.n_classes))
        places = np.broadcast_to(np.arange(len(voters))[:, None], voters.shape)
        np.add.at(votes, (places, self.labels[voters]), weights)
        return np.asarray(votes / weights.sum())

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what :meth:`restore` takes."""
        return {
            "rows": self.rows,
            "labels": self.labels.astype(np.int16),
            "mean": self.mean,
            "sizes": np.array([self.n_classes, self.k], dtype=np.int64),
        }

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray]) -> Neighbourhood:
        """Make it from its arrays; ``KeyError`` or ``ValueError`` where they do not belong together."""
        n_classes, k = (int(size) for size in arrays["sizes"])
        rows, labels, mean = arrays["rows"], arrays["labels"].astype(np.int64), arrays["mean"]
        fitting = rows.shape == (*labels.shape, *mean.shape) and 1 <= k <= len(rows)
        if not fitting or labels.min() < 0 or labels.max() >= n_classes:
            raise ValueError("rows, labels, mean and sizes do not fit each other")
        return cls(rows, labels, mean, n_classes, k)


def remember(features: Floats, labels: Ints, n_classes: int, k: int) -> Neighbourhood:
    """Keep training rows to vote.

    Parameters
    ----------
    features : float array (N, D)
        Any scale.
    labels : int array (N,)
        Class of each row; rows with -1 are left out.
    n_classes : int
        K.
    k : int
        How many rows vote.

    Raises
    ------
    SpecError
        A feature is not finite, or ``k`` is not 1 to the number of labelled rows.
    """
    check_embeddings(features, "features", "ND")
    known = np.flatnonzero(labels >= 0)
    if not 1 <= k <= len(known):
        raise SpecError(f"{k} neighbours cannot vote among {len(known):,} training images; use 1 to {len(known):,}")
    mean = features[known].mean(axis=0, dtype=np.float64).astype(np.float32)
    return Neighbourhood(_directions(features[known], mean), labels[known], mean, n_classes, k)


def _directions(features: Floats, mean: Floats) -> Floats:
    """Return the rows as seen from the mean, float32 of length 1; a row that is the mean stays at length 0."""
    check_embeddings(features, "features", "ND", len(mean))
    away = features.astype(np.float32) - mean
    lengths = np.linalg.norm(away, axis=1, keepdims=True)
    return np.asarray(away / np.where(lengths > 1e-12, lengths, 1), dtype=np.float32)
