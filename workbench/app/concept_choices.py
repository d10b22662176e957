"""Which concept sets a form offers: the bundled ones, and the prompts learned in this workspace."""

from __future__ import annotations

from workbench.app import session
from workbench.data.concepts import bundled_concept_sets

LEARNED = "coop"
"""Kind of the artifacts that hold learned prompts, and what begins their name as a concept set."""


def offered() -> list[str]:
    """Return the names of concept sets, the bundled ones first, then learned prompts, newest first."""
    learned = session.store().artifacts(LEARNED)
    return [*bundled_concept_sets(), *(f"{LEARNED}:{artifact.name}" for artifact in learned)]


def check(name: str) -> None:
    """Raise a :class:`~workbench.errors.WorkbenchError` where a concept set cannot be opened."""
    from workbench.studies.concept_texts import open_concepts

    open_concepts(name, session.store())
