"""A stored probe: what it learned from, how its setting was chosen, how good it is; and what it makes of features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from workbench.errors import DamagedArtifactError, SpecError
from workbench.methods.learners import LEARNERS, Learned, log_probabilities
from workbench.methods.shapes import Floats
from workbench.specs.training import ProbeSpec
from workbench.store import Artifact, Store, content_hash
from workbench.studies.stored import StoredClassifier

KIND = "probe"
"""Kind of the artifacts that hold one, and what its name begins with where a model is asked for: ``probe:NAME``."""
MODEL = "model"
"""Name of the arrays."""
PREFIX = f"{KIND}:"
ANSWERS = 2
"""Number of the way arrays become answers; what was classified in another way is classified again."""


@dataclass(frozen=True)
class StoredProbe(StoredClassifier[ProbeSpec]):
    """A stored probe; it needs neither the images nor the CLIP it has learned from to answer features.

    Parameters
    ----------
    artifact : Artifact
        Arrays ``model``, and one Parquet part with the fingerprints of the training images.
    """

    @property
    def learner(self) -> str:
        """One of :data:`workbench.specs.LEARNERS`."""
        return str(self.summary["learner"])

    @property
    def title(self) -> str:
        """The learner in words."""
        return LEARNERS[self.learner].title

    @property
    def setting(self) -> str:
        """What was chosen on a split of its own, in words."""
        return LEARNERS[self.learner].setting

    @property
    def clip(self) -> str:
        """The CLIP whose embeddings it answers; empty for raw pixels."""
        return str(self.summary["clip"])

    @property
    def clip_fingerprint(self) -> str:
        """Fingerprint of that CLIP when it was trained; empty for raw pixels."""
        return str(self.summary["clip_fingerprint"])

    @property
    def dimension(self) -> int:
        """How many features it takes (D)."""
        return int(self.summary["dimension"])

    @property
    def chosen(self) -> float:
        """The value of the setting that was chosen."""
        return float(self.summary["chosen"])

    @property
    def tried(self) -> list[dict[str, Any]]:
        """Each value of the setting, the smoothest first, on the split that chooses.

        Keys ``value``, ``accuracy`` (an estimate), ``log_loss`` (nats) and ``seconds`` (of learning).
        """
        return list(self.summary["tried"])

    @property
    def growth(self) -> list[dict[str, Any]]:
        """Of a forest, on the split that chooses: ``trees``, ``accuracy`` (an estimate) and ``bytes``; else empty."""
        return list(self.summary["growth"])

    @property
    def fingerprint(self) -> str:
        """Hash of all that changes its answers: its arrays, its classes, its CLIP."""
        arrays = self.artifact.manifest["parts"][f"{MODEL}.safetensors"]["sha256"]
        return content_hash([ANSWERS, arrays, list(self.classes), self.clip_fingerprint])

    @cached_property
    def learned(self) -> Learned:
        """The classifier itself.

        Raises
        ------
        DamagedArtifactError
            The arrays cannot be read, or are not this kind of probe's.
        """
        arrays = self.artifact.arrays(MODEL)
        try:
            learned = LEARNERS[self.learner].restore(arrays)
            answer = learned.probabilities(np.zeros((1, self.dimension), dtype=np.float32))
        except (KeyError, ValueError, IndexError, SpecError) as error:
            raise self._damaged(str(error)) from error
        if answer.shape != (1, len(self.classes)):
            raise self._damaged(f"it answers with {answer.shape[1]} classes, not {len(self.classes)}")
        return learned

    def probabilities(self, features: Floats) -> Floats:
        """Return class probabilities, float64 ``(N, K)``, for features ``(N, D)``.

        Raises
        ------
        SpecError
            The features have another dimension, or one is not finite.
        """
        if features.ndim != 2 or features.shape[1] != self.dimension:
            shape = " x ".join(map(str, features.shape))
            raise SpecError(f"{self.model} takes {self.dimension} features an image, not an array of {shape}")
        return self.learned.probabilities(features)

    def logits(self, outputs: Floats) -> Floats:
        """Return logits, float64 ``(N, K)``, of what its encoder gives: embeddings of any length, or pixels."""
        values = np.asarray(outputs, dtype=np.float32)
        if self.clip:
            values = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
        return log_probabilities(self.probabilities(values))

    def _damaged(self, what: str) -> DamagedArtifactError:
        lines = what.splitlines() or ["they do not fit"]
        return DamagedArtifactError(f"{self.artifact.path}: its arrays are not a {self.learner} probe's ({lines[0]})")


def open_probe(artifact: Artifact) -> StoredProbe:
    """Open a stored probe; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not a {KIND}")
    return StoredProbe(artifact)


def find_probe(model: str, store: Store) -> StoredProbe:
    """Open the probe that ``probe:NAME`` names, by its name in full, the beginning of it, or its hash.

    Raises
    ------
    SpecError
        There is none, or several.
    """
    return open_probe(store.named(KIND, model.removeprefix(PREFIX)))
