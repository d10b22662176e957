"""A link to a result's report: one HTML file to keep or to send on."""

from __future__ import annotations

import streamlit as st

from workbench.app.report_routes import report_address
from workbench.store import Artifact

HELP = (
    "One HTML file with tables, figures, what the numbers mean, what was asked for and the versions; it opens without "
    "a network. About 5 MB, as it carries what draws the figures."
)


def report_button(artifact: Artifact, label: str = "Report as HTML") -> None:
    """Draw the link; the report is made when it is followed."""
    st.link_button(label, report_address(artifact), type="tertiary", icon=":material/description:", help=HELP)
