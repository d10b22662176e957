"""Reports of datasets' health, of embeddings and of classifications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import unknown_name
from workbench.reports.base import Report, Table, interval
from workbench.store import Artifact, Store

if TYPE_CHECKING:
    from workbench.studies.answer import Answers


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
            *(interval(of[measure]) for measure in names),
            *_top_k(of),
            interval(of["calibration"]["error"]),
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
    from workbench.studies.clean import cleaned
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
    origin = cleaned(dataset)
    if origin is not None:
        values["cleaned"] = {"from": origin.parent, "changes": dict(origin.changes), "above": origin.spec["above"]}
        parts[1:1] = [line for line in (f"{name} was {origin.sentence}.", origin.truth) if line]
    if len(dataset.rejected):
        shown = dataset.rejected.slice(0, 20).to_pylist()
        title = f"set aside (first {len(shown)} of {len(dataset.rejected):,})"
        parts.append(Table(["source", "reason"], [[row["source"], row["reason"]] for row in shown], title))
    return Report(values, parts)


def embeddings(artifact: Artifact) -> Report:
    """Report what was encoded."""
    summary = artifact.summary
    line = f"{summary['images']:,} different images of {summary['dataset']} as {summary['dim']} numbers each"
    return Report({"artifact": artifact.reference, **summary}, [line, f"stored as {artifact.reference}"])


def answers(found: Answers) -> Report:
    """Report what a classifier answered to pictures: the two most probable classes of each."""
    rows, values = [], []
    for path, face, shares in zip(found.pictures, found.found.tolist(), found.probabilities.tolist(), strict=True):
        best = sorted(range(len(shares)), key=lambda place: -shares[place])[:2]
        seen = "face" if face else "whole"
        said = [text for place in best for text in (found.classes[place], f"{100 * shares[place]:.1f}")]
        rows.append([str(path), seen, *said])
        values.append({"picture": str(path), "seen": seen, "answer": found.classes[best[0]], "probabilities": shares})
    table = Table(["picture", "seen", "answer", "%", "next", "%"], rows, f"{found.model} answers, nothing is stored")
    notes = [f"note: {note}" for note in found.notes]
    return Report(
        {"model": found.model, "classes": list(found.classes), "answers": values, "notes": list(found.notes)},
        [table, *notes],
    )


def _class_table(classes: Sequence[str], split: str, metrics: dict[str, Any]) -> Table:
    rows = [
        [name, of["support"], *(interval(of[measure]) for measure in ("precision", "recall", "f1"))]
        for name, of in zip(classes, metrics[split]["classes"], strict=True)
    ]
    return Table(["class", "images", "precision", "recall", "F1"], rows, f"Classes on split {split!r}")


def _top_k(metrics: dict[str, Any]) -> list[str]:
    values = metrics["top_k_accuracy"]
    return [interval(values[k]) for k in sorted(values, key=int) if int(k) > 1]
