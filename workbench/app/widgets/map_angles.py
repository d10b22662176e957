"""Which classes are opposite and which are close, in the full space, for images and for texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import streamlit as st

from workbench.app import map_words, maps
from workbench.app.browse import csv_bytes
from workbench.app.session import View
from workbench.app.text import count, plain
from workbench.app.widgets import notices
from workbench.app.widgets.form_popover import form_popover
from workbench.app.widgets.map_form import angles_form
from workbench.app.widgets.metrics import CHART
from workbench.app.widgets.report_button import report_button
from workbench.data.datasets import Dataset
from workbench.figures.angles import angle_agreement, angle_tables
from workbench.store import Artifact

if TYPE_CHECKING:
    from workbench.studies.angles import Angles

COLUMNS = tuple(f"{kind}{end}" for kind in ("images", "texts") for end in ("", "_low", "_high"))
"""The tables of angles by their names."""
TILE = 198
"""Width of a number over the tables, in CSS pixels."""
PAIRS = {"opposite": "Most opposite", "closest": "Closest"}


def draw_angles(view: View, dataset: Dataset) -> None:
    """Draw the angles the view names, else the newest; without any, the form that measures them.

    Raises
    ------
    SpecError
        The view names angles that the dataset does not have.
    """
    found = maps.stored("angles", dataset.name)
    if not found:
        st.info(
            "The angles between the classes have not been measured yet. They say, in the full space and not on the "
            "plane, which classes are opposite and which are close, for images and for texts.",
            icon=":material/architecture:",
        )
        with st.container(border=True):
            angles_form(dataset)
        return
    opened = maps.open_angles(dataset.name, view["angles"] or found[0].name)
    by_name = {run.name: run for run in found}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Angles",
            list(by_name),
            width=430,
            format_func=lambda name: angles_title(by_name[name]),
            help=map_words.ANGLES["angle"],
            **view.bind("angles", opened.artifact.name),
        )
        with form_popover("New angles", "new angles"):
            angles_form(dataset)
    notices.notes(opened.notes)
    headline(opened)
    draw_tables(view, opened)


def angles_title(run: Artifact) -> str:
    """Return angles in words: CLIP, concept set and images."""
    spec = run.spec
    return f"{spec['clip']} · {spec['concepts']} · {'all images' if spec['split'] == 'all' else spec['split']}"


def headline(found: Angles) -> None:
    """Draw the extreme pairs of images and of texts, and whether both order the pairs alike."""
    row = st.container(horizontal=True, gap="small")
    pairs = [(kind, which) for kind in ("images", "texts") for which in PAIRS]
    for kind, which in pairs:
        pair = found.extremes[kind][which]
        names = " – ".join(str(name) for name in pair["classes"])
        below = f"{pair['angle']:.0f}°{_span(pair)}"
        row.metric(
            f"{PAIRS[which]} {kind}",
            names,
            below,
            delta_color="off",
            delta_arrow="off",
            width=TILE,
            help=f"{plain(names)}. {map_words.ANGLES['pair']} In {pair['share']:.0%} of the resamples it was this very "
            "pair.",
        )
    agreement = found.agreement
    known = agreement["spearman"] is not None
    row.metric(
        "Do texts agree?",
        f"{agreement['spearman']:+.2f}" if known else "–",
        f"p {_p(agreement['p'])}" if known and agreement["p"] is not None else "cannot be said",
        delta_color="off",
        delta_arrow="off",
        width=TILE,
        help=map_words.ANGLES["agreement"],
    )


def draw_tables(view: View, found: Angles) -> None:
    """Draw the tables side by side, every pair by both its angles, and offer the numbers."""
    images = (found.images, found.images_low, found.images_high)
    texts = (found.texts, found.texts_low, found.texts_high)
    st.plotly_chart(
        angle_tables(found.classes, images, texts, found.unrelated), key=view.key("angle tables"), config=CHART
    )
    st.caption(map_words.ANGLES["table"].format(unrelated=f"{found.unrelated:.0f}°", classes=len(found.classes)))
    st.plotly_chart(
        angle_agreement(found.classes, images, texts, found.unrelated), key=view.key("angle pairs"), config=CHART
    )
    sizes = ", ".join(
        f"{plain(name)} {count(number)}" for name, number in zip(found.classes, found.counts, strict=True)
    )
    st.caption(f"Images of each class: {sizes}.")
    st.download_button(
        "Angles as CSV",
        lambda: csv_bytes(("class", "other", *COLUMNS), lines(found)),
        f"{found.spec.dataset}-angles.csv",
        "text/csv",
        key=view.key("angles csv"),
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
    )
    report_button(found.artifact)


def lines(found: Angles) -> Iterator[list[object]]:
    """Give every pair of classes with its angles and their intervals, in degrees."""
    tables = [getattr(found, name) for name in COLUMNS]
    for i, name in enumerate(found.classes):
        for j, other in enumerate(found.classes[:i]):
            yield [other, name, *(f"{table[i, j]:.3f}" if table[i, j] == table[i, j] else "" for table in tables)]


def _span(pair: Any) -> str:
    return "" if pair["low"] is None else f", {pair['low']:.0f} to {pair['high']:.0f}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
