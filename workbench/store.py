"""The workspace on disk: results named by the content that made them, written atomically, verified, listed.

::

    <workspace>/datasets/<name>/                  see workbench.data.datasets
    <workspace>/artifacts/<kind>/<slug>-<hash>/   manifest.json + part-*.parquet or *.safetensors
    <workspace>/jobs/<id>/                        see workbench.jobs
    <workspace>/workbench.sqlite                  jobs
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save as save_safetensors

from workbench.errors import DamagedArtifactError, SpecError, StoreError, unknown_name
from workbench.files import disk_errors, locked, write_atomically, write_bytes
from workbench.progress import SILENT, Progress

SCHEMA = 1
"""Version of the artifact layout; part of every hash, so a new layout never meets old files."""


def canonical_json(value: object) -> str:
    """Return JSON with sorted keys and no spaces: equal values give equal text.

    Raises
    ------
    TypeError, ValueError
        The value holds something JSON cannot carry, or a number that is not finite.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def content_hash(value: object) -> str:
    """Return the first 16 hex digits of the SHA-256 of :func:`canonical_json`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class ArtifactKey:
    """What names a result: its kind, a readable slug, and all the content that changes its bytes.

    Parameters
    ----------
    kind : str
        Folder under ``artifacts/``, for example ``"embeddings"``.
    slug : str
        Words for people; not part of the hash.
    content : mapping
        Everything that changes the bytes, as JSON values: digests, texts, settings, seeds.
    """

    kind: str
    slug: str
    content: Mapping[str, Any]

    @property
    def hash(self) -> str:
        """Hash of kind, layout version and content."""
        return content_hash({"kind": self.kind, "schema": SCHEMA, "content": dict(self.content)})

    @property
    def name(self) -> str:
        """Folder name: slug and hash."""
        slug = re.sub(r"[^a-z0-9]+", "-", self.slug.lower()).strip("-")[:60].rstrip("-")
        return f"{slug}-{self.hash}" if slug else self.hash


@dataclass(frozen=True)
class Artifact:
    """A finished result on disk."""

    path: Path
    manifest: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The artifact's kind."""
        return str(self.manifest["kind"])

    @property
    def name(self) -> str:
        """Slug and hash."""
        return self.path.name

    @property
    def reference(self) -> str:
        """``kind/name``, which names it within the workspace."""
        return f"{self.kind}/{self.name}"

    @property
    def spec(self) -> dict[str, Any]:
        """The spec that made it, so that it can be run again."""
        return dict(self.manifest["spec"])

    @property
    def summary(self) -> dict[str, Any]:
        """The study's small results."""
        return dict(self.manifest["summary"])

    @property
    def created(self) -> float:
        """When it was finished, in seconds since 1970 (the folder's time; not part of its bytes)."""
        return (self.path / "manifest.json").stat().st_mtime

    @cached_property
    def size(self) -> int:
        """Size of all parts, in bytes."""
        return sum(int(part["bytes"]) for part in self.manifest["parts"].values())

    def table(self, part: int | None = None) -> pa.Table:
        """Return all Parquet parts as one table, or part ``part`` alone, each checked against its digest.

        Raises
        ------
        DamagedArtifactError
            A part is missing, or its bytes are not those that were written.
        """
        names = sorted(name for name in self.manifest["parts"] if name.endswith(".parquet"))
        names = names if part is None else [_part_name(part)]
        return pa.concat_tables(pq.read_table(pa.BufferReader(self._part(name))) for name in names)

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Return the arrays of ``<name>.safetensors``, checked against its digest."""
        return dict(load_safetensors(self._part(f"{name}.safetensors")))

    def verify(self) -> None:
        """Check every part against its digest; :class:`DamagedArtifactError` names the first that differs."""
        for name in self.manifest["parts"]:
            self._part(name)

    def _part(self, name: str) -> bytes:
        path = self.path / name
        expected = self.manifest["parts"].get(name)
        if expected is None:
            raise DamagedArtifactError(f"{self.path}: the manifest names no part {name}")
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DamagedArtifactError(f"{path}: the part cannot be read ({error.strerror}); {_MEND}") from error
        if len(data) != expected["bytes"] or hashlib.sha256(data).hexdigest() != expected["sha256"]:
            raise DamagedArtifactError(f"{path}: the bytes are not those that were written; {_MEND}")
        return data


_MEND = "delete the artifact's folder and run the command again"


class Build:
    """A result being written, part by part; parts finished by an earlier, interrupted run are kept."""

    def __init__(self, folder: Path, final: Path, key: ArtifactKey, spec: Mapping[str, Any]) -> None:
        self._folder = folder
        self._final = final
        self._key = key
        self._spec = spec

    @property
    def state(self) -> Path:
        """Where a training keeps its state: what an interrupted run leaves there is read by the next, then removed."""
        return self._folder / ".state.pt"

    def has_part(self, index: int) -> bool:
        """Whether Parquet part ``index`` is finished."""
        return (self._folder / _part_name(index)).exists()

    def table(self, index: int) -> pa.Table:
        """Read the finished Parquet part ``index`` back."""
        return pq.read_table(self._folder / _part_name(index))

    def write_table(self, index: int, table: pa.Table) -> None:
        """Write Parquet part ``index`` (0-based)."""
        path = self._folder / _part_name(index)
        write_atomically(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))

    def write_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Write ``<name>.safetensors``."""
        data = save_safetensors({key: np.ascontiguousarray(value) for key, value in sorted(arrays.items())})
        write_bytes(self._folder / f"{name}.safetensors", data)

    def finish(self, summary: Mapping[str, Any] | None = None) -> Artifact:
        """Write the manifest and give the result its name; from here on it is visible.

        Parameters
        ----------
        summary : mapping, optional
            Small results to keep in the manifest, as JSON values.
        """
        parts = {}
        for path in sorted(self._folder.iterdir()):
            if path.suffix == ".tmp":  # a run was killed while it wrote
                path.unlink()
            elif not path.name.startswith(".") and path.name != "manifest.json":
                data = path.read_bytes()
                parts[path.name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        manifest = {
            "kind": self._key.kind,
            "schema": SCHEMA,
            "content": dict(self._key.content),
            "spec": dict(self._spec),
            "summary": dict(summary or {}),
            "parts": parts,
        }
        manifest["digest"] = content_hash(manifest)
        text = json.dumps(manifest, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"
        write_bytes(self._folder / "manifest.json", text.encode())
        with disk_errors(self._final):
            self._folder.rename(self._final)
            (self._final / self.state.name).unlink(missing_ok=True)
        return Artifact(self._final, manifest)


class Store:
    """A workspace folder.

    Parameters
    ----------
    root : Path
        The folder; it is made when something is first written.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def check(self) -> None:
        """Raise :class:`StoreError` where the workspace is something else than a folder."""
        if self.root.exists() and not self.root.is_dir():
            raise StoreError(f"{self.root} is a file; --workspace takes a folder, new or made by the workbench")

    @property
    def datasets_dir(self) -> Path:
        """Folder of the datasets."""
        return self.root / "datasets"

    @property
    def artifacts_dir(self) -> Path:
        """Folder of the artifacts, one folder a kind."""
        return self.root / "artifacts"

    @property
    def jobs_dir(self) -> Path:
        """Folder of the jobs' specs, events and logs."""
        return self.root / "jobs"

    @property
    def database(self) -> Path:
        """The SQLite file of jobs."""
        return self.root / "workbench.sqlite"

    def find(self, key: ArtifactKey) -> Artifact | None:
        """Return the finished result of that name, or ``None``; a folder without a manifest is a damaged one."""
        path = self.artifacts_dir / key.kind / key.name
        return self.open(path) if path.exists() else None

    def open(self, path: Path) -> Artifact:
        """Open a finished result by its folder.

        Raises
        ------
        DamagedArtifactError
            The manifest cannot be read, or was written by a version with another layout.
        """
        manifest_path = path / "manifest.json"
        try:
            manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
            complete = all(key in manifest for key in ("kind", "schema", "content", "spec", "summary", "parts"))
        except (OSError, ValueError, TypeError) as error:
            raise DamagedArtifactError(f"{manifest_path}: the manifest cannot be read; {_MEND}") from error
        if not complete or manifest["schema"] != SCHEMA:
            raise DamagedArtifactError(f"{manifest_path}: not a manifest of layout {SCHEMA}; {_MEND}")
        digest = manifest.get("digest")
        if digest is not None and digest != content_hash({k: v for k, v in manifest.items() if k != "digest"}):
            raise DamagedArtifactError(f"{manifest_path}: the manifest is not the one that was written; {_MEND}")
        return Artifact(path, manifest)

    @contextmanager
    def build(
        self, key: ArtifactKey, spec: Mapping[str, Any], progress: Progress = SILENT
    ) -> Iterator[Build | Artifact]:
        """Write a result under an exclusive lock, resuming the finished parts of an interrupted run.

        Yields the finished :class:`Artifact` instead of a :class:`Build` where another process made it meanwhile.
        """
        folder = self.artifacts_dir / key.kind
        with locked(folder / f".{key.name}.lock", f"{key.kind} {key.name}", wait=True, progress=progress):
            existing = self.find(key)
            if existing is not None:
                yield existing
                return
            partial = folder / f".{key.name}.partial"
            with disk_errors(partial):
                partial.mkdir(parents=True, exist_ok=True)
                for leftover in partial.glob(".*.tmp"):
                    leftover.unlink(missing_ok=True)
            try:
                yield Build(partial, folder / key.name, key, spec)
            finally:
                with suppress(OSError):
                    partial.rmdir()  # empty where the work was refused before its first part

    def find_or_build(
        self,
        key: ArtifactKey,
        spec: Mapping[str, Any],
        compute: Callable[[Build], Artifact],
        progress: Progress = SILENT,
    ) -> Artifact:
        """Return the finished result, or have it computed; the notes in its summary are told in both cases.

        Parameters
        ----------
        key, spec, progress
            As for :meth:`build`.
        compute : callable
            Writes the parts and finishes the build. It is called where no other process has made the result meanwhile.
        """
        artifact = self.find(key)
        if artifact is None:
            with self.build(key, spec, progress) as build:
                artifact = build if isinstance(build, Artifact) else compute(build)
        for note in artifact.summary.get("notes", ()):
            progress.note(note)
        return artifact

    def artifacts(self, kind: str | None = None) -> list[Artifact]:
        """Return the finished results (of one kind), newest first; damaged ones are left out, see :meth:`damaged`."""
        found = []
        for path in self._folders(kind):
            with suppress(DamagedArtifactError, FileNotFoundError):  # the latter where it is removed meanwhile
                artifact = self.open(path)
                found.append((artifact.created, artifact))
        return [artifact for _, artifact in sorted(found, key=lambda each: each[0], reverse=True)]

    def damaged(self) -> list[DamagedArtifactError]:
        """Return an error for each result that does not match its manifest (reads every part)."""
        errors = []
        for path in self._folders(None):
            try:
                self.open(path).verify()
            except DamagedArtifactError as error:
                errors.append(error)
        return errors

    def artifact(self, kind: str, name: str) -> Artifact:
        """Open the result ``name`` of ``kind``.

        Raises
        ------
        StoreError
            There is none of that name.
        """
        path = self.artifacts_dir / kind / name
        if path.parent != self.artifacts_dir / kind or name.startswith(".") or not path.is_dir():
            raise StoreError(f"no {kind} named {name!r} in {self.root}; `workbench artifacts` lists what is there")
        return self.open(path)

    def named(self, kind: str, name: str) -> Artifact:
        """Open the result of ``kind`` by its name, by the beginning of it, or by its hash.

        Raises
        ------
        SpecError
            There is none, or the beginning fits several.
        DamagedArtifactError
            The one it fits, where it fits no whole one, is damaged.
        """
        wanted = name.removeprefix(f"{kind}/")
        artifacts = {artifact.name: artifact for artifact in self.artifacts(kind)}
        folders = [path.name for path in self._folders(kind)]  # the damaged ones as well

        def beginning(names: Iterable[str]) -> list[str]:
            return [each for each in names if wanted and (each.startswith(wanted) or each.endswith(f"-{wanted}"))]

        fitting = [each for each in folders if each == wanted] or beginning(artifacts) or beginning(folders)
        if not fitting:
            raise unknown_name(kind, name, artifacts)
        if len(fitting) > 1:
            listed = ", ".join(sorted(fitting))
            raise SpecError(f"{name!r} fits {len(fitting)} results of kind {kind}: {listed}; name one in full")
        return artifacts.get(fitting[0]) or self.open(self.artifacts_dir / kind / fitting[0])

    def remove(self, artifact: Artifact) -> None:
        """Delete a finished result, unless another process has; at any moment it is there whole, or not at all."""
        removed = artifact.path.with_name(f".{artifact.name}.removed")
        shutil.rmtree(removed, ignore_errors=True)  # left by a process that was killed here
        with disk_errors(artifact.path), suppress(FileNotFoundError):
            artifact.path.rename(removed)
        shutil.rmtree(removed, ignore_errors=True)

    def _folders(self, kind: str | None) -> list[Path]:
        pattern = f"{kind or '*'}/*"
        return [path for path in sorted(self.artifacts_dir.glob(pattern)) if path.is_dir() and path.name[0] != "."]


def _part_name(index: int) -> str:
    return f"part-{index:05d}.parquet"
