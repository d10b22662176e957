"""A stored ladder: the table of its ways to classify, one of them opened, and the figure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import streamlit as st

from workbench.app import ladder_words as words
from workbench.app import ladders, training_words
from workbench.app.browse import csv_bytes
from workbench.app.components.model_table import Column, ModelRow, model_table
from workbench.app.session import View
from workbench.app.text import interval, percent, plain
from workbench.app.widgets import notices
from workbench.app.widgets.metrics import CHART
from workbench.app.widgets.report_button import report_button
from workbench.app.widgets.training_list import next_order
from workbench.data.datasets import Dataset
from workbench.errors import unknown_name
from workbench.figures.ladder import ladder as figure

if TYPE_CHECKING:
    from workbench.methods.bootstrap import Estimate
    from workbench.studies.standings import Ladder, Standing

NUMBERS = [name for name in words.COLUMNS if name not in ("name", "plot")]
"""The columns of numbers."""
PAGES = {"probe": notices.TRAINING, "coop": notices.TRAINING, "trained": notices.TRAINING}
"""Where each kind of trained classifier is looked into."""


def draw_ladder(view: View, dataset: Dataset, found: Ladder) -> None:
    """Draw a ladder; a click in the table sets the view's ``rung``, a heading its ``sort``.

    Raises
    ------
    SpecError
        The view names an order or a way to classify that is not there.
    """
    st.success(f"**{plain(_capital(found.sentence))}**", icon=":material/leaderboard:")
    if ladders.is_stale(found, dataset.fingerprint):
        st.warning(f"{plain(dataset.name)} has changed since this ladder was made; run it again.")
    notices.notes(found.notes)
    draw_table(view, found)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.caption("Choose a row to see who reported what of it elsewhere, and to look into it.")
        st.download_button(
            "Table as CSV",
            lambda: csv(found),
            f"{found.artifact.name}.csv",
            "text/csv",
            key=view.key("csv"),
            type="tertiary",
            icon=":material/download:",
            on_click="ignore",
        )
        report_button(found.artifact)
    opened = {each.name: each for each in found.standings}
    if view["rung"]:
        if view["rung"] not in opened:
            raise unknown_name("way to classify in this ladder", view["rung"], opened)
        draw_opened(dataset, found, opened[view["rung"]])
    st.plotly_chart(
        figure([each.line for each in found.standings], found.commonest), key=view.key("figure"), config=CHART
    )
    st.caption(words.FIGURE)


def draw_table(view: View, found: Ladder) -> None:
    """Draw every way to classify as a row."""
    order = view["sort"]
    if order.removeprefix("-") not in (*NUMBERS, "name"):
        raise unknown_name("sort", order, [*NUMBERS, "name"])
    columns = [
        Column(title, "" if name == "plot" else name, help_text, width)
        for name, (title, width, help_text) in words.COLUMNS.items()
    ]
    model_table(
        columns,
        [_row(each) for each in ordered(found, order)],
        key=view.key("table"),
        order=order,
        chosen=view["rung"],
        on_sort=lambda: view.set(sort=next_order(order, str(view.event("table", "sort")))),
        on_choose=lambda: view.set(rung=str(view.event("table", "choose"))),
        whole=True,
    )


def ordered(found: Ladder, order: str) -> list[Standing]:
    """Return the ways in an order, those without the number last."""
    name, falling = order.removeprefix("-"), order.startswith("-")
    if name == "name":
        return sorted(found.standings, key=lambda each: each.rung.title, reverse=falling)

    def place(each: Standing) -> tuple[bool, float]:
        value = numbers(each)[name]
        return math.isnan(value), -value if falling else value

    return sorted(found.standings, key=place)


def numbers(each: Standing) -> dict[str, float]:
    """Return a way's number in each column; NaN where there is none."""
    elsewhere = [published.percent for published in each.rung.published]
    return {
        "accuracy": each.accuracy.value,
        "behind": each.behind.value,
        "unseen": each.unseen.value if each.unseen else math.nan,
        "f1": each.macro_f1.value,
        "top3": each.top_3.value,
        "ece": each.ece.value,
        "parameters": math.nan if each.parameters is None else each.parameters,
        "seconds": math.nan if each.seconds is None else each.seconds,
        "rate": each.rate,
        "elsewhere": max(elsewhere, default=math.nan),
    }


def _row(each: Standing) -> ModelRow:
    rung = each.rung
    seeds = f", {each.seeds} seeds" if each.seeds > 1 else ""
    return ModelRow(
        each.name,
        rung.title,
        f"{rung.family}{seeds}",
        each.accuracy.value,
        each.accuracy.low,
        each.accuracy.high,
        each.unseen.value if each.unseen else None,
        tuple(_cells(each)[name] for name in NUMBERS),
        f"{rung.title}: {percent(each.accuracy.value)} right",
        hint=each.made,
    )


def _cells(each: Standing) -> dict[str, tuple[str, str]]:
    elsewhere = [published.percent for published in each.rung.published]
    shares = {
        "accuracy": each.accuracy,
        "unseen": each.unseen,
        "f1": each.macro_f1,
        "top3": each.top_3,
        "ece": each.ece,
    }
    behind = any(each.behind)
    return {
        **{name: (percent(found.value), _span(found)) if found else ("–", "") for name, found in shares.items()},
        "behind": (f"{100 * each.behind.value:+.1f}", _between(each.behind)) if behind else ("best", ""),
        "parameters": _kept(each),
        "seconds": (training_words.lasted(numbers(each)["seconds"]), ""),
        "rate": (f"{each.rate:,.0f}", ""),
        "elsewhere": (_range(elsewhere), ""),
    }


def _kept(each: Standing) -> tuple[str, str]:
    """Return how many numbers are kept: one where all seeds agree, else the fewest and below it the most."""
    if each.fewest is not None and each.most is not None and each.fewest < each.most:
        return training_words.short(each.fewest), f"to {training_words.short(each.most)}"
    known_of_all = each.parameters is None or each.most is not None or each.seeds == 1
    return training_words.short(numbers(each)["parameters"]), "" if known_of_all else "on average"


def _span(found: Estimate) -> str:
    return interval(found._asdict()).removesuffix(" %").replace(" to ", "–")


def _between(found: Estimate) -> str:
    return f"{100 * found.low:+.1f} to {100 * found.high:+.1f}"


def _range(reported: list[float]) -> str:
    if not reported:
        return "–"
    low, high = min(reported), max(reported)
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"


def draw_opened(dataset: Dataset, found: Ladder, each: Standing) -> None:
    """Draw one way to classify: what was reported of it, and where it is looked into."""
    kind, _, name = each.made.partition("/")
    with st.container(border=True):
        st.markdown(f"**{plain(_capital(each.rung.title))}**")
        if each.seeds > 1:
            st.caption(f"{each.seeds} seeds: from {percent(each.lowest)} to {percent(each.highest)}.")
        told = [f"{published.percent:g} %: {published.source}" for published in each.rung.published]
        st.caption("Reported elsewhere: " + plain("; ".join(told)) if told else "Not reported elsewhere.")
        with st.container(horizontal=True, gap="medium"):
            link = {"dataset": dataset.name, "run": each.run, "split": found.spec.report_on}
            st.page_link(
                notices.CONFUSIONS, label="Its errors, face by face", icon=":material/grid_on:", query_params=link
            )
            if kind in PAGES:
                model = {"dataset": dataset.name, "model": f"{kind}:{name}"}
                st.page_link(PAGES[kind], label="How it learned", icon=":material/model_training:", query_params=model)
            best = found.standings[0]
            if each.run != best.run:
                pair = {"dataset": dataset.name, "tab": "compare", "first": best.run, "second": each.run}
                st.page_link(
                    notices.LADDER,
                    label=f"Against {best.rung.title}",
                    icon=":material/compare:",
                    query_params={**pair, "against": found.spec.report_on},
                )


def csv(found: Ladder) -> bytes:
    """Return the ladder as a CSV file, shares 0..1."""
    estimates = ("accuracy", "top_3", "macro_f1", "ece", "unseen", "behind")
    spread = [f"{name}{end}" for name in estimates for end in ("", "_low", "_high")]
    costs = ["parameters", "seconds", "images_per_second"]
    head = ["way", "title", "family", "seeds", *spread, *costs, "stored_as", "classification", "reported_elsewhere"]
    lines = []
    for each in found.standings:
        numbers: list[object] = []
        for name in estimates:
            numbers += getattr(each, name) or ("", "", "")
        told = "; ".join(f"{published.percent:g} ({published.source})" for published in each.rung.published)
        costs_here = [each.parameters, each.seconds, each.rate]
        lines.append(
            [each.name, each.rung.title, each.rung.family, each.seeds, *numbers, *costs_here, each.made, each.run, told]
        )
    return csv_bytes(head, lines)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
