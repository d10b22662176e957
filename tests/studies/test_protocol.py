from __future__ import annotations

from pathlib import Path

import pytest

from tests.studies.review_data import judged_dataset
from workbench.store import Store
from workbench.studies.protocol import warn


@pytest.mark.parametrize(
    ("split", "said"),
    [
        ("train", []),
        ("validation", []),
        ("test", ["split 'test' was used for training"]),
        ("merged-test", ["split 'merged-test', which holds test images, was used for training"]),
        ("all", ["split 'all', which holds test images, was used for training"]),
    ],
)
def test_tuning_on_test_images_is_told(store: Store, tmp_path: Path, split: str, said: list[str]) -> None:
    found = warn(judged_dataset(store, tmp_path, 30), split, "for training")
    assert [note.partition(":")[0] for note in found] == said


def test_a_dataset_without_a_test_split_may_be_used_whole(store: Store, tmp_path: Path) -> None:
    assert warn(judged_dataset(store, tmp_path, 6), "all", "for training") == []  # six train images
