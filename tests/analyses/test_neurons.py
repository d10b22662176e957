"""The study of units and reweighting, on a small demo dataset."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import tomli_w

from workbench.data.demo import IMAGES, write_demo_source
from workbench.specs import ImportSpec
from workbench.store import Store
from workbench.studies.importing import import_dataset

RUN = Path(__file__).parents[2] / "analyses" / "neurons" / "run.py"


@pytest.mark.slow
def test_the_study_runs_on_the_demo_and_tells_both_protocols_apart(tmp_path: Path, store: Store) -> None:
    write_demo_source(tmp_path / "source", seed=5, count=600)
    import_dataset(ImportSpec(str(tmp_path / "source" / IMAGES), "demo"), store)
    spec = tomllib.loads((RUN.parent / "spec.toml").read_text(encoding="utf-8"))
    spec |= {
        "layers": "conv4b,lin*",
        "reweight_layers": ["lin2"],
        "ablate_layer": "lin2",
        "draws": 200,
        "resamples": 10,
    }
    (tmp_path / "spec.toml").write_text(tomli_w.dumps(spec), encoding="utf-8")
    out = tmp_path / "figures.json"
    arguments = ["demo", "--workspace", str(store.root), "--spec", str(tmp_path / "spec.toml"), "--out", str(out)]
    command = [sys.executable, str(RUN), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280, env={**os.environ})
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text(encoding="utf-8"))
    assert set(found["dissections"]) == {"fer7", "facial-expressions"}
    for part in found["dissections"].values():
        assert [row["layer"] for row in part["layers"]] == ["conv4b", "lin1", "lin2", "lin3"]
        assert sum(part["labels_of_accurate_units"].values()) == pytest.approx(100, abs=1)
        for row in part["layers"]:
            assert row["num_interp"] + row["num_uninterp"] + row["constant"] == row["units"]
    assert found["ablation"]["sentences"]
    honest, own = (found["reweighting"][f"lin2, {protocol}"] for protocol in ("held-out", "test-set"))
    assert honest["sentence"] in done.stdout
    assert own["sentence"] in done.stdout
    for outcome in (honest, own):
        assert outcome["optimism"]["best_gain"] >= outcome["optimism"]["chosen_gain"]
        assert outcome["optimism"]["halves_same"] >= outcome["optimism"]["halves_other"]
