"""How far a video score can be trusted: other reasonable choices, another recording, and the scores people gave.

References
----------
Kuensch, The Jackknife and the Bootstrap for General Stationary Observations, 1989 (moving blocks).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np
from scipy.stats import spearmanr

from workbench.errors import SpecError
from workbench.methods.bootstrap import RESAMPLES, Estimate, estimate
from workbench.methods.peak_end import Settings, end_weights, frame_scores, peak, peak_end, robust_count, smooth
from workbench.methods.shapes import Bools, Floats, Ints

SMOOTHINGS = (0.0, 0.5, 1.0, 2.0)
"""Smoothings that are tried, in seconds."""
PEAKS = ("extreme", "robust")
"""Peak definitions that are tried."""
WINDOW_FACTORS = (0.5, 0.75, 1.0, 1.25, 2.0)
"""What the end window is multiplied by: of 40 frames these are 20, 30, 40, 50 (the source study's 30 to 50) and 80."""
PARTS = ((0.5, 0.1, 0.4), (0.5, 0.25, 0.25), (0.6, 0.1, 0.3), (0.4, 0.1, 0.5), (1 / 3, 1 / 3, 1 / 3))
"""Weights of end, earlier and later peak that are tried; the first are the source study's."""
BAND = (0.05, 0.95)
"""Quantiles of the scores of all combinations that the band of :class:`Sensitivity` shows."""

FEWEST = 10
"""Scored frames below which there is no interval."""
BLOCK_SECONDS = 3.0
COURSE_SECONDS = 2.0
INFLATION, SMOOTHED_INFLATION = 1.25, 1.5
QUANTILES = (0.005, 0.995)
_WORK = 20_000_000  # numbers drawn in all, at most about this many
_CHUNK = 2_000_000  # numbers held at a time
_AGREEMENT_RESAMPLES = 2000
_T = TypeVar("_T")


class Choice(NamedTuple):
    """The score under another choice: its ``group``, its ``name``, the ``video`` score, and its ``change``."""

    group: str
    name: str
    video: float
    change: float


@dataclass(frozen=True)
class Sensitivity:
    """How far a video score moves over other reasonable choices.

    Parameters
    ----------
    choices : tuple of Choice
        One thing changed at a time: ``smoothing``, ``peak``, ``end window``, ``parts``, and ``without`` one emotion.
        What is set already is not among them.
    low, high : float
        Lowest and highest score over these and the score itself.
    grid_low, grid_high : float
        5th and 95th percentile over *all combinations* of smoothing, peak, end window and parts, the set ones included.
    combinations : int
        How many those are.
    """

    choices: tuple[Choice, ...]
    low: float
    high: float
    grid_low: float
    grid_high: float
    combinations: int


class Agreement(NamedTuple):
    """Computed against reported scores of the same videos.

    ``mae`` is the mean absolute error with its 95 % bootstrap interval over videos (NaN for a single video; too narrow
    for fewer than about ten), ``bias`` the mean of computed minus reported, ``spearman`` the rank correlation (None for
    fewer than four videos, or where all scores of one side are equal).
    """

    mae: Estimate
    bias: float
    spearman: float | None
    videos: int


def sensitivity(
    frames: Ints,
    times: Floats,
    probabilities: Floats,
    scores: Floats,
    membership: Bools,
    classes: Sequence[str],
    settings: Settings,
) -> Sensitivity:
    """Score a video under other reasonable choices.

    Parameters
    ----------
    frames : int array (S,)
        Number of each scored frame in the whole video, ascending.
    times : float array (S,)
        Seconds, ascending.
    probabilities : float array (S, C)
        Of each emotion; NaN rows in gaps.
    scores : float array (C,)
        Of each emotion.
    membership : bool array (C, K)
        Which class each emotion speaks for. *Without* a class means without the emotions that speak for it and for no
        other class, the probabilities of the rest divided by their sum.
    classes : sequence of str
        Names (K).
    settings : Settings
        What is set.

    Raises
    ------
    SpecError
        No frame has a score.
    """
    course = frame_scores(probabilities, scores)
    grid = _Grid(frames, times, course, settings)
    choices = [*grid.choices(), *_without(frames, times, probabilities, scores, membership, classes, settings)]
    found = [Choice(group, name, video, video - grid.video) for group, name, video in choices]
    videos = [grid.video, *(choice.video for choice in found)]
    grid_low, grid_high = np.quantile(grid.videos, BAND)
    return Sensitivity(tuple(found), min(videos), max(videos), float(grid_low), float(grid_high), grid.videos.size)


class _Grid:
    """Scores of all combinations: (smoothings, peaks, windows, parts), the set ones first on each axis."""

    def __init__(self, frames: Ints, times: Floats, course: Floats, settings: Settings) -> None:
        self.settings = settings
        self.smoothings = _first(settings.smoothing, SMOOTHINGS)
        self.peaks = _first(settings.peak, PEAKS)
        self.windows = WINDOW_FACTORS[2:3] + WINDOW_FACTORS[:2] + WINDOW_FACTORS[3:]  # 1, which changes nothing, first
        self.parts = _first(_rounded(settings.shares), [_rounded(parts) for parts in PARTS])
        present = np.isfinite(course)
        base = peak_end(frames, times, course, settings)  # refuses a course of gaps
        weights = [end_weights(frames, times, present, _window(settings, factor))[present] for factor in self.windows]
        ends, peaks = [], []
        for sigma in self.smoothings:
            smoothed = base.course if sigma == settings.smoothing else smooth(times, course, sigma)
            ends.append(np.stack(weights) @ smoothed[present])
            peaks.append([_peaks(smoothed, definition) for definition in self.peaks])
        end = np.array(ends)[:, None, :, None]  # (smoothings, 1, windows, 1)
        both = np.array(peaks)[:, :, None, None, :]  # (smoothings, peaks, 1, 1, 2)
        shares = np.array(self.parts)  # (parts, 3)
        self.videos: Floats = shares[:, 0] * end + shares[:, 1] * both[..., 0] + shares[:, 2] * both[..., 1]
        self.video = base.video

    def choices(self) -> Iterator[tuple[str, str, float]]:
        """Yield one choice at a time: group, name, score."""
        for place, sigma in enumerate(self.smoothings[1:], start=1):
            yield "smoothing", f"over {sigma:g} s" if sigma else "none", float(self.videos[place, 0, 0, 0])
        for place, definition in enumerate(self.peaks[1:], start=1):
            name = "mean of a twentieth" if definition == "robust" else "single frame"
            yield "peak", name, float(self.videos[0, place, 0, 0])
        for place, factor in enumerate(self.windows[1:], start=1):
            window = _window(self.settings, factor)
            size = f"{window.end_seconds:g} s" if window.end_seconds else f"{window.end_frames:g} frames"
            yield "end window", f"last {size}", float(self.videos[0, 0, place, 0])
        for place, parts in enumerate(self.parts[1:], start=1):
            yield "parts", " / ".join(f"{part:.2g}" for part in parts), float(self.videos[0, 0, 0, place])


def _first(own: _T, others: Sequence[_T]) -> tuple[_T, ...]:
    """Return the own value, and after it the others, save the one that is the same."""
    return own, *(other for other in others if other != own)


def _rounded(parts: tuple[float, float, float]) -> tuple[float, float, float]:
    return round(parts[0], 9), round(parts[1], 9), round(parts[2], 9)


def _window(settings: Settings, factor: float) -> Settings:
    return replace(settings, end_frames=settings.end_frames * factor, end_seconds=settings.end_seconds * factor)


def _peaks(course: Floats, definition: str) -> tuple[float, float]:
    """Return the earlier and the later peak of a course."""
    (high, highest), (low, lowest) = peak(course, definition), peak(-course, definition)
    return (high, -low) if highest <= lowest else (-low, high)


def _without(
    frames: Ints,
    times: Floats,
    probabilities: Floats,
    scores: Floats,
    membership: Bools,
    classes: Sequence[str],
    settings: Settings,
) -> Iterator[tuple[str, str, float]]:
    """Yield the score without each class in turn; a class is passed over where nothing remains to score with."""
    own = membership & (membership.sum(axis=1, keepdims=True) == 1)  # (C, K): speaks for this class only
    keep = (~own).astype(np.float64)
    values = np.asarray(probabilities, dtype=np.float64)
    mass = values @ keep  # (S, K)
    kept = values @ (keep * np.asarray(scores, dtype=np.float64)[:, None])
    with np.errstate(invalid="ignore", divide="ignore"):
        courses = np.where(mass > 0, kept / mass, np.nan)
    for place, name in enumerate(classes):
        if own[:, place].any() and keep[:, place].any() and np.isfinite(courses[:, place]).any():
            yield "without", name, peak_end(frames, times, courses[:, place], settings).video


def block_bootstrap(
    frames: Ints,
    times: Floats,
    scores: Floats,
    settings: Settings,
    resamples: int = RESAMPLES,
    seed: int = 0,
    scale: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """Estimate where the score of *another recording of the same course* would fall, with a moving-block bootstrap.

    The scores are divided into a smooth course (Gaussian, two seconds) and what remains, the noise from frame to frame.
    Blocks of three seconds of that noise, which keep its correlation over time, are put back onto the course in other
    places, and each such recording is scored.

    Parameters
    ----------
    frames, times, scores, settings
        As in :func:`workbench.methods.peak_end.peak_end`.
    resamples : int
        Recordings that are drawn, from 1.
    seed : int
        Equal seeds give equal intervals.
    scale : (float, float)
        Lowest and highest score there is; the interval is cut off there.

    Returns
    -------
    Estimate
        The video score and the interval, which always holds it. NaN ends where fewer than ten frames have a score.

    Raises
    ------
    SpecError
        No frame has a score, or ``resamples`` is below 1.

    Notes
    -----
    The interval says how far the score depends on which frames happened to be read how. It does not say how far the
    emotions that were read are right, nor the choices; see :func:`sensitivity`.

    It is *not* an interval for the score of a course without any noise. Peaks are extremes: noise lifts the highest and
    lowers the lowest frame, in every recording alike. Depending on the course, the interval held that score in 0 to
    100 % of the simulations below. Smoothing lessens it (85 to 100 % from 30 seconds of video on).

    A plain 95 % percentile interval is too narrow here, for the smooth course takes some of the noise along. So the
    ends are the 0.5th and the 99.5th percentile, and lie 1.25 times as far from the median (1.5 times where scores are
    smoothed; farther in short videos). ``python -m tests.benchmarks.bench_score_interval`` records five courses with
    noise that is correlated over up to 0.3 s, and measured that the interval then holds the score of another recording
    in 97 % of cases for 30 seconds of video, 99 % for 72, and 91 % for 3 (for the worst of the courses 90, 98 and 75 %;
    robust peaks and smoothing are alike, save 83 % for smoothed scores of 3 seconds). It is too narrow where the noise
    is as slow as the course, which cannot be told apart: 88, 92 and 80 % for noise over 1 s.

    The work is bounded: where frames times resamples exceed 20 million, groups of neighbouring frames stand for one, by
    the greatest, least and mean noise among them (by their middle frame where peaks are robust).
    """
    if resamples < 1:
        raise SpecError(f"resamples is {resamples}; it must be 1 or more")
    found = peak_end(frames, times, scores, settings)
    rows = np.flatnonzero(np.isfinite(found.course))
    if len(rows) < FEWEST:
        return Estimate(found.video, float("nan"), float("nan"))
    videos = _resampled(found.course[rows], times[rows], found.end_weights[rows], settings, resamples, seed)
    low, high = np.quantile(videos, QUANTILES)
    low, high = max(float(low), scale[0]), min(float(high), scale[1])
    return Estimate(found.video, min(low, found.video), max(high, found.video))


def _resampled(course: Floats, times: Floats, weights: Floats, settings: Settings, resamples: int, seed: int) -> Floats:
    """Return the video scores (R,) of recordings drawn from the P frames that have a score."""
    step = float(np.median(np.diff(times))) or 1.0
    seconds = max(BLOCK_SECONDS, 3 * settings.smoothing)
    smoothed = smooth(times, course, max(COURSE_SECONDS, 4 * step, 2 * settings.smoothing))
    noise = course - smoothed
    noise -= noise.mean()
    group = max(1, -(-len(course) * resamples // _WORK))  # frames that stand for one
    cells = _Cells(smoothed, noise, weights, group, settings.peak == "robust")
    block = min(max(1, round(seconds / (step * group))), max(1, len(cells) // 2))
    generator = np.random.default_rng(seed)
    shares, videos = settings.shares, []
    for drawn in _chunks(resamples, len(cells)):
        starts = generator.integers(0, len(cells) - block + 1, (drawn, -(-len(cells) // block)))
        order = (starts[:, :, None] + np.arange(block)).reshape(drawn, -1)[:, : len(cells)]
        end, earlier, later = cells.parts(order)
        videos.append(shares[0] * end + shares[1] * earlier + shares[2] * later)
    found = np.concatenate(videos)
    wider = (SMOOTHED_INFLATION if settings.smoothing else INFLATION) * np.sqrt(1 + seconds / (step * len(times)))
    middle = np.median(found)
    return np.asarray(middle + wider * (found - middle))


def _chunks(resamples: int, cells: int) -> Iterator[int]:
    """Yield how many resamples to draw at a time."""
    most = max(1, _CHUNK // cells)
    for start in range(0, resamples, most):
        yield min(most, resamples - start)


class _Cells:
    """Groups of neighbouring frames (single ones, unless there are very many) with their course and their noise."""

    def __init__(self, course: Floats, noise: Floats, weights: Floats, group: int, robust: bool) -> None:
        first = np.arange(0, len(course), group)
        sizes = np.diff(np.append(first, len(course)))
        middle = first + sizes // 2
        self.course = course[middle]
        self.weights = np.add.reduceat(weights, first)
        self.end = float(weights @ course)
        self.mean = np.add.reduceat(noise, first) / sizes
        self.tails = np.flatnonzero(self.weights > 1e-9)  # all that matters to the end score
        self.count = robust_count(len(first)) if robust else 0
        if robust or group == 1:
            self.greatest = self.least = noise[middle]
        else:
            self.greatest, self.least = np.maximum.reduceat(noise, first), np.minimum.reduceat(noise, first)

    def __len__(self) -> int:
        return len(self.course)

    def parts(self, order: Ints) -> tuple[Floats, Floats, Floats]:
        """Return end score, earlier and later peak, each (R,), with the noise of the groups ``order`` (R, G)."""
        end = self.end + self.mean[order[:, self.tails]] @ self.weights[self.tails]
        upper = self.course + self.greatest[order]
        lower = upper if self.greatest is self.least else self.course + self.least[order]
        high, highest = self._peak(-upper)
        low, lowest = self._peak(lower)
        first = highest <= lowest
        return end, np.where(first, -high, low), np.where(first, low, -high)

    def _peak(self, values: Floats) -> tuple[Floats, Ints]:
        """Return the low peak and its place in each row of ``values`` (R, G)."""
        if not self.count:
            places = values.argmin(axis=1)
            return values[np.arange(len(values)), places], places
        lowest = np.sort(np.argpartition(values, self.count - 1, axis=1)[:, : self.count], axis=1)
        return np.take_along_axis(values, lowest, 1).mean(axis=1), lowest[:, (self.count - 1) // 2]


def agreement(reported: Floats, computed: Floats, seed: int = 0) -> Agreement:
    """Compare computed video scores with those that people reported.

    Parameters
    ----------
    reported, computed : float array (V,)
        Scores of the same videos, on the same scale.
    seed : int
        Of the bootstrap over videos.

    Raises
    ------
    SpecError
        There is no video, or a score is NaN or infinite.
    """
    reported, computed = np.asarray(reported, dtype=np.float64), np.asarray(computed, dtype=np.float64)
    if reported.shape != computed.shape or reported.ndim != 1:
        raise ValueError(f"reported {reported.shape} and computed {computed.shape} must both be (V,)")
    if not len(reported):
        raise SpecError("no video has both a reported and a computed score; there is nothing to compare")
    error = computed - reported
    if not np.isfinite(error).all():
        raise SpecError(f"the scores of video {int(np.flatnonzero(~np.isfinite(error))[0])} are not both numbers")
    size = np.abs(error)
    mae = Estimate(float(size.mean()), float("nan"), float("nan"))
    if len(size) > 1:
        drawn = np.random.default_rng(seed).integers(0, len(size), (_AGREEMENT_RESAMPLES, len(size)))
        mae = estimate(mae.value, size[drawn].mean(axis=1))
    ranked = len(size) >= 4 and np.ptp(reported) > 0 and np.ptp(computed) > 0
    spearman = float(spearmanr(reported, computed).statistic) if ranked else None
    return Agreement(mae, float(error.mean()), spearman, len(size))
