"""The study of maps and angles, on a small demo dataset."""

from __future__ import annotations

import json
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

RUN = Path(__file__).parents[2] / "analyses" / "maps" / "run.py"


@pytest.mark.slow
def test_the_study_prints_and_writes_angles_gap_and_maps(tmp_path: Path, store: Store) -> None:
    write_demo_source(tmp_path / "source", seed=5, count=300)
    import_dataset(ImportSpec(str(tmp_path / "source" / IMAGES), "demo"), store)
    spec = tomllib.loads((RUN.parent / "spec.toml").read_text(encoding="utf-8"))
    spec |= {"methods": ["pca"], "resamples": 100, "angles": {"seven": ["fer7", "all"]}}
    (tmp_path / "spec.toml").write_text(tomli_w.dumps(spec), encoding="utf-8")
    out, figures = tmp_path / "found.json", tmp_path / "figures"
    arguments = [
        "demo",
        "--workspace",
        store.root,
        "--spec",
        tmp_path / "spec.toml",
        "--out",
        out,
        "--figures",
        figures,
    ]
    command = [sys.executable, str(RUN), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text(encoding="utf-8"))
    angles = found["angles"]["seven"]
    assert len(angles["pairs"]) == 21
    closest = angles["extremes"]["images"]["closest"]
    assert f"{closest['angle']:.1f}" in done.stdout
    assert angles["gap"]["own"] > angles["gap"]["others"]
    assert found["maps"]["pca"]["purity_map"] > found["maps"]["pca"]["purity_chance"]
    assert {path.name for path in figures.iterdir()} == {"pca.html", "seven tables.html", "seven agreement.html"}


def test_the_reported_figures_hold_every_part_of_the_study() -> None:
    spec = tomllib.loads((RUN.parent / "spec.toml").read_text(encoding="utf-8"))
    expected = json.loads((RUN.parent / "expected.json").read_text(encoding="utf-8"))
    assert set(expected["angles"]) == set(spec["angles"])
    assert set(expected["maps"]) == set(spec["methods"])
