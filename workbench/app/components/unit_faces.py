"""The faces a unit is most active on, with the places it is active at painted over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workbench.app.components import Tile, renderer


def unit_faces(
    tiles: Sequence[Tile],
    pictures: Sequence[str],
    maps: str,
    *,
    key: str,
    on_pick: Callable[[], None],
) -> None:
    """Draw the faces side by side, at most ten in a row.

    Parameters
    ----------
    tiles : sequence of Tile
        Captions; a click sends the tile's row as ``pick``.
    pictures : sequence of str
        Address of each picture.
    maps : str
        Address of one picture with the map of every face side by side, painted over the faces; empty for none.
    key : str
        The component's key.
    on_pick : callable
        Called before the rerun that a click causes.
    """
    renderer("unit_faces", "unitfaces")(
        key=key,
        data={"tiles": [tile.to_dict() for tile in tiles], "pictures": list(pictures), "maps": maps},
        on_pick_change=on_pick,
    )
