"""What a network loses without a unit, or without the units of a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from workbench.app import definitions, session
from workbench.app.session import View
from workbench.app.text import count, percent, plain
from workbench.app.widgets.layers import choose_layer
from workbench.app.widgets.metrics import CHART
from workbench.app.widgets.report_button import report_button
from workbench.errors import WorkbenchError
from workbench.figures.ablate import set_effects, unit_effects
from workbench.specs import AblateSpec

if TYPE_CHECKING:
    from workbench.studies.dissection import Dissection


def draw_ablation(view: View, dissection: Dissection, number: int) -> None:
    """Draw how each class changes when the unit is removed; where nobody has measured it, offer to."""
    layer = dissection.layers[int(dissection.layer_index[number])]
    st.markdown("**When the unit is removed**", help=definitions.ABLATION)
    found = session.ablation(dissection, layer)
    if found is None:
        start_button(view, dissection, layer)
        return
    unit = int(dissection.unit[number])
    left, right = st.columns([3, 2], gap="small")
    recall = unit_effects(found.classes, found.units_recall[unit], "Recall (points)", 100)
    margin = unit_effects(found.classes, found.units_margin[unit], "Margin")
    margin.update_yaxes(showticklabels=False)
    left.plotly_chart(recall, key=view.key("recall effect"), config=CHART)
    right.plotly_chart(margin, key=view.key("margin effect"), config=CHART)
    st.caption(
        f"On {count(found.images)} images of {plain(found.spec.split)}; accuracy {percent(found.baseline_accuracy)}, "
        f"without the unit {100 * float(found.units_accuracy[unit]):+.2f} points."
    )


def draw_sets(view: View, dissection: Dissection) -> None:
    """Draw what a class loses without its most selective units, against random sets of as many.

    Raises
    ------
    SpecError
        The dissection has no such layer.
    """
    measured = [layer for layer in dissection.layers if session.ablation(dissection, layer) is not None]
    layer = choose_layer(view, dissection, measured)
    found = session.ablation(dissection, layer)
    if found is None:
        st.markdown("Units of this layer have not been removed yet.")
        start_button(view, dissection, layer)
        return
    left, right = st.columns([7, 5], gap="large")
    with left:
        st.markdown("**Without the units most selective for a class**", help=definitions.SETS)
        st.plotly_chart(set_effects(found.sets, found.classes), key=view.key("sets"), config=CHART)
    with right:
        st.markdown("**In words**")
        with st.container(key="sentences"):
            st.markdown("\n".join(f"- {plain(sentence)}" for sentence in found.sentences))
        for note in found.notes:
            st.caption(plain(note))
    report_button(found.artifact)


def start_button(view: View, dissection: Dissection, layer: str) -> None:
    """Offer to measure what removing the layer's units does."""
    st.button(
        f"Measure it for all units of {plain(layer)}",
        key=view.key("ablate"),
        icon=":material/play_arrow:",
        help="Runs as a job: removes every unit in turn, and the units of each class together.",
        on_click=_submit,
        args=(dissection.artifact.name, layer),
    )
    message = session.recall("ablation")
    if message:
        session.remember("ablation", "")
        st.info(plain(message))


def _submit(run: str, layer: str) -> None:
    try:
        session.jobs().submit(AblateSpec(run, layer))
    except WorkbenchError as error:
        session.remember("ablation", str(error))
    else:
        session.remember("ablation", "It has been queued; the sidebar shows how far it is.")
