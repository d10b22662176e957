"""The curve of a training that is not finished: there once an epoch is done, and gone with the result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import StopAfter
from tests.studies.review_data import judged_dataset
from workbench.errors import Cancelled
from workbench.specs import CoopSpec, TrainSpec
from workbench.store import Store
from workbench.studies.coop import coop
from workbench.studies.learned_prompts import live_curve as live_prompts
from workbench.studies.live_curves import CURVE
from workbench.studies.train import train
from workbench.studies.trained import live_curve

COUNT = 240


def test_prompts_that_are_being_learned_tell_their_epochs(store: Store, tmp_path: Path, tiny_clip_folder: Path) -> None:
    judged_dataset(store, tmp_path, COUNT)
    spec = CoopSpec("faces", f"local-dir:{tiny_clip_folder}", length=2, epochs=20, batch=72, patience=0)
    assert live_prompts(spec, store) == []
    with pytest.raises(Cancelled):
        coop(spec, store, StopAfter(16))
    begun = live_prompts(spec, store)
    assert 2 < len(begun) < 20
    assert [each["epoch"] for each in begun] == list(range(len(begun)))
    assert live_prompts(replace(spec, seed=1), store) == []
    found = coop(spec, store)
    assert found.curve[: len(begun)] == begun
    assert live_prompts(spec, store) == []
    assert not (found.artifact.path / CURVE).exists()


def test_a_network_that_is_being_trained_tells_its_epochs(store: Store, tmp_path: Path) -> None:
    judged_dataset(store, tmp_path, COUNT)
    spec = TrainSpec("faces", "lenet", epochs=3, batch=36)
    assert live_curve(spec, store) == ()
    with pytest.raises(Cancelled):
        train(spec, store, StopAfter(10))
    begun = live_curve(spec, store)
    assert [each.epoch for each in begun] == list(range(1, len(begun) + 1))
    assert begun
    found = train(spec, store)
    assert [each.accuracy for each in found.curve[: len(begun)]] == [each.accuracy for each in begun]
    assert live_curve(spec, store) == ()


def test_a_curve_that_cannot_be_read_is_no_error(store: Store) -> None:
    folder = store.artifacts_dir / "trained" / ".faces-lenet-0123456789abcdef.partial"
    folder.mkdir(parents=True)
    (folder / CURVE).write_text('{"kind": "tr')
    assert live_curve(TrainSpec("faces"), store) == ()
    (folder / CURVE).write_text("{ }}\n")
    assert live_curve(TrainSpec("faces"), store) == ()
