"""The study of label quality, on a small demo dataset with made-up votes."""

from __future__ import annotations

import csv
import json
import runpy
import sys
import tomllib
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.data.test_votes import HEADER, line
from workbench.data.datasets import open_dataset
from workbench.data.demo import IMAGES, write_demo_source
from workbench.data.votes import COLUMNS
from workbench.models import fold_encoders
from workbench.specs import ImportSpec
from workbench.store import Store
from workbench.studies.importing import import_dataset

FOLDER = Path(__file__).parents[2] / "analyses" / "label_quality"
USAGES = {"train": "Training", "validation": "PublicTest", "test": "PrivateTest"}


def write_votes_of_the_truth(path: Path, truth: Path, store: Store) -> Path:
    """Eight of ten votes for what each image truly shows, in the dataset's order; blends are split evenly."""
    dataset = open_dataset(store, "demo")
    table = pq.read_table(truth, columns=["id", "true_label", "kind"]).to_pylist()
    true = {row["id"]: row for row in table}
    column_of = {name: column for column, name in COLUMNS.items() if name}
    lines = [HEADER]
    for row, (name, split) in enumerate(zip(dataset.ids.tolist(), dataset.splits.tolist(), strict=True)):
        faceless = true[name]["kind"] in ("blank", "non-face")
        label = true[name]["true_label"]
        votes = (
            {"nf": 8, "unknown": 2}
            if faceless
            else {column_of[label]: 8, "unknown": 2}
            if label
            else {"fear": 5, "unknown": 5}
        )
        lines.append(line(USAGES[split], f"fer{row:07d}.png", **votes))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.slow
def test_the_study_says_which_labels_are_doubted_and_what_that_is_worth(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_demo_source(tmp_path / "source", seed=5, count=300)
    import_dataset(ImportSpec(str(tmp_path / "source" / IMAGES), "demo"), store)
    votes, out = write_votes_of_the_truth(tmp_path / "votes.csv", source.truth, store), tmp_path / "found.json"
    arguments = ["demo", "--workspace", store.root, "--votes", votes, "--out-of-fold", "--out", out]
    monkeypatch.setattr(sys, "argv", ["run.py", *map(str, arguments), "--verdicts", str(FOLDER / "judged.csv")])
    monkeypatch.setattr(fold_encoders, "training_steps", lambda _: 20)
    monkeypatch.syspath_prepend(str(FOLDER))
    runpy.run_path(str(FOLDER / "run.py"), run_name="__main__")
    found = json.loads(out.read_text(encoding="utf-8"))
    wrong = found["evaluation"]["votes"]["wrong label"]
    assert wrong["precision"][str(wrong["positives"])][0] > 3 * wrong["chance"]
    assert found["against_network"]["all together"][0] >= found["against_network"]["chance"]
    assert sum(map(sum, found["noise"])) == pytest.approx(found["health"]["images"], abs=10)
    assert set(found["doubted_out_of_fold"]) == set(found["doubted_given"]) == {"train", "validation", "test"}
    printed = capsys.readouterr().out
    assert "estimated images by true class" in printed
    assert json.dumps(found["held_out"]["bins"]) in printed


def test_the_reported_figures_are_of_the_verdicts_and_the_spec_beside_them() -> None:
    spec = tomllib.loads((FOLDER / "spec.toml").read_text(encoding="utf-8"))
    expected = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
    with (FOLDER / "judged.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert {line["verdict"] for line in lines} == {"given", "other", "neither", "ambiguous"}
    assert sum(expected["by_eye"]["first 100"][name] for name in ("wrong", "ambiguous", "right")) == 100
    assert len(expected["against_encoders"]["all together"]) == len(spec["first"])
