"""Classifying a dataset with a network: its own answers, browsed and judged like a zero-shot classification."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.metrics import confusion_matrix

from tests.conftest import FER2013_CLASSES, StopAfter, write_source
from workbench.data.datasets import open_dataset
from workbench.errors import Cancelled, SpecError
from workbench.models.architectures import Vgg, VggConfig, save_checkpoint
from workbench.models.targets import load_target
from workbench.specs import ImportSpec, PredictSpec
from workbench.store import Store
from workbench.studies import run_study
from workbench.studies.classify import open_classification
from workbench.studies.importing import import_dataset
from workbench.studies.predict import class_scores, predict


@pytest.fixture
def faces(store: Store, tmp_path: Path) -> Store:
    import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet", 60)), "faces"), store)
    return store


def checkpoint(folder: Path, classes: tuple[str, ...] = FER2013_CLASSES) -> str:
    torch.manual_seed(0)
    save_checkpoint(Vgg(VggConfig(channels=(2, 3), hidden=4, crop=8, classes=classes)), folder, torch.float32)
    return f"checkpoint:{folder}"


def test_every_image_gets_the_networks_own_answer(faces: Store) -> None:
    found = predict(PredictSpec("faces"), faces)
    dataset, target = open_dataset(faces, "faces"), load_target("face-cnn")
    logits = target.logits(target.prepare([dataset.image(row) for row in range(len(dataset))]))
    expected = torch.softmax(logits, dim=1).numpy()
    assert found.classes == found.concepts == FER2013_CLASSES
    assert np.array_equal(found.membership, np.eye(7, dtype=bool))
    np.testing.assert_allclose(found.class_probabilities, expected, atol=1e-6)
    np.testing.assert_allclose(found.concept_probabilities, expected, atol=1e-6)
    assert found.predicted.tolist() == [FER2013_CLASSES[index] for index in logits.argmax(dim=1)]
    assert found.ranked.shape == (60, 3)
    assert found.embeddings == ""
    assert found.ids.tolist() == dataset.ids.tolist()
    assert isinstance(found.spec, PredictSpec)


def test_every_split_is_judged_by_itself(faces: Store) -> None:
    found = predict(PredictSpec("faces"), faces)
    assert found.evaluated == ("train", "validation", "test", "merged-test", "all")
    for split in ("train", "all"):
        rows = open_dataset(faces, "faces").rows(split)
        labels = np.array([FER2013_CLASSES.index(label) for label in found.labels[rows]])
        predicted = np.array([FER2013_CLASSES.index(name) for name in found.predicted[rows]])
        accuracy = float((labels == predicted).mean())
        assert found.metrics[split]["accuracy"]["value"] == pytest.approx(accuracy)
        assert found.metrics[split]["confusion"] == confusion_matrix(labels, predicted, labels=range(7)).tolist()
        assert found.metrics[split]["fine"] == np.transpose(found.metrics[split]["confusion"]).tolist()


def test_images_the_network_was_trained_on_are_marked_and_noted(faces: Store, tmp_path: Path) -> None:
    spec = checkpoint(tmp_path / "network")
    dataset = open_dataset(faces, "faces")
    known = {"digest": [dataset.digests[4][:16]], "perceptual_hash": np.array([0], dtype=np.uint64)}
    pq.write_table(pa.table(known), tmp_path / "network" / "training_images.parquet")
    found = predict(PredictSpec("faces", spec), faces)
    assert np.flatnonzero(found.trained_on).tolist() == [4]
    assert any("was trained on 1 of the 20 images of split 'validation'" in note for note in found.notes)


def test_it_is_computed_once_and_other_weights_or_top_k_make_another(faces: Store, tmp_path: Path) -> None:
    first = predict(PredictSpec("faces"), faces).artifact.name
    assert predict(PredictSpec("faces"), faces).artifact.name == first
    assert predict(PredictSpec("faces", top_k=2), faces).artifact.name != first
    assert predict(PredictSpec("faces", checkpoint(tmp_path / "network")), faces).artifact.name != first
    assert len(faces.artifacts("logits")) == 2  # top_k needs no other run of the network


@pytest.mark.parametrize("after", [1, 2, 4, 9])
def test_a_stopped_run_resumes_to_the_same_bytes(faces: Store, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    monkeypatch.setattr("workbench.studies.predict.SHARD", 16)
    with pytest.raises(Cancelled):
        predict(PredictSpec("faces"), faces, StopAfter(after))
    resumed = [predict(PredictSpec("faces"), faces).artifact, faces.artifacts("logits")[0]]
    parts = [dict(artifact.manifest["parts"]) for artifact in resumed]
    for artifact in resumed:
        faces.remove(artifact)
    again = [predict(PredictSpec("faces"), faces).artifact, faces.artifacts("logits")[0]]
    assert [dict(artifact.manifest["parts"]) for artifact in again] == parts
    assert len(parts[1]) == 4


def test_labels_that_are_no_class_are_predicted_but_not_counted(faces: Store, tmp_path: Path) -> None:
    spec = checkpoint(tmp_path / "network", ("happy", "sad"))
    found = predict(PredictSpec("faces", spec), faces)
    assert set(found.predicted.tolist()) <= {"happy", "sad"}
    assert found.ranked.shape == (60, 2)
    labelled = int(np.isin(found.labels, ["happy", "sad"]).sum())
    assert found.metrics["all"]["images"] == labelled
    assert any(f"{60 - labelled} images are predicted but not counted" in note for note in found.notes)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (PredictSpec("fcaes"), "did you mean 'faces'"),
        (PredictSpec("faces", "face-cmn"), "did you mean 'face-cnn'"),
        (PredictSpec("faces", "torchvision:squeezenet1_0/random"), "names no classes"),
    ],
    ids=["dataset", "model", "classes"],
)
def test_a_wrong_question_gets_one_clear_line(faces: Store, spec: PredictSpec, words: str) -> None:
    with pytest.raises(SpecError, match=words) as caught:
        predict(spec, faces)
    assert "\n" not in str(caught.value)


def test_classes_of_which_none_is_a_label_are_refused(faces: Store, tmp_path: Path) -> None:
    spec = checkpoint(tmp_path / "network", ("cat", "dog"))
    with pytest.raises(SpecError, match=r"no label of 'faces' \(angry, .*\) is a class of checkpoint:.* \(cat, dog\)"):
        predict(PredictSpec("faces", spec), faces)


def test_a_clips_image_tower_answers_by_the_texts_of_the_classes(faces: Store, tiny_clip_folder: Path) -> None:
    found = predict(PredictSpec("faces", f"clip:local-dir:{tiny_clip_folder}"), faces)
    assert found.classes == FER2013_CLASSES
    assert np.allclose(found.class_probabilities.sum(axis=1), 1, atol=1e-5)


def test_scores_rank_ties_by_the_first_class_and_bear_great_logits() -> None:
    scores = class_scores(np.array([[1.0, 1.0, 0.0], [1000.0, -1000.0, 999.0]]), 2)
    assert scores.ranked.tolist() == [[0, 1], [0, 2]]
    assert np.allclose(scores.probabilities.sum(axis=1), 1)
    assert np.allclose(scores.shares[1], [1 / (1 + np.exp(-1)), np.exp(-1) / (1 + np.exp(-1))])


def test_it_is_run_by_its_spec_and_read_without_torch(faces: Store) -> None:
    reference = run_study(PredictSpec("faces"), faces)
    kind, name = reference.split("/")
    assert open_classification(faces.artifact(kind, name)).classes == FER2013_CLASSES
    code = (
        "import sys; from pathlib import Path; from workbench.store import Store\n"
        "from workbench.studies.classify import open_classification\n"
        f"found = open_classification(Store(Path({str(faces.root)!r})).artifact({kind!r}, {name!r}))\n"
        "print(found.spec.model, len(found.predicted), 'torch' in sys.modules, flush=True)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["face-cnn", "60", "False"], done.stderr
