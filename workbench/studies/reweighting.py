"""A stored reweighting: the sweep, the chosen setting, its verdict and the controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy.typing as npt

from workbench.errors import SpecError
from workbench.specs import ReweightSpec
from workbench.store import Artifact, Store
from workbench.studies.stored import Stored

KIND = "reweighting"
"""Kind of the artifacts that :func:`workbench.studies.reweight.reweight` makes."""


@dataclass(frozen=True)
class Reweighting(Stored[ReweightSpec]):
    """A stored reweighting; S settings, all arrays read-only.

    Parameters
    ----------
    artifact : Artifact
        One Parquet part, a row a reported image (``id, label, before, after``), the arrays ``sweep`` and ``controls``;
        the rest stands in the summary.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """The network's classes (K)."""
        return tuple(self.summary["classes"])

    @property
    def units(self) -> int:
        """Number of units of the layer."""
        return int(self.summary["units"])

    @property
    def images(self) -> Mapping[str, int]:
        """How many images chose (``choose``) and were reported on (``report``)."""
        images: Mapping[str, int] = self.summary["images"]
        return images

    @cached_property
    def sweep(self) -> Mapping[str, npt.NDArray[Any]]:
        """One entry a setting: ``threshold``, ``factor``, ``up`` (units multiplied), ``change`` and ``report_change``.

        The last two are the change of accuracy, -1 to 1, on the images that choose and on those reported on.
        """
        return _fixed(self.artifact.arrays("sweep"))

    @property
    def chosen(self) -> Mapping[str, Any] | None:
        """The chosen setting: ``index, threshold, factor, up, down``; ``None`` where the network is left alone."""
        chosen: Mapping[str, Any] | None = self.summary["chosen"]
        return chosen

    @property
    def verdict(self) -> Mapping[str, Any] | None:
        """See :class:`workbench.methods.reweight_verdict.Verdict`; ``None`` where the network is left alone."""
        verdict: Mapping[str, Any] | None = self.summary["verdict"]
        return verdict

    @property
    def conclusion(self) -> str:
        """``holds``, ``any units``, ``loss``, ``not significant`` or ``left alone``."""
        return str(self.summary["conclusion"])

    @cached_property
    def controls(self) -> Mapping[str, npt.NDArray[Any]]:
        """Change of accuracy on the reported images, -1 to 1, by kind of control.

        ``random``: the same scales dealt out at random; ``shuffled``: the whole procedure with shuffled similarities
        (0 where it left the network alone); ``norm``: the same scales by weight norm; ``inverted``: up and down
        exchanged. All but ``shuffled`` are empty where the network is left alone.
        """
        return _fixed(self.artifact.arrays("controls"))

    @property
    def optimism(self) -> Mapping[str, float]:
        """See :class:`workbench.methods.reweight_verdict.Optimism`."""
        optimism: Mapping[str, float] = self.summary["optimism"]
        return optimism

    @property
    def sentence(self) -> str:
        """What holds, in one sentence."""
        return str(self.summary["sentence"])

    @property
    def network(self) -> str:
        """Name of the saved network, a target ``network:NAME``; empty where the network is left alone."""
        return str(self.summary["network"])


def open_reweighting(artifact: Artifact) -> Reweighting:
    """Open a stored reweighting; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not a {KIND}")
    return Reweighting(artifact)


def find_reweightings(store: Store, dissection: str, layer: str = "") -> list[Reweighting]:
    """Return the stored reweightings of a dissection (and of one layer), newest first."""
    found = [Reweighting(artifact) for artifact in store.artifacts(KIND)]
    return [each for each in found if each.spec.dissection == dissection and layer in ("", each.spec.layer)]


def _fixed(arrays: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    for array in arrays.values():
        array.flags.writeable = False
    return arrays
