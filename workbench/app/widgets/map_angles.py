"""Which classes are opposite and which are close, for images and for texts."""

from __future__ import annotations

import streamlit as st

from workbench.app import maps
from workbench.app.session import View
from workbench.app.widgets.map_form import angles_form
from workbench.data.datasets import Dataset


def draw_angles(view: View, dataset: Dataset) -> None:
    """Draw the angles the view names, else the newest; without any, the form that measures them."""
    found = maps.stored("angles", dataset.name)
    if not found:
        st.info("The angles between the classes have not been measured yet.", icon=":material/architecture:")
        with st.container(border=True):
            angles_form(dataset)
        return
    st.caption(view["angles"] or found[0].name)
