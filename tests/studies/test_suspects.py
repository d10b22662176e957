"""Searching for suspects: from a dataset to a stored ranking, and what it does with damaged or thin data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tests.conftest import FER2013_CLASSES, StopAfter, write_source
from tests.data.test_votes import write_votes
from workbench.data.datasets import open_dataset
from workbench.data.demo import IMAGES, planted_counts, write_demo_source
from workbench.data.images import encode_png
from workbench.errors import Cancelled, InputError, SpecError
from workbench.methods.suspects import BINS, PARTS
from workbench.models import fold_encoders
from workbench.models.architectures import Vgg, VggConfig, save_checkpoint
from workbench.specs import ImportSpec, SuspectsSpec
from workbench.store import Store
from workbench.studies.importing import import_dataset
from workbench.studies.suspects import open_suspects, suspects

PIXELS = np.random.default_rng(7).integers(0, 256, (40, 48, 48), dtype=np.uint8)


def dataset_of(store: Store, folder: Path, labels: list[str | None], pixels: np.ndarray = PIXELS) -> None:
    count = len(labels)
    table = {
        "id": [f"face-{row:03d}" for row in range(count)],
        "split": [("train", "test")[row % 2] for row in range(count)],
        "label": pa.array(labels, pa.string()),
        "image": [encode_png(image) for image in pixels[:count]],
    }
    pq.write_table(pa.table(table), folder / "made.parquet")
    import_dataset(ImportSpec(str(folder / "made.parquet"), "made"), store)


@pytest.fixture
def faces(store: Store, tmp_path: Path) -> Store:
    import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet", 60)), "faces"), store)
    return store


def test_every_image_gets_a_score_its_parts_and_a_bin(faces: Store) -> None:
    found = suspects(SuspectsSpec("faces"), faces)
    dataset = open_dataset(faces, "faces")
    assert found.ids.tolist() == dataset.ids.tolist()
    assert found.classes == FER2013_CLASSES
    assert set(found.parts) == set(PARTS)
    assert found.scores.shape == (60,)
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)
    assert found.noise.sum() == pytest.approx(60)
    assert found.counts == {name: int((found.bins == place).sum()) for place, name in enumerate(BINS) if name}
    assert found.evaluation == {}
    assert isinstance(found.spec, SuspectsSpec)
    copies = np.flatnonzero(found.parts["duplicates"] > 0)
    assert set(copies.tolist()) == {row for row in range(60) if row % 10 in (8, 9)}


def test_the_queue_goes_from_the_most_doubtful_on_and_keeps_to_bin_and_split(faces: Store) -> None:
    found = suspects(SuspectsSpec("faces"), faces)
    whole = found.queue()
    assert sorted(whole.tolist()) == list(range(60))
    assert (np.diff(found.scores[whole]) <= 0).all()
    wrong = found.queue("wrong label", "test")
    assert set(found.splits[wrong].tolist()) <= {"test"}
    assert (found.proposed[wrong] >= 0).all()
    merged = found.queue(split="merged-test")
    assert set(found.splits[merged].tolist()) == {"validation", "test"}
    with pytest.raises(SpecError, match="unknown bin 'wrong'"):
        found.queue("wrong")
    with pytest.raises(SpecError, match="unknown split 'tset'"):
        found.queue(split="tset")


def test_it_is_computed_once_and_told_in_the_same_words(faces: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first = suspects(SuspectsSpec("faces"), faces)
    monkeypatch.setattr("workbench.studies.suspects.gather", lambda *_: pytest.fail("computed again"))
    assert suspects(SuspectsSpec("faces"), faces).artifact.name == first.artifact.name
    assert open_suspects(first.artifact).notes == first.notes


def test_reading_a_stored_search_loads_no_model(faces: Store) -> None:
    made = suspects(SuspectsSpec("faces"), faces)
    code = (
        "import sys\nfrom pathlib import Path\nfrom workbench.store import Store\n"
        "from workbench.studies.suspects import open_suspects\n"
        f"found = open_suspects(Store(Path({str(faces.root)!r})).artifact('suspects', {made.artifact.name!r}))\n"
        "found.queue('wrong label'), found.noise, found.parts, found.probabilities\n"
        "print([name for name in ('torch', 'umap', 'numba', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_artifact_of_another_kind_is_refused(faces: Store) -> None:
    suspects(SuspectsSpec("faces"), faces)
    with pytest.raises(SpecError, match="is not a search for suspects"):
        open_suspects(faces.artifacts("embeddings")[0])


def test_images_the_clip_was_trained_on_are_marked_and_noted(
    faces: Store, tiny_clip_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "seen"
    folder.mkdir()
    for path in tiny_clip_folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    dataset = open_dataset(faces, "faces")
    known = {"digest": [dataset.digests[3][:16]], "perceptual_hash": np.array([0], dtype=np.uint64)}
    pq.write_table(pa.table(known), folder / "training_images.parquet")
    found = suspects(SuspectsSpec("faces", clip=f"local-dir:{folder}", network=""), faces)
    assert np.flatnonzero(found.leaky).tolist() == [3]
    assert any("trained on 1 of the 20 images of split 'train'" in note for note in found.notes)
    assert "network" not in found.parts


@pytest.fixture
def short_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_encoders, "training_steps", lambda _: 2)


def test_encoders_of_other_folds_replace_the_clip(faces: Store, short_training: None) -> None:
    del short_training
    found = suspects(SuspectsSpec("faces", encoder="out-of-fold", folds=2), faces)
    assert not found.leaky.any()
    assert len(faces.artifacts("fold-encoders")) == 1
    given = suspects(SuspectsSpec("faces", folds=2), faces)
    assert not np.allclose(found.parts["probe"], given.parts["probe"])


def test_a_stopped_training_goes_on_with_the_next_fold(
    faces: Store, short_training: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    del short_training
    trained: list[int] = []
    train = fold_encoders.train

    def counted(*given: Any) -> Any:
        trained.append(1)
        if len(trained) == 2:
            raise Cancelled("stopped")
        return train(*given)

    monkeypatch.setattr(fold_encoders, "train", counted)
    spec = SuspectsSpec("faces", encoder="out-of-fold", folds=3)
    with pytest.raises(Cancelled):
        suspects(spec, faces)
    found = suspects(spec, faces)
    assert len(trained) == 4
    assert np.isfinite(found.scores).all()


def test_it_can_be_stopped(faces: Store) -> None:
    with pytest.raises(Cancelled):
        suspects(SuspectsSpec("faces"), faces, StopAfter(3))


def test_votes_hold_the_ranking_to_account(faces: Store, tmp_path: Path) -> None:
    dataset = open_dataset(faces, "faces")
    words = {"train": "Training", "validation": "PublicTest", "test": "PrivateTest"}
    voted = dataset.labels.tolist()
    voted[5] = "happy" if voted[5] != "happy" else "sad"
    path = write_votes(tmp_path / "votes.csv", voted, [words[split] for split in dataset.splits.tolist()])
    found = suspects(SuspectsSpec("faces", votes=str(path)), faces)
    figures = found.evaluation["votes"]["wrong label"]
    assert (figures["images"], figures["positives"]) == (60, 1)
    assert figures["precision"]["1"][0] in (0.0, 1.0)
    assert set(figures["parts"]) == {"probe", "neighbours", "zero-shot", "network", "duplicates", "label noise"}
    assert found.artifact.name != suspects(SuspectsSpec("faces"), faces).artifact.name


def test_votes_for_other_images_are_refused_before_anything_is_computed(faces: Store, tmp_path: Path) -> None:
    path = write_votes(tmp_path / "votes.csv", ["happy"] * 60, ["Training"] * 60)
    with pytest.raises(InputError, match="do not match faces"):
        suspects(SuspectsSpec("faces", votes=str(path)), faces)
    assert not faces.artifacts()


def test_one_class_or_no_label_is_refused(store: Store, tmp_path: Path) -> None:
    dataset_of(store, tmp_path, ["happy"] * 10)
    with pytest.raises(SpecError, match=r"one class only \(happy\)"):
        suspects(SuspectsSpec("made"), store)


def test_two_images_are_too_few_and_said_so(store: Store, tmp_path: Path) -> None:
    dataset_of(store, tmp_path, ["happy", "sad"])
    with pytest.raises(SpecError, match="2 labelled images for 5 folds"):
        suspects(SuspectsSpec("made"), store)
    with pytest.raises(SpecError, match="too few different labelled images for 2 folds"):
        suspects(SuspectsSpec("made", folds=2, network=""), store)


def test_a_class_with_one_image_is_said_not_to_be_judged(store: Store, tmp_path: Path) -> None:
    labels: list[str | None] = ["happy" if row % 2 else "sad" for row in range(19)]
    dataset_of(store, tmp_path, [*labels, "fear"])
    found = suspects(SuspectsSpec("made", folds=3), store)
    assert any(note.startswith("fear: all images lie in one fold") for note in found.notes)
    assert np.isfinite(found.scores).all()


def test_unlabelled_images_are_looked_at_for_faces_only(store: Store, tmp_path: Path) -> None:
    pixels = PIXELS.copy()
    pixels[0] = 128
    labels = [None if row in (0, 1) else ("happy", "sad")[row % 2] for row in range(20)]
    dataset_of(store, tmp_path, labels, pixels)
    found = suspects(SuspectsSpec("made", folds=3, network=""), store)
    assert found.scores[0] == 1
    assert BINS[found.bins[0]] == "not a face"
    assert np.isnan(found.scores[1]) or BINS[found.bins[1]] == "not a face"
    assert any("2 images have no label" in note for note in found.notes)


def test_a_network_of_other_classes_gives_features_only(faces: Store, tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_checkpoint(Vgg(VggConfig(channels=(2, 3), hidden=4, crop=8, classes=("cat", "dog"))), tmp_path / "net",
                    torch.float32)  # fmt: skip
    found = suspects(SuspectsSpec("faces", network=f"checkpoint:{tmp_path / 'net'}"), faces)
    assert "network" not in found.parts
    assert any("does not name the dataset's classes" in note for note in found.notes)


def test_a_class_without_a_concept_has_no_zero_shot_opinion(store: Store, tmp_path: Path) -> None:
    dataset_of(store, tmp_path, [("happy", "sad", "bored")[row % 3] for row in range(30)])
    found = suspects(SuspectsSpec("made", folds=2, network=""), store)
    bored = open_dataset(store, "made").labels == "bored"
    assert np.isnan(found.parts["zero-shot"][bored]).all()
    assert np.isfinite(found.parts["zero-shot"][~bored]).all()
    assert np.isfinite(found.scores).all()
    assert any("has no bored" in note for note in found.notes)


def test_an_unknown_network_or_dataset_is_named(faces: Store) -> None:
    with pytest.raises(SpecError, match="unknown"):
        suspects(SuspectsSpec("faces", network="face-cnm"), faces)
    with pytest.raises(SpecError, match="did you mean 'faces'"):
        suspects(SuspectsSpec("face"), faces)


def test_equal_or_damaged_embeddings_are_refused(faces: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Made:
        matrix = np.full((60, 4), 0.5, dtype=np.float32)

    monkeypatch.setattr("workbench.studies.suspect_opinions.embed_dataset", lambda *_: Made)
    with pytest.raises(SpecError, match="face-clip gives all 60 images of faces the same embedding"):
        suspects(SuspectsSpec("faces"), faces)
    Made.matrix = np.where(np.arange(240).reshape(60, 4) == 9, np.nan, Made.matrix).astype(np.float32)
    with pytest.raises(SpecError, match="NaN or infinite values for 1 images of faces, the first of them "):
        suspects(SuspectsSpec("faces"), faces)


@pytest.mark.slow
def test_the_demos_plants_are_found(store: Store, tmp_path: Path) -> None:
    source = write_demo_source(tmp_path / "source", seed=3, count=600)
    import_dataset(ImportSpec(str(tmp_path / "source" / IMAGES), "demo"), store)
    (open_dataset(store, "demo").path / "truth.parquet").write_bytes(source.truth.read_bytes())
    found = suspects(SuspectsSpec("demo"), store)
    planted, counts = found.artifact.summary["planted"], planted_counts(600)
    assert {kind: row["planted"] for kind, row in planted.items()} == {k: n for k, n in counts.items() if k != "clean"}
    for kind in ("blank", "corrupt", "non-face", "leaked-duplicate", "near-duplicate", "conflicting-duplicate"):
        assert planted[kind]["found"] == planted[kind]["planted"], kind
    figures = found.evaluation["planted"]["wrong label"]
    assert figures["precision"][str(figures["positives"])][0] >= 0.85
    assert figures["precision"][str(figures["positives"])][0] > 5 * figures["chance"]
    assert planted["flipped"]["found"] >= 0.9 * planted["flipped"]["planted"]
