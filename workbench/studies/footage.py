"""A video's faces, encoded: what every score of it is made from, so that scoring again needs no frame of it.

One pass reads frames, finds and follows faces, cuts them out and encodes them, a few frames at a time. All faces of a
frame are encoded (up to :data:`MAX_FACES`), so that another person can be chosen later. Pictures are not stored.

Parts of the artifact: one row a face, or one row with an empty output where a scored frame shows none (a gap). Each
part carries, in its schema's metadata, from where an interrupted run goes on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.data.detectors import Detector, detector
from workbench.data.face_tracks import WHOLE, Face, TrackedFrame, Tracker, crop
from workbench.data.video import MAX_SIDE, Fault, Reader, Video, probe
from workbench.engines import ahead
from workbench.errors import VideoError
from workbench.methods.shapes import Floats, Ints
from workbench.progress import SILENT, Progress
from workbench.specs import ScoreSpec
from workbench.specs.video import TRACK_PREFIX
from workbench.specs.video import WHOLE as WHOLE_FRAME
from workbench.store import Artifact, ArtifactKey, Build, Store

if TYPE_CHECKING:
    import torch

    from workbench.studies.scorers import Scorer

KIND = "footage"
MAX_FACES = 4
"""The most faces of a frame that are encoded, the largest first."""
CHUNK = 64
"""Frames encoded at once, or a few more: chunks end where faces were looked for."""
SHARD = 8
"""Chunks in one stored part; an interrupted run resumes after the last whole part."""
_RESUME = b"workbench.resume"


@dataclass(frozen=True)
class Course:
    """One face over the scored frames of a video.

    Parameters
    ----------
    frames : int64 array (S,)
        Numbers of the scored frames in the video, from 0, ascending.
    times : float64 array (S,)
        Seconds since the video's beginning.
    track : int64 array (S,)
        Whose face it is; -1 where the frame does not show it (a gap).
    box : float32 array (S, 4)
        Left, top, width, height as shares of the frame's width and height; NaN in gaps.
    confidence : float32 array (S,)
        Of the detection, 0..1; NaN in gaps and where the box was interpolated.
    """

    frames: Ints
    times: Floats
    track: Ints
    box: Floats
    confidence: Floats

    @property
    def present(self) -> np.ndarray:
        """Where there is a face, bool ``(S,)``."""
        return np.asarray(self.track >= 0)


class Footage:
    """The encoded faces of a video; ``name`` is what the file is called now, which need not be what it was."""

    def __init__(self, artifact: Artifact, name: str) -> None:
        self.artifact = artifact
        self.name = name

    @property
    def video(self) -> dict[str, Any]:
        """Facts of the file; see workbench.data.video.Video."""
        return {**self.artifact.summary["video"], "name": self.name}

    @property
    def fault(self) -> dict[str, Any] | None:
        """Where reading ended before the file's end, and why: ``time``, ``frame``, ``message``."""
        fault = self.artifact.summary["fault"]
        return None if fault is None else dict(fault)

    @cached_property
    def tracks(self) -> list[dict[str, Any]]:
        """Every person followed: ``track``, ``frames`` (scored), ``first`` and ``last`` (s), ``size`` (mean side)."""
        rows = self._faces
        found = []
        for track in np.unique(rows["track"][rows["track"] >= 0]):
            mine = rows["track"] == track
            side = np.sqrt(rows["box"][mine, 2] * rows["box"][mine, 3])
            found.append(
                {
                    "track": int(track),
                    "frames": int(mine.sum()),
                    "first": float(rows["time"][mine].min()),
                    "last": float(rows["time"][mine].max()),
                    "size": float(side.mean()),
                }
            )
        return found

    def course(self, faces: str) -> Course:
        """Return one face a frame: the ``largest``, that of ``track:N``, or the ``whole`` frame.

        Raises
        ------
        VideoError
            There is no such track, or no face at all.
        """
        chosen = self._chosen(faces)
        frames, first = np.unique(self._faces["frame"], return_index=True)
        place = np.full(len(frames), -1, dtype=np.int64)
        place[np.searchsorted(frames, self._faces["frame"][chosen])] = chosen
        gap = place < 0
        box = np.where(gap[:, None], np.nan, self._faces["box"][place]).astype(np.float32)
        confidence = np.where(gap, np.nan, self._faces["confidence"][place]).astype(np.float32)
        track = np.where(gap, -1, self._faces["track"][place]).astype(np.int64)
        return Course(frames, self._faces["time"][first], track, box, confidence)

    def outputs(self, faces: str) -> Iterator[Floats]:
        """Yield the outputs of the chosen face, float32 ``(n, D)``, in the order of frames, gaps left out.

        One stored part at a time, so that hours of video fit into memory.
        """
        chosen = np.zeros(len(self._faces["frame"]), dtype=bool)
        chosen[self._chosen(faces)] = True
        row = 0
        for part in range(self._parts):
            table = self.artifact.table(part)
            mine = chosen[row : row + len(table)]
            row += len(table)
            lists = table["output"].combine_chunks()
            held = np.diff(lists.offsets.to_numpy()) > 0
            values = np.asarray(lists.flatten().to_numpy()).reshape(int(held.sum()), -1)
            if mine.any():
                yield values[mine[held]]

    def _chosen(self, faces: str) -> Ints:
        """Return the rows, one a frame at most, of the face asked for."""
        rows = self._faces
        shown = np.flatnonzero(rows["track"] >= 0)
        if not len(shown):
            raise VideoError(
                f"{self.name}: no face was found in any of the {self.artifact.summary['frames']:,} frames "
                "looked at; a video without faces can only be scored as whole frames (faces = whole)"
            )
        if faces.startswith(TRACK_PREFIX):
            track = int(faces.removeprefix(TRACK_PREFIX))
            mine = shown[rows["track"][shown] == track]
            if not len(mine):
                known = ", ".join(f"{TRACK_PREFIX}{row['track']}" for row in self.tracks[:20])
                raise VideoError(f"{self.name}: there is no {faces}; people followed in it: {known}")
            return np.asarray(mine)
        _, first = np.unique(rows["frame"][shown], return_index=True)
        return np.asarray(shown[first])  # the faces of a frame are stored largest first

    @property
    def _parts(self) -> int:
        return sum(name.endswith(".parquet") for name in self.artifact.manifest["parts"])

    @cached_property
    def _faces(self) -> dict[str, np.ndarray]:
        """All columns but the outputs."""
        tables = [self.artifact.table(part).drop_columns(["output"]) for part in range(self._parts)]
        table = pa.concat_tables(tables)
        columns = {name: table[name].to_numpy() for name in ("frame", "time", "track", "confidence")}
        box = np.stack([table[name].to_numpy() for name in ("x", "y", "width", "height")], axis=1)
        return {**columns, "box": box}


def record_footage(path: Path, spec: ScoreSpec, scorer: Scorer, store: Store, progress: Progress = SILENT) -> Footage:
    """Find and encode the faces of a video, or return what is stored.

    Parameters
    ----------
    path : Path
        The video file.
    spec : ScoreSpec
        Its fields on faces and sampling count.
    scorer : Scorer
        What encodes the faces.

    Raises
    ------
    VideoError
        The file is no video, or not one frame of it can be read.
    SpecError
        The detector does not exist.
    Cancelled
        Stopped by ``progress``; finished parts are kept.
    """
    video = probe(path)
    finder = None if spec.faces == WHOLE_FRAME else detector(spec.detector)

    def compute(build: Build) -> Artifact:
        return _record(build, path, video, spec, scorer, finder, progress)

    artifact = store.find_or_build(_key(video, spec, scorer, finder), spec.to_dict(), compute, progress)
    return Footage(artifact, video.name)


def _key(video: Video, spec: ScoreSpec, scorer: Scorer, finder: Detector | None) -> ArtifactKey:
    import av

    content: dict[str, Any] = {
        "video": video.digest,
        "decoder": f"av {av.__version__}",
        "max_side": MAX_SIDE,
        "every": spec.every,
        "rate": spec.rate,
        "colour": spec.colour,
        "model": scorer.fingerprint,
    }
    if finder is not None:
        content |= {
            "detector": finder.fingerprint,
            "detect_every": spec.detect_every,
            "max_faces": MAX_FACES,
            "margin": spec.margin,
        }
    model = scorer.model.rpartition("/")[2]
    return ArtifactKey(KIND, f"{video.digest[:8]}-{model}", content)


@dataclass(frozen=True)
class _Chunk:
    """Frames whose faces are encoded at once, and from where a run goes on after them."""

    frames: Sequence[tuple[int, float, Sequence[Face]]]
    inputs: torch.Tensor | None
    resume: dict[str, Any]


def _record(
    build: Build,
    path: Path,
    video: Video,
    spec: ScoreSpec,
    scorer: Scorer,
    finder: Detector | None,
    progress: Progress,
) -> Artifact:
    part, resume = _finished(build)
    reader = Reader(path, every=spec.every, rate=spec.rate).skip(resume["next"])
    tracker = Tracker(finder, spec.detect_every, MAX_FACES) if finder else None
    if tracker and resume["tracker"]:
        tracker.restore(resume["tracker"])
    progress.step(f"encode {video.name} with {scorer.model}", expected_frames(video, spec))
    progress.advance(resume["frames"])
    scored = resume["frames"]
    rows: list[pa.Table] = []
    for chunk in ahead(_chunks(reader, tracker, spec, scorer, scored)):
        with _a_core_left():
            outputs = None if chunk.inputs is None else scorer.encode(chunk.inputs)
        rows.append(_rows(chunk, outputs))
        scored += len(chunk.frames)
        progress.advance(len(chunk.frames))
        if len(rows) == SHARD:
            _write(build, part, rows, chunk.resume)
            part, rows = part + 1, []
    if rows or not part:
        if not scored:
            reason = f": {reader.fault.message}" if reader.fault else ""
            raise VideoError(f"{video.name}: not one frame of it can be read{reason}")
        _write(build, part, rows, {})
    return build.finish(
        {
            "video": video.to_dict(),
            "model": scorer.model,
            "frames": scored,
            "decoded": reader.decoded,
            "fault": _fault(reader.fault),
        }
    )


@contextmanager
def _a_core_left() -> Iterator[None]:
    """Have torch leave a core to the thread that reads and looks for faces, lest they wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(before, (os.cpu_count() or 2) - 1)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _finished(build: Build) -> tuple[int, dict[str, Any]]:
    """Return how many parts an interrupted run finished, and from where to go on."""
    part = 0
    while build.has_part(part):
        part += 1
    if part:
        resume = json.loads(build.table(part - 1).schema.metadata[_RESUME])
        if resume:
            return part, resume
        part -= 1  # the last part of all was written, but not the manifest: it is made again
        if part:
            return part, json.loads(build.table(part - 1).schema.metadata[_RESUME])
    return 0, {"next": 0, "frames": 0, "tracker": None}


def _chunks(reader: Reader, tracker: Tracker | None, spec: ScoreSpec, scorer: Scorer, scored: int) -> Iterator[_Chunk]:
    groups = tracker.follow(reader) if tracker else _whole(reader)
    pending: list[TrackedFrame] = []
    for group in groups:
        pending += group
        if len(pending) >= CHUNK:
            scored += len(pending)
            yield _chunk(pending, tracker, spec, scorer, scored)
            pending = []
    if pending:
        yield _chunk(pending, tracker, spec, scorer, scored + len(pending))


def _whole(reader: Reader) -> Iterator[list[TrackedFrame]]:
    for frame in reader:
        yield [TrackedFrame(frame, (Face(0, WHOLE, float("nan")),))]


def _chunk(
    frames: Sequence[TrackedFrame], tracker: Tracker | None, spec: ScoreSpec, scorer: Scorer, scored: int
) -> _Chunk:
    pictures = [crop(one.frame, face.box, spec.margin, spec.colour) for one in frames for face in one.faces]
    resume = {
        "next": frames[-1].frame.index + 1,
        "frames": scored,
        "tracker": tracker.state() if tracker else None,
    }
    rows = [(one.frame.index, one.frame.time, one.faces) for one in frames]
    return _Chunk(rows, scorer.prepare(pictures) if pictures else None, resume)


def _rows(chunk: _Chunk, outputs: Floats | None) -> pa.Table:
    gap = Face(-1, (float("nan"),) * 4, float("nan"))
    faces = [(index, time, face) for index, time, found in chunk.frames for face in (found or (gap,))]
    box = np.array([face.box for _, _, face in faces], dtype=np.float32)
    width = 0 if outputs is None else outputs.shape[1]
    lengths = [0 if face.track < 0 else width for _, _, face in faces]
    values = np.zeros(0, dtype=np.float32) if outputs is None else np.ascontiguousarray(outputs).ravel()
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.table(
        {
            "frame": np.array([index for index, _, _ in faces], dtype=np.int64),
            "time": np.array([time for _, time, _ in faces], dtype=np.float64),
            "track": np.array([face.track for _, _, face in faces], dtype=np.int32),
            **{name: box[:, column] for column, name in enumerate(("x", "y", "width", "height"))},
            "confidence": np.array([face.confidence for _, _, face in faces], dtype=np.float32),
            "output": pa.ListArray.from_arrays(offsets, pa.array(values)),
        }
    )


def _write(build: Build, part: int, rows: list[pa.Table], resume: dict[str, Any]) -> None:
    table = pa.concat_tables(rows).combine_chunks()
    build.write_table(part, table.replace_schema_metadata({_RESUME: json.dumps(resume, sort_keys=True)}))


def expected_frames(video: Video, spec: ScoreSpec) -> int | None:
    """Return about how many frames will be scored, where the file says."""
    if spec.rate and video.duration:
        return max(1, round(video.duration * min(spec.rate, video.rate or spec.rate)))
    frames = video.frames or (round(video.duration * video.rate) if video.duration and video.rate else None)
    return None if frames is None else -(-frames // spec.every)


def _fault(fault: Fault | None) -> dict[str, Any] | None:
    return None if fault is None else {"time": fault.time, "frame": fault.frame, "message": fault.message}
