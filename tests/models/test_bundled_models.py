"""The models that ship with the package: their files, what they understand, what they must never have seen."""

import json
from pathlib import Path

import numpy as np
import open_clip
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score

import workbench
from workbench.data.concepts import load_concept_set
from workbench.data.faces import ACTIONS, EMOTIONS, FaceBatch, render, sample
from workbench.data.fer2013 import read_fer2013
from workbench.data.images import perceptual_hash, pixel_digest
from workbench.models.architectures import load_checkpoint, normalise_gray
from workbench.models.clip import Clip, load_clip
from workbench.models.fingerprints import TrainingImages

ASSETS = Path(workbench.__file__).parent / "assets"
FACE_CLIP, FACE_CNN = ASSETS / "face-clip", ASSETS / "face-cnn"


@pytest.fixture(scope="module")
def clip() -> Clip:
    return load_clip("face-clip")


@pytest.fixture(scope="module")
def faces() -> FaceBatch:
    """Rendered faces of a seed that no training used."""
    return render(sample(240, 77, random_share=0.5))


def pictures(faces: FaceBatch) -> list[Image.Image]:
    return [Image.fromarray(face) for face in faces.images]


@pytest.mark.parametrize(("folder", "most"), [(FACE_CLIP, 10_000_000), (FACE_CNN, 4_000_000)])
def test_a_bundled_model_stays_small_with_all_its_files(folder: Path, most: int) -> None:
    assert sum(path.stat().st_size for path in folder.iterdir()) <= most


@pytest.mark.parametrize("folder", [FACE_CLIP, FACE_CNN])
def test_a_bundled_model_has_a_card_that_says_what_it_must_not_be_used_for(folder: Path) -> None:
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "must not be used" in card
    assert "PrivateTest" in card


@pytest.mark.parametrize("folder", [FACE_CLIP, FACE_CNN])
def test_fingerprints_are_sorted_unique_and_of_the_agreed_types(folder: Path) -> None:
    table = pq.read_table(folder / "training_images.parquet")
    digests = table["digest"].to_pylist()
    assert digests == sorted(set(digests))
    assert {len(digest) for digest in digests} == {16}
    assert str(table.schema.field("perceptual_hash").type) == "uint64"


def test_face_clip_opens_in_open_clip_alone() -> None:
    model = open_clip.create_model_from_pretrained(f"local-dir:{FACE_CLIP}", return_transform=False)
    tokens = open_clip.get_tokenizer(f"local-dir:{FACE_CLIP}")(["a happy face"])
    assert tokens.shape == (1, 24)
    with torch.inference_mode():
        assert torch.isfinite(model.encode_text(tokens)).all()


def test_face_clip_knows_every_word_of_the_bundled_emotion_sets(clip: Clip) -> None:
    for name in ("fer7", "facial-expressions", "customer-satisfaction", "sentence-ensembles#emotion"):
        prompts = [prompt for prompts in load_concept_set(name).prompts() for prompt in prompts]
        assert clip.unseen_words(prompts) == [], name


def test_face_clip_admits_words_it_never_saw(clip: Clip) -> None:
    assert clip.unseen_words(["a flabberwocky face", "a happy zeppelin"]) == ["flabberwocky", "zeppelin"]


@pytest.mark.parametrize("name", ["customer-satisfaction", "sentence-ensembles#emotion"])
def test_each_fine_word_lies_nearest_to_its_own_broad_class(clip: Clip, name: str) -> None:
    concepts = load_concept_set(name)
    words = clip.encode_texts([concept.text for concept in concepts.concepts])
    broad = clip.encode_texts(["angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral"])
    nearest = [EMOTIONS[i] for i in (words @ broad.T).argmax(axis=1)]
    wrong = [c.text for c, found in zip(concepts.concepts, nearest, strict=True) if found not in c.classes]
    assert set(wrong) <= {"frown"}  # a word for anger in one study, the name of a sad expression in another


def test_a_word_never_seen_beside_an_emotion_does_not_change_it(clip: Clip) -> None:
    plain = clip.encode_texts(["a happy face", "a sad face"])
    odd = clip.encode_texts(["a happy zeppelin face", "a sad zeppelin face"])
    assert (odd @ plain.T).argmax(axis=1).tolist() == [0, 1]


def test_face_clip_tells_facial_expressions_apart_on_rendered_faces(clip: Clip, faces: FaceBatch) -> None:
    cosines = clip.encode_images(pictures(faces)) @ clip.encode_texts(list(ACTIONS)).T
    shown = faces.actions >= 0.3
    scores = [roc_auc_score(shown[:, i], cosines[:, i]) for i in range(len(ACTIONS))]
    assert np.mean(scores) > 0.85


def test_face_cnn_has_the_layers_its_literature_names() -> None:
    network = load_checkpoint(FACE_CNN)
    names = {name for name, _ in network.named_modules()}
    assert {f"conv{pair}{letter}" for pair in "1234" for letter in "ab"} | {"lin1", "lin2", "lin3"} <= names
    assert network.config.classes == EMOTIONS


def test_face_cnn_answers_probabilities_that_prefer_the_right_emotion(faces: FaceBatch) -> None:
    network = load_checkpoint(FACE_CNN)
    happy = faces.images[faces.emotions == EMOTIONS.index("happy")]
    with torch.inference_mode():
        chances = network(normalise_gray(torch.from_numpy(happy), network.config)).softmax(dim=1)
    assert chances.mean(dim=0).argmax() == EMOTIONS.index("happy")


@pytest.mark.parametrize("folder", [FACE_CLIP, FACE_CNN])
def test_no_held_out_photograph_stands_among_the_training_images(folder: Path, fer2013_parquet: Path) -> None:
    splits = read_fer2013(fer2013_parquet)
    images = [Image.fromarray(face) for usage in ("PublicTest", "PrivateTest") for face in splits[usage].pixels]
    digests = np.array([pixel_digest(image) for image in images])
    seen = TrainingImages.read(folder)
    assert seen is not None
    assert not np.isin(digests.astype("U16"), seen.digests).any()
    hashes = np.array([perceptual_hash(image) for image in images], dtype=np.uint64)
    assert seen.matches(digests, hashes).mean() < 0.002  # hashes of unlike pictures may collide


def test_face_clip_is_as_good_on_photographs_as_its_card_says(clip: Clip, fer2013_parquet: Path) -> None:
    stated = json.loads((Path(__file__).parents[2] / "analyses/train_face_clip/expected.json").read_text())
    photos = read_fer2013(fer2013_parquet)["PublicTest"]
    concepts = load_concept_set("fer7")
    texts = np.mean([clip.encode_texts(prompts) for prompts in concepts.prompts()], axis=0)
    images = clip.encode_images([Image.fromarray(face) for face in photos.pixels])
    accuracy = ((images @ texts.T).argmax(axis=1) == photos.labels).mean()
    assert accuracy == pytest.approx(stated["PublicTest"]["ensemble"]["accuracy"], abs=0.01)
