"""Verdicts from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import write_source
from workbench.cli import main
from workbench.data.datasets import open_dataset
from workbench.data.verdicts import Entry, Verdicts
from workbench.store import Store


@pytest.fixture
def store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Store:
    root = tmp_path / "workspace"
    main(["--workspace", str(root), "import", str(write_source(tmp_path / "faces.parquet")), "--name", "faces"])
    capsys.readouterr()
    return Store(root)


def verdicts(store: Store, *words: str) -> int:
    return main(["--workspace", str(store.root), "--json", "verdicts", *words])


def test_two_reviewers_judge_disagree_and_one_takes_it_back(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = open_dataset(store, "faces")
    image, label = str(dataset.ids[3]), str(dataset.labels[3])
    other = next(name for name in dataset.classes if name != label)
    assert verdicts(store, "add", "faces", image, "relabel", "--to", other, "--reviewer", "Ann") == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["before"], row["after"], row["source"]) == (label, other, "command line")
    assert verdicts(store, "add", "faces", image, "keep", "--reviewer", "Bo") == 0
    capsys.readouterr()
    verdicts(store, "list", "faces")
    found = json.loads(capsys.readouterr().out)
    assert (found["judged"], found["disputed"]) == (1, 1)
    assert found["pairs"][0]["equal"] == 0
    assert verdicts(store, "undo", "faces", "--reviewer", "Bo") == 0
    capsys.readouterr()
    verdicts(store, "list", "faces")
    found = json.loads(capsys.readouterr().out)
    assert (found["judged_by_one"], found["agreed"], found["disputed"], len(found["rows"])) == (1, 0, 0, 3)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("add", "faces", "nobody", "keep", "--reviewer", "Ann"), "faces has no image 'nobody'"),
        (("add", "faces", "0", "relabel", "--to", "joy", "--reviewer", "Ann"), "'joy' is no class of faces"),
        (("add", "faces", "0", "relabel", "--reviewer", "Ann"), "of faces? Name one of angry"),
        (("add", "faces", "0", "keep", "--to", "happy", "--reviewer", "Ann"), "--to happy goes with"),
        (("undo", "faces", "--reviewer", "Ann", "--count=0"), "0 verdicts cannot be taken back; give 1 or more"),
        (("add", "faces", "0", "maybe", "--reviewer", "Ann"), "'maybe' is no verdict"),
        (("add", "faces", "0", "keep", "--reviewer", ""), "reviewer's name"),
        (("add", "places", "0", "keep", "--reviewer", "Ann"), "unknown dataset 'places'"),
        (("undo", "faces", "--reviewer", "Ann"), "Ann has no verdict on faces"),
        (("list", "places"), "unknown dataset 'places'"),
    ],
)
def test_a_verdict_that_cannot_be_is_one_line_and_no_row(
    store: Store, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], line: str
) -> None:
    first = str(open_dataset(store, "faces").ids[0])
    assert verdicts(store, *(first if word == "0" else word for word in words)) == 2
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1
    verdicts(store, "list", "faces")
    assert json.loads(capsys.readouterr().out)["rows"] == []


def test_the_list_is_readable(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    image = str(open_dataset(store, "faces").ids[0])
    verdicts(store, "add", "faces", image, "ambiguous", "--reviewer", "Ann")
    capsys.readouterr()
    assert main(["--workspace", str(store.root), "verdicts", "list", "faces"]) == 0
    text = capsys.readouterr().out
    assert "1 of 60 images judged, 1 by one reviewer and 0 by several, who agree on 0 and differ on 0" in text
    assert "ambiguous" in text
    assert "alpha" not in text


def test_skips_are_not_judged_and_agreement_says_whether_it_was_reached_blind(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = open_dataset(store, "faces")
    entries = [Entry(str(dataset.ids[row]), "Ann", "keep", source="app, blind") for row in range(4)]
    entries += [Entry(str(dataset.ids[row]), "Bo", "ambiguous" if row else "keep") for row in range(3)]
    Verdicts(store).add(dataset, [*entries, Entry(str(dataset.ids[9]), "Bo", "skip")])
    verdicts(store, "list", "faces")
    found = json.loads(capsys.readouterr().out)
    assert (found["judged"], found["judged_by_one"], found["agreed"], found["disputed"]) == (4, 1, 1, 2)
    assert (found["skipped"], found["verdicts_on_those"]) == (1, {"all": 6, "blind": 3})
    assert found["alpha"]["interval"][0] <= found["alpha"]["value"] <= found["alpha"]["interval"][1]
    assert main(["--workspace", str(store.root), "verdicts", "list", "faces"]) == 0
    text = capsys.readouterr().out
    assert "4 of 60 images judged" in text
    assert "; 1 only skipped" in text
    assert "Only 3 of the 6 verdicts behind the agreement were given blind" in text
