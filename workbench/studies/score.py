"""Score videos: emotion probabilities times scores, frame by frame, and the peak-end rule over the frames."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from PIL import Image

from workbench.data.concepts import ConceptSet, load_concept_set, save_concept_set
from workbench.data.detectors import detector
from workbench.data.face_tracks import WHOLE, Box, crop
from workbench.data.video import Frame
from workbench.data.video_library import find_video
from workbench.files import disk_errors
from workbench.methods.peak_end import PeakEnd, frame_scores, peak_end
from workbench.methods.shapes import Bools, Floats
from workbench.progress import SILENT, Progress
from workbench.specs import ScoreSpec
from workbench.specs.video import LARGEST, TRACK_PREFIX
from workbench.specs.video import WHOLE as WHOLE_FRAME
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.embed import list_column
from workbench.studies.footage import KIND as FOOTAGE
from workbench.studies.footage import Course, Footage, record_footage
from workbench.studies.scorers import Vocabulary, changed_scores, open_scorer
from workbench.studies.scoring import KIND, ScoreTable, VideoScore, evidence, evidence_values, fold, settings_of

if TYPE_CHECKING:
    from workbench.studies.scorers import Scorer

ROWS = 4096
"""Frames in one stored part."""


def score(spec: ScoreSpec, store: Store, progress: Progress = SILENT) -> VideoScore | ScoreTable:
    """Score a video with a model; a folder, several models or reported scores give a table of them.

    Raises
    ------
    InputError
        The video, the folder or the ratings cannot be used.
    SpecError, ConceptSetError, ModelError
        Model, concept set, detector or track do not exist or do not fit.
    Cancelled
        Stopped by ``progress``; what was encoded so far is kept.
    """
    path = find_video(store, spec.video)
    if path.is_dir() or len(spec.models) > 1 or spec.reported:
        from workbench.studies.score_table import score_table

        return score_table(spec, path, store, progress)
    return score_video(spec, path, store, progress)


def score_video(
    spec: ScoreSpec, path: Path, store: Store, progress: Progress = SILENT, scorer: Scorer | None = None
) -> VideoScore:
    """Score one video with one model; see :func:`score`."""
    concepts = load_concept_set(spec.concepts)
    scorer = scorer or open_scorer(spec.models[0], spec.weights, store, progress)
    vocabulary = changed_scores(scorer.vocabulary(concepts, store, progress), spec.score_changes)
    footage = record_footage(path, spec, scorer, store, progress)
    return _stored(_Asked(spec, path, footage, scorer, concepts, vocabulary), store, progress)


def added_words(found: VideoScore, concepts: ConceptSet, store: Store, progress: Progress = SILENT) -> VideoScore:
    """Score a video again with other words, from its stored faces: only texts are encoded, the file is not needed.

    The concept set is kept in the workspace's ``concept_sets`` folder, so that the score can be made again.

    Raises
    ------
    SpecError, ModelError, StoreError
        The words have no scores, the model cannot be loaded, or the encoded faces are gone.
    """
    folder = store.root / "concept_sets"
    file = folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', concepts.name)[:60]}-{concepts.fingerprint[:8]}.yaml"
    if not file.exists():
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        save_concept_set(file, concepts)
    spec = replace(found.spec, concepts=str(file), scores="")
    footage = Footage(store.artifact(FOOTAGE, found.artifact.summary["footage"]), found.video["name"])
    scorer = open_scorer(spec.models[0], spec.weights, store, progress)
    vocabulary = scorer.vocabulary(concepts, store, progress)
    path = Path(str(found.artifact.summary["path"]))
    return _stored(_Asked(spec, path, footage, scorer, concepts, vocabulary), store, progress)


@dataclass(frozen=True)
class _Asked:
    """All that a score is made from."""

    spec: ScoreSpec
    path: Path
    footage: Footage
    scorer: Scorer
    concepts: ConceptSet
    vocabulary: Vocabulary

    @property
    def key(self) -> ArtifactKey:
        content = {
            "video": self.footage.name,
            "footage": self.footage.artifact.name,
            "faces": self.spec.faces,
            "concepts": self.concepts.fingerprint,
            "scores": self.vocabulary.scores.tolist(),
            "settings": asdict(settings_of(self.spec)),
            "resamples": self.spec.resamples,
            "seed": self.spec.seed,
        }
        model = self.scorer.model.rpartition("/")[2]
        return ArtifactKey(KIND, f"{Path(self.footage.name).stem}-{model}-{self.concepts.name}", content)


def _stored(asked: _Asked, store: Store, progress: Progress) -> VideoScore:
    def compute(build: Build) -> Artifact:
        progress.step(f"score {asked.footage.name} with {asked.scorer.model}")
        return _score(build, asked)

    return VideoScore(store.find_or_build(asked.key, asked.spec.to_dict(), compute, progress))


def _score(build: Build, asked: _Asked) -> Artifact:
    spec, footage, scorer, vocabulary = asked.spec, asked.footage, asked.scorer, asked.vocabulary
    course = footage.course(spec.faces)
    probabilities = _probabilities(asked, course.present)
    settings = settings_of(spec)
    result = peak_end(course.frames, course.times, frame_scores(probabilities, vocabulary.scores), settings)
    moved, interval = evidence(course.frames, course.times, probabilities, vocabulary, settings, spec)
    for part, first in enumerate(range(0, len(course.frames), ROWS)):
        build.write_table(part, _rows(course, probabilities, slice(first, first + ROWS)))
    summary = {
        "video": footage.video,
        "path": str(asked.path.resolve()),
        "model": scorer.model,
        "concept_set": spec.concepts,
        "footage": footage.artifact.name,
        "names": list(vocabulary.names),
        "classes": list(vocabulary.classes),
        "membership": vocabulary.membership.tolist(),
        "scores": vocabulary.scores.tolist(),
        "frames": len(course.frames),
        "gaps": int((~course.present).sum()),
        "tracks": footage.tracks,
        "fault": footage.fault,
        "result": numbers_of(result, course),
        **evidence_values(moved, interval),
        "notes": [*_notes(footage, course, spec), *vocabulary.notes, *scorer.notes],
    }
    return build.finish(summary)


def _probabilities(asked: _Asked, present: Bools) -> Floats:
    """Return float32 ``(S, C)``, NaN in gaps."""
    found = np.full((len(present), len(asked.vocabulary.names)), np.nan, dtype=np.float32)
    rows = np.flatnonzero(present)
    done = 0
    for outputs in asked.footage.outputs(asked.spec.faces):
        found[rows[done : done + len(outputs)]] = asked.scorer.probabilities(outputs, asked.vocabulary)
        done += len(outputs)
    return found


def _rows(course: Course, probabilities: Floats, rows: slice) -> pa.Table:
    return pa.table(
        {
            "frame": course.frames[rows],
            "time": course.times[rows],
            "track": course.track[rows],
            "confidence": course.confidence[rows],
            "box": list_column(course.box[rows]),
            "probabilities": list_column(probabilities[rows]),
        }
    )


def numbers_of(result: PeakEnd, course: Course) -> dict[str, Any]:
    """Return a result as plain numbers, its peaks with frame and time."""

    def at(row: int) -> dict[str, Any]:
        return {"frame": int(course.frames[row]), "time": float(course.times[row])}

    return {
        "video": result.video,
        "end": result.end,
        "earlier": {"score": result.earlier, **at(result.earlier_row)},
        "later": {"score": result.later, **at(result.later_row)},
        "highest": {"score": result.high, **at(result.highest_row)},
        "lowest": {"score": result.low, **at(result.lowest_row)},
        "mean": result.mean,
        "median": result.median,
    }


def _notes(footage: Footage, course: Course, spec: ScoreSpec) -> list[str]:
    notes = []
    name, fault = footage.name, footage.fault
    if fault is not None:
        notes.append(f"{name}: {fault['message']}; it is scored up to there")
    gaps = int((~course.present).sum())
    if gaps:
        total = len(course.frames)
        notes.append(
            f"{gaps:,} of {total:,} scored frames ({gaps / total:.0%}) do not show the face: gaps, not neutral"
        )
    shown = np.flatnonzero(course.present)
    silence = float(course.times[-1] - course.times[shown[-1]])
    if silence > 1:
        notes.append(
            f"the face is not seen in the last {silence:.1f} s: the end score is that of the frames up to "
            f"{course.times[shown[-1]]:.1f} s"
        )
    tracks = np.unique(course.track[course.present])
    if spec.faces == LARGEST and len(tracks) > 1:
        listed = ", ".join(f"{TRACK_PREFIX}{track}" for track in tracks[:8]) + (" ..." if len(tracks) > 8 else "")
        notes.append(
            f"the largest face is not one track throughout: {listed} (another person, or one who was away for "
            "over a second); a single one can be chosen with faces"
        )
    if len(shown) < 10:
        frames = "1 frame was" if len(shown) == 1 else f"{len(shown)} frames were"
        notes.append(f"only {frames} scored: the peaks and the end are nearly the same frames")
    return notes


@dataclass(frozen=True)
class PictureScore:
    """What one picture shows.

    Parameters
    ----------
    picture : Image
        What was encoded: the face, cut out as of a video's frame, or the whole picture where that was asked for.
    box : tuple of float or None
        Left, top, width and height of the face as shares of the picture; ``None`` for a whole picture.
    names, classes : tuple of str
        See :class:`workbench.studies.scorers.Vocabulary`.
    probabilities, class_probabilities : float arrays (C,) and (K,)
        Each sums to 1.
    scores : float64 array (C,)
        Score of each name.
    score : float
        Probabilities times scores, 1..5.
    notes : tuple of str
        What a reader must know.
    """

    picture: Image.Image
    box: tuple[float, float, float, float] | None
    names: tuple[str, ...]
    classes: tuple[str, ...]
    probabilities: Floats
    class_probabilities: Floats
    scores: Floats
    score: float
    notes: tuple[str, ...]


def score_picture(picture: Image.Image, spec: ScoreSpec, scorer: Scorer, store: Store) -> PictureScore | None:
    """Score the largest face of a picture, or return None where no face is found; nothing of the picture is stored.

    Parameters
    ----------
    picture : Image
        Any size and mode.
    spec : ScoreSpec
        Concept set, scores, faces (``whole`` for no detection), detector, margin and colour count.
    scorer : Scorer
        See :func:`workbench.studies.scorers.open_scorer`.
    """
    frame = Frame(0, 0.0, np.asarray(picture.convert("RGB")))
    whole = spec.faces == WHOLE_FRAME
    found = [] if whole else list(detector(spec.detector).detect(frame.picture))
    if not found and not whole:
        return None
    notes = (f"{len(found)} faces were found; the largest is scored",) if len(found) > 1 else ()
    box = WHOLE if whole else _shares(found[0], picture.size)
    cut = crop(frame, box, spec.margin, spec.colour)
    vocabulary = changed_scores(scorer.vocabulary(load_concept_set(spec.concepts), store), spec.score_changes)
    probabilities = scorer.probabilities(scorer.encode(scorer.prepare([cut])), vocabulary)
    return PictureScore(
        picture=cut,
        box=None if whole else box,
        names=vocabulary.names,
        classes=vocabulary.classes,
        probabilities=probabilities[0],
        class_probabilities=fold(probabilities, vocabulary.membership)[0],
        scores=vocabulary.scores,
        score=float(frame_scores(probabilities, vocabulary.scores)[0]),
        notes=(*notes, *vocabulary.notes, *scorer.notes),
    )


def _shares(found: Floats, size: tuple[int, int]) -> Box:
    """Return a detector's find as a box in shares of the picture's size (width, height)."""
    x, y, width, height = (float(value) for value in found[:4])
    return x / size[0], y / size[1], width / size[0], height / size[1]
