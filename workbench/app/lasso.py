"""Which points of a map a drawn line holds: text in, row numbers out.

A lasso travels as text, in the address too: eight digits of base 36 for each corner (four across, four upward, within
the square around the map), a dot between parts, and a minus before a part that takes away. The browser uses the same
arithmetic on the same numbers (``components/scatter_space.js``), so both find the same points.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.errors import SpecError

LEVELS = 36**4 - 1
"""Steps of a coordinate: four digits of base 36."""
LIMIT = 8_000
"""The longest text of a lasso."""
MARGIN = 1.5
"""Width of the square around the map, in widths of the map."""
_PARTS = re.compile(r"-?(?:[0-9a-z]{8})+(?:\.-?(?:[0-9a-z]{8})+)*", re.ASCII)

Places = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Frame:
    """The square around a map: its left and bottom end and its width, in the map's own units."""

    left: float
    bottom: float
    side: float

    @classmethod
    def around(cls, places: Places) -> Frame:
        """Return the square around points ``(P, 2)``: half as wide again as they are."""
        if not len(places):
            return cls(-0.5, -0.5, 1.0)
        low, high = places.min(axis=0).astype(np.float64), places.max(axis=0).astype(np.float64)
        side = MARGIN * float(max(high - low)) or 1.0
        return cls(float((low[0] + high[0]) / 2 - side / 2), float((low[1] + high[1]) / 2 - side / 2), side)


def inside(places: Places, lasso: str) -> npt.NDArray[np.bool_]:
    """Return which points a lasso holds, shape ``(P,)``; its parts add and take away in their order.

    Parameters
    ----------
    places : float32 array (P, 2)
        The points of the map.
    lasso : str
        The text of a lasso; empty holds nothing. A point is inside where a ray from it crosses the outline an odd
        number of times.

    Raises
    ------
    SpecError
        The text is no lasso.
    """
    chosen = np.zeros(len(places), dtype=bool)
    if not lasso:
        return chosen
    if len(lasso) > LIMIT or not _PARTS.fullmatch(lasso):
        raise SpecError(f"lasso is {lasso[:24]!r}; draw it on the map: it is eight digits and letters for each corner")
    frame = Frame.around(places)
    factor = LEVELS / frame.side
    x = (places[:, 0].astype(np.float64) - frame.left) * factor
    y = (places[:, 1].astype(np.float64) - frame.bottom) * factor
    for part in lasso.split("."):
        corners = read_corners(part.removeprefix("-"))
        low, high = corners.min(axis=0), corners.max(axis=0)
        near = np.flatnonzero((x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1]))
        chosen[near[_crossed(x[near], y[near], corners)]] = not part.startswith("-")
    return chosen


def read_corners(part: str) -> npt.NDArray[np.float64]:
    """Return the corners of one part ``(C, 2)``, 0 to :data:`LEVELS`."""
    words = [int(part[start : start + 4], 36) for start in range(0, len(part), 4)]
    return np.array(words, dtype=np.float64).reshape(-1, 2)


def write_corners(corners: npt.NDArray[np.floating], frame: Frame) -> str:
    """Return a closed line of corners ``(C, 2)``, in the map's own units, as the text of a lasso."""
    levels = (np.asarray(corners, dtype=np.float64) - [frame.left, frame.bottom]) / frame.side * LEVELS
    return "".join(_digits(int(value)) for value in levels.round().clip(0, LEVELS).ravel())


def _digits(number: int) -> str:
    return np.base_repr(number, 36).lower().rjust(4, "0")


def _crossed(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], corners: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Return where a ray to the right crosses the outline an odd number of times."""
    odd = np.zeros(len(x), dtype=bool)
    before = np.roll(corners, 1, axis=0)
    for (xk, yk), (xj, yj) in zip(corners.tolist(), before.tolist(), strict=True):
        spans = (yk > y) != (yj > y)
        places = np.flatnonzero(spans)
        odd[places] ^= x[places] < (xj - xk) * (y[places] - yk) / (yj - yk) + xk
    return odd
