"""A multilayer perceptron with one hidden layer, trained by Adam and stopped early.

Features are standardised by the training rows. One row in ten is kept back; training stops when their log loss has not
fallen for ten epochs, and the weights of the best epoch are kept.

References
----------
Prechelt, Early stopping - but when?, in Neural Networks: Tricks of the Trade, 1998.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.errors import SpecError
from workbench.methods.probe import check_rows, softmax, standard_scale
from workbench.methods.shapes import Floats, Ints

EPOCHS = 200
"""The most times it sees each row."""
PATIENCE = 10
_KEPT_BACK = 10
_NEVER = -200.0
"""Bias of a class that no training row has, as in :mod:`workbench.methods.probe`."""
_NAMES = ("mean", "scale", "hidden", "hidden_bias", "weights", "bias")


@dataclass(frozen=True)
class Perceptron:
    """A trained perceptron of H hidden units.

    Parameters
    ----------
    mean, scale : float32 array (D,)
        What is subtracted from the features, and what they are divided by.
    hidden, hidden_bias : float32 array (D, H), (H,)
        Into the hidden units, which hand on what is above 0.
    weights, bias : float32 array (H, K), (K,)
        Out of them; the bias is about -200 for a class that no training row had.
    """

    mean: Floats
    scale: Floats
    hidden: Floats
    hidden_bias: Floats
    weights: Floats
    bias: Floats

    @property
    def parameters(self) -> int:
        """How many numbers were learned: weights and biases of both layers."""
        return int(self.hidden.size + self.hidden_bias.size + self.weights.size + self.bias.size)

    def probabilities(self, features: Floats) -> Floats:
        """Return float64 ``(N, K)`` for features ``(N, D)``; rows sum to 1."""
        scaled = (np.asarray(features, dtype=np.float32) - self.mean) / self.scale
        active = np.maximum(scaled @ self.hidden + self.hidden_bias, 0)  # (N, H)
        return softmax((active @ self.weights + self.bias).astype(np.float64))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what :meth:`restore` takes."""
        return {name: getattr(self, name) for name in _NAMES}

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray]) -> Perceptron:
        """Make it from its arrays; ``KeyError`` or ``ValueError`` where they do not belong together."""
        made = cls(*(arrays[name] for name in _NAMES))
        between = (*made.mean.shape, *made.hidden_bias.shape), (*made.hidden_bias.shape, *made.bias.shape)
        if (made.hidden.shape, made.weights.shape) != between or made.scale.shape != made.mean.shape:
            raise ValueError("the weights of the two layers do not fit each other")
        return made


def train(features: Floats, labels: Ints, n_classes: int, width: int, seed: int = 0) -> Perceptron:
    """Train a perceptron.

    Parameters
    ----------
    features : float array (N, D)
        Any scale; standardised here.
    labels : int array (N,)
        Class of each row, 0 .. K - 1; rows with -1 are ignored.
    n_classes : int
        K.
    width : int
        Hidden units, 1 or more.
    seed : int
        Of the first weights, the order of rows and the rows kept back.

    Raises
    ------
    SpecError
        A feature is not finite, fewer than two classes occur, or training diverges.
    """
    from sklearn.neural_network import MLPClassifier  # slow to import; reading stored results does without

    rows = check_rows(features, labels, n_classes)
    known, given = np.asarray(features[rows], dtype=np.float32), labels[rows]
    mean, scale = (values.astype(np.float32) for values in standard_scale(known))
    known = (known - mean) / scale
    shuffled = np.random.default_rng(seed).permutation(len(rows))
    kept_back, learned = np.split(shuffled, [max(1, len(rows) // _KEPT_BACK)])
    batch = min(200, len(learned))
    model = MLPClassifier((width,), batch_size=batch, random_state=seed)
    with warnings.catch_warnings():  # numbers that overflow are told below
        warnings.simplefilter("ignore", RuntimeWarning)
        layers = _epochs(model, (known[learned], given[learned]), (known[kept_back], given[kept_back]), n_classes)
    (hidden, weights), (hidden_bias, bias) = layers
    if n_classes == 2:  # scikit-learn gives the difference of the two
        weights, bias = np.hstack([-weights, weights]) / 2, np.hstack([-bias, bias]) / 2
    bias[~np.isin(np.arange(n_classes), given)] = _NEVER
    return Perceptron(mean, scale, *(part.astype(np.float32) for part in (hidden, hidden_bias, weights, bias)))


def _epochs(
    model: Any, learned: tuple[Floats, Ints], kept_back: tuple[Floats, Ints], n_classes: int
) -> tuple[list[Floats], list[Floats]]:
    """Train until the rows kept back get no better; return weights and biases of the best epoch."""
    best: tuple[list[Floats], list[Floats]] | None = None
    least, since = np.inf, 0
    for _ in range(EPOCHS):
        try:
            model.partial_fit(*learned, classes=np.arange(n_classes))
            found = model.predict_proba(kept_back[0])
        except ValueError as error:
            raise SpecError(f"training the perceptron diverged ({str(error).splitlines()[0]})") from error
        loss = float(-np.log(np.maximum(found[np.arange(len(found)), kept_back[1]], 1e-12)).mean())
        if loss < least:
            best, least, since = copy.deepcopy((model.coefs_, model.intercepts_)), loss, 0
        else:
            since += 1
        if since >= PATIENCE:
            break
    if best is None:
        raise SpecError("training the perceptron diverged: its log loss is not a number")
    return best
