"""The curve of a training that is not finished: written after each epoch beside the result's parts, read by pages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from workbench.files import write_bytes
from workbench.specs import Spec
from workbench.store import Store

CURVE = ".curve.jsonl"
"""Beside an unfinished result's parts: its spec as one JSON line, then one for each epoch."""


def write_curve(path: Path, spec: Spec, curve: Iterable[Mapping[str, Any]]) -> None:
    """Write the file that :func:`live_epochs` reads."""
    write_bytes(path, "".join(json.dumps(line) + "\n" for line in [spec.to_dict(), *curve]).encode())


def live_epochs(kind: str, spec: Spec, store: Store) -> list[dict[str, Any]]:
    """Return the epochs so far of a training that is not finished, or was stopped; none where there is none.

    Parameters
    ----------
    kind : str
        Kind of the artifact that it will be.
    spec : Spec
        What was asked for, as a job's ``spec``.
    store : Store
        The workspace.
    """
    for path in (store.artifacts_dir / kind).glob(f".*.partial/{CURVE}"):
        lines = _read(path)
        if lines and lines[0] == spec.to_dict():
            return lines[1:]
    return []


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    except (OSError, ValueError):  # being written, or removed since
        return []
