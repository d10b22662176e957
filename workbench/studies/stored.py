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
