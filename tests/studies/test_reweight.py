"""Reweighting a small network whose labels are its own answers, so that what is right is known."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tests.conftest import FER2013_CLASSES, StopAfter
from workbench.data.datasets import open_dataset
from workbench.data.images import encode_png
from workbench.errors import Cancelled, SpecError
from workbench.models.architectures import Vgg, VggConfig, load_checkpoint, save_checkpoint
from workbench.models.fingerprints import TrainingImages
from workbench.models.layers import scaled_weights
from workbench.models.targets import Target, load_target
from workbench.specs import DissectSpec, ImportSpec, ReweightSpec
from workbench.store import Artifact, ArtifactKey, Store
from workbench.studies import activations, classifier_runs
from workbench.studies import reweight as reweight_module
from workbench.studies.dissection import Dissection
from workbench.studies.importing import import_dataset
from workbench.studies.reweight import reweight
from workbench.studies.reweight_bench import open_bench
from workbench.studies.reweighting import Reweighting, find_reweightings, open_reweighting

UNITS, IMAGES, DAMAGE = 32, 480, 4.0
FEW = "1.5,4"


def pictures() -> np.ndarray:
    """Smooth random pictures, uint8 (N, 48, 48)."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.normal(size=(IMAGES, 1, 6, 6)).astype(np.float32))
    fine = torch.nn.functional.interpolate(coarse, size=48, mode="bicubic")[:, 0].numpy()
    return np.clip(128 + 50 * fine, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random network whose classes come about equally often."""
    torch.manual_seed(0)
    model = Vgg(VggConfig(channels=(4, 6), hidden=UNITS, classes=FER2013_CLASSES)).eval()
    with torch.no_grad():
        model.lin1.weight *= 3
        model.lin2.weight *= 3
    folder = tmp_path_factory.mktemp("intact")
    save_checkpoint(model, folder, torch.float32)
    logits = answers(load_target(f"checkpoint:{folder}"))
    with torch.no_grad():
        model.lin3.weight /= torch.from_numpy(logits.std(axis=0))[:, None]
        model.lin3.bias.copy_(torch.from_numpy(-(logits.mean(axis=0) - model.lin3.bias.numpy()) / logits.std(axis=0)))
    save_checkpoint(model, folder, torch.float32)
    return folder


def answers(target: Target) -> np.ndarray:
    from PIL import Image

    logits = target.logits(target.prepare([Image.fromarray(pixels) for pixels in pictures()]))
    return np.asarray(logits.numpy())


def weak_units() -> np.ndarray:
    return np.asarray(np.random.default_rng(4).permutation(UNITS) < UNITS // 2)


def damaged(intact: Path, folder: Path) -> Path:
    """The network with the weights of half of lin1's units divided, of the others multiplied."""
    model = load_checkpoint(intact)
    scale = torch.from_numpy(np.where(weak_units(), 1 / DAMAGE, DAMAGE).astype(np.float32))
    model.load_state_dict(scaled_weights(model, "lin1", scale, with_bias=False), strict=False)
    save_checkpoint(model, folder, torch.float32)
    return folder


def write_images(store: Store, folder: Path, labels: list[str]) -> None:
    table = pa.table(
        {
            "id": [f"{index:04d}" for index in range(IMAGES)],
            "split": [("train", "validation", "test", "validation", "test")[index % 5] for index in range(IMAGES)],
            "label": labels,
            "image": [encode_png(pixels) for pixels in pictures()],
        }
    )
    pq.write_table(table, folder / "pictures.parquet")
    import_dataset(ImportSpec(str(folder / "pictures.parquet"), "pictures"), store)


def write_dissection(store: Store, network: str, similarity: np.ndarray, **content: Any) -> str:
    """Store a dissection of lin1 with given similarities and return its name."""
    q = np.where(similarity > np.median(similarity), 0.01, 0.9)
    table = pa.table({"similarity": similarity.astype(np.float32), "q": q})
    summary = {
        "layers": [{"layer": "lin1", "units": UNITS}],
        "concepts": ["smile", "frown"],
        "classes": list(FER2013_CLASSES),
        "notes": [],
    }
    rows = open_dataset(store, "pictures").fingerprint
    key = ArtifactKey("dissection", "planted", {"values": similarity.tolist(), "of": network, "rows": rows, **content})
    with store.build(key, DissectSpec("pictures", network, layers="lin1").to_dict()) as build:
        assert not isinstance(build, Artifact)
        build.write_table(0, table)
        return build.finish(summary).name


def own_labels(intact: Path) -> list[str]:
    return [FER2013_CLASSES[index] for index in answers(load_target(f"checkpoint:{intact}")).argmax(axis=1)]


@pytest.fixture
def planted(store: Store, intact: Path, tmp_path: Path) -> ReweightSpec:
    """A damaged network whose weak units have the greatest similarities: the rule repairs it."""
    write_images(store, tmp_path, own_labels(intact))
    target = f"checkpoint:{damaged(intact, tmp_path / 'damaged')}"
    noise = np.random.default_rng(1).random(UNITS)
    return ReweightSpec(write_dissection(store, target, noise + 2 * weak_units() - 1.5), "lin1", factors=FEW)


def test_a_repair_is_found_believed_and_saved(store: Store, planted: ReweightSpec, intact: Path) -> None:
    found = reweight(planted, store)
    assert found.conclusion == "holds"
    assert found.sentence.endswith("significant, and owed to which units were chosen.")
    assert found.chosen is not None
    assert found.verdict is not None
    assert (found.chosen["factor"], found.chosen["up"]) == (DAMAGE, UNITS // 2)
    assert found.chosen["threshold"] == 0.0  # the customary threshold is among those tried
    assert found.verdict["before"] < 0.9
    assert found.verdict["after"] == 1.0
    assert found.controls["random"].max() < found.verdict["gain"]["value"]
    assert [len(found.controls[name]) for name in ("random", "shuffled", "norm", "inverted")] == [20, 10, 1, 1]
    saved = load_target(f"network:{found.network}", store=store)
    assert np.allclose(answers(saved), answers(load_target(f"checkpoint:{intact}")), atol=1e-4)
    assert saved.classes == FER2013_CLASSES


def test_every_setting_is_what_the_changed_network_does(store: Store, planted: ReweightSpec) -> None:
    found = reweight(planted, store)
    spec = dataclasses.replace(planted, thresholds="0,0.2", rule="weights-and-bias", threshold="tau")
    similarity = store.artifact("dissection", planted.dissection).table()["similarity"].to_numpy()
    dataset = open_dataset(store, "pictures")
    for case, with_bias in ((found, False), (reweight(spec, store), True)):
        for index in range(0, len(case.sweep["factor"]), 3):
            target = load_target(store.artifact("dissection", planted.dissection).spec["target"])
            threshold, factor = float(case.sweep["threshold"][index]), float(case.sweep["factor"][index])
            scale = torch.tensor([factor if s > threshold else 1 / factor for s in similarity.tolist()])
            before = answers(target).argmax(axis=1)
            target.module.load_state_dict(scaled_weights(target.module, "lin1", scale, with_bias), strict=False)
            after = answers(target).argmax(axis=1)
            for split, name in (("validation", "change"), ("test", "report_change")):
                rows = dataset.rows(split)
                classes = np.array([FER2013_CLASSES.index(label) for label in dataset.labels[rows]])
                change = (after[rows] == classes).mean() - (before[rows] == classes).mean()
                assert case.sweep[name][index] == pytest.approx(change, abs=1e-9)


def test_chance_is_not_believed(store: Store, intact: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    write_images(store, tmp_path, [FER2013_CLASSES[index] for index in rng.integers(0, 7, IMAGES)])
    name = write_dissection(store, f"checkpoint:{intact}", rng.normal(size=UNITS))
    found = reweight(ReweightSpec(name, "lin1"), store)
    assert found.conclusion == "not significant"
    assert found.optimism["best_gain"] > found.optimism["chosen_gain"]
    assert found.optimism["halves_same"] > found.optimism["halves_other"] + 0.01


def test_a_network_that_nothing_improves_is_left_alone(store: Store, intact: Path, tmp_path: Path) -> None:
    write_images(store, tmp_path, own_labels(intact))
    rng = np.random.default_rng(3)
    name = write_dissection(store, f"checkpoint:{intact}", rng.normal(size=UNITS))
    found = reweight(ReweightSpec(name, "lin1", factors=FEW), store)
    assert (found.conclusion, found.network, found.chosen, found.verdict) == ("left alone", "", None, None)
    assert found.sentence.startswith("Leave lin1 alone: none of the 16 settings")
    assert [len(found.controls[each]) for each in ("random", "norm", "inverted", "shuffled")] == [0, 0, 0, 10]
    assert not store.artifacts("network")


def test_the_test_images_are_run_once_and_after_the_choice(
    store: Store, planted: ReweightSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[set[str]] = []
    plain = reweight_module.predictions
    dataset = open_dataset(store, "pictures")

    def watched(subject: Any, data: Any, rows: np.ndarray, *rest: Any) -> Any:
        calls.append(set(dataset.splits[rows].tolist()))
        return plain(subject, data, rows, *rest)

    monkeypatch.setattr(reweight_module, "predictions", watched)
    reweight(planted, store)
    assert calls == [{"validation"}, {"test"}]


def test_the_studys_own_protocol_chooses_on_the_test_images_and_says_so(store: Store, planted: ReweightSpec) -> None:
    found = reweight(dataclasses.replace(planted, protocol="test-set"), store)
    assert found.chosen is not None
    assert found.chosen["index"] == found.optimism["best"] == int(found.sweep["report_change"].argmax())
    assert np.array_equal(found.sweep["change"], found.sweep["report_change"])
    assert any("chosen on the very images it is reported on" in note for note in found.notes)


def test_nothing_is_computed_twice_and_a_stored_run_reads_back(
    store: Store, planted: ReweightSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = reweight(planted, store)
    monkeypatch.setattr(reweight_module, "predictions", lambda *_: pytest.fail("run again"))
    again = reweight(planted, store)
    assert again.artifact.name == first.artifact.name
    assert [each.artifact.name for each in find_reweightings(store, planted.dissection, "lin1")] == [
        first.artifact.name
    ]
    assert not find_reweightings(store, planted.dissection, "lin2")
    opened = open_reweighting(store.artifact("reweighting", first.artifact.name))
    assert opened.spec == planted
    assert opened.artifact.table().column_names == ["id", "label", "before", "after"]
    with pytest.raises(SpecError, match="is not a reweighting"):
        open_reweighting(store.artifact("network", first.network))


def digests(store: Store) -> dict[str, str]:
    found = {}
    for kind in ("reweighting", "network", "predictions"):
        for artifact in store.artifacts(kind):
            digest = hashlib.sha256()
            for path in sorted(artifact.path.iterdir()):
                digest.update(path.name.encode() + path.read_bytes())
            found[artifact.reference] = digest.hexdigest()
    return found


def test_a_run_stopped_anywhere_resumes_to_identical_bytes(
    store: Store, planted: ReweightSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifier_runs, "SHARD", 64)
    monkeypatch.setattr(activations, "BATCHES", {"small": 32, "large": 32})
    other = Store(tmp_path / "other")
    for kind in ("datasets", "artifacts"):
        shutil.copytree(store.root / kind, other.root / kind)
    reports = 0
    while not store.artifacts("reweighting"):
        reports += 200
        try:
            reweight(planted, store, StopAfter(reports))
        except Cancelled:
            continue
    assert reports >= 400  # it was stopped on the way
    reweight(planted, other)
    assert digests(store) == digests(other)
    assert len(digests(store)) == 4


def test_each_field_changes_the_name(store: Store, planted: ReweightSpec, intact: Path) -> None:
    changes: list[dict[str, Any]] = [
        {"rule": "weights-and-bias"},
        {"rule": "similarity"},
        {"threshold": "q", "thresholds": "0.5"},
        {"thresholds": "0.1"},
        {"factors": "2"},
        {"choose_on": "train"},
        {"report_on": "train"},
        {"protocol": "test-set"},
        {"controls": 21},
        {"seed": 1},
    ]
    specs = [planted, *(dataclasses.replace(planted, **change) for change in changes)]
    names = {reweight(spec, store).artifact.name for spec in specs}
    assert len(names) == len(specs)


def test_what_cannot_be_is_one_line(store: Store, planted: ReweightSpec) -> None:
    def refused(words: str, **changes: Any) -> None:
        with pytest.raises(SpecError, match=words):
            reweight(dataclasses.replace(planted, **changes), store)

    refused("unknown dissection 'none'", dissection="none")
    refused("unknown layer of planted.*'lin9'; did you mean 'lin1'", layer="lin9")
    refused("unknown split of pictures 'exam'", report_on="exam")
    refused("share 192 images: what chooses must not be reported on", report_on="merged-test")
    refused("tau = 7 puts all 32 units on one side", thresholds="7")
    refused("its threshold is tau, not q", rule="similarity", threshold="q", thresholds="0.5")


def test_a_network_that_has_changed_since_is_refused(store: Store, planted: ReweightSpec) -> None:
    target = store.artifact("dissection", planted.dissection).spec["target"]
    name = write_dissection(store, target, np.arange(float(UNITS)), target="0123456789abcdef")
    with pytest.raises(SpecError, match="has other weights than when it was dissected"):
        reweight(ReweightSpec(name, "lin1"), store)


def test_a_dataset_that_has_changed_since_is_refused(store: Store, planted: ReweightSpec) -> None:
    target = store.artifact("dissection", planted.dissection).spec["target"]
    name = write_dissection(store, target, np.arange(float(UNITS)), rows="0123456789abcdef")
    with pytest.raises(SpecError, match="pictures has changed since it was dissected"):
        reweight(ReweightSpec(name, "lin1"), store)


def test_images_that_cannot_be_judged_are_left_out_and_counted(store: Store, intact: Path, tmp_path: Path) -> None:
    labels = own_labels(intact)
    labels[2], labels[7] = "contempt", ""
    write_images(store, tmp_path, labels)
    found = classifier_runs.evaluated_images(open_dataset(store, "pictures"), "test", FER2013_CLASSES)
    assert (found.unlabelled, found.blank, len(found.rows)) == (2, 0, 190)
    with pytest.raises(SpecError, match=r"has no image to judge: its labels are .*contempt"):
        classifier_runs.evaluated_images(open_dataset(store, "pictures"), "test", ["bored"])


def test_images_the_network_was_trained_on_are_counted(
    store: Store, planted: ReweightSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.models import targets

    dataset, plain = open_dataset(store, "pictures"), targets.load_target
    rows = dataset.rows("test")[:50]
    seen = TrainingImages(np.sort(dataset.digests[rows].astype("U16")), np.zeros(0, np.uint64))
    monkeypatch.setattr(targets, "load_target", lambda *given: dataclasses.replace(plain(*given), training_images=seen))
    notes = reweight(planted, store).notes
    assert len(notes) == 1
    assert "was trained on 50 of the 192 images of split 'test': figures on them are not held out" in notes[0]


@pytest.mark.slow
def test_face_cnn_on_rendered_faces_gives_a_network_that_does_what_was_reported(store: Store, tmp_path: Path) -> None:
    from workbench.data.demo import IMAGES as RENDERED
    from workbench.data.demo import write_demo_source
    from workbench.studies.dissect import dissect

    write_demo_source(tmp_path, seed=3, count=300)
    dataset = import_dataset(ImportSpec(str(tmp_path / RENDERED), "rendered"), store)
    name = dissect(DissectSpec("rendered", layers="conv4b,lin2", draws=200, resamples=10), store).artifact.name
    networks = 0
    for layer in ("conv4b", "lin2"):
        found = reweight(ReweightSpec(name, layer), store)
        assert len(found.sweep["factor"]) == 72
        if found.network:
            networks += 1
            saved = load_target(f"network:{found.network}", store=store)
            table = found.artifact.table()
            row = {each: index for index, each in enumerate(dataset.ids.tolist())}
            images = [dataset.image(row[each]) for each in table["id"].to_pylist()]
            predicted = saved.logits(saved.prepare(images)).argmax(dim=1).tolist()
            assert [FER2013_CLASSES[index] for index in predicted] == table["after"].to_pylist()
    assert networks


def test_a_bench_answers_what_the_sweep_found(store: Store, planted: ReweightSpec) -> None:
    found: Reweighting = reweight(planted, store)
    bench = open_bench(Dissection(store.artifact("dissection", planted.dissection)), "lin1", store)
    for index in range(0, len(found.sweep["factor"]), 5):
        answer = bench.evaluate(float(found.sweep["threshold"][index]), float(found.sweep["factor"][index]))
        assert answer.verdict.gain.value == pytest.approx(found.sweep["change"][index], abs=1e-9)
        assert (answer.up, answer.down) == (found.sweep["up"][index], UNITS - found.sweep["up"][index])
    assert bench.images == found.images["choose"]
    with pytest.raises(SpecError, match="factor is 0; it must be above 0"):
        bench.evaluate(0.0, 0)


def test_a_bench_runs_no_code_of_a_users_own(store: Store, planted: ReweightSpec) -> None:
    name = write_dissection(store, "python:mine:build", np.arange(float(UNITS)))
    with pytest.raises(SpecError, match="runs a user's own code, which is done from the command line only"):
        open_bench(Dissection(store.artifact("dissection", name)), "lin1", store)


def test_a_dissection_named_by_its_beginning_is_the_same_run(store: Store, planted: ReweightSpec) -> None:
    short = dataclasses.replace(planted, dissection=planted.dissection[:12])
    assert reweight(short, store).spec == planted
    assert len(find_reweightings(store, planted.dissection)) == 1


def test_a_bench_refuses_a_layer_that_is_too_early(
    store: Store, planted: ReweightSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.studies import reweight_bench

    monkeypatch.setattr(reweight_bench, "MEMORY", 1000)
    with pytest.raises(SpecError, match="lin1 comes too early for live answers: its outputs take"):
        open_bench(Dissection(store.artifact("dissection", planted.dissection)), "lin1", store)
