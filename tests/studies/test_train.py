"""Networks trained on a dataset: stored, resumed, used as models and as targets, and what is refused."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from tests.conftest import StopAfter, write_clip
from tests.studies.review_data import CLASSES, judged_dataset, pictures
from workbench.data.datasets import Dataset
from workbench.data.images import encode_png
from workbench.errors import Cancelled, DamagedArtifactError, ModelError, SpecError, WorkbenchError
from workbench.figures.training import curve, losses
from workbench.models import fitting
from workbench.models.networks import plan
from workbench.models.targets import load_target
from workbench.reports import of_result
from workbench.specs import DissectSpec, ImportSpec, PredictSpec, ReweightSpec, ScoreSpec, TrainSpec
from workbench.store import ArtifactKey, Store
from workbench.studies.classifier import load_classifier
from workbench.studies.dissect import dissect
from workbench.studies.importing import import_dataset
from workbench.studies.predict import predict
from workbench.studies.reweight import reweight
from workbench.studies.score import score
from workbench.studies.score_picture import score_picture
from workbench.studies.scorers import open_scorer
from workbench.studies.train import train
from workbench.studies.trained import TrainedNetwork, find_trained, live_curve, open_trained

COUNT = 150
FAST = TrainSpec("faces", "lenet", optimizer="adamw", rate=0.002, schedule="constant", epochs=3, batch=16, augment=0.5)


@pytest.fixture
def faces(store: Store, tmp_path: Path) -> Dataset:
    return judged_dataset(store, tmp_path, COUNT)


@pytest.fixture
def found(store: Store, faces: Dataset) -> TrainedNetwork:
    assert len(faces) == COUNT
    return train(FAST, store)


def weights(network: TrainedNetwork) -> dict[str, np.ndarray]:
    return network.artifact.arrays("weights")


def equal(first: TrainedNetwork, second: TrainedNetwork) -> bool:
    ours, theirs = weights(first), weights(second)
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)


def relabelled(store: Store, folder: Path, absent: str, name: str = "other") -> Dataset:
    """Import faces of which those of one class stand in no training split."""
    images, labels = pictures(90)
    splits = [("train", "test", "validation")[row // 3 % 3] for row in range(90)]
    splits = [
        "test" if label == absent and split == "train" else split for split, label in zip(splits, labels, strict=True)
    ]
    table = {"id": [f"{row:03d}" for row in range(90)], "split": splits, "label": labels}
    pq.write_table(pa.table(table | {"image": [encode_png(image) for image in images]}), folder / f"{name}.parquet")
    return import_dataset(ImportSpec(str(folder / f"{name}.parquet"), name), store)


@pytest.mark.parametrize("crops", [1, 10])
def test_a_network_learns_and_classifies_its_dataset_as_a_model(store: Store, faces: Dataset, crops: int) -> None:
    found = train(replace(FAST, epochs=15, augment=0.0, crops=crops), store)
    answered = predict(PredictSpec("faces", found.model), store)
    assert found.classes == CLASSES == answered.classes
    assert found.images == len(faces.rows("train"))
    assert answered.metrics["test"]["confusion"] == found.reported["confusion"]
    assert found.reported["accuracy"]["value"] >= 0.5
    assert found.seconds > 0
    assert found.images_per_second > 0
    assert found.parameters == sum(value.size for value in weights(found).values())
    assert (found.one_view is not None) == (crops == 10)


def test_ten_views_are_for_a_model_and_one_for_a_target(store: Store, faces: Dataset) -> None:
    found = train(replace(FAST, crops=10), store)
    target, model = load_target(found.model, "", store), load_classifier(found.model, "", store)
    picture = [faces.image(0)]
    assert target.prepare(picture).shape == (1, 1, 40, 40)
    assert model.target.prepare(picture).shape == (1, 1, 48, 48)
    views = model.target.prepare(picture)
    corners = [views[..., top : top + 40, left : left + 40] for top, left in ((0, 0), (0, 8), (8, 0), (8, 8), (4, 4))]
    explicit = torch.stack([target.logits(view) for part in corners for view in (part, part.flip(-1))]).mean(dim=0)
    assert torch.allclose(model.target.logits(views), explicit, atol=1e-5)
    assert target.fingerprint != model.target.fingerprint


def test_it_is_trained_once_and_found_by_the_beginning_of_its_name(
    store: Store, found: TrainedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "fit", lambda *_: pytest.fail("trained again"))
    assert train(FAST, store).artifact.name == found.artifact.name
    assert find_trained("trained:faces-len", store).artifact.name == found.artifact.name
    assert load_target("trained:faces-len", "", store).fingerprint == load_target(found.model, "", store).fingerprint


CHANGES: tuple[dict[str, object], ...] = (
    {"network": "vgg-small"},
    {"train": "validation", "tune_on": "train"},
    {"tune_on": "test"},
    {"report_on": "validation"},
    {"optimizer": "adam"},
    {"rate": 0.003},
    {"weight_decay": 0.1},
    {"schedule": "cosine"},
    {"epochs": 2},
    {"batch": 8},
    {"patience": 1},
    {"augment": 0.6},
    {"balance": "weights"},
    {"crops": 10},
    {"precision": "mixed"},
    {"seed": 1},
)


def test_each_choice_makes_another_network(
    store: Store, faces: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = []

    def refuse(_: Store, key: ArtifactKey, *__: object) -> None:
        named.append(key.name)
        raise Cancelled

    monkeypatch.setattr(Store, "find_or_build", refuse)
    first, second = (plan("lenet", CLASSES, 1).build().state_dict() for _ in range(2))
    torch.save(first, tmp_path / "first.pt")
    torch.save(first, tmp_path / "copy.pt")
    torch.save(second, tmp_path / "second.pt")
    starts = [{"start": str(tmp_path / f"{name}.pt")} for name in ("first", "second", "copy")]
    for change in ({}, *CHANGES, *starts):
        with pytest.raises(Cancelled):
            train(replace(FAST, **change), store)  # type: ignore[arg-type]
    assert len(set(named[:-1])) == len(CHANGES) + 3
    assert named[-1] == named[-3]  # a file counts by what is in it
    assert len(faces) == COUNT


def test_a_stopped_training_shows_its_curve_and_goes_on_as_if_it_had_never_stopped(
    store: Store, faces: Dataset, tmp_path: Path
) -> None:
    other = Store(tmp_path / "other")
    judged_dataset(other, tmp_path, COUNT)
    whole = train(FAST, other)
    assert live_curve(FAST, store) == ()
    with pytest.raises(Cancelled):
        train(FAST, store, StopAfter(14))  # reading, then 6 reports an epoch
    shown = live_curve(FAST, store)
    assert [epoch.epoch for epoch in shown] == [1, 2]
    assert live_curve(replace(FAST, seed=1), store) == ()
    found = train(FAST, store)
    assert equal(found, whole)
    assert [each._replace(seconds=0) for each in found.curve] == [each._replace(seconds=0) for each in whole.curve]
    assert found.artifact.name == whole.artifact.name
    assert sorted(path.name for path in found.artifact.path.iterdir()) == [
        "manifest.json",
        "part-00000.parquet",
        "weights.safetensors",
    ]
    assert live_curve(FAST, store) == ()
    assert len(faces) == COUNT


def test_a_killed_training_goes_on_from_its_checkpoint(store: Store, faces: Dataset, tmp_path: Path) -> None:
    spec = replace(FAST, epochs=30)
    other = Store(tmp_path / "other")
    judged_dataset(other, tmp_path, COUNT)
    whole = train(spec, other)
    (tmp_path / "spec.toml").write_text(
        "\n".join(f"{name} = {json.dumps(value)}" for name, value in spec.to_dict().items())
    )
    command = [sys.executable, "-m", "workbench", "--workspace", str(store.root), "run", str(tmp_path / "spec.toml")]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 120
        while len(live_curve(spec, store)) < 3 and child.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
    finally:
        child.wait()
    assert 3 <= len(live_curve(spec, store)) < 30
    assert equal(train(spec, store), whole)
    assert len(faces) == COUNT


def test_a_diverging_training_leaves_nothing_behind(store: Store, faces: Dataset) -> None:
    with pytest.raises(ModelError, match="at a rate of 100 its loss is no finite number any more; try a rate of 10"):
        train(replace(FAST, optimizer="sgd", rate=100.0), store)
    assert list((store.artifacts_dir / "trained").glob(".*.partial")) == []
    assert len(faces) == COUNT


def test_a_class_absent_from_training_is_noted_and_never_answered(store: Store, tmp_path: Path) -> None:
    relabelled(store, tmp_path, "happy")
    found = train(replace(FAST, dataset="other", balance="weights"), store)
    answered = predict(PredictSpec("other", found.model), store)
    assert found.absent == ("happy",)
    assert any("labelled happy: the network never answers so" in note for note in found.notes)
    assert np.array(answered.metrics["test"]["confusion"])[:, CLASSES.index("happy")].sum() == 0
    assert "labelled happy" in load_target(found.model, "", store).notes[0]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"network": "lenett"}, SpecError, "did you mean 'lenet'"),
        ({"network": "clip:"}, SpecError, "unknown CLIP"),
        ({"start": "nowhere.pt"}, SpecError, "a file of weights that exists"),
        ({"train": "test"}, SpecError, "share 30 images"),
        ({"train": "nowhere"}, SpecError, "nowhere"),
        ({"dataset": "others"}, WorkbenchError, "others"),
    ],
)
def test_what_cannot_be_trained_is_said_in_a_line(
    store: Store, faces: Dataset, change: dict[str, str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        train(replace(FAST, **change), store)  # type: ignore[arg-type]
    assert len(faces) == COUNT


def test_pictures_of_many_sizes_are_seen_in_training_as_afterwards(store: Store, tmp_path: Path) -> None:
    images, labels = pictures(60)
    sizes = [(48 + row % 3 * 20, 60) for row in range(60)]
    table = {"id": [f"{row:03d}" for row in range(60)], "label": labels}
    table["split"] = [("train", "test", "validation")[row // 3 % 3] for row in range(60)]
    shown = [np.asarray(Image.fromarray(image).resize(size)) for image, size in zip(images, sizes, strict=True)]
    pq.write_table(pa.table(table | {"image": [encode_png(image) for image in shown]}), tmp_path / "sizes.parquet")
    import_dataset(ImportSpec(str(tmp_path / "sizes.parquet"), "sizes"), store)
    found = train(replace(FAST, dataset="sizes"), store)
    answered = predict(PredictSpec("sizes", found.model), store)
    assert answered.metrics["test"]["confusion"] == found.reported["confusion"]
    assert answered.metrics["validation"]["accuracy"]["value"] == max(epoch.accuracy for epoch in found.curve)


def test_images_of_one_class_teach_nothing(store: Store, tmp_path: Path) -> None:
    images, _ = pictures(9)
    table = {"id": [str(row) for row in range(9)], "split": ["train", "test", "validation"] * 3, "label": ["sad"] * 9}
    pq.write_table(pa.table(table | {"image": [encode_png(image) for image in images]}), tmp_path / "one.parquet")
    import_dataset(ImportSpec(str(tmp_path / "one.parquet"), "one"), store)
    with pytest.raises(SpecError, match="are 'sad'; a network needs two classes"):
        train(replace(FAST, dataset="one"), store)


def test_it_begins_with_a_file_of_weights_and_refuses_another_networks(
    store: Store, found: TrainedNetwork, tmp_path: Path
) -> None:
    kept = found.artifact.path / "weights.safetensors"
    further = train(replace(FAST, start=str(kept), rate=1e-7, epochs=1, augment=0.0), store)
    ours, theirs = weights(found), weights(further)
    assert all(np.allclose(ours[name], theirs[name], atol=1e-4) for name in ours)
    torch.save(plan("vgg-small", CLASSES, 1).build().state_dict(), tmp_path / "wrong.pt")
    with pytest.raises(ModelError, match=r"wrong.pt: does not fit the network: .* missing: conv1.weight"):
        train(replace(FAST, start=str(tmp_path / "wrong.pt")), store)


@pytest.mark.parametrize("classes", [CLASSES, (*CLASSES, "surprise")])
def test_an_output_layer_that_begins_fresh_is_noted(store: Store, tmp_path: Path, classes: tuple[str, ...]) -> None:
    judged_dataset(store, tmp_path, COUNT)
    torch.save(plan("lenet", classes, 1).build().state_dict(), tmp_path / "w.pt")
    notes = train(replace(FAST, start=str(tmp_path / "w.pt"), epochs=1), store).notes
    expected = [
        "the output layer began with fresh weights, since those of the start do not fit: "
        f"{tmp_path / 'w.pt'}: lin3.weight is {len(classes)}x84 where the network has {len(CLASSES)}x84"
    ]
    assert [note for note in notes if "fresh" in note] == (expected if classes != CLASSES else [])


def test_a_damaged_or_foreign_network_is_named(store: Store, found: TrainedNetwork) -> None:
    path = found.artifact.path / "weights.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-4] + b"none")
    with pytest.raises(DamagedArtifactError, match="the bytes are not those that were written"):
        load_classifier(found.model, "", store)
    path.write_bytes(whole)
    manifest = found.artifact.path / "manifest.json"
    values = json.loads(manifest.read_text())
    values["summary"]["architecture"]["network"] = "vgg-small"
    del values["digest"]
    manifest.write_text(json.dumps(values))
    with pytest.raises(ModelError, match=r"trained:.* cannot be used: .* does not fit the network.*; train it again"):
        load_target(found.model, "", store)
    del values["summary"]["architecture"]
    manifest.write_text(json.dumps(values))
    with pytest.raises(ModelError, match="cannot be used"):
        load_target(found.model, "", store)


def test_a_name_that_does_not_exist_and_a_needless_file_are_refused(store: Store, found: TrainedNetwork) -> None:
    with pytest.raises(SpecError, match="unknown trained"):
        load_target("trained:other", "", store)
    with pytest.raises(SpecError, match="named within a workspace"):
        load_target(found.model)
    with pytest.raises(SpecError, match="has weights of its own"):
        load_target(found.model, "some.pt", store)
    with pytest.raises(SpecError, match="is not a trained network"):
        open_trained(predict(PredictSpec("faces", found.model), store).artifact)


def test_it_is_dissected_and_reweighted(store: Store, found: TrainedNetwork, tiny_clip_folder: Path) -> None:
    clip = f"local-dir:{tiny_clip_folder}"
    dissection = dissect(DissectSpec("faces", found.model, "lin1", concepts="fer7", clip=clip), store)
    assert len(dissection.layers) == 1
    reweighting = reweight(ReweightSpec(dissection.artifact.name, "lin1", factors="0.5,1.5"), store)
    assert reweighting.artifact.kind == "reweighting"


def test_it_judges_a_picture_and_a_video(store: Store, found: TrainedNetwork, face_video: Path) -> None:
    picture = Image.fromarray(pictures(1)[0][0])
    spec = ScoreSpec("picture", model=found.model, faces="whole")
    judged = score_picture(picture, spec, open_scorer(found.model, "", store), store)
    assert judged is not None
    assert judged.classes == CLASSES
    scored = score(ScoreSpec(str(face_video), model=found.model, faces="whole"), store)
    assert scored.artifact.kind == "score"


def test_a_tower_that_begins_with_other_sentences_is_another_one(
    store: Store, faces: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path, seed=0)
    spec = replace(FAST, network=f"clip:local-dir:{tmp_path}")
    named = []

    def refuse(_: Store, key: ArtifactKey, *__: object) -> None:
        named.append(key.name)
        raise Cancelled

    monkeypatch.setattr(Store, "find_or_build", refuse)
    for sentences in ("fer7", "gray-person"):
        monkeypatch.setattr("workbench.studies.train._SENTENCES", sentences)
        for start in ("", "new"):
            with pytest.raises(Cancelled):
                train(replace(spec, start=start), store)
    assert len(set(named)) == 3
    assert named[1] == named[3]  # a new head knows no sentences
    assert len(faces) == COUNT


def test_a_clips_tower_is_tuned_and_outlives_the_clip(store: Store, faces: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    folder.mkdir()
    write_clip(folder, seed=0)
    spec = replace(FAST, network=f"clip:local-dir:{folder}", rate=0.001, epochs=2)
    by_texts, new = train(spec, store), train(replace(spec, start="new"), store)
    assert not equal(by_texts, new)
    shutil.rmtree(folder)
    answered = predict(PredictSpec("faces", by_texts.model), store)
    assert answered.metrics["test"]["confusion"] == by_texts.reported["confusion"]
    assert len(faces) == COUNT


def test_it_carries_the_fingerprints_of_its_training_images_and_of_its_clips(store: Store, faces: Dataset) -> None:
    found = train(replace(FAST, network="clip:face-clip", epochs=1, rate=1e-5), store)
    target = load_target(found.model, "", store)
    assert target.training_images is not None
    known = target.training_images.matches(faces.digests, faces.hashes)
    assert known[faces.rows("train")].all()
    assert len(target.training_images.digests) > 20_000


def test_the_report_and_the_figures_show_the_training(store: Store, found: TrainedNetwork) -> None:
    report = of_result(FAST, found.artifact.reference, store)
    text = report.text()
    assert f"epoch {found.chosen_epoch} of 3" in text
    assert found.model in text
    assert report.values["curve"] == [epoch._asdict() for epoch in found.curve]
    drawn = curve(found.curve, found.chosen_epoch)
    assert list(drawn.data[0].y) == [100 * epoch.accuracy for epoch in found.curve]
    assert [list(trace.x) for trace in losses(found.curve).data] == [[1, 2, 3]] * 2
    assert len(curve(()).data[0].x) == 0


def test_a_stored_network_is_read_without_torch(store: Store, found: TrainedNetwork) -> None:
    code = (
        "import sys, pathlib; from workbench.store import Store; from workbench.studies.trained import find_trained, "
        "live_curve; store = Store(pathlib.Path(sys.argv[1])); network = find_trained(sys.argv[2], store); "
        "print(network.curve[0].epoch, live_curve(network.spec, store), 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(store.root), found.model]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1 () False"
