"""Stored learned prompts: the vectors in place of words, what they were learned from, how good they are, and as texts.

They are read, and serve as a concept set, without the CLIP they were learned for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from workbench.data.concepts import Concept, ConceptSet
from workbench.errors import DamagedArtifactError, SpecError
from workbench.methods.retrain import Comparison
from workbench.methods.shapes import Floats
from workbench.specs.training import CoopSpec
from workbench.store import Artifact, Store, content_hash
from workbench.studies.live_curves import live_epochs
from workbench.studies.stored import StoredClassifier

KIND = "coop"
"""Kind of the artifacts that hold them, and what their name begins with as a model or concept set: ``coop:NAME``."""
PREFIX = f"{KIND}:"
ARRAYS = "prompts"
"""Name of the arrays."""
_LEARNED = " (learned)"


@dataclass(frozen=True, kw_only=True)
class LearnedConcepts(ConceptSet):
    """A concept set whose texts are vectors already; its words cannot be encoded by another CLIP.

    Parameters
    ----------
    vectors : float32 array (C, D)
        A unit vector a concept.
    clip : str
        The CLIP they were learned for.
    clip_fingerprint : str
        Its fingerprint.
    source_artifact : Artifact
        The learned prompts they come from.
    """

    vectors: Floats = field(compare=False, repr=False)
    clip: str
    clip_fingerprint: str
    source_artifact: Artifact = field(compare=False, repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of what changes results: classes, concepts, vectors and the CLIP they belong to."""
        concepts = [[each.text, list(each.classes), each.score] for each in self.concepts]
        digest = hashlib.sha256(np.ascontiguousarray(self.vectors, dtype="<f4").tobytes()).hexdigest()
        content = json.dumps([list(self.classes), concepts, digest, self.clip_fingerprint], ensure_ascii=True)
        return hashlib.sha256(content.encode("ascii")).hexdigest()

    def prompts(self) -> list[list[str]]:
        """Return the words that stand beside the learned vectors: the names alone."""
        return [[text.removesuffix(_LEARNED) for text in self.texts]]


@dataclass(frozen=True)
class LearnedPrompts(StoredClassifier[CoopSpec]):
    """Stored learned prompts. K classes, M vectors of W numbers, D numbers a text.

    Parameters
    ----------
    artifact : Artifact
        Arrays ``prompts``, and one Parquet part with the fingerprints of the training images.
    """

    @property
    def clip(self) -> str:
        """The CLIP they were learned for."""
        return str(self.summary["clip"])

    @property
    def clip_fingerprint(self) -> str:
        """Its fingerprint then."""
        return str(self.summary["clip_fingerprint"])

    @property
    def names(self) -> tuple[str, ...]:
        """What stands for each class in its prompt (K)."""
        return tuple(self.summary["names"])

    @property
    def length(self) -> int:
        """How many vectors a prompt has (M)."""
        return int(self.summary["length"])

    @property
    def curve(self) -> list[dict[str, float]]:
        """By epoch, 0 the start: ``epoch``, ``loss`` (training, nats), ``accuracy`` (0..1), ``log_loss`` (nats).

        The last two are of the images that choose the epoch.
        """
        return list(self.summary["curve"])

    @property
    def best_epoch(self) -> int:
        """The epoch that was kept: most often right on the images that choose."""
        return int(self.summary["best_epoch"])

    @property
    def bounds(self) -> Mapping[str, Mapping[str, Any]]:
        """What they stand between, judged on the same images: ``zero-shot`` and ``linear probe``.

        Each has ``reported`` and ``unseen`` as above, ``tuned`` (accuracy on the images that choose the epoch),
        ``parameters`` and ``seconds``; the probe, which learned from the same training images, also ``chosen``
        (strength of the penalty, chosen on the same images as the epoch).
        """
        bounds: Mapping[str, Mapping[str, Any]] = self.summary["bounds"]
        return bounds

    @property
    def against_zero_shot(self) -> Comparison:
        """Learned prompts minus zero-shot on the images reported on, paired."""
        return Comparison.from_dict(self.summary["against"]["zero-shot"])

    @property
    def against_probe(self) -> Comparison:
        """Learned prompts minus the linear probe on the images reported on, paired."""
        return Comparison.from_dict(self.summary["against"]["linear probe"])

    @property
    def vectors(self) -> list[dict[str, Any]]:
        """Each learned vector in the order of the prompt.

        ``class`` (empty where all share it), ``place`` from 1, ``norm``, ``words``: the nearest words, the nearest
        first, each with ``word`` and ``distance``; and ``chance``: how near the nearest of 20 random vectors of the
        same length comes to any word (0 where it was not measured).
        """
        return [{"chance": 0.0} | each for each in self.summary["vectors"]]

    @property
    def word_distances(self) -> Mapping[str, Any]:
        """What to judge :attr:`vectors` by: distances of words from their own nearest word.

        ``low``, ``median``, ``high``: quantiles 0.05, 0.5 and 0.95; ``norm``: median length of a word's vector;
        ``candidates`` of ``tokens``: how many tokens could be named.
        """
        found: Mapping[str, Any] = self.summary["word_distances"]
        return found

    @property
    def context(self) -> Floats:
        """The learned vectors, float32 ``(1, M, W)``, or ``(K, M, W)`` where each class has its own."""
        return self._arrays["context"]

    @property
    def texts(self) -> Floats:
        """The prompts encoded, float32 ``(K, D)``, of length 1."""
        return self._arrays["texts"]

    @property
    def fingerprint(self) -> str:
        """Hash of all that changes their answers: texts, classes, CLIP."""
        return content_hash([self.concepts.fingerprint, list(self.classes)])

    @cached_property
    def concepts(self) -> LearnedConcepts:
        """The learned texts as a concept set, one concept a class."""
        named = zip(self.names, self.classes, self.summary["scores"], strict=True)
        return self._concepts([Concept(name, (known,), score) for name, known, score in named], self.texts)

    @cached_property
    def beside_plain(self) -> LearnedConcepts:
        """The concept set's own texts, and behind them the learned ones, marked as such: for a map of both."""
        plain = [Concept(each["text"], tuple(each["classes"])) for each in self.summary["plain"]]
        learned = [Concept(name + _LEARNED, (known,)) for name, known in zip(self.names, self.classes, strict=True)]
        return self._concepts([*plain, *learned], np.concatenate([self._arrays["plain"], self.texts]))

    def _concepts(self, concepts: Sequence[Concept], vectors: Floats) -> LearnedConcepts:
        template = {"end": "[{0} vectors] {{}}", "front": "{{}} [{0} vectors]", "middle": "[{1}] {{}} [{2} vectors]"}
        half = self.length // 2
        return LearnedConcepts(
            name=self.model,
            concepts=tuple(concepts),
            classes=self.classes,
            templates=(template[self.spec.position].format(self.length, half, self.length - half),),
            attribute=str(self.summary["attribute"]),
            description=f"Prompts learned from {self.images:,} images of {self.dataset}",
            vectors=vectors,
            clip=self.clip,
            clip_fingerprint=self.clip_fingerprint,
            source_artifact=self.artifact,
        )

    @cached_property
    def _arrays(self) -> dict[str, Floats]:
        arrays = self.artifact.arrays(ARRAYS)
        shapes = {name: arrays[name].shape for name in ("context", "texts", "plain") if name in arrays}
        fits = len(shapes) == 3 and len(shapes["context"]) == 3 and shapes["context"][1] == self.length
        if not fits or shapes["texts"] != (len(self.classes), shapes["plain"][-1]):
            raise DamagedArtifactError(f"{self.artifact.path}: its arrays are not those of learned prompts")
        for values in arrays.values():
            values.flags.writeable = False
        return arrays


def open_coop(artifact: Artifact) -> LearnedPrompts:
    """Open stored learned prompts; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not {KIND}")
    return LearnedPrompts(artifact)


def live_curve(spec: CoopSpec, store: Store) -> list[dict[str, float]]:
    """Return the epochs so far of prompts that are being learned, as in :attr:`LearnedPrompts.curve`, or none."""
    return live_epochs(KIND, spec, store)


def find_coop(model: str, store: Store) -> LearnedPrompts:
    """Open the learned prompts that ``coop:NAME`` names, by its name in full, the beginning of it, or its hash.

    Raises
    ------
    SpecError
        There are none, or several.
    """
    return open_coop(store.named(KIND, model.removeprefix(PREFIX)))
