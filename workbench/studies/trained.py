"""A stored network that was trained here: what it learned from, how it went, how good it is; and one being trained.

:func:`live_curve` is the one place where a page reads the curve of a training that is not finished.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.errors import SpecError
from workbench.models.epochs import Epoch as Epoch
from workbench.specs.training import TrainSpec
from workbench.store import Artifact, Store
from workbench.studies.live_curves import CURVE as CURVE
from workbench.studies.live_curves import live_epochs
from workbench.studies.live_curves import write_curve as write_curve
from workbench.studies.stored import StoredClassifier

KIND = "trained"
"""Kind of the artifacts that hold one, and what its name begins with where a model is asked for: ``trained:NAME``."""
PREFIX = f"{KIND}:"
WEIGHTS = "weights"
"""Name of the arrays."""


@dataclass(frozen=True)
class TrainedNetwork(StoredClassifier[TrainSpec]):
    """A stored network that was trained here.

    Parameters
    ----------
    artifact : Artifact
        Arrays ``weights`` (the state of the epoch that was chosen, float32), and one Parquet part with the fingerprints
        of the images it was trained on, a CLIP's own among them.
    """

    @property
    def network(self) -> str:
        """As in :class:`workbench.specs.TrainSpec`."""
        return str(self.summary["network"])

    @property
    def architecture(self) -> Mapping[str, Any]:
        """All that is needed to build it: :meth:`workbench.models.networks.Architecture.to_dict`."""
        architecture: Mapping[str, Any] = self.summary["architecture"]
        return architecture

    @property
    def crops(self) -> int:
        """Views of a face whose answers are averaged where it is used as a model, 1 or 10; as a target it has one."""
        return int(self.summary["crops"])

    @property
    def curve(self) -> tuple[Epoch, ...]:
        """All epochs."""
        return tuple(Epoch(**values) for values in self.summary["curve"])

    @property
    def chosen_epoch(self) -> int:
        """Number of the epoch that was kept, from 1: the first of those with most validation images right."""
        return int(self.summary["chosen_epoch"])

    @property
    def early(self) -> bool:
        """Whether it stopped because validation no longer gained."""
        return bool(self.summary["early"])

    @property
    def images_per_second(self) -> float:
        """Images answered a second when it was reported, with :attr:`crops` views each, decoding not counted."""
        return float(self.summary["images_per_second"])

    @property
    def one_view(self) -> Mapping[str, Any] | None:
        """As :attr:`reported` with one view of a face, where ten are averaged; else None."""
        one_view: Mapping[str, Any] | None = self.summary["one_view"]
        return one_view


def open_trained(artifact: Artifact) -> TrainedNetwork:
    """Open a stored network that was trained here; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not a {KIND} network")
    return TrainedNetwork(artifact)


def find_trained(model: str, store: Store) -> TrainedNetwork:
    """Open the network that ``trained:NAME`` names, by its name in full, the beginning of it, or its hash.

    Raises
    ------
    SpecError
        There is none, or several.
    """
    return open_trained(store.named(KIND, model.removeprefix(PREFIX)))


def live_curve(spec: TrainSpec, store: Store) -> tuple[Epoch, ...]:
    """Return the epochs so far of a training that is not finished, or was stopped; empty where there is none.

    Parameters
    ----------
    spec : TrainSpec
        What was asked for, as a job's ``spec``.
    store : Store
        The workspace.
    """
    return tuple(Epoch(**line) for line in live_epochs(KIND, spec, store))
