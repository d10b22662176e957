"""The head that pages share: the dataset that is looked at, and the tabs of what is shown of it."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from workbench.app import session
from workbench.app.session import View
from workbench.app.widgets import notices
from workbench.data.datasets import Dataset
from workbench.errors import unknown_name

DATASET_WIDTH = 176
"""Width of the choice of the dataset, in CSS pixels."""


def chosen_dataset(view: View, title: str, usual: str = "") -> Dataset | None:
    """Return the dataset that a page shows: the view's, else ``usual``, else the first one.

    Where the workspace has none, the page named ``title`` says so and ``None`` is returned.

    Raises
    ------
    SpecError
        There is none of that name.
    """
    names = session.dataset_names()
    if not names:
        notices.no_dataset(title)
        return None
    return session.dataset(view["dataset"] or usual or names[0])


def dataset_box(view: View, dataset: Dataset, width: int | None = DATASET_WIDTH) -> None:
    """Draw the choice of the dataset; as wide as its column where ``width`` is ``None``."""
    names = session.dataset_names()
    st.selectbox("Dataset", names, width=width or "stretch", **view.bind("dataset", dataset.name))


def check_tab(view: View, titles: Mapping[str, str], name: str = "tab") -> str:
    """Return the view's tab; :class:`SpecError` where it is none of ``titles``."""
    if view[name] not in titles:
        raise unknown_name(name, view[name], titles)
    return view[name]


def tabs(view: View, titles: Mapping[str, str], name: str = "tab", label: str = "View") -> str:
    """Draw the choice of a tab by its title and return its name.

    Raises
    ------
    SpecError
        The view names a tab there is not.
    """
    check_tab(view, titles, name)
    st.segmented_control(
        label,
        list(titles),
        required=True,
        format_func=titles.__getitem__,
        label_visibility="collapsed",
        **view.bind(name),
    )
    return view[name]
