"""A workspace with scored videos: a rendered smile that is gone for a while, and names and words that attack."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.app.conftest import HOSTILE
from workbench.specs import ScoreSpec
from workbench.store import Store
from workbench.studies.scoring import VideoScore

SMILE = "smile.mp4"
ATTACK = '<img src=x onerror="window.hacked=3"> ![p](http:outside.invalid) $x$.mp4'
REPORTED = 4.5


def write_scores(root: Path, video: Path, clip: Path) -> Store:
    """Score ``video`` twice with a random CLIP, once with hostile words; a hostile name; and a table with ratings."""
    from workbench.studies.score import score

    store = Store(root / "workspace")
    folder = store.root / "videos"
    folder.mkdir(parents=True)
    for name in (SMILE, ATTACK, "unscored.mp4"):
        shutil.copyfile(video, folder / name)
    hostile = root / "hostile.yaml"
    quoted = [name.replace("'", "''") for name in HOSTILE]
    words = "\n".join(
        f"  - {{text: '{name}', classes: ['{name}'], score: {place + 1}}}" for place, name in enumerate(quoted)
    )
    classes = ", ".join(f"'{name}'" for name in quoted)
    hostile.write_text(f"name: hostile\nattribute: emotion\nclasses: [{classes}]\nconcepts:\n{words}\n")
    ratings = root / "ratings.csv"
    ratings.write_text(f"video,score\n{SMILE},{REPORTED}\n")
    model = f"local-dir:{clip}"
    score(ScoreSpec(str(folder / SMILE), model, reported=str(ratings), resamples=100), store)
    for name in (ATTACK, SMILE):
        score(ScoreSpec(name, model, concepts=str(hostile), resamples=100), store)
    score(ScoreSpec(SMILE, model, resamples=100), store)
    return store


def stored_score(store: Store, name: str = SMILE, concepts: str = "customer-satisfaction") -> VideoScore:
    """Return the score of a video with a concept set."""
    for run in store.artifacts("score"):
        if run.summary["video"]["name"] == name and Path(run.spec["concepts"]).stem == concepts:
            return VideoScore(run)
    raise LookupError(name)
