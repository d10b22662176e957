"""A cleaned dataset: a new one, made from a dataset and the verdicts on it, that remembers what changed and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.data.dataset_writer import DatasetWriter, Row
from workbench.data.datasets import SCHEMA, Dataset, list_datasets, open_dataset
from workbench.data.verdicts import Verdicts, relabel_classes
from workbench.errors import SpecError, unknown_name
from workbench.files import locked, write_atomically
from workbench.progress import SILENT, Progress
from workbench.specs import CleanSpec
from workbench.store import Store, content_hash
from workbench.studies.clean_plan import Plan, new_labels, notes, plan, proposing, summary
from workbench.studies.health import write_health
from workbench.studies.suspect_truth import against_plants

SOFT_LABELS = "soft-labels.parquet"
"""In a cleaned dataset's folder: what share of those who labelled an image gave it each class.

Columns: ``id``; ``votes``, the given label and each reviewer's one; ``unclear``, reviewers who found it ambiguous or no
face; and ``p_<class>`` for each class, shares of the votes, null where an image has none.
"""
_CHUNK = 64


@dataclass(frozen=True)
class Cleaned:
    """Where a cleaned dataset comes from; see :func:`cleaned`.

    Parameters
    ----------
    parent, fingerprint : str
        The parent's name, and its fingerprint when it was cleaned.
    changes : mapping
        What :func:`workbench.studies.clean_plan.summary` returned, and where the parent's faults were planted
        ``truth``, what :func:`workbench.studies.suspect_truth.against_plants` returned.
    spec : mapping
        Fields of the :class:`~workbench.specs.CleanSpec`.
    """

    parent: str
    fingerprint: str
    changes: Mapping[str, Any]
    spec: Mapping[str, Any]

    @property
    def sentence(self) -> str:
        """What was changed, by whom, and from which doubt on proposals counted."""
        changes = self.changes
        relabelled = sum(number for _, _, number in changes["relabelled"])
        by = f"judged by {', '.join(changes['reviewers']) or 'nobody'}"
        proposed = changes["by"].get("proposal", 0)
        if proposed:
            by += f"; {proposed:,} of these were changed as proposed from a doubt of {self.spec['above']:g} on, unseen"
        return (
            f"cleaned from {self.parent}: {relabelled:,} labels changed, {sum(changes['dropped'].values()):,} images "
            f"left out, {by}"
        )

    @property
    def truth(self) -> str:
        """What the changes are worth where the faults were planted, else empty."""
        found = self.changes.get("truth")
        if not found:
            return ""
        none = f" and {found['no_true_label']:,} have no true label (blends of two)" if found["no_true_label"] else ""
        out = f" Of {found['dropped']:,} images left out {found['dropped_faceless']:,} show no face."
        return (
            f"Held against what was planted: of {found['changed']:,} changed labels {found['right']:,} are right now, "
            f"{found['wrong']:,} are wrong{none}; wrong labels fell from {found['wrong_before']:,} to "
            f"{found['wrong_after']:,}.{out if found['dropped'] else ''}"
        ).replace("fell from", "fell from" if found["wrong_after"] < found["wrong_before"] else "went from")


def clean(spec: CleanSpec, store: Store, progress: Progress = SILENT) -> Dataset:
    """Write the cleaned dataset, whole or not at all; where the very same has been made already, return it.

    A killed run goes on from its finished shards. Images keep their ids and splits.

    Raises
    ------
    SpecError
        No such dataset, reviewer or search for suspects, the name is taken, there is nothing to follow, or nothing
        would be left.
    StoreError
        Another process is writing the dataset, or the disk is full.
    """
    parent = open_dataset(store, spec.dataset)
    progress.step("reading the verdicts")
    proposals = proposing(spec, parent, store)
    if proposals is not None:  # the whole name is what the dataset remembers
        spec = replace(spec, suspects=proposals.artifact.name)
    found = plan(spec, parent, Verdicts(store).current(parent.name), proposals)
    if len(found.dropped) == len(parent):
        raise SpecError(f"cleaning would leave no image of {len(parent):,}; keep some of what the verdicts would drop")
    identity = _identity(spec, found)
    final = store.datasets_dir / spec.name
    with locked(store.datasets_dir / f".{spec.name}.lock", f"dataset {spec.name!r}"):
        if final.exists():
            return _existing(open_dataset(store, spec.name), identity, progress)
        writer = DatasetWriter(store.datasets_dir / f".{spec.name}.partial", identity)
        try:
            _copy(found, writer, progress)
            return _publish(spec, found, identity, writer, store, progress)
        finally:
            writer.close()


def cleaned(dataset: Dataset) -> Cleaned | None:
    """Return where a dataset comes from, ``None`` where it was not made by cleaning another."""
    values = dataset.manifest.get("cleaned")
    return Cleaned(**{name: values[name] for name in Cleaned.__dataclass_fields__}) if values else None


def children(store: Store, parent: str) -> list[Dataset]:
    """Return the datasets that were made by cleaning ``parent``, newest first."""
    found = [open_dataset(store, name) for name in list_datasets(store)]
    made = [each for each in found if (origin := cleaned(each)) is not None and origin.parent == parent]
    return sorted(made, key=lambda each: each.created, reverse=True)


def open_parent(store: Store, dataset: Dataset) -> Dataset:
    """Open the dataset a cleaned one was made from.

    Raises
    ------
    SpecError
        It was not made by cleaning, or its parent is gone or has changed since.
    """
    origin = cleaned(dataset)
    if origin is None:
        made = [name for name in list_datasets(store) if cleaned(open_dataset(store, name)) is not None]
        raise SpecError(
            f"{dataset.name!r} is no cleaned dataset; name one that is (known: {', '.join(made) or 'none yet'}), or "
            f"make one with: workbench clean {dataset.name} --name {dataset.name}-clean"
        )
    if origin.parent not in list_datasets(store):
        raise SpecError(f"{origin.parent!r}, from which {dataset.name!r} was cleaned, is gone; import it again")
    parent = open_dataset(store, origin.parent)
    if parent.fingerprint != origin.fingerprint:
        raise SpecError(f"{parent.name!r} has changed since {dataset.name!r} was cleaned from it; clean it again")
    return parent


def parent_rows(parent: Dataset, dataset: Dataset) -> np.ndarray:
    """Return the row in the parent of each image of a cleaned dataset, int64 ``(N,)``."""
    place = {image: row for row, image in enumerate(parent.ids.tolist())}
    lost = [image for image in dataset.ids.tolist() if image not in place]
    if lost:
        raise unknown_name(f"image of {parent.name}", str(lost[0]), [])
    return np.array([place[image] for image in dataset.ids.tolist()], dtype=np.int64)


def soft_labels(found: Plan) -> pa.Table:
    """Return the soft labels of every image of the parent; see :data:`SOFT_LABELS`."""
    dataset = found.dataset
    classes = list(dict.fromkeys([*relabel_classes(dataset), *dataset.classes]))
    column = {name: place for place, name in enumerate(classes)}
    votes = np.zeros((len(dataset), len(classes)), dtype=np.int64)
    unclear = np.zeros(len(dataset), dtype=np.int64)
    for row, label in enumerate(dataset.labels.tolist()):
        if label:
            votes[row, column[label]] += 1
    for row, verdicts in found.settled.judged.items():
        for verdict in verdicts.values():
            if verdict.after in column:
                votes[row, column[verdict.after]] += 1
            elif verdict.opinion:
                unclear[row] += 1
    total = votes.sum(axis=1)
    shares = np.full(votes.shape, np.nan)
    np.divide(votes, total[:, None], out=shares, where=total[:, None] > 0)
    columns = {"id": pa.array(dataset.ids.tolist()), "votes": pa.array(total), "unclear": pa.array(unclear)}
    columns |= {f"p_{name}": pa.array(shares[:, column[name]], from_pandas=True) for name in classes}
    return pa.table(columns)


def _identity(spec: CleanSpec, found: Plan) -> dict[str, Any]:
    """Return what names the result: the parent's rows, and what becomes of each that changes."""
    decisions = [[row, d.kind, d.label, d.dropped, d.by] for row, d in found.decisions.items()]
    opinions = [[row, sorted(v.opinion for v in of.values())] for row, of in found.settled.judged.items()]
    return {
        "schema": SCHEMA,
        "name": spec.name,
        "parent": found.dataset.name,
        "rows": found.dataset.fingerprint,
        "decisions": content_hash(decisions),
        "opinions": content_hash(sorted(opinions)),
    }


def _existing(dataset: Dataset, identity: Mapping[str, Any], progress: Progress) -> Dataset:
    if dataset.manifest.get("identity") != identity:
        raise SpecError(
            f"there is a dataset {dataset.name!r} already; choose another name, or delete {dataset.path} first"
        )
    for note in dataset.manifest["notes"]:
        progress.note(note)
    return dataset


def _copy(found: Plan, writer: DatasetWriter, progress: Progress) -> None:
    parent, labels, dropped = found.dataset, new_labels(found), found.dropped
    progress.step("writing images", len(parent))
    progress.advance(writer.consumed)
    for start in range(writer.consumed, len(parent), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(parent)))
        for row, data in zip(rows.tolist(), parent.image_bytes(rows), strict=True):
            if row in dropped:
                writer.reject(f"{parent.name} {parent.ids[row]}", f"left out by cleaning: {dropped[row]}")
            else:
                writer.add(_row(parent, row, data, str(labels[row])))
        progress.advance(len(rows))


def _row(parent: Dataset, row: int, data: bytes, label: str) -> Row:
    width, height = (int(side) for side in parent.sizes[row])
    split = str(parent.splits[row])
    return Row(
        id=str(parent.ids[row]),
        split=split,
        label=label,
        data=data,
        width=width,
        height=height,
        digest=str(parent.digests[row]),
        perceptual_hash=int(parent.hashes[row]),
        contrast=float(parent.contrasts[row]),
        source_split=split,
        source_label=str(parent.labels[row]),
    )


def _publish(
    spec: CleanSpec, found: Plan, identity: Mapping[str, Any], writer: DatasetWriter, store: Store, progress: Progress
) -> Dataset:
    parent = found.dataset
    progress.step("writing the manifest")
    left = np.ones(len(parent), dtype=bool)
    left[list(found.dropped)] = False
    said = notes(found, new_labels(found)[left])
    truth = against_plants(parent, new_labels(found), np.array(list(found.dropped), dtype=np.int64))
    changes = summary(found) | ({"truth": truth} if truth else {})
    counts = f"{sum(found.relabelled.values()):,} relabelled, {len(found.dropped):,} left out"
    about = {
        "source": f"{parent.name}, cleaned: {counts}",
        "source_kind": "cleaned",
        "cleaned": {
            "parent": parent.name,
            "fingerprint": parent.fingerprint,
            "changes": changes,
            "spec": spec.to_dict(),
        },
        "identity": dict(identity),
        "notes": said,
    }
    dataset = writer.finish(spec.name, about)
    soft = soft_labels(found).filter(pa.array(left))
    write_atomically(dataset.path / SOFT_LABELS, lambda path: pq.write_table(soft, path, compression="zstd"))
    for note in said:
        progress.note(note)
    write_health(dataset, progress)
    return writer.publish(store.datasets_dir / spec.name)
