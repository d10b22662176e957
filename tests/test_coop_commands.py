"""Learned prompts from the command line: learned, told, and used as a concept set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.studies.review_data import judged_dataset
from tests.studies.test_coop import WORDS
from workbench.cli import main
from workbench.store import Store


@pytest.fixture
def home(tmp_path: Path) -> list[str]:
    judged_dataset(Store(tmp_path / "workspace"), tmp_path, 120)
    (tmp_path / "three.yaml").write_text(WORDS, encoding="utf-8")
    return ["--workspace", str(tmp_path / "workspace")]


def test_prompts_are_learned_told_and_used(
    home: list[str], tmp_path: Path, tiny_clip_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = f"local-dir:{tiny_clip_folder}"
    asked = ["coop", "faces", "--clip", clip, "--concepts", str(tmp_path / "three.yaml")]
    asked += ["--length", "3", "--epochs", "2", "--shots", "2", "--position", "front"]
    assert main([*home, *asked, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["spec"]["shots"] == 2
    assert len(values["curve"]) == 3
    assert main([*home, *asked]) == 0
    text = capsys.readouterr().out
    (stored,) = Store(Path(home[1])).artifacts("coop")
    assert "3 vectors, one context for all classes, beginning at random, the name at the front: 24 numbers" in text
    assert f"--concepts coop:{stored.name}" in text
    for row in ("zero-shot  ", "learned prompts  ", "linear probe  "):
        assert text.count(row) == 2
    assert "against zero-shot on the same images:" in text
    assert "What stands near each vector. A word is" in text
    assert main([*home, "classify", "faces", "--clip", clip, "--concepts", f"coop:{stored.name}"]) == 0
    accuracy = values["reported"]["accuracy"]["value"]
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("test "))
    assert f"{100 * accuracy:.1f}" in line


def test_more_shots_than_images_end_with_one_line(
    home: list[str], tmp_path: Path, tiny_clip_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["coop", "faces", "--clip", f"local-dir:{tiny_clip_folder}", "--concepts", str(tmp_path / "three.yaml")]
    assert main([*home, *asked, "--shots", "100"]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "shots" in line]
    assert len(lines) == 1
    assert "angry 24, happy 24, sad 24; use 24 or fewer" in lines[0]
