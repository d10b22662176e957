"""Browser components of the app: a Python function each, with its script and style in files beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).parent


@cache
def renderer(name: str, root: str, *parts: str) -> Any:
    """Register the component in ``<name>.js`` and ``<name>.css`` once; its root element has the class ``root``.

    Its script may use what ``shared.js`` defines, and the further scripts named in ``parts``.
    """
    files = (f"{name}.js", *(f"{part}.js" for part in parts), "shared.js")
    scripts = [(FOLDER / file).read_text(encoding="utf-8") for file in files]
    return st.components.v2.component(
        f"workbench_{name}",
        html=f'<div class="{root}"></div>',
        css=(FOLDER / f"{name}.css").read_text(encoding="utf-8"),
        js="".join(scripts),
    )


@dataclass(frozen=True)
class Tile:
    """One face in a grid.

    Parameters
    ----------
    row : int
        The image's row in its dataset; what a click sends back.
    caption, value : str
        The two texts under the picture, left and right.
    colours : tuple of str
        CSS colours of the line between picture and texts, side by side.
    hint : str
        What a pointer sees on hover and a screen reader reads.
    remark : str
        A line of its own under the texts.
    group, group_note : str
        Heading under which the tile stands, and a remark after it; equal neighbours share one heading.
    """

    row: int
    caption: str
    value: str
    colours: tuple[str, ...]
    hint: str
    remark: str = ""
    group: str = ""
    group_note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for the browser."""
        return asdict(self)
