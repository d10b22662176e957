"""Maps, suspects, cleaning and slices from the command line, one after the other on one small dataset."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import write_source
from tests.data.test_votes import write_votes
from workbench.cli import main
from workbench.data.datasets import open_dataset
from workbench.data.votes import USAGES
from workbench.store import Store


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    root = tmp_path_factory.mktemp("commands")
    home = ["--workspace", str(root / "workspace")]
    assert main([*home, "import", str(write_source(root / "faces.parquet", 210)), "--name", "faces"]) == 0
    return home


@pytest.fixture
def clip(tiny_clip_folder: Path) -> str:
    return f"local-dir:{tiny_clip_folder}"


def test_maps_and_angles_are_told_with_their_quality(
    home: list[str], clip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*home, "map", "faces", "--clip", clip, "--method", "pca", "--most", "100"]) == 0
    text, progress = capsys.readouterr()
    assert "trustworthiness" in text
    assert "note: " in text  # a sample is on the map
    assert "note: " not in progress  # and is told once
    assert main([*home, "angles", "faces", "--clip", clip, "--resamples", "100", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert len(values["images"]) == len(values["classes"])
    assert main([*home, "angles", "faces", "--clip", clip, "--resamples", "100"]) == 0
    assert "images and texts order the pairs alike: Spearman" in capsys.readouterr().out


def test_from_suspects_to_a_cleaned_dataset_and_whether_it_helped(
    home: list[str], clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(Path(home[1]))
    table = tmp_path / "doubts.csv"
    suspects = ["suspects", "faces", "--clip", clip, "--network", "", "--folds", "3", "--out", str(table)]
    assert main([*home, *suspects]) == 0
    assert "with a wrong label" in capsys.readouterr().out
    with table.open(newline="") as file:
        lines = list(csv.DictReader(file))
    scores = [float(line["score"]) for line in lines]
    assert len(lines) == 210
    assert {"id", "label", "bin", "proposed", "probe", "neighbours"} <= set(lines[0])
    assert max(scores) <= 1
    assert main([*home, *suspects]) == 2
    assert "is there already" in capsys.readouterr().err
    (run,) = store.artifacts("suspects")
    assert main([*home, "clean", "faces", "--name", "cleaner", "--suspects", run.name, "--above", "0.3"]) == 0
    assert "cleaner:" in capsys.readouterr().out
    assert main([*home, "retrain", "cleaner", "--clip", clip, "--resamples", "100"]) == 0
    text = capsys.readouterr().out
    assert "points on test against the cleaned labels" in text
    assert "balanced accuracy" in text
    assert main([*home, "leakage", "faces", "--clip", clip, "--resamples", "100"]) == 0
    assert "all reported images" in capsys.readouterr().out


def test_names_that_are_not_there_are_refused_before_any_model_is_loaded(home: list[str]) -> None:
    lines = [
        "import sys",
        "from workbench.cli import main",
        f"home = {home!r}",
        "for words in ('slices nosuch', 'retrain faces', 'leakage nosuch', 'suspects nosuch', "
        "'clean faces --name new --suspects nosuch'):",
        "    assert main([*home, *words.split()]) == 2, words",
        "    assert 'torch' not in sys.modules, words",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_slices_of_a_run_and_by_an_attribute_file(
    home: list[str], clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*home, "classify", "faces", "--clip", clip]) == 0
    store = Store(Path(home[1]))
    (run,) = store.artifacts("classification")
    dataset = open_dataset(store, "faces")
    attributes = tmp_path / "people.csv"
    lines = [f"{name},{'old' if row % 3 else 'young'}" for row, name in enumerate(dataset.ids)]
    attributes.write_text("\n".join(["id,age", *lines]) + "\n", encoding="utf-8")
    common = [*home, "slices", run.name[:12], "--clip", clip, "--split", "all", "--resamples", "100"]
    capsys.readouterr()
    assert main([*common, "--slices", "3", "--smallest", "10"]) == 0
    assert "more than the rest (points)" in capsys.readouterr().out
    assert main([*common, "--attribute", str(attributes)]) == 0
    text = capsys.readouterr().out
    assert "age: old" in text
    assert "age: young" in text
    assert "in four searches of five" in text
    assert "Accuracy by class and age, against the other images of the class" in text


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["map", "places"], "unknown dataset 'places'"),
        (["map", "faces", "--method", "tsnee"], "did you mean 'tsne'"),
        (["map", "faces", "--split", "exam"], "exam"),
        (["suspects", "faces", "--folds", "1"], "folds is 1"),
        (["suspects", "faces", "--out", "doubts.txt"], "written as .csv"),
        (["suspects", "faces", "--votes", "nowhere.csv"], "nowhere.csv"),
        (["clean", "faces", "--name", "faces"], "parent's own name"),
        (["clean", "faces", "--name", "other"], "verdict"),
        (["retrain", "faces"], "faces"),
        (["leakage", "faces", "--train", "test"], "between two splits"),
        (["slices", "nothing"], "nothing"),
        (["verdicts", "export", "faces", "--out", "v.csv"], "verdict"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_words_get_one_line(
    home: list[str], capsys: pytest.CaptureFixture[str], words: list[str], line: str
) -> None:
    assert main([*home, *words]) == 2
    error = capsys.readouterr().err
    assert line in error
    said = [text for text in error.splitlines() if text.startswith("workbench: ")]
    assert len(said) == 1
    assert "Traceback" not in error


def test_votes_that_find_no_label_wrong_are_told_without_figures(
    home: list[str], clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = open_dataset(Store(Path(home[1])), "faces")
    usages = {split: usage.title() for usage, split in USAGES.items()}
    votes = write_votes(
        tmp_path / "votes.csv", dataset.labels.tolist(), [usages[name] for name in dataset.splits.tolist()]
    )
    table = tmp_path / "new" / "doubts.csv"  # the folder is made
    asked = ["suspects", "faces", "--clip", clip, "--network", "", "--folds", "3", "--votes", str(votes)]
    assert main([*home, *asked, "--out", str(table)]) == 0
    assert "Held against what is votes" in capsys.readouterr().out
    assert table.is_file()
    assert main([*home, *asked, "--out", str(tmp_path / f"{'x' * 300}.csv")]) == 2
    assert "the name is too long" in capsys.readouterr().err
