"""The study of the videos' parts: the stated figures, and the whole script on one set of videos."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ANALYSIS = Path(__file__).parents[2] / "analyses" / "rendered_videos"
FACE_CLIP = "face-clip, largest"


@pytest.fixture(scope="module")
def stated() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ANALYSIS / "expected.json").read_text(encoding="utf-8"))
    return found


def meets_the_goals(found: dict[str, Any]) -> None:
    figures = found["summary"][FACE_CLIP]
    assert figures["pearson"][1] > 0.75
    assert figures["order_right"] == figures["videos"]
    assert figures["mae"][0] < 0.25
    assert figures["gaps_wrong"] <= 0.01 * figures["frames"]
    assert all(row["kept_to"] > 0.99 for row in found["two_faces"])


def test_the_stated_figures_meet_the_goals(stated: dict[str, Any]) -> None:
    meets_the_goals(stated)
    assert set(stated["summary"]) == {FACE_CLIP, "face-cnn, largest", "face-clip, whole"}


def test_the_readme_states_what_was_measured(stated: dict[str, Any]) -> None:
    text = (ANALYSIS / "README.md").read_text(encoding="utf-8")
    for name, figures in stated["summary"].items():
        value, low, high = figures["mae"]
        row = next(line for line in text.splitlines() if line.startswith(f"| {name}"))
        assert f"{figures['pearson'][0]:.2f} (lowest {figures['pearson'][1]:.2f})" in row
        assert f"{value:.2f} ({low:.2f} to {high:.2f})" in row
        assert f"{figures['order_right']} of {figures['videos']}" in row


@pytest.mark.slow
def test_the_script_finds_it_again_on_one_set_of_videos(tmp_path: Path) -> None:
    text = (ANALYSIS / "spec.toml").read_text(encoding="utf-8")
    (tmp_path / "small.toml").write_text(re.sub(r"(?m)^seeds = \[0, 1, 2\]", "seeds = [3]", text), encoding="utf-8")
    script: list[str | Path] = [sys.executable, ANALYSIS / "run.py", "--workspace", tmp_path / "workspace"]
    script += ["--spec", tmp_path / "small.toml", "--out", tmp_path / "found.json"]
    done = subprocess.run(script, check=True, capture_output=True, text=True)
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    meets_the_goals(found)
    assert {row["people"] for rows in found["videos"].values() for row in rows} == {"seed3"}
    assert FACE_CLIP in done.stdout
