"""The concept sets that forms offer: the bundled ones and the workspace's learned prompts."""

from __future__ import annotations

import pytest

from workbench.app import concept_choices, session
from workbench.data.concepts import bundled_concept_sets
from workbench.errors import SpecError
from workbench.store import ArtifactKey, Build, Store


def test_learned_prompts_are_offered_behind_the_bundled_sets(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "store", lambda: store)
    assert concept_choices.offered() == [*bundled_concept_sets()]
    with store.build(ArtifactKey("coop", "made", {}), {"kind": "coop"}) as build:
        assert isinstance(build, Build)
        made = build.finish({})
    assert concept_choices.offered() == [*bundled_concept_sets(), f"coop:{made.name}"]


def test_a_set_that_is_not_there_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "store", lambda: store)
    concept_choices.check("fer7")
    for name in ("fer8", "coop:nope"):
        with pytest.raises(SpecError, match="unknown co"):
            concept_choices.check(name)
