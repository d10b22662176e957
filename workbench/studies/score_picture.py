"""Score one picture: what the largest face in it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from workbench.data.concepts import load_concept_set
from workbench.data.detectors import detector
from workbench.data.face_tracks import WHOLE, Box, crop
from workbench.data.video import Frame
from workbench.methods.peak_end import frame_scores
from workbench.methods.shapes import Floats
from workbench.specs import ScoreSpec
from workbench.specs.video import WHOLE as WHOLE_FRAME
from workbench.store import Store
from workbench.studies.scorers import changed_scores
from workbench.studies.scoring import fold

if TYPE_CHECKING:
    from workbench.studies.scorers import Scorer


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
    box = WHOLE if whole else shares(found[0], picture.size)
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


def shares(found: Floats, size: tuple[int, int]) -> Box:
    """Return a detector's find as a box in shares of the picture's size (width, height)."""
    x, y, width, height = (float(value) for value in found[:4])
    return x / size[0], y / size[1], width / size[0], height / size[1]
