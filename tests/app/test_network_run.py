"""A network's classification is browsed on the Confusions page like a zero-shot one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.test_pages import open_page
from tests.conftest import write_source
from workbench.specs import ImportSpec, PredictSpec
from workbench.store import Store
from workbench.studies.importing import import_dataset
from workbench.studies.predict import predict


@pytest.mark.parametrize(
    "parameters", [{}, {"face": "3"}, {"tab": "fine"}, {"split": "all", "label": "happy"}], ids=str
)
def test_a_networks_confusions_are_shown_without_neighbours(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, str]
) -> None:
    import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet", 30)), "faces"), store)
    run = predict(PredictSpec("faces"), store).artifact.name
    monkeypatch.setenv("WORKBENCH_HOME", str(store.root))
    app = open_page("confusions", dataset="faces", run=run, **parameters)
    assert not app.exception
    assert not app.error
    assert any("face-cnn" in str(box.options) for box in app.selectbox)
