"""Data: what a dataset holds, its images, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from workbench.app import session
from workbench.app.browse import SAMPLE_ORDERS
from workbench.app.session import View
from workbench.app.text import count, plain
from workbench.app.widgets import notices, samples
from workbench.app.widgets.form_popover import form_popover
from workbench.app.widgets.health import CHECKS, draw_health
from workbench.app.widgets.import_form import import_form
from workbench.app.widgets.page_head import dataset_box, tabs
from workbench.data.datasets import Dataset
from workbench.errors import unknown_name
from workbench.figures.datasets import class_counts

TABS = {"overview": "Overview", "images": "Images", "health": "Health"}
FACES = {"face": "", "page": "1"}
FILTERS = {"split": "all", "label": ""}
DEFAULTS = {"dataset": "", "tab": "overview", "check": "conflicting", "order": "random", **FILTERS, **FACES}
RESETS = {
    "dataset": (*FILTERS, *FACES),
    **{name: tuple(FACES) for name in ("tab", "split", "label", "order", "check")},
}


def main() -> None:
    """Draw the page."""
    view = View("data", DEFAULTS, RESETS)
    with notices.explained(notices.DATA):
        names = session.dataset_names()
        if not names:
            st.title("Data")
            st.info("There is no dataset yet. Import one here, or build the demo.", icon=":material/photo_library:")
            st.page_link(notices.START, label="Build the demo", icon=":material/auto_awesome:")
            with st.container(border=True):
                import_form("data import")
            return
        known: dict[str, Iterable[str]] = {"tab": TABS, "check": CHECKS, "order": SAMPLE_ORDERS}
        for name, valid in known.items():
            if view[name] not in valid:
                raise unknown_name(name, view[name], valid)
        dataset = session.dataset(view["dataset"] or names[0])
        choose(view, dataset)
        tab = tabs(view, TABS)
        if tab == "images":
            samples.draw_samples(view, dataset)
        elif tab == "health":
            draw_health(view, dataset)
        else:
            overview(view, dataset)


def choose(view: View, dataset: Dataset) -> None:
    """Draw what is looked at, and the ways to more."""
    columns = st.columns([4, 7, 2, 2], gap="small", vertical_alignment="bottom")
    with columns[0]:
        dataset_box(view, dataset, None)
    splits = ", ".join(plain(split) for split in dataset.split_names)
    columns[1].markdown(f"**{count(len(dataset))}** images · **{len(dataset.classes)}** classes · {splits}")
    columns[2].page_link(
        notices.CONFUSIONS, label="Confusions", icon=":material/grid_on:", query_params={"dataset": dataset.name}
    )
    with columns[3], form_popover("Import", "new import", "stretch"):
        import_form("data import")


def overview(view: View, dataset: Dataset) -> None:
    """Draw the number of images by class and split, examples of each class, and where they came from."""
    counts = session.health(dataset).counts
    left, right = st.columns([6, 5], gap="large")
    with left:
        st.subheader("Classes in each split")
        st.plotly_chart(class_counts(counts, dataset.classes), key="class counts", config={"displaylogo": False})
    with right:
        st.subheader("Number of images")
        table = samples.counts_table(dataset, counts)
        numbers = {name: st.column_config.NumberColumn(format="localized") for name in table.columns[1:]}
        st.dataframe(table, hide_index=True, column_config=numbers)
    st.subheader("Examples of each class")
    samples.examples(view, dataset)
    st.caption(f"Source: {plain(dataset.manifest['source'])} · fingerprint {dataset.fingerprint[:16]}")


main()
