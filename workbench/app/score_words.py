"""The emotions of a score as a concept set: with what was changed by hand, and with further words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.app.score_settings import Edits
from workbench.data.concepts import PLACEHOLDER, Concept, ConceptSet, load_concept_set
from workbench.errors import SpecError, WorkbenchError

if TYPE_CHECKING:
    from workbench.studies.scoring import VideoScore

EDITED = "-edited"
"""What is added to a concept set's name once it is changed."""


def as_concepts(found: VideoScore, edits: Edits) -> ConceptSet:
    """Return a score's emotions as a concept set, with changed scores and without those left out."""
    scores, keep = edits.apply(found.scores)
    concepts = [
        Concept(name, tuple(found.classes[place] for place in speaks.nonzero()[0]), float(scores[row]))
        for row, (name, speaks) in enumerate(zip(found.names, found.membership, strict=True))
        if keep[row]
    ]
    return ConceptSet(
        name=set_name(found).partition(EDITED)[0] + EDITED,
        concepts=tuple(concepts),
        classes=found.classes,
        templates=templates(found),
        attribute="emotion",
        source=f"{set_name(found)}, changed by hand",
    )


def extended(found: VideoScore, edits: Edits, words: Sequence[Concept], lines: str) -> ConceptSet:
    """Return a score's emotions with further words (first) and with the templates ``lines`` (one a line).

    Raises
    ------
    SpecError, ConceptSetError
        A word is there already, a template has no placeholder, or nothing would change.
    """
    before = as_concepts(found, edits)
    sentences = tuple(line for line in map(str.strip, lines.splitlines()) if line)
    if not words and sentences == before.templates:
        raise SpecError("nothing would change: write a word, or another template")
    return replace(before, concepts=(*words, *before.concepts), templates=sentences)


def takes_words(found: VideoScore) -> bool:
    """Return whether a score was made with words, and not with a network's own classes."""
    try:
        return load_concept_set(found.spec.concepts).texts == list(found.names)
    except WorkbenchError:
        return False  # the file has gone since


def templates(found: VideoScore) -> tuple[str, ...]:
    """Return the templates that a score's words were put in."""
    try:
        return load_concept_set(found.spec.concepts).templates
    except WorkbenchError:
        return (PLACEHOLDER,)  # the file has gone since


def set_name(found: VideoScore) -> str:
    """Return the name of a score's concept set, without folders and end."""
    return found.spec.concepts.replace("\\", "/").rpartition("/")[2].rpartition(".yaml")[0] or found.spec.concepts
