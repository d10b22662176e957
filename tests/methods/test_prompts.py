from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import SpecError
from workbench.methods import prompts as module
from workbench.methods.metrics import evaluate
from workbench.methods.prompts import Bank, Measured, measure, random_choice, score
from workbench.methods.zeroshot import classify
from workbench.specs import AGGREGATES

SCALE = 20.0
MEMBERSHIP = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 0], [0, 0, 0]], dtype=bool)


def unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), dtype=np.float32)


def planted(seed: int, count: int = 40) -> tuple[np.ndarray, np.ndarray, list[list[str]]]:
    """Images (N, D), texts (T, C, D) and the sentences that they are of."""
    rng = np.random.default_rng(seed)
    images, texts = unit(rng.normal(size=(count, 12))), unit(rng.normal(size=(4, len(MEMBERSHIP), 12)) + 0.4)
    return images, texts, [[f"{t} {c}" for c in range(texts.shape[1])] for t in range(len(texts))]


def filled(images: np.ndarray, texts: np.ndarray, sentences: list[list[str]]) -> Bank:
    bank = Bank(images, SCALE)
    vector = {text: texts[t, c] for t, line in enumerate(sentences) for c, text in enumerate(line)}
    bank.prepare(list(vector), lambda wanted: np.stack([vector[text] for text in wanted]))
    return bank


@pytest.mark.parametrize("aggregate", AGGREGATES)
@settings(deadline=None)
@given(seed=st.integers(0, 1000), templates=st.sets(st.integers(0, 3), min_size=1), drop=st.booleans())
def test_a_choice_from_the_bank_is_what_classifying_with_its_texts_gives(
    aggregate: str, seed: int, templates: set[int], drop: bool
) -> None:
    images, texts, sentences = planted(seed)
    concepts = [0, 1, 3, 5] if drop else list(range(len(MEMBERSHIP)))
    chosen = sorted(templates)
    lines = [[sentences[t][c] for c in concepts] for t in chosen]
    found = filled(images, texts, sentences).classify(lines, MEMBERSHIP[concepts], aggregate)
    expected = classify(images, texts[chosen][:, concepts], MEMBERSHIP[concepts], SCALE, aggregate=aggregate).classes
    assert np.allclose(found.probabilities, expected.probabilities, atol=1e-5)
    assert (found.ranked == expected.ranked).mean() > 0.99  # similarities that tie may round either way


@pytest.mark.parametrize("aggregate", AGGREGATES)
@settings(deadline=None)
@given(seed=st.integers(0, 1000))
def test_a_template_alone_answers_as_a_set_of_it_does(aggregate: str, seed: int) -> None:
    images, texts, sentences = planted(seed, count=60)
    bank = filled(images, texts, sentences)
    for line in sentences:
        expected = bank.classify([line], MEMBERSHIP, aggregate).ranked[:, 0]
        assert (bank.alone(line, MEMBERSHIP, aggregate) == expected).mean() > 0.99


def test_a_sentence_is_encoded_once() -> None:
    images, texts, sentences = planted(0)
    bank, asked = Bank(images, SCALE), []

    def encode(wanted: list[str]) -> np.ndarray:
        asked.append(wanted)
        return texts[0, : len(wanted)]

    assert bank.prepare(sentences[0], encode) == 6
    assert bank.prepare([*sentences[0][:2], "new", "new"], encode) == 1
    assert bank.prepare(sentences[0], encode) == 0
    assert asked == [sentences[0], ["new"]]


def test_what_is_asked_for_is_never_forgotten_and_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    images, texts, sentences = planted(0)
    monkeypatch.setattr(module, "_KEPT_BYTES", len(images) * 4 * 8)  # eight sentences
    bank, asked = Bank(images, SCALE), []

    def encode(wanted: list[str]) -> np.ndarray:
        asked.append(wanted)
        return texts[0, : len(wanted)]

    bank.prepare(sentences[0], encode)
    bank.prepare([sentences[0][0], *sentences[1][:4]], encode)  # 10 sentences: the two oldest go, never one asked for
    assert bank.prepare([sentences[0][0], *sentences[1][:4]], encode) == 0
    assert bank.prepare(sentences[0], encode) == 2
    assert bank.prepare([line for several in sentences[:2] for line in several], encode) > 0
    bank.classify(sentences[:2], MEMBERSHIP, "sum")  # 12 sentences are more than there is room for, and are all there


def test_sentences_that_cancel_out_and_lengths_other_than_one_are_refused() -> None:
    images, texts, sentences = planted(0)
    opposite = np.stack([texts[0], -texts[0]])
    with pytest.raises(SpecError, match="cancel out"):
        filled(images, opposite, sentences[:2]).logits(sentences[:2])
    with pytest.raises(SpecError, match="embeddings must have length 1"):
        Bank(images * 3, SCALE)
    with pytest.raises(SpecError, match="embeddings must have length 1"):
        Bank(images, SCALE).prepare(["a"], lambda _: texts[0, :1] * 3)
    with pytest.raises(SpecError, match="unknown aggregate 'mean'"):
        filled(images, texts, sentences).classify(sentences, MEMBERSHIP, "mean")


def test_what_is_measured_is_what_an_evaluation_says() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 300)
    labels = rng.integers(0, 3, 300)  # no image of the last class
    ranked = np.argsort(-probabilities, axis=1)
    names = ("a", "b", "c", "d")
    found, expected = measure(labels, ranked, names), evaluate(labels, ranked, probabilities)
    assert found.accuracy.value == pytest.approx(expected.accuracy.value)
    assert found.top_k.value == pytest.approx(expected.top_k_accuracy[3].value)
    assert found.macro_f1 == pytest.approx(expected.macro_f1, abs=0.01)
    assert found.weighted_f1.value == pytest.approx(expected.weighted_f1.value)
    assert [(each.name, each.images) for each in found.recalls] == [
        (n, int((labels == i).sum())) for i, n in enumerate(names[:3])
    ]
    assert [each.recall.value for each in found.recalls] == pytest.approx(
        [each.recall.value for each in expected.classes[:3]]
    )
    assert all(each.low <= each.value <= each.high for each in (found.accuracy, found.top_k, found.macro_f1))
    assert Measured.from_dict(found.to_dict()) == found
    assert score(labels, ranked[:, 0], 4, "accuracy") == pytest.approx(found.accuracy.value)
    assert score(labels, ranked[:, 0], 4, "macro_f1") == pytest.approx(found.macro_f1.value)


def test_no_images_are_refused() -> None:
    with pytest.raises(SpecError, match="no labelled images"):
        measure(np.zeros(0, dtype=np.int64), np.zeros((0, 3), dtype=np.int64), ("a", "b", "c"))


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_a_random_choice_has_a_concept_for_every_class_and_none_that_speaks_for_none(seed: int) -> None:
    templates, concepts = random_choice(4, MEMBERSHIP, np.random.default_rng(seed))
    assert 1 <= len(templates) <= 4
    assert MEMBERSHIP[concepts].any(axis=0).all()
    assert MEMBERSHIP[concepts].any(axis=1).all()
    assert sorted(set(templates.tolist())) == templates.tolist()


def test_a_random_choice_of_a_size_has_so_many_of_each() -> None:
    alone = np.repeat(np.eye(3, dtype=bool), 4, axis=0)
    templates, concepts = random_choice(5, alone, np.random.default_rng(0), (2, 3))
    assert len(templates) == 2
    assert alone[concepts].sum(axis=0).tolist() == [3, 3, 3]
