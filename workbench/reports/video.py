"""Reports of video scores and of tables of them."""

from __future__ import annotations

from typing import Any

from workbench.reports.base import Report, Table, decimals
from workbench.store import Artifact


def score(artifact: Artifact) -> Report:
    """Report a video's score: what it is made of, how sure it is, and what must be known of it."""
    summary = artifact.summary
    result, interval, moved = summary["result"], summary["interval"], summary["sensitivity"]
    video = summary["video"]
    length = "" if video["duration"] is None else f", {video['duration']:.1f} s"
    band = f"{moved['grid_low']:.2f} to {moved['grid_high']:.2f}"
    headline = (
        f"{video['name']}{length}: video score {result['video']:.2f} of 1 to 5 by {summary['model']} and "
        f"{summary['concept_set']}; {_interval(interval)}; {band} over 90 % "
        f"of {moved['combinations']} combinations of choices"
    )
    parts: list[Table | str] = [
        headline,
        _made_of(artifact.spec, result),
        _sensitivity(moved),
        *(f"note: {note}" for note in summary["notes"]),
        f"stored as {artifact.reference}",
    ]
    return Report({"artifact": artifact.reference, "spec": artifact.spec, **summary}, parts)


def _interval(interval: dict[str, Any]) -> str:
    if interval["low"] is None:
        return "too few frames for an interval over time"
    return f"{interval['low']:.2f} to {interval['high']:.2f} over time (95 %)"


def _made_of(spec: dict[str, Any], result: dict[str, Any]) -> Table:
    weights = [float(word) for word in str(spec["parts"]).split(",")]
    end, earlier, later = (weight / sum(weights) for weight in weights)
    rows: list[list[object]] = [
        ["end", f"{end:.2f}", f"{result['end']:.2f}", "", f"{end * result['end']:.2f}"],
    ]
    for name, weight in (("earlier", earlier), ("later", later)):
        peak = result[name]
        which = "highest" if peak["time"] == result["highest"]["time"] else "lowest"
        value, part = f"{peak['score']:.2f}", f"{weight * peak['score']:.2f}"
        rows.append([f"{name} peak ({which})", f"{weight:.2f}", value, f"{peak['time']:.2f} s", part])
    rows.append(["mean of frames", "", f"{result['mean']:.2f}", "", ""])
    rows.append(["median of frames", "", f"{result['median']:.2f}", "", ""])
    return Table(["part", "weight", "score", "at", "adds"], rows)


def _sensitivity(moved: dict[str, Any]) -> Table:
    rows = [
        [choice["group"], choice["name"], f"{choice['video']:.2f}", f"{choice['change']:+.2f}"]
        for choice in moved["choices"]
    ]
    return Table(["choice", "instead", "video score", "change"], rows, "One choice changed at a time")


def score_table(artifact: Artifact) -> Report:
    """Report videos and models side by side, and each model's mean absolute error against the reported scores."""
    summary = artifact.summary
    rows = [
        [
            row["video"],
            row["model"],
            decimals(row["reported"], 2),
            decimals(row["computed"], 2) or "not scored",
            decimals(row["error"], 2),
        ]
        for row in summary["rows"]
    ]
    parts: list[Table | str] = [Table(["video", "model", "reported", "computed", "error"], rows)]
    if any(model["videos"] for model in summary["models"]):
        errors = [
            [
                model["model"],
                model["videos"],
                decimals(model["mae"], 2),
                f"{model['low']:.2f} to {model['high']:.2f}" if model["low"] is not None else "",
                "" if model["bias"] is None else f"{model['bias']:+.2f}",
                decimals(model["rank"], 2),
            ]
            for model in summary["models"]
        ]
        head = ["model", "videos", "mean absolute error", "95 % interval", "bias", "rank correlation"]
        parts.append(Table(head, errors))
    parts += [*(f"note: {note}" for note in summary["notes"]), f"stored as {artifact.reference}"]
    return Report({"artifact": artifact.reference, "spec": artifact.spec, **summary}, parts)
