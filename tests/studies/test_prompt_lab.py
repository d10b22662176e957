from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import write_source
from tests.studies.random_directions import tell_apart
from workbench.data.concepts import Concept, load_concept_set, parse_concept_sets, save_concept_set
from workbench.data.datasets import Dataset
from workbench.errors import ConceptSetError, SpecError
from workbench.methods.prompts import Bank
from workbench.models.clip import Clip
from workbench.specs import ClassifySpec, ImportSpec
from workbench.store import Store
from workbench.studies.classify import classify
from workbench.studies.importing import import_dataset
from workbench.studies.prompt_lab import PromptLab, open_lab

FER7 = load_concept_set("fer7")


@pytest.fixture(autouse=True)
def told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    tell_apart(monkeypatch)


@pytest.fixture
def dataset(store: Store, tmp_path: Path) -> Dataset:
    return import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet", 120)), "faces"), store)


@pytest.fixture
def clip(tiny_clip_folder: Path) -> str:
    return f"local-dir:{tiny_clip_folder}"


@pytest.fixture
def lab(store: Store, dataset: Dataset, clip: str) -> PromptLab:
    return open_lab("faces", clip, store)


@pytest.mark.parametrize("aggregate", ["sum", "max", "vote", "vote-mean"])
def test_an_edit_gives_what_classifying_with_it_gives(
    store: Store, lab: PromptLab, clip: str, tmp_path: Path, aggregate: str
) -> None:
    edited = replace(FER7, templates=("{}", "one {} look"), concepts=(*FER7.concepts, Concept("glum", ("sad",))))
    save_concept_set(tmp_path / "edited.yaml", edited)
    run = classify(ClassifySpec("faces", clip, str(tmp_path / "edited.yaml"), aggregate), store)
    tried = lab.evaluate(edited, aggregate)
    expected = run.metrics["validation"]
    assert tried.measured.accuracy.value == pytest.approx(expected["accuracy"]["value"])
    assert tried.measured.top_k.value == pytest.approx(expected["top_k_accuracy"]["3"]["value"])
    assert tried.confusion.tolist() == expected["confusion"]
    assert [run.classes[place] for place in tried.answers] == run.predicted[tried.rows].tolist()


@pytest.mark.parametrize("aggregate", ["sum", "max", "vote", "vote-mean"])
def test_each_template_alone_is_measured_and_not_worked_out_again(
    lab: PromptLab, monkeypatch: pytest.MonkeyPatch, aggregate: str
) -> None:
    tried = lab.evaluate(FER7, aggregate)
    assert list(tried.alone) == list(FER7.templates)
    for template in FER7.templates[:2]:
        assert lab.evaluate(replace(FER7, templates=(template,)), aggregate).measured.recalls == tried.alone[template]
    monkeypatch.setattr(Bank, "alone", lambda *_: pytest.fail("worked out again"))
    assert lab.evaluate(replace(FER7, templates=FER7.templates[1:]), aggregate).alone == {
        name: tried.alone[name] for name in FER7.templates[1:]
    }


def test_an_attribute_without_labels_gives_answers_and_no_score(lab: PromptLab) -> None:
    gender = load_concept_set("sentence-ensembles#gender")
    found = lab.guess(gender)
    assert found.rows.tolist() == lab.dataset.rows("validation").tolist()
    assert found.shares().sum() == pytest.approx(1)
    one = lab.guess(replace(gender, templates=gender.templates[:1]))
    assert found.shares(gender.templates[0]).tolist() == one.shares().tolist()


def test_another_split_is_met_with_the_same_images_and_clip(store: Store, lab: PromptLab, clip: str) -> None:
    there, anew = lab.on("test").evaluate(FER7), open_lab("faces", clip, store, "test").evaluate(FER7)
    assert np.array_equal(there.answers, anew.answers)
    assert np.array_equal(there.rows, lab.dataset.rows("test"))


def test_only_new_sentences_are_encoded(lab: PromptLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clip, "encode_prepared", lambda *_: pytest.fail("encoded pictures"))
    assert lab.evaluate(FER7).encoded == len(FER7.templates) * 7
    assert lab.evaluate(replace(FER7, templates=(*FER7.templates[1:], "one {} look"))).encoded == 7
    assert lab.evaluate(replace(FER7, concepts=(*FER7.concepts, Concept("glum", ("sad",))))).encoded == 8
    assert lab.evaluate(FER7).encoded == 0


def test_edits_from_several_threads_do_not_disturb_each_other(lab: PromptLab) -> None:
    sets = [replace(FER7, templates=(f"{{}} {number}", "one {} look")) for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lab.evaluate, sets * 2))
    alone = [lab.evaluate(each) for each in sets]
    for found, expected in zip(together, alone * 2, strict=True):
        assert np.array_equal(found.answers, expected.answers)


def test_two_edits_are_compared_on_the_same_images(lab: PromptLab) -> None:
    before, after = lab.evaluate(FER7), lab.evaluate(replace(FER7, templates=("{}",)), "max")
    found = lab.compare(before, after)
    assert found.images == len(before.rows)
    assert found.changes["accuracy"].after.value == pytest.approx(after.measured.accuracy.value)
    change = found.changes["top_k"]
    assert (change.before, change.after) == (before.measured.top_k, after.measured.top_k)
    fewer = replace(FER7, classes=FER7.classes[:2], concepts=FER7.concepts[:2])
    with pytest.raises(SpecError, match="these prompts tell angry, disgust apart, the others angry, disgust, fear"):
        lab.compare(before, lab.evaluate(fewer))


def test_editing_on_a_test_split_and_unknown_words_are_noted(
    store: Store, dataset: Dataset, clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Clip, "unseen_words", lambda *_: ["glum"])
    notes = open_lab("faces", clip, store, "test").evaluate(FER7).notes
    assert any("split 'test' was used to edit prompts by" in note for note in notes)
    assert any(note.endswith("never saw these words in training: glum") for note in notes)


def test_an_edit_that_cannot_be_used_is_one_line(store: Store, lab: PromptLab, clip: str) -> None:
    with pytest.raises(SpecError, match="has no words for fear"):
        lab.evaluate(replace(FER7, concepts=tuple(each for each in FER7.concepts if each.classes != ("fear",))))
    with pytest.raises(SpecError, match="is a class of 'sentence-ensembles'"):
        lab.evaluate(load_concept_set("sentence-ensembles#gender"))
    with pytest.raises(ConceptSetError, match="has no placeholder"):
        parse_concept_sets("classes: [a, b]\ntemplates: [a face]\nconcepts: [{text: x, classes: [a]}]")
    with pytest.raises(SpecError, match="did you mean 'validation'"):
        open_lab("faces", clip, store, "valid")
