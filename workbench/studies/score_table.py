"""Several videos and models side by side, against the scores that people gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from workbench.data.ratings import read_ratings
from workbench.data.video_library import VIDEO_SUFFIXES, videos_in
from workbench.errors import VideoError
from workbench.methods.score_evidence import agreement
from workbench.progress import SILENT, Progress
from workbench.specs import ScoreSpec
from workbench.store import Artifact, ArtifactKey, Store
from workbench.studies.score_video import score_video
from workbench.studies.scorers import open_scorer
from workbench.studies.scoring import TABLE_KIND, ScoreTable


def score_table(spec: ScoreSpec, path: Path, store: Store, progress: Progress = SILENT) -> ScoreTable:
    """Score every video of a folder (or one file) with every model, and compare with the reported scores.

    A video that cannot be scored is a row that says why; the others go on.

    Raises
    ------
    InputError
        The folder holds no video, or the ratings cannot be used.
    SpecError, ModelError, ConceptSetError
        As for one video.
    """
    videos = videos_in(path) if path.is_dir() else [path]
    if not videos:
        raise VideoError(f"{path}: the folder holds no video ({', '.join(VIDEO_SUFFIXES)})")
    names = [video.name for video in videos]
    reported = read_ratings(Path(spec.reported).expanduser(), names) if spec.reported else {}
    rows = []
    for model in spec.models:
        scorer = open_scorer(model, spec.weights, store, progress)
        for video in videos:
            row: dict[str, Any] = {"video": video.name, "model": model, "reported": reported.get(video.name)}
            try:
                found = score_video(
                    replace(spec, model=model, video=str(video), reported=""), video, store, progress, scorer
                )
                rows.append({**row, "computed": found.result.video, "score": found.artifact.name, "problem": ""})
            except VideoError as error:
                progress.note(str(error))
                rows.append({**row, "computed": None, "score": "", "problem": str(error)})
    if all(row["computed"] is None for row in rows):
        raise VideoError(f"none of the {len(videos)} videos can be scored; the first: {rows[0]['problem']}")
    return ScoreTable(_stored(spec, path, rows, store, progress))


def _stored(spec: ScoreSpec, path: Path, rows: list[dict[str, Any]], store: Store, progress: Progress) -> Artifact:
    key = ArtifactKey(TABLE_KIND, f"{path.stem}-{'-'.join(spec.models)}", {"rows": rows, "seed": spec.seed})
    artifact = store.find(key)
    if artifact is not None:
        return artifact
    for row in rows:
        both = row["computed"] is not None and row["reported"] is not None
        row["error"] = abs(row["computed"] - row["reported"]) if both else None
    with store.build(key, spec.to_dict(), progress) as build:
        if isinstance(build, Artifact):
            return build
        models = [_model(model, rows, spec) for model in spec.models]
        return build.finish({"path": str(path.resolve()), "rows": rows, "models": models, "notes": _notes(spec, rows)})


def _model(model: str, rows: Sequence[dict[str, Any]], spec: ScoreSpec) -> dict[str, Any]:
    judged = [row for row in rows if row["model"] == model and row["error"] is not None]
    if not judged:
        return {"model": model, "videos": 0, "mae": None, "low": None, "high": None, "bias": None, "rank": None}
    reported, computed = (np.array([row[name] for row in judged]) for name in ("reported", "computed"))
    found = agreement(reported, computed, seed=spec.seed)
    return {
        "model": model,
        "videos": len(judged),
        "mae": found.mae.value,
        "low": found.mae.low if len(judged) > 1 else None,
        "high": found.mae.high if len(judged) > 1 else None,
        "bias": found.bias,
        "rank": found.spearman,
    }


def _notes(spec: ScoreSpec, rows: Sequence[dict[str, Any]]) -> list[str]:
    notes = [row["problem"] for row in rows if row["problem"]]
    lacking = list(dict.fromkeys(row["video"] for row in rows if row["reported"] is None))
    if spec.reported and lacking:
        notes.append(f"without a reported score: {', '.join(lacking[:10])}{' ...' if len(lacking) > 10 else ''}")
    return notes
