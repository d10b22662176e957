"""One line and a way out where something asked for is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from workbench.app.text import plain
from workbench.errors import WorkbenchError

START, DATA, CONFUSIONS, JOBS = "pages/start.py", "pages/data.py", "pages/confusions.py", "pages/jobs.py"
NEURONS, REWEIGHT, VIDEO = "pages/neurons.py", "pages/reweight.py", "pages/video.py"
MAP, REVIEW, SLICES = "pages/map.py", "pages/review.py", "pages/slices.py"
PROMPTS, TRAINING, LADDER = "pages/prompts.py", "pages/training.py", "pages/ladder.py"
"""The pages by the names that links use."""


@contextmanager
def explained(page: str) -> Iterator[None]:
    """Show an error a person can act upon as one line, with a link to ``page`` as it is without any choice."""
    try:
        yield
    except WorkbenchError as error:
        st.error(plain(error), icon=":material/error:")
        st.page_link(page, label="Start this page afresh", icon=":material/restart_alt:", query_params={"reset": "1"})


def trouble(error: WorkbenchError) -> None:
    """Show what could not be had as one line, where the page goes on without it."""
    st.warning(plain(error), icon=":material/error:")


def no_dataset(title: str) -> None:
    """Draw a page that has nothing to show yet."""
    st.title(title)
    st.info("There is no dataset yet; import one, or build the demo.", icon=":material/photo_library:")
    st.page_link(START, label="Go to Start", icon=":material/home:")


def notes(lines: tuple[str, ...] | list[str], of: str = "") -> None:
    """Show warnings that belong to a result; ``of`` tells apart those of one page."""
    if lines:
        with st.container(key=f"notes {of}".strip()):
            st.warning("  \n".join(plain(line) for line in lines), icon=":material/info:")
