"""A setting tried by hand on the validation images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from workbench.app import reweight_words as words
from workbench.app import session
from workbench.app.session import View
from workbench.app.text import count, percent, plain
from workbench.app.widgets.metrics import CHART
from workbench.errors import SpecError, unknown_name
from workbench.figures.reweight import class_changes, threshold_histogram
from workbench.methods.reweight import CUSTOMARY, divides
from workbench.methods.reweight_verdict import p_text, points

if TYPE_CHECKING:
    from workbench.studies.dissection import Dissection
    from workbench.studies.reweight_bench import Answer, Bench

FACTORS = (0.25, 4.0)
"""The least and the greatest factor of the slider."""


def draw_try(view: View, dissection: Dissection, layer: str) -> None:
    """Draw the sliders, and what the setting does.

    Raises
    ------
    SpecError
        The view names a rule, threshold or factor that cannot be, or the layer gives no live answers.
    """
    for name, valid in (("rule", words.RULES), ("by", words.BY)):
        if view[name] not in valid:
            raise unknown_name(name, view[name], valid)
    bench = session.bench(dissection, layer)
    left, right = st.columns([6, 7], gap="large")
    with left:
        threshold, factor = sliders(view, bench)
        images = f"{count(bench.images)} labelled validation images of {plain(dissection.spec.dataset)}"
        st.caption(f"Answers come from the {images}. {words.LIVE}")
    with right:
        answer = bench.evaluate(threshold, factor, view["rule"], view["by"])
        draw_answer(answer)


def sliders(view: View, bench: Bench) -> tuple[float, float]:
    """Draw the choices and return threshold and factor."""
    first, second = st.columns(2)
    first.selectbox(
        "Rule", list(words.RULES), format_func=words.RULES.__getitem__, help=words.RULE, **view.bind("rule")
    )
    second.selectbox(
        "Threshold of", list(words.BY), format_func=words.BY.__getitem__, help=words.BY_HELP, **view.bind("by")
    )
    values = bench.values[view["by"]]
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if not low < high:
        raise SpecError("all units of this layer have the same value, so no threshold divides them")
    threshold = min(max(view.real("threshold", usual_threshold(values, view["by"])), low), high)
    factor = min(max(view.real("factor", 1.5), FACTORS[0]), FACTORS[1])
    threshold = st.slider(
        "Threshold",
        *(low, high),
        step=(high - low) / 200,
        format="%.3g",
        help=words.THRESHOLD,
        **view.slide("threshold", threshold),
    )
    figure = threshold_histogram(values.tolist(), threshold, view["by"])
    st.plotly_chart(figure, key=view.key("histogram"), config=CHART)
    factor = st.slider("Factor", *FACTORS, step=0.05, format="%.2f", help=words.FACTOR, **view.slide("factor", factor))
    return threshold, factor


def usual_threshold(values: np.ndarray, by: str) -> float:
    """Return the customary threshold where it divides the units, else their median."""
    return CUSTOMARY[by] if divides(values, CUSTOMARY[by], by) else float(np.nanmedian(values))


def draw_answer(answer: Answer) -> None:
    """Draw what a setting does."""
    verdict = answer.verdict
    columns = st.columns(4, gap="small")
    span = f"{points(verdict.gain.low)} to {points(verdict.gain.high)}"
    shown = {
        "accuracy": (percent(verdict.after), f"{percent(verdict.before)} as it is"),
        "gain": (points(verdict.gain.value), span),
        "images": (f"{verdict.gained} / {verdict.lost}", p_text(verdict.p)),
        "units": (f"{answer.up} / {answer.down}", f"answered in {answer.seconds:.2f} s"),
    }
    for column, (name, (value, note)) in zip(columns, shown.items(), strict=True):
        title, help_text = words.NUMBERS[name]
        column.metric(title, value, note, delta_color="off", delta_arrow="off", help=help_text)
    st.markdown("**Change of each class's recall**", help=words.CLASSES)
    figure = class_changes(verdict.to_dict()["classes"])
    st.plotly_chart(figure, key="reweight.live classes", config=CHART)
