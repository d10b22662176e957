"""The main job on the real FER2013, where it is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.data.datasets import Dataset
from workbench.specs import ClassifySpec, ImportSpec
from workbench.store import Store
from workbench.studies.classify import Classification, classify
from workbench.studies.health import load_health
from workbench.studies.importing import import_dataset

pytestmark = pytest.mark.slow
PUBLISHED_TEST = {"angry": 491, "disgust": 55, "fear": 528, "happy": 879, "neutral": 626, "sad": 594, "surprise": 416}
"""Images of each class in PrivateTest (Goodfellow et al. 2013)."""


@pytest.fixture(scope="module")
def real_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="module")
def fer2013(real_store: Store, fer2013_parquet: Path) -> Dataset:
    return import_dataset(ImportSpec(str(fer2013_parquet), "fer2013"), real_store)


@pytest.fixture(scope="module")
def classified(real_store: Store, fer2013: Dataset) -> Classification:
    return classify(ClassifySpec("fer2013"), real_store)


def test_all_images_come_in_with_the_official_splits_and_counts(fer2013: Dataset) -> None:
    sizes = {split: len(fer2013.rows(split)) for split in fer2013.selections}
    assert sizes == {"train": 28709, "validation": 3589, "test": 3589, "merged-test": 7178, "all": 35887}
    labels = fer2013.labels[fer2013.rows("test")]
    assert all(abs(int((labels == name).sum()) - count) <= 3 for name, count in PUBLISHED_TEST.items())


def test_known_faults_of_the_data_set_are_found(real_store: Store, fer2013: Dataset) -> None:
    health = load_health(real_store, "fer2013")
    assert len(health.blank) >= 10
    assert health.summary["exact_groups_across_splits"] > 500
    assert health.summary["exact_groups_with_conflicting_labels"] > 50
    assert health.summary["near_duplicate_groups"] > 500


def test_the_bundled_clip_classifies_the_held_out_split_as_its_card_says(classified: Classification) -> None:
    assert classified.metrics["test"]["accuracy"]["value"] >= 0.60


def test_it_says_that_the_training_split_is_not_held_out(classified: Classification, fer2013: Dataset) -> None:
    train, test = fer2013.rows("train"), fer2013.rows("test")
    assert classified.trained_on[train].mean() > 0.9
    assert classified.trained_on[test].mean() < 0.02
    assert any("'train'" in note and "not held out" in note for note in classified.notes)
