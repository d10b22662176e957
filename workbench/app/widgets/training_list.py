"""The table of a dataset's trained classifiers: sorted by a heading, one chosen by a click."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workbench.app import training
from workbench.app import training_words as words
from workbench.app.components.model_table import Column, ModelRow, model_table
from workbench.app.session import View
from workbench.app.text import interval, percent, several
from workbench.app.training import Spread
from workbench.errors import unknown_name
from workbench.store import Artifact

NUMBERS = [name for name in words.COLUMNS if name not in ("name", "plot")]
"""The columns of numbers."""
FIRST = ("epochs", "rate", "optimizer")
"""What is told first of classifiers that are called the same."""


def draw_list(view: View, found: Sequence[Artifact], fingerprint: str, chosen: str) -> None:
    """Draw the table; a click sets the view's ``model``, a heading its ``sort``.

    Raises
    ------
    SpecError
        The view's order is none.
    """
    order = view["sort"]
    if order.removeprefix("-") not in (*NUMBERS, "name"):
        raise unknown_name("sort", order, [*NUMBERS, "name"])
    apart = told_apart(found)
    rows = [row for runs in ordered(found, order) for row in rows_of(runs, fingerprint, apart[runs[0].name])]
    columns = [
        Column(title, "" if name == "plot" else name, help_text, width)
        for name, (title, width, help_text) in words.COLUMNS.items()
    ]
    model_table(
        columns,
        rows,
        key=view.key("table"),
        order=order,
        chosen=chosen,
        show=bool(view["model"]),
        on_sort=lambda: view.set(sort=next_order(order, str(view.event("table", "sort")))),
        on_choose=lambda: view.set(model=str(view.event("table", "choose"))),
    )


def ordered(found: Sequence[Artifact], order: str) -> list[tuple[Artifact, ...]]:
    """Return the groups of classifiers in an order, those without the number last."""
    name, falling = order.removeprefix("-"), order.startswith("-")

    def place(runs: tuple[Artifact, ...]) -> tuple[bool, float]:
        value = training.spreads(runs)[name].mean
        return value != value, -value if falling else value

    together = training.groups(found)
    if name == "name":
        return sorted(together, key=lambda runs: title_of(runs[0]), reverse=falling)
    return sorted(together, key=place)


def next_order(order: str, name: str) -> str:
    """Return the order after a click on the heading ``name``: the other way round where it is sorted by already."""
    if order.removeprefix("-") == name:
        return name if order.startswith("-") else f"-{name}"
    return name if name in words.RISING else f"-{name}"


def title_of(run: Artifact) -> str:
    """Return a classifier in words: what it is and what it saw."""
    return f"{words.kind_of(run.kind, run.spec)}, {words.saw(run.kind, run.spec)}"


def told_apart(found: Sequence[Artifact]) -> dict[str, str]:
    """Return by a classifier's name what it was asked for otherwise than others that are called the same, in words."""
    alike: dict[str, list[Artifact]] = {}
    for run in found:
        alike.setdefault(title_of(run), []).append(run)
    told = {}
    for runs in alike.values():
        asked = [{name: str(value) for name, value in run.spec.items() if name != "seed"} for run in runs]
        names = dict.fromkeys([*FIRST, *asked[0]])
        differing = [name for name in names if len({each.get(name) for each in asked}) > 1]
        for run, each in zip(runs, asked, strict=True):
            told[run.name] = ", ".join(f"{name.replace('_', ' ')} {each.get(name) or '–'}" for name in differing)
    return told


def rows_of(runs: Sequence[Artifact], fingerprint: str, apart: str = "") -> list[ModelRow]:
    """Return the rows of classifiers that differ in their seed alone: where there are several, their mean on top.

    ``apart`` says what tells them from others that are called the same.
    """
    if len(runs) == 1:
        return [row_of(runs[0], fingerprint, apart)]
    return [mean_row(runs, fingerprint, apart), *(row_of(run, fingerprint, inside=True) for run in runs)]


def row_of(run: Artifact, fingerprint: str, apart: str = "", inside: bool = False) -> ModelRow:
    """Return the row of one classifier."""
    found, summary = training.measures(run), run.summary
    accuracy, unseen = summary["reported"]["accuracy"], summary.get("unseen")
    notes = {"accuracy": interval(accuracy), "unseen": interval(unseen["accuracy"]) if unseen else ""}
    name = f"seed {run.spec['seed']}" if inside else words.kind_of(run.kind, run.spec)
    return ModelRow(
        training.model_of(run),
        name,
        "" if inside else " · ".join(part for part in (words.saw(run.kind, run.spec), apart) if part),
        accuracy["value"],
        accuracy["low"],
        accuracy["high"],
        unseen["accuracy"]["value"] if unseen else None,
        cells(found, notes),
        f"{title_of(run)}, seed {run.spec['seed']}: {percent(accuracy['value'])} right on {run.spec['report_on']}",
        inside=inside,
        muted=training.is_stale(run, fingerprint),
        hint=", ".join(
            part for part in (training.model_of(run), apart, f"reported on {run.spec['report_on']}") if part
        ),
    )


def mean_row(runs: Sequence[Artifact], fingerprint: str, apart: str = "") -> ModelRow:
    """Return the row over several seeds: means, and ranges below them; it chooses the first of them."""
    found, run = training.spreads(runs), runs[0]
    accuracy, unseen = found["accuracy"], found["unseen"].mean
    notes = {name: span(found[name]) for name in ("accuracy", "unseen")}
    return ModelRow(
        training.model_of(run),
        words.kind_of(run.kind, run.spec),
        " · ".join(
            part for part in (words.saw(run.kind, run.spec), f"mean of {several(len(runs), 'seed')}", apart) if part
        ),
        accuracy.mean,
        accuracy.low,
        accuracy.high,
        None if unseen != unseen else unseen,
        cells({name: each.mean for name, each in found.items()}, notes),
        f"{title_of(run)}: {percent(accuracy.mean)} right on {run.spec['report_on']}, mean of {len(runs)} seeds",
        group=True,
        hint=apart,
        muted=training.is_stale(run, fingerprint),
    )


def span(found: Spread) -> str:
    """Return the range of shares over seeds in percent; no interval, and said so."""
    return "" if found.mean != found.mean else f"seeds {interval({'low': found.low, 'high': found.high})}"


def cells(found: Mapping[str, float], notes: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the texts of a row's cells with the notes below them."""
    texts: dict[str, Callable[[float], Any]] = {
        **dict.fromkeys(("accuracy", "unseen", "f1", "top3", "ece"), percent),
        **dict.fromkeys(("images", "parameters"), words.short),
        "seconds": words.lasted,
        "made": lambda seconds: time.strftime("%d %b", time.localtime(seconds)),
    }
    return tuple((str(texts[name](found[name])), note_of(name, found, notes)) for name in NUMBERS)


def note_of(name: str, found: Mapping[str, float], notes: Mapping[str, str]) -> str:
    """Return what stands below a cell's text."""
    if name == "made":
        return time.strftime("%H:%M", time.localtime(found[name]))
    return notes.get(name, "").removesuffix(" %").replace(" to ", "–")
