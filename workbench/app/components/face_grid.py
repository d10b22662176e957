"""A grid of faces: click or arrow keys pick one, Page Up and Page Down turn the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workbench.app.components import Tile, renderer
from workbench.app.routes import SHEET_COLUMNS


def face_grid(
    tiles: Sequence[Tile],
    sheet: str,
    *,
    key: str,
    selected: int | None,
    on_pick: Callable[[], None],
    on_turn: Callable[[], None],
    empty: str = "No images here.",
    tile: int = 76,
    height: int = 0,
) -> None:
    """Draw the tiles; their pictures come from one sheet image in the same order.

    Parameters
    ----------
    tiles : sequence of Tile
        At most 200.
    sheet : str
        Address of the sheet; see :func:`workbench.app.routes.sheet_address`.
    key : str
        The component's key; the picked row and the turn (-1 or 1) are its ``pick`` and ``turn``.
    selected : int or None
        Row of the tile to mark.
    on_pick, on_turn : callable
        Called before the rerun that a pick or a turn causes.
    empty : str
        What is said where there are no tiles.
    tile : int
        Least width of a tile, in CSS pixels.
    height : int
        Height after which the grid scrolls, in CSS pixels; 0 for none.
    """
    renderer("face_grid", "faces")(
        key=key,
        data={
            "tiles": [item.to_dict() for item in tiles],
            "sheet": sheet,
            "sheet_columns": SHEET_COLUMNS,
            "selected": selected,
            "empty": empty,
            "tile": tile,
            "height": height,
        },
        on_pick_change=on_pick,
        on_turn_change=on_turn,
    )
