"""What colours the points of a map: the choice, and what it gives each image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from workbench.app import map_words, maps, session
from workbench.app.components.scatter import CLASSES, NONE, Colouring
from workbench.app.run_names import classification_names, search_name
from workbench.app.session import View
from workbench.app.units import unit_number
from workbench.app.widgets.fired import dissection_title
from workbench.data.datasets import Dataset
from workbench.errors import SpecError, unknown_name
from workbench.figures.theme import EMOTIONS, UNKNOWN, class_colours, other_colours
from workbench.store import Artifact

if TYPE_CHECKING:
    from workbench.studies.classify import Classification
    from workbench.studies.mapping import Map, Placed

COLOURS = {
    "label": "label",
    "prediction": "prediction",
    "outcome": "right or wrong",
    "suspicion": "doubt",
    "bin": "what is doubted",
    "split": "split",
    "activation": "a unit's activation",
    "prompt": "similarity to the prompt",
}
"""What the points can be coloured by."""
OUTCOME = {"right": "#2a9d8f", "wrong": "#d1495b"}
BIN_COLOURS = ("#c3cbd1", "#d1495b", "#e0a526", "#7d5ba6")
MOST_TYPED = 1_000
"""How many characters the field for prompts takes."""
SOURCE_WIDTH = 205
"""Width of what colours are taken from, in CSS pixels."""
SPREAD = (2, 98)
"""Percentiles of similarities and activations that have the first and the last colour."""


@dataclass(frozen=True)
class Sources:
    """What the colours are taken from: the view's choices, the map, and what is known of the images on it.

    ``run`` is the classification that predictions come from (``None`` where there is none), ``prompts`` and ``placed``
    what was dropped onto the map, ``held`` the slice whose images are selected.
    """

    view: View
    dataset: Dataset
    found: Map
    run: Classification | None
    prompts: tuple[str, ...]
    placed: Placed | None
    held: maps.Held | None = None


def draw_choice(view: View, dataset: Dataset) -> None:
    """Draw what colours the points, and what it is taken from.

    Raises
    ------
    SpecError
        The view names a colour, run or dissection that is not there.
    """
    if view["colour"] not in COLOURS:
        raise unknown_name("colour", view["colour"], COLOURS)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Colour by",
            list(COLOURS),
            width=164,
            format_func=COLOURS.__getitem__,
            help=map_words.COLOUR[view["colour"]],
            **view.bind("colour"),
        )
        _draw_source(view, dataset)
        prompt = view.bind("prompt", view["prompt"][:MOST_TYPED])
        st.text_input(
            "Drop a prompt",
            max_chars=MOST_TYPED,
            width=SOURCE_WIDTH,
            placeholder="a face with a broad smile; tears",
            help=map_words.PROMPT,
            **{**prompt, "on_change": _take_prompt, "args": (view, prompt)},
        )


def _take_prompt(view: View, prompt: dict[str, Any]) -> None:
    """Take a typed prompt, and colour by it."""
    prompt["on_change"](*prompt["args"])
    if view["prompt"]:
        view.set(colour="prompt")
    elif view["colour"] == "prompt":
        view.set(colour="label")


def _draw_source(view: View, dataset: Dataset) -> None:
    colour = view["colour"]
    if colour in ("suspicion", "bin"):
        _choose(view, "suspects", "Suspects", maps.stored("suspects", dataset.name), suspects_title)
    elif colour == "activation":
        _choose(view, "dissection", "Network", session.dissections(dataset.name), dissection_title)
        unit = view["unit"] or _first_unit(view, dataset)
        st.text_input("Unit", width=110, help="Layer and number, such as lin1:42.", **view.bind("unit", unit))
    elif colour == "prompt" and len(prompts := usable_prompts(view)) > 1:
        chosen = view["which"] if view["which"] in prompts else prompts[0]
        st.selectbox("Prompt", prompts, width=SOURCE_WIDTH, **view.bind("which", chosen, of=view["prompt"][:80]))
    else:
        runs = session.runs(dataset.name)
        titles = classification_names(runs)
        _choose(view, "run", "Predictions of", runs, lambda run: titles[run.name])


def usable_prompts(view: View) -> tuple[str, ...]:
    """Return the prompts that the view holds; none where they are too long or too many."""
    try:
        return maps.read_prompts(view["prompt"])
    except SpecError:
        return ()


def _first_unit(view: View, dataset: Dataset) -> str:
    found = session.dissections(dataset.name)
    if not found:
        return ""
    return f"{session.dissection(dataset.name, view['dissection'] or found[0].name).layers[-1]}:0"


def _choose(view: View, name: str, title: str, found: list[Artifact], words: Callable[[Artifact], str]) -> None:
    by_name = {run.name: run for run in found}
    chosen = view[name] or next(iter(by_name), "")
    if view[name] and chosen not in by_name:
        raise unknown_name(f"{name} of this dataset", chosen, by_name)
    if not by_name:
        st.selectbox(title, ["none yet"], disabled=True, width=SOURCE_WIDTH, key=view.key(f"no {name}"))
        return
    st.selectbox(
        title,
        list(by_name),
        width=SOURCE_WIDTH,
        format_func=lambda one: words(by_name[one]),
        **view.bind(name, chosen),
    )


def suspects_title(run: Artifact) -> str:
    """Return a search for suspects in words."""
    return search_name(run)


def prediction_run(view: View, dataset: Dataset) -> Classification | None:
    """Return the classification that the view names, else the newest, or ``None``.

    Raises
    ------
    SpecError
        The dataset has no such run.
    """
    found = session.runs(dataset.name)
    name = view["run"] or (found[0].name if found else "")
    return session.classification(dataset.name, name) if name else None


def make_colouring(sources: Sources) -> Colouring:
    """Return what the view asks for, for each image on the map.

    Raises
    ------
    SpecError
        It cannot be had: the line says what is missing and what would give it.
    """
    return MAKERS[sources.view["colour"]](sources)


def by_label(sources: Sources) -> Colouring:
    """Colour by the dataset's label."""
    classes, dataset = sources.dataset.classes, sources.dataset
    return _classes("label", dataset.labels[sources.found.rows], classes, class_colours(classes), "label")


def by_prediction(sources: Sources) -> Colouring:
    """Colour by a run's most probable class."""
    run = _run_of(sources)
    return _classes(
        "prediction",
        np.asarray(run.predicted)[sources.found.rows],
        run.classes,
        class_colours(run.classes),
        "prediction",
        "no prediction",
    )


def by_outcome(sources: Sources) -> Colouring:
    """Colour by whether a run's prediction is the label."""
    run, rows = _run_of(sources), sources.found.rows
    labels, predicted = np.asarray(run.labels)[rows], np.asarray(run.predicted)[rows]
    words = np.where(labels == "", "", np.where(labels == predicted, "right", "wrong"))
    return _classes("prediction is", words, list(OUTCOME), OUTCOME, "outcome")


def by_suspicion(sources: Sources) -> Colouring:
    """Colour by how doubtful the label is."""
    found = _suspects_of(sources)
    scores = np.asarray(found.scores, dtype=np.float32)[sources.found.rows]
    return _values("doubt", scores, 0.0, 1.0, "doubt", "not judged")


def by_bin(sources: Sources) -> Colouring:
    """Colour by what is doubted."""
    from workbench.methods.suspects import BINS

    found = _suspects_of(sources)
    names = ["not in doubt", *BINS[1:]]
    words = np.array(names)[np.asarray(found.bins)[sources.found.rows]]
    return _classes("in doubt", words, names, dict(zip(names, BIN_COLOURS, strict=True)), "bin")


def by_split(sources: Sources) -> Colouring:
    """Colour by the dataset's split."""
    names = sources.dataset.split_names
    colours = dict(zip(names, other_colours(len(names)), strict=True))
    return _classes("split", sources.dataset.splits[sources.found.rows], names, colours, "split", "no split")


def by_activation(sources: Sources) -> Colouring:
    """Colour by a unit's activation."""
    dataset = sources.dataset
    found = session.dissections(dataset.name)
    name = sources.view["dissection"] or (found[0].name if found else "")
    if not name:
        raise SpecError(f"no network has been dissected on {dataset.name}; the Neurons page starts a dissection")
    dissection = session.dissection(dataset.name, name)
    unit = sources.view["unit"] or f"{dissection.layers[-1]}:0"
    number = unit_number(dissection, unit)
    layer = dissection.layers[int(dissection.layer_index[number])]
    values = session.unit_values(dissection).unit(layer, int(dissection.unit[number]))[sources.found.rows]
    label = dissection.concepts[int(dissection.label[number])] if dissection.holds[number] else "no label"
    return _values(f"{unit} ({label})", values, *_span(values), "activation", "not recorded")


def by_prompt(sources: Sources) -> Colouring:
    """Colour by how similar the image is to a typed prompt."""
    if sources.placed is None:
        raise SpecError("no prompt has been typed; write a few words in the field above the map")
    chosen = sources.view["which"] if sources.view["which"] in sources.prompts else sources.prompts[0]
    values = sources.placed.similarities[sources.prompts.index(chosen)]
    return _values(f"like “{chosen}”", values, *_span(values), "prompt")


MAKERS: dict[str, Callable[[Sources], Colouring]] = {
    "label": by_label,
    "prediction": by_prediction,
    "outcome": by_outcome,
    "suspicion": by_suspicion,
    "bin": by_bin,
    "split": by_split,
    "activation": by_activation,
    "prompt": by_prompt,
}


def _run_of(sources: Sources) -> Classification:
    if sources.run is None:
        raise SpecError(f"{sources.dataset.name} has no predictions yet; the Confusions page starts a run")
    return sources.run


def _suspects_of(sources: Sources) -> Any:
    found = maps.stored("suspects", sources.dataset.name)
    if not sources.view["suspects"] and not found:
        raise SpecError(
            f"the labels of {sources.dataset.name} have not been judged; the Review page looks for suspects"
        )
    return maps.open_suspects(sources.dataset.name, sources.view["suspects"] or found[0].name)


def _span(values: npt.NDArray[np.floating[Any]]) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, SPREAD) if len(known) else (0.0, 1.0)
    return (float(low), float(high)) if high > low else (float(low), float(low) + 1e-6)


def _values(
    title: str, values: npt.NDArray[Any], low: float, high: float, colour: str, none: str = "unknown"
) -> Colouring:
    empty = np.zeros(0, dtype=np.uint8)
    values = np.asarray(values, dtype=np.float32)
    return Colouring(title, empty, values=values, low=low, high=high, none=none, help=map_words.COLOUR[colour])


def _classes(
    title: str,
    words: npt.NDArray[Any],
    names: Sequence[str],
    colours: dict[str, str],
    colour: str,
    none: str = "no label",
) -> Colouring:
    """Return a colouring by name; of more than 255 names the last ones share "no label"."""
    places = {name: place for place, name in enumerate(names) if place < CLASSES}
    codes = np.fromiter((places.get(word, NONE) for word in words.tolist()), dtype=np.uint8, count=len(words))
    shown = list(places)
    paints = [colours.get(name, UNKNOWN) for name in shown]
    return Colouring(title, codes, shown, paints, none=none, help=map_words.COLOUR[colour])


def class_colour(dataset: Dataset, name: str) -> str:
    """Return the colour of a class, of the dataset or of a concept set."""
    return class_colours(dataset.classes).get(name) or EMOTIONS.get(name, UNKNOWN)
