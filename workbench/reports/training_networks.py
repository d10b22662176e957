"""Report of a network that was trained here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.reports.base import Report, Table, decimals, interval
from workbench.store import Artifact

_SHOWN = 12
"""Epochs listed at most: the first, the last, the one chosen, and others at equal steps."""


def trained(artifact: Artifact) -> Report:
    """Report a trained network: how it went epoch by epoch, which one was kept, and its figures."""
    from workbench.studies.trained import open_trained

    found = open_trained(artifact)
    spec = found.spec
    step = max(1, len(found.curve) // _SHOWN)
    curve = [
        ["*" if each.epoch == found.chosen_epoch else "", each.epoch, f"{each.rate:g}", decimals(each.train_loss),
         decimals(each.validation_loss), f"{100 * each.accuracy:.1f}", decimals(each.seconds, 1)]
        for each in found.curve
        if each.epoch in (1, found.chosen_epoch, len(found.curve)) or each.epoch % step == 0
    ]  # fmt: skip
    views = "ten views averaged" if found.crops == 10 else "one view"
    reported = [[views, *_evaluated(found.reported)]]
    if found.one_view is not None:
        reported.append(["one view", *_evaluated(found.one_view)])
    if found.unseen is not None:
        reported.append([f"{views}, without copies of training images", *_evaluated(found.unseen)])
    stop = "stopped early" if found.early else "as many as asked for"
    head = ["", "epoch", "rate", "loss (nats)", f"loss on {spec.tune_on}", "accuracy (%)", "seconds"]
    parts: list[Table | str] = [
        f"{found.network}: learned from {found.images:,} images of {spec.train} in {found.seconds:,.0f} s, "
        f"{found.parameters:,} numbers; epoch {found.chosen_epoch} of {len(found.curve)} ({stop}) was chosen on "
        f"{spec.tune_on}; it answers {found.images_per_second:,.0f} images/s on {found.summary['device']}",
        Table(head, curve, f"The training, seen on {spec.tune_on}"),
        Table(
            ["", "images", "accuracy", "macro F1", "top-3", "ECE"],
            reported,
            f"Reported once, on {spec.report_on}; percent with 95 % bootstrap interval",
        ),
        f"use it: workbench predict {spec.dataset} --model {found.model}; look into it: workbench dissect "
        f"{spec.dataset} --target {found.model}",
    ]
    values: dict[str, Any] = {"artifact": artifact.reference, "spec": artifact.spec, **artifact.summary}
    return Report(values, [*parts, *(f"note: {note}" for note in found.notes), f"stored as {artifact.reference}"])


def _evaluated(found: Mapping[str, Any]) -> list[object]:
    third = found["top_k_accuracy"].get("3")
    figures = [found["accuracy"], found["macro_f1"], third, found["calibration"]["error"]]
    return [found["images"], *(interval(each) if each else "" for each in figures)]
