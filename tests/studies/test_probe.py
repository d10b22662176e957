"""Probes: trained on stored embeddings or pixels, tuned on one split, reported on another, and used as a model."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.conftest import StopAfter, write_clip
from tests.studies.review_data import CLASSES, judged_dataset, pictures
from workbench.data.concepts import load_concept_set
from workbench.data.datasets import Dataset
from workbench.data.images import encode_png
from workbench.errors import Cancelled, DamagedArtifactError, ModelError, SpecError, WorkbenchError
from workbench.models.clip import Clip
from workbench.specs import EmbedSpec, ImportSpec, PredictSpec, ScoreSpec
from workbench.specs.training import LEARNERS, ProbeSpec
from workbench.store import ArtifactKey, Build, Store
from workbench.studies.embed import embed
from workbench.studies.importing import import_dataset
from workbench.studies.predict import predict
from workbench.studies.probe import find_probe, open_probe, probe
from workbench.studies.probing import StoredProbe
from workbench.studies.score import score
from workbench.studies.score_picture import score_picture
from workbench.studies.scorers import open_scorer

COUNT = 240


@pytest.fixture
def clip(tiny_clip_folder: Path) -> str:
    return f"local-dir:{tiny_clip_folder}"


@pytest.fixture
def faces(store: Store, tmp_path: Path) -> Dataset:
    return judged_dataset(store, tmp_path, COUNT)


def relabelled(store: Store, folder: Path, label: Callable[[str, str], str], name: str = "other") -> Dataset:
    """Import the pictures with labels made from split and class."""
    images, labels = pictures(90)
    splits = [("train", "test", "validation")[row // 3 % 3] for row in range(90)]
    table = pa.table(
        {
            "id": [f"{row:03d}" for row in range(90)],
            "split": splits,
            "label": [label(splits[row], labels[row]) for row in range(90)],
            "image": [encode_png(image) for image in images],
        }
    )
    pq.write_table(table, folder / f"{name}.parquet")
    return import_dataset(ImportSpec(str(folder / f"{name}.parquet"), name), store)


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("on", ["embeddings", "pixels"])
def test_a_probe_learns_and_classifies_its_dataset_as_a_model(
    store: Store, faces: Dataset, clip: str, learner: str, on: str
) -> None:
    found = probe(ProbeSpec("faces", learner, on, clip, trees=100), store)
    assert found.classes == CLASSES
    assert found.images == len(faces.rows("train"))
    answered = predict(PredictSpec("faces", found.model), store)
    assert answered.classes == CLASSES
    assert answered.metrics["test"]["accuracy"]["value"] == pytest.approx(found.reported["accuracy"]["value"])
    assert answered.metrics["test"]["confusion"] == found.reported["confusion"]
    tried = max(each["accuracy"]["value"] for each in found.tried)
    assert found.seconds > 0
    assert answered.metrics["validation"]["accuracy"]["value"] == pytest.approx(tried)
    assert found.reported["accuracy"]["value"] > 0.4


def test_it_is_computed_from_stored_embeddings_and_once(
    store: Store, faces: Dataset, clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed(EmbedSpec("faces", clip), store)
    monkeypatch.setattr(Clip, "encode_prepared", lambda *_: pytest.fail("encoded again"))
    found = probe(ProbeSpec("faces", clip=clip), store)
    predict(PredictSpec("faces", found.model), store)
    assert probe(ProbeSpec("faces", clip=clip), store).artifact.name == found.artifact.name
    assert len(faces) == COUNT


@pytest.mark.parametrize(
    "change",
    [
        {"learner": "knn"},
        {"on": "pixels"},
        {"train": "validation", "tune_on": "train"},
        {"report_on": "validation"},
        {"settings": "10,20"},
        {"seed": 1},
    ],
    ids=lambda change: "-".join(change),
)
def test_every_field_makes_another_probe(store: Store, faces: Dataset, clip: str, change: dict[str, str]) -> None:
    del faces
    first = probe(ProbeSpec("faces", clip=clip, settings="10"), store)
    other = probe(ProbeSpec(**{"dataset": "faces", "clip": clip, "settings": "10"} | change), store)
    assert other.artifact.name != first.artifact.name
    assert other.spec.to_dict() | change == other.spec.to_dict()


def test_a_forest_grows_on_from_the_one_that_chose_its_leaf(store: Store, faces: Dataset, clip: str) -> None:
    spec = ProbeSpec("faces", "forest", clip=clip, settings="3", trees=120)
    found = probe(spec, store)
    assert [each["trees"] for each in found.growth] == [10, 20, 50, 100, 120]
    assert found.growth[3]["accuracy"]["value"] == found.tried[0]["accuracy"]["value"]
    assert found.growth[-1]["bytes"] < found.artifact.size * 1.2
    answered = predict(PredictSpec("faces", found.model), store).metrics
    assert answered["validation"]["accuracy"]["value"] == pytest.approx(found.growth[-1]["accuracy"]["value"])
    assert answered["test"]["accuracy"]["value"] == pytest.approx(found.reported["accuracy"]["value"])
    assert probe(ProbeSpec("faces", "forest", clip=clip, settings="3", trees=100), store).growth == found.growth[:4]
    assert len(faces) == COUNT


def test_trees_change_nothing_but_a_forest(store: Store, faces: Dataset, clip: str) -> None:
    del faces
    names = {probe(ProbeSpec("faces", "knn", clip=clip, trees=trees), store).artifact.name for trees in (100, 200)}
    assert len(names) == 1


def test_pictures_get_what_their_embeddings_get(store: Store, faces: Dataset, clip: str) -> None:
    for on in ("embeddings", "pixels"):
        found = probe(ProbeSpec("faces", on=on, clip=clip), store)
        answered = predict(PredictSpec("faces", found.model), store)
        scorer = open_scorer(found.model, "", store)
        shown = [faces.image(row) for row in range(7)]
        vocabulary = scorer.vocabulary(load_concept_set("customer-satisfaction"), store)
        probabilities = scorer.probabilities(scorer.encode(scorer.prepare(shown)), vocabulary)
        np.testing.assert_allclose(probabilities, answered.class_probabilities[:7], atol=1e-4)
        assert vocabulary.names == CLASSES


def test_a_picture_of_any_size_and_colour_is_scored(store: Store, faces: Dataset, clip: str) -> None:
    del faces
    for on in ("embeddings", "pixels"):
        model = probe(ProbeSpec("faces", on=on, clip=clip), store).model
        scorer = open_scorer(model, "", store)
        picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8))
        spec = ScoreSpec("picture", model=model, faces="whole")
        found = score_picture(picture, spec, scorer, store)
        assert found is not None
        assert found.classes == CLASSES
        assert 1 <= found.score <= 5


def test_a_video_is_scored_frame_by_frame(store: Store, faces: Dataset, clip: str, face_video: Path) -> None:
    del faces
    for on in ("embeddings", "pixels"):
        model = probe(ProbeSpec("faces", "knn", on, clip), store).model
        found = score(ScoreSpec(str(face_video), model=model, faces="whole"), store)
        assert found.spec.model == model
        assert found.probabilities.shape == (30, len(CLASSES))
        np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)


def test_the_images_it_learned_from_are_marked_when_it_predicts(store: Store, faces: Dataset, clip: str) -> None:
    found = predict(PredictSpec("faces", probe(ProbeSpec("faces", clip=clip), store).model), store)
    train = faces.rows("train")
    assert found.trained_on[train].all()
    assert any(f"was trained on {len(train)} of the {len(train)} images of split 'train'" in n for n in found.notes)
    assert not found.trained_on[faces.rows("test")].any()


def test_a_class_without_training_images_is_told_and_never_answered(store: Store, tmp_path: Path, clip: str) -> None:
    relabelled(store, tmp_path, lambda split, label: "" if split == "train" and label == "sad" else label)
    found = probe(ProbeSpec("other", clip=clip), store)
    assert found.absent == ("sad",)
    assert "no image of 'train' is labelled sad: the probe never answers so" in found.notes
    answered = predict(PredictSpec("other", found.model), store)
    assert "sad" not in answered.predicted.tolist()
    assert answered.class_probabilities[:, CLASSES.index("sad")].max() < 1e-6


def test_one_class_only_or_no_labels_are_refused(store: Store, tmp_path: Path, clip: str) -> None:
    relabelled(store, tmp_path, lambda split, label: "happy" if split == "train" else label)
    with pytest.raises(SpecError, match="all labelled images of 'train' of other are 'happy'; a probe needs two"):
        probe(ProbeSpec("other", clip=clip), store)
    relabelled(store, tmp_path, lambda split, label: "" if split == "test" else label, "bare")
    with pytest.raises(SpecError, match="split 'test' of bare has no labelled images"):
        probe(ProbeSpec("bare", clip=clip), store)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"dataset": "fcaes"}, "did you mean 'faces'"),
        ({"tune_on": "validtion"}, "unknown split of faces 'validtion'; did you mean 'validation'"),
        ({"report_on": "all"}, "'train' and 'all' of faces share 144 images; report on images"),
        ({"tune_on": "train"}, "'train' and 'train' of faces share 144 images; choose the setting on images"),
        ({"learner": "knn", "settings": "145"}, "145 neighbours are more than the 144 training images"),
        ({"learner": "knn", "settings": "1.5"}, "must be a whole number"),
        ({"clip": "face-clop"}, "face-clip"),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else "",
)
def test_a_wrong_question_gets_one_clear_line(
    store: Store, faces: Dataset, clip: str, fields: dict[str, str], words: str
) -> None:
    del faces
    with pytest.raises(WorkbenchError, match=words) as caught:
        probe(ProbeSpec(**{"dataset": "faces", "clip": clip} | fields), store)
    assert "\n" not in str(caught.value)
    assert not store.artifacts("probe")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"learner": "liner"}, "did you mean 'linear'"),
        ({"on": "pixel"}, "did you mean 'pixels'"),
        ({"settings": "1,x"}, "settings: 'x' is not a number"),
        ({"settings": "0"}, "not above 0"),
        ({"seed": -1}, "seed is -1"),
        ({"trees": 20}, "trees is 20; it must be 100 to 100,000"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_spec_that_cannot_be_is_refused_when_made(fields: dict[str, str], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        ProbeSpec(**{"dataset": "faces"} | fields)


def test_tests_used_otherwise_copies_and_a_clip_that_knows_the_images_are_noted(
    store: Store, faces: Dataset, clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del faces
    notes = probe(ProbeSpec("faces", clip=clip, tune_on="test"), store).notes
    assert any("split 'test' was used to choose the setting" in note for note in notes)
    assert any("48 of the 48 images reported on also chose the setting" in note for note in notes)

    class Known:
        @staticmethod
        def matches(digests: np.ndarray, hashes: np.ndarray) -> np.ndarray:
            del hashes
            return np.arange(len(digests)) % 2 == 0

    monkeypatch.setattr(Clip, "training_images", Known)
    notes = probe(ProbeSpec("faces", clip=clip), store).notes
    told = "was trained on 24 of the 48 images of 'test', or on copies of them: the figures are not held out"
    assert any(told in note for note in notes)


def test_copies_of_training_images_are_told_and_left_out_of_a_second_figure(
    store: Store, tmp_path: Path, clip: str
) -> None:
    images, labels = pictures(90)
    splits = [("train", "test", "validation")[row // 3 % 3] for row in range(90)]
    images[3:6] = images[0:3]  # three test pictures are training pictures
    columns = {"id": [str(row) for row in range(90)], "split": splits, "label": labels}
    pq.write_table(pa.table({**columns, "image": [encode_png(each) for each in images]}), tmp_path / "twins.parquet")
    dataset = import_dataset(ImportSpec(str(tmp_path / "twins.parquet"), "twins"), store)
    found = probe(ProbeSpec("twins", "knn", clip=clip, settings="1"), store)
    assert any(note.startswith("3 of the 30 images of 'test' are copies of images of 'train'") for note in found.notes)
    answered = predict(PredictSpec("twins", found.model), store)
    new = [row for row in dataset.rows("test") if row not in (3, 4, 5)]
    assert found.unseen is not None
    assert found.unseen["images"] == 27
    right = answered.predicted[new] == answered.labels[new]
    assert found.unseen["accuracy"]["value"] == pytest.approx(right.mean())
    assert f"{100 * right.mean():.1f} % are right" in next(note for note in found.notes if "copies" in note)


def test_copies_of_training_images_have_no_say_in_the_choice(store: Store, tmp_path: Path, clip: str) -> None:
    images, labels = pictures(90)
    splits = [("train", "validation", "test")[row // 3 % 3] for row in range(90)]
    images[3:6] = images[0:3]  # three of those that choose are training pictures
    columns = {"id": [str(row) for row in range(90)], "split": splits, "label": labels}
    pq.write_table(pa.table({**columns, "image": [encode_png(each) for each in images]}), tmp_path / "twins.parquet")
    dataset = import_dataset(ImportSpec(str(tmp_path / "twins.parquet"), "twins"), store)
    found = probe(ProbeSpec("twins", "knn", clip=clip, settings="1"), store)
    answered = predict(PredictSpec("twins", found.model), store)
    new = [row for row in dataset.rows("validation") if row not in (3, 4, 5)]
    right = answered.predicted[new] == answered.labels[new]
    assert found.tried[0]["accuracy"]["value"] == pytest.approx(right.mean())
    assert any(note.startswith("3 images of 'validation' are copies of images of 'train'") for note in found.notes)


def test_a_split_of_nothing_but_copies_cannot_choose(store: Store, tmp_path: Path, clip: str) -> None:
    images, labels = pictures(30)
    every = np.concatenate([images, images, images[:3] + 1])
    splits = ["train"] * 30 + ["validation"] * 30 + ["test"] * 3
    columns = {"id": [str(row) for row in range(63)], "split": splits, "label": [*labels, *labels, *labels[:3]]}
    pq.write_table(pa.table({**columns, "image": [encode_png(each) for each in every]}), tmp_path / "twins.parquet")
    import_dataset(ImportSpec(str(tmp_path / "twins.parquet"), "twins"), store)
    with pytest.raises(SpecError, match="every labelled image of 'validation' of twins is a copy of one of 'train'"):
        probe(ProbeSpec("twins", clip=clip), store)


def test_a_probe_is_found_by_the_beginning_of_its_name_or_told_missing(store: Store, faces: Dataset, clip: str) -> None:
    del faces
    found = probe(ProbeSpec("faces", "knn", clip=clip), store)
    assert find_probe("probe:faces-knn", store).artifact.name == found.artifact.name
    with pytest.raises(SpecError, match="unknown probe 'faces-nkn'"):
        predict(PredictSpec("faces", "probe:faces-nkn"), store)
    with pytest.raises(SpecError, match="is complete in itself"):
        predict(PredictSpec("faces", found.model, "weights.pt"), store)
    with pytest.raises(SpecError, match="is not a probe"):
        open_probe(predict(PredictSpec("faces", found.model), store).artifact)


def test_a_probe_whose_clip_is_gone_or_another_says_so(store: Store, tmp_path: Path, faces: Dataset) -> None:
    del faces
    folder = tmp_path / "own-clip"
    folder.mkdir()
    write_clip(folder, seed=1)
    found = probe(ProbeSpec("faces", clip=f"local-dir:{folder}"), store)
    write_clip(folder, seed=2)
    with pytest.raises(ModelError, match="is no longer the CLIP it was trained on"):
        predict(PredictSpec("faces", found.model), store)
    shutil.rmtree(folder)
    with pytest.raises(ModelError, match=r"probe:faces-linear-.* reads embeddings of local-dir:.*own-clip"):
        predict(PredictSpec("faces", found.model), store)


def test_a_corrupted_probe_says_so(store: Store, faces: Dataset, clip: str) -> None:
    del faces
    found = probe(ProbeSpec("faces", "knn", clip=clip), store)
    path = found.artifact.path / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(DamagedArtifactError, match="the bytes are not those that were written"):
        predict(PredictSpec("faces", found.model), store)
    path.write_bytes(whole)
    arrays = found.learned.arrays()
    for wrong, words in (
        ({"mean": np.zeros(3, np.float32)}, "its arrays are not a knn probe's"),
        ({"sizes": np.array([4, 1])}, "it answers with 4 classes, not 3"),
    ):
        with store.build(ArtifactKey("probe", "made", {"wrong": words}), found.artifact.spec) as build:
            assert isinstance(build, Build)
            build.write_arrays("model", arrays | wrong)
            made = StoredProbe(build.finish(found.artifact.summary))
        with pytest.raises(DamagedArtifactError, match=words):
            made.probabilities(np.zeros((1, found.dimension), np.float32))


def test_features_of_another_length_are_refused(store: Store, faces: Dataset, clip: str) -> None:
    del faces
    found = probe(ProbeSpec("faces", clip=clip), store)
    with pytest.raises(SpecError, match="takes 16 features an image, not an array of 2 x 5"):
        found.probabilities(np.zeros((2, 5)))


@pytest.mark.parametrize("after", [0, 1, 4])
def test_a_stopped_training_leaves_nothing_half_done(store: Store, faces: Dataset, clip: str, after: int) -> None:
    del faces
    with pytest.raises(Cancelled):
        probe(ProbeSpec("faces", clip=clip), store, StopAfter(after))
    assert not store.artifacts("probe")
    assert probe(ProbeSpec("faces", clip=clip), store).images == 144


def test_it_is_read_and_answers_without_torch(store: Store, faces: Dataset, clip: str) -> None:
    del faces
    name = probe(ProbeSpec("faces", clip=clip), store).artifact.name
    code = (
        "import sys; from pathlib import Path; import numpy as np; from workbench.store import Store\n"
        "from workbench.studies.probing import find_probe\n"
        f"found = find_probe({name!r}, Store(Path({str(store.root)!r})))\n"
        "print(found.probabilities(np.zeros((2, 16))).shape[1], 'torch' in sys.modules, 'sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["3", "False", "False"], done.stderr
