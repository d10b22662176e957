"""How good a classification is, each number with a 95 % bootstrap interval.

Conventions, the same as scikit-learn's with ``zero_division=0``:

- Precision, recall and F1 of a class are 0 where their denominator is 0.
- *Macro* averages run over the classes that occur among the labels or the predictions; *weighted* ones weight each
  class by its number of labels. Which classes occur is decided on the images at hand, and kept for the resamples.
- *Expected calibration error* (ECE): images are put in 15 equally wide bins of confidence, ``(0, 1/15]`` to
  ``(14/15, 1]`` (confidence 0 belongs to the first); ECE is the mean over images of the gap, in their bin, between mean
  confidence and accuracy. Confidence is the probability of the predicted class. 0 is best, 1 the worst. A resample's
  ECE is on average a little greater than the ECE it is drawn from, since chance adds gaps; the interval is therefore
  that of the resamples shifted until their median is the value, and cut at 0.

References
----------
Guo et al., On Calibration of Modern Neural Networks, ICML 2017 (ECE with 15 bins).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from workbench.errors import SpecError
from workbench.methods.bootstrap import RESAMPLES, Estimate, estimate, resample_counts, resample_group_sums
from workbench.methods.shapes import Floats, Ints, check_labels

ECE_BINS = 15
_ROUNDING = 1e-6
"""How far above its upper edge a confidence still is in a bin: shares of votes lie on edges but for rounding."""
_SMALLEST_PROBABILITY = 1e-12


def confusion_matrix(labels: Ints, predicted: Ints, n_classes: int) -> Ints:
    """Count images by label (row) and prediction (column).

    Parameters
    ----------
    labels, predicted : int array (N,)
        Classes, 0 .. K - 1; N may be 0.
    n_classes : int
        K.

    Returns
    -------
    int64 array (K, K)
    """
    check_labels(labels, "labels", n_classes)
    check_labels(predicted, "predictions", n_classes, rows=len(labels))
    cells = labels.astype(np.int64) * n_classes + predicted
    return np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes)


def fine_confusion_matrix(concepts: Ints, labels: Ints, n_concepts: int, n_classes: int) -> Ints:
    """Count images by their most probable concept (row) and their label (column), ``(C, K)``."""
    check_labels(concepts, "concepts", n_concepts)
    check_labels(labels, "labels", n_classes, rows=len(concepts))
    cells = concepts.astype(np.int64) * n_classes + labels
    return np.bincount(cells, minlength=n_concepts * n_classes).reshape(n_concepts, n_classes)


def in_top_k(labels: Ints, ranked: Ints, k: int) -> np.ndarray:
    """Return whether the label is among the first ``k`` of the ranked classes ``(N, R)``: bool ``(N,)``."""
    if ranked.ndim != 2 or len(ranked) != len(labels):
        raise ValueError(f"ranked must be an array (N, R) with N = {len(labels)}, not {ranked.shape}")
    if k < 1:
        raise SpecError(f"k is {k}; it must be 1 or more")
    return np.asarray((ranked[:, :k] == labels[:, None]).any(axis=1))


@dataclass(frozen=True)
class Scores:
    """What follows from confusion counts alone; ``...`` stands for any leading axes, such as resamples.

    Parameters
    ----------
    accuracy : float array (...)
        Share of images predicted as labelled, 0..1.
    precision, recall, f1 : float array (..., K)
        By class, 0..1.
    support : int array (..., K)
        Images labelled with the class.
    macro_precision, macro_recall, macro_f1, weighted_f1 : float array (...)
        Averages over classes, 0..1; see the module for which.
    """

    accuracy: Floats
    precision: Floats
    recall: Floats
    f1: Floats
    support: Ints
    macro_precision: Floats
    macro_recall: Floats
    macro_f1: Floats
    weighted_f1: Floats


def scores(confusion: Ints, occurring: np.ndarray | None = None) -> Scores:
    """Compute every score of confusion counts.

    Parameters
    ----------
    confusion : int array (..., K, K)
        Rows are labels, columns predictions; at least one image each.
    occurring : bool array (K,), optional
        Classes that macro averages run over; by default those with a label or a prediction.
    """
    if confusion.ndim < 2 or confusion.shape[-1] != confusion.shape[-2]:
        raise ValueError(f"confusion counts must be an array (..., K, K), not {confusion.shape}")
    total = confusion.sum(axis=(-2, -1))
    if not (total > 0).all():
        raise SpecError("there are no labelled images to evaluate")
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    support, guessed = confusion.sum(axis=-1), confusion.sum(axis=-2)
    f1 = _ratio(2 * right, support + guessed)
    if occurring is None:
        occurring = (support + guessed).reshape(-1, confusion.shape[-1]).sum(axis=0) > 0
    precision, recall = _ratio(right, guessed), _ratio(right, support)
    return Scores(
        accuracy=right.sum(axis=-1) / total,
        precision=precision,
        recall=recall,
        f1=f1,
        support=support,
        macro_precision=precision[..., occurring].mean(axis=-1),
        macro_recall=recall[..., occurring].mean(axis=-1),
        macro_f1=f1[..., occurring].mean(axis=-1),
        weighted_f1=(f1 * support).sum(axis=-1) / total,
    )


@dataclass(frozen=True)
class Calibration:
    """Confidence against accuracy, for a reliability diagram.

    Parameters
    ----------
    edges : float array (B + 1,)
        Edges of the bins, from 0 to 1.
    counts : int array (B,)
        Images in each bin.
    confidence, accuracy : float array (B,)
        Means over the bin's images, 0..1; NaN in an empty bin.
    error : Estimate
        The expected calibration error.
    """

    edges: Floats
    counts: Ints
    confidence: Floats
    accuracy: Floats
    error: Estimate


def calibration(
    confidence: Floats, correct: np.ndarray, *, bins: int = ECE_BINS, resamples: int = RESAMPLES, seed: int = 0
) -> Calibration:
    """Measure calibration.

    Parameters
    ----------
    confidence : float array (N,)
        Probability of the predicted class, 0..1.
    correct : bool array (N,)
        Whether the prediction is the label.
    bins, resamples, seed : int
        Number of bins; of the bootstrap, as in :mod:`workbench.methods.bootstrap`.

    Raises
    ------
    SpecError
        There are no images, or a confidence is NaN or outside 0..1.
    """
    if confidence.shape != correct.shape or confidence.ndim != 1:
        raise ValueError(f"confidence {confidence.shape} and correct {correct.shape} must both be (N,)")
    if not len(confidence):
        raise SpecError("there are no labelled images to evaluate")
    if not ((confidence >= 0) & (confidence <= 1 + 1e-6)).all():
        raise SpecError("a confidence is NaN or outside 0 to 1")
    edges = np.linspace(0.0, 1.0, bins + 1)
    groups = np.clip(np.searchsorted(edges + _ROUNDING, confidence, side="left") - 1, 0, bins - 1)
    values = np.stack([confidence, correct], axis=1).astype(np.float64)
    counts = np.bincount(groups, minlength=bins)
    sums = np.stack([np.bincount(groups, column, minlength=bins) for column in values.T], axis=1)
    _, drawn = resample_group_sums(values[:, :1] - values[:, 1:], groups, bins, resamples, seed)
    value, resampled = float(_gap(sums[:, 0] - sums[:, 1], len(groups))), _gap(drawn[..., 0], len(groups))
    error = estimate(value, np.maximum(resampled - np.median(resampled) + value, 0.0))
    means = np.full((bins, 2), np.nan)
    means[counts > 0] = sums[counts > 0] / counts[counts > 0, None]
    return Calibration(edges, counts, means[:, 0], means[:, 1], error)


def negative_log_likelihood(
    probabilities: Floats, labels: Ints, *, resamples: int = RESAMPLES, seed: int = 0
) -> Estimate:
    """Return the mean over images of ``-log p(label)``, in nats; 0 is best. Below 1e-12, p counts as 1e-12."""
    check_labels(labels, "labels", probabilities.shape[1], rows=len(probabilities))
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    losses = -np.log(np.maximum(own, _SMALLEST_PROBABILITY))[:, None]
    _, sums = resample_group_sums(losses, np.zeros(len(labels), dtype=np.int64), 1, resamples, seed)
    return estimate(float(losses.mean()), sums[:, 0, 0] / len(labels))


@dataclass(frozen=True)
class ClassReport:
    """Precision, recall and F1 of one class, and how many images carry its label."""

    precision: Estimate
    recall: Estimate
    f1: Estimate
    support: int


@dataclass(frozen=True)
class Evaluation:
    """Everything measured on one set of labelled images; all shares 0..1, each with its 95 % interval.

    Parameters
    ----------
    images : int
        N.
    accuracy, macro_precision, macro_recall, macro_f1, weighted_f1 : Estimate
        See the module; macro recall is also called balanced accuracy.
    top_k_accuracy : dict of int to Estimate
        Share of images whose label is among the first k ranked classes.
    classes : tuple of ClassReport
        In the order of classes.
    confusion : int64 array (K, K)
        Rows are labels, columns predictions.
    calibration : Calibration
        Reliability bins and the expected calibration error.
    """

    images: int
    accuracy: Estimate
    macro_precision: Estimate
    macro_recall: Estimate
    macro_f1: Estimate
    weighted_f1: Estimate
    top_k_accuracy: dict[int, Estimate]
    classes: tuple[ClassReport, ...]
    confusion: Ints
    calibration: Calibration

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; an estimate is ``{value, low, high}``, NaN is None."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def evaluate(
    labels: Ints,
    ranked: Ints,
    probabilities: Floats,
    *,
    top_k: Sequence[int] = (1, 3),
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Evaluation:
    """Evaluate a classification.

    Parameters
    ----------
    labels : int array (N,)
        Given classes, 0 .. K - 1, at least one image; leave images without a label out.
    ranked : int array (N, R)
        Classes from the best on; the first is the prediction.
    probabilities : float array (N, K)
        Class probabilities.
    top_k : sequence of int
        The k for which top-k accuracy is reported.
    resamples, seed : int
        Of the bootstrap.

    Raises
    ------
    SpecError
        There are no images, a label is outside the classes, or a probability is NaN.
    """
    n_classes = probabilities.shape[1]
    check_labels(labels, "labels", n_classes, rows=len(probabilities))
    if not len(labels):
        raise SpecError("there are no labelled images to evaluate")
    hits = np.stack([in_top_k(labels, ranked, k) for k in top_k], axis=1) if top_k else np.zeros((len(labels), 0), bool)
    predicted = ranked[:, 0]
    confusion = confusion_matrix(labels, predicted, n_classes)
    drawn, drawn_hits = _resample_cells(confusion, labels, predicted, hits, resamples, seed)
    observed = scores(confusion)
    occurring = (confusion.sum(axis=0) + confusion.sum(axis=1)) > 0
    resampled = scores(drawn, occurring)
    confidence = probabilities[np.arange(len(labels)), predicted]
    return Evaluation(
        images=len(labels),
        accuracy=estimate(float(observed.accuracy), resampled.accuracy),
        macro_precision=estimate(float(observed.macro_precision), resampled.macro_precision),
        macro_recall=estimate(float(observed.macro_recall), resampled.macro_recall),
        macro_f1=estimate(float(observed.macro_f1), resampled.macro_f1),
        weighted_f1=estimate(float(observed.weighted_f1), resampled.weighted_f1),
        top_k_accuracy={k: estimate(hits[:, i].mean(), drawn_hits[:, i]) for i, k in enumerate(top_k)},
        classes=_class_reports(observed, resampled),
        confusion=confusion,
        calibration=calibration(confidence, predicted == labels, resamples=resamples, seed=seed),
    )


def _class_reports(observed: Scores, resampled: Scores) -> tuple[ClassReport, ...]:
    return tuple(
        ClassReport(
            precision=estimate(observed.precision[index], resampled.precision[:, index]),
            recall=estimate(observed.recall[index], resampled.recall[:, index]),
            f1=estimate(observed.f1[index], resampled.f1[:, index]),
            support=int(observed.support[index]),
        )
        for index in range(len(observed.support))
    )


def _resample_cells(
    confusion: Ints, labels: Ints, predicted: Ints, hits: np.ndarray, resamples: int, seed: int
) -> tuple[Ints, Floats]:
    """Draw confusion counts (R, K, K) and top-k accuracies (R, len(top_k)) together, from one multinomial."""
    patterns, pattern = np.unique(hits, axis=0, return_inverse=True)  # (P, len(top_k))
    cell = (labels.astype(np.int64) * len(confusion) + predicted) * len(patterns) + pattern.ravel()
    counts = np.bincount(cell, minlength=confusion.size * len(patterns))
    drawn = resample_counts(counts.reshape(*confusion.shape, len(patterns)), resamples, seed)
    shares = drawn.sum(axis=(1, 2)) / len(labels)  # (R, P)
    return drawn.sum(axis=3), shares @ patterns.astype(np.float64)


def _ratio(numerator: Ints, denominator: Ints) -> Floats:
    return np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator > 0)


def _gap(sums: np.ndarray, images: int) -> Floats:
    """Return the expected calibration error from each bin's summed (confidence - correct), over the last axis."""
    return np.asarray(np.abs(sums).sum(axis=-1) / images)


def _plain(value: Any) -> Any:
    if isinstance(value, Estimate):
        return {name: _plain(number) for name, number in zip(Estimate._fields, value, strict=True)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    return None if isinstance(value, float) and np.isnan(value) else value
