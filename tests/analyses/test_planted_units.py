"""The planted units in small: the whole script, on few faces."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ANALYSIS = Path(__file__).parents[2] / "analyses" / "planted_units"
SMALL = {
    r"similarities = .*": 'similarities = ["soft_wpmi", "wpmi"]',
    r"draws = 10000": "draws = 2000",
    r"resamples = 50": "resamples = 5",
    r"probing = 6000": "probing = 700",
    r"held_out = 2000": "held_out = 200",
    r"noises = .*": "noises = [0.5]",
    r"noise = 300": "noise = 100",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    folder = tmp_path_factory.mktemp("planted")
    text = (ANALYSIS / "spec.toml").read_text(encoding="utf-8")
    for pattern, replacement in SMALL.items():
        text, count = re.subn(rf"^{pattern}", replacement, text, flags=re.MULTILINE)
        assert count == 1, pattern
    (folder / "small.toml").write_text(text, encoding="utf-8")
    script = [sys.executable, ANALYSIS / "run.py", "--spec", folder / "small.toml", "--output", folder / "found.json"]
    subprocess.run(script, check=True, capture_output=True)
    result: dict[str, dict[str, float]] = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    return result


@pytest.mark.slow
@pytest.mark.parametrize("name", ["soft_wpmi", "wpmi"])
def test_planted_units_get_their_labels_and_random_ones_none(found: dict[str, dict[str, float]], name: str) -> None:
    assert found[name]["planted_right"] >= 0.95
    assert found[name]["planted_right_of_kept"] >= 0.95
    assert found[name]["random_kept"] <= 0.05


def test_the_stated_numbers_meet_the_goal_where_they_say_so() -> None:
    stated = json.loads((ANALYSIS / "expected.json").read_text(encoding="utf-8"))
    for name in ("soft_wpmi", "wpmi", "cos_similarity_cubed"):
        assert stated[name]["planted_right"] >= 0.95
        assert stated[name]["planted_right_of_kept"] >= 0.95
        assert stated[name]["random_kept"] <= 0.05
