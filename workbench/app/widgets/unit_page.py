"""All that is known of one unit: its faces, the evidence for its label, what it tells apart and what it causes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from workbench.app import definitions
from workbench.app.browse import neighbour_in_list
from workbench.app.components import Tile
from workbench.app.components.unit_faces import unit_faces
from workbench.app.components.unit_links import unit_links
from workbench.app.routes import image_address, map_address, sheet_address
from workbench.app.session import View
from workbench.app.text import plain
from workbench.app.unit_words import concept_colours, decimal, evidence, label_of, verdict
from workbench.app.units import unit_name, unit_number
from workbench.app.widgets.metrics import CHART
from workbench.app.widgets.unit_ablation import draw_ablation
from workbench.app.widgets.unit_faces import browse_unit_faces
from workbench.app.widgets.units import listed_units, make_links, open_unit
from workbench.data.datasets import Dataset
from workbench.errors import unknown_name
from workbench.figures.dissect import class_activation, class_means, concept_evidence
from workbench.figures.theme import UNKNOWN, class_colours

if TYPE_CHECKING:
    from workbench.studies.dissection import Dissection

PARTS = {"evidence": "Evidence", "faces": "All faces by activation"}
"""The two halves of a unit's page."""
PICTURES_OF_NEAREST = 3


def draw_unit(view: View, dataset: Dataset, dissection: Dissection) -> None:
    """Draw the unit that the view names.

    Raises
    ------
    SpecError
        There is no such unit.
    """
    number = unit_number(dissection, view["unit"])
    if view["part"] not in PARTS:
        raise unknown_name("part of a unit's page", view["part"], PARTS)
    draw_head(view, dissection, number)
    if view["part"] == "faces":
        browse_unit_faces(view, dataset, dissection, number)
        return
    left, right = st.columns([7, 5], gap="large")
    with left:
        draw_top(view, dataset, dissection, number)
        draw_evidence(dissection, number)
        draw_concepts(view, dissection, number)
    with right:
        draw_classes(view, dissection, number)
        draw_ablation(view, dissection, number)
        draw_nearest(view, dataset, dissection, number)


def draw_head(view: View, dissection: Dissection, number: int) -> None:
    """Draw the way back, the unit's name and label, and the ways to its neighbours in the table."""
    units = listed_units(view, dissection)
    before, after = (neighbour_in_list(units, number, change) for change in (-1, 1))

    def go(target: int | None) -> None:
        if target is not None:
            open_unit(view, unit_name(dissection, target))

    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        back = ":material/arrow_back:"
        leave = view.set
        st.button(
            "Units", key=view.key("all units"), icon=back, on_click=leave, kwargs={"unit": "", "part": "evidence"}
        )
        name, label = plain(unit_name(dissection, number)), plain(label_of(dissection, number))
        words = f"**{label}**" if dissection.holds[number] else f":gray[{label}]"
        with st.container(key="unit-title", width="stretch"):
            st.markdown(f"### {name} · {words}")
        st.segmented_control(
            "Part",
            list(PARTS),
            required=True,
            format_func=PARTS.__getitem__,
            label_visibility="collapsed",
            **view.bind("part"),
        )
        for key, icon, target, help_ in (
            ("unit before", ":material/chevron_left:", before, "Unit before in the table"),
            ("unit after", ":material/chevron_right:", after, "Unit after in the table"),
        ):
            st.button(icon, key=view.key(key), on_click=go, args=(target,), disabled=target is None, help=help_)


def draw_top(view: View, dataset: Dataset, dissection: Dissection, number: int) -> None:
    """Draw the faces the unit is most active on; a pick shows the face among all."""
    layer = dissection.layers[int(dissection.layer_index[number])]
    spatial = len(next(row["shape"] for row in dissection.layer_table if row["layer"] == layer)) > 1
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Most activating faces**", width="stretch")
        if spatial:
            st.toggle("Activation maps", help=definitions.MAPS, **view.switch("maps"))
    rows = dissection.top[number]
    colours = class_colours(dataset.classes)
    tiles = []
    for row, value in zip(rows.tolist(), dissection.top_activations[number].tolist(), strict=True):
        label = str(dataset.labels[row])
        hint = f"{dataset.ids[row]}: labelled {label or 'nothing'}, activation {value:.4g}"
        tiles.append(Tile(row, label or "no label", f"{value:.3g}", (colours.get(label, UNKNOWN),), hint))
    maps = map_address(dissection.artifact.name, number) if spatial and view["maps"] else ""

    def pick() -> None:
        view.set(part="faces", face=str(view.event("top", "pick")))

    unit_faces(tiles, [image_address(dataset, row) for row in rows.tolist()], maps, key=view.key("top"), on_pick=pick)


def draw_evidence(dissection: Dissection, number: int) -> None:
    """Draw in words whether the label holds, and the evidence."""
    icon, colour = (":material/verified:", "blue") if dissection.holds[number] else (":material/help:", "gray")
    lines = [f"- **{plain(name)}** · {plain(words)}" for name, words in evidence(dissection, number)]
    with st.container(key="evidence", gap="xsmall"):
        st.markdown(f":{colour}[{icon}] **{plain(verdict(dissection, number))}**")
        st.markdown("\n".join(lines))


def draw_concepts(view: View, dissection: Dissection, number: int) -> None:
    """Draw the similarity with each concept against what random image sets reach."""
    if dissection.constant[number]:
        return
    layer = int(dissection.layer_index[number])
    spoken = concept_colours(dissection)
    colours = [found[0] if len(found) == 1 else "#1f7a8c" for found in spoken]
    figure = concept_evidence(
        dissection.concepts,
        dissection.similarities[number],
        (dissection.null_low[layer], dissection.null_high[layer]),
        float(dissection.null_limit[layer]),
        colours,
    )
    st.markdown("**Similarity with each concept**", help=definitions.NULL_BAND)
    st.plotly_chart(figure, key=view.key("concepts"), config=CHART)


def draw_classes(view: View, dissection: Dissection, number: int) -> None:
    """Draw how active the unit is on each class, and how well it tells it apart."""
    if dissection.constant[number] or not dissection.classes:
        return
    means, overall = dissection.class_means[number], float(dissection.mean[number])
    left, right = st.columns([3, 2], gap="small")
    left.markdown("**Selectivity by class**", help=definitions.BY_CLASS)
    values = dissection.selectivity[number], dissection.selectivity_low[number], dissection.selectivity_high[number]
    figure = class_activation(dissection.classes, means, overall, *values)
    left.plotly_chart(figure, key=view.key("selectivity"), config=CHART)
    right.markdown("**Activation**", help=definitions.CLASS_MEANS)
    right.plotly_chart(class_means(dissection.classes, means, overall), key=view.key("means"), config=CHART)


def draw_nearest(view: View, dataset: Dataset, dissection: Dissection, number: int) -> None:
    """Draw the units of the layer that behave most like this one, as links."""
    units = dissection.nearest[number]
    known = units >= 0
    if not known.any():
        return
    near, values = units[known], dissection.nearest_correlation[number][known]
    words = [(decimal(value), max(0.0, value), f"correlation {decimal(value)}") for value in values.tolist()]
    pictures = min(PICTURES_OF_NEAREST, dissection.top.shape[1])
    st.markdown("**Nearest units**", help=definitions.NEAREST_UNITS)
    unit_links(
        make_links(dissection, np.asarray(near), words),
        sheet_address(dataset, dissection.top[near, :pictures].ravel()),
        pictures,
        key=view.key("nearest"),
        on_open=lambda: open_unit(view, str(view.event("nearest", "open"))),
    )
