from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workbench.data.concepts import Concept, ConceptSet, load_concept_set
from workbench.data.faces import render, sample
from workbench.errors import SpecError
from workbench.methods.zeroshot import classify
from workbench.store import Store
from workbench.studies.embed import embed_texts
from workbench.studies.scorers import changed_scores, class_scores, open_scorer
from workbench.studies.scoring import fold

SET = load_concept_set("customer-satisfaction")


def pictures(count: int = 5) -> list[Image.Image]:
    return [Image.fromarray(image) for image in render(sample(count, 3)).images]


def test_a_clip_reads_its_embeddings_as_zero_shot_classification_does(store: Store) -> None:
    from workbench.models.clip import load_clip

    scorer = open_scorer("face-clip", "", store)
    vocabulary = scorer.vocabulary(SET, store)
    outputs = scorer.encode(scorer.prepare(pictures()))
    found = scorer.probabilities(outputs, vocabulary)

    clip = load_clip("face-clip")
    prompts = SET.prompts()
    texts = embed_texts([text for texts in prompts for text in texts], clip, store).reshape(
        len(prompts), len(SET.texts), -1
    )
    expected = classify(clip.encode_images(pictures()), texts, SET.membership, clip.logit_scale, aggregate="sum")
    np.testing.assert_allclose(found, expected.concept_probabilities, atol=1e-6)
    np.testing.assert_allclose(fold(found, vocabulary.membership), expected.classes.probabilities, atol=1e-6)
    assert vocabulary.names == tuple(SET.texts)
    assert vocabulary.scores.tolist() == SET.scores.tolist()  # type: ignore[union-attr]


def test_texts_are_encoded_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.models.clip import Clip

    scorer = open_scorer("face-clip", "", store)
    first = scorer.vocabulary(SET, store)
    monkeypatch.setattr(Clip, "encode_texts", lambda *_: pytest.fail("encoded again"))
    second = scorer.vocabulary(SET, store)
    assert first.texts is not None
    assert second.texts is not None
    np.testing.assert_array_equal(first.texts, second.texts)


def test_a_network_answers_with_classes_that_take_the_mean_of_their_concepts(store: Store) -> None:
    scorer = open_scorer("face-cnn", "", store)
    vocabulary = scorer.vocabulary(SET, store)
    outputs = scorer.encode(scorer.prepare(pictures()))
    found = scorer.probabilities(outputs, vocabulary)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(found.argmax(axis=1), outputs.argmax(axis=1))
    angry = [concept.score for concept in SET.concepts if "angry" in concept.classes]
    assert vocabulary.scores[vocabulary.names.index("angry")] == pytest.approx(np.mean(angry))  # type: ignore[arg-type]
    assert vocabulary.names == vocabulary.classes
    assert class_scores(SET)["surprise"] == pytest.approx((1 + 3 + 2.5 + 3.5 + 3.5 + 2.5) / 6)  # "horrified" is one


def test_the_image_tower_of_a_clip_answers_by_its_texts(store: Store) -> None:
    scorer = open_scorer("clip:face-clip", "", store)
    vocabulary = scorer.vocabulary(SET, store)
    assert vocabulary.names == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    assert scorer.encode(scorer.prepare(pictures(3))).shape == (3, 7)


def test_words_a_small_clip_never_saw_are_told(store: Store) -> None:
    unseen = ConceptSet(name="odd", concepts=(Concept("blorptious", score=3.0), Concept("happy", score=5.0)))
    vocabulary = open_scorer("face-clip", "", store).vocabulary(unseen, store)
    assert "blorptious" in vocabulary.notes[0]
    assert vocabulary.classes == ("blorptious", "happy")  # a list without classes is its own classes


def test_scores_are_changed_by_name_in_any_case(store: Store) -> None:
    vocabulary = open_scorer("face-cnn", "", store).vocabulary(SET, store)
    changed = changed_scores(vocabulary, {"Happy": 3.0})
    assert changed.scores[changed.names.index("happy")] == 3
    assert vocabulary.scores[vocabulary.names.index("happy")] > 4
    with pytest.raises(SpecError, match="unknown emotion in scores 'hapy'; did you mean 'happy'"):
        changed_scores(vocabulary, {"hapy": 3.0})


@pytest.mark.parametrize(
    ("model", "weights", "said"),
    [
        ("face-clop", "", "did you mean 'face-clip'"),
        ("resnet", "", "unknown model 'resnet'"),
        ("ViT-B-33/openai", "", "unknown open_clip model"),
        ("face-clip", "a.pt", "has weights of its own"),
        ("network:nothing", "", "no network named 'nothing'"),
        ("timm:no_such_network", "", "unknown timm model"),
        ("torchvision:resnet18/random", "", "names no classes"),
    ],
)
def test_models_that_cannot_score_are_refused(model: str, weights: str, said: str, store: Store) -> None:
    from workbench.errors import WorkbenchError

    with pytest.raises(WorkbenchError, match=said):
        open_scorer(model, weights, store)


def test_sets_that_cannot_score_are_refused(store: Store, tmp_path: Path) -> None:
    clip, network = open_scorer("face-clip", "", store), open_scorer("face-cnn", "", store)
    with pytest.raises(SpecError, match="concept set 'fer7' has no scores"):
        clip.vocabulary(load_concept_set("fer7"), store)
    with pytest.raises(SpecError, match="concept set 'fer7' has no scores"):
        network.vocabulary(load_concept_set("fer7"), store)
    partial = ConceptSet(name="half", concepts=(Concept("glad", ("happy",), 5.0),), classes=("happy",))
    with pytest.raises(SpecError, match="says nothing of angry, disgust"):
        network.vocabulary(partial, store)
