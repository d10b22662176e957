"""Prompts, probes and comparisons from the command line, one after the other on one small dataset."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.studies.review_data import judged_dataset
from workbench.cli import main
from workbench.store import Store


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    root = tmp_path_factory.mktemp("ladder")
    judged_dataset(Store(root / "workspace"), root)
    return ["--workspace", str(root / "workspace")]


@pytest.fixture
def clip(tiny_clip_folder: Path) -> str:
    return f"local-dir:{tiny_clip_folder}"


def test_a_probe_is_trained_told_and_used_as_a_model(
    home: list[str], clip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["probe", "faces", "--clip", clip, "--learner", "knn", "--settings", "1,5"]
    assert main([*home, *asked, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert [each["value"] for each in values["tried"]] == [5, 1]
    assert main([*home, *asked]) == 0
    text = capsys.readouterr().out
    assert "Reported once, on test" in text
    (probe,) = Store(Path(home[1])).artifacts("probe")
    assert f"--model probe:{probe.name}" in text
    assert main([*home, "predict", "faces", "--model", f"probe:{probe.name}"]) == 0
    accuracy = values["reported"]["accuracy"]["value"]
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("test "))
    assert f"{100 * accuracy:.1f}" in line


def test_prompts_are_measured_and_the_winner_is_a_concept_set_to_classify_with(
    home: list[str], clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = tmp_path / "words.yaml"
    words.write_text(
        'classes: [angry, happy, sad]\ntemplates: ["{}", "a {} face"]\nconcepts:\n'
        + "".join(f"  - {{text: {text}, classes: [{name}]}}\n" for name in ("angry", "happy", "sad")
                  for text in (name, f"very {name}")),
        encoding="utf-8",
    )  # fmt: skip
    asked = ["prompts", "faces", "--clip", clip, "--concepts", str(words), "--sizes", "1,2", "--draws", "2"]
    assert main([*home, *asked]) == 0
    text = capsys.readouterr().out
    assert "a {} face" in text
    assert "Reported once, on test" in text
    assert "Wilson's for accuracy and top-3, a bootstrap's for F1" in text
    assert "points: the standard deviation of 200 more random sets, of any size; drawing" in text
    (winner,) = (Path(home[1]) / "concept_sets").glob("*.yaml")
    assert main([*home, "classify", "faces", "--clip", clip, "--concepts", str(winner)]) == 0


def test_two_runs_are_compared(home: list[str], clip: str, capsys: pytest.CaptureFixture[str]) -> None:
    for aggregate in ("sum", "max"):
        assert main([*home, "classify", "faces", "--clip", clip, "--concepts", "customer-satisfaction",
                     "--aggregate", aggregate]) == 0  # fmt: skip
    first, second = (
        next(run.name for run in Store(Path(home[1])).artifacts("classification") if f"-{aggregate}-" in run.name)
        for aggregate in ("sum", "max")
    )
    capsys.readouterr()
    assert main([*home, "compare", first, second, "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)["counts"]
    assert counts["both"] + counts["first"] + counts["second"] + counts["neither"] == 30
    assert main([*home, "compare", first, second]) == 0
    assert "McNemar's exact test" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["probe", "faces", "--learner", "forrest"], "did you mean 'forest'"),
        (["probe", "faces", "--settings", "-1"], "not above 0"),
        (["probe", "places"], "unknown dataset 'places'"),
        (["prompts", "faces", "--report-on", "validation"], "were not chosen by"),
        (["prompts", "faces", "--sizes", "0"], "whole numbers from 1"),
        (["compare", "nothing", "else"], "nothing"),
    ],
)
def test_bad_input_is_one_line(
    home: list[str], words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*home, *words]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert line in said[-1]
