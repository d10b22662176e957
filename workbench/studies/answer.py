"""What a classifier answers to pictures that are no dataset: photos, a folder of them; nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from workbench.data.detectors import detector
from workbench.data.face_tracks import WHOLE, crop
from workbench.data.images import decode
from workbench.data.sources.folder import IMAGE_SUFFIXES
from workbench.data.video import Frame
from workbench.errors import DatasetError, SpecError, unknown_name
from workbench.methods.shapes import Bools, Floats
from workbench.progress import SILENT, Progress
from workbench.specs import ScoreSpec
from workbench.store import Store
from workbench.studies.classifier import load_classifier
from workbench.studies.predict import class_scores
from workbench.studies.score_picture import shares

FACES = ("auto", "largest", "whole")
"""What of a picture is answered: the largest face, or all of a face cut out already or of a picture without one; the
largest face only; all of it."""
FILLS = 2 / 3
"""Share of a picture's width or height from which a face in it is taken to be cut out already, as FER2013's are."""
_AT_ONCE = 64


@dataclass(frozen=True)
class Answers:
    """What a classifier answers to N pictures. K classes.

    Parameters
    ----------
    model : str
        The classifier.
    classes : tuple of str
        Its classes, in the order of columns (K).
    pictures : tuple of Path
        The pictures that were answered (N).
    found : bool array (N,)
        Whether the largest face was answered rather than the whole picture.
    probabilities : float64 array (N, K)
        Rows sum to 1.
    notes : tuple of str
        Which pictures were left out and why, and what the classifier says of itself.
    """

    model: str
    classes: tuple[str, ...]
    pictures: tuple[Path, ...]
    found: Bools
    probabilities: Floats
    notes: tuple[str, ...]


def answer(
    places: Sequence[Path],
    model: str,
    store: Store,
    *,
    weights: str = "",
    faces: str = "auto",
    progress: Progress = SILENT,
) -> Answers:
    """Classify pictures.

    Parameters
    ----------
    places : sequence of Path
        Pictures, and folders whose pictures are taken with those of the folders in them, in the order of their names.
    model, weights : str
        See :func:`workbench.studies.classifier.load_classifier`.
    store : Store
        The workspace that holds what was trained.
    faces : str
        One of :data:`FACES`. A face is cut out as of a video's frame: a gray square around the detector's box.

    Raises
    ------
    SpecError
        A place does not exist, there is no picture, none can be answered, or there is no such classifier.
    ModelError
        The classifier's weights cannot be used.
    Cancelled
        Stopped by ``progress``.
    """
    if faces not in FACES:
        raise unknown_name("choice of faces", faces, FACES)
    paths = pictures_of(places)
    progress.step(f"load {model}")
    classifier = load_classifier(model, weights, store, progress)
    target = classifier.target
    progress.step("answer pictures", len(paths))
    answered: list[Path] = []
    found: list[bool] = []
    logits: list[Floats] = []
    notes: list[str] = []
    for start in range(0, len(paths), _AT_ONCE):
        seen: list[Image.Image] = []
        for path in paths[start : start + _AT_ONCE]:
            try:
                picture, face = _look(path, faces)
            except (DatasetError, OSError) as error:
                notes.append(f"left out: {error}")
                continue
            seen.append(picture)
            answered.append(path)
            found.append(face)
        if seen:
            logits.append(classifier.logits(target.logits(target.prepare(seen))))
        progress.advance(min(_AT_ONCE, len(paths) - start))
    if not logits:
        raise SpecError(f"no picture could be answered; {notes[0]}")
    probabilities = class_scores(np.concatenate(logits), 1).probabilities
    said = (*notes, *target.notes)
    return Answers(model, classifier.classes, tuple(answered), np.array(found), probabilities, said)


def pictures_of(places: Sequence[Path]) -> list[Path]:
    """Return the pictures that places name; see :func:`answer`."""
    paths: list[Path] = []
    for place in places:
        if not place.exists():
            raise SpecError(f"{place}: there is no such picture or folder")
        inside = sorted(path for path in place.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
        if place.is_dir() and not inside:
            raise SpecError(f"{place} holds no picture ({', '.join(sorted(IMAGE_SUFFIXES))})")
        paths += inside if place.is_dir() else [place]
    return paths


def _look(path: Path, faces: str) -> tuple[Image.Image, bool]:
    """Return what of a picture is answered, and whether it is a face; :class:`DatasetError` where that is nothing."""
    picture = decode(path.read_bytes(), str(path))
    if faces == "whole":
        return picture, False
    frame = Frame(0, 0.0, np.asarray(picture.convert("RGB")))
    boxes = detector(ScoreSpec.detector).detect(frame.picture)
    box = shares(boxes[0], picture.size) if len(boxes) else WHOLE
    if len(boxes) and (faces == "largest" or max(box[2:]) < FILLS):
        return crop(frame, box, ScoreSpec.margin, ScoreSpec.colour), True
    if faces == "largest":
        raise DatasetError(f"{path}: no face was found; --faces whole answers the picture as it is")
    return picture, False
