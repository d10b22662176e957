from __future__ import annotations

import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from workbench.data import rendered_videos
from workbench.data.datasets import Dataset, open_dataset
from workbench.data.video_library import list_videos, videos_dir
from workbench.errors import Cancelled, SpecError
from workbench.specs import DemoSpec
from workbench.store import Store
from workbench.studies import demo, demo_videos
from workbench.studies.classify import open_classification
from workbench.studies.demo import CLEANED, CONCEPT_SETS, LAYER, MAPS, NETWORK, build_demo
from workbench.studies.health import load_health
from workbench.studies.scoring import open_score_table
from workbench.studies.slicing import open_slices
from workbench.studies.suspicion import open_suspects

SPEC = DemoSpec(seed=3, count=400)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Dataset]:
    store = Store(tmp_path_factory.mktemp("demo"))
    with pytest.MonkeyPatch.context() as patch:  # shorter to render: two pictures a second instead of twelve
        patch.setattr(rendered_videos, "RATE", 2.0)
        patch.setattr(rendered_videos, "FRAMES", 18)
        patch.setattr(demo, "head_start", lambda *_: nullcontext())  # another process would not know of this
        return store, build_demo(SPEC, store)


def test_every_study_was_run_once_on_the_demo(built: tuple[Store, Dataset]) -> None:
    store, _ = built
    runs = [artifact.spec for artifact in store.artifacts("classification")]
    assert {run["concepts"] for run in runs if run["kind"] == "classify"} == set(CONCEPT_SETS)
    assert [run["model"] for run in runs if run["kind"] == "predict"] == [NETWORK]
    (dissection,) = store.artifacts("dissection")
    assert dissection.spec["target"] == NETWORK
    assert {artifact.spec["method"] for artifact in store.artifacts("map")} == set(MAPS)
    for kind in ("angles", "suspects", "retrain", "leakage"):
        assert len(store.artifacts(kind)) == 1
    people, groups = sorted(store.artifacts("slices"), key=lambda artifact: not artifact.spec["attribute"])
    assert {each.attribute for each in open_slices(people).slices} >= {"skin tone", "age"}
    assert {each.attribute for each in open_slices(groups).slices} == {""}
    for kind in ("ablation", "reweighting"):
        (found,) = store.artifacts(kind)
        assert (found.spec["dissection"], found.spec["layer"]) == (dissection.name, LAYER)


def test_the_truth_of_every_plant_stands_beside_the_dataset(built: tuple[Store, Dataset]) -> None:
    _, dataset = built
    truth = pq.read_table(dataset.path / "truth.parquet")
    kinds = dict(zip(truth["id"].to_pylist(), truth["kind"].to_pylist(), strict=True))
    assert set(dataset.ids.tolist()) <= set(kinds)
    rejected = {name for name, kind in kinds.items() if kind == "corrupt"}
    assert rejected == set(kinds) - set(dataset.ids.tolist())
    assert len(dataset.rejected) == len(rejected) > 0


def test_planted_blanks_and_exact_duplicates_are_found(built: tuple[Store, Dataset]) -> None:
    store, dataset = built
    truth = pq.read_table(dataset.path / "truth.parquet").to_pylist()
    health = load_health(store, dataset.name)
    row = {name: index for index, name in enumerate(dataset.ids.tolist())}
    blank = {row[each["id"]] for each in truth if each["kind"] == "blank"}
    assert set(health.blank.tolist()) == blank
    conflicts = [each for each in truth if each["kind"] == "conflicting-duplicate"]
    assert conflicts
    for each in conflicts:
        first, second = row[each["id"]], row[each["partner"]]
        assert health.exact_group[first] == health.exact_group[second] >= 0
        assert any(group.conflicting and first in group.rows for group in health.exact)


def test_planted_faults_are_found_and_cleaning_by_the_proposals_leaves_fewer(built: tuple[Store, Dataset]) -> None:
    store, dataset = built
    (artifact,) = store.artifacts("suspects")
    worth = open_suspects(artifact).evaluation["planted"]
    flips, faceless = worth["wrong label"], worth["not a face"]
    assert flips["precision"][str(flips["positives"])][0] >= 0.9
    assert faceless["found"] == faceless["positives"] > 0
    truth = pq.read_table(dataset.path / "truth.parquet", columns=["id", "true_label"]).to_pydict()
    true = dict(zip(truth["id"], truth["true_label"], strict=True))
    cleaned = open_dataset(store, CLEANED)

    def wrong(of: Dataset) -> int:
        return sum(true[name] not in (None, label) for name, label in zip(of.ids, of.labels, strict=True))

    assert wrong(dataset) >= flips["positives"] > 0
    assert wrong(cleaned) < wrong(dataset) / 2


def test_the_bundled_clip_reads_the_rendered_emotions(built: tuple[Store, Dataset]) -> None:
    """Far above chance (1 in 7) on people it was not trained on."""
    store, dataset = built
    truth = {each["id"]: each for each in pq.read_table(dataset.path / "truth.parquet").to_pylist()}
    (run,) = [a for a in store.artifacts("classification") if a.summary["concept_set"] == "fer7"]
    found = open_classification(run)
    clean = np.array([truth[name]["kind"] == "clean" for name in found.ids.tolist()])
    assert (found.predicted == found.labels)[clean].mean() > 0.7
    assert not found.trained_on.any()


def test_every_video_was_scored_and_its_score_lies_near_the_truth(built: tuple[Store, Dataset]) -> None:
    store, _ = built
    (found,) = [open_score_table(artifact) for artifact in store.artifacts("score-table")]
    models = demo_videos.SCORED_BY.split(",")
    wanted = {(f"{name}.mp4", model) for name in rendered_videos.COURSES for model in models}
    assert {(row["video"], row["model"]) for row in found.rows} == wanted
    assert {artifact.name for artifact in store.artifacts("score")} == {row["score"] for row in found.rows}
    assert {row["model"]: row["videos"] for row in found.models} == dict.fromkeys(models, 6)
    assert all(row["mae"] < 0.6 for row in found.models)


def test_a_video_that_was_added_is_not_scored_with_the_demos(built: tuple[Store, Dataset]) -> None:
    store, _ = built
    added = store.root / "videos" / "own.mp4"
    added.write_bytes(b"no video at all")
    try:
        build_demo(SPEC, store)
        assert len(store.artifacts("score-table")) == 1
    finally:
        added.unlink()


def test_a_second_build_makes_nothing_new_and_another_seed_needs_another_workspace(
    built: tuple[Store, Dataset],
) -> None:
    store, dataset = built
    before = {path: path.stat().st_mtime_ns for path in Path(store.root).rglob("*") if path.is_file()}
    assert build_demo(SPEC, store).fingerprint == dataset.fingerprint
    assert {path: path.stat().st_mtime_ns for path in Path(store.root).rglob("*") if path.is_file()} == before
    with pytest.raises(SpecError, match="choose a new --workspace"):
        build_demo(DemoSpec(seed=4, count=400), store)


def test_a_head_start_ends_with_the_work_it_runs_beside(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[subprocess.Popen[bytes]] = []

    def popen(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        begun.append(real(*arguments, **options))
        return begun[0]

    real = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", popen)
    with pytest.raises(Cancelled), demo_videos.head_start(0, store):
        raise Cancelled
    assert begun[0].poll() is not None
    assert list_videos(store) == []


def test_there_is_no_head_start_where_there_are_videos(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    videos_dir(store).mkdir(parents=True)
    (videos_dir(store) / "own.mp4").write_bytes(b"film")
    monkeypatch.setattr(subprocess, "Popen", None)
    with demo_videos.head_start(0, store):
        pass
