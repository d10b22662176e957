"""The ladder: every rung on the same images, its figures those of its own run, and what cannot be run said."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.studies.review_data import judged_dataset
from workbench.data.datasets import Dataset
from workbench.data.demo import IMAGES, write_demo_source
from workbench.errors import Cancelled, SpecError
from workbench.methods.bootstrap import Estimate
from workbench.methods.metrics import in_top_k
from workbench.progress import Silent
from workbench.reports import of_artifact, of_result
from workbench.specs import RUNGS as NAMES
from workbench.specs import ImportSpec, LadderSpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies import run_study
from workbench.studies.case import is_copy
from workbench.studies.classification import open_classification
from workbench.studies.importing import import_dataset
from workbench.studies.ladder import ladder
from workbench.studies.rungs import FAMILIES, RUNGS, chosen
from workbench.studies.standings import Ladder, Standing, open_ladder

QUICK = "names,fine-sum,linear,mlp"


@pytest.fixture
def clip(tiny_clip_folder: Path) -> str:
    return f"local-dir:{tiny_clip_folder}"


@pytest.fixture
def faces(store: Store, tmp_path: Path) -> Dataset:
    return judged_dataset(store, tmp_path, 240)


def test_each_rungs_figures_are_those_of_its_own_classification(store: Store, faces: Dataset, clip: str) -> None:
    found = ladder(LadderSpec("faces", clip, QUICK, seeds=2, resamples=200), store)
    rows = faces.rows("test")
    assert {each.name for each in found.standings} == set(QUICK.split(","))
    assert [each.accuracy.value for each in found.standings] == sorted(
        (each.accuracy.value for each in found.standings), reverse=True
    )
    for each in found.standings:
        run = open_classification(store.artifact("classification", each.run))
        own = float((run.predicted[rows] == faces.labels[rows]).mean())
        if each.seeds == 1:
            assert each.accuracy.value == pytest.approx(own)
            labels = np.array([run.classes.index(label) for label in faces.labels[rows].tolist()])
            assert each.top_3.value == pytest.approx(in_top_k(labels, run.ranked[rows].astype(np.int64), 3).mean())
        assert each.lowest <= own <= each.highest
        assert each.accuracy.low <= each.accuracy.value <= each.accuracy.high
        assert each.rate > 0
    assert found.images == len(rows)
    assert found.commonest == pytest.approx(np.unique(faces.labels[rows], return_counts=True)[1].max() / len(rows))


def test_seeds_are_trained_anew_where_there_is_chance_and_only_there(store: Store, faces: Dataset, clip: str) -> None:
    found = {each.name: each for each in ladder(LadderSpec("faces", clip, QUICK, seeds=3), store).standings}
    assert {name: each.seeds for name, each in found.items()} == {"names": 1, "fine-sum": 1, "linear": 1, "mlp": 3}
    assert sorted(probe.spec["seed"] for probe in store.artifacts("probe") if probe.spec["learner"] == "mlp") == [
        0,
        1,
        2,
    ]
    assert found["names"].parameters == 0
    assert found["names"].seconds == 0
    assert found["linear"].parameters == 3 * 17  # three classes, sixteen numbers and a constant
    assert (found["mlp"].seconds or 0) > 0
    own = [probe.summary["parameters"] for probe in store.artifacts("probe") if probe.spec["learner"] == "mlp"]
    assert (found["mlp"].fewest, found["mlp"].most) == (min(own), max(own))
    assert found["linear"].made.startswith("probe/")
    assert found["names"].made.startswith("classification/")


def test_the_same_is_found_again_and_a_wider_ladder_uses_what_is_there(store: Store, faces: Dataset, clip: str) -> None:
    spec = LadderSpec("faces", clip, "names,linear")
    first = ladder(spec, store)
    assert ladder(spec, store).artifact.name == first.artifact.name
    wider = ladder(LadderSpec("faces", clip, "names,linear,knn"), store)
    assert len(store.artifacts("probe")) == 2
    by_name = {each.name: each for each in wider.standings}
    for each in first.standings:
        assert (by_name[each.name].run, by_name[each.name].accuracy) == (each.run, each.accuracy)


def test_a_copy_of_a_training_image_does_not_count_where_copies_are_left_out(
    store: Store, tmp_path: Path, clip: str
) -> None:
    judged_dataset(store, tmp_path, 240, name="once")
    table = pq.read_table(tmp_path / "once.parquet").to_pylist()
    train, test = ([row for row in table if row["split"] == split] for split in ("train", "test"))
    for copied, row in zip(train, test[:10], strict=False):
        row["image"] = copied["image"]
        row["label"] = copied["label"]
    pq.write_table(pa.Table.from_pylist(table), tmp_path / "copied.parquet")
    dataset = import_dataset(ImportSpec(str(tmp_path / "copied.parquet"), "copied"), store)
    found = ladder(LadderSpec("copied", clip, "names,knn"), store)
    rows = dataset.rows("test")
    new = ~is_copy(dataset, dataset.rows("train"), rows)
    assert 10 <= (~new).sum() < len(rows)
    for each in found.standings:
        run = open_classification(store.artifact("classification", each.run))
        right = run.predicted[rows] == dataset.labels[rows]
        assert each.unseen is not None
        assert each.unseen.value == pytest.approx(right[new].mean())
    assert any("copies" in note for note in found.notes)


def test_a_rung_that_cannot_run_is_left_out_and_said(
    store: Store, faces: Dataset, clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(spec: object, *more: object) -> str:
        if getattr(spec, "learner", "") == "linear":
            raise SpecError("its text tower cannot be entered")
        return run_study(spec, *more)  # type: ignore[arg-type]

    monkeypatch.setattr("workbench.studies.ladder.run_study", refuse)
    found = ladder(LadderSpec("faces", clip, "names,linear"), store)
    assert [each.name for each in found.standings] == ["names"]
    assert found.left_out == {"linear": "its text tower cannot be entered"}
    (note,) = [note for note in found.notes if "left out" in note]
    assert note.startswith("linear probe is left out: its text tower cannot be entered; once that is mended")
    with pytest.raises(SpecError, match=r"no rung can be run on faces: its text tower cannot be entered"):
        ladder(LadderSpec("faces", clip, "linear"), store)


def test_a_stopped_ladder_keeps_the_rungs_it_has_finished(store: Store, faces: Dataset, clip: str) -> None:
    class StopAtPerceptron(Silent):
        def step(self, name: str, total: int | None = None) -> None:
            del total
            if "perceptron" in name:
                raise Cancelled("stopped")

    spec = LadderSpec("faces", clip, "names,linear,mlp", seeds=1)
    with pytest.raises(Cancelled):
        ladder(spec, store, StopAtPerceptron())
    assert not store.artifacts("ladder")
    (kept,) = store.artifacts("probe")
    found = ladder(spec, store)
    assert {each.name: each.made for each in found.standings}["linear"] == kept.reference


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rungs": "lineer"}, r"unknown rung 'lineer'; did you mean 'linear'\?"),
        ({"rungs": " , "}, "names none"),
        ({"report_on": "train"}, "share 144 images"),
        ({"dataset": "none"}, "none"),
        ({"report_on": "nowhere"}, "nowhere"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    store: Store, faces: Dataset, clip: str, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        ladder(LadderSpec(**{"dataset": "faces", "clip": clip, **changes}), store)


def test_test_images_that_choose_are_told(store: Store, faces: Dataset, clip: str) -> None:
    found = ladder(LadderSpec("faces", clip, "names", tune_on="test"), store)
    assert any("'test' was used to choose settings" in note for note in found.notes)
    assert any("images reported on also chose settings" in note for note in found.notes)


def test_images_of_a_class_that_not_every_way_knows_are_left_out(store: Store, tmp_path: Path, clip: str) -> None:
    judged_dataset(store, tmp_path, 240, name="once")
    table = pq.read_table(tmp_path / "once.parquet").to_pylist()
    for row in table[::12]:
        row["label"] = "contempt"
    pq.write_table(pa.Table.from_pylist(table), tmp_path / "more.parquet")
    dataset = import_dataset(ImportSpec(str(tmp_path / "more.parquet"), "more"), store)
    found = ladder(LadderSpec("more", clip, "names,linear"), store)
    labels = dataset.labels[dataset.rows("test")]
    assert 0 < (labels == "contempt").sum() < len(labels)
    assert found.images == (labels != "contempt").sum()
    assert any("are left out: their class" in note for note in found.notes)


def test_the_list_of_rungs_is_whole_and_slow_ones_are_asked_for_by_name() -> None:
    assert {rung.family for rung in RUNGS.values()} == set(FAMILIES)
    assert tuple(rung.name for rung in RUNGS.values()) == NAMES
    assert tuple(name for name, rung in RUNGS.items() if rung.slow) == NAMES[-4:]
    assert "vgg" not in {rung.name for rung in chosen("")}
    assert [rung.name for rung in chosen("vgg,names")] == ["names", "vgg"]
    assert len(chosen("all")) == len(RUNGS)


def test_the_report_tells_what_was_measured_from_what_was_reported(store: Store, faces: Dataset, clip: str) -> None:
    spec = LadderSpec("faces", clip, "names,linear")
    report = of_result(spec, ladder(spec, store).artifact.reference, store)
    text = report.text()
    assert "bare names of the classes" in text
    assert "Reported elsewhere: other models, other images" in text
    assert json.loads(report.json())["images"] == len(faces.rows("test"))


def write_ladder(store: Store, *standings: Standing, without: tuple[str, ...] = ()) -> Ladder:
    """Store a ladder of made-up figures, by which ``without`` leaves out what older ones do not hold."""
    lines = [{name: value for name, value in asdict(each).items() if name not in without} for each in standings]
    summary = {"images": 400, "commonest": 0.25, "standings": lines, "left_out": {}, "sentence": "-", "notes": ["old"]}

    def compute(build: Build) -> Artifact:
        return build.finish(summary)

    key = ArtifactKey("ladder", "made-up", {"standings": lines})
    return open_ladder(store.find_or_build(key, LadderSpec("faces").to_dict(), compute))


def standing(name: str, accuracy: float, behind: Estimate, **more: Any) -> Standing:
    span = Estimate(accuracy, accuracy - 0.05, accuracy + 0.05)
    values = {"seeds": 1, "lowest": accuracy, "highest": accuracy, "unseen": None, "parameters": None, "seconds": None}
    values |= {"top_3": span, "macro_f1": span, "ece": span, "rate": 1.0, "run": name, "made": f"probe/{name}"}
    return Standing(name=name, accuracy=span, behind=behind, **(values | more))


BEST = Estimate(0.0, 0.0, 0.0)


def test_ways_that_are_level_are_said_apart_from_those_not_told_apart(store: Store) -> None:
    level, close, far = Estimate(0.0, -0.02, 0.02), Estimate(-0.01, -0.02, 0.0), Estimate(-0.3, -0.4, -0.2)
    found = write_ladder(
        store, standing("linear", 0.9, BEST), standing("knn", 0.9, level), standing("mlp", 0.89, close),
        standing("lenet", 0.6, far),
    )  # fmt: skip
    assert found.sentence == (
        "most accurate on the 400 images of test is linear probe: 90.0 % (85.0 to 95.0), exactly level with nearest "
        "neighbours of embeddings. Not told apart from it: perceptron on embeddings"
    )
    assert found.notes == ("old",)


def test_ways_no_better_than_the_commonest_class_are_named(store: Store) -> None:
    far = Estimate(-0.6, -0.7, -0.5)
    found = write_ladder(
        store, standing("linear", 0.9, BEST), standing("mlp", 0.31, far), standing("pixel-mlp", 0.29, far),
        standing("lenet", 0.25, far),
    )  # fmt: skip
    note, *rest = found.notes
    assert note.startswith("no better than always answering the commonest class (25.0 %)")
    assert "can tell: perceptron on pixels, LeNet; what was trained there may have learned nothing" in note
    assert rest == ["old"]
    report = of_artifact(found.artifact)
    assert f"note: {note}" in report.text()
    assert json.loads(report.json())["notes"] == [note, "old"]


def test_numbers_kept_are_never_those_of_no_model(store: Store) -> None:
    spread = standing("mlp", 0.9, BEST, seeds=3, parameters=30471, fewest=4359, most=69639)
    agreed = standing("lenet", 0.8, BEST, seeds=3, parameters=107531, fewest=107531, most=107531)
    assert [each.numbers_kept for each in (spread, agreed, standing("face-cnn", 0.5, BEST))] == [
        "4,359 to 69,639", "107,531", "",
    ]  # fmt: skip
    table = of_artifact(write_ladder(store, spread).artifact).text()
    assert "4,359 to 69,639" in table
    assert "30,471" not in table
    one = standing("linear", 0.7, BEST, parameters=903)
    old = write_ladder(store, spread, one, without=("fewest", "most"))
    assert [each.numbers_kept for each in old.standings] == ["30,471 on average", "903"]


def test_an_artifact_of_another_kind_is_no_ladder(store: Store) -> None:
    def compute(build: Build) -> object:
        return build.finish({})

    other = store.find_or_build(ArtifactKey("map", "m", {}), {}, compute)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="is not a ladder"):
        open_ladder(other)


@pytest.mark.timeout(900)
def test_every_rung_runs_on_rendered_faces(store: Store, tmp_path: Path) -> None:
    write_demo_source(tmp_path / "demo", seed=5, count=160)
    import_dataset(ImportSpec(str(tmp_path / "demo" / IMAGES), "demo"), store)
    found = ladder(LadderSpec("demo", rungs="all", seeds=1, trees=100, epochs=1, resamples=100), store)
    standing = {each.name: each for each in found.standings}
    assert set(standing) == set(RUNGS)
    assert not found.left_out
    for name in ("ensemble", "linear", "coop"):  # the bundled CLIP knows rendered faces
        assert standing[name].accuracy.low > found.commonest + 0.1
    for each in standing.values():
        assert 0 <= each.ece.value <= 1
        assert each.behind.value <= 0
    assert any("fewer than three seeds" in note for note in found.notes)
