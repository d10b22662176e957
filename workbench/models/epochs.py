"""What is known of each epoch of a training; read without torch."""

from __future__ import annotations

from typing import NamedTuple


class Epoch(NamedTuple):
    """One pass over the training images.

    Attributes
    ----------
    epoch : int
        Its number, from 1.
    rate : float
        Learning rate at its end.
    train_loss, validation_loss : float
        Mean cross-entropy in nats: of the disturbed training faces while it learned, weighted as it was learned, and of
        the validation images whose class was trained, unweighted.
    accuracy : float
        Share of the validation images answered rightly, 0 to 1.
    seconds : float
        What it took, validation included.
    """

    epoch: int
    rate: float
    train_loss: float
    validation_loss: float
    accuracy: float
    seconds: float
