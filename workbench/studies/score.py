"""Score videos: one with one model, or several side by side."""

from __future__ import annotations

from workbench.data.video_library import find_video
from workbench.progress import SILENT, Progress
from workbench.specs import ScoreSpec
from workbench.store import Store
from workbench.studies.score_picture import PictureScore as PictureScore
from workbench.studies.score_picture import score_picture as score_picture
from workbench.studies.score_table import score_table
from workbench.studies.score_video import added_words as added_words
from workbench.studies.score_video import score_video as score_video
from workbench.studies.scoring import ScoreTable, VideoScore


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
        return score_table(spec, path, store, progress)
    return score_video(spec, path, store, progress)
