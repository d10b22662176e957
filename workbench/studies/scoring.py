"""A stored video score: every part of it can be read, and scored again with other scores, without a model."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from workbench.data.concepts import MAX_SCORE, MIN_SCORE
from workbench.data.video_library import videos_dir
from workbench.errors import SpecError
from workbench.methods.bootstrap import Estimate
from workbench.methods.peak_end import PeakEnd, Settings, frame_scores, peak_end, without
from workbench.methods.score_evidence import Choice, Sensitivity, block_bootstrap, sensitivity
from workbench.methods.shapes import Bools, Floats, Ints
from workbench.specs import ScoreSpec
from workbench.store import Artifact, Store
from workbench.studies.embed import list_matrix
from workbench.studies.scorers import Vocabulary

KIND = "score"
TABLE_KIND = "score-table"


def settings_of(spec: ScoreSpec) -> Settings:
    """Return how a spec turns frame scores into a video score."""
    return Settings(spec.end_frames, spec.end_seconds, spec.part_weights, spec.peak, spec.smoothing)


def fold(probabilities: Floats, membership: Bools) -> Floats:
    """Sum the probabilities ``(S, C)`` of each class's names, divided by their total: ``(S, K)``; NaN stays NaN."""
    sums = np.asarray(probabilities, dtype=np.float64) @ membership
    total = sums.sum(axis=1, keepdims=True)
    return np.asarray(sums / np.where(total > 0, total, np.nan))


@dataclass(frozen=True)
class Rescored:
    """A score computed again from stored probabilities.

    Parameters
    ----------
    course : float64 array (S,)
        Frame scores, not smoothed; NaN in gaps.
    class_probabilities : float64 array (S, K)
        NaN in gaps.
    result : PeakEnd
        The video score and its parts.
    settings : Settings
        How it was made.
    """

    course: Floats
    class_probabilities: Floats
    result: PeakEnd
    settings: Settings


class VideoScore:
    """The stored score of a video by one model; arrays have a row for each scored frame (S)."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @cached_property
    def spec(self) -> ScoreSpec:
        """What was asked for."""
        known = {field.name for field in fields(ScoreSpec)}
        return ScoreSpec(**{name: value for name, value in self.artifact.spec.items() if name in known})

    @property
    def _summary(self) -> dict[str, Any]:
        return dict(self.artifact.manifest["summary"])

    @property
    def video(self) -> dict[str, Any]:
        """Facts of the file: ``name``, ``digest``, ``width``, ``height``, ``duration`` (s), ``rate``, ``codec``, ..."""
        return dict(self._summary["video"])

    @property
    def model(self) -> str:
        """What scored it."""
        return str(self._summary["model"])

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the score must know: faults, gaps, people that change, words never seen, ..."""
        return tuple(self._summary["notes"])

    @property
    def fault(self) -> dict[str, Any] | None:
        """Where reading ended before the file's end, and why: ``time``, ``frame``, ``message``."""
        fault = self._summary["fault"]
        return None if fault is None else dict(fault)

    @property
    def tracks(self) -> list[dict[str, Any]]:
        """Every person followed: ``track``, ``frames`` (scored), ``first`` and ``last`` (s), ``size`` (mean side)."""
        return [dict(track) for track in self._summary["tracks"]]

    @cached_property
    def _table(self) -> dict[str, np.ndarray]:
        table = self.artifact.table()
        columns = {name: table[name].to_numpy() for name in ("frame", "time", "track", "confidence")}
        columns |= {name: list_matrix(table, name) for name in ("box", "probabilities")}
        for values in columns.values():
            values.flags.writeable = False
        return columns

    @property
    def frames(self) -> Ints:
        """Number of each scored frame in the video, int64 ``(S,)``."""
        return self._table["frame"]

    @property
    def times(self) -> Floats:
        """Seconds since the video's beginning, float64 ``(S,)``."""
        return self._table["time"]

    @property
    def track(self) -> Ints:
        """Whose face was scored, int64 ``(S,)``; -1 in gaps."""
        return self._table["track"]

    @property
    def present(self) -> Bools:
        """Whether the frame shows the face, bool ``(S,)``."""
        return np.asarray(self.track >= 0)

    @property
    def box(self) -> Floats:
        """Left, top, width, height as shares of the frame, float32 ``(S, 4)``; NaN in gaps."""
        return self._table["box"]

    @property
    def confidence(self) -> Floats:
        """Of the detection, float32 ``(S,)``, 0..1; NaN in gaps and where the box lies between two detections."""
        return self._table["confidence"]

    @property
    def names(self) -> tuple[str, ...]:
        """The words, or a network's classes, in the order of columns (C)."""
        return tuple(self._summary["names"])

    @property
    def classes(self) -> tuple[str, ...]:
        """The broad classes (K)."""
        return tuple(self._summary["classes"])

    @cached_property
    def membership(self) -> Bools:
        """Which name speaks for which class, bool ``(C, K)``."""
        return np.array(self._summary["membership"], dtype=bool).reshape(len(self.names), len(self.classes))

    @cached_property
    def scores(self) -> Floats:
        """Score of each name, float64 ``(C,)``, 1..5."""
        return np.array(self._summary["scores"], dtype=np.float64)

    @property
    def probabilities(self) -> Floats:
        """Of each name in each frame, float32 ``(S, C)``; NaN in gaps."""
        return self._table["probabilities"]

    @property
    def settings(self) -> Settings:
        """How frame scores became the video score."""
        return settings_of(self.spec)

    @cached_property
    def own(self) -> Rescored:
        """The score as it was asked for."""
        return self.rescored()

    @property
    def course(self) -> Floats:
        """Frame scores, float64 ``(S,)``; NaN in gaps."""
        return self.own.course

    @property
    def class_probabilities(self) -> Floats:
        """Of each broad class in each frame, float64 ``(S, K)``; NaN in gaps."""
        return self.own.class_probabilities

    @property
    def result(self) -> PeakEnd:
        """The video score and its parts."""
        return self.own.result

    @cached_property
    def sensitivity(self) -> Sensitivity:
        """How far the score moves over reasonable choices."""
        values = self._summary["sensitivity"]
        return Sensitivity(**{**values, "choices": tuple(Choice(**choice) for choice in values["choices"])})

    @cached_property
    def interval(self) -> Estimate:
        """The video score with its block-bootstrap interval over time; NaN ends where the frames are too few."""
        ends = {name: np.nan if value is None else value for name, value in self._summary["interval"].items()}
        return Estimate(**ends)

    def rescored(
        self, scores: Floats | None = None, keep: Bools | None = None, settings: Settings | None = None
    ) -> Rescored:
        """Score again, from the stored probabilities.

        Parameters
        ----------
        scores : float array (C,), optional
            Other scores of the names.
        keep : bool array (C,), optional
            The names that stay; the others' probabilities are left out and the rest divided by their sum, which is
            what a softmax without them gives.
        settings : Settings, optional
            Other weights, windows, ...

        Raises
        ------
        SpecError
            No name is kept, there is not one entry a name, or the score of a kept name is not 1 to 5.
        """
        scores, keep = self._choices(scores, keep)
        probabilities = self.probabilities if keep.all() else without(self.probabilities, keep)
        course = frame_scores(probabilities, scores)
        settings = settings or self.settings
        result = peak_end(self.frames, self.times, course, settings)
        return Rescored(course, fold(probabilities, self.membership), result, settings)

    def evidence(
        self, scores: Floats | None = None, keep: Bools | None = None, settings: Settings | None = None
    ) -> tuple[Sensitivity, Estimate]:
        """Return sensitivity and interval of :meth:`rescored` with the same arguments."""
        scores, keep = self._choices(scores, keep)
        probabilities = self.probabilities if keep.all() else without(self.probabilities, keep)
        names = tuple(name for name, kept in zip(self.names, keep, strict=True) if kept)
        kept = Vocabulary(names, self.classes, self.membership[keep], scores[keep])
        return evidence(self.frames, self.times, probabilities[:, keep], kept, settings or self.settings, self.spec)

    def _choices(self, scores: Floats | None, keep: Bools | None) -> tuple[Floats, Bools]:
        """Return scores and kept names as arrays of one entry a name; the score of a name left out does not count."""
        names = len(self.names)
        kept = np.ones(names, dtype=bool) if keep is None else np.asarray(keep, dtype=bool)
        values = self.scores if scores is None else np.asarray(scores, dtype=np.float64)
        if kept.shape != (names,) or values.shape != (names,):
            raise SpecError(f"scores and keep take one entry for each of the {names} names, from {self.names[0]!r} on")
        wrong = np.flatnonzero(kept & ~((values >= MIN_SCORE) & (values <= MAX_SCORE)))
        if len(wrong):
            name, value = self.names[wrong[0]], values[wrong[0]]
            raise SpecError(f"the score of {name!r} is {value:g}; it must be {MIN_SCORE:g} to {MAX_SCORE:g}")
        return np.where(kept, values, MIN_SCORE), kept


def evidence(
    frames: Ints, times: Floats, probabilities: Floats, vocabulary: Vocabulary, settings: Settings, spec: ScoreSpec
) -> tuple[Sensitivity, Estimate]:
    """Return how far a video score moves over reasonable choices, and its interval over time."""
    moved = sensitivity(
        frames, times, probabilities, vocabulary.scores, vocabulary.membership, vocabulary.classes, settings
    )
    course = frame_scores(probabilities, vocabulary.scores)
    interval = block_bootstrap(frames, times, course, settings, spec.resamples, spec.seed, scale=(MIN_SCORE, MAX_SCORE))
    return moved, interval


def evidence_values(moved: Sensitivity, interval: Estimate) -> dict[str, Any]:
    """Return sensitivity and interval as JSON values; an end of the interval that cannot be had is None."""
    choices = [choice._asdict() for choice in moved.choices]
    ends = {name: value if np.isfinite(value) else None for name, value in interval._asdict().items()}
    return {"sensitivity": {**vars(moved), "choices": choices}, "interval": ends}


def open_score(artifact: Artifact) -> VideoScore:
    """Open a stored score."""
    return VideoScore(artifact)


def source_of(score: VideoScore, store: Store, place: Path | None = None) -> Path | None:
    """Return the scored file where it is to be had: at ``place``, among the videos by its name, or where it was."""
    from workbench.data.video import digest_of

    places: list[Path] = [] if place is None else [place]
    places += [videos_dir(store) / score.video["name"], Path(str(score.artifact.summary["path"]))]
    for path in places:
        try:
            alike = path.is_file() and path.stat().st_size == score.video["size"]
            if alike and digest_of(path)[0] == score.video["digest"]:
                return path
        except OSError:
            continue
    return None


class ScoreTable:
    """Videos and models side by side, against the scores that people gave."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row a video and model: ``video``, ``model``, ``reported``, ``computed``, ``error``, ``score``, ``problem``.

        ``score`` names the stored score; ``reported``, ``computed`` and ``error`` are None where there is none, and
        ``problem`` then says why.
        """
        return [dict(row) for row in self.artifact.manifest["summary"]["rows"]]

    @property
    def models(self) -> list[dict[str, Any]]:
        """A row a model: ``model``, ``videos`` (with a rating), ``mae``, ``low``, ``high``, ``bias`` and ``rank``.

        The last is Spearman's correlation; what cannot be had is None.
        """
        return [dict(row) for row in self.artifact.manifest["summary"]["models"]]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know."""
        return tuple(self.artifact.manifest["summary"]["notes"])


def open_score_table(artifact: Artifact) -> ScoreTable:
    """Open a stored table of scores."""
    return ScoreTable(artifact)
