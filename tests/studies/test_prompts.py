from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import StopAfter, write_source
from tests.studies.random_directions import tell_apart
from workbench.data.concepts import ConceptSet, load_attributes, load_concept_set, save_concept_set
from workbench.data.datasets import Dataset
from workbench.errors import Cancelled, ConceptSetError, SpecError
from workbench.methods.retrain import compare
from workbench.models.clip import Clip
from workbench.reports import of_result
from workbench.specs import ClassifySpec, EmbedSpec, ImportSpec
from workbench.specs.ladder import PromptsSpec
from workbench.store import Store
from workbench.studies.classify import classify
from workbench.studies.embed import embed
from workbench.studies.importing import import_dataset
from workbench.studies.prompts import open_prompts, prompts, sentence

SET = """
name: small
attribute: emotion
aggregate: sum
classes: [happy, sad, angry]
templates: ["someone who looks {}", "a {} face", "{}"]
concepts:
  - {text: joyful, classes: [happy]}
  - {text: glad, classes: [happy]}
  - {text: blue, classes: [sad]}
  - {text: tearful, classes: [sad]}
  - {text: cross, classes: [angry]}
  - {text: mad, classes: [angry]}
"""


@pytest.fixture(autouse=True)
def told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    tell_apart(monkeypatch)


@pytest.fixture
def dataset(store: Store, tmp_path: Path) -> Dataset:
    return import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet", 210)), "faces"), store)


@pytest.fixture
def clip(tiny_clip_folder: Path) -> str:
    return f"local-dir:{tiny_clip_folder}"


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(SET, encoding="utf-8")
    return str(path)


def changed(tmp_path: Path, old: str, new: str) -> str:
    path = tmp_path / "changed.yaml"
    path.write_text(SET.replace(old, new), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("aggregate", ["sum", "max", "vote", "vote-mean"])
def test_the_winner_is_reported_as_classifying_with_its_file_reports_it(
    store: Store, dataset: Dataset, clip: str, small: str, aggregate: str
) -> None:
    found = prompts(PromptsSpec("faces", clip, small, aggregate, least=0.0), store)
    for name, run in (
        ("whole", classify(ClassifySpec("faces", clip, small, aggregate), store)),
        ("winner", classify(found.winner_spec(store), store)),
    ):
        own, other = found.report[name], run.metrics["test"]
        assert own.images == other["images"]
        assert own.accuracy.value == pytest.approx(other["accuracy"]["value"])
        assert own.macro_f1.value == pytest.approx(other["macro_f1"]["value"])
        assert own.top_k.value == pytest.approx(other["top_k_accuracy"]["3"]["value"])
        answers = dict(zip(run.ids.tolist(), run.predicted.tolist(), strict=True))
        table = found.images.to_pydict()
        assert table[name] == [answers[each] for each in table["id"]]
    change = found.comparison.changes["accuracy"]
    assert change.before.value == pytest.approx(found.report["whole"].accuracy.value)
    assert change.after.value == pytest.approx(found.report["winner"].accuracy.value)
    told = of_result(found.spec, found.artifact.reference, store).text()
    assert f"--concepts {found.winner_path(store.root)}" in told
    assert all(text in told for text in (*found.winner.templates, *found.winner.texts))


def test_every_template_is_measured_as_a_set_with_it_alone(
    store: Store, dataset: Dataset, clip: str, small: str, tmp_path: Path
) -> None:
    found = open_prompts(store.open(prompts(PromptsSpec("faces", clip, small), store).artifact.path))
    whole = load_concept_set(small)
    assert tuple(found.templates) == whole.templates
    for number, (template, measured) in enumerate(found.templates.items()):
        path = tmp_path / f"alone-{number}.yaml"
        save_concept_set(
            path, ConceptSet(name="alone", classes=whole.classes, concepts=whole.concepts, templates=(template,))
        )
        expected = classify(ClassifySpec("faces", clip, str(path)), store).metrics["validation"]
        assert measured.accuracy.value == pytest.approx(expected["accuracy"]["value"])
        recalls = {each.name: each.recall.value for each in measured.recalls}
        by_class = dict(zip(whole.classes, expected["classes"], strict=True))
        assert recalls == pytest.approx({name: by_class[name]["recall"]["value"] for name in recalls})
    run = classify(ClassifySpec("faces", clip, small), store).metrics["validation"]
    assert found.whole.accuracy.value == pytest.approx(run["accuracy"]["value"])
    assert tuple(found.left_out) == whole.templates
    for comparison in found.left_out.values():
        assert comparison.changes["accuracy"].before.value == pytest.approx(found.whole.accuracy.value)


def test_the_path_climbs_and_ends_with_the_winner(store: Store, dataset: Dataset, clip: str, small: str) -> None:
    found = prompts(PromptsSpec("faces", clip, small, least=0.0), store)
    values = [step["value"] for step in found.path]
    assert values == sorted(values)
    assert found.path[0]["change"] == "start"
    assert (found.path[-1]["templates"], found.path[-1]["concepts"]) == (
        len(found.winner.templates),
        len(found.winner.concepts),
    )
    assert values[-1] == max(each["value"] for each in found.searches.values())
    assert values[-1] >= found.whole.accuracy.value
    run = classify(found.winner_spec(store), store).metrics["validation"]
    assert run["accuracy"]["value"] == pytest.approx(values[-1])
    assert found.winner.membership.any(axis=0).all()
    assert any(f"the best of {sum(each['tried'] for each in found.searches.values()):,} sets" in n for n in found.notes)


def test_labels_that_are_reported_on_have_no_say_in_the_choice(
    store: Store, dataset: Dataset, clip: str, small: str, tmp_path: Path
) -> None:
    table = pq.read_table(tmp_path / "faces.parquet")
    split, label = np.array(table["split"].to_pylist()), np.array(table["label"].to_pylist())
    label[split == "test"] = np.roll(label[split == "test"], 1)
    place = table.schema.get_field_index("label")
    pq.write_table(table.set_column(place, "label", pa.array(label.tolist())), tmp_path / "turned.parquet")
    import_dataset(ImportSpec(str(tmp_path / "turned.parquet"), "turned"), store)
    one, other = (prompts(PromptsSpec(name, clip, small, least=0.0), store) for name in ("faces", "turned"))
    assert one.winner.fingerprint == other.winner.fingerprint
    assert one.path == other.path
    assert one.templates == other.templates
    assert one.report["whole"] != other.report["whole"]


def test_only_texts_are_encoded_and_a_finished_study_encodes_nothing(
    store: Store, dataset: Dataset, clip: str, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed(EmbedSpec("faces", clip), store)
    monkeypatch.setattr(Clip, "encode_prepared", lambda *_: pytest.fail("encoded pictures"))
    found = prompts(PromptsSpec("faces", clip, small), store)
    monkeypatch.setattr(Clip, "encode_texts", lambda *_: pytest.fail("encoded texts"))
    again = prompts(PromptsSpec("faces", clip, small), store)
    assert again.artifact.name == found.artifact.name
    assert open_prompts(found.artifact).sentence == found.sentence


def test_random_sets_have_the_size_asked_for_and_a_size_that_does_not_fit_is_noted(
    store: Store, dataset: Dataset, clip: str, small: str
) -> None:
    found = prompts(PromptsSpec("faces", clip, small, sizes="1,2,3,2", draws=4), store)
    assert [each.size for each in found.experiment] == [1] * 4 + [2] * 4
    for each in found.experiment:
        assert (len(each.templates), len(each.concepts)) == (each.size, 3 * each.size)
    for line in found.by_size:
        values = [each.measured.macro_f1.value for each in found.experiment if each.size == line.size]
        assert line.sets == 4
        assert line.macro_f1 == pytest.approx((np.mean(values), min(values), max(values)))
    assert any("random sets of 3 templates and as many synonyms were not drawn" in note for note in found.notes)
    spread = found.spread
    assert min(spread["values"]) <= spread["low"] <= spread["mean"] <= spread["high"] <= max(spread["values"])
    accuracy = found.whole.accuracy.value
    assert spread["chance_sd"] == pytest.approx(np.sqrt(accuracy * (1 - accuracy) / found.whole.images))


def test_a_search_by_macro_f1_reaches_it_and_its_chance_is_of_the_same_kind(
    store: Store, dataset: Dataset, clip: str, small: str
) -> None:
    found = prompts(PromptsSpec("faces", clip, small, metric="macro_f1", least=0.0), store)
    run = classify(found.winner_spec(store), store).metrics["validation"]
    assert run["macro_f1"]["value"] == pytest.approx(found.path[-1]["value"])
    assert found.whole.macro_f1.value <= found.path[-1]["value"]
    assert 0 < found.spread["chance_sd"] < 0.2


@pytest.mark.parametrize(
    ("metric", "answers", "words"),
    [
        (
            "accuracy",
            "right",
            "found better prompts: accuracy of 1 template with 3 concepts on 80 images of test is 100.00",
        ),
        ("accuracy", "same", "found no prompts that are measurably better: accuracy"),
        ("macro_f1", "right", "found better prompts: macro F1 of 1 template with 3 concepts on 80 images"),
        ("macro_f1", "same", "found no prompts that are measurably better: macro F1"),
    ],
)
def test_the_sentence_is_of_the_metric_that_was_raised(metric: str, answers: str, words: str) -> None:
    labels = np.arange(80) % 2
    before = np.where(np.arange(80) < 30, 1 - labels, labels)
    found = compare(labels, before, labels if answers == "right" else before, ("a", "b"), resamples=200)
    said = sentence(found, 0.7, 1, 3, PromptsSpec("faces", metric=metric))
    assert words in said
    assert ("McNemar" in said) == (metric == "accuracy")
    assert said.endswith("on validation, where they were chosen, it is 70.00 %.")


def test_other_attributes_are_told_and_kept_beside_the_winner(store: Store, dataset: Dataset, clip: str) -> None:
    found = prompts(PromptsSpec("faces", clip, "sentence-ensembles", most_steps=1), store)
    (gender,) = found.attributes
    assert gender["attribute"] == "gender"
    assert gender["classes"] == ["female", "male"]
    assert sum(gender["whole"]) == pytest.approx(1)
    assert len(gender["templates"]) == 4
    assert all(0 <= each["agreement"]["value"] <= 1 for each in gender["templates"])
    kept = load_attributes(found.winner_spec(store).concepts)
    assert list(kept) == ["emotion", "gender"]
    assert kept["gender"].fingerprint == load_concept_set("sentence-ensembles#gender").fingerprint
    assert any("a guess from pictures that no label checks" in note for note in found.notes)


def test_one_template_alone_is_left_out_of_nothing(store: Store, dataset: Dataset, clip: str, tmp_path: Path) -> None:
    path = changed(tmp_path, 'templates: ["someone who looks {}", "a {} face", "{}"]', 'templates: ["{}"]')
    found = prompts(PromptsSpec("faces", clip, path), store)
    assert found.left_out == {}
    assert list(found.templates) == ["{}"]


def test_choosing_by_a_test_split_is_noted(store: Store, dataset: Dataset, clip: str, small: str) -> None:
    found = prompts(PromptsSpec("faces", clip, small, tune_on="test", report_on="validation"), store)
    assert any("split 'test' was used to choose prompts" in note for note in found.notes)


def test_each_field_changes_the_result(store: Store, dataset: Dataset, clip: str, small: str) -> None:
    base: dict[str, Any] = {"dataset": "faces", "clip": clip, "concepts": small}
    specs: list[dict[str, Any]] = [
        {},
        {"aggregate": "vote"},
        {"tune_on": "train"},
        {"report_on": "train"},
        {"metric": "macro_f1"},
        {"least": 0.1},
        {"most_steps": 1},
        {"sizes": "1"},
        {"draws": 2},
        {"seed": 1},
    ]
    names = [prompts(PromptsSpec(**(base | each)), store).artifact.name for each in specs]
    assert len(set(names)) == len(specs)
    assert prompts(PromptsSpec("faces", clip, small, "sum"), store).artifact.name == names[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tune_on": "test"}, "both 'test'"),
        ({"tune_on": "merged-test"}, "share 70 images"),
        ({"tune_on": "valid"}, "did you mean 'validation'"),
        ({"report_on": "tests"}, "did you mean 'test'"),
        ({"metric": "f1"}, "unknown metric 'f1'"),
        ({"aggregate": "mean"}, "unknown aggregate 'mean'"),
        ({"sizes": "1,0"}, "sizes: 0 is no number of templates"),
        ({"sizes": "1.5"}, "sizes: 1.5 is no number"),
        ({"sizes": "one"}, "'one' is not a number"),
        ({"draws": 0}, "draws is 0"),
        ({"least": 0.9}, "least is 0.9"),
        ({"dataset": "others"}, "unknown dataset 'others'"),
        ({"concepts": "facial-expresions"}, "did you mean 'facial-expressions'"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(
    store: Store, dataset: Dataset, clip: str, change: dict[str, object], words: str
) -> None:
    with pytest.raises(SpecError, match=words) as caught:
        prompts(PromptsSpec(**{"dataset": "faces", "clip": clip, "concepts": "fer7", **change}), store)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ('"a {} face"', '"a face"', ConceptSetError, "has no placeholder; write {} where the concept goes"),
        ("classes: [happy, sad, angry]", "classes: [happy, sad, angry, fear]", SpecError, "has no words for fear"),
        ("classes: [happy, sad, angry]", "classes: [bliss, woe, rage]", ConceptSetError, "happy"),
        (SET.partition("concepts:")[2], " []\n", ConceptSetError, "no concepts"),
        ('"a {} face"', '""', ConceptSetError, "empty"),
    ],
)
def test_a_set_that_cannot_be_searched_says_what_is_wrong_with_it(
    store: Store, dataset: Dataset, clip: str, tmp_path: Path, old: str, new: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        prompts(PromptsSpec("faces", clip, changed(tmp_path, old, new)), store)
    assert "\n" not in str(caught.value)


def test_classes_that_no_label_has_are_refused(store: Store, dataset: Dataset, clip: str) -> None:
    with pytest.raises(SpecError, match="is a class of 'sentence-ensembles#gender'"):
        prompts(PromptsSpec("faces", clip, "sentence-ensembles#gender"), store)


def test_a_plain_list_has_no_classes_to_tell_apart(store: Store, dataset: Dataset, clip: str, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("smile\nfrown\n", encoding="utf-8")
    with pytest.raises(SpecError):
        prompts(PromptsSpec("faces", clip, str(path)), store)


def test_a_stopped_search_leaves_nothing_behind(store: Store, dataset: Dataset, clip: str, small: str) -> None:
    embed(EmbedSpec("faces", clip), store)
    with pytest.raises(Cancelled):
        prompts(PromptsSpec("faces", clip, small), store, StopAfter(20))
    assert store.artifacts("prompts") == []
    assert prompts(PromptsSpec("faces", clip, small), store).sentence


def test_another_kind_of_result_is_not_opened(store: Store, dataset: Dataset, clip: str) -> None:
    with pytest.raises(SpecError, match="is not of kind prompts"):
        open_prompts(embed(EmbedSpec("faces", clip), store).artifact)
