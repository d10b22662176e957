"""A model that answers with classes: a network, a CLIP's image tower with texts, a probe, or learned prompts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import SpecError
from workbench.methods.zeroshot import ensemble
from workbench.progress import SILENT, Progress
from workbench.store import Store, content_hash
from workbench.studies.concept_texts import concept_texts, open_concepts
from workbench.studies.learned_prompts import PREFIX as COOP_PREFIX
from workbench.studies.learned_prompts import find_coop
from workbench.studies.probing import PREFIX as PROBE_PREFIX
from workbench.studies.probing import StoredProbe, find_probe
from workbench.studies.trained import PREFIX as TRAINED_PREFIX

if TYPE_CHECKING:
    import torch

    from workbench.models.clip import Clip
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
    probe : StoredProbe or None
        What reads the network's outputs instead.
    encoder : Clip or None
        The CLIP whose image tower the network is, where a probe or learned prompts read it: stored embeddings serve as
        outputs.
    """

    target: Target
    classes: tuple[str, ...]
    texts: np.ndarray | None = None
    probe: StoredProbe | None = None
    encoder: Clip | None = None

    @property
    def fingerprint(self) -> str:
        """Hash of all that changes its answers: network, classes and texts."""
        if self.probe is not None:
            return content_hash([self.target.fingerprint, self.probe.fingerprint])
        texts = "" if self.texts is None else hashlib.sha256(self.texts.tobytes()).hexdigest()
        return content_hash([self.target.fingerprint, list(self.classes), texts])

    def logits(self, outputs: torch.Tensor) -> np.ndarray:
        """Return the logits, float32 ``(N, K)``, that the network's outputs ``(N, ...)`` mean."""
        values = np.asarray(outputs.detach().float().cpu().numpy())
        if self.probe is not None:
            return self.probe.logits(values)
        if self.texts is None:
            return values
        return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True) @ self.texts.T)


def load_classifier(
    model: str, weights: str, store: Store, progress: Progress = SILENT, concepts: str = ZERO_SHOT_CONCEPTS
) -> Classifier:
    """Load whatever answers pictures with classes: a target network, or a probe or learned prompts of the workspace.

    Parameters
    ----------
    model : str
        ``probe:NAME``, ``coop:NAME``, or a target's spec; see workbench.models.targets.
    weights : str
        File of a network's weights, where its spec does not say.
    store, progress
        The workspace, and who is told.
    concepts : str
        The concept set that makes a classifier of a bare CLIP.

    Raises
    ------
    SpecError, ModelError
        There is no such model, its weights cannot be had, it names no classes, or the CLIP of a probe or of learned
        prompts is gone or is not the one they were trained on.
    """
    from workbench.models.targets import load_target

    if model.startswith(TRAINED_PREFIX):
        from workbench.studies.trained_target import trained_target

        return open_classifier(trained_target(model, weights, store), store, progress)
    if not model.startswith((PROBE_PREFIX, COOP_PREFIX)):
        return open_classifier(load_target(model, weights, store), store, progress, concepts)
    if weights:
        raise SpecError(f"{model} is complete in itself; a file of weights goes with a network")
    if model.startswith(COOP_PREFIX):
        from workbench.studies.coop_target import coop_target

        learned = find_coop(model, store)
        target, encoder = coop_target(learned)
        texts = np.asarray(learned.texts * encoder.logit_scale, dtype=np.float32)
        return Classifier(target, learned.classes, texts, encoder=encoder)
    from workbench.studies.probe_target import probe_target

    probe = find_probe(model, store)
    target, clip = probe_target(probe)
    return Classifier(target, probe.classes, probe=probe, encoder=clip)


def open_classifier(
    target: Target, store: Store, progress: Progress = SILENT, concepts: str = ZERO_SHOT_CONCEPTS
) -> Classifier:
    """Make a classifier of a target; the embeddings of a class's texts are averaged where it has several.

    Raises
    ------
    SpecError
        The network names no classes and is no CLIP's image tower, or the concept set has a class without a text.
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
    known = open_concepts(concepts, store)
    if not known.classes or not known.membership.any(axis=0).all():
        raise SpecError(f"concept set {concepts!r} must have classes, and a text for each, to classify with")
    texts = ensemble(concept_texts(known, clip, store, progress))
    folded = np.stack([texts[speaks].mean(axis=0) for speaks in known.membership.T])
    folded /= np.linalg.norm(folded, axis=1, keepdims=True)
    return Classifier(target, known.classes, np.asarray(folded * clip.logit_scale, dtype=np.float32))


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
