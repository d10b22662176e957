"""A stored search for slices: its numbers, the table, and the faces of the slice that was opened."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from workbench.app import session
from workbench.app import slice_words as words
from workbench.app.browse import csv_bytes
from workbench.app.components.face_card import face_card
from workbench.app.components.slice_table import Column, SliceRow, slice_table
from workbench.app.routes import SHEET_LIMIT, sheet_address
from workbench.app.session import View
from workbench.app.text import count, interval, percent, plain
from workbench.app.widgets import notices
from workbench.app.widgets.explore import export as faces_csv
from workbench.app.widgets.explore import tiles
from workbench.app.widgets.face_panel import make_card
from workbench.app.widgets.faces import browse_faces, chosen_face
from workbench.app.widgets.metrics import CHART
from workbench.app.widgets.report_button import report_button
from workbench.data.datasets import Dataset
from workbench.errors import SpecError
from workbench.figures.slices import class_gaps, verdict

if TYPE_CHECKING:
    from workbench.studies.classify import Classification
    from workbench.studies.slicing import ErrorSlice, Slices

PICTURES = 5
TILE = 198
"""Width of a number over the table, in CSS pixels."""
GRID_HEIGHT = 640


def draw_slices(view: View, dataset: Dataset, found: Slices) -> None:
    """Draw the search."""
    if found.guessed:
        st.error(words.GUESSED, icon=":material/warning:")
    headline(found)
    notices.notes([note for note in found.notes if not note.startswith("these attributes were guessed")])
    chosen = opened(view, found)
    shown = attribute_choice(view, found)
    if shown:
        draw_table(view, dataset, found, shown, chosen)
    if chosen is not None:
        draw_opened(view, dataset, found, chosen)
    else:
        st.caption("Open a slice to see its faces, wrong ones first. Arrow keys walk through the table, Enter opens.")
    if found.attributes:
        draw_gaps(view, found)
    st.download_button(
        "Slices as CSV",
        lambda: slices_csv(found),
        f"{found.artifact.name}.csv",
        "text/csv",
        key=view.key("slices csv"),
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
    )
    report_button(found.artifact)


def headline(found: Slices) -> None:
    """Draw the numbers over the table."""
    overall = found.overall
    worse = sum(judged(found, each) == "worse" for each in found.slices)
    images, difference = found.detectable
    seen = "too few images to tell" if difference is None else f"seen from {difference * 100:.0f} points on"
    shown = {
        "rate": (percent(overall.value), interval(overall._asdict())),
        "slices": (count(len(found.slices)), f"median {count(images)} images"),
        "worse": (count(worse), seen),
    }
    if found.guessed:
        total = len(found.images)
        shown["unsure"] = (
            " · ".join(percent(number / total, 0) for number in found.unsure.values()),
            " · ".join(found.unsure),
        )
    row = st.container(horizontal=True, gap="small")
    for name, (value, note) in shown.items():
        title, help_text = words.NUMBERS[name]
        row.metric(title, value, note, delta_color="off", delta_arrow="off", width=TILE, help=help_text)


def judged(found: Slices, each: ErrorSlice) -> str:
    """Return whether a slice is worse or better than the rest; unclear where its attribute is in doubt."""
    return "unclear" if each.attribute in found.doubts else verdict(each.difference.value, each.q)


def opened(view: View, found: Slices) -> int | None:
    """Return the slice that the view names.

    Raises
    ------
    SpecError
        There is no such slice.
    """
    if not view["slice"]:
        return None
    number = view.number("slice")
    if number is None or number >= len(found.slices):
        raise SpecError(f"there is no slice {view['slice'][:20]!r}; the search has {len(found.slices)}, from 0 on")
    return number


def attribute_choice(view: View, found: Slices) -> list[int]:
    """Draw the choice of the attribute, where there are several; return the places of its slices."""
    if len(found.attributes) < 2:
        return list(range(len(found.slices)))
    names = [name for name in found.attributes if any(each.attribute == name for each in found.slices)]
    asked = view["attribute"] if view["attribute"] in names else names[0]
    st.segmented_control("Attribute", names, required=True, format_func=plain, **view.bind("attribute", asked))
    return [place for place, each in enumerate(found.slices) if each.attribute == asked]


def draw_table(view: View, dataset: Dataset, found: Slices, shown: list[int], chosen: int | None) -> None:
    """Draw the slices at the places ``shown``; opening one sets the view's ``slice``."""
    pictures = max(1, min(PICTURES, SHEET_LIMIT // len(shown)))
    faces = np.concatenate([found.rows(place)[:pictures] for place in shown])

    def open_slice() -> None:
        place = shown[int(view.event("slices", "open"))]
        view.set(slice="" if str(place) == view["slice"] else str(place))

    slice_table(
        [Column(*words.COLUMNS[name]) for name in ("faces", "name", "rate", "wrong", "difference", "q", "images")],
        [table_row(found.slices[place], judged(found, found.slices[place])) for place in shown],
        sheet_address(dataset, faces),
        pictures,
        key=view.key("slices"),
        opened=shown.index(chosen) if chosen in shown else None,
        on_open=open_slice,
    )


def table_row(each: ErrorSlice, holds: str) -> SliceRow:
    """Return the table's line of a slice; ``holds`` is what :func:`judged` returned."""
    rate, difference = each.rate, each.difference
    common = f"{each.confusion[0]} → {each.confusion[1]} ({count(each.confusion[2])})" if each.confusion else "no error"
    members = f"of {count(each.members)}" if each.members > each.images else ""
    low, value, high = (f"{part * 100:+.1f}" for part in (difference.low, difference.value, difference.high))
    q = "< .001" if each.q < 0.001 else f"{each.q:.3f}".removeprefix("0")
    return SliceRow(
        name=each.name,
        note=common,
        rate=rate.value,
        low=rate.low,
        high=rate.high,
        rest=each.rest.value,
        verdict=holds,
        cells=(
            (percent(rate.value), interval(rate._asdict(), 0)),
            (value, f"{low} to {high}"),
            (q, ""),
            (count(each.images), members),
        ),
        words=f"{each.name}: {percent(rate.value)} wrong, the rest {percent(each.rest.value)}, q {q}; open its faces",
    )


def draw_opened(view: View, dataset: Dataset, found: Slices, chosen: int) -> None:
    """Draw the faces of a slice, wrong ones first, and the face chosen among them."""
    each = found.slices[chosen]
    rows = found.rows(chosen)
    run = session.classification(dataset.name, found.run)
    wrong = run.labels[rows] != run.predicted[rows]
    listed = rows[wrong] if view["only"] else rows
    st.subheader(plain(each.name), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.toggle("Wrong ones only", help="Leave out the images that the run gets right.", **view.switch("only"))
        if st.button(
            f"Review these {count(len(listed))}",
            key=view.key("review"),
            icon=":material/rule:",
            type="primary",
            help=words.REVIEW,
            disabled=not len(listed),
        ):
            session.remember("selection", (dataset.name, listed))
            st.switch_page(notices.REVIEW, query_params={"dataset": dataset.name, "queue": "selection"})
        st.page_link(
            notices.MAP,
            label="On the map",
            icon=":material/scatter_plot:",
            help=words.MAP,
            query_params={
                "dataset": dataset.name,
                "colour": "outcome",
                "run": found.run,
                "among": f"{found.artifact.name}:{chosen}",
            },
        )
    left, right = st.columns([5, 8], gap="medium")
    with left:
        telling(each)
        draw_face(view, dataset, run, listed)
    with right:
        draw_grid(view, dataset, run, listed)


def draw_face(view: View, dataset: Dataset, run: Classification, rows: np.ndarray) -> None:
    """Draw the face the view names, if it names one."""
    face = chosen_face(view, dataset, rows, "Choose a face to see it large. Arrow keys walk through them.")
    if face is not None:
        card = make_card(dataset, run, face)
        face_card(
            replace(card, reveal=True),
            key=view.key("card"),
            on_step=face.step,
            on_pick=lambda: view.set(face=str(view.event("card", "pick"))),
        )


def telling(each: ErrorSlice) -> None:
    """Say which texts name a group, and how much nearer they are to it."""
    if each.texts:
        said = ", ".join(f"{plain(text)} ({score:+.1f} sd)" for text, score in each.texts)
        st.caption(f"Nearer to these texts than the other images: {said}")


def draw_grid(view: View, dataset: Dataset, run: Classification, rows: np.ndarray) -> None:
    """Draw the faces, each with its label and what the run said."""
    browse_faces(
        view,
        dataset,
        rows,
        lambda shown: tiles(run, shown, False),
        lambda: faces_csv(run, rows),
        height=GRID_HEIGHT,
        empty="The run gets all of these right.",
    )


def draw_gaps(view: View, found: Slices) -> None:
    """Draw accuracy by class and value of the attribute shown."""
    names = [name for name in found.attributes if any(each.attribute == name for each in found.gaps)]
    asked = view["attribute"] if view["attribute"] in names else names[0] if names else ""
    gaps = [
        {
            **vars(each),
            "accuracy": each.accuracy and each.accuracy._asdict(),
            "difference": each.difference and each.difference._asdict(),
        }
        for each in found.gaps
        if each.attribute == asked
    ]
    if gaps:
        st.markdown(f"**Accuracy by class and {plain(asked)}, against the other images of the class**", help=words.GAPS)
        st.plotly_chart(class_gaps(gaps), key=view.key("gaps"), config=CHART)
        lines = [words.FEW.format(smallest=count(found.spec.smallest))]
        if asked in found.doubts:
            lines.append(words.DOUBT.format(why=plain(found.doubts[asked])))
        if found.guessed:
            lines.append(words.CONFOUNDED)
        st.caption(" ".join(lines))


def slices_csv(found: Slices) -> bytes:
    """Return the slices as CSV."""
    header = ["attribute", "slice", "images", "wrong", "members"]
    header += [f"{name} {part}" for name in ("rate", "rest", "difference") for part in ("value", "low", "high")]
    lines = (
        [each.attribute, each.name, each.images, each.wrong, each.members]
        + [f"{value:.6f}" for estimate in (each.rate, each.rest, each.difference) for value in estimate]
        + [f"{each.p:.6g}", f"{each.q:.6g}", *(each.confusion or ("", "", ""))]
        for each in found.slices
    )
    return csv_bytes([*header, "p", "q", "label", "predicted", "errors"], lines)
