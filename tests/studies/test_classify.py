from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import write_clip, write_source
from workbench.data.concepts import load_concept_set
from workbench.data.datasets import Dataset
from workbench.data.images import perceptual_hash, pixel_digest
from workbench.errors import ConceptSetError, SpecError
from workbench.models.clip import load_clip
from workbench.specs import ClassifySpec, ImportSpec
from workbench.store import Store
from workbench.studies.classify import Classification, classify, open_classification
from workbench.studies.importing import import_dataset


@pytest.fixture
def dataset(store: Store, tmp_path: Path) -> Dataset:
    return import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet", 120)), "faces"), store)


@pytest.fixture
def clip_spec(tiny_clip_folder: Path) -> str:
    return f"local-dir:{tiny_clip_folder}"


def test_a_classification_is_what_the_definition_says(store: Store, dataset: Dataset, clip_spec: str) -> None:
    found = classify(ClassifySpec("faces", clip_spec), store)
    clip, concepts = load_clip(clip_spec), load_concept_set("fer7")
    texts = np.stack([clip.encode_texts(sentences) for sentences in concepts.prompts()]).mean(axis=0)
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    images = clip.encode_images([dataset.image(row) for row in range(len(dataset))])
    logits = clip.logit_scale * images @ texts.T
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.allclose(found.concept_probabilities, expected, atol=1e-4)
    assert np.allclose(found.class_probabilities, expected, atol=1e-4)
    assert found.predicted.tolist() == [found.classes[i] for i in found.class_probabilities.argmax(axis=1)]
    assert found.ids.tolist() == dataset.ids.tolist()
    right = found.predicted == found.labels
    assert np.array_equal(found.margins > 0, right)


def test_every_split_is_reported_by_itself_and_the_merged_test_by_name(
    store: Store, dataset: Dataset, clip_spec: str
) -> None:
    found = classify(ClassifySpec("faces", clip_spec), store)
    assert found.evaluated == ("train", "validation", "test", "merged-test", "all")
    right = found.predicted == found.labels
    for split in found.evaluated:
        rows = dataset.rows(split)
        assert found.metrics[split]["images"] == len(rows)
        assert found.metrics[split]["accuracy"]["value"] == pytest.approx(right[rows].mean())
        assert found.metrics[split]["accuracy"]["low"] <= right[rows].mean() <= found.metrics[split]["accuracy"]["high"]
        assert np.sum(found.metrics[split]["confusion"]) == np.sum(found.metrics[split]["fine"]) == len(rows)


@pytest.mark.parametrize("aggregate", ["sum", "max", "vote"])
@pytest.mark.parametrize("concepts", ["customer-satisfaction", "sentence-ensembles", "facial-expressions"])
def test_every_bundled_set_and_aggregate_works(
    store: Store, dataset: Dataset, clip_spec: str, concepts: str, aggregate: str
) -> None:
    found = classify(ClassifySpec("faces", clip_spec, concepts, aggregate), store)
    assert found.class_probabilities.shape == (len(dataset), 7)
    assert found.ranked.shape == (len(dataset), 3)
    assert np.allclose(found.class_probabilities.sum(axis=1), 1, atol=1e-5)
    assert open_classification(found.artifact).spec == ClassifySpec("faces", clip_spec, concepts, aggregate)


def test_each_field_of_the_spec_changes_the_name_and_equal_content_does_not(
    store: Store, dataset: Dataset, clip_spec: str, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.yaml"
    copy.write_bytes((Path(__file__).parents[2] / "concept_sets" / "fer7.yaml").read_bytes())
    (tmp_path / "clip").mkdir()
    other = f"local-dir:{write_clip(tmp_path / 'clip', seed=3)}"
    name = classify(ClassifySpec("faces", clip_spec), store).artifact.manifest["content"]
    assert classify(ClassifySpec("faces", clip_spec, str(copy)), store).artifact.manifest["content"] == name
    assert classify(ClassifySpec("faces", clip_spec, aggregate="sum"), store).artifact.manifest["content"] == name
    for changed in (
        ClassifySpec("faces", other),
        ClassifySpec("faces", clip_spec, "customer-satisfaction"),
        ClassifySpec("faces", clip_spec, aggregate="max"),
        ClassifySpec("faces", clip_spec, top_k=2),
    ):
        assert classify(changed, store).artifact.manifest["content"] != name


def test_a_model_trained_on_the_images_says_so(store: Store, dataset: Dataset, tmp_path: Path) -> None:
    folder = write_clip(tmp_path, seed=0)
    rows = dataset.rows("train")[:5]
    images = [dataset.image(row) for row in rows]
    table = {
        "digest": [pixel_digest(image)[:16] for image in images],
        "perceptual_hash": pa.array([perceptual_hash(image) for image in images], type=pa.uint64()),
    }
    pq.write_table(pa.table(table), folder / "training_images.parquet")
    found = classify(ClassifySpec("faces", f"local-dir:{folder}"), store)
    expected = np.isin(dataset.digests.astype(str), dataset.digests[rows].astype(str))
    assert np.array_equal(found.trained_on, expected)
    assert any("was trained on" in note and "not held out" in note for note in found.notes)


def test_prompt_words_the_model_never_saw_are_noted(store: Store, dataset: Dataset, tmp_path: Path) -> None:
    folder = write_clip(tmp_path, seed=0)
    (folder / "vocabulary.json").write_text('{"words": ["a", "photo"]}')
    found = classify(ClassifySpec("faces", f"local-dir:{folder}"), store)
    assert any("never saw these words" in note and "happy" in note for note in found.notes)


def test_labels_outside_the_classes_are_predicted_but_not_counted(store: Store, tmp_path: Path, clip_spec: str) -> None:
    table = pq.read_table(write_source(tmp_path / "faces.parquet"))
    labels = ["contempt" if i % 5 == 0 else label for i, label in enumerate(table["label"].to_pylist())]
    pq.write_table(table.set_column(2, "label", pa.array(labels)), tmp_path / "outside.parquet")
    dataset = import_dataset(ImportSpec(str(tmp_path / "outside.parquet"), "outside"), store)
    found = classify(ClassifySpec("outside", clip_spec), store)
    outside = int((dataset.labels == "contempt").sum())
    assert found.metrics["all"]["images"] == len(dataset) - outside
    assert int(np.isnan(found.margins).sum()) == outside
    assert any("contempt" in note for note in found.notes)


def test_what_cannot_be_classified_is_one_line(store: Store, dataset: Dataset, clip_spec: str, tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("smile\nfrown\n")
    with pytest.raises(SpecError, match="no classes to classify into"):
        classify(ClassifySpec("faces", clip_spec, str(tmp_path / "plain.txt")), store)
    with pytest.raises(SpecError, match="is a class of 'sentence-ensembles#gender'"):
        classify(ClassifySpec("faces", clip_spec, "sentence-ensembles#gender"), store)
    with pytest.raises(SpecError, match="did you mean 'fer7'"):
        classify(ClassifySpec("faces", clip_spec, "fer8"), store)
    with pytest.raises(ConceptSetError, match=r"nothing\.yaml"):
        classify(ClassifySpec("faces", clip_spec, str(tmp_path / "nothing.yaml")), store)


def test_a_set_too_large_to_store_is_refused(store: Store, dataset: Dataset, clip_spec: str, tmp_path: Path) -> None:
    lines = [f"  - {{text: word{i}, classes: [happy]}}" for i in range(10_000)]
    (tmp_path / "large.yaml").write_text("classes: [happy]\nconcepts:\n" + "\n".join(lines) + "\n")
    with pytest.raises(SpecError, match="10,000 concepts; a classification takes at most 2,000"):
        classify(ClassifySpec("faces", clip_spec, str(tmp_path / "large.yaml")), store)


def test_an_artifact_of_another_kind_is_refused(store: Store, dataset: Dataset, clip_spec: str) -> None:
    classify(ClassifySpec("faces", clip_spec), store)
    with pytest.raises(SpecError, match="is not a classification"):
        open_classification(store.artifacts("embeddings")[0])


def test_results_are_typed_as_documented(store: Store, dataset: Dataset, clip_spec: str) -> None:
    found: Classification = classify(ClassifySpec("faces", clip_spec), store)
    assert found.class_probabilities.dtype == found.concept_probabilities.dtype == found.margins.dtype == np.float32
    assert found.ranked.dtype == np.int16
    for array in (found.class_probabilities, found.margins, found.predicted, found.trained_on):
        assert not array.flags.writeable
