"""What a network is a classifier by, and what it was made from."""

from __future__ import annotations

import pytest

from workbench.errors import StoreError
from workbench.store import ArtifactKey, Build, Store
from workbench.studies.classifier import base_network


def changed(store: Store, base: str) -> str:
    with store.build(ArtifactKey("network", "changed", {"base": base}), {}) as build:
        assert isinstance(build, Build)
        return f"network:{build.finish({'base': base, 'base_weights': '', 'base_fingerprint': ''}).name}"


def test_the_base_is_found_through_any_number_of_changes(store: Store) -> None:
    once = changed(store, "python:mine:network")
    twice = changed(store, once)
    assert base_network(twice, store) == base_network(once, store) == "python:mine:network"
    assert base_network("face-cnn", store) == "face-cnn"
    with pytest.raises(StoreError, match="no network named 'nothing'"):
        base_network("network:nothing", store)
