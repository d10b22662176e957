"""A map of many points that can be moved, zoomed, filtered and selected from; see ``scatter.js``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from workbench.app.components import renderer
from workbench.app.point_routes import points_address

NONE = 255
"""Code of a point without a class."""
CLASSES = 255
"""The most classes of a colouring."""
RAMP = ("#3b2f80", "#2f68a8", "#22948f", "#7dbb57", "#f0d43a")
"""Colours of values, from the lowest to the highest; lightness rises."""


@dataclass(frozen=True)
class Cloud:
    """Where the points are.

    Parameters
    ----------
    places : float32 array (P, 2)
        Positions, in the map's own units.
    rows : int array (P,)
        Row of each point in its dataset.
    held : bool array (P,), optional
        Points that are selected as long as no lasso is drawn; the others are dimmed.
    """

    places: npt.NDArray[np.float32]
    rows: npt.NDArray[np.int64]
    held: npt.NDArray[np.bool_] | None = None

    def pack(self) -> bytes:
        """Return the points as the browser reads them: x and y of each as float32, then the rows as int32."""
        places = np.ascontiguousarray(self.places, dtype="<f4")
        return places.tobytes() + np.asarray(self.rows, dtype="<i4").tobytes()


@dataclass(frozen=True)
class Colouring:
    """What colours the points: a class each, or a value each.

    Parameters
    ----------
    title : str
        What it is, in a few words.
    codes : int array (P,)
        Index of each point's class, 0 to 254, or :data:`NONE`. Empty where values colour.
    names, colours : sequence of str
        Name and colour (``#rrggbb``) of each class.
    values : float array (P,), optional
        The value of each point; NaN where there is none.
    low, high : float
        Values that have the first and the last colour; beyond them the colour stays.
    none : str
        What a point without class or value is called.
    help : str
        The definition, on hover.
    """

    title: str
    codes: npt.NDArray[np.uint8]
    names: Sequence[str] = ()
    colours: Sequence[str] = ()
    values: npt.NDArray[np.float32] | None = None
    low: float = 0.0
    high: float = 1.0
    none: str = "no label"
    help: str = ""

    def pack(self) -> bytes:
        """Return the codes as uint8, or the values as float32."""
        if self.values is not None:
            return np.asarray(self.values, dtype="<f4").tobytes()
        return np.asarray(self.codes, dtype=np.uint8).tobytes()

    def to_dict(self) -> dict[str, object]:
        """Return all but the arrays as plain values for the browser."""
        by_value = self.values is not None
        return {
            "kind": "value" if by_value else "class",
            "title": self.title,
            "help": self.help,
            "names": list(self.names),
            "colours": list(RAMP if by_value else self.colours),
            "low": float(self.low),
            "high": float(self.high),
            "none": self.none,
        }


@dataclass(frozen=True)
class Landmark:
    """Something named that lies among the points.

    Parameters
    ----------
    kind : str
        ``"mean"`` (of a class, with an arrow from the centre if there is one), ``"text"`` or ``"prompt"``.
    label : str
        Its name.
    x, y : float
        Its position.
    colour : str
        CSS colour.
    hint : str
        What a pointer sees on hover.
    """

    kind: str
    label: str
    x: float
    y: float
    colour: str
    hint: str


@dataclass(frozen=True)
class Look:
    """How a person looks at the map, as the texts that the address keeps.

    Parameters
    ----------
    lasso : str
        What is selected; see :mod:`workbench.app.lasso`.
    hidden : str
        What the legend has switched off: numbers of classes, ``"none"``, ``"texts"``, ``"means"`` and ``"prompts"``,
        with dots between.
    camera : str
        Which part of the map is seen; empty for all of it.
    picked : int, optional
        Row of the point with a ring.
    """

    lasso: str = ""
    hidden: str = ""
    camera: str = ""
    picked: int | None = None


def scatter(
    cloud: Cloud,
    colouring: Colouring,
    landmarks: Sequence[Landmark],
    look: Look,
    *,
    key: str,
    on_change: Callable[[], None],
    description: str,
    told: Colouring | None = None,
    centre: tuple[float, float] | None = None,
    pictures: str = "",
    facts: str = "",
    height: int = 620,
    plain: bool = False,
) -> None:
    """Draw the map. Positions and colours travel once, beside the page's own channel.

    Parameters
    ----------
    cloud, colouring, landmarks, look
        What is drawn.
    key : str
        The component's key. Its ``change`` holds what a person has just changed, as texts: ``lasso``, ``hidden`` and
        ``camera`` as in :class:`Look`, and ``face``, the row of a point that was clicked; empty where a selection or
        Escape has let it go.
    on_change : callable
        Called before the rerun that a change causes.
    description : str
        A sentence or two on what is seen, for screen readers.
    told : Colouring, optional
        Classes that a pointer is told of a point besides its colour.
    centre : (float, float), optional
        Where the arrows to the class means begin; no arrows without it.
    pictures, facts : str
        Addresses of a point's picture and of what is known of it, up to the row's number.
    height : int
        Height of the map, in CSS pixels.
    plain : bool
        Draw without WebGL, as browsers that have none do.
    """
    renderer("scatter", "scatter", "scatter_space", "scatter_paint", "scatter_hands", "scatter_marks")(
        key=key,
        data={
            "points": points_address(cloud.pack()),
            "colour": points_address(colouring.pack()),
            "held": "" if cloud.held is None else points_address(cloud.held.astype(np.uint8).tobytes()),
            "told": None if told is None else {**told.to_dict(), "address": points_address(told.pack())},
            "count": len(cloud.rows),
            "landmarks": [asdict(landmark) for landmark in landmarks],
            "centre": None if centre is None else [float(value) for value in centre],
            "description": description,
            "pictures": pictures,
            "facts": facts,
            "height": height,
            "plain": plain,
            **colouring.to_dict(),
            **asdict(look),
        },
        on_change_change=on_change,
    )
