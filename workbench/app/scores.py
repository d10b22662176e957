"""Scores of videos for the pages: opened once, changed by hand, with the pictures behind them; beside ``session``."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import streamlit as st
from PIL import Image

from workbench.app import session, uploads
from workbench.app.routes import workspace
from workbench.app.score_settings import Edits
from workbench.app.video_routes import held_address, library_address
from workbench.data.images import encode_png
from workbench.data.video_library import list_videos, videos_dir
from workbench.errors import SpecError, StoreError, VideoError, unknown_name
from workbench.specs import ScoreSpec
from workbench.store import Artifact, Store

if TYPE_CHECKING:
    from workbench.data.concepts import ConceptSet
    from workbench.methods.bootstrap import Estimate
    from workbench.methods.peak_end import Settings
    from workbench.methods.score_evidence import Sensitivity
    from workbench.studies.score import PictureScore
    from workbench.studies.scorers import Scorer
    from workbench.studies.scoring import Rescored, ScoreTable, VideoScore

SCORE, TABLE = "score", "score-table"
HELD, MOST_HELD = "held", 3
OWN = ("network", "probe", "coop", "trained")
"""Kinds of artifacts that are models, asked for as ``kind:NAME``."""
FACE, MOST_PEOPLE = 96, 12
"""Side of a person's picture in pixels, and of how many persons there are pictures."""


def library() -> list[str]:
    """Return the names of the workspace's videos."""
    return list_videos(session.store())


def scores() -> list[Artifact]:
    """Return the scores of videos, newest first."""
    return session.store().artifacts(SCORE)


def tables() -> list[Artifact]:
    """Return the tables over several videos or models, newest first."""
    return session.store().artifacts(TABLE)


def video_of(artifact: Artifact) -> str:
    """Return the name of the video that a score is of."""
    return str(artifact.summary["video"]["name"])


def score(name: str) -> VideoScore:
    """Return a stored score, opened once.

    Raises
    ------
    SpecError
        There is none of that name.
    """
    found = {artifact.name for artifact in scores()}
    if name not in found:
        raise unknown_name("score", name, found)
    return _score(workspace(), name)


@st.cache_resource(show_spinner="Opening the score", max_entries=8)
def _score(root: Path, name: str) -> VideoScore:
    from workbench.studies.scoring import open_score

    return open_score(Store(root).artifact(SCORE, name))


def table(name: str) -> ScoreTable:
    """Return a stored table of scores.

    Raises
    ------
    SpecError
        There is none of that name.
    """
    from workbench.studies.scoring import open_score_table

    found = {artifact.name: artifact for artifact in tables()}
    if name not in found:
        raise unknown_name("table of scores", name, found)
    return open_score_table(found[name])


def reported(found: VideoScore) -> float | None:
    """Return the score that people gave to a score's video, by the newest table that has one."""
    for run in tables():
        for row in run.summary["rows"]:
            if row["score"] == found.artifact.name and row["reported"] is not None:
                return float(row["reported"])
    return None


def rescored(found: VideoScore, edits: Edits, settings: Settings) -> Rescored:
    """Return a score with changed emotions and settings, computed once for each."""
    if not edits and settings == found.settings:
        return found.own
    return _rescored(found.artifact.name, str(edits), settings, found, edits)


@st.cache_resource(show_spinner=False, max_entries=64)
def _rescored(name: str, text: str, settings: Settings, _found: VideoScore, _edits: Edits) -> Rescored:
    del name, text  # stand for the score and the changes in the cache's key
    return _found.rescored(*_edits.apply(_found.scores), settings)


def evidence(found: VideoScore, edits: Edits, settings: Settings) -> tuple[Sensitivity, Estimate]:
    """Return how far a score with changed emotions and settings moves, and its interval; computed once for each."""
    if not edits and settings == found.settings:
        return found.sensitivity, found.interval
    return _evidence(found.artifact.name, str(edits), settings, found, edits)


@st.cache_resource(show_spinner=False, max_entries=64)
def _evidence(
    name: str, text: str, settings: Settings, _found: VideoScore, _edits: Edits
) -> tuple[Sensitivity, Estimate]:
    del name, text  # stand for the score and the changes in the cache's key
    return _found.evidence(*_edits.apply(_found.scores), settings)


@dataclass(frozen=True)
class Source:
    """Where a score's video can be had.

    Parameters
    ----------
    place : Path or Held or None
        Its file, or the upload that this tab holds; ``None`` where it is gone.
    address : str
        From where the browser can play it; empty where it cannot.
    note : str
        What a person must know: why it cannot be played.
    """

    place: Path | uploads.Held | None
    address: str = ""
    note: str = ""


def source(found: VideoScore) -> Source:
    """Return where the scored video can be had; its digest must be that of the scored one."""
    held = session.recall(f"{HELD} {found.video['digest']}")
    path = _path(workspace(), found.artifact.name, _stamps(found), found)
    if path is not None and path.parent.resolve() == videos_dir(session.store()).resolve():
        return Source(path, library_address(path.name))
    if isinstance(held, uploads.Held):
        return Source(held, held_address(held))
    if path is not None:
        return Source(path, "", f"the video lies outside this workspace, so it is not played: {path}")
    return Source(None, "", "the video was deleted after scoring, or has changed since; the numbers stay")


def _stamps(found: VideoScore) -> tuple[tuple[str, int, int], ...]:
    """Return what tells versions of the files apart that may be the video."""
    stamps = []
    for path in (Path(found.artifact.summary["path"]), videos_dir(session.store()) / found.video["name"]):
        try:
            stat = path.stat()
        except OSError:
            continue
        stamps.append((str(path), stat.st_mtime_ns, stat.st_size))
    return tuple(stamps)


@st.cache_resource(show_spinner=False, max_entries=32)
def _path(root: Path, name: str, stamps: tuple[tuple[str, int, int], ...], _found: VideoScore) -> Path | None:
    from workbench.studies.scoring import source_of

    del name  # only part of the cache's key
    return source_of(_found, Store(root)) if stamps else None


def hold(data: bytes, name: str, digest: str) -> None:
    """Keep an upload in this tab's memory, to be played after its file is deleted; the last few only."""
    digests = [each for each in session.recall(HELD) or [] if each != digest]
    for former in digests[:-MOST_HELD]:
        session.remember(f"{HELD} {former}", None)
    session.remember(HELD, [*digests[-MOST_HELD:], digest])
    session.remember(f"{HELD} {digest}", uploads.hold(data, name))


@dataclass(frozen=True)
class Shown:
    """A frame as JPEG, the scored face framed, and the face as the model saw it; ``None`` where it cannot be had."""

    frame: bytes | None = None
    face: bytes | None = None


def pictures(found: VideoScore, rows: tuple[int, ...]) -> list[Shown]:
    """Return the pictures of some rows of a score, in their order."""
    place = source(found).place
    if place is None:
        return [Shown()] * len(rows)
    return _pictures(found.artifact.name, rows, place, found)


@st.cache_resource(show_spinner="Reading the frames", max_entries=64)
def _pictures(name: str, rows: tuple[int, ...], _place: Path | uploads.Held, _found: VideoScore) -> list[Shown]:
    from workbench.studies.score_pictures import framed, pictures

    del name  # stands for the score in the cache's key
    try:
        found = pictures(_found, opened(_place), rows)
    except VideoError:
        return [Shown()] * len(rows)
    shown = []
    for each in found:
        frame = None if each.frame is None else framed(each.frame, _found.box[each.row])
        shown.append(Shown(frame, None if each.face is None else encode_png(np.asarray(each.face))))
    return shown


def people(found: VideoScore) -> dict[int, bytes]:
    """Return a face of each person of a score's video as PNG, by the person's number; those that can be had."""
    place = source(found).place
    return {} if place is None else _people(found.artifact.name, place, found)


@st.cache_resource(show_spinner=False, max_entries=32)
def _people(name: str, _place: Path | uploads.Held, _found: VideoScore) -> dict[int, bytes]:
    from workbench.data.face_tracks import crop
    from workbench.data.video import pictures_at
    from workbench.studies.footage import KIND, Footage

    del name  # stands for the score in the cache's key
    faces = {}
    try:
        footage = Footage(session.store().artifact(KIND, _found.artifact.summary["footage"]), _found.video["name"])
        for track in [row["track"] for row in _found.tracks[:MOST_PEOPLE]]:
            course = footage.course(f"track:{track}")
            row = int(np.nanargmax(course.box[:, 3]))
            frame = next(iter(pictures_at(opened(_place), [float(course.times[row])])))
            if frame is not None:
                x, y, width, height = map(float, course.box[row])
                faces[track] = encode_png(np.asarray(crop(frame, (x, y, width, height)).resize((FACE, FACE))))
    except (StoreError, VideoError):
        pass  # the encoded faces are gone, or the video is not what it was
    return faces


def opened(place: Path | uploads.Held) -> Path | BinaryIO:
    """Return a place as what videos are read from."""
    return place if isinstance(place, Path) else io.BytesIO(place.data)


def score_picture(picture: Image.Image, spec: ScoreSpec) -> PictureScore | None:
    """Return what a picture shows, ``None`` where no face is found; the picture is nowhere stored.

    Raises
    ------
    WorkbenchError
        There is no such model or concept set, or they do not fit.
    """
    from workbench.studies.score import score_picture

    return score_picture(picture, spec, _scorer(workspace(), spec.model, spec.weights), session.store())


def stored_models() -> list[str]:
    """Return the workspace's own models as they are asked for: changed networks and what was trained, newest first."""
    store = session.store()
    return [f"{kind}:{artifact.name}" for kind in OWN for artifact in store.artifacts(kind)]


@st.cache_resource(show_spinner="Loading the model", max_entries=2)
def _scorer(root: Path, model: str, weights: str) -> Scorer:
    from workbench.studies.scorers import open_scorer

    return open_scorer(model, weights, Store(root))


def with_words(stored: VideoScore, concepts: ConceptSet) -> str:
    """Score a video's stored faces with other words and return the new score's name.

    Raises
    ------
    WorkbenchError
        The words cannot be encoded, or the faces are gone.
    """
    from workbench.studies.score import added_words

    with st.spinner("Encoding the words"):
        return added_words(stored, concepts, session.store()).artifact.name


def of_person(stored: VideoScore, faces: str) -> str:
    """Return the name of the score that differs only in whose face is scored; it is made where there is none.

    Raises
    ------
    WorkbenchError
        The video is gone, or the person is not in it.
    """
    from workbench.studies.score import score_video

    asked = replace(stored.spec, faces=faces)
    for run in scores():
        if run.spec | {"video": asked.video} == asked.to_dict() and run.summary["video"] == stored.video:
            return run.name
    place = source(stored).place
    if place is None:
        raise SpecError("the video is gone; upload it again to score another person")
    scorer = _scorer(workspace(), asked.model, asked.weights)
    with st.spinner("Scoring this person"), file_of(place) as path:
        return score_video(asked, path, session.store(), scorer=scorer).artifact.name


@contextmanager
def file_of(place: Path | uploads.Held) -> Iterator[Path]:
    """Give a place as a file; what an upload needs on the disk is deleted at once."""
    if isinstance(place, Path):
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        path = Path(folder) / place.name
        path.write_bytes(place.data)
        yield path
