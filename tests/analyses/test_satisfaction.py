"""The customer-satisfaction study: the stated figures, and the whole script on few rendered faces and short videos."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from workbench import load_concept_set
from workbench.data import rendered_videos
from workbench.data.demo import IMAGES, write_demo_source
from workbench.specs import ImportSpec
from workbench.store import Store
from workbench.studies.demo_videos import write_true_ratings
from workbench.studies.importing import import_dataset

ANALYSIS = Path(__file__).parents[2] / "analyses" / "satisfaction"


@pytest.fixture(scope="module")
def stated() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ANALYSIS / "expected.json").read_text(encoding="utf-8"))
    return found


def check(found: dict[str, Any]) -> None:
    """What must hold of any run of the study."""
    trials, chosen = found["templates"]["trials"], found["templates"]["chosen"]
    assert trials[chosen]["validation"][0] == max(trial["validation"][0] for trial in trials.values())
    words = load_concept_set("customer-satisfaction").texts
    for fold in found["folds"].values():
        images = sum(map(sum, fold["sum"]["confusion"]))
        assert images == sum(map(sum, fold["max"]["confusion"])) == sum(map(sum, fold["fine"].values()))
        assert list(fold["fine"]) == list(words)
        for way in ("sum", "max"):
            right = sum(row[place] for place, row in enumerate(fold[way]["confusion"]))
            assert fold[way]["accuracy"][0] == pytest.approx(100 * right / images, abs=0.051)
    for row in found["videos"]["rows"]:
        assert row["error"] == pytest.approx(abs(row["computed"] - row["reported"]))


def test_the_stated_figures_agree_with_each_other(stated: dict[str, Any]) -> None:
    check(stated)
    errors = {row["model"]: row["mae"] for row in stated["videos"]["models"]}
    assert errors["face-clip"] < errors["face-cnn"] < min(errors["always 3"], errors["vit-b-32-random"])


def test_the_readme_states_what_was_measured(stated: dict[str, Any]) -> None:
    text = (ANALYSIS / "README.md").read_text(encoding="utf-8")
    for template, trial in stated["templates"]["trials"].items():
        row = next(line for line in text.splitlines() if line.startswith((f"| `{template}`", f"| {template} |")))
        assert all(f"{trial[split][0]:.1f} (" in row for split in ("validation", "test"))
    for fold in ("sum", "max"):
        for label, row in zip(stated["classes"], stated["folds"]["study's template"][fold]["confusion"], strict=True):
            assert f"| {label} | {' | '.join(map(str, row))} |" in text
    for row in stated["videos"]["models"]:
        assert f"| {row['model']} | {row['mae']:.2f}" in text


@pytest.mark.slow
def test_the_script_runs_on_ones_own_videos_and_ratings(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_demo_source(tmp_path / "source", seed=5, count=300)
    import_dataset(ImportSpec(str(tmp_path / "source" / IMAGES), "demo"), store)
    monkeypatch.setattr(rendered_videos, "RATE", 1.0)
    monkeypatch.setattr(rendered_videos, "FRAMES", 9)
    videos = rendered_videos.write_rendered_videos(tmp_path / "videos")
    write_true_ratings(videos[:4], tmp_path / "ratings.csv")
    script: list[str | Path] = [sys.executable, ANALYSIS / "run.py", "demo", "--workspace", store.root]
    script += ["--videos", tmp_path / "videos", "--ratings", tmp_path / "ratings.csv", "--out", tmp_path / "found.json"]
    done = subprocess.run(script, check=True, capture_output=True, text=True)
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    rated = [row for row in found["videos"]["rows"] if row["reported"] is not None]
    assert len(found["videos"]["rows"]) == 12
    check(found | {"videos": {"rows": rated}})
    assert {row["model"]: row["videos"] for row in found["videos"]["models"]} == {
        "face-clip": 4,
        "face-cnn": 4,
        "always 3": 4,
    }
    assert "sum against max" in done.stdout
