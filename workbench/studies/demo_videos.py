"""The demo's videos: rendered, reported on as their truth says, and scored by every bundled model.

``python -m workbench.studies.demo_videos WORKSPACE SEED`` does it in a process of its own, which is how the demo uses
a second core: see :func:`head_start`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from workbench.data.concepts import load_concept_set
from workbench.data.rendered_videos import COURSES, read_truth, write_rendered_videos
from workbench.data.video_library import list_videos, videos_dir, videos_in
from workbench.files import write_bytes
from workbench.methods.peak_end import Settings, peak_end
from workbench.progress import SILENT, Progress
from workbench.specs import ScoreSpec
from workbench.store import Store
from workbench.studies.score import score
from workbench.studies.scorers import class_scores

RATINGS = "rendered-ratings.csv"
"""Beside the videos: the score of each that its truth gives, as if people had reported it."""

SCORED_BY = "face-cnn,face-clip"
"""The models that score the videos; the last is the newest score, which the app shows first."""

_NONE = subprocess.DEVNULL
_POLL = 0.1  # seconds


def score_demo_videos(seed: int, store: Store, progress: Progress = SILENT) -> None:
    """Render the videos into the workspace's own and score them; what is there already is kept.

    Raises
    ------
    SpecError
        The workspace has another video of the same name.
    """
    folder = videos_dir(store)
    videos = write_rendered_videos(folder, seed, progress)
    ratings = folder / RATINGS
    if not ratings.exists():
        write_true_ratings(videos, ratings)
    if len(videos_in(folder)) == len(COURSES):  # a video that was added since is not the demo's to score
        score(ScoreSpec(str(folder), SCORED_BY, reported=str(ratings)), store, progress)


def write_true_ratings(videos: Sequence[Path], path: Path) -> None:
    """Write the score that each rendered video's truth gives, as a table of ratings; see workbench.data.ratings."""
    known = class_scores(load_concept_set(ScoreSpec.concepts))
    lines = ["video,score"]
    for video in videos:
        truth = read_truth(video)
        true = peak_end(truth.frames, truth.times, truth.scores(known), Settings()).video
        lines.append(f"{video.name},{true:.4f}")
    write_bytes(path, "\n".join([*lines, ""]).encode())


@contextmanager
def head_start(seed: int, store: Store, progress: Progress = SILENT) -> Iterator[None]:
    """Make the videos and their scores in another process meanwhile, where there are none; wait for it at the end.

    Only a head start: :func:`score_demo_videos` afterwards finds what that process has left, does what it has not, and
    says what is wrong. A body that ends early ends the process.
    """
    if list_videos(store):
        yield
        return
    command = [sys.executable, "-m", "workbench.studies.demo_videos", str(store.root), str(seed)]
    other = subprocess.Popen(command, stdin=_NONE, stdout=_NONE, stderr=_NONE)  # noqa: S603 - our own interpreter
    try:
        yield
        progress.step("waiting for the videos")
        while other.poll() is None:
            progress.advance(0)
            time.sleep(_POLL)
    finally:
        other.terminate()
        other.wait()


if __name__ == "__main__":
    score_demo_videos(int(sys.argv[2]), Store(Path(sys.argv[1])))
