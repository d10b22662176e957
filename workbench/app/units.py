"""Which units a page shows, in which order, and as a table: arrays in, unit numbers out.

A unit's number is its place among all units of a dissection: layer after layer, in each from 0 on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from workbench.app.browse import csv_bytes
from workbench.errors import SpecError, unknown_name

if TYPE_CHECKING:
    from workbench.studies.dissection import Dissection

Units = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]

UNITS_A_PAGE = 40
"""Units on one page of the table: with five pictures each they fill one sheet."""
BY = {"selective": "most selective for it", "speaks": "label speaks for it", "any": "any unit, ranked"}
"""What choosing an emotion keeps."""


@dataclass(frozen=True)
class UnitChoice:
    """Which units are meant; an empty name means any.

    Parameters
    ----------
    layer, concept, emotion : str
        A layer, a concept that is the unit's best match, one of the concept set's classes.
    by : str
        What ``emotion`` asks for, one of :data:`BY`.
    labelled : bool
        Only units whose label holds.
    search : str
        Part of a concept's or emotion's name, a layer, or a unit such as ``"lin1:42"``.
    """

    layer: str = ""
    concept: str = ""
    emotion: str = ""
    by: str = "selective"
    labelled: bool = False
    search: str = ""

    def check(self, dissection: Dissection) -> None:
        """Raise :class:`SpecError` where the choice names what the dissection does not have."""
        known: dict[str, tuple[str, Sequence[str]]] = {
            "layer": (self.layer, dissection.layers),
            "concept": (self.concept, dissection.concepts),
            "emotion": (self.emotion, dissection.classes),
            "choice of units": (self.by, tuple(BY)),
        }
        for name, (value, valid) in known.items():
            if value and value not in valid:
                raise unknown_name(name, value, valid)


def unit_name(dissection: Dissection, number: int) -> str:
    """Return a unit's name, such as ``"lin1:42"``."""
    return f"{dissection.layers[int(dissection.layer_index[number])]}:{int(dissection.unit[number])}"


def unit_number(dissection: Dissection, name: str) -> int:
    """Return the number of the unit called ``name``, such as ``"lin1:42"``.

    Raises
    ------
    SpecError
        The dissection has no such unit; the text says which there are.
    """
    layer, _, unit = name.rpartition(":")
    if name in dissection.layers:
        raise SpecError(f"{name!r} is a layer; a unit is named like {name}:0")
    if layer not in dissection.layers:
        raise unknown_name("layer", layer or name, dissection.layers)
    own = dissection.rows(layer)
    size = own.stop - own.start
    if not (unit.isascii() and unit.isdigit() and len(unit) < 10 and int(unit) < size):
        raise SpecError(f"there is no unit {name!r}; {layer} has the units {layer}:0 to {layer}:{size - 1}")
    return int(dissection.index(layer, int(unit)))


def best_emotions(dissection: Dissection) -> tuple[Units, Numbers]:
    """Return each unit's most selective class (index, -1 where none can be said) and its AUROC (NaN there)."""
    if not dissection.classes:
        return np.full(len(dissection.label), -1), np.full(len(dissection.label), np.nan)
    values = np.where(np.isnan(dissection.selectivity), -np.inf, dissection.selectivity)
    best = values.argmax(axis=1)
    highest = np.take_along_axis(values, best[:, None], axis=1)[:, 0]
    known = np.isfinite(highest)
    return np.where(known, best, -1), np.where(known, highest, np.nan)


def chosen_units(dissection: Dissection, choice: UnitChoice, order: str) -> Units:
    """Return the numbers of the units that ``choice`` means.

    Parameters
    ----------
    dissection : Dissection
        The run.
    choice : UnitChoice
        Which units.
    order : str
        One of :data:`ORDERS`, with ``-`` before it for the highest first. Units of which it is not known come last.

    Raises
    ------
    SpecError
        The choice or the order names what there is not.
    """
    choice.check(dissection)
    keep = np.ones(len(dissection.label), dtype=bool)
    if choice.layer:
        keep &= dissection.layer_index == dissection.layers.index(choice.layer)
    if choice.concept:
        keep &= dissection.label == dissection.concepts.index(choice.concept)
    if choice.emotion and choice.by != "any":
        keep &= _speaks(dissection, choice)
    if choice.labelled:
        keep &= dissection.holds
    if choice.search.strip():
        keep &= found_units(dissection, choice.search)
    units = np.flatnonzero(keep).astype(np.int64)
    return units[_order(dissection, choice, order)[units].argsort(kind="stable")]


def _speaks(dissection: Dissection, choice: UnitChoice) -> npt.NDArray[np.bool_]:
    place = dissection.classes.index(choice.emotion)
    if choice.by == "speaks":
        return np.asarray(dissection.membership[:, place][dissection.label] & ~dissection.constant)
    return np.asarray(best_emotions(dissection)[0] == place)


def found_units(dissection: Dissection, text: str) -> npt.NDArray[np.bool_]:
    """Return which units a search finds: by name, by the best match, or by an emotion it speaks or is selective for."""
    wanted = " ".join(text.casefold().split())
    layer, colon, unit = wanted.rpartition(":")
    places = [place for place, name in enumerate(dissection.layers) if name.casefold() == (layer if colon else wanted)]
    found = np.isin(dissection.layer_index, places)
    if colon:
        return np.asarray(found & (dissection.unit == int(unit) if unit.isascii() and unit.isdigit() else True))
    concepts = np.array([wanted in name.casefold() for name in dissection.concepts], dtype=bool)
    emotions = np.array([wanted in name.casefold() for name in dissection.classes], dtype=bool)
    concepts |= (dissection.membership & emotions).any(axis=1)
    selective = np.append(emotions, False)[best_emotions(dissection)[0]]  # -1, for none, finds nothing
    return np.asarray(found | np.append(concepts, False)[dissection.label] | selective)


def _order(dissection: Dissection, choice: UnitChoice, order: str) -> Numbers:
    name = order.removeprefix("-")
    if name not in ORDERS:
        raise unknown_name("order", name, ORDERS)
    values = np.asarray(ORDERS[name](dissection, choice), dtype=np.float64)
    values = -values if order.startswith("-") else values
    return np.where(np.isnan(values), np.inf, values)


def _by_label(dissection: Dissection, choice: UnitChoice) -> Numbers:
    del choice
    names = sorted(range(len(dissection.concepts)), key=lambda place: dissection.concepts[place].casefold())
    ranks = np.empty(len(names))
    ranks[names] = np.arange(len(names))
    return np.where(dissection.holds, ranks[dissection.label], np.nan)


def emotion_values(dissection: Dissection, choice: UnitChoice) -> Numbers:
    """Return each unit's AUROC for the chosen emotion, else for the one it is most selective for."""
    if choice.emotion:
        return np.asarray(dissection.selectivity[:, dissection.classes.index(choice.emotion)])
    return best_emotions(dissection)[1]


ORDERS: dict[str, Callable[[Dissection, UnitChoice], Numbers]] = {
    "layer": lambda dissection, _: np.asarray(dissection.layer_index),
    "unit": lambda dissection, _: np.asarray(dissection.unit),
    "label": _by_label,
    "similarity": lambda dissection, _: np.asarray(dissection.similarity),
    "lead": lambda dissection, _: np.asarray(dissection.similarity - dissection.runner_up_similarity),
    "q": lambda dissection, _: np.asarray(dissection.q),
    "stability": lambda dissection, _: np.asarray(dissection.stability),
    "faithfulness": lambda dissection, _: np.asarray(dissection.faithfulness),
    "accuracy": lambda dissection, _: np.asarray(dissection.accuracy),
    "emotion": emotion_values,
    "truth": lambda dissection, _: np.asarray(dissection.truth_auroc),
}
"""What units can be sorted by: name, and what gives each unit's value."""


def default_order(choice: UnitChoice) -> str:
    """Return the order to begin with: "units for happy" by that class's AUROC, else by what held-out images confirm."""
    return "-emotion" if choice.emotion else "-faithfulness"


def share_below(quantiles: Numbers, activations: Numbers | float) -> Numbers:
    """Return the share of probing images on which a unit is less active than here, in percent, 0 to 100.

    Parameters
    ----------
    quantiles : float array (..., 101)
        Percentiles of the activation of each unit on the probing images.
    activations : float or float array (...)
        The activation of each unit here.
    """
    return np.asarray((quantiles < np.asarray(activations)[..., None]).sum(axis=-1)).clip(0, 100)


def fired_units(dissection: Dissection, activations: Numbers, count: int) -> tuple[Units, Numbers, Numbers]:
    """Return the units that stand out most on one face among those whose label holds.

    Parameters
    ----------
    dissection : Dissection
        The run.
    activations : float array (U,)
        Activation of every unit on the face.
    count : int
        The most units returned.

    Returns
    -------
    units, shares, distances : arrays (up to count,)
        Numbers of the units; the share of probing images on which each is less active, in percent, the highest first;
        and how far each is above its mean, in its standard deviations, which orders equal shares.
    """
    units = np.flatnonzero(dissection.holds)
    share = share_below(dissection.quantiles[units], activations[units])
    spread = np.maximum(dissection.std[units], 1e-12)
    distance = (activations[units] - dissection.mean[units]) / spread
    best = np.lexsort((-distance, -share))[:count]
    return units[best].astype(np.int64), share[best], distance[best]


def units_csv(dissection: Dissection, units: Units) -> bytes:
    """Return units with all their evidence as CSV, in the order given."""
    header = ["layer", "unit", "label", "best_match", "similarity", "null_limit", "runner_up", "runner_up_similarity"]
    header += ["p", "q", "holds", "stability", "faithfulness", "faithfulness_low", "faithfulness_high", "accuracy"]
    header += ["mean", "std", "truth_auroc", "emotion"]
    header += [f"{part}({name})" for name in dissection.classes for part in ("auroc", "auroc_low", "auroc_high")]
    return csv_bytes(header, _lines(dissection, units))


def _lines(dissection: Dissection, units: Units) -> Iterator[list[object]]:
    emotions, _ = best_emotions(dissection)
    layers, concepts, classes, limits = (
        dissection.layers,
        dissection.concepts,
        dissection.classes,
        dissection.null_limit,
    )
    triples = np.stack([dissection.selectivity, dissection.selectivity_low, dissection.selectivity_high], axis=2)
    for number in units.tolist():
        label, runner = int(dissection.label[number]), int(dissection.runner_up[number])
        quality = [
            dissection.stability[number],
            dissection.faithfulness[number],
            dissection.faithfulness_low[number],
            dissection.faithfulness_high[number],
            dissection.accuracy[number],
            dissection.mean[number],
            dissection.std[number],
            dissection.truth_auroc[number],
        ]
        yield [
            layers[int(dissection.layer_index[number])],
            int(dissection.unit[number]),
            concepts[label] if dissection.holds[number] else "",
            concepts[label] if label >= 0 else "",
            figure(dissection.similarity[number]),
            figure(limits[int(dissection.layer_index[number])]),
            concepts[runner] if runner >= 0 else "",
            figure(dissection.runner_up_similarity[number]),
            figure(dissection.p[number]),
            figure(dissection.q[number]),
            bool(dissection.holds[number]),
            *map(figure, quality),
            classes[int(emotions[number])] if emotions[number] >= 0 else "",
            *map(figure, triples[number].ravel()),
        ]


def figure(value: float) -> str:
    """Return a number with six significant digits; empty for one that is not known."""
    return "" if value != value else f"{float(value):.6g}"
