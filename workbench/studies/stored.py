"""What every stored result has: the artifact it reads, what was asked for, and what a reader must know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from workbench.specs import Spec, parse_spec
from workbench.store import Artifact

S_co = TypeVar("S_co", bound=Spec, covariant=True)


@dataclass(frozen=True)
class Stored(Generic[S_co]):
    """A stored result of a study.

    Parameters
    ----------
    artifact : Artifact
        Its files, and the summary of its figures.
    """

    artifact: Artifact

    @property
    def spec(self) -> S_co:
        """What was asked for."""
        return cast(S_co, parse_spec(self.artifact.spec, self.artifact.reference))

    @property
    def summary(self) -> Mapping[str, Any]:
        """The figures, as plain values."""
        return cast(Mapping[str, Any], self.artifact.manifest["summary"])

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures must know."""
        return tuple(self.summary["notes"])


@dataclass(frozen=True)
class StoredClassifier(Stored[S_co]):
    """A stored classifier that was trained here: a probe, learned prompts or a network. K classes.

    Parameters
    ----------
    artifact : Artifact
        Its arrays, one Parquet part with the fingerprints of the training images, and the summary of its figures.
    """

    @property
    def model(self) -> str:
        """What it is called where a model is asked for: its kind, a colon and its name."""
        return f"{self.artifact.kind}:{self.artifact.name}"

    @property
    def dataset(self) -> str:
        """Name of the dataset it was trained on."""
        return str(self.summary["dataset"])

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes it answers with, in the order of columns (K)."""
        return tuple(self.summary["classes"])

    @property
    def absent(self) -> tuple[str, ...]:
        """Classes that no training image had."""
        return tuple(self.summary["absent"])

    @property
    def images(self) -> int:
        """How many images it has learned from."""
        return int(self.summary["images"])

    @property
    def parameters(self) -> int:
        """How many numbers it has learned and keeps."""
        return int(self.summary["parameters"])

    @property
    def seconds(self) -> float:
        """What learning took, over all runs that took part."""
        return float(self.summary["seconds"])

    @property
    def reported(self) -> Mapping[str, Any]:
        """How good it is on the split reported on: :meth:`workbench.methods.metrics.Evaluation.to_dict`."""
        return cast(Mapping[str, Any], self.summary["reported"])

    @property
    def unseen(self) -> Mapping[str, Any] | None:
        """As :attr:`reported`, without copies of training images, which a classifier may answer from memory.

        A copy has equal pixels or an equal perceptual hash. None where all are copies, and in the oldest results.
        """
        return cast(Mapping[str, Any] | None, self.summary.get("unseen"))
