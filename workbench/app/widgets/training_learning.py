"""How a classifier learned: the settings it tried, its growth, its curve, the words near its vectors."""

from __future__ import annotations

import streamlit as st

from workbench.app import training
from workbench.app import training_words as words
from workbench.app.session import View
from workbench.app.text import interval, percent, plain
from workbench.app.widgets.metrics import CHART
from workbench.figures import probe as figures
from workbench.store import Artifact


def draw_learning(view: View, run: Artifact) -> None:
    """Draw how a classifier learned."""
    draw_probe(view, run)


def draw_probe(view: View, run: Artifact) -> None:
    """Draw what each value of a probe's setting gave, and how a forest grew."""
    found = training.opened_probe(run)
    left, right = st.columns(2, gap="large")
    with left:
        best = next(each for each in found.tried if each["value"] == found.chosen)
        st.markdown(f"**{plain(found.setting.capitalize())}**, chosen on {plain(found.spec.tune_on)}", help=words.TRIED)
        st.plotly_chart(figures.settings(found.tried, found.chosen, found.setting), key=view.key("tried"), config=CHART)
        st.caption(
            f"Chosen: {found.chosen:g}, {percent(best['accuracy']['value'])} right there "
            f"({interval(best['accuracy'])})."
        )
    with right:
        if found.growth:
            st.markdown("**Tree by tree**", help=words.GROWTH)
            st.plotly_chart(figures.growth(found.growth), key=view.key("growth"), config=CHART)
            last = found.growth[-1]
            st.caption(f"{last['trees']:,} trees take {last['bytes'] / 1e6:,.1f} MB.")
