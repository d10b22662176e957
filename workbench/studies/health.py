"""Health of a dataset: what was set aside, blank images, duplicates, their conflicts and leaks between splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.data.datasets import Dataset, open_dataset
from workbench.data.images import decode, thumbnail
from workbench.errors import DamagedArtifactError
from workbench.files import write_atomically
from workbench.methods import duplicates
from workbench.progress import SILENT, Progress
from workbench.store import Store

Rows = npt.NDArray[np.int64]
"""Row numbers of a dataset, ascending."""

NEAR_BITS = 8
"""How many of the 64 bits of two pictures' perceptual hashes may differ for their pixels to be compared."""

_FILE = "health.parquet"
_VERSION = b"1"
_PAIRS = 2048


@dataclass(frozen=True)
class DuplicateGroup:
    """Images of one dataset that are the same picture.

    Parameters
    ----------
    kind : str
        ``"exact"`` where all pixels are equal, ``"near"`` where it is one picture in two files.
    rows : array of int64
        The rows, ascending, two or more.
    labels : tuple of str
        The distinct labels among them, unlabelled rows left out.
    splits : tuple of str
        The distinct splits among them.
    """

    kind: Literal["exact", "near"]
    rows: Rows
    labels: tuple[str, ...]
    splits: tuple[str, ...]

    @property
    def conflicting(self) -> bool:
        """Whether the same picture carries two labels, at least one of which is wrong or both are doubtful."""
        return len(self.labels) > 1

    @property
    def crosses_splits(self) -> bool:
        """Whether the same picture stands in two splits, so that one has seen the other's."""
        return len(self.splits) > 1


@dataclass(frozen=True)
class Health:
    """What is wrong with a dataset's images.

    Parameters
    ----------
    dataset : str
        The dataset's name.
    counts : mapping
        ``counts[split][label]``: number of images; label ``""`` for those without one.
    rejected : pa.Table
        What the import set aside: columns ``source`` and ``reason``.
    blank : array of int64
        Rows of images that show nothing: hardly any difference between their pixels.
    exact_group, near_group : array of int32, shape (N,)
        Number of each row's group of duplicates, -1 where it has none. A near group holds at least two files
        of different pixels that show one picture, and their exact copies.
    exact, near : tuple of DuplicateGroup
        The groups, by number. Blank images are in no near group.
    """

    dataset: str
    counts: Mapping[str, Mapping[str, int]]
    rejected: pa.Table
    blank: Rows
    exact_group: npt.NDArray[np.int32]
    near_group: npt.NDArray[np.int32]
    exact: tuple[DuplicateGroup, ...]
    near: tuple[DuplicateGroup, ...]

    @cached_property
    def conflicting(self) -> tuple[DuplicateGroup, ...]:
        """Groups, exact ones first, whose images carry different labels."""
        return tuple(group for group in (*self.exact, *self.near) if group.conflicting)

    @cached_property
    def cross_split(self) -> tuple[DuplicateGroup, ...]:
        """Groups, exact ones first, that stand in more than one split."""
        return tuple(group for group in (*self.exact, *self.near) if group.crosses_splits)

    @property
    def summary(self) -> dict[str, int]:
        """The counts a person reads first; groups are counted, and images in them where the name says so."""
        summary = {
            "images": len(self.exact_group),
            "set_aside": len(self.rejected),
            "unlabelled": sum(labels.get("", 0) for labels in self.counts.values()),
            "blank": len(self.blank),
        }
        for kind, groups in (("exact", self.exact), ("near", self.near)):
            summary[f"{kind}_duplicate_groups"] = len(groups)
            summary[f"images_in_{kind}_groups"] = sum(len(group.rows) for group in groups)
            summary[f"{kind}_groups_with_conflicting_labels"] = sum(group.conflicting for group in groups)
            summary[f"{kind}_groups_across_splits"] = sum(group.crosses_splits for group in groups)
        return summary


def check_health(dataset: Dataset, progress: Progress = SILENT) -> Health:
    """Look for blank and duplicate images among a dataset's rows, from what the import stored of each.

    Parameters
    ----------
    dataset : Dataset
        The dataset.
    progress : Progress
        Told of the step.
    """
    progress.step("looking for blank and duplicate images")
    return _health(dataset, _find(dataset))


def write_health(dataset: Dataset, progress: Progress = SILENT) -> Health:
    """Check a dataset's health and store the answer in its folder, atomically."""
    progress.step("looking for blank and duplicate images")
    found = _find(dataset)
    write_atomically(dataset.path / _FILE, lambda path: pq.write_table(found, path, compression="zstd"))
    return _health(dataset, found)


def load_health(store: Store, name: str) -> Health:
    """Return the stored health of a dataset; it is checked anew where an older version stored another kind of answer.

    Raises
    ------
    SpecError
        There is no dataset of that name.
    DamagedArtifactError
        The dataset or its health report cannot be read.
    """
    dataset = open_dataset(store, name)
    path = dataset.path / _FILE
    if not path.exists():
        return write_health(dataset)
    found = _read(path)
    if (found.schema.metadata or {}).get(b"version") != _VERSION:
        return write_health(dataset)
    if len(found) != len(dataset):
        raise DamagedArtifactError(f"{path}: {len(found):,} rows for {len(dataset):,} images; delete this file")
    return _health(dataset, found)


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path, partitioning=None)
    except (pa.ArrowException, OSError) as error:
        raise DamagedArtifactError(f"{path}: the health report cannot be read; delete this file") from error


def _find(dataset: Dataset) -> pa.Table:
    """Return a row per image: whether it is blank, and its groups of duplicates (-1 for none)."""
    blank = dataset.contrasts < duplicates.BLANK_DEVIATION
    exact = duplicates.exact_groups(dataset.digests).of
    columns = {"blank": blank, "exact_group": exact.astype(np.int32), "near_group": _near_groups(dataset, blank, exact)}
    table = pa.table({name: pa.array(column) for name, column in columns.items()})
    return table.replace_schema_metadata({b"version": _VERSION})


def _near_groups(dataset: Dataset, blank: npt.NDArray[np.bool_], exact: Rows) -> npt.NDArray[np.int32]:
    """Group pictures whose hashes are close and whose pixels correlate, together with their exact copies.

    Perceptual hashes alone mix up different faces: on FER2013 half the pairs 8 bits apart are two people. Of those that
    correlate at 0.9 or more nearly all are one photograph, cut or printed differently.
    """
    pairs = duplicates.near_pairs(dataset.hashes, NEAR_BITS, ignore=blank)
    differ = dataset.digests[pairs.first] != dataset.digests[pairs.second]
    first, second = pairs.first[differ], pairs.second[differ]
    same = _correlations(dataset, first, second) >= duplicates.NEAR_CORRELATION
    alike, other = _copies(exact)
    links = (np.concatenate([first[same], alike]), np.concatenate([second[same], other]))
    groups = duplicates.connect(*links, count=len(dataset)).of
    groups[~np.isin(groups, groups[first[same]])] = -1  # exact copies of one picture only
    rows = np.flatnonzero(groups >= 0)
    groups[rows] = np.unique(groups[rows], return_inverse=True)[1]
    return groups.astype(np.int32)


def _copies(exact: Rows) -> tuple[Rows, Rows]:
    """Return pairs that link each row of an exact group to the next of that group."""
    order = np.argsort(exact, kind="stable")
    order = order[exact[order] >= 0]
    linked = exact[order[:-1]] == exact[order[1:]]
    return order[:-1][linked], order[1:][linked]


def _correlations(dataset: Dataset, first: Rows, second: Rows) -> npt.NDArray[np.floating[Any]]:
    """Correlate the 32 x 32 gray thumbnails of pairs of rows, some thousand pairs at a time."""
    found: list[npt.NDArray[np.floating[Any]]] = []
    for start in range(0, len(first), _PAIRS):
        ends = first[start : start + _PAIRS], second[start : start + _PAIRS]
        rows, places = np.unique(np.concatenate(ends), return_inverse=True)
        pictures = np.stack([thumbnail(decode(data, dataset.name)) for data in dataset.image_bytes(rows)])
        halves = pictures[places[: len(ends[0])]], pictures[places[len(ends[0]) :]]
        found.append(duplicates.pair_correlations(*halves))
    return np.concatenate([np.zeros(0), *found])


def _health(dataset: Dataset, found: pa.Table) -> Health:
    exact, near = (found[name].to_numpy().astype(np.int32) for name in ("exact_group", "near_group"))
    counts: dict[str, dict[str, int]] = {split: {} for split in dataset.split_names}
    pairs = Counter(zip(dataset.splits.tolist(), dataset.labels.tolist(), strict=True))
    for (split, label), count in sorted(pairs.items()):
        counts[split][label] = count
    return Health(
        dataset=dataset.name,
        counts=counts,
        rejected=dataset.rejected,
        blank=np.flatnonzero(found["blank"].to_numpy()),
        exact_group=exact,
        near_group=near,
        exact=_groups(dataset, exact, "exact"),
        near=_groups(dataset, near, "near"),
    )


def _groups(
    dataset: Dataset, numbers: npt.NDArray[np.int32], kind: Literal["exact", "near"]
) -> tuple[DuplicateGroup, ...]:
    order = np.argsort(numbers, kind="stable")
    order = order[numbers[order] >= 0]
    if not order.size:
        return ()
    groups = []
    for rows in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
        labels = sorted(set(dataset.labels[rows].tolist()) - {""})
        splits = [name for name in dataset.split_names if (dataset.splits[rows] == name).any()]
        groups.append(DuplicateGroup(kind, rows, tuple(labels), tuple(splits)))
    return tuple(groups)
