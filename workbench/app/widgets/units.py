"""The table of a dissection's units with its filters, and a short list of units with links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import numpy as np
import streamlit as st

from workbench.app import definitions, session
from workbench.app.browse import page_of
from workbench.app.components.unit_links import UnitLink
from workbench.app.components.unit_table import Cell, Column, Row, unit_table
from workbench.app.routes import sheet_address
from workbench.app.session import View
from workbench.app.text import count
from workbench.app.unit_words import NO_LABEL, concept_colours, decimal, label_of, match_of, small
from workbench.app.units import (
    BY,
    UNITS_A_PAGE,
    UnitChoice,
    Units,
    best_emotions,
    chosen_units,
    default_order,
    unit_name,
    units_csv,
)
from workbench.data.datasets import Dataset
from workbench.figures.theme import UNKNOWN, class_colours

if TYPE_CHECKING:
    from workbench.studies.dissection import Dissection

ANY = ""
PICTURES = 5
"""Faces shown of each unit."""
RISING = ("layer", "unit", "label", "q")
"""What a first click on the heading sorts from the lowest; all else from the highest."""
COLUMNS = {
    "layer": ("layer", "60px", False),
    "unit": ("unit", "46px", True),
    "label": ("label", "auto", False),
    "similarity": ("similarity", "72px", True),
    "lead": ("runner-up", "138px", False),
    "q": ("q", "58px", True),
    "stability": ("stability", "62px", True),
    "faithfulness": ("held-out r", "82px", True),
    "accuracy": ("accuracy", "64px", True),
    "emotion": ("emotion", "108px", False),
    "truth": ("truth", "58px", True),
}
"""Heading, width and alignment of each column, by what it sorts by."""


def read_choice(view: View) -> UnitChoice:
    """Return which units the view means."""
    labelled = bool(view["labelled"])
    return UnitChoice(view["layer"], view["concept"], view["emotion"], view["by"], labelled, view["search"])


def listed_units(view: View, dissection: Dissection) -> Units:
    """Return the units the view means, in its order.

    Raises
    ------
    SpecError
        It names a layer, concept, emotion or order there is not.
    """
    choice = read_choice(view)
    return chosen_units(dissection, choice, view["sort"] or default_order(choice))


def draw_units(view: View, dataset: Dataset, dissection: Dissection) -> None:
    """Draw filters and table; opening a row sets the view's ``unit``."""
    choice = read_choice(view)
    order = view["sort"] or default_order(choice)
    units = listed_units(view, dissection)
    draw_filters(view, dissection, choice)
    shown, page, pages = page_of(units, (view.number("units") or 1) - 1, UNITS_A_PAGE)

    def turn(change: int) -> None:
        view.set(units=str(min(max(1, page + 1 + change), pages)))

    def sort() -> None:
        view.set(sort=next_order(order, str(view.event("table", "sort"))))

    draw_bar(view, dissection, units, (page, pages), turn)
    pictures = min(PICTURES, dissection.top.shape[1])
    unit_table(
        make_columns(dissection, choice),
        make_rows(dissection, shown, choice),
        sheet_address(dataset, dissection.top[shown, :pictures].ravel()),
        pictures,
        key=view.key("table"),
        order=order,
        opened=str(session.recall("opened unit") or ""),
        on_sort=sort,
        on_open=lambda: open_unit(view, str(view.event("table", "open"))),
        on_turn=lambda: turn(int(view.event("table", "turn"))),
    )


def open_unit(view: View, unit: str) -> None:
    """Go to a unit's page."""
    session.remember("opened unit", unit)
    view.set(unit=unit)


def next_order(order: str, name: str) -> str:
    """Return the order after a click on the heading ``name``: the other way round where it is sorted by already."""
    if order.removeprefix("-") == name:
        return name if order.startswith("-") else f"-{name}"
    return name if name in RISING else f"-{name}"


def draw_filters(view: View, dissection: Dissection, choice: UnitChoice) -> None:
    """Draw the filters over the table."""
    columns = st.columns([4, 3, 4, 3, 3, 3], gap="small", vertical_alignment="bottom")
    columns[0].text_input(
        "Search",
        placeholder="smile, happy, lin1 or lin1:42",
        icon=":material/search:",
        help="Part of a concept's or an emotion's name, a layer, or a unit.",
        **view.bind("search"),
    )
    named = (("Layer", "layer", dissection.layers), ("Concept", "concept", sorted(dissection.concepts)))
    for column, (title, name, valid) in zip(columns[1:3], named, strict=True):
        column.selectbox(title, [ANY, *valid], format_func=_or_any, **view.bind(name))
    columns[3].selectbox("Emotion", [ANY, *dissection.classes], format_func=_or_any, **view.bind("emotion"))
    columns[4].selectbox(
        "Units for it",
        list(BY),
        format_func=BY.__getitem__,
        disabled=not choice.emotion,
        help="What choosing an emotion keeps; they are ranked by the AUROC for it.",
        **view.bind("by"),
    )
    columns[5].toggle("Label holds", help=definitions.UNITS["label"], **view.switch("labelled"))


def draw_bar(
    view: View, dissection: Dissection, units: Units, place: tuple[int, int], turn: Callable[[int], None]
) -> None:
    """Draw how many units there are, the turning buttons and the export."""
    page, pages = place
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        first = page * UNITS_A_PAGE + 1
        last = min(first + UNITS_A_PAGE - 1, len(units))
        span = f"{count(first)}–{count(last)} of " if pages > 1 else ""
        st.markdown(f"**{span}{count(len(units))}** {'unit' if len(units) == 1 else 'units'}", width="stretch")
        if pages > 1:
            back, on = ":material/chevron_left:", ":material/chevron_right:"
            words = "Page before (Page Up)", "Page after (Page Down)"
            st.button(back, key=view.key("back"), on_click=turn, args=(-1,), disabled=page == 0, help=words[0])
            st.caption(f"{page + 1} / {pages}", width="content")
            st.button(on, key=view.key("on"), on_click=turn, args=(1,), disabled=page + 1 == pages, help=words[1])
        st.download_button(
            "CSV",
            lambda: units_csv(dissection, units),
            f"{dissection.artifact.name}-units.csv",
            "text/csv",
            key=view.key("csv"),
            icon=":material/download:",
            help="All these units with all their evidence.",
            disabled=not len(units),
            on_click="ignore",
        )


def make_columns(dissection: Dissection, choice: UnitChoice) -> list[Column]:
    """Return the table's headings; the truth has one only where it is known."""
    found = []
    for order, (title, width, right) in COLUMNS.items():
        if order != "truth" or not np.isnan(dissection.truth_auroc).all():
            named = f"for {choice.emotion}" if order == "emotion" and choice.emotion else title
            found.append(Column(named, order, definitions.UNITS[order], width, right))
    return found


def make_rows(dissection: Dissection, shown: Units, choice: UnitChoice) -> list[Row]:
    """Return the table's lines for the units ``shown``."""
    colours = class_colours(dissection.classes)
    spoken = concept_colours(dissection)
    emotions, aurocs = best_emotions(dissection)
    if choice.emotion:
        place = dissection.classes.index(choice.emotion)
        emotions, aurocs = np.full_like(emotions, place), dissection.selectivity[:, place]
    truth = not np.isnan(dissection.truth_auroc).all()
    rows = []
    for number in shown.tolist():
        name = unit_name(dissection, number)
        emotion = dissection.classes[int(emotions[number])] if emotions[number] >= 0 else ""
        auroc = float(aurocs[number])
        cells = [
            Cell(name.rpartition(":")[0]),
            Cell(str(int(dissection.unit[number]))),
            label_cell(dissection, number, spoken),
            *evidence_cells(dissection, number),
            Cell(
                f"{emotion or '–'} {decimal(auroc) if emotion else ''}",
                colours=(colours.get(emotion, UNKNOWN),),
                share=None if auroc != auroc else max(0.0, auroc - 0.5) * 2,
            ),
        ]
        if truth:
            cells.append(Cell(decimal(float(dissection.truth_auroc[number]))))
        words = f"{name}: {label_of(dissection, number)}, most selective for {emotion or 'no class'} {decimal(auroc)}"
        rows.append(Row(name, unit_link(dissection, name), words, cells))
    return rows


def label_cell(dissection: Dissection, number: int, spoken: Sequence[tuple[str, ...]]) -> Cell:
    """Return the label; where it does not hold, that there is none and what fits best."""
    match = match_of(dissection, number)
    if dissection.holds[number]:
        return Cell(match, colours=spoken[int(dissection.label[number])], hint=match)
    words = "never changes" if dissection.constant[number] else f"would be {match}"
    return Cell(NO_LABEL, note=words, muted=True, hint=f"{NO_LABEL}: {words}")


def evidence_cells(dissection: Dissection, number: int) -> list[Cell]:
    """Return similarity, runner-up, q, stability, faithfulness and accuracy."""
    limit = float(dissection.null_limit[int(dissection.layer_index[number])])
    similarity, runner = float(dissection.similarity[number]), int(dissection.runner_up[number])
    lead = similarity - float(dissection.runner_up_similarity[number])
    second = dissection.concepts[runner] if runner >= 0 else "–"
    low, high = float(dissection.faithfulness_low[number]), float(dissection.faithfulness_high[number])
    stability, accuracy = float(dissection.stability[number]), float(dissection.accuracy[number])
    return [
        Cell(decimal(similarity), note=f"limit {decimal(limit)}", muted=not similarity > limit),
        Cell(second, note=f"{decimal(lead)} behind" if lead == lead else "", hint=second),
        Cell(small(float(dissection.q[number])), muted=not dissection.q[number] <= dissection.spec.alpha),
        Cell(decimal(stability), share=_share(stability)),
        Cell(
            decimal(float(dissection.faithfulness[number])),
            note=f"{decimal(low)} to {decimal(high)}" if low == low else "",
            muted=not low > 0,
        ),
        Cell(decimal(accuracy), share=_share(accuracy)),
    ]


def unit_link(dissection: Dissection, name: str) -> str:
    """Return the address of a unit's page, relative to any page."""
    return f"neurons?{urlencode({'run': dissection.artifact.name, 'unit': name})}"


def make_links(dissection: Dissection, units: Units, values: Sequence[tuple[str, float, str]]) -> list[UnitLink]:
    """Return a short list of units; ``values`` has for each its value, the length of its bar (0-1) and words for it."""
    spoken = concept_colours(dissection)
    found = []
    for number, (value, share, words) in zip(units.tolist(), values, strict=True):
        holds, name = bool(dissection.holds[number]), unit_name(dissection, number)
        match = match_of(dissection, number)
        label = match if holds else f"{NO_LABEL} ({match or 'never changes'})"
        colours = spoken[int(dissection.label[number])] if holds else ()
        hint = f"{name}: {label}, {words}"
        found.append(UnitLink(name, unit_link(dissection, name), label, colours, not holds, value, share, hint))
    return found


def _share(value: float) -> float | None:
    return None if value != value else min(1.0, max(0.0, value))


def _or_any(name: str) -> str:
    return name or "any"
