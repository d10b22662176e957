"""A folder of videos with several models, against the scores that people gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from workbench import ScoreSpec, ScoreTable, Store, score
from workbench.data.rendered_videos import write_rendered_videos
from workbench.progress import Console
from workbench.studies.demo_videos import write_true_ratings

KEYS = ("video", "model", "reported", "computed", "error")
FIGURES = ("model", "videos", "mae", "low", "high", "bias", "rank")
MIDDLE = 3.0


def rendered(store: Store) -> tuple[Path, Path]:
    """Return a folder of rendered videos and the table of their true scores, which stand in for reported ones."""
    folder = store.root / "rendered_videos" / "seed0"
    write_true_ratings(write_rendered_videos(folder, 0, Console()), folder / "ratings.csv")
    return folder, folder / "ratings.csv"


def compare(store: Store, folder: Path, ratings: Path | None, models: list[str]) -> dict[str, Any]:
    """Score every video with every model.

    The last row of ``models`` is a control: the middle of the scale for every video, which takes no model at all.
    """
    found = score(ScoreSpec(str(folder), ",".join(models), reported=str(ratings or "")), store, Console())
    assert isinstance(found, ScoreTable)
    rows = [{key: row[key] for key in KEYS} for row in found.rows]
    figures = [{key: row[key] for key in FIGURES} for row in found.models]
    for row in (*rows, *figures):
        name = str(row["model"])
        row["model"] = Path(name).name if name.startswith("local-dir:") else name
    reported = {str(row["video"]): float(row["reported"]) for row in rows if row["reported"] is not None}
    if reported:
        values = np.array(list(reported.values()))
        control = {"mae": float(np.abs(MIDDLE - values).mean()), "bias": float(MIDDLE - values.mean())}
        known = {"model": f"always {MIDDLE:g}", "videos": len(values), **control}
        figures.append({key: known.get(key) for key in FIGURES})
    return {"rows": rows, "models": figures}
