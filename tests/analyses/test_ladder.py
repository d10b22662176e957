"""The study of the ladder, on a few faces, and its reported figures."""

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
from workbench.studies.rungs import chosen

RUN = Path(__file__).parents[2] / "analyses" / "ladder" / "run.py"


@pytest.mark.slow
def test_the_study_prints_and_writes_every_way(tmp_path: Path, store: Store) -> None:
    write_demo_source(tmp_path / "source", seed=5, count=160)
    import_dataset(ImportSpec(str(tmp_path / "source" / IMAGES), "demo"), store)
    spec = tomllib.loads((RUN.parent / "spec.toml").read_text(encoding="utf-8"))
    (tmp_path / "spec.toml").write_text(tomli_w.dumps(spec | {"rungs": "names,linear", "resamples": 100}))
    out, figure = tmp_path / "found.json", tmp_path / "ladder.html"
    command = [sys.executable, RUN, "demo", "--workspace", store.root, "--spec", tmp_path / "spec.toml"]
    command += ["--out", out, "--figure", figure]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text(encoding="utf-8"))
    assert set(found["ways"]) == {"names", "linear"}
    assert f"{100 * found['ways']['linear']['accuracy'][0]:.1f}" in done.stdout
    assert figure.stat().st_size > 10_000


def test_the_reported_figures_are_of_every_way_of_the_spec() -> None:
    spec = tomllib.loads((RUN.parent / "spec.toml").read_text(encoding="utf-8"))
    expected = json.loads((RUN.parent / "expected.json").read_text(encoding="utf-8"))
    assert set(expected["ways"]) == {rung.name for rung in chosen(spec["rungs"])}
    assert expected["left_out"] == {}
    text = (RUN.parent / "README.md").read_text(encoding="utf-8")
    for name in ("names", "fine-sum", "lenet", "pixel-mlp"):
        assert f"{100 * expected['ways'][name]['accuracy'][0]:.1f}" in text
