"""A stored ladder: every way to classify, with its figures on the same images."""

from __future__ import annotations

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
        Numbers that were learned, 0 where nothing was; None where it is not known.
    seconds : float or None
        What learning took, on average over the seeds; None where it is not known.
    rate : float
        Images a second, from a decoded picture to an answer, on the machine that ran it.
    run : str
        Name of the classification by the first seed.
    made : str
        Reference of the classifier by the first seed; of the classification where nothing was learned.
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

    @property
    def rung(self) -> Rung:
        """What it is, and what was reported of it elsewhere."""
        return RUNGS[self.name]

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
        return str(self.summary["sentence"])


def open_ladder(artifact: Artifact) -> Ladder:
    """Open a stored ladder; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not a {KIND}")
    return Ladder(artifact)
