"""The form that starts a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from workbench.app import reweight_words as words
from workbench.app import session
from workbench.app.text import plain
from workbench.app.widgets.dissect_form import check_target
from workbench.app.widgets.form_popover import close
from workbench.errors import WorkbenchError
from workbench.specs import ReweightSpec

if TYPE_CHECKING:
    from workbench.studies.dissection import Dissection


def reweight_form(key: str, dissection: Dissection, layer: str) -> None:
    """Draw the form for a layer and submit what is asked for as a job; ``key`` tells forms of one page apart."""
    splits = list(session.dataset(dissection.spec.dataset).selections)
    with st.form(f"new sweep {key}", border=False):
        left, right = st.columns(2)
        rule = left.selectbox("Rule", list(words.RULES), format_func=words.RULES.__getitem__, help=words.RULE)
        by = right.selectbox("Threshold of", list(words.BY), format_func=words.BY.__getitem__, help=words.BY_HELP)
        thresholds = left.text_input("Thresholds", placeholder="quantiles of the layer", help=words.THRESHOLDS)
        factors = right.text_input("Factors", ReweightSpec.factors, help=words.FACTORS)
        choose_on = left.selectbox("Choose on", splits, _place(splits, "validation"), help=words.CHOOSE_ON)
        report_on = right.selectbox("Report on", splits, _place(splits, "test"), help=words.REPORT_ON)
        protocol = left.selectbox(
            "Protocol", list(words.PROTOCOLS), format_func=words.PROTOCOLS.__getitem__, help=words.PROTOCOL
        )
        controls = right.number_input("Random controls", 20, 10_000, help=words.CONTROLS)
        if st.form_submit_button("Start the sweep", type="primary", icon=":material/play_arrow:"):
            try:
                check_target(dissection.spec.target)
                settings = layer, rule, by, thresholds.strip(), factors.strip()
                splits_asked = choose_on, report_on, protocol
                spec = ReweightSpec(dissection.artifact.name, *settings, *splits_asked, int(controls))
                session.jobs().submit(spec)
            except WorkbenchError as error:
                st.error(plain(error))
            else:
                close("new sweep")
                st.toast("The sweep has been queued; the sidebar shows how far it is.")
                st.rerun()


def _place(names: list[str], name: str) -> int:
    return names.index(name) if name in names else 0
