"""The score of a video: frame scores, and the peak-end rule over them.

A *frame score* is the mean score of the emotions, weighted by their probabilities. The *video score* is a weighted sum
of three numbers: the *end score* (the last frames), the *earlier peak* and the *later peak* (the highest and the lowest
frame score, in the order in which they occur). A frame without the chosen face is a *gap*: its score is NaN, it has no
weight in anything, and it is never taken for neutral.

References
----------
The customer-satisfaction study of 2023 for the weights 0.5, 0.1, 0.4 and the end score's softmax over frames.
Kahneman, Fredrickson, Schreiber & Redelmeier, When More Pain Is Preferred to Less, 1993, for the peak-end rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workbench.errors import SpecError, unknown_name
from workbench.methods.shapes import Bools, Floats, Ints

END_SHARE = 0.95
"""Share of the end score's weight that its window carries."""
ROBUST_SHARE = 0.05
"""Share of the frames whose mean is a robust peak."""
TIE = 1e-9
"""Scores that lie no further apart than this are equal; the first of them is taken."""
_REACH = 4.0  # standard deviations after which the smoothing kernel is cut off
_DIRECT = 5_000_000  # pairs of frames up to which smoothing is exact
_FINE = 32  # grid steps a standard deviation, where it is not
_GRID = 1 << 25  # most steps of that grid


@dataclass(frozen=True)
class Settings:
    """How frame scores become a video score.

    Parameters
    ----------
    end_frames : float
        So many last frames (of the video, scored or not) carry 95 % of the end score's weight; above 0.
    end_seconds : float
        The same in seconds, which does not depend on the frame rate; 0 goes by ``end_frames``.
    parts : (float, float, float)
        Weights of end score, earlier peak and later peak, each 0 or more; divided by their sum.
    peak : str
        ``"extreme"``: the single highest and lowest frame. ``"robust"``: the mean of the highest and of the lowest
        twentieth of the scored frames (at least one).
    smoothing : float
        Standard deviation in seconds of a Gaussian over time, laid over the scores before all else; 0 is none.

    Raises
    ------
    SpecError
        A value is out of its range.
    """

    end_frames: float = 40.0
    end_seconds: float = 0.0
    parts: tuple[float, float, float] = (0.5, 0.1, 0.4)
    peak: str = "extreme"
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.end_frames) and self.end_frames > 0):
            raise SpecError(f"end_frames is {self.end_frames:g}; it must be a number above 0, such as 40")
        for name in ("end_seconds", "smoothing"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise SpecError(f"{name} is {value:g}; it must be a number of seconds from 0 on")
        if self.peak not in ("extreme", "robust"):
            raise unknown_name("peak", self.peak, ("extreme", "robust"))
        if len(self.parts) != 3 or not all(math.isfinite(part) and part >= 0 for part in self.parts):
            raise SpecError(f"parts is {self.parts}; it takes three numbers from 0 on: end, earlier peak, later peak")
        if sum(self.parts) <= 0:
            raise SpecError("parts are all 0; at least one of end, earlier peak and later peak needs a weight")

    @property
    def shares(self) -> tuple[float, float, float]:
        """Weights of end score, earlier peak and later peak; they sum to 1."""
        total = sum(self.parts)
        return self.parts[0] / total, self.parts[1] / total, self.parts[2] / total


@dataclass(frozen=True)
class PeakEnd:
    """A video score and what it is made of.

    Parameters
    ----------
    video : float
        The video score, on the scale of the emotions' scores.
    end, earlier, later : float
        End score, earlier peak, later peak: ``video = shares[0] * end + shares[1] * earlier + shares[2] * later``.
    earlier_row, later_row : int
        Rows of the two peaks, in time's order; equal where all scores are equal.
    highest_row, lowest_row : int
        The same two rows: that of the high peak and that of the low peak. Of a robust peak it is the middle one in
        time of the frames whose mean is taken.
    mean, median : float
        Of the frame scores as they are, not smoothed; gaps left out.
    low, high : float
        The low and the high peak.
    end_weights : float64 array (S,)
        What each frame weighs in the end score; they sum to 1, 0 in gaps.
    course : float64 array (S,)
        The scores that were judged: smoothed where that was asked for; NaN in gaps.
    """

    video: float
    end: float
    earlier: float
    later: float
    earlier_row: int
    later_row: int
    highest_row: int
    lowest_row: int
    mean: float
    median: float
    low: float
    high: float
    end_weights: Floats
    course: Floats


def frame_scores(probabilities: Floats, scores: Floats) -> Floats:
    """Return each frame's score, float64 ``(S,)``: probabilities times scores, summed.

    Parameters
    ----------
    probabilities : float array (S, C)
        Of each emotion in each frame; rows sum to 1, and are NaN in gaps, where the score is NaN too.
    scores : float array (C,)
        Score of each emotion, for example 1 (least satisfied) to 5 (most).
    """
    return np.asarray(np.asarray(probabilities, dtype=np.float64) @ np.asarray(scores, dtype=np.float64))


def without(probabilities: Floats, keep: Bools) -> Floats:
    """Leave emotions out: their probabilities become 0, and those of the others are divided by their sum.

    Parameters
    ----------
    probabilities : float array (S, C)
        As in :func:`frame_scores`.
    keep : bool array (C,)
        The emotions that stay.

    Returns
    -------
    float64 array (S, C)
        NaN in gaps, and in frames where the kept emotions have no probability at all: they say nothing about them.

    Raises
    ------
    SpecError
        None is kept.
    """
    if not keep.any():
        raise SpecError("every emotion is left out; keep at least one to score with")
    kept = np.where(keep, np.asarray(probabilities, dtype=np.float64), 0.0)
    kept[np.isnan(probabilities).any(axis=1)] = np.nan
    total = kept.sum(axis=1, keepdims=True)
    return kept / np.where(total > 0, total, np.nan)


def durations(times: Floats) -> Floats:
    """Return the time each frame stands for, in seconds, float64 ``(S,)``: half way to its neighbours.

    The first and the last frame stand for as much beyond them as before them. Above 0 everywhere, also where times are
    equal; 1 for a single frame.
    """
    times = np.asarray(times, dtype=np.float64)
    if len(times) < 2 or times[-1] <= times[0]:
        return np.ones(len(times))
    steps = np.diff(times)
    spans = np.concatenate([steps[:1], (steps[:-1] + steps[1:]) / 2, steps[-1:]])
    return np.asarray(np.maximum(spans, 1e-9 * (times[-1] - times[0])))


def end_weights(frames: Ints, times: Floats, present: Bools, settings: Settings) -> Floats:
    """Return what each frame weighs in the end score: they sum to 1 and are 0 in gaps.

    Parameters
    ----------
    frames : int array (S,)
        Number of each scored frame in the whole video, ascending, so that scoring every n-th frame keeps the window.
    times : float array (S,)
        Seconds, ascending.
    present : bool array (S,)
        Whether the frame has a score; at least one has.
    settings : Settings
        The window: N frames (or seconds) give a softmax of frame number (or time) over N / ln 20, of which the last N
        carry 95 %. In seconds a frame's weight is multiplied by the time it stands for, so that the sampling does not
        matter.

    Notes
    -----
    The weights fall from the last frame *with* a score: if the face leaves early, the end is where it was last seen.
    """
    by_time = settings.end_seconds > 0
    place = np.asarray(times if by_time else frames, dtype=np.float64)
    window = settings.end_seconds if by_time else settings.end_frames
    back = place - place[np.flatnonzero(present)[-1]]  # 0 at the last frame with a score, below 0 before it
    weights = np.exp(np.minimum(back, 0.0) * -math.log(1 - END_SHARE) / window) * present
    if by_time:
        weights *= durations(times)
    return np.asarray(weights / weights.sum())


def smooth(times: Floats, scores: Floats, sigma: float) -> Floats:
    """Smooth scores with a Gaussian over time, float64 ``(S,)``.

    Parameters
    ----------
    times : float array (S,)
        Seconds, ascending; they need not be regular: a frame lends in proportion to the time it stands for.
    scores : float array (S,)
        NaN in gaps, which stay gaps and lend nothing.
    sigma : float
        Standard deviation in seconds; 0 changes nothing. The kernel is cut off at four of them.

    Notes
    -----
    Exact up to 5 million pairs of frames. Beyond, frames are laid on a grid of sigma / 32 and smoothed there by FFT,
    which agrees with the exact result within a thousandth of the scores' spread.
    """
    scores = np.asarray(scores, dtype=np.float64)
    times = np.asarray(times, dtype=np.float64)
    present = np.isfinite(scores)
    if sigma <= 0 or present.sum() < 2:
        return scores.copy()
    weights = durations(times)[present]
    level = scores[present].mean()  # taken off and added again, so that a constant course stays constant
    moment = times[present]
    ends = np.searchsorted(moment, moment + _REACH * sigma, side="right")
    reach = int((ends - np.arange(len(moment))).max())  # frames within the kernel, on one side
    few = reach * len(moment) <= _DIRECT or moment[-1] - moment[0] > sigma / _FINE * _GRID
    run = _smooth_exactly if few else _smooth_on_grid
    smoothed = np.full(len(scores), np.nan)
    smoothed[present] = level + run(moment, scores[present] - level, weights, sigma)
    return smoothed


def peak_end(frames: Ints, times: Floats, scores: Floats, settings: Settings) -> PeakEnd:
    """Apply the peak-end rule to a video's frame scores.

    Parameters
    ----------
    frames : int array (S,)
        Number of each scored frame in the whole video, ascending.
    times : float array (S,)
        Seconds, ascending.
    scores : float array (S,)
        Frame scores; NaN in gaps.
    settings : Settings
        How.

    Raises
    ------
    SpecError
        No frame has a score.

    Notes
    -----
    Of equal scores the first is the peak.
    """
    scores = np.asarray(scores, dtype=np.float64)
    present = np.isfinite(scores)
    if not present.any():
        raise SpecError(f"none of the {len(scores):,} scored frames shows the chosen face; there is nothing to score")
    course = smooth(times, scores, settings.smoothing)
    weights = end_weights(frames, times, present, settings)
    end = float(weights[present] @ course[present])
    high, highest = peak(course, settings.peak)
    low, lowest = peak(-course, settings.peak)
    low = -low
    (earlier_row, earlier), (later_row, later) = sorted([(highest, high), (lowest, low)], key=lambda found: found[0])
    shares = settings.shares
    return PeakEnd(
        video=shares[0] * end + shares[1] * earlier + shares[2] * later,
        end=end,
        earlier=earlier,
        later=later,
        earlier_row=earlier_row,
        later_row=later_row,
        highest_row=highest,
        lowest_row=lowest,
        mean=float(scores[present].mean()),
        median=float(np.median(scores[present])),
        low=low,
        high=high,
        end_weights=weights,
        course=course,
    )


def peak(course: Floats, definition: str) -> tuple[float, int]:
    """Return the high peak of a course and its row; the low peak is that of the negated course.

    Parameters
    ----------
    course : float array (S,)
        NaN in gaps; at least one frame is none.
    definition : str
        See :attr:`Settings.peak`.
    """
    rows = np.flatnonzero(np.isfinite(course))
    values = course[rows]
    if definition == "extreme":
        place = int(np.argmax(values >= values.max() - TIE))
        return float(values[place]), int(rows[place])
    count = robust_count(len(values))
    order = np.argsort(-np.round(values / TIE), kind="stable")[:count]
    middle = np.sort(order)[(count - 1) // 2]
    return float(values[order].mean()), int(rows[middle])


def robust_count(frames: int) -> int:
    """Return how many of so many scored frames make a robust peak: a twentieth of them, at least one."""
    return max(1, math.ceil(frames * ROBUST_SHARE - TIE))


def _smooth_exactly(times: Floats, values: Floats, weights: Floats, sigma: float) -> Floats:
    """Return the kernel mean at each frame, distance by distance: ``(P,)`` of P frames with a score."""
    total = weights * values
    mass = weights.copy()
    for step in range(1, len(times)):
        apart = (times[step:] - times[:-step]) / sigma
        if apart.min() > _REACH:
            break
        kernel = np.where(apart <= _REACH, np.exp(-0.5 * apart**2), 0.0)
        total[step:] += kernel * (weights * values)[:-step]
        total[:-step] += kernel * (weights * values)[step:]
        mass[step:] += kernel * weights[:-step]
        mass[:-step] += kernel * weights[step:]
    return np.asarray(total / mass)


def _smooth_on_grid(times: Floats, values: Floats, weights: Floats, sigma: float) -> Floats:
    """Return the same from a regular grid, each frame shared between the two grid points beside it."""
    place = (times - times[0]) * (_FINE / sigma)
    left = np.floor(place).astype(np.int64)
    share = place - left
    points = int(left[-1]) + 2
    reach = int(_REACH * _FINE)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _FINE) ** 2)
    length = 1 << (points + 2 * reach).bit_length()
    spectrum = np.fft.rfft(kernel, length)

    def spread(masses: Floats) -> Floats:
        grid = np.bincount(left, masses * (1 - share), points) + np.bincount(left + 1, masses * share, points)
        smoothed = np.fft.irfft(np.fft.rfft(grid, length) * spectrum, length)[reach : reach + points]
        return np.asarray(smoothed[left] * (1 - share) + smoothed[left + 1] * share)

    return spread(weights * values) / spread(weights)
