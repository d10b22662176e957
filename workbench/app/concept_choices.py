"""Which concept sets a form offers: the bundled ones, those saved in this workspace, and the prompts learned in it."""

from __future__ import annotations

from workbench.app import saved_concepts, session
from workbench.data.concepts import bundled_concept_sets

LEARNED = "coop"
"""Kind of the artifacts that hold learned prompts, and what begins their name as a concept set."""


def offered() -> list[str]:
    """Return what studies take for a concept set: bundled names first, then files saved here, then learned prompts."""
    learned = session.store().artifacts(LEARNED)
    files = [saved_concepts.spec_of(name) for name in saved_concepts.names() if name.startswith(saved_concepts.SAVED)]
    return [*bundled_concept_sets(), *files, *(f"{LEARNED}:{artifact.name}" for artifact in learned)]


def title(name: str) -> str:
    """Return what is offered in words: a file saved here by its name."""
    return saved_concepts.title(saved_concepts.name_of(name))


def check(name: str) -> None:
    """Raise a :class:`~workbench.errors.WorkbenchError` where a concept set cannot be opened."""
    from workbench.studies.concept_texts import open_concepts

    open_concepts(name, session.store())
