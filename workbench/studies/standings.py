"""A stored ladder: every way to classify, with its figures on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import SpecError
from workbench.methods.bootstrap import Estimate
from workbench.specs.ladder import LadderSpec
from workbench.store import Artifact
from workbench.studies.rungs import RUNGS, Rung
from workbench.studies.stored import Stored

KIND = "ladder"
"""Kind of the artifacts that hold one."""
_LEVEL = 1e-9
"""Means over seeds that lie closer together are equal but for rounding."""


@dataclass(frozen=True)
class Standing:
    """A rung with its figures; shares are 0..1.

    Parameters
    ----------
    name : str
        The rung's, see workbench.studies.rungs.
    seeds : int
        How often it was trained; figures are means over them.
    accuracy, top_3, macro_f1, ece : Estimate
        With 95 % intervals over images and seeds; see workbench.methods.over_seeds.
    lowest, highest : float
        The least and the most accurate seed.
    unseen : Estimate or None
        Accuracy on the images of which no copy is among the training images; None where there is none.
    behind : Estimate
        Accuracy minus that of the most accurate rung, on the same images; 0 for that rung itself.
    parameters : int or None
        Numbers that are kept of what was learned, on average over the seeds; 0 where nothing was learned, None where it
        is not known.
    seconds : float or None
        What learning took, on average over the seeds; None where it is not known.
    rate : float
        Images a second, from a decoded picture to an answer, on the machine that ran it.
    run : str
        Name of the classification by the first seed.
    made : str
        Reference of the classifier by the first seed; of the classification where nothing was learned.
    fewest, most : int or None
        Of the numbers kept, over the seeds; None where that is not known, and in the oldest ladders.
    """

    name: str
    seeds: int
    accuracy: Estimate
    top_3: Estimate
    macro_f1: Estimate
    ece: Estimate
    lowest: float
    highest: float
    unseen: Estimate | None
    behind: Estimate
    parameters: int | None
    seconds: float | None
    rate: float
    run: str
    made: str
    fewest: int | None = None
    most: int | None = None

    @property
    def rung(self) -> Rung:
        """What it is, and what was reported of it elsewhere."""
        return RUNGS[self.name]

    @property
    def numbers_kept(self) -> str:
        """How many numbers are kept, as text: of seeds that differ the fewest to the most; empty where not known."""
        if self.parameters is None:
            return ""
        if self.fewest is None or self.most is None:
            return f"{self.parameters:,}{' on average' if self.seeds > 1 else ''}"
        return f"{self.most:,}" if self.fewest == self.most else f"{self.fewest:,} to {self.most:,}"

    @property
    def line(self) -> dict[str, Any]:
        """What :func:`workbench.figures.ladder.ladder` draws of it."""
        return {
            "title": self.rung.title,
            "family": self.rung.family,
            "accuracy": self.accuracy._asdict(),
            "unseen": self.unseen._asdict() if self.unseen else None,
            "seeds": self.seeds,
            "published": [(each.percent, each.source) for each in self.rung.published],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Standing:
        """Read back what ``dataclasses.asdict`` made."""
        estimates = {name: Estimate(*values[name]) for name in ("accuracy", "top_3", "macro_f1", "ece", "behind")}
        unseen = Estimate(*values["unseen"]) if values["unseen"] else None
        return cls(**{**values, **estimates, "unseen": unseen})


@dataclass(frozen=True)
class Ladder(Stored[LadderSpec]):
    """A stored ladder.

    Parameters
    ----------
    artifact : Artifact
        Everything stands in its summary; the classifications are artifacts of their own.
    """

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Every rung that could be run, the most accurate first."""
        return tuple(Standing.from_dict(dict(each)) for each in self.summary["standings"])

    @property
    def left_out(self) -> dict[str, str]:
        """Rungs that could not be run, and why."""
        return dict(self.summary["left_out"])

    @property
    def images(self) -> int:
        """Labelled images that all are reported on."""
        return int(self.summary["images"])

    @property
    def commonest(self) -> float:
        """Share of the commonest class among them: the accuracy of always answering it."""
        return float(self.summary["commonest"])

    @property
    def sentence(self) -> str:
        """The result as one sentence."""
        return tell(self.standings, self.spec.report_on, self.images)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures must know; above all which ways show no learning."""
        poor = [each.rung.title for each in self.standings if each.accuracy.low <= self.commonest]
        if not poor:
            return super().notes
        told = (
            f"no better than always answering the commonest class ({100 * self.commonest:.1f} %), as far as the "
            f"accuracy on these images can tell: {', '.join(poor)}; what was trained there may have learned nothing"
        )
        return (told, *super().notes)


def tell(standings: Sequence[Standing], report_on: str, images: int) -> str:
    """Return which way is the most accurate, which are level with it, and which are not told apart from it."""
    best, *others = standings
    told = (
        f"most accurate on the {images:,} images of {report_on} is {best.rung.title}: "
        f"{100 * best.accuracy.value:.1f} % ({100 * best.accuracy.low:.1f} to {100 * best.accuracy.high:.1f})"
    )
    level = [each for each in others if abs(each.behind.value) < _LEVEL]
    close = [each for each in others if each not in level and each.behind.high >= 0]
    if level:
        told += f", exactly level with {' and '.join(each.rung.title for each in level)}"
    return told + (f". Not told apart from it: {'; '.join(each.rung.title for each in close)}" if close else "")


def open_ladder(artifact: Artifact) -> Ladder:
    """Open a stored ladder; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not a {KIND}")
    return Ladder(artifact)
