"""The Neurons page without a browser: the form that starts a dissection, and links."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.synthetic import write_dissection
from tests.app.test_pages import open_page
from tests.conftest import write_source
from workbench.specs import ImportSpec
from workbench.store import ArtifactKey, Store
from workbench.studies.importing import import_dataset


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A workspace with one dataset and nothing more."""
    store = Store(tmp_path / "workspace")
    import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet", 30)), "faces"), store)
    monkeypatch.setenv("WORKBENCH_HOME", str(store.root))
    return store


@pytest.fixture
def faces(workspace: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.root))
    return workspace


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def test_a_dataset_without_a_dissection_offers_the_form(fresh: Store, submitted: list[Any]) -> None:
    app = open_page("neurons", dataset="faces")
    assert "no dissection yet" in app.info[0].value
    press(app, "Dissect")
    spec = submitted[0]
    assert (spec.kind, spec.dataset, spec.target, spec.layers) == ("dissect", "faces", "face-cnn", "")
    assert (spec.concepts, spec.similarity, spec.split, spec.clip) == (
        "facial-expressions",
        "soft_wpmi",
        "train",
        "face-clip",
    )


@pytest.mark.parametrize("base", ["python:", "  python:evil:build"])
def test_a_network_that_runs_code_is_refused(fresh: Store, submitted: list[Any], base: str) -> None:
    key = ArtifactKey("network", "changed", {"base": base})
    with fresh.build(key, {"kind": "reweight"}) as build:
        name = build.finish({"base": base}).name  # type: ignore[union-attr]
    app = open_page("neurons", dataset="faces")
    network = next(box for box in app.selectbox if box.label == "Network")
    network.select(f"network:{name}")
    press(app, "Dissect")
    assert "which the browser may not start" in app.error[0].value
    assert submitted == []


def test_an_unusable_concept_set_is_refused_before_a_job_is_made(
    fresh: Store, submitted: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.app.widgets import dissect_form
    from workbench.errors import ConceptSetError

    def unreadable(name: str) -> None:
        raise ConceptSetError(f"{name}: line 3: no such class")

    monkeypatch.setattr(dissect_form, "load_concept_set", unreadable)
    app = open_page("neurons", dataset="faces")
    press(app, "Dissect")
    assert "no such class" in app.error[0].value
    assert submitted == []


def test_a_run_alone_leads_to_its_dataset(faces: Store) -> None:
    run = next(found for found in faces.artifacts("dissection") if found.spec["dataset"] == "hostile")
    app = open_page("neurons", run=run.name, unit="lin1:2")
    assert not app.exception
    assert not app.error
    assert next(box for box in app.selectbox if box.label == "Dataset").value == "hostile"
    assert run.name in app.query_params["run"]


def test_a_dataset_imported_anew_under_its_name_no_longer_fits_the_dissection(fresh: Store, tmp_path: Path) -> None:
    write_dissection(fresh, "faces")
    assert not open_page("neurons", dataset="faces", unit="lin1:2").error
    shutil.rmtree(fresh.datasets_dir / "faces")
    import_dataset(ImportSpec(str(write_source(tmp_path / "others.parquet", 24, seed=5)), "faces"), fresh)
    app = open_page("neurons", dataset="faces", unit="lin1:2")
    assert not app.exception
    assert "has changed since" in app.error[0].value


def test_measuring_what_removal_does_is_submitted_for_the_layer_on_show(faces: Store, submitted: list[Any]) -> None:
    app = open_page("neurons", dataset="faces", unit="lin1:2")
    press(app, "Measure it for all units of lin1")
    spec = submitted[0]
    assert (spec.kind, spec.layer) == ("ablate", "lin1")
    assert spec.dissection.startswith("faces-synthetic")
