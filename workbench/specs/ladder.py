"""Specs of the ways to classify faces, and of their comparison on one split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.errors import SpecError
from workbench.specs.base import Spec, check_range


@dataclass(frozen=True)
class CompareSpec(Spec):
    """Compare two stored classifications of a dataset: which is better, and the images they disagree on.

    Parameters
    ----------
    first, second : str
        Names of stored classifications, or the beginnings of them.
    split : str
        The images both are held against.
    resamples : int
        Bootstrap resamples of the intervals, 100 or more.
    seed : int
        Seed of the bootstrap.
    """

    kind: ClassVar[str] = "compare"
    first: str
    second: str
    split: str = "test"
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.first and self.second):
            raise SpecError("a comparison needs two stored classifications; see: workbench artifacts")
        check_range("resamples", self.resamples, 100, 1_000_000)
        check_range("seed", self.seed, 0, 2**31 - 1)

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"compare {self.first} with {self.second}"
