"""A network as a classifier of faces: its own classes, or for a CLIP's image tower the texts of a concept set."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.data.concepts import load_concept_set
from workbench.errors import SpecError
from workbench.methods.zeroshot import ensemble
from workbench.progress import SILENT, Progress
from workbench.store import Store, content_hash
from workbench.studies.embed import embed_texts

if TYPE_CHECKING:
    import torch

    from workbench.models.targets import Target

CLIP_PREFIX = "clip:"
NETWORK_PREFIX = "network:"
CODE_PREFIX = "python:"
"""What a target whose loading runs a user's own code begins with; see :func:`base_network`."""
ZERO_SHOT_CONCEPTS = "fer7"
"""The concept set that makes a classifier of a CLIP's image tower."""


@dataclass(frozen=True)
class Classifier:
    """A network and the classes its answers are given in.

    Parameters
    ----------
    target : Target
        The network.
    classes : tuple of str
        In the order of logits (K).
    texts : ndarray of float32, shape (K, D), or None
        For a CLIP's image tower: one unit vector a class, times the CLIP's logit scale.
    """

    target: Target
    classes: tuple[str, ...]
    texts: np.ndarray | None = None

    @property
    def fingerprint(self) -> str:
        """Hash of all that changes its answers: network, classes and texts."""
        texts = "" if self.texts is None else hashlib.sha256(self.texts.tobytes()).hexdigest()
        return content_hash([self.target.fingerprint, list(self.classes), texts])

    def logits(self, outputs: torch.Tensor) -> np.ndarray:
        """Return the logits, float32 ``(N, K)``, that the network's outputs ``(N, ...)`` mean."""
        values = np.asarray(outputs.detach().float().cpu().numpy())
        if self.texts is None:
            return values
        return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True) @ self.texts.T)


def open_classifier(target: Target, store: Store, progress: Progress = SILENT) -> Classifier:
    """Make a classifier of a target.

    Raises
    ------
    SpecError
        The network names no classes and is no CLIP's image tower.
    """
    if target.classes:
        return Classifier(target, tuple(target.classes))
    base = base_network(target.spec, store)
    if not base.startswith(CLIP_PREFIX):
        raise SpecError(
            f"{target.spec} names no classes, so its answers cannot be compared with labels; give the module a "
            "`classes` attribute, one name an output"
        )
    from workbench.models.clip import load_clip

    clip = load_clip(base.removeprefix(CLIP_PREFIX))
    concepts = load_concept_set(ZERO_SHOT_CONCEPTS)
    prompts = concepts.prompts()
    flat = [prompt for template in prompts for prompt in template]
    texts = ensemble(embed_texts(flat, clip, store, progress).reshape(len(prompts), len(concepts.texts), -1))
    folded = np.stack([texts[speaks].mean(axis=0) for speaks in concepts.membership.T])
    folded /= np.linalg.norm(folded, axis=1, keepdims=True)
    return Classifier(target, concepts.classes, np.asarray(folded * clip.logit_scale, dtype=np.float32))


def base_network(spec: str, store: Store) -> str:
    """Return what a changed network was made from, through any number of changes, or the spec itself.

    Raises
    ------
    StoreError
        There is no stored network of that name.
    """
    while spec.startswith(NETWORK_PREFIX):
        spec = str(store.artifact("network", spec.removeprefix(NETWORK_PREFIX)).summary["base"])
    return spec
