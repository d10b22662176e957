"""FER+ votes: how ten people labelled each image of FER2013, in the row order of ``fer2013.csv``.

References
----------
Barsoum, Zhang, Canton Ferrer & Zhang, Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label
Distribution, ICMI 2016.
"""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.data.datasets import Dataset
from workbench.errors import InputError

COLUMNS: dict[str, str] = {
    "neutral": "neutral",
    "happiness": "happy",
    "surprise": "surprise",
    "sadness": "sad",
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "contempt": "",
    "unknown": "",
    "nf": "",
}
"""The file's columns of votes, in lower case, and the class each speaks for; the last is "not a face"."""

USAGES = {"training": "train", "publictest": "validation", "privatetest": "test"}
"""The file's usages, and the splits of an imported FER2013."""

MOST_VOTES = 1_000_000
"""The most votes of an image for one class."""

AGREED = 0.1
"""How far the votes' clear majorities must agree with the labels beyond chance (Cohen's kappa); FER+ does at 0.6."""

_NUMBER = re.compile(r"(\d+)\D*$")
_FEW = 30


@dataclass(frozen=True)
class Votes:
    """A file of votes.

    Parameters
    ----------
    path : Path
        The file.
    splits : array of str (R,)
        Split of each of its rows, in the workbench's words.
    counts : int64 array (R, 10)
        Votes for each of :data:`COLUMNS`.
    digest : str
        Hash of the file.
    """

    path: Path
    splits: NDArray[np.str_]
    counts: NDArray[np.int64]
    digest: str

    def majority(self, classes: tuple[str, ...]) -> NDArray[np.int64]:
        """Return the class more than half of a row's votes go to.

        Returns
        -------
        int64 array (R,)
            Place in ``classes``; -1 where no class of them has more than half; -2 where "not a face" has.
        """
        total = np.maximum(self.counts.sum(axis=1), 1)
        winner = self.counts.argmax(axis=1)
        clear = 2 * self.counts.max(axis=1) > total
        names = list(COLUMNS.values())
        place = np.array([classes.index(name) if name in classes else -1 for name in names])
        place[-1] = -2
        return np.where(clear, place[winner], -1)


def read_votes(path: Path) -> Votes:
    """Read a file like ``fer2013new.csv``: Usage, Image name, neutral, .., NF.

    Raises
    ------
    InputError
        It cannot be read, lacks a column, or holds something else than whole numbers; the text names the line.
    """
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start + 1})") from error
    try:
        lines = iter(list(csv.reader(text.replace("\0", "").splitlines())))
    except csv.Error as error:
        raise InputError(f"{path}: not a table ({error})") from error
    header = [name.strip().lower() for name in next(lines, [])]
    missing = [name for name in ("usage", *COLUMNS) if name not in header]
    if missing:
        raise InputError(f"{path}: no column {missing[0]!r}; expected Usage, Image name, {', '.join(COLUMNS)}")
    usage, places = header.index("usage"), [header.index(name) for name in COLUMNS]
    splits, counts = [], []
    for number, fields in enumerate(lines, start=2):
        if not fields:
            continue
        try:
            splits.append(USAGES[fields[usage].strip().lower()])
            counts.append([_count(fields[place]) for place in places])
        except (IndexError, KeyError, ValueError) as error:
            raise InputError(f"{path} line {number}: no row of votes; expected a usage ({', '.join(USAGES)}) and a "
                             f"whole number for each of {', '.join(COLUMNS)}") from error  # fmt: skip
    if not any(map(any, counts)):
        raise InputError(f"{path}: no votes in it")
    return Votes(path, np.array(splits), np.array(counts, dtype=np.int64), hashlib.sha256(data).hexdigest()[:16])


def vote_rows(votes: Votes, dataset: Dataset) -> NDArray[np.int64]:
    """Match a dataset's images with rows of votes.

    Where there are as many rows as images, in the order of both; else by the row number at the end of each id
    (``row-00001`` is the first row, as the import names it). Splits must agree, and the clear majorities must agree
    with the labels better than chance: other images, or another order, would make every figure wrong.

    Returns
    -------
    int64 array (N,)
        Row of votes of each image.

    Raises
    ------
    InputError
        The rows do not match.
    """
    name = f"{votes.path}: votes whose rows do not match {dataset.name}"
    rows = _places(votes, dataset, name)
    differ = np.flatnonzero(votes.splits[rows] != dataset.splits.astype(str))
    if len(differ):
        first = int(differ[0])
        raise InputError(f"{name}: row {rows[first] + 1} is of {votes.splits[rows[first]]}, image "
                         f"{dataset.ids[first]} of {dataset.splits[first]}; give the votes in fer2013.csv's "
                         "row order")  # fmt: skip
    kappa = _agreement(votes.majority(dataset.classes)[rows], dataset)
    if kappa is not None and kappa < AGREED:
        raise InputError(f"{name}: their clear majorities agree with the labels no better than chance (kappa "
                         f"{kappa:.2f}); the images are in another order than fer2013.csv's")  # fmt: skip
    return rows


def _places(votes: Votes, dataset: Dataset, name: str) -> NDArray[np.int64]:
    if len(votes.counts) == len(dataset):
        return np.arange(len(dataset))
    found = [_NUMBER.search(text) for text in dataset.ids.tolist()]
    if not all(found):
        raise InputError(f"{name}: {len(votes.counts):,} rows of votes for {len(dataset):,} images, whose ids do not "
                         "end in row numbers")  # fmt: skip
    numbers = np.array([int(match.group(1)[-9:]) for match in found if match])
    numbers = numbers - (1 if all(text.startswith("row-") for text in dataset.ids.tolist()) else 0)
    if not len(numbers) or numbers.min() < 0 or numbers.max() >= len(votes.counts):
        raise InputError(f"{name}: {len(votes.counts):,} rows of votes, but images are numbered up to "
                         f"{numbers.max(initial=-1) + 1:,}")  # fmt: skip
    return numbers.astype(np.int64)


def _agreement(majority: NDArray[np.int64], dataset: Dataset) -> float | None:
    """Cohen's kappa of clear majorities and labels; None where too few images have both."""
    index = {name: place for place, name in enumerate(dataset.classes)}
    labels = np.array([index.get(label, -1) for label in dataset.labels.tolist()])
    both = (majority >= 0) & (labels >= 0)
    if both.sum() < _FEW:
        return None
    size = len(dataset.classes)
    shares = [np.bincount(values[both], minlength=size) / both.sum() for values in (majority, labels)]
    chance = float(shares[0] @ shares[1])
    return float(((majority == labels)[both].mean() - chance) / (1 - chance)) if chance < 1 else None


def _count(text: str) -> int:
    value = int(text)
    if not 0 <= value <= MOST_VOTES:
        raise ValueError(text)
    return value
