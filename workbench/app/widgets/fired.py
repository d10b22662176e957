"""From a face to units: which units of a dissected network fired for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from workbench.app import definitions, session
from workbench.app.components.unit_links import unit_links
from workbench.app.routes import sheet_address
from workbench.app.session import View
from workbench.app.text import plain
from workbench.app.units import fired_units
from workbench.app.widgets import notices
from workbench.app.widgets.units import make_links
from workbench.data.datasets import Dataset
from workbench.errors import WorkbenchError, unknown_name
from workbench.store import Artifact

if TYPE_CHECKING:
    from workbench.studies.dissection import Dissection

UNITS = 8
PICTURES = 3
"""Faces shown of each unit."""


def draw_fired(view: View, dataset: Dataset, model: str = "") -> None:
    """Draw the units that stand out on the face the view names, for the chosen dissection.

    Where none is chosen it is the newest of the network ``model`` that classified the faces, else the newest of any.

    Draws nothing without a face or a dissection.

    Raises
    ------
    SpecError
        The view names a dissection the dataset does not have.
    """
    row = view.number("face")
    found = session.dissections(dataset.name) if row is not None and row < len(dataset) else []
    if row is None or not found:
        return
    by_name = {run.name: run for run in found}
    found = sorted(found, key=lambda one: one.spec["target"] != model)  # stable: the newest first among equals
    run = view["dissection"] or found[0].name
    if run not in by_name:
        raise unknown_name(f"dissection of {dataset.name}", run, by_name)
    st.markdown("**Units that fired for this face**", help=definitions.FIRED)
    if model and found[0].spec["target"] != model:
        st.caption(f"{plain(model)} has not been dissected; this is another network.")
    if len(found) > 1:
        st.selectbox(
            "Dissection",
            list(by_name),
            format_func=lambda name: dissection_title(by_name[name]),
            label_visibility="collapsed",
            **view.bind("dissection", run),
        )
    try:
        draw_list(view, dataset, session.dissection(dataset.name, run), row)
    except WorkbenchError as error:
        st.caption(plain(error))


def draw_list(view: View, dataset: Dataset, dissection: Dissection, row: int) -> None:
    """Draw the units as links; a click goes to the unit's page."""
    units, shares, distances = fired_units(dissection, session.unit_values(dissection).face(row), UNITS)
    if not len(units):
        st.caption("No unit of this network has a label that holds.")
        return
    values = []
    longest = max(float(distances.max()), 1.0)
    for share, distance in zip(shares.tolist(), distances.tolist(), strict=True):
        words = f"more active than on {share:.0f} % of the probing images, {distance:+.1f} standard deviations"
        values.append((f"{distance:+.1f} sd", max(0.0, distance / longest), words))
    pictures = min(PICTURES, dissection.top.shape[1])
    unit_links(
        make_links(dissection, units, values),
        sheet_address(dataset, dissection.top[units, :pictures].ravel()),
        pictures,
        key=view.key("fired"),
        on_open=lambda: session.remember("open unit", str(view.event("fired", "open"))),
    )
    unit = session.recall("open unit")
    if unit:
        session.remember("open unit", "")
        st.switch_page(notices.NEURONS, query_params={"run": dissection.artifact.name, "unit": str(unit)})


def dissection_title(run: Artifact) -> str:
    """Return a dissection in words: network, layers, concept set, similarity and CLIP."""
    spec = run.spec
    layers = f" ({spec['layers']})" if spec["layers"] else ""
    return f"{spec['target']}{layers} · {spec['concepts']} · {spec['similarity']} · {spec['clip']}"
