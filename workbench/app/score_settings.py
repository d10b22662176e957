"""What a person changed about a score, as text that an address can carry, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from workbench.app.session import View
from workbench.errors import SpecError
from workbench.specs import ScoreSpec

if TYPE_CHECKING:
    from workbench.methods.peak_end import Settings

CONTROLS = ("unit", "window", "part_end", "part_earlier", "part_later", "peak", "smoothing")
"""Names of the view's values that change how a video score is made."""
UNITS = ("frames", "seconds")
_ENTRY = re.compile(r"(\d{1,6})(?:=(\d(?:\.\d{1,6})?)|(-))", re.ASCII)


@dataclass(frozen=True)
class Edits:
    """Changes to a table of emotions, by row.

    Parameters
    ----------
    scores : mapping
        Row to its new score, 1 to 5.
    without : frozenset
        Rows left out.
    """

    scores: Mapping[int, float] = field(default_factory=dict)
    without: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.scores or self.without)

    def __str__(self) -> str:
        """Text such as ``"3=4.5,7-"``: row 3 scores 4.5, row 7 is left out."""
        changed = [f"{row}={score:.6g}" for row, score in sorted(self.scores.items())]
        return ",".join([*changed, *(f"{row}-" for row in sorted(self.without))])

    def apply(self, scores: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Return the scores (C,) after the changes, and which rows are kept."""
        changed, keep = np.array(scores, dtype=np.float64), np.ones(len(scores), dtype=bool)
        for row, score in self.scores.items():
            changed[row] = score
        keep[list(self.without)] = False
        return changed, keep


def read_edits(text: str, names: Sequence[str]) -> Edits:
    """Return what the text says; see :meth:`Edits.__str__`.

    Raises
    ------
    SpecError
        It is not of that form, a row does not exist, a score is outside 1 to 5, or no emotion is left.
    """
    scores: dict[int, float] = {}
    without: set[int] = set()
    for entry in filter(None, text.split(",")):
        found = _ENTRY.fullmatch(entry)
        if not found or int(found[1]) >= len(names):
            raise SpecError(f"the change {entry[:40]!r} means no emotion of this score; use row=score, or row-")
        if found[3]:
            without.add(int(found[1]))
        elif 1 <= float(found[2]) <= 5:
            scores[int(found[1])] = float(found[2])
        else:
            raise SpecError(f"the score {found[2]} of {names[int(found[1])]} is outside 1 to 5")
    if len(without) == len(names):
        raise SpecError("every emotion is left out; keep at least one")
    return Edits(scores, frozenset(without))


def read_settings(view: View, spec: ScoreSpec) -> Settings:
    """Return how the video score is to be made: the view's wishes, else as it was stored.

    Raises
    ------
    SpecError
        The view names what cannot be.
    """
    from workbench.methods.peak_end import Settings

    unit = unit_of(view, spec)
    window = view.real("window", usual_window(unit, spec), 0.01, 1e6)
    stored = spec.part_weights
    names = ("part_end", "part_earlier", "part_later")
    parts = tuple(view.real(name, part, 0, 1) for name, part in zip(names, stored, strict=True))
    if sum(parts) <= 0:
        raise SpecError("end score and peaks all weigh nothing; give at least one of them a weight")
    return Settings(
        end_frames=window if unit == "frames" else spec.end_frames,
        end_seconds=window if unit == "seconds" else 0.0,
        parts=(parts[0], parts[1], parts[2]),
        peak=view["peak"] or spec.peak,
        smoothing=view.real("smoothing", spec.smoothing, 0, 60),
    )


def unit_of(view: View, spec: ScoreSpec) -> str:
    """Return in what the end window is given: ``frames`` or ``seconds``."""
    unit = view["unit"] or ("seconds" if spec.end_seconds else "frames")
    if unit not in UNITS:
        raise SpecError(f"the unit of the end window is {unit[:40]!r}; it must be frames or seconds")
    return unit


def usual_window(unit: str, spec: ScoreSpec) -> float:
    """Return the end window to begin with, in ``unit``."""
    if unit == "frames":
        return spec.end_frames
    return spec.end_seconds or 2.0
