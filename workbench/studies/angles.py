"""Which classes are opposite and which are close, in the full embedding space: for images, for texts, do they agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.errors import SpecError
from workbench.specs import AnglesSpec
from workbench.store import Artifact

KIND = "angles"
"""Kind of the artifacts made here."""

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Angles:
    """Stored angles between the class means around the grand mean; K classes, arrays read-only, angles in degrees.

    Parameters
    ----------
    artifact : Artifact
        One array file; everything that is no array stands in the summary.
    """

    artifact: Artifact

    @property
    def spec(self) -> AnglesSpec:
        """What was asked for."""
        return AnglesSpec(**{name: value for name, value in self.artifact.spec.items() if name != "kind"})

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures must know."""
        return tuple(self._summary["notes"])

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that both have images and texts (K), in the concept set's order."""
        return tuple(self._summary["classes"])

    @property
    def counts(self) -> tuple[int, ...]:
        """Images of each class (K)."""
        return tuple(self._summary["counts"])

    @property
    def sentences(self) -> tuple[int, ...]:
        """Sentences (concepts in templates) of each class (K)."""
        return tuple(self._summary["sentences"])

    @property
    def unrelated(self) -> float:
        """What the angles are on average where no two classes have anything in common: arccos(-1 / (K - 1))."""
        return float(np.degrees(np.arccos(-1 / (len(self.classes) - 1))))

    @cached_property
    def images(self) -> Numbers:
        """Angles between the classes' images, float64 ``(K, K)``, 0 (same direction) to 180 (opposite)."""
        return self._array("images")

    @cached_property
    def images_low(self) -> Numbers:
        """Lower end of their 95 % bootstrap intervals ``(K, K)``; NaN where a class has one image."""
        return self._array("images_low")

    @cached_property
    def images_high(self) -> Numbers:
        """Upper end of their 95 % bootstrap intervals ``(K, K)``; NaN where a class has one image."""
        return self._array("images_high")

    @cached_property
    def texts(self) -> Numbers:
        """Angles between the classes' texts, float64 ``(K, K)``."""
        return self._array("texts")

    @cached_property
    def texts_low(self) -> Numbers:
        """Lower end of their 95 % bootstrap intervals ``(K, K)``; NaN where a class has one sentence."""
        return self._array("texts_low")

    @cached_property
    def texts_high(self) -> Numbers:
        """Upper end of their 95 % bootstrap intervals ``(K, K)``; NaN where a class has one sentence."""
        return self._array("texts_high")

    @property
    def agreement(self) -> Mapping[str, Any]:
        """Do images and texts order the pairs of classes alike: ``spearman`` (-1 to 1), ``p``, ``orders``, ``exact``.

        See :func:`workbench.methods.angles.agreement`.
        """
        agreement: Mapping[str, Any] = self._summary["agreement"]
        return agreement

    @property
    def gap(self) -> Mapping[str, Any]:
        """By space (``raw``, ``centred``, ``shifted``) the fields of :class:`workbench.methods.map.Gap`.

        ``own`` and ``others`` besides: mean cosine of an image with its own class's text, and with the others' (raw).
        """
        gap: Mapping[str, Any] = self._summary["gap"]
        return gap

    @property
    def extremes(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """For ``images`` and ``texts`` the ``closest`` and the ``opposite`` pair.

        Each with ``classes`` (two), ``angle``, ``low``, ``high`` (``None`` where not known) and ``share``: the share of
        the resamples in which it was this very pair.
        """
        extremes: Mapping[str, Mapping[str, Mapping[str, Any]]] = self._summary["extremes"]
        return extremes

    def _array(self, name: str) -> Numbers:
        view = self._arrays[name].view()
        view.flags.writeable = False
        return view

    @cached_property
    def _arrays(self) -> Mapping[str, Numbers]:
        return self.artifact.arrays("angles")

    @property
    def _summary(self) -> Mapping[str, Any]:
        summary: Mapping[str, Any] = self.artifact.manifest["summary"]
        return summary


def open_angles(artifact: Artifact) -> Angles:
    """Open stored angles; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not {KIND}")
    return Angles(artifact)
