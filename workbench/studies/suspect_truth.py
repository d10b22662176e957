"""What is known of a dataset's labels, by people's votes or because faults were planted, to hold a ranking against."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.data.datasets import Dataset
from workbench.data.demo import TRUTH
from workbench.data.votes import Votes, vote_rows
from workbench.errors import DatasetError
from workbench.methods.ranking import evaluate
from workbench.methods.shapes import Bools, Floats, Ints
from workbench.methods.suspects import BINS, Judgement

FACELESS = ("blank", "non-face")
"""Kinds of planted pictures that show no face."""
PLANTED, VOTES, SEEN = "planted", "votes", "votes, images a model was trained on"
"""Names of the sources of truth."""

_COLUMNS = ("id", "kind", "true_label", "partner")
_ALONE = ("probe", "neighbours", "zero-shot", "network", "duplicates", "label noise")


@dataclass(frozen=True)
class Truth:
    """What is known of each image, by bin.

    Parameters
    ----------
    source : str
        Where it comes from.
    digest : str
        Hash of its file.
    known : mapping of str to bool array (N,)
        By bin: images of which it is known whether they belong there.
    positive : mapping of str to bool array (N,)
        By bin: those that do.
    """

    source: str
    digest: str
    known: Mapping[str, Bools]
    positive: Mapping[str, Bools]


def read_truths(dataset: Dataset, votes: Votes | None) -> list[Truth]:
    """Return what votes and the dataset's ``truth.parquet`` say; an empty list where there is neither.

    Raises
    ------
    InputError
        The votes' rows are not the dataset's.
    DatasetError
        ``truth.parquet`` cannot be read.
    """
    found = [_planted(dataset)] if _has_plants(dataset) else []
    return [*found, _voted(dataset, votes)] if votes else found


def _voted(dataset: Dataset, votes: Votes) -> Truth:
    """Truth is what more than half of the votes of an image go to."""
    index = {name: place for place, name in enumerate(dataset.classes)}
    labels = np.array([index.get(label, -1) for label in dataset.labels.tolist()])
    rows = vote_rows(votes, dataset)
    voted, anybody = votes.majority(dataset.classes)[rows], votes.counts[rows].any(axis=1)
    labelled = (labels >= 0) & anybody
    known = {"wrong label": labelled & (voted >= 0), "ambiguous": labelled & (voted != -2), "not a face": anybody}
    positive = {"wrong label": voted != labels, "ambiguous": voted == -1, "not a face": voted == -2}
    return Truth(VOTES, votes.digest, known, positive)


def _planted(dataset: Dataset) -> Truth:
    """Truth is what was planted; a blend of two emotions has no true label, so it is neither right nor wrong."""
    table = _plants(dataset)
    kind, true = (np.array(table[name].to_pylist(), dtype=object) for name in ("kind", "true_label"))
    labels = dataset.labels
    face = ~np.isin(kind.astype(str), FACELESS)
    single = np.array([value is not None for value in true]) & (labels != "") & face
    known = {"wrong label": single, "ambiguous": face & (labels != ""), "not a face": np.ones(len(dataset), bool)}
    positive = {"wrong label": true != labels, "ambiguous": kind == "blend", "not a face": ~face}
    return Truth(PLANTED, hashlib.sha256((dataset.path / TRUTH).read_bytes()).hexdigest()[:16], known, positive)


def evaluate_truths(truths: list[Truth], found: Judgement, leaky: Bools, seed: int) -> dict[str, dict[str, Any]]:
    """Hold the ranking of each bin, and each opinion alone, against what is known.

    Votes on images a model was trained on are held apart from the others, whose figures are the honest ones.
    """
    result: dict[str, dict[str, Any]] = {}
    for truth in truths:
        everywhere = np.ones(len(leaky), dtype=bool)
        apart = truth.source == VOTES and bool(leaky.any())
        selections = {truth.source: ~leaky, SEEN: leaky} if apart else {truth.source: everywhere}
        for source, chosen in selections.items():
            bins = {name: _evaluate_bin(truth, name, found, chosen, seed) for name in BINS[1:]}
            result[source] = {name: figures for name, figures in bins.items() if figures}
    return result


def _evaluate_bin(truth: Truth, name: str, found: Judgement, chosen: Bools, seed: int) -> dict[str, Any]:
    rows = np.flatnonzero(truth.known[name] & chosen)
    if not len(rows):
        return {}
    positive = np.asarray(truth.positive[name][rows], dtype=bool)
    figures = evaluate(_order(found, name)[rows], positive, seed=seed)
    binned = found.bins[rows] == BINS.index(name)
    figures["in_bin"] = int(binned.sum())
    figures["found"] = int((binned & positive).sum())
    if name == "wrong label":
        parts = {part: found.parts[part] for part in _ALONE if part in found.parts}
        figures["parts"] = {part: evaluate(values[rows], positive, seed=seed) for part, values in parts.items()}
    return figures


def _order(found: Judgement, name: str) -> Floats:
    return found.scores if name == "wrong label" else found.parts[name]


def planted_counts(dataset: Dataset, found: Judgement, groups: Ints) -> dict[str, dict[str, int]]:
    """Return by kind of plant how many were planted, how many of those the search found, and how.

    A flip and a conflicting duplicate count as found in the bin ``wrong label``, a blend in ``ambiguous``, a blank or
    other thing in ``not a face``; a damaged file where the import has set it aside; a copy where it is in one group
    with its original. Empty for a dataset without plants.
    """
    if not _has_plants(dataset):
        return {}
    table = _read(dataset)
    row_of = {name: row for row, name in enumerate(dataset.ids.tolist())}
    result: dict[str, dict[str, int]] = {}
    for name, kind, partner in zip(*(table[column].to_pylist() for column in ("id", "kind", "partner")), strict=True):
        if kind == "clean":
            continue
        counts = result.setdefault(kind, {"planted": 0, "found": 0})
        counts["planted"] += 1
        counts["found"] += _is_found(kind, row_of.get(name, -1), row_of.get(partner, -1), found, groups)
    return result


def _is_found(kind: str, row: int, partner: int, found: Judgement, groups: Ints) -> bool:
    if row < 0 or kind == "corrupt":
        return kind == "corrupt" and row < 0
    if kind.endswith("duplicate"):
        return bool(partner >= 0 and groups[row] >= 0 and groups[row] == groups[partner])
    expected = {"flipped": "wrong label", "blend": "ambiguous"} | dict.fromkeys(FACELESS, "not a face")
    return BINS[found.bins[row]] == expected.get(kind, "")


def against_plants(dataset: Dataset, labels: np.ndarray, dropped: Ints) -> dict[str, int] | None:
    """Hold new labels against what was planted; ``None`` for a dataset without plants.

    Parameters
    ----------
    dataset : Dataset
        Before they were changed.
    labels : str array (N,)
        The new labels.
    dropped : int array
        Rows that are left out.

    Returns
    -------
    dict of str to int
        ``changed`` labels, and of those ``right``, ``wrong`` and ``no_true_label`` (blends, pictures without a face);
        ``wrong_before`` and ``wrong_after`` of all images that have one true label, those left out not counted after;
        ``dropped`` images, and of those ``dropped_faceless``.
    """
    if not _has_plants(dataset):
        return None
    table = _plants(dataset)
    kind, true = (np.array(table[name].to_pylist(), dtype=object) for name in ("kind", "true_label"))
    faceless = np.isin(kind.astype(str), FACELESS)
    single = np.array([value is not None for value in true]) & ~faceless
    kept = np.ones(len(dataset), dtype=bool)
    kept[dropped] = False
    changed, right = kept & (labels != dataset.labels), labels == true
    return {
        "changed": int(changed.sum()),
        "right": int((changed & single & right).sum()),
        "wrong": int((changed & single & ~right).sum()),
        "no_true_label": int((changed & ~single).sum()),
        "wrong_before": int((single & (dataset.labels != "") & (dataset.labels != true)).sum()),
        "wrong_after": int((single & kept & (labels != "") & ~right).sum()),
        "dropped": int((~kept).sum()),
        "dropped_faceless": int((~kept & faceless).sum()),
    }


def _has_plants(dataset: Dataset) -> bool:
    path = dataset.path / TRUTH
    if not path.exists():
        return False
    try:
        return set(_COLUMNS) <= set(pq.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(
            f"{path}: cannot be read as Parquet; delete this file or import the dataset again"
        ) from error


def _plants(dataset: Dataset) -> pa.Table:
    """Return the truth of the dataset's rows, in their order."""
    table = _read(dataset)
    position = {name: row for row, name in enumerate(table["id"].to_pylist())}
    missing = [name for name in dataset.ids.tolist() if name not in position]
    if missing:
        raise DatasetError(f"{dataset.path / TRUTH}: no row for image {missing[0]}; it belongs to another dataset")
    return table.take([position[name] for name in dataset.ids.tolist()])


def _read(dataset: Dataset) -> pa.Table:
    try:
        return pq.read_table(dataset.path / TRUTH, columns=list(_COLUMNS))
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{dataset.path / TRUTH}: cannot be read as Parquet") from error
