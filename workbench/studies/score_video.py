"""Score one video with one model: probabilities times scores, frame by frame, and the peak-end rule over the frames."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.data.concepts import ConceptSet, load_concept_set, save_concept_set
from workbench.files import disk_errors
from workbench.methods.peak_end import PeakEnd, frame_scores, peak_end
from workbench.methods.shapes import Bools, Floats
from workbench.progress import SILENT, Progress
from workbench.specs import ScoreSpec
from workbench.specs.video import LARGEST, TRACK_PREFIX
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.embed import list_column
from workbench.studies.footage import KIND as FOOTAGE
from workbench.studies.footage import Course, Footage, record_footage
from workbench.studies.scorers import Vocabulary, changed_scores, open_scorer
from workbench.studies.scoring import KIND, VideoScore, evidence, evidence_values, settings_of

if TYPE_CHECKING:
    from workbench.studies.scorers import Scorer

ROWS = 4096
"""Frames in one stored part."""


def score_video(
    spec: ScoreSpec, path: Path, store: Store, progress: Progress = SILENT, scorer: Scorer | None = None
) -> VideoScore:
    """Score one video with one model; see :func:`workbench.studies.score.score`."""
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
