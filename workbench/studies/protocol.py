"""The protocol guard: one sentence where a test split is used for more than reporting on it once."""

from __future__ import annotations

import re

from workbench.data.datasets import Dataset
from workbench.data.labels import ALL, MERGED_TEST

_WORDS = re.compile(r"[^a-z]+")


def holds_test(dataset: Dataset, split: str) -> bool:
    """Return whether a selection of a dataset's images holds a test split.

    A split is a test split by its name: ``test``, ``merged-test``, ``test-2``. ``all`` holds one where the dataset has
    one.

    Parameters
    ----------
    dataset : Dataset
        The dataset.
    split : str
        One of its :attr:`~workbench.data.datasets.Dataset.selections`.
    """
    names = dataset.split_names if split == ALL else (split,)
    return any(name == MERGED_TEST or "test" in _WORDS.split(name.lower()) for name in names)


def warn(dataset: Dataset, split: str, purpose: str) -> list[str]:
    """Return the note for a run that uses a test split for tuning or training; an empty list for any other split.

    A study adds what this returns to its notes, so that it is told while the study runs and recorded in the result.

    Parameters
    ----------
    dataset : Dataset
        The dataset.
    split : str
        The selection that is used.
    purpose : str
        What it is used for, as the end of a sentence: ``"to choose the setting"``, ``"for training"``.
    """
    if not holds_test(dataset, split):
        return []
    held = "" if split == "test" else ", which holds test images,"
    return [
        f"split {split!r}{held} was used {purpose}: a figure reported on its images is no longer held out; use a "
        "validation split, or folds within the training split"
    ]
