"""A page of faces with its turning buttons and export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from workbench.app.browse import PAGE_SIZE, Rows, neighbour_in_list, page_holding, page_of
from workbench.app.components import Tile
from workbench.app.components.face_grid import face_grid
from workbench.app.routes import sheet_address
from workbench.app.session import View
from workbench.app.text import count
from workbench.data.datasets import Dataset
from workbench.errors import SpecError

TileMaker = Callable[[Rows], Sequence[Tile]]


def browse_faces(
    view: View,
    dataset: Dataset,
    rows: Rows,
    tiles: TileMaker,
    export: Callable[[], bytes],
    *,
    empty: str = "No images here.",
    height: int = 0,
) -> None:
    """Draw the page of ``rows`` that the view's ``page`` names (from 1 on); a pick sets its ``face``.

    Parameters
    ----------
    view : View
        Has ``page`` and ``face``.
    dataset : Dataset
        Where the pictures come from.
    rows : int array
        All rows of the list, in order.
    tiles : callable
        Makes the tiles of the rows of one page.
    export : callable
        Makes the list as CSV when it is asked for.
    empty : str
        What is said where the list is empty.
    height : int
        Height after which the grid scrolls, in CSS pixels; 0 for none.
    """
    shown, page, pages = page_of(rows, (view.number("page") or 1) - 1)

    def turn(change: int) -> None:
        view.set(page=str(min(max(1, page + 1 + change), pages)))

    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        first = page * PAGE_SIZE + 1
        span = f"{count(first)}–{count(first + len(shown) - 1)} of " if pages > 1 else ""
        st.markdown(f"**{span}{count(len(rows))}** {'face' if len(rows) == 1 else 'faces'}", width="stretch")
        if pages > 1:
            back, on = ":material/chevron_left:", ":material/chevron_right:"
            st.button(
                back, key=view.key("back"), on_click=turn, args=(-1,), disabled=page == 0, help="Page before (Page Up)"
            )
            st.caption(f"{page + 1} / {pages}", width="content")
            st.button(
                on,
                key=view.key("on"),
                on_click=turn,
                args=(1,),
                disabled=page + 1 == pages,
                help="Page after (Page Down)",
            )
        st.download_button(
            "CSV",
            export,
            f"{dataset.name}-faces.csv",
            "text/csv",
            key=view.key("csv"),
            icon=":material/download:",
            help="The whole list, all pages.",
            disabled=not len(rows),
            on_click="ignore",
        )
    face_grid(
        tiles(shown),
        sheet_address(dataset, shown),
        key=view.key("grid"),
        selected=view.number("face"),
        on_pick=lambda: view.set(face=str(view.event("grid", "pick"))),
        on_turn=lambda: turn(int(view.event("grid", "turn"))),
        empty=empty,
        height=height,
    )


class ChosenFace(NamedTuple):
    """The face a view names: its row, whether it is the list's first or last, and what its card calls to step on."""

    row: int
    first: bool
    last: bool
    step: Callable[[], None]


def chosen_face(view: View, dataset: Dataset, rows: Rows, invitation: str) -> ChosenFace | None:
    """Return the face that the view's ``face`` names; without one, draw the invitation to choose one.

    Parameters
    ----------
    view : View
        Has ``page`` and ``face``; the card is its ``card``.
    dataset : Dataset
        Where the face comes from.
    rows : int array
        The list whose faces are stepped through.
    invitation : str
        What is said while there is none.

    Raises
    ------
    SpecError
        The dataset has no such face.
    """
    if not view["face"]:
        st.caption(invitation)
        return None
    row = view.number("face")
    if row is None or row >= len(dataset):
        raise SpecError(f"there is no face {view['face']!r}; {dataset.name} has the faces 0 to {len(dataset) - 1}")

    def step() -> None:
        target = neighbour_in_list(rows, row, int(view.event("card", "step")))
        if target is not None:
            view.set(face=str(target), page=str((page_holding(rows, target) or 0) + 1))

    before, after = (neighbour_in_list(rows, row, change) for change in (-1, 1))
    return ChosenFace(row, before is None, after is None, step)
