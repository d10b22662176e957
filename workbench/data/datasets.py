"""Datasets in the workspace: images, labels and splits, read by row.

::

    <workspace>/datasets/<name>/images-00000.parquet ...   at most 4,096 rows each, in small row groups
                                rejected.parquet           what the source held that is no usable image, and why
                                health.parquet             see workbench.studies.health
                                manifest.json              source, classes, splits, counts, fingerprint, files

Columns of the shards: id, split, label (empty where there is none), bytes (the image file as it came), width and height
(pixels, upright), digest (SHA-256 of the pixels), perceptual_hash (64 bits), contrast (standard deviation of
gray at 32 x 32 pixels, 0-128).
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from workbench.data.images import decode
from workbench.data.labels import ALL, MERGED_TEST, SPLITS, in_order
from workbench.errors import DamagedArtifactError, unknown_name
from workbench.store import Store

SCHEMA = 1
"""Version of the layout of a dataset's folder."""

Strings = npt.NDArray[np.object_]
"""Array of ``str``."""

_FIELDS = ("name", "source", "classes", "splits", "counts", "fingerprint", "files")
_MEND = "delete the dataset's folder and import it again"
_CACHED_GROUPS = 64


class Dataset:
    """One dataset, read-only; a row is named by its place, 0-based, and safe to read from several threads.

    Parameters
    ----------
    path : Path
        The dataset's folder.

    Raises
    ------
    DamagedArtifactError
        The manifest cannot be read, or a file is missing or not as long as it was written.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.manifest: Mapping[str, Any] = _read_manifest(self.path)
        self._shards = [(name, int(file["rows"])) for name, file in self.manifest["files"].items() if "rows" in file]
        self._starts = np.cumsum([0] + [rows for _, rows in self._shards])
        self._readers: dict[int, tuple[pq.ParquetFile, npt.NDArray[np.int64]]] = {}
        self._groups: OrderedDict[tuple[int, int], pa.ChunkedArray] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, {len(self):,} images)"

    @property
    def name(self) -> str:
        """Name in the workspace."""
        return str(self.manifest["name"])

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that occur: the seven of FER in FER2013's order, then others in alphabetical order."""
        return tuple(self.manifest["classes"])

    @property
    def fingerprint(self) -> str:
        """Hash of the ids, splits, labels and pixel digests of all rows, in their order."""
        return str(self.manifest["fingerprint"])

    @property
    def created(self) -> float:
        """When the import ended, in seconds since 1970."""
        return (self.path / "manifest.json").stat().st_mtime

    @cached_property
    def ids(self) -> Strings:
        """Unique names of the images, shape ``(N,)``."""
        return self._column("id")

    @cached_property
    def labels(self) -> Strings:
        """Labels, shape ``(N,)``; ``""`` where an image has none."""
        return self._column("label")

    @cached_property
    def splits(self) -> Strings:
        """Splits, shape ``(N,)``; ``"unsplit"`` where the source names none."""
        return self._column("split")

    @cached_property
    def digests(self) -> Strings:
        """SHA-256 of the pixels in hex, shape ``(N,)``: equal for equal pictures."""
        return self._column("digest")

    @cached_property
    def hashes(self) -> npt.NDArray[np.uint64]:
        """Perceptual hashes, shape ``(N,)``: near pictures differ in few bits."""
        return self._column("perceptual_hash")

    @cached_property
    def contrasts(self) -> npt.NDArray[np.float32]:
        """Standard deviation of the gray values at 32 x 32 pixels, shape ``(N,)``, 0 (one flat gray) to 128."""
        return self._column("contrast")

    @cached_property
    def sizes(self) -> npt.NDArray[np.int32]:
        """Width and height in pixels, shape ``(N, 2)``."""
        sizes = np.stack([self._column("width"), self._column("height")], axis=1)
        sizes.setflags(write=False)
        return sizes

    @property
    def split_names(self) -> tuple[str, ...]:
        """The splits that occur: train, validation, test, unsplit, then others in alphabetical order."""
        return in_order(self.manifest["splits"], SPLITS)

    @property
    def selections(self) -> tuple[str, ...]:
        """What :meth:`rows` may be asked for: the splits, ``"merged-test"`` where it has both parts, and ``"all"``."""
        merged = (MERGED_TEST,) if {"validation", "test"} <= set(self.split_names) else ()
        return (*self.split_names, *merged, ALL)

    def rows(self, split: str = ALL) -> npt.NDArray[np.int64]:
        """Return the rows of a split, ascending.

        Parameters
        ----------
        split : str
            One of :attr:`selections`; ``"merged-test"`` is validation and test together.

        Raises
        ------
        SpecError
            The dataset has no such split; the text lists those it has.
        """
        if split not in self.selections:
            raise unknown_name(f"split of {self.name}", split, self.selections)
        if split == ALL:
            return np.arange(len(self))
        wanted = (
            (self.splits == "validation") | (self.splits == "test") if split == MERGED_TEST else self.splits == split
        )
        return np.flatnonzero(wanted)

    def image_bytes(self, rows: Iterable[int] | npt.NDArray[np.int64]) -> list[bytes]:
        """Return the image files of rows, as they came, in the order asked for.

        Raises
        ------
        DamagedArtifactError
            A shard's bytes are not those that were written; the text names it.
        IndexError
            There is no such row.
        """
        wanted = np.asarray(rows if isinstance(rows, (np.ndarray, Sequence)) else list(rows), dtype=np.int64)
        if wanted.size and not 0 <= wanted.min() <= wanted.max() < len(self):
            raise IndexError(f"{self.name} has rows 0 to {len(self) - 1}")
        shards = np.searchsorted(self._starts, wanted, side="right") - 1
        places = wanted - self._starts[shards]
        with self._lock:
            return [self._bytes(shard, place) for shard, place in zip(shards.tolist(), places.tolist(), strict=True)]

    def image(self, row: int) -> Image.Image:
        """Return one picture, upright, mode ``L`` or ``RGB``."""
        return decode(self.image_bytes([row])[0], f"{self.name} {self.ids[row]}")

    @cached_property
    def rejected(self) -> pa.Table:
        """What could not be used: columns ``source`` (file, or file and line) and ``reason``."""
        return self._read("rejected.parquet", None)

    def verify(self) -> None:
        """Check every file against the digest in the manifest; the error names the first that differs."""
        for name, file in self.manifest["files"].items():
            with (self.path / name).open("rb") as opened:
                digest = sha256()
                while block := opened.read(1 << 20):
                    digest.update(block)
            if digest.hexdigest() != file["sha256"]:
                raise DamagedArtifactError(f"{self.path / name}: the bytes are not those that were written; {_MEND}")

    @cached_property
    def _metadata(self) -> pa.Table:
        columns = ["id", "split", "label", "width", "height", "digest", "perceptual_hash", "contrast"]
        return pa.concat_tables([self._read(name, columns) for name, _ in self._shards])

    def _column(self, name: str) -> npt.NDArray[Any]:
        column = self._metadata[name]
        array = (
            np.array(column.to_pylist(), dtype=object) if pa.types.is_string(column.type) else column.to_numpy().copy()
        )
        array.setflags(write=False)
        return array

    def _read(self, name: str, columns: list[str] | None) -> pa.Table:
        try:
            return pq.read_table(self.path / name, columns=columns, partitioning=None, page_checksum_verification=True)
        except (pa.ArrowException, OSError, KeyError) as error:
            raise self._damaged(name, error) from error

    def _bytes(self, shard: int, place: int) -> bytes:
        try:
            reader, starts = self._reader(shard)
            group = int(np.searchsorted(starts, place, side="right")) - 1
            if (shard, group) not in self._groups:
                self._groups[shard, group] = reader.read_row_group(group, columns=["bytes"], use_threads=False)["bytes"]
                if len(self._groups) > _CACHED_GROUPS:
                    self._groups.popitem(last=False)
            self._groups.move_to_end((shard, group))
            return bytes(self._groups[shard, group][place - int(starts[group])].as_py())
        except (pa.ArrowException, OSError, KeyError) as error:
            raise self._damaged(self._shards[shard][0], error) from error

    def _reader(self, shard: int) -> tuple[pq.ParquetFile, npt.NDArray[np.int64]]:
        """Return a shard's open file and the first row of each of its row groups."""
        if shard not in self._readers:
            reader = pq.ParquetFile(self.path / self._shards[shard][0], page_checksum_verification=True)
            sizes = [reader.metadata.row_group(group).num_rows for group in range(reader.metadata.num_row_groups)]
            self._readers[shard] = reader, np.cumsum([0, *sizes])
        return self._readers[shard]

    def _damaged(self, name: str, error: BaseException) -> DamagedArtifactError:
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        return DamagedArtifactError(f"{self.path / name}: cannot be read ({reason}); {_MEND}")


def open_dataset(store: Store, name: str) -> Dataset:
    """Open a dataset of the workspace by its name.

    Raises
    ------
    SpecError
        There is none of that name; the text lists those there are.
    DamagedArtifactError
        Its files are not as they were written; the text names the path.
    """
    names = list_datasets(store)
    if name not in names:
        raise unknown_name("dataset", name, names)
    return Dataset(store.datasets_dir / name)


def list_datasets(store: Store) -> list[str]:
    """Return the names of the datasets in the workspace, in alphabetical order."""
    return sorted(path.parent.name for path in store.datasets_dir.glob("[!.]*/manifest.json"))


def _read_manifest(path: Path) -> Mapping[str, Any]:
    where = path / "manifest.json"
    try:
        manifest = json.loads(where.read_text(encoding="utf-8"))
        if manifest["schema"] != SCHEMA or not all(field in manifest for field in _FIELDS):
            raise ValueError(f"not a manifest of layout {SCHEMA}")
        files = {name: int(file["bytes"]) for name, file in manifest["files"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedArtifactError(f"{where}: the manifest cannot be read; {_MEND}") from error
    for name, size in files.items():
        try:
            found = (path / name).stat().st_size
        except OSError as error:
            raise DamagedArtifactError(f"{path / name}: the file is missing; {_MEND}") from error
        if found != size:
            raise DamagedArtifactError(f"{path / name}: {found:,} bytes where {size:,} were written; {_MEND}")
    return dict(manifest)
