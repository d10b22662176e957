"""How good a way to classify is, over images and over the seeds it was trained with.

A figure is the mean over the seeds. A resample draws the images *and* the seeds with replacement, each from those at
hand, so that its interval covers both another draw of images and another run of the training. Three seeds say little
about how seeds vary: drawn with replacement they vary by about a fifth less than fresh ones would, which nothing here
corrects. What is compared is resampled with the same images.

References
----------
Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13.
Bouthillier et al., Accounting for Variance in Machine Learning Benchmarks, MLSys 2021.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import SpecError
from workbench.methods.bootstrap import Estimate, estimate
from workbench.methods.metrics import ECE_BINS, in_top_k, scores
from workbench.methods.shapes import Floats, Ints, check_labels

FIGURES = ("accuracy", "top_3", "macro_f1", "ece")
"""What is measured, each 0..1; see :mod:`workbench.methods.metrics` for their definitions."""


@dataclass(frozen=True)
class Measured:
    """Figures of one way to classify, by name of :data:`FIGURES`.

    Parameters
    ----------
    values : mapping of str to float
        Mean over the seeds.
    samples : mapping of str to float array (R,)
        The same on each resample.
    by_seed : mapping of str to float array (S,)
        Each seed's own.
    """

    values: Mapping[str, float]
    samples: Mapping[str, Floats]
    by_seed: Mapping[str, Floats]

    def estimate(self, name: str) -> Estimate:
        """Return a figure with its 95 % interval; that of ``ece`` is shifted to the value and cut at 0."""
        samples = self.samples[name]
        if name == "ece":
            samples = np.maximum(samples - np.median(samples) + self.values[name], 0.0)
        return estimate(self.values[name], samples)


def measure(
    labels: Ints,
    ranked: Sequence[Ints],
    confidence: Sequence[Floats],
    n_classes: int,
    *,
    resamples: int = 1000,
    seed: int = 0,
    way: int = 0,
) -> Measured:
    """Measure one way to classify, trained with S seeds.

    Parameters
    ----------
    labels : int array (N,)
        Classes, 0 .. K - 1.
    ranked : S int arrays (N, R)
        Classes from the best on; the first is the answer.
    confidence : S float arrays (N,)
        Probability of the answer, 0..1.
    n_classes : int
        K.
    resamples, seed : int
        Of the bootstrap; equal seeds draw equal images.
    way : int
        Number of the way, so that two draw their seeds independently.

    Raises
    ------
    SpecError
        There are no images, or a label or an answer is no class.
    """
    if not len(labels):
        raise SpecError("there are no labelled images to evaluate")
    check_labels(labels, "labels", n_classes)
    runs = [_Run(labels, ranks, sure, n_classes) for ranks, sure in zip(ranked, confidence, strict=True)]
    own = np.array([run.figures(np.ones(len(labels))) for run in runs])  # (S, F)
    drawn = np.array([[run.figures(w) for run in runs] for w in _weights(len(labels), resamples, seed)])  # (R, S, F)
    seeds = np.random.default_rng([seed, way, 1]).integers(0, len(runs), (resamples, len(runs)))
    mixed = np.take_along_axis(drawn, seeds[..., None], axis=1).mean(axis=1)  # (R, F)
    return Measured(
        dict(zip(FIGURES, own.mean(axis=0).tolist(), strict=True)),
        dict(zip(FIGURES, mixed.T, strict=True)),
        dict(zip(FIGURES, own.T, strict=True)),
    )


def behind(first: Measured, second: Measured, name: str = "accuracy") -> Estimate:
    """Return a figure of ``second`` minus that of ``first``, on the same resampled images, with its 95 % interval."""
    return estimate(second.values[name] - first.values[name], second.samples[name] - first.samples[name])


class _Run:
    """The answers of one seed, ready to be counted on any draw of the images."""

    def __init__(self, labels: Ints, ranked: Ints, confidence: Floats, n_classes: int) -> None:
        predicted = ranked[:, 0].astype(np.int64)
        check_labels(predicted, "answers", n_classes, rows=len(labels))
        self._n_classes = n_classes
        self._cells = labels * n_classes + predicted
        self._occurring = np.isin(np.arange(n_classes), np.concatenate([labels, predicted]))
        self._hits = in_top_k(labels, ranked, 3).astype(np.float64)
        self._gaps = confidence.astype(np.float64) - (predicted == labels)
        edges = np.linspace(0.0, 1.0, ECE_BINS + 1)
        self._bins = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, ECE_BINS - 1)

    def figures(self, weights: Floats) -> tuple[float, ...]:
        """Return :data:`FIGURES` of images that each count ``weights`` times, ``(N,)``."""
        cells = np.bincount(self._cells, weights, self._n_classes**2).astype(np.int64)
        found = scores(cells.reshape(self._n_classes, self._n_classes), self._occurring)
        gaps = np.abs(np.bincount(self._bins, weights * self._gaps, ECE_BINS)).sum()
        total = weights.sum()
        return float(found.accuracy), float(self._hits @ weights / total), float(found.macro_f1), float(gaps / total)


def _weights(n: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield how often each image was drawn, resample by resample: ``(n,)``."""
    generator = np.random.default_rng([seed, 0])
    for _ in range(resamples):
        yield np.bincount(generator.integers(0, n, size=n), minlength=n).astype(np.float64)
