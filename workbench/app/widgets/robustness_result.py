"""A study of robustness: its curves, the table of what is lost where, classes, and what the faces look like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from workbench.app import robustness as known
from workbench.app import robustness_words as words
from workbench.app.browse import csv_bytes
from workbench.app.session import View
from workbench.app.text import count, interval, plain, several
from workbench.app.widgets import notices
from workbench.app.widgets.form_popover import form_popover
from workbench.app.widgets.metrics import CHART
from workbench.app.widgets.report_button import report_button
from workbench.app.widgets.robustness_form import NAME, robustness_form
from workbench.data.datasets import Dataset
from workbench.errors import unknown_name
from workbench.figures import robustness as figures
from workbench.figures.theme import class_colours

if TYPE_CHECKING:
    from workbench.methods.robustness import Course
    from workbench.studies.curves import Robustness

DEFAULTS = {"study": "", "metric": "accuracy", "classes": ""}
"""What a page that shows the section keeps in its view: the study, what its curves show, and whose classes."""
RESETS = {"study": ("classes",)}


def robustness(view: View, dataset: Dataset) -> None:
    """Draw the section: the choice of a stored study, the form for another, and the study.

    Parameters
    ----------
    view : View
        Holds :data:`DEFAULTS`.
    dataset : Dataset
        Whose faces are disturbed.

    Raises
    ------
    SpecError
        The view names a study, a metric or a course that is not there.
    """
    found = known.stored(dataset.name)
    if not found and not view["study"]:
        st.info(words.WHAT, icon=":material/foggy:")
        with st.container(border=True, width=640):
            robustness_form("first", dataset)
        return
    study = known.opened(dataset.name, view["study"] or found[0].name, found)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        by_name = {run.name: run for run in found}
        st.selectbox(
            "Study",
            list(by_name),
            width=420,
            format_func=lambda name: known.title(by_name[name]),
            **view.bind("study", study.artifact.name),
        )
        with form_popover("New study", NAME):
            robustness_form("popover", dataset)
    draw_study(view, dataset, study)


def draw_study(view: View, dataset: Dataset, found: Robustness) -> None:
    """Draw one study."""
    st.success(f"**{plain(found.sentence)}**", icon=":material/foggy:")
    if known.is_stale(found, dataset.fingerprint):
        st.warning(f"{plain(dataset.name)} has changed since this study was made; make it again.")
    notices.notes(found.notes)
    names = known.short_names(found.models)
    faces = f" and {count(found.faces)} rendered people" if found.faces else ""
    st.caption(f"{several(found.images, 'image')} of {plain(found.spec.split)}{faces}; the same for all models.")
    metric = view["metric"]
    if metric not in words.METRICS:
        raise unknown_name("metric", metric, words.METRICS)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Step by step**", help=words.CURVES, width="content")
        st.segmented_control(
            "Curves of",
            list(words.METRICS),
            required=True,
            format_func=words.METRICS.__getitem__,
            label_visibility="collapsed",
            **view.bind("metric"),
        )
    st.plotly_chart(figures.curves(found.courses, names, metric), key=view.key("curves"), config=CHART)
    draw_table(found, names)
    left, right = st.columns([5, 6], gap="large")
    with left:
        st.markdown("**Kept on average**", help=words.COLUMNS["area"][1])
        st.plotly_chart(figures.areas(found.courses, names), key=view.key("areas"), config=CHART)
    with right:
        draw_classes(view, found, names)
    st.markdown("**What the faces look like**", help=words.EXAMPLES)
    st.plotly_chart(_examples(found), key=view.key("examples"), config=CHART)
    st.download_button(
        "Curves as CSV",
        lambda: curves_csv(found),
        f"{found.artifact.name}.csv",
        "text/csv",
        key=view.key("curves csv"),
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
    )
    report_button(found.artifact)


def draw_table(found: Robustness, names: dict[str, str]) -> None:
    """Draw one row a model and side of a disturbance."""
    rows = [
        {
            "disturbance": course.name,
            "model": names[course.model],
            "undisturbed": interval_text(course, 0),
            "strongest": f"{interval_text(course, -1)} at {course.levels[-1]:g}",
            "loss": _points(course),
            "half": course.half_in_words,
            "area": f"{100 * course.area.value:.1f} ({interval(course.area._asdict()).removesuffix(' %')})",
        }
        for course in found.courses
    ]
    columns: dict[str, str | None] = {"disturbance": "Disturbance", "model": "Model"}
    config = {
        **{name: st.column_config.TextColumn(title) for name, title in columns.items()},
        **{
            name: st.column_config.TextColumn(title, help=help_text)
            for name, (title, help_text) in words.COLUMNS.items()
        },
    }
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=config, height=min(36 * (len(rows) + 1), 420))


def draw_classes(view: View, found: Robustness, names: dict[str, str]) -> None:
    """Draw the recall of each class along the course that the view names.

    Raises
    ------
    SpecError
        The study has no such course.
    """
    places = {str(place): course for place, course in enumerate(found.courses)}
    asked = view["classes"] or "0"
    if asked not in places:
        raise unknown_name("course", asked, places)
    st.markdown("**Class by class**", help=words.RECALLS)
    st.selectbox(
        "Course",
        list(places),
        format_func=lambda place: f"{places[place].name} · {names[places[place].model]}",
        label_visibility="collapsed",
        **view.bind("classes", asked, found.artifact.name),
    )
    figure = figures.class_recalls(places[asked], class_colours(found.classes))
    st.plotly_chart(figure, key=view.key("recalls"), config=CHART)


def interval_text(course: Course, place: int) -> str:
    """Return the accuracy at a level with its interval, in percent."""
    value = course.accuracy[place]
    return f"{100 * value.value:.1f} ({interval(value._asdict()).removesuffix(' %')})"


def curves_csv(found: Robustness) -> bytes:
    """Return every level of every course as CSV, shares 0..1."""
    head = ["disturbance", "side", "model", "level", "images"]
    head += [f"{name}{end}" for name in ("accuracy", "macro_f1", "loss") for end in ("", "_low", "_high")]
    lines = []
    for course in found.courses:
        for place, level in enumerate(course.levels):
            numbers = [value for name in (course.accuracy, course.macro_f1, course.loss) for value in name[place]]
            lines.append(
                [course.disturbance, course.side, course.model, f"{level:g}", course.images]
                + [f"{value:.6f}" for value in numbers]
            )
    return csv_bytes(head, lines)


def _points(course: Course) -> str:
    value, low, high = (100 * each for each in course.loss[-1])
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})"


def _examples(found: Robustness) -> go.Figure:
    titles = {course.disturbance: course.title for course in found.courses}
    return figures.examples(found.examples, titles)
