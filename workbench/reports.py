"""What a command prints: the same values as text for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workbench.errors import SpecError, unknown_name
from workbench.specs import ClassifySpec, EmbedSpec, Spec
from workbench.store import Artifact, Store


@dataclass(frozen=True)
class Table:
    """Rows of cells under a head; numbers are right-aligned."""

    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    title: str = ""

    def text(self) -> str:
        """Return the table with aligned columns."""
        cells = [[_cell(value) for value in row] for row in self.rows]
        numeric = [all(isinstance(row[i], (int, float)) for row in self.rows) for i in range(len(self.head))]
        widths = [max(len(row[i]) for row in [list(self.head), *cells]) for i in range(len(self.head))]

        def line(row: Sequence[str]) -> str:
            padded = [c.rjust(w) if n else c.ljust(w) for c, w, n in zip(row, widths, numeric, strict=True)]
            return "  ".join(padded).rstrip() + "\n"

        body = "".join(map(line, cells)) if cells else "(none)\n"
        return (f"{self.title}\n" if self.title else "") + line(self.head) + body


@dataclass(frozen=True)
class Report:
    """A command's result: plain values, and the tables and lines that show them."""

    values: dict[str, Any]
    parts: Sequence[Table | str]

    def json(self) -> str:
        """Return the values as one JSON document."""
        return json.dumps(self.values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def text(self) -> str:
        """Return the tables and lines."""
        return "\n".join(part.text() if isinstance(part, Table) else part + "\n" for part in self.parts)


def of_result(spec: Spec, result: str, store: Store, split: str = "") -> Report:
    """Report what a study made.

    Parameters
    ----------
    spec : Spec
        What was asked for.
    result : str
        What :func:`workbench.studies.run_study` returned.
    store : Store
        The workspace.
    split : str
        Of a classification, report this split only.
    """
    if isinstance(spec, (ClassifySpec, EmbedSpec)):
        artifact = store.artifact(*result.split("/", 1))
        return classification(artifact, split) if isinstance(spec, ClassifySpec) else _embeddings(artifact)
    return health(store, result)


def classification(artifact: Artifact, split: str = "") -> Report:
    """Report a classification: one row of figures a split, then the classes of each."""
    metrics = artifact.summary["metrics"]
    if split and split not in metrics:
        raise unknown_name("split", split, metrics)
    shown = {name: metrics[name] for name in ([split] if split else artifact.summary["splits"])}
    names = ("accuracy", "macro_f1", "weighted_f1")
    rows = [
        [
            name,
            of["images"],
            *(_interval(of[measure]) for measure in names),
            *_top_k(of),
            _interval(of["calibration"]["error"]),
        ]
        for name, of in shown.items()
    ]
    ranks = sorted(int(k) for k in next(iter(shown.values()), {"top_k_accuracy": {}})["top_k_accuracy"] if int(k) > 1)
    head = ["split", "images", "accuracy", "macro F1", "weighted F1", *(f"top-{k}" for k in ranks), "ECE"]
    overview = Table(head, rows, "Percent with 95 % bootstrap interval; ECE is the expected calibration error")
    classes = artifact.summary["classes"]
    detail = _class_table(classes, split or ("test" if "test" in shown else next(iter(shown))), shown)
    notes = [f"note: {note}" for note in artifact.summary["notes"]]
    values = {"artifact": artifact.reference, "spec": artifact.spec, **artifact.summary, "metrics": shown}
    return Report(values, [overview, detail, *notes, f"stored as {artifact.reference}"])


def health(store: Store, name: str) -> Report:
    """Report a dataset's counts and faults."""
    from workbench.data.datasets import open_dataset
    from workbench.studies.health import load_health

    dataset = open_dataset(store, name)
    found = load_health(store, name)
    splits = sorted(set(dataset.splits.tolist()))
    classes = [*dataset.classes, *sorted(set(dataset.labels.tolist()) - set(dataset.classes))]
    counts = {c: {s: int(((dataset.labels == c) & (dataset.splits == s)).sum()) for s in splits} for c in classes}
    table = Table(
        ["label", *splits, "total"], [[c or "(none)", *n.values(), sum(n.values())] for c, n in counts.items()]
    )
    faults = Table(["health", "count"], [[key.replace("_", " "), count] for key, count in found.summary.items()])
    values = {"dataset": name, "images": len(dataset), "counts": counts, "health": dict(found.summary)}
    values["rejected"] = dataset.rejected.to_pylist()
    parts: list[Table | str] = [f"{name}: {len(dataset):,} images from {dataset.manifest['source']}", table, faults]
    if len(dataset.rejected):
        shown = dataset.rejected.slice(0, 20).to_pylist()
        title = f"set aside (first {len(shown)} of {len(dataset.rejected):,})"
        parts.append(Table(["source", "reason"], [[row["source"], row["reason"]] for row in shown], title))
    return Report(values, parts)


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


def _embeddings(artifact: Artifact) -> Report:
    summary = artifact.summary
    line = f"{summary['images']:,} different images of {summary['dataset']} as {summary['dim']} numbers each"
    return Report({"artifact": artifact.reference, **summary}, [line, f"stored as {artifact.reference}"])


def _class_table(classes: Sequence[str], split: str, metrics: dict[str, Any]) -> Table:
    rows = [
        [name, of["support"], *(_interval(of[measure]) for measure in ("precision", "recall", "f1"))]
        for name, of in zip(classes, metrics[split]["classes"], strict=True)
    ]
    return Table(["class", "images", "precision", "recall", "F1"], rows, f"Classes on split {split!r}")


def _top_k(metrics: dict[str, Any]) -> list[str]:
    values = metrics["top_k_accuracy"]
    return [_interval(values[k]) for k in sorted(values, key=int) if int(k) > 1]


def _interval(value: dict[str, float]) -> str:
    return f"{100 * value['value']:.1f} ({100 * value['low']:.1f} to {100 * value['high']:.1f})"


def _seconds(started: float | None, finished: float | None) -> str:
    return f"{finished - started:.1f}" if started and finished else ""


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else " ".join(str(value).split())
