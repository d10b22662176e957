"""Learned prompts: between their bounds, stored, used as concept set and as model, and every bad input told."""

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
from workbench.data.datasets import Dataset
from workbench.data.images import encode_png
from workbench.errors import Cancelled, DamagedArtifactError, ModelError, SpecError, WorkbenchError
from workbench.methods.metrics import evaluate
from workbench.models.clip import Clip, load_clip
from workbench.models.prompt_tower import PromptTower
from workbench.specs import (
    AnglesSpec,
    ClassifySpec,
    CoopSpec,
    EmbedSpec,
    ImportSpec,
    MapSpec,
    PredictSpec,
    ProbeSpec,
    ScoreSpec,
)  # fmt: skip
from workbench.store import ArtifactKey, Build, Store
from workbench.studies.angles import angles
from workbench.studies.classify import classify
from workbench.studies.coop import coop, find_coop, open_coop
from workbench.studies.embed import embed
from workbench.studies.importing import import_dataset
from workbench.studies.learned_prompts import LearnedPrompts
from workbench.studies.map import lay_out
from workbench.studies.predict import predict
from workbench.studies.probe import probe
from workbench.studies.score import score
from workbench.studies.score_picture import score_picture
from workbench.studies.scorers import open_scorer

WORDS = """
name: three
classes: [angry, happy, sad]
templates: ["{}", "a {} face"]
concepts:
  - {text: furious, classes: [angry]}
  - {text: glad, classes: [happy]}
  - {text: sad, classes: [sad]}
  - {text: cross, classes: [angry]}
"""


@pytest.fixture
def clip(tiny_clip_folder: Path) -> str:
    return f"local-dir:{tiny_clip_folder}"


@pytest.fixture
def words(tmp_path: Path) -> str:
    path = tmp_path / "three.yaml"
    path.write_text(WORDS, encoding="utf-8")
    return str(path)


@pytest.fixture
def faces(store: Store, tmp_path: Path) -> Dataset:
    return judged_dataset(store, tmp_path, 120)


@pytest.fixture
def asked(clip: str, words: str) -> Callable[..., CoopSpec]:
    def made(**fields: object) -> CoopSpec:
        given: dict[str, object] = {"dataset": "faces", "clip": clip, "concepts": words, "length": 3, "epochs": 4}
        return CoopSpec(**given | fields)  # type: ignore[arg-type]

    return made


Asked = Callable[..., CoopSpec]


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


def test_prompts_are_learned_judged_and_stored(store: Store, faces: Dataset, asked: Asked) -> None:
    found = coop(asked(), store)
    assert found.classes == CLASSES
    assert found.names == ("furious", "glad", "sad")
    assert found.images == len(faces.rows("train"))
    assert found.parameters == 3 * 8
    assert found.context.shape == (1, 3, 8)
    assert [each["epoch"] for each in found.curve] == [0, 1, 2, 3, 4]
    clip = load_clip(found.clip)
    tower = PromptTower(clip)
    import torch

    texts = tower.encode(tower.prompts(found.names, 3, "end"), torch.from_numpy(found.context.copy()))
    np.testing.assert_allclose(found.texts, texts, atol=1e-6)
    matrix = embed(EmbedSpec("faces", found.clip), store).matrix
    for split, value in (("test", found.reported["accuracy"]["value"]),
                         ("validation", found.curve[found.best_epoch]["accuracy"])):  # fmt: skip
        rows = faces.rows(split)
        predicted = np.array(CLASSES)[(matrix[rows] @ found.texts.T).argmax(axis=1)]
        assert (predicted == faces.labels[rows]).mean() == pytest.approx(value)
    assert open_coop(found.artifact).reported == found.reported
    assert coop(asked(), store).artifact.name == found.artifact.name


def test_they_stand_between_the_words_as_they_are_and_a_probe_on_the_same_images(
    store: Store, faces: Dataset, asked: Asked
) -> None:
    found = coop(asked(), store)
    plain = classify(ClassifySpec("faces", found.clip, found.spec.concepts), store)
    linear = probe(ProbeSpec("faces", clip=found.clip), store)
    assert found.bounds["zero-shot"]["reported"]["confusion"] == plain.metrics["test"]["confusion"]
    assert found.bounds["linear probe"]["reported"]["confusion"] == linear.reported["confusion"]
    assert found.bounds["linear probe"]["chosen"] == linear.chosen
    rows = faces.rows("test")
    own = classify(ClassifySpec("faces", found.clip, found.model), store).predicted[rows] == faces.labels[rows]
    before = plain.predicted[rows] == faces.labels[rows]
    difference = found.against_zero_shot.changes["accuracy"].difference
    assert difference.value == pytest.approx(own.mean() - before.mean())
    assert found.against_zero_shot.mcnemar.gained == int((own & ~before).sum())
    assert found.against_probe.images == len(rows)


def test_few_shots_teach_prompts_and_probe_alike(store: Store, faces: Dataset, asked: Asked) -> None:
    found = coop(asked(shots=2), store)
    assert found.images == 6
    assert found.artifact.table().num_rows == 6
    labels = faces.labels[np.isin(faces.digests.astype("U16"), found.artifact.table()["digest"].to_pylist())]
    assert sorted(labels.tolist()) == sorted(CLASSES * 2)
    assert any(note.startswith("6 images were learned from, 2 of each class (seed 0), but 24") for note in found.notes)
    assert "2-shots" in found.artifact.name
    other = coop(asked(shots=2, seed=1), store)
    assert other.artifact.table()["digest"].to_pylist() != found.artifact.table()["digest"].to_pylist()


@pytest.mark.parametrize(
    "change",
    [
        {"context": "class"},
        {"length": 2},
        {"position": "front"},
        {"words": "a photo"},
        {"shots": 3},
        {"train": "validation", "tune_on": "train"},
        {"report_on": "validation"},
        {"optimizer": "adamw"},
        {"rate": 0.1},
        {"weight_decay": 0.0},
        {"epochs": 3},
        {"batch": 7},
        {"patience": 1},
        {"seed": 1},
        {"concepts": "fer7"},
    ],
    ids=lambda change: "-".join(change),
)
def test_every_field_makes_other_prompts(
    store: Store, faces: Dataset, asked: Asked, change: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    del faces
    names = []
    monkeypatch.setattr(Store, "find_or_build", lambda _, key, *__: names.append(key.name))
    for spec in (asked(), asked(**change)):
        coop(spec, store)
    assert names[0] != names[1]


def test_the_length_is_of_no_account_where_words_are_given(store: Store, faces: Dataset, asked: Asked) -> None:
    del faces
    first, second = (coop(asked(words="a photo of", length=length, epochs=1), store) for length in (2, 9))
    assert first.artifact.name == second.artifact.name
    assert first.length == 3


def test_they_are_a_concept_set_to_classify_with(store: Store, faces: Dataset, asked: Asked) -> None:
    found = coop(asked(), store)
    run = classify(ClassifySpec("faces", found.clip, found.model), store)
    assert run.classes == CLASSES
    assert run.concepts == found.names
    assert run.metrics["test"]["confusion"] == found.reported["confusion"]
    assert run.artifact.summary["templates"] == ["[3 vectors] {}"]
    expected = evaluate(
        np.array([CLASSES.index(label) for label in faces.labels[faces.rows("test")]]),
        run.ranked[faces.rows("test")], run.class_probabilities[faces.rows("test")],
    ).accuracy.value  # fmt: skip
    assert found.reported["accuracy"]["value"] == pytest.approx(expected)
    train = faces.rows("train")
    assert run.trained_on[train].all()
    assert any(f"was trained on {len(train)} of the {len(train)} images of split 'train'" in note for note in run.notes)


def test_they_are_a_model_that_answers_stored_embeddings(
    store: Store, faces: Dataset, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = coop(asked(context="class", position="middle"), store)
    monkeypatch.setattr(Clip, "encode_prepared", lambda *_: pytest.fail("encoded again"))
    run = predict(PredictSpec("faces", found.model), store)
    assert run.metrics["test"]["confusion"] == found.reported["confusion"]
    same = classify(ClassifySpec("faces", found.clip, found.model), store)
    np.testing.assert_allclose(run.class_probabilities, same.class_probabilities, atol=1e-5)
    assert run.trained_on[faces.rows("train")].all()
    with pytest.raises(SpecError, match="is complete in itself"):
        predict(PredictSpec("faces", found.model, "weights.pt"), store)


def test_pictures_and_videos_are_scored_with_them(store: Store, faces: Dataset, asked: Asked, face_video: Path) -> None:
    found = coop(asked(), store)
    scorer = open_scorer(found.model, "", store)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8))
    scored = score_picture(picture, ScoreSpec("picture", model=found.model, faces="whole"), scorer, store)
    assert scored is not None
    assert scored.classes == CLASSES
    answered = predict(PredictSpec("faces", found.model), store)
    outputs = scorer.encode(scorer.prepare([faces.image(row) for row in range(5)]))
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    np.testing.assert_allclose(powers / powers.sum(axis=1, keepdims=True), answered.class_probabilities[:5], atol=1e-4)
    video = score(ScoreSpec(str(face_video), model=found.model, faces="whole"), store)
    assert video.probabilities.shape == (30, len(CLASSES))


def test_a_map_draws_them_beside_the_plain_texts(store: Store, faces: Dataset, asked: Asked) -> None:
    del faces
    found = coop(asked(), store)
    drawn = lay_out(MapSpec("faces", found.clip, "pca", found.model), store)
    assert drawn.texts == ("furious", "glad", "sad", "cross", "furious (learned)", "glad (learned)", "sad (learned)")
    assert drawn.text_classes == ("angry", "happy", "sad", "angry", *CLASSES)
    plain = lay_out(MapSpec("faces", found.clip, "pca", found.spec.concepts), store)
    np.testing.assert_allclose(drawn.arrays["text_vectors"][:4], plain.arrays["text_vectors"], atol=1e-6)
    np.testing.assert_allclose(drawn.arrays["text_vectors"][4:], found.texts, atol=1e-6)


def test_angles_are_measured_between_them(store: Store, faces: Dataset, asked: Asked) -> None:
    del faces
    found = coop(asked(), store)
    measured = angles(AnglesSpec("faces", found.clip, found.model, resamples=100), store)
    around = found.texts - found.texts.mean(axis=0)
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    expected = np.degrees(np.arccos(np.clip(around @ around.T, -1, 1)))
    np.testing.assert_allclose(measured.texts, expected, atol=0.1)
    assert measured.sentences == (1, 1, 1)


def test_the_words_near_the_vectors_are_stored_with_what_to_judge_them_by(
    store: Store, faces: Dataset, asked: Asked
) -> None:
    del faces
    found = coop(asked(words="quantum photo", context="class", rate=1e-6, epochs=1), store)
    assert [(each["class"], each["place"]) for each in found.vectors] == [
        (name, place) for name in CLASSES for place in (1, 2)
    ]
    assert [each["words"][0]["word"] for each in found.vectors] == ["quantum", "photo"] * 3
    assert found.word_distances["low"] < found.word_distances["median"] < found.word_distances["high"]
    assert any(note.endswith("6 of 6 vectors are nearer to a word than random vectors of their length come to any")
               for note in found.notes)  # fmt: skip
    drawn = coop(asked(rate=1e-6, epochs=1), store)
    assert any("of 3 vectors are nearer to a word" in note and note.endswith("the words of the others say nothing")
               for note in drawn.notes)  # fmt: skip


def test_a_class_without_training_images_is_noted_for_a_shared_context(
    store: Store, tmp_path: Path, asked: Asked
) -> None:
    relabelled(store, tmp_path, lambda split, label: "" if split == "train" and label == "sad" else label)
    found = coop(asked(dataset="other", shots=2), store)
    assert found.absent == ("sad",)
    assert any(note.startswith("no image of 'train' is labelled sad: its prompt has") for note in found.notes)
    with pytest.raises(SpecError, match=r"labelled sad, so a context of its own cannot be learned; use .* shared"):
        coop(asked(dataset="other", context="class"), store)


def test_labels_that_are_no_class_of_the_set_are_left_out_and_told(store: Store, tmp_path: Path, asked: Asked) -> None:
    relabelled(store, tmp_path, lambda _, label: "bored" if label == "sad" else label)
    found = coop(asked(dataset="other"), store)
    assert found.images == 20
    assert "10 images of 'test' are left out: their labels are no class of the set" in found.notes


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"dataset": "fcaes"}, "did you mean 'faces'"),
        ({"concepts": "fer8"}, "did you mean 'fer7'"),
        ({"clip": "face-clop"}, "face-clip"),
        ({"tune_on": "validtion"}, "unknown split of faces 'validtion'; did you mean 'validation'"),
        ({"report_on": "all"}, "'train' and 'all' of faces share 72 images; report on images"),
        ({"tune_on": "train"}, "'train' and 'train' of faces share 72 images; choose the epoch on images"),
        (
            {"shots": 25},
            "25 shots are more than the training images of some classes: angry 24, .* sad 24; use 24",
        ),
        ({"length": 22}, "22 learned vectors and .* make a prompt of 2. tokens, but the context of .* holds 24"),
        ({"words": "a " * 30}, "30 learned vectors and .* make a prompt of 3. tokens"),
        ({"words": "  "}, "has no words to begin with"),
    ],
    ids=lambda value: "-".join(map(str, value.values()))[:20].strip() if isinstance(value, dict) else "",
)
def test_a_wrong_question_gets_one_clear_line(
    store: Store, faces: Dataset, asked: Asked, fields: dict[str, object], words: str
) -> None:
    del faces
    with pytest.raises(WorkbenchError, match=words) as caught:
        coop(asked(**fields), store)
    assert "\n" not in str(caught.value)
    assert not store.artifacts("coop")
    assert not list(store.artifacts_dir.glob("coop/.*.partial"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("concepts: [happy, sad]", "has no classes to tell apart"),
        ("classes: [angry, happy]\nconcepts:\n  - {text: glad, classes: [happy]}", "has no concept for 'angry'"),
        ("classes: [angry, happy]\nconcepts:\n  - {text: glad, classes: [happy, angry]}", "'glad' is the first"),
        ("classes: [dull, bored]\nconcepts:\n  - {text: dull, classes: [dull]}\n  - {text: bored, classes: [bored]}",
         "no label of 'faces' .* is a class of"),
    ],
)  # fmt: skip
def test_a_concept_set_that_cannot_be_learned_for_is_refused(
    store: Store, faces: Dataset, asked: Asked, tmp_path: Path, text: str, words: str
) -> None:
    del faces
    (tmp_path / "odd.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=words):
        coop(asked(concepts=str(tmp_path / "odd.yaml")), store)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"context": "shard"}, "did you mean 'shared'"),
        ({"position": "back"}, "position"),
        ({"optimizer": "adam"}, "did you mean 'adamw'"),
        ({"length": 0}, "length is 0"),
        ({"rate": 0.0}, "rate is 0; it must be above 0"),
        ({"shots": -1}, "shots is -1"),
        ({"epochs": 0}, "epochs is 0"),
        ({"batch": 0}, "batch is 0"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_spec_that_cannot_be_is_refused_when_made(asked: Asked, fields: dict[str, object], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        asked(**fields)


@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_stopped_run_goes_on_and_ends_as_if_it_had_not(
    store: Store, faces: Dataset, asked: Asked, tmp_path: Path, after: int
) -> None:
    del faces
    spec = asked(batch=24)
    embed(EmbedSpec("faces", spec.clip), store)
    with pytest.raises(Cancelled):
        coop(spec, store, StopAfter(after))
    assert not store.artifacts("coop")
    resumed = coop(spec, store)
    other = Store(tmp_path / "other")
    judged_dataset(other, tmp_path, 120)
    whole = coop(spec, other)
    np.testing.assert_array_equal(resumed.context, whole.context)
    np.testing.assert_array_equal(resumed.texts, whole.texts)
    timed = {"seconds", "bounds"}
    assert {name: value for name, value in resumed.summary.items() if name not in timed} == {
        name: value for name, value in whole.summary.items() if name not in timed
    }
    assert resumed.artifact.name == whole.artifact.name
    assert {each.name for each in resumed.artifact.path.iterdir()} == {
        "manifest.json", "part-00000.parquet", "prompts.safetensors"
    }  # fmt: skip


def test_a_rate_that_diverges_stores_nothing(
    store: Store, faces: Dataset, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    del faces
    given = PromptTower.encode
    monkeypatch.setattr(PromptTower, "encode", lambda *each: given(*each) * float("nan"))
    with pytest.raises(SpecError, match=r"learning diverges at rate 0\.5: .*; try a lower rate, such as 0\.05"):
        coop(asked(rate=0.5), store)
    assert not list(store.artifacts_dir.glob("coop/*-*.partial"))
    assert not store.artifacts("coop")


def test_copies_of_training_images_choose_nothing_and_are_told(store: Store, tmp_path: Path, asked: Asked) -> None:
    images, labels = pictures(90)
    splits = [("train", "validation", "test")[row // 3 % 3] for row in range(90)]
    images[3:6] = images[6:9] = images[0:3]  # three of those that choose, and three reported on, are training pictures
    columns = {"id": [str(row) for row in range(90)], "split": splits, "label": labels}
    pq.write_table(pa.table({**columns, "image": [encode_png(each) for each in images]}), tmp_path / "twins.parquet")
    dataset = import_dataset(ImportSpec(str(tmp_path / "twins.parquet"), "twins"), store)
    found = coop(asked(dataset="twins"), store)
    run = predict(PredictSpec("twins", found.model), store)
    right = run.predicted == run.labels
    choosing = [row for row in dataset.rows("validation") if row not in (3, 4, 5)]
    assert found.curve[found.best_epoch]["accuracy"] == pytest.approx(right[choosing].mean())
    new = [row for row in dataset.rows("test") if row not in (6, 7, 8)]
    assert found.unseen is not None
    assert found.unseen["accuracy"]["value"] == pytest.approx(right[new].mean())
    assert found.bounds["zero-shot"]["unseen"]["images"] == found.bounds["linear probe"]["unseen"]["images"] == 27


def test_prompts_of_another_clip_or_of_one_that_changed_or_is_gone_say_so(
    store: Store, tmp_path: Path, faces: Dataset, asked: Asked, clip: str
) -> None:
    del faces
    folder = tmp_path / "own-clip"
    folder.mkdir()
    write_clip(folder, seed=1)
    own = f"local-dir:{folder}"
    found = coop(asked(clip=own), store)
    with pytest.raises(SpecError, match=r"was learned for local-dir:.*own-clip; its vectors mean nothing to"):
        classify(ClassifySpec("faces", clip, found.model), store)
    write_clip(folder, seed=2)
    for use in (lambda: classify(ClassifySpec("faces", own, found.model), store),
                lambda: lay_out(MapSpec("faces", own, "pca", found.model), store),
                lambda: predict(PredictSpec("faces", found.model), store)):  # fmt: skip
        with pytest.raises(ModelError, match="is no longer the CLIP it was learned for"):
            use()
    shutil.rmtree(folder)
    with pytest.raises(ModelError, match=r"coop:faces-.* was learned for local-dir:.*own-clip, which cannot be loaded"):
        predict(PredictSpec("faces", found.model), store)


def test_they_are_found_by_the_beginning_of_their_name_or_told_missing(
    store: Store, faces: Dataset, asked: Asked
) -> None:
    del faces
    found = coop(asked(epochs=1), store)
    assert find_coop(f"coop:{found.artifact.name[:12]}", store).artifact.name == found.artifact.name
    for use in (lambda: predict(PredictSpec("faces", "coop:nope"), store),
                lambda: classify(ClassifySpec("faces", found.clip, "coop:nope"), store)):  # fmt: skip
        with pytest.raises(SpecError, match="unknown coop 'nope'"):
            use()
    with pytest.raises(SpecError, match="is not coop"):
        open_coop(predict(PredictSpec("faces", found.model), store).artifact)


def test_damaged_arrays_are_named(store: Store, faces: Dataset, asked: Asked) -> None:
    del faces
    found = coop(asked(epochs=1), store)
    arrays = found.artifact.arrays("prompts")
    with store.build(ArtifactKey("coop", "made", {}), found.artifact.spec) as build:
        assert isinstance(build, Build)
        build.write_arrays("prompts", arrays | {"texts": arrays["texts"][:2]})
        made = LearnedPrompts(build.finish(found.artifact.summary))
    with pytest.raises(DamagedArtifactError, match="its arrays are not those of learned prompts"):
        _ = made.texts


def test_they_are_read_without_torch(store: Store, faces: Dataset, asked: Asked) -> None:
    del faces
    name = coop(asked(epochs=1), store).artifact.name
    code = (
        "import sys; from pathlib import Path; from workbench.store import Store\n"
        "from workbench.studies.learned_prompts import find_coop\n"
        f"found = find_coop({name!r}, Store(Path({str(store.root)!r})))\n"
        "print(found.concepts.vectors.shape[0], found.against_zero_shot.images, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["3", "24", "False"], done.stderr
