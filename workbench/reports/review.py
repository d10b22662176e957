"""Reports of suspects, of training again after cleaning, of leakage, and of error slices."""

from __future__ import annotations

from typing import Any

from workbench.reports.base import Report, Table, decimals, interval, points, share
from workbench.store import Artifact


def retrain(artifact: Artifact) -> Report:
    """Report whether cleaning helped: the sentence first, then both probes on the same images."""
    from workbench.studies.retrain import AGAINST, open_retrain

    found = open_retrain(artifact)
    rows = [
        [AGAINST[against], name.replace("_", " "), *_change(change)]
        for against, comparison in found.comparisons.items()
        for name, change in comparison.changes.items()
    ]
    parts: list[Table | str] = [
        found.sentence,
        Table(["against", "score", "before", "after", "difference (points)"], rows, "Percent with 95 % interval"),
        *_ending(artifact, found.notes),
    ]
    return Report(_values(artifact), parts)


def _change(change: Any) -> list[object]:
    difference = change.difference
    span = f"{points(difference.value)} ({points(difference.low)} to {points(difference.high)})"
    return [interval(change.before._asdict()), interval(change.after._asdict()), span]


def leakage(artifact: Artifact) -> Report:
    """Report how many images leak, and the accuracy with and without them."""
    from workbench.studies.leakage import open_leakage

    found = open_leakage(artifact)
    names = {
        "all": "all reported images",
        "without": "without leaked ones",
        "leaked": "leaked ones alone",
        "unleaked_probe": "all, by a probe that learned from no leaked image",
    }
    rows = [[names[name], interval(value._asdict())] for name, value in found.accuracy.items()]
    parts: list[Table | str] = [
        found.sentence,
        Table(["measured on", "accuracy (%), 95 % interval"], rows),
        *_ending(artifact, found.notes),
    ]
    return Report(_values(artifact), parts)


def _ending(artifact: Artifact, notes: tuple[str, ...]) -> list[Table | str]:
    return [*(f"note: {note}" for note in notes), f"stored as {artifact.reference}"]


def _values(artifact: Artifact) -> dict[str, Any]:
    return {"artifact": artifact.reference, "spec": artifact.spec, **artifact.summary}
