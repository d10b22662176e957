"""A stored map of a dataset's images, with a concept set's texts among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.errors import SpecError
from workbench.specs import MapSpec
from workbench.store import Artifact
from workbench.studies.stored import Stored

KIND = "map"
"""Kind of the artifacts that :func:`workbench.studies.map.lay_out` makes."""

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Map(Stored[MapSpec]):
    """A stored map; arrays are read-only. P images, T texts.

    Parameters
    ----------
    artifact : Artifact
        One array file; everything that is no array stands in the summary.
    """

    @property
    def selected(self) -> int:
        """Number of images of the split; more than P where a sample is on the map."""
        return int(self.summary["selected"])

    @property
    def texts(self) -> tuple[str, ...]:
        """The concepts whose texts are on the map (T)."""
        return tuple(self.summary["texts"])

    @property
    def text_classes(self) -> tuple[str, ...]:
        """The class each text speaks for (T); ``""`` where it speaks for several or for none."""
        return tuple(self.summary["text_classes"])

    @property
    def quality(self) -> Mapping[str, Any]:
        """How far the map can be trusted.

        ``trustworthiness``
            0 to 1, 1 the best; see :func:`workbench.methods.map.trustworthiness`.
        ``trustworthiness_images``
            How many images it was measured at, a seeded sample where that is fewer than P.
        ``purity_map``, ``purity_space``, ``purity_chance``
            Share of an image's nearest neighbours that carry its label, on the map, in the space laid out, and where
            neighbours know nothing of labels, 0 to 1; ``purity_images`` says at how many images. See
            :func:`workbench.methods.map.purity`.
        ``neighbours``
            How many nearest neighbours the figures above speak of.
        ``gap``
            By space (``raw``, ``centred``, ``shifted``) the fields of :class:`workbench.methods.map.Gap`.
        ``seconds``
            What laying out took.

        ``None`` stands for what cannot be said: too few images, no labels.
        """
        quality: Mapping[str, Any] = self.summary["quality"]
        return quality

    @property
    def embeddings(self) -> str:
        """Reference of the image embeddings it was made from; see :func:`workbench.studies.embed.open_embeddings`."""
        return str(self.summary["embeddings"])

    @cached_property
    def rows(self) -> Numbers:
        """The images' rows in the dataset, int64 ``(P,)``, ascending."""
        return self._array("rows")

    @cached_property
    def points(self) -> Numbers:
        """The images' places, float32 ``(P, 2)``, in the order of :attr:`rows`."""
        return self._array("points")

    @cached_property
    def text_points(self) -> Numbers:
        """The texts' places, float32 ``(T, 2)``."""
        return self._array("text_points")

    @cached_property
    def class_means(self) -> Mapping[str, Numbers]:
        """For each class with images on the map the mean of their places, float32 ``(2,)``, in the dataset's order."""
        return dict(zip(self.summary["classes"], self._array("class_means"), strict=True))

    @cached_property
    def centre(self) -> Numbers:
        """Mean of all images' places, float32 ``(2,)``."""
        return self._array("centre")

    @cached_property
    def arrays(self) -> Mapping[str, Numbers]:
        """All that is stored; besides the above ``image_mean`` and ``text_mean`` ``(D,)``, and of a PCA ``axes``."""
        return self.artifact.arrays("map")

    def _array(self, name: str) -> Numbers:
        view = self.arrays[name].view()
        view.flags.writeable = False
        return view


def open_map(artifact: Artifact) -> Map:
    """Open a stored map; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not a {KIND}")
    return Map(artifact)


@dataclass(frozen=True)
class Placed:
    """Prompts dropped onto a map. Q prompts, P images.

    Parameters
    ----------
    points : float32 array (Q, 2)
        Their places.
    similarities : float32 array (Q, P)
        Cosine of each prompt with each image on the map, -1 to 1, as the CLIP gives it whatever space is laid out.
    notes : tuple of str
        What a reader must know: words the CLIP never saw.
    """

    points: Numbers
    similarities: Numbers
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        for values in (self.points, self.similarities):
            values.flags.writeable = False


def as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping of numbers with ``None`` for those that are not finite."""
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in values.items()
    }
