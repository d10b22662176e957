"""A video's score as files: a row a frame as CSV and Parquet, a summary, a document, an annotated video."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from workbench.data.video import Source
from workbench.data.video_library import find_video
from workbench.errors import StoreError
from workbench.exports.annotated import write_annotated as write_annotated
from workbench.figures.score_document import ScoreReport, score_document
from workbench.files import disk_errors, write_atomically, write_bytes
from workbench.progress import SILENT, Progress
from workbench.specs import spec_toml
from workbench.store import Store
from workbench.studies.score_pictures import framed, moments, pictures
from workbench.studies.scoring import KIND, VideoScore, open_score, open_score_table, source_of

BOX = ("x", "y", "width", "height")


def frame_table(score: VideoScore) -> pa.Table:
    """Return a row a scored frame; a gap has its frame and time, all else is null.

    Columns: ``frame``, ``time`` (s), ``track``, ``x``, ``y``, ``width``, ``height`` (pixels of the displayed frame),
    ``confidence``, ``score``, ``course`` (the score as it was judged: smoothed where asked for), ``end_weight``, then
    ``class:NAME`` for each class and ``p:NAME`` for each word, or for each of a network's classes.
    """
    sides = np.array([score.video["width"], score.video["height"]] * 2, dtype=np.float64)
    box = score.box * sides
    track = pa.array(score.track, mask=~score.present)
    columns: dict[str, Any] = {"frame": score.frames, "time": score.times, "track": track}
    columns |= {name: _nullable(box[:, k].round(1)) for k, name in enumerate(BOX)}
    columns["confidence"] = _nullable(score.confidence)
    columns["score"] = _nullable(score.course)
    columns["course"] = _nullable(score.result.course)
    columns["end_weight"] = score.result.end_weights
    columns |= {f"class:{name}": _nullable(score.class_probabilities[:, k]) for k, name in enumerate(score.classes)}
    columns |= {f"p:{name}": _nullable(score.probabilities[:, k]) for k, name in enumerate(score.names)}
    return pa.table(columns)


def frames_csv(score: VideoScore) -> bytes:
    """Return :func:`frame_table` as CSV with a head; null is an empty cell."""
    buffer = io.BytesIO()
    pa_csv.write_csv(frame_table(score), buffer)
    return buffer.getvalue()


def frames_parquet(score: VideoScore) -> bytes:
    """Return :func:`frame_table` as a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(frame_table(score), buffer, compression="zstd")
    return buffer.getvalue()


def summary_json(score: VideoScore) -> bytes:
    """Return everything but the frames as JSON: spec, video, result, interval, sensitivity, notes."""
    spec = {**score.artifact.spec, "video": score.video["name"]}  # where the file lay is nobody else's business
    values = {"artifact": score.artifact.reference, "spec": spec, **score.artifact.summary}
    values.pop("path")
    return (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode()


def score_html(score: VideoScore, source: Source | None, reported: float | None = None) -> str:
    """Return the report of a score as one HTML file that opens offline.

    Parameters
    ----------
    source : Path, BinaryIO or None
        The video, for the frames of the peaks and of the end; without it there are none, and the report says so.
    reported : float, optional
        The score that people gave.
    """
    notes = list(score.notes)
    evidence: list[tuple[str, bytes]] = []
    if source is None:
        notes.append("the video itself was not at hand, so its frames are not shown")
    else:
        evidence = _evidence(score, source)
    means = [float(value) for value in score.probabilities[score.present].mean(axis=0, dtype=np.float64)]
    spoken = [", ".join(np.array(score.classes)[speaks]) for speaks in score.membership]
    return score_document(
        ScoreReport(
            video=score.video,
            model=score.model,
            frames=score.frames,
            times=score.times,
            course=score.course,
            class_probabilities=score.class_probabilities,
            classes=score.classes,
            emotions=list(zip(score.names, spoken, score.scores.tolist(), means, strict=True)),
            result=score.result,
            settings=score.settings,
            interval=score.interval,
            sensitivity=score.sensitivity,
            notes=notes,
            fault=score.fault,
            reported=reported,
            pictures=evidence,
            spec=spec_toml(replace(score.spec, video=score.video["name"], reported="")),
        )
    )


def _evidence(score: VideoScore, source: Source) -> list[tuple[str, bytes]]:
    """Return the frames of the peaks and of the end with the face marked, and the face as the model saw it."""
    found: list[tuple[str, bytes]] = []
    named = moments(score)
    for moment, shown in zip(named, pictures(score, source, [moment.row for moment in named]), strict=True):
        words = f"{moment.name}, {moment.time:.2f} s: {moment.score:.2f}"
        if shown.frame is not None:
            found.append((words, framed(shown.frame, score.box[moment.row])))
        if shown.face is not None:
            found.append((f"{moment.name}, as the model saw it", framed(shown.face, None)))
    return found


def _nullable(values: np.ndarray) -> pa.Array:
    return pa.array(values, mask=~np.isfinite(values))


def file_stem(name: str) -> str:
    """Return the beginning of an export's file names: the video's name without what file systems dislike."""
    return re.sub(r"[^\w.-]+", "-", Path(name).stem).strip("-.")[:80] or "video"


def distinct_stems(names: Sequence[str], whole: bool = False) -> dict[str, str]:
    """Return a beginning of file names for each name, no two alike: its stem, its whole name, or that with a number.

    Parameters
    ----------
    names : sequence of str
        Names of videos, or specs of models; one that stands twice is taken once.
    whole : bool
        Do without the stems.
    """
    unique = list(dict.fromkeys(names))
    found: dict[str, str] = {}
    taken: set[str] = set()
    stems = [file_stem(name) for name in unique]
    for name, stem in zip(unique, stems, strict=True):
        plain = not whole and stems.count(stem) == 1
        start = stem if plain else re.sub(r"[^\w.-]+", "-", name).strip("-.")[-80:] or "video"
        choices = (start if number == 1 else f"{start}-{number}" for number in count(1))
        found[name] = next(choice for choice in choices if choice.casefold() not in taken)
        taken.add(found[name].casefold())
    return found


def write_results(
    reference: str,
    store: Store,
    folder: Path,
    video: str = "",
    annotated: bool = False,
    progress: Progress = SILENT,
) -> list[Path]:
    """Write what a run of ``score`` made into a folder, as ``VIDEO.MODEL.*``; files that are there are replaced.

    Parameters
    ----------
    reference : str
        ``score/NAME``, or ``score-table/NAME`` for the table itself (``scores.csv``) and all its videos.
    folder : Path
        Made if need be.
    video : str
        What was scored, where it lies now: a file or folder, or the name of a video of the workspace.
    annotated : bool
        Whether to write the annotated videos as well, which takes as long as reading them.

    Raises
    ------
    StoreError
        The folder cannot be written, or an annotated video is asked for and the video is gone.
    """
    kind, name = reference.split("/", 1)
    artifact = store.artifact(kind, name)
    place = find_video(store, video) if video else None
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if kind == KIND:
        score = open_score(artifact)
        start = folder / f"{file_stem(score.video['name'])}.{distinct_stems([score.model], whole=True)[score.model]}"
        return write_score(score, start, source_of(score, store, place), annotated, progress)
    table = open_score_table(artifact)
    stems = distinct_stems([row["video"] for row in table.rows])
    models = distinct_stems([row["model"] for row in table.rows], whole=True)
    rows = [{name: value for name, value in row.items() if name != "problem"} for row in table.rows]
    written = [folder / "scores.csv"]
    write_atomically(written[0], lambda path: pa_csv.write_csv(pa.Table.from_pylist(rows), path))
    for row in table.rows:
        if row["score"]:
            score = open_score(store.artifact(KIND, row["score"]))
            own = place / row["video"] if place is not None and place.is_dir() else place
            start = folder / f"{stems[row['video']]}.{models[row['model']]}"
            source = source_of(score, store, own)
            written += write_score(score, start, source, annotated, progress, reported=row["reported"])
    return written


def write_score(
    score: VideoScore,
    start: Path,
    source: Path | None,
    annotated: bool = False,
    progress: Progress = SILENT,
    reported: float | None = None,
) -> list[Path]:
    """Write one score's files.

    Parameters
    ----------
    start : Path
        Folder and beginning of the files' names; the folder exists.
    source : Path or None
        The video, where it is to be had.
    annotated, reported
        See :func:`write_results` and :func:`score_html`.

    Raises
    ------
    StoreError
        See :func:`write_results`.
    """
    if annotated and source is None:
        raise StoreError(f"{score.video['name']} is gone, so no annotated video can be made of it")
    contents: dict[str, Callable[[], bytes]] = {
        "frames.csv": lambda: frames_csv(score),
        "frames.parquet": lambda: frames_parquet(score),
        "summary.json": lambda: summary_json(score),
        "report.html": lambda: score_html(score, source, reported).encode(),
    }
    written = []
    for end, content in contents.items():
        written.append(start.with_name(f"{start.name}.{end}"))
        write_bytes(written[-1], content())
    if annotated and source is not None:
        written.append(start.with_name(f"{start.name}.annotated.mp4"))
        write_annotated(score, source, written[-1], progress)
    return written
