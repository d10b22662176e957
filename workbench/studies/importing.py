"""Import: from a source of images to a dataset of the workspace, with its health report."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL
import pyarrow as pa

from workbench.data.dataset_writer import DatasetWriter, Row
from workbench.data.datasets import SCHEMA, Dataset
from workbench.data.images import decode, perceptual_hashes, pixel_digest, thumbnail
from workbench.data.labels import MAX_LABEL, LabelRule, plain, split_name
from workbench.data.sources import Item, Rejected, Source, open_source
from workbench.errors import DatasetError, SpecError
from workbench.files import locked
from workbench.progress import SILENT, Progress
from workbench.specs import ImportSpec
from workbench.store import Store
from workbench.studies.health import write_health

_CHUNK = 16
_WORKERS = min(2, os.cpu_count() or 1)
_LARGE = 160 * 160  # pixels from which decoding outweighs what threads cost
_MAX_ID = 1000


def import_dataset(spec: ImportSpec, store: Store, progress: Progress = SILENT) -> Dataset:
    """Read every image of a source into a dataset; what cannot be read is set aside and listed with its reason.

    The dataset appears whole or not at all. A killed import of the same source goes on from its finished shards and
    ends with the same bytes.

    Parameters
    ----------
    spec : ImportSpec
        Source, name, and what becomes of labels outside the seven classes.
    store : Store
        The workspace.
    progress : Progress
        Told of every image; may stop the import, which can then go on later.

    Returns
    -------
    Dataset
        The new dataset.

    Raises
    ------
    SpecError
        The name is taken, or ``outside_labels`` is neither keep, drop nor a mapping.
    DatasetError
        The source cannot be read, or holds not one usable image.
    BusyError
        Another process is importing under this name.
    StoreError
        The disk is full or read-only.
    """
    rule = LabelRule.parse(spec.outside_labels)
    final = store.datasets_dir / spec.name
    with locked(store.datasets_dir / f".{spec.name}.lock", f"dataset {spec.name!r}"):
        if final.exists():
            raise SpecError(f"there is a dataset {spec.name!r} already; choose another name, or delete {final} first")
        progress.step("looking at the source")
        source = open_source(spec.source)
        identity = {
            "schema": SCHEMA,
            "spec": spec.to_dict(),
            "source": {"kind": source.kind, "count": source.count, "signature": source.signature},
            "libraries": {"pillow": PIL.__version__, "pyarrow": pa.__version__},
        }
        writer = DatasetWriter(store.datasets_dir / f".{spec.name}.partial", identity)
        try:
            _copy(source, rule, writer, progress)
            return _publish(spec, source, rule, writer, store, progress)
        finally:
            writer.close()


def _copy(source: Source, rule: LabelRule, writer: DatasetWriter, progress: Progress) -> None:
    """Write all that the finished shards lack, in the source's order."""
    progress.step("importing", source.count)
    progress.advance(writer.consumed)
    for results in _prepared(_chunks(source.items(writer.consumed)), rule):
        for result in results:
            if isinstance(result, Row):
                writer.add(result)
            else:
                writer.reject(result.origin, result.reason)
        progress.advance(len(results))


def _prepared(chunks: Iterator[list[Item | Rejected]], rule: LabelRule) -> Iterator[list[Row | Rejected]]:
    """Prepare chunks in order; a few ahead in threads where the first shows pictures large enough for that to pay."""
    first = [prepare(chunk, rule) for chunk in itertools.islice(chunks, 1)]
    yield from first
    if not any(isinstance(row, Row) and row.width * row.height >= _LARGE for rows in first for row in rows):
        yield from (prepare(chunk, rule) for chunk in chunks)
        return
    with ThreadPoolExecutor(_WORKERS) as pool:
        pending = deque(pool.submit(prepare, chunk, rule) for chunk in itertools.islice(chunks, 2 * _WORKERS))
        try:
            while pending:
                yield pending.popleft().result()
                pending.extend(pool.submit(prepare, chunk, rule) for chunk in itertools.islice(chunks, 1))
        finally:
            for future in pending:
                future.cancel()


def _publish(
    spec: ImportSpec, source: Source, rule: LabelRule, writer: DatasetWriter, store: Store, progress: Progress
) -> Dataset:
    rejected = writer.rejected
    if not len(writer):
        writer.discard()
        first = f"; the first: {rejected[0][0]}: {rejected[0][1]}" if rejected else ""
        raise DatasetError(f"{spec.source}: not one usable image among {source.count:,} files or rows{first}")
    progress.step("writing the manifest")
    notes = list(source.notes)
    about = {"source": spec.source, "source_kind": source.kind, "outside_labels": spec.outside_labels}
    dataset = writer.finish(spec.name, {**about, "notes": notes})
    notes += [f"no image has the label {label!r} of the mapping" for label in _unused(rule, dataset, rejected)]
    if notes != source.notes:
        dataset = writer.finish(spec.name, {**about, "notes": notes})
    if rejected:
        notes = [*notes, f"{len(rejected):,} of {source.count:,} set aside; the health report says why"]
    for note in notes:
        progress.note(note)
    write_health(dataset, progress)
    return writer.publish(store.datasets_dir / spec.name)


def _unused(rule: LabelRule, dataset: Dataset, rejected: Sequence[tuple[str, str]]) -> list[str]:
    """Return the labels a mapping names that the source does not have: most likely misspelt."""
    found = {plain(word) for label in dataset.manifest["labels"].values() for word in label["source"]}
    dropped = {reason for _, reason in rejected}
    return [label for label in rule.mapping if label not in found and _dropped(label) not in dropped]


def _chunks(items: Iterator[Item | Rejected]) -> Iterator[list[Item | Rejected]]:
    while chunk := list(itertools.islice(items, _CHUNK)):
        yield chunk


def prepare(items: Sequence[Item | Rejected], rule: LabelRule) -> list[Row | Rejected]:
    """Return a row, or the reason why there is none, for each thing a source gave."""
    results: list[Row | Rejected] = []
    thumbnails = []
    for item in items:
        try:
            if isinstance(item, Rejected):
                results.append(item)
                continue
            row, picture = _row(item, rule)
            results.append(row)
            thumbnails.append(picture)
        except DatasetError as error:
            results.append(Rejected(item.origin, str(error).removeprefix(f"{item.origin}: ")))
    if thumbnails:
        small = np.stack(thumbnails)
        rows = [result for result in results if isinstance(result, Row)]
        contrasts = small.std(axis=(1, 2), dtype=np.float64)
        for row, bits, contrast in zip(rows, perceptual_hashes(small).tolist(), contrasts.tolist(), strict=True):
            row.perceptual_hash, row.contrast = bits, contrast
    return results


def _row(item: Item, rule: LabelRule) -> tuple[Row, np.ndarray]:
    label = rule.apply(item.label)
    if label is None:
        raise DatasetError(_dropped(plain(item.label or "")))
    for what, text, most in (("id", item.id, _MAX_ID), ("label", label, MAX_LABEL), ("split", item.split, MAX_LABEL)):
        if len(text) > most:
            raise DatasetError(f"the {what} is longer than {most} characters")
    data = item.read()
    image = decode(data, item.origin)
    row = Row(
        id=item.id,
        split=split_name(item.split),
        label=label,
        data=data,
        width=image.width,
        height=image.height,
        digest=pixel_digest(image),
        perceptual_hash=0,  # for the whole chunk at once, in prepare
        contrast=0.0,
        source_split=item.split,
        source_label=item.label or "",
    )
    return row, thumbnail(image)


def _dropped(label: str) -> str:
    return f"the label {label!r} is outside the classes and was to be dropped"
