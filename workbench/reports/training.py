"""The report of learned prompts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.reports.base import Report, Table, decimals, interval, points
from workbench.store import Artifact

_HEAD = ["", "images", "accuracy", "macro F1", "top-3", "ECE"]
_SHOWN = 12


def coop(artifact: Artifact) -> Report:
    """Report learned prompts: the course of learning, figures between their bounds, and the nearest words."""
    from workbench.studies.learned_prompts import open_coop

    found = open_coop(artifact)
    spec = found.spec
    judged = {"zero-shot": found.bounds["zero-shot"], "learned prompts": found.summary}
    judged["linear probe"] = found.bounds["linear probe"]
    rows = [[name, *_evaluated(each["reported"])] for name, each in judged.items()]
    apart = [[name, *_evaluated(each["unseen"])] for name, each in judged.items() if each["unseen"]]
    few = f", {spec.shots} of each class" if spec.shots else ""
    begin = f"beginning as {spec.words!r}" if spec.words else "beginning at random"
    own = "one context for each class" if spec.context == "class" else "one context for all classes"
    parts: list[Table | str] = [
        f"{found.length} vectors, {own}, {begin}, the name at the {spec.position}: {found.parameters:,} numbers"
        f", learned from {found.images:,} images of {spec.train}{few} in {found.seconds:.1f} s; epoch "
        f"{found.best_epoch} of {len(found.curve) - 1} was kept, by {spec.tune_on}",
        Table(["", "epoch", "loss (nats)", f"{spec.tune_on} (%)", "log loss (nats)"], _course(found), "Learning"),
        Table(_HEAD, rows, f"Reported once, on {spec.report_on}; percent with 95 % bootstrap interval"),
        Table(_HEAD, apart, "The same without copies of training images"),
        _against("zero-shot", found.against_zero_shot),
        _against("the linear probe", found.against_probe),
        Table(["", "vector", "length", "random", "nearest words, with distance"], _words(found), _judged_by(found)),
        f"use them: workbench classify {spec.dataset} --clip {spec.clip} --concepts {found.model}\n"
        f"      or: workbench predict {spec.dataset} --model {found.model}",
    ]
    values: dict[str, Any] = {"artifact": artifact.reference, "spec": artifact.spec, **artifact.summary}
    return Report(values, [*parts, *(f"note: {note}" for note in found.notes), f"stored as {artifact.reference}"])


def _course(found: Any) -> list[list[object]]:
    """Return a dozen epochs of the curve, the first, the kept and the last among them."""
    last = len(found.curve) - 1
    every = max(1, -(-last // _SHOWN))
    kept = {*range(0, last, every), found.best_epoch, last}
    return [
        ["*" if each["epoch"] == found.best_epoch else "", int(each["epoch"]), decimals(each["loss"]),
         f"{100 * each['accuracy']:.1f}", decimals(each["log_loss"])]
        for place, each in enumerate(found.curve) if place in kept
    ]  # fmt: skip


def _words(found: Any) -> list[list[object]]:
    rows: list[list[object]] = []
    for each in found.vectors:
        near = ", ".join(f"{word['word']} {word['distance']:.2f}" for word in each["words"])
        mark = "*" if each["words"][0]["distance"] < each["chance"] else ""
        name = f"{each['class']} {each['place']}".strip()
        rows.append([mark, name, decimals(each["norm"], 2), decimals(each["chance"], 2), near])
    return rows


def _judged_by(found: Any) -> str:
    far = found.word_distances
    return (
        f"What stands near each vector. A word is {far['median']:.2f} from its own nearest word ({far['low']:.2f} to "
        f"{far['high']:.2f} for 90 %) and {far['norm']:.2f} long; only a vector marked * is nearer to a word than 20 "
        "random vectors of its length"
    )


def _against(what: str, comparison: Any) -> str:
    value, low, high = (points(each) for each in comparison.changes["accuracy"].difference)
    test = comparison.mcnemar
    p = "under 0.001" if test.p < 0.001 else decimals(test.p)
    return (
        f"against {what} on the same images: {value} points ({low} to {high}); {test.gained:,} images only these have "
        f"right, {test.lost:,} only {what}, p {p}: {comparison.conclusion}"
    )


def _evaluated(found: Mapping[str, Any]) -> list[object]:
    third = found["top_k_accuracy"].get("3")
    figures = [found["accuracy"], found["macro_f1"], third, found["calibration"]["error"]]
    return [found["images"], *(interval(each) if each else "" for each in figures)]
