"""Stored error slices: groups of images, or values of attributes, with how often each is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from workbench.errors import SpecError
from workbench.methods.bootstrap import Estimate
from workbench.methods.slices import ALPHA, detectable
from workbench.specs import SlicesSpec
from workbench.store import Artifact
from workbench.studies.stored import Stored

KIND = "slices"
"""Kind of the artifacts that :func:`workbench.studies.slices.slices` makes."""


@dataclass(frozen=True)
class ErrorSlice:
    """One slice.

    Parameters
    ----------
    attribute : str
        What it is a value of; empty for a group in the embedding space.
    name : str
        The value, or the texts that name the group, most telling first, joined by commas.
    texts : sequence of (str, float)
        Those texts with how much nearer each is to the group than to all other images, in standard deviations.
    images, wrong : int
        Images measured, and those that are wrong. Of a group, those of the half on which it was not found.
    members : int
        All its images, both halves.
    rate, rest, difference : Estimate
        Share that is wrong in the slice and in the rest (Wilson's 95 % interval), and their difference (Newcombe's).
    p, q : float
        Fisher's exact test, two-sided, and Benjamini and Hochberg's q among all slices of the run.
    confusion : (str, str, int) or None
        The commonest error: label, prediction, and how many of its ``wrong`` images that is.
    examples : sequence of str
        Ids of some members, wrong ones first, the most typical first.
    """

    attribute: str
    name: str
    texts: Sequence[tuple[str, float]]
    images: int
    wrong: int
    members: int
    rate: Estimate
    rest: Estimate
    difference: Estimate
    p: float
    q: float
    confusion: tuple[str, str, int] | None
    examples: Sequence[str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; :meth:`from_dict` reads them back."""
        estimates = {name: getattr(self, name)._asdict() for name in ("rate", "rest", "difference")}
        return asdict(self) | estimates

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ErrorSlice:
        """Return what :meth:`to_dict` gave."""
        estimates = {name: Estimate(**values[name]) for name in ("rate", "rest", "difference")}
        confusion = values["confusion"]
        pairs = {
            "texts": tuple((str(text), float(score)) for text, score in values["texts"]),
            "confusion": (str(confusion[0]), str(confusion[1]), int(confusion[2])) if confusion else None,
            "examples": tuple(values["examples"]),
        }
        return cls(**{**values, **estimates, **pairs})


@dataclass(frozen=True)
class ClassGap:
    """Accuracy of one class in one slice.

    Parameters
    ----------
    attribute, value, label : str
        The slice, and the label of the images.
    images : int
        Images of that label in the slice.
    accuracy : Estimate or None
        Share that is right, with Wilson's interval; ``None`` where fewer images than the run's ``smallest`` have that
        label inside or outside the slice.
    difference : Estimate or None
        That minus the accuracy of the same class outside the slice, with Newcombe's interval.
    q : float or None
        Benjamini and Hochberg's q among all cells tested; ``None`` where there is no accuracy, and for attributes in
        doubt (:attr:`Slices.doubts`).
    """

    attribute: str
    value: str
    label: str
    images: int
    accuracy: Estimate | None
    difference: Estimate | None
    q: float | None

    @property
    def holds(self) -> bool:
        """Whether the difference was tested and stays after all comparisons."""
        return self.q is not None and self.q <= ALPHA


class Detectable(NamedTuple):
    """How many images a slice of the median size measures, and how much more often wrong than the rest it must be.

    ``difference`` (0 to 1) is found in four searches of five (80 % power), at the level that the first of all slices
    must pass (0.05 over their number); ``None`` where it has too few images for any.
    """

    images: int
    difference: float | None


@dataclass(frozen=True)
class Slices(Stored[SlicesSpec]):
    """A stored search for error slices.

    Parameters
    ----------
    artifact : Artifact
        One Parquet part, a row a measured image; the slices stand in its summary.
    """

    @property
    def dataset(self) -> str:
        """The dataset of the classification."""
        return str(self.summary["dataset"])

    @property
    def run(self) -> str:
        """Full name of the classification."""
        return str(self.summary["run"])

    @property
    def guessed(self) -> bool:
        """Whether the attributes were guessed by a CLIP."""
        return bool(self.summary["guessed"])

    @property
    def overall(self) -> Estimate:
        """Share of all measured images that is wrong."""
        return Estimate(**self.summary["overall"])

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the attributes; none where groups were searched for."""
        return tuple(self.summary["attributes"])

    @property
    def unsure(self) -> Mapping[str, int]:
        """By attribute: how many guesses were unsure; see :data:`workbench.studies.attributes.UNSURE`."""
        return dict(self.summary["unsure"])

    @property
    def doubts(self) -> Mapping[str, str]:
        """By guessed attribute: why no difference by it holds; none where the guesses are good enough to compare."""
        return dict(self.summary.get("doubts", {}))

    @property
    def detectable(self) -> Detectable:
        """What a slice of the median size could have shown."""
        images = int(np.median([each.images for each in self.slices]))
        measured = int((~self.images["finding"].to_numpy(zero_copy_only=False)).sum())
        level = ALPHA / len(self.slices)
        return Detectable(images, detectable(images, measured - images, self.overall.value, level))

    @cached_property
    def slices(self) -> tuple[ErrorSlice, ...]:
        """The slices: groups by falling error rate; values by attribute, in their order."""
        return tuple(ErrorSlice.from_dict(values) for values in self.summary["slices"])

    @cached_property
    def gaps(self) -> tuple[ClassGap, ...]:
        """Accuracy of each class in each value of each attribute; none for groups."""

        def read(values: Mapping[str, Any]) -> ClassGap:
            estimates = {name: values[name] and Estimate(**values[name]) for name in ("accuracy", "difference")}
            return ClassGap(**{**values, **estimates})

        return tuple(map(read, self.summary["gaps"]))

    @cached_property
    def images(self) -> pa.Table:
        """A row a measured image: ``row`` (of the dataset), ``id``, ``wrong``, ``finding``, ``typical``, ``slice: *``.

        ``finding`` marks the half on which groups were found; ``typical`` is larger the nearer an image lies to its
        group's middle. Each column ``slice: ATTRIBUTE`` (``slice: `` for groups) holds the number of the slice among
        those of that attribute, -1 for none, -2 where the image has no value of it.
        """
        return self.artifact.table()

    def rows(self, number: int) -> npt.NDArray[np.int64]:
        """Return the rows of a slice's images in the dataset, wrong ones first, the most typical of each first.

        Parameters
        ----------
        number : int
            Place in :attr:`slices`.

        Raises
        ------
        SpecError
            There is no such slice.
        """
        if not 0 <= number < len(self.slices):
            raise SpecError(f"there is no slice {number}; the run has {len(self.slices)}, from 0 on")
        attribute = self.slices[number].attribute
        code = number - min(place for place, each in enumerate(self.slices) if each.attribute == attribute)
        table = self.images
        own = np.flatnonzero(table[f"slice: {attribute}"].to_numpy() == code)
        order = np.lexsort((-table["typical"].to_numpy()[own], ~table["wrong"].to_numpy(zero_copy_only=False)[own]))
        return np.asarray(table["row"].to_numpy()[own[order]])


def open_slices(artifact: Artifact) -> Slices:
    """Open a stored search for slices; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not a {KIND}")
    return Slices(artifact)
