"""A map beside the faces on it: a lasso gives the faces it holds, a point gives all that is known of its face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from workbench.app import maps
from workbench.app.components.scatter import NONE, Cloud, Colouring, Landmark, Look, scatter
from workbench.app.lasso import inside
from workbench.app.point_routes import facts_address
from workbench.app.routes import image_address
from workbench.app.session import View
from workbench.app.text import count
from workbench.app.widgets import notices
from workbench.app.widgets.map_colour import (
    Sources,
    by_label,
    by_prediction,
    class_colour,
    draw_choice,
    make_colouring,
    prediction_run,
)
from workbench.app.widgets.map_faces import draw_faces
from workbench.app.widgets.map_form import METHOD_WORDS
from workbench.app.widgets.map_quality import headline
from workbench.data.datasets import Dataset
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.studies.mapping import Map

LAYERS = ("texts", "means", "prompts")
"""What the legend can switch off besides classes."""
HEIGHT = 560
HELP = (
    "Drag to move, wheel to zoom, **shift-drag to draw a lasso**, click a point for its face. "
    "Ctrl adds to a lasso, Alt takes away."
)
NEAR_ONLY = (
    "{method} keeps neighbours together and nothing else: distances between groups, their sizes and directions mean "
    "little. What is opposite and what is close is measured in the full space, under Angles."
)


def explore(view: View, dataset: Dataset, found: Map) -> None:
    """Draw the map with its controls on the left, and the faces it chooses on the right."""
    sources = gather(view, dataset, found)
    notices.notes([*found.notes, *(sources.placed.notes if sources.placed is not None else ())])
    headline(found)
    draw_choice(view, dataset)
    left, right = st.columns([8, 6], gap="medium")
    with left:
        colouring = colouring_or_label(sources)
        draw_map(view, sources, colouring)
        st.caption(HELP)
        if found.spec.method != "pca":
            st.caption(NEAR_ONLY.format(method=METHOD_WORDS[found.spec.method]))
            st.button(
                "Angles",
                key=view.key("to angles"),
                type="tertiary",
                icon=":material/architecture:",
                on_click=lambda: view.set(tab="angles"),
            )
    with right:
        draw_faces(view, sources, colouring, chosen_points(sources, colouring))


def gather(view: View, dataset: Dataset, found: Map) -> Sources:
    """Return what the colours are taken from; a prompt that cannot be placed is said and left out."""
    prompts: tuple[str, ...] = ()
    placed = None
    try:
        prompts = maps.read_prompts(view["prompt"])
        placed = maps.placed(found, prompts) if prompts else None
    except WorkbenchError as error:
        notices.trouble(error)
    held = maps.held_slice(found, view["among"]) if view["among"] and not view["lasso"] else None
    return Sources(view, dataset, found, prediction_run(view, dataset), prompts, placed, held)


def colouring_or_label(sources: Sources) -> Colouring:
    """Return the colouring the view asks for; where it cannot be had, say so and colour by label."""
    try:
        return make_colouring(sources)
    except WorkbenchError as error:
        notices.trouble(error)
        return by_label(sources)


def draw_map(view: View, sources: Sources, colouring: Colouring) -> None:
    """Draw the points; what a person changes there goes into the view."""
    found, dataset = sources.found, sources.dataset
    classes = f": {', '.join(colouring.names[:12])}" if colouring.values is None else ""
    scatter(
        Cloud(found.points, found.rows, None if sources.held is None else sources.held.points),
        colouring,
        landmarks(sources),
        Look(view["lasso"], _join(view["hidden"], view["layers"]), view["camera"], view.number("face")),
        key=view.key("scatter"),
        on_change=lambda: take(view),
        description=(
            f"Map of {count(len(found.rows))} images of {dataset.name} by {found.spec.method}, coloured by "
            f"{colouring.title}{classes}. Near points are similar faces."
        ),
        told=by_prediction(sources) if sources.run is not None and view["colour"] != "prediction" else None,
        centre=(float(found.centre[0]), float(found.centre[1])) if found.spec.method == "pca" else None,
        pictures=image_address(dataset, 0).removesuffix("0"),
        facts=facts_address(dataset),
        height=HEIGHT,
    )


def take(view: View) -> None:
    """Take over what a person changed on the map."""
    change: dict[str, Any] = view.event("scatter", "change") or {}
    values: dict[str, str] = {name: str(change[name]) for name in ("lasso", "camera", "face") if name in change}
    if "hidden" in change:
        parts = [part for part in str(change["hidden"]).split(".") if part]
        values["hidden"] = ".".join(part for part in parts if part not in LAYERS)
        values["layers"] = ".".join(part for part in parts if part in LAYERS)
    if "lasso" in values:
        values["among"] = ""
    view.set(**values)


def landmarks(sources: Sources) -> Sequence[Landmark]:
    """Return the class means, the concept set's texts and the typed prompts."""
    found, dataset = sources.found, sources.dataset
    marks = [
        Landmark("mean", name, float(x), float(y), class_colour(dataset, name), f"mean place of the images of {name}")
        for name, (x, y) in found.class_means.items()
    ]
    for text, name, (x, y) in zip(found.texts, found.text_classes, found.text_points, strict=True):
        hint = f"the text “{text}”" + (f", which speaks for {name}" if name else "")
        marks.append(Landmark("text", text, float(x), float(y), class_colour(dataset, name), hint))
    if sources.placed is not None:
        for prompt, (x, y) in zip(sources.prompts, sources.placed.points, strict=True):
            marks.append(Landmark("prompt", prompt, float(x), float(y), "#1f6f8b", f"your prompt “{prompt}”"))
    return marks


def chosen_points(sources: Sources, colouring: Colouring) -> npt.NDArray[np.int64]:
    """Return the places (in the map's arrays) of what is selected; of all visible points where nothing is.

    Raises
    ------
    SpecError
        The view's lasso is none.
    """
    view, found = sources.view, sources.found
    chosen = np.ones(len(found.rows), dtype=bool) if sources.held is None else sources.held.points
    if view["lasso"]:
        chosen = inside(found.points, view["lasso"])
    off = set(view["hidden"].split(".")) - {""}
    if colouring.values is not None:
        return np.flatnonzero(chosen & np.isfinite(colouring.values) if "none" in off else chosen)
    numbers = [int(name) for name in off if name.isascii() and name.isdigit() and len(name) < 4]
    hidden = np.isin(colouring.codes, [*numbers, *([NONE] if "none" in off else [])])
    return np.flatnonzero(chosen & ~hidden)


def _join(*parts: str) -> str:
    return ".".join(sorted(part for text in parts for part in text.split(".") if part))
