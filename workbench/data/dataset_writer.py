"""Writing a dataset shard by shard, so that a killed import goes on from its finished shards to the same bytes."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.data.datasets import SCHEMA, Dataset
from workbench.data.labels import FER_CLASSES, SPLITS, in_order
from workbench.files import disk_errors, sync, write_atomically, write_bytes
from workbench.store import canonical_json

SHARD_ROWS = 4096
"""Rows in every shard but the last."""

GROUP_ROWS = 64
GROUP_BYTES = 1 << 20
"""A row group ends at this many rows or bytes of images, so that a single image is read fast."""

_COLUMNS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("bytes", pa.binary(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("digest", pa.string(), nullable=False),
        pa.field("perceptual_hash", pa.uint64(), nullable=False),
        pa.field("contrast", pa.float32(), nullable=False),
    ]
)
_COMPRESSION = {name: "none" if name == "bytes" else "zstd" for name in _COLUMNS.names}


@dataclass(slots=True)
class Row:
    """One usable image, and the source's own words for its split and label."""

    id: str
    split: str
    label: str
    data: bytes
    width: int
    height: int
    digest: str
    perceptual_hash: int
    contrast: float
    source_split: str
    source_label: str


class DatasetWriter:
    """Writes rows and rejections in the source's order; nothing is visible before :meth:`publish`.

    Parameters
    ----------
    folder : Path
        Where the unfinished dataset is kept; shards that an earlier, killed run with the same ``identity`` finished
        there are kept, anything else is deleted.
    identity : mapping
        What the dataset is made from; equal for two runs that would write the same bytes.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._shards: list[dict[str, Any]] = []
        self._ids: set[str] = set()
        self._buffer: list[Row] = []
        self._buffered = 0
        self._writer: pq.ParquetWriter | None = None
        self._begin_shard()
        self._resume(canonical_json(identity))

    @property
    def consumed(self) -> int:
        """How many things of the source the finished shards account for: where to begin reading."""
        return int(self._shards[-1]["consumed"]) if self._shards else 0

    @property
    def rejected(self) -> list[tuple[str, str]]:
        """Origin and reason of all that was set aside so far."""
        pairs = [pair for shard in self._shards for pair in shard["rejected"]] + self._rejected
        return [(origin, reason) for origin, reason in pairs]

    def __len__(self) -> int:
        return sum(int(shard["rows"]) for shard in self._shards) + self._rows

    def reject(self, origin: str, reason: str) -> None:
        """Set the source's next thing aside."""
        self._done += 1
        self._rejected.append((origin, reason))

    def add(self, row: Row) -> None:
        """Write the source's next image; an id that was there before gets a number: ``face.png~2``."""
        self._done += 1
        number, unique = 1, row.id
        while unique in self._ids:
            number += 1
            unique = f"{row.id}~{number}"
        self._ids.add(unique)
        row.id = unique
        self._words[row.split, row.source_split, row.label, row.source_label] += 1
        self._buffer.append(row)
        self._buffered += len(row.data)
        self._rows += 1
        if len(self._buffer) == GROUP_ROWS or self._buffered >= GROUP_BYTES or self._rows == SHARD_ROWS:
            self._write_group()
        if self._rows == SHARD_ROWS:
            self._end_shard()

    def finish(self, name: str, about: Mapping[str, Any]) -> Dataset:
        """Write what is left and the manifest; return the dataset, which is still unpublished.

        Parameters
        ----------
        name : str
            The dataset's name.
        about : mapping
            More fields of the manifest: ``source`` and others.
        """
        if self._rows or self._rejected:
            self._end_shard()
        pairs = self.rejected
        table = pa.table({"source": [pair[0] for pair in pairs], "reason": [pair[1] for pair in pairs]}, _REJECTED)
        write_atomically(self._data / "rejected.parquet", lambda path: pq.write_table(table, path, compression="zstd"))
        files = {path.name: _describe(path) for path in sorted(self._data.glob("images-*.parquet"))}
        for (file, description), shard in zip(files.items(), (s for s in self._shards if s["rows"]), strict=True):
            files[file] = {**description, "rows": shard["rows"]}
        files["rejected.parquet"] = _describe(self._data / "rejected.parquet")
        words: Counter[tuple[str, ...]] = Counter()
        for shard in self._shards:
            for *key, count in shard["words"]:
                words[tuple(key)] += count
        labels = _origins(words, 2)
        manifest = {
            "schema": SCHEMA,
            "name": name,
            **about,
            "classes": in_order((label for label in labels if label), FER_CLASSES),
            "splits": _in_split_order(_origins(words, 0)),
            "labels": labels,
            "counts": {"images": len(self), "rejected": len(pairs)},
            "fingerprint": _fingerprint(self._data),
            "files": files,
        }
        text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        write_bytes(self._data / "manifest.json", text.encode())
        return Dataset(self._data)

    def publish(self, path: Path) -> Dataset:
        """Give the finished dataset its place; from here on it is visible."""
        with disk_errors(path):
            self._data.rename(path)
            sync(path.parent)
        self.discard()
        return Dataset(path)

    def discard(self) -> None:
        """Delete the unfinished dataset."""
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def close(self) -> None:
        """Let go of the shard that is being written; it is begun again next time."""
        if self._writer is not None:
            with suppress(OSError):  # a full disk, which the failed write has reported
                self._writer.close()
            self._writer = None

    def _resume(self, identity: str) -> None:
        note = self._folder / "identity.json"
        with disk_errors(self._folder):
            if self._folder.exists() and (not note.exists() or note.read_text(encoding="utf-8") != identity):
                shutil.rmtree(self._folder)
            self._data.mkdir(parents=True, exist_ok=True)
        write_bytes(note, identity.encode())
        while (state := self._folder / _state_name(len(self._shards))).exists():
            self._shards.append(json.loads(state.read_text(encoding="utf-8")))
        kept = {_shard_name(index) for index, shard in enumerate(self._shards) if shard["rows"]}
        for path in self._data.iterdir():
            if path.name not in kept:
                path.unlink()
        for file in sorted(kept):
            self._ids.update(pq.read_table(self._data / file, columns=["id"], partitioning=None)["id"].to_pylist())

    def _begin_shard(self) -> None:
        self._rows = 0
        self._done = 0
        self._rejected: list[tuple[str, str]] = []
        self._words: Counter[tuple[str, str, str, str]] = Counter()

    def _write_group(self) -> None:
        path = self._data / f".{_shard_name(len(self._shards))}.tmp"
        columns = [[getattr(row, "data" if n == "bytes" else n) for row in self._buffer] for n in _COLUMNS.names]
        batch = pa.record_batch([pa.array(c, f.type) for c, f in zip(columns, _COLUMNS, strict=True)], schema=_COLUMNS)
        with disk_errors(path):
            if self._writer is None:
                dictionary = ["split", "label"]
                self._writer = pq.ParquetWriter(
                    path, _COLUMNS, compression=_COMPRESSION, use_dictionary=dictionary, write_page_checksum=True
                )
            self._writer.write_batch(batch)
        self._buffer, self._buffered = [], 0

    def _end_shard(self) -> None:
        if self._buffer:
            self._write_group()
        path = self._data / _shard_name(len(self._shards))
        with disk_errors(path):
            if self._writer is not None:
                writer, self._writer = self._writer, None
                writer.close()
                temporary = path.with_name(f".{path.name}.tmp")
                sync(temporary)
                temporary.rename(path)
        words = [[*key, count] for key, count in sorted(self._words.items())]
        consumed = self.consumed + self._done
        state = {"consumed": consumed, "rows": self._rows, "rejected": self._rejected, "words": words}
        write_bytes(self._folder / _state_name(len(self._shards)), canonical_json(state).encode())
        self._shards.append(state)
        self._begin_shard()


_REJECTED = pa.schema([("source", pa.string()), ("reason", pa.string())])


def _shard_name(index: int) -> str:
    return f"images-{index:05d}.parquet"


def _state_name(index: int) -> str:
    return f"shard-{index:05d}.json"


def _describe(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"bytes": len(data), "sha256": sha256(data).hexdigest()}


def _origins(words: Mapping[tuple[str, ...], int], place: int) -> dict[str, dict[str, Any]]:
    """Return, for our word in ``place`` of each key, its count and the source's own words (in ``place + 1``)."""
    found: dict[str, dict[str, Any]] = {}
    for key, count in sorted(words.items()):
        entry = found.setdefault(key[place], {"count": 0, "source": {}})
        entry["count"] += count
        entry["source"][key[place + 1]] = entry["source"].get(key[place + 1], 0) + count
    return found


def _in_split_order(splits: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: splits[name] for name in in_order(splits, SPLITS)}


def _fingerprint(folder: Path) -> str:
    digest = sha256(f"dataset {SCHEMA}\n".encode())
    for path in sorted(folder.glob("images-*.parquet")):
        table = pq.read_table(path, columns=["id", "split", "label", "digest"], partitioning=None)
        for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
            digest.update(f"{canonical_json(row)}\n".encode())
    return digest.hexdigest()
