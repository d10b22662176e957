"""Lists of what a workspace holds, and of the bundled concept sets."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from workbench.errors import SpecError
from workbench.reports.base import Report, Table
from workbench.store import Artifact, Store


def datasets(store: Store) -> Report:
    """List the datasets."""
    from workbench.data.datasets import list_datasets, open_dataset

    found = [open_dataset(store, name) for name in list_datasets(store)]
    rows = [[d.name, len(d), ", ".join(sorted(set(d.splits.tolist()))), str(d.manifest["source"])] for d in found]
    values = [dict(zip(("name", "images", "splits", "source"), row, strict=True)) for row in rows]
    return Report({"datasets": values}, [Table(["name", "images", "splits", "source"], rows)])


def artifacts(store: Store, *, verify: bool = False) -> Report:
    """List the stored results; with ``verify``, check every byte and name the damaged ones.

    Raises
    ------
    SpecError
        A result is damaged; the text names the first and counts them.
    """
    found = store.artifacts()
    rows = [[a.kind, a.name, a.size / 1e6, datetime.fromtimestamp(a.created).strftime("%Y-%m-%d %H:%M")] for a in found]
    values = [{"kind": a.kind, "name": a.name, "bytes": a.size, "path": str(a.path)} for a in found]
    parts: list[Table | str] = [Table(["kind", "name", "MB", "finished"], rows)]
    if verify:
        damaged = store.damaged()
        if damaged:
            raise SpecError(f"{len(damaged)} damaged: {damaged[0]}")
        parts.append(f"all {len(found)} verified")
    return Report({"artifacts": values}, parts)


def written(path: Path, size: int, artifact: Artifact) -> Report:
    """Say where a result's report was written, and how large it is."""
    values = {"artifact": artifact.reference, "file": str(path), "bytes": size}
    return Report(values, [f"{artifact.reference} is written to {path} ({size / 1e6:.1f} MB)"])


def jobs(store: Store, cancel: int | None = None) -> Report:
    """List the jobs, after cancelling one if asked."""
    from workbench.jobs import Jobs

    queue = Jobs(store)
    if cancel is not None:
        queue.cancel(cancel)
    found = queue.list()
    rows = [
        [job.id, job.status, job.title, _seconds(job.started, job.finished), job.error or job.result] for job in found
    ]
    names = ("id", "kind", "title", "status", "created", "started", "finished", "result", "error")
    values = [{name: getattr(job, name) for name in names} for job in found]
    return Report({"jobs": values}, [Table(["id", "status", "what", "seconds", "result"], rows)])


def concepts(spec: str) -> Report:
    """List the bundled concept sets, or show one."""
    from workbench.data.concepts import bundled_concept_sets, load_attributes, load_concept_set

    if not spec:
        found = [each for name in bundled_concept_sets() for each in load_attributes(name).values()]
        rows = [
            [s.name, s.attribute, len(s.concepts), len(s.classes), len(s.templates), s.default_aggregate] for s in found
        ]
        head = ["name", "attribute", "concepts", "classes", "templates", "aggregate"]
        return Report({"concept_sets": [dict(zip(head, row, strict=True)) for row in rows]}, [Table(head, rows)])
    shown = load_concept_set(spec)
    rows = [[c.text, ", ".join(c.classes), "" if c.score is None else f"{c.score:g}"] for c in shown.concepts]
    values = {
        "name": shown.name,
        "attribute": shown.attribute,
        "classes": list(shown.classes),
        "templates": list(shown.templates),
        "concepts": [{"text": c.text, "classes": list(c.classes), "score": c.score} for c in shown.concepts],
        "fingerprint": shown.fingerprint,
    }
    templates = Table(["template"], [[template] for template in shown.templates])
    return Report(values, [Table(["concept", "classes", "score"], rows), templates])


def _seconds(started: float | None, finished: float | None) -> str:
    return f"{finished - started:.1f}" if started and finished else ""
