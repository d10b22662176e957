"""One interface for whatever turns a picture into emotion probabilities: any CLIP with words, any network with classes.

A :class:`Scorer` encodes pictures; its output (a CLIP's embedding, a network's logits) is what is stored. A
:class:`Vocabulary` says what the outputs are read as: the words of a concept set, or the network's own classes, each
with a score. So words and scores can be changed later without encoding a picture again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image

from workbench.data.concepts import ConceptSet
from workbench.errors import SpecError, unknown_name
from workbench.methods.shapes import Bools, Floats
from workbench.methods.zeroshot import concept_probabilities, ensemble
from workbench.progress import SILENT, Progress
from workbench.store import Store
from workbench.studies.classifier import Classifier, load_classifier
from workbench.studies.concept_texts import concept_texts
from workbench.studies.learned_prompts import PREFIX as COOP_PREFIX
from workbench.studies.probing import PREFIX as PROBE_PREFIX

if TYPE_CHECKING:
    import torch

    from workbench.models.clip import Clip

_SEPARATOR = ":"


@dataclass(frozen=True)
class Vocabulary:
    """What outputs are read as.

    Parameters
    ----------
    names : tuple of str
        Words of a concept set, or classes of a network (C).
    classes : tuple of str
        The broad classes they speak for (K).
    membership : bool array (C, K)
        Which name speaks for which class.
    scores : float64 array (C,)
        Satisfaction score of each name, 1..5.
    texts : float32 array (C, D) or None
        For a CLIP: a unit vector a name. ``None`` for a network.
    notes : tuple of str
        What a reader of the result must know.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    membership: Bools
    scores: Floats
    texts: Floats | None = None
    notes: tuple[str, ...] = ()


class Scorer(Protocol):
    """A model that answers pictures."""

    model: str
    fingerprint: str
    notes: tuple[str, ...]

    def prepare(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """Turn pictures (``L`` or ``RGB``, any size) into the model's input."""

    def encode(self, inputs: torch.Tensor) -> Floats:
        """Return the outputs that are stored, float32 ``(N, D)``."""

    def vocabulary(self, concepts: ConceptSet, store: Store, progress: Progress = SILENT) -> Vocabulary:
        """Return what outputs are read as; texts are encoded once and stored.

        Raises
        ------
        SpecError
            The concept set has no scores, or says nothing of one of a network's classes.
        """

    def probabilities(self, outputs: Floats, vocabulary: Vocabulary) -> Floats:
        """Return the probabilities of the names, float32 ``(N, C)``; rows sum to 1."""


def open_scorer(model: str, weights: str, store: Store, progress: Progress = SILENT) -> Scorer:
    """Load a model that can score pictures.

    Parameters
    ----------
    model : str
        A CLIP (``face-clip``, ``MODEL/WEIGHTS``, ``hf-hub:owner/name``, ``local-dir:PATH``) or a network with classes
        (``face-cnn``, ``network:NAME``, ``checkpoint:PATH``, ... see workbench.models.targets), ``probe:NAME``
        or ``coop:NAME``.
    weights : str
        File of a network's weights, where its spec does not say.

    Raises
    ------
    SpecError, ModelError
        There is no such model, its weights cannot be had, or a network names no classes.
    """
    from workbench.models.clip import BUNDLED, load_clip
    from workbench.models.targets import KINDS

    progress.step(f"load {model}")
    kind = model.partition(_SEPARATOR)[0]
    if kind in KINDS or model.startswith((PROBE_PREFIX, COOP_PREFIX)):
        return NetworkScorer(model, load_classifier(model, weights, store, progress))
    if "/" not in model and _SEPARATOR not in model and model not in BUNDLED:
        forms = [*BUNDLED, "face-cnn", "MODEL/WEIGHTS", "local-dir:PATH", "hf-hub:owner/name", "network:NAME"]
        raise unknown_name("model", model, forms)
    if weights:
        raise SpecError(f"{model} is a CLIP and has weights of its own; a file of weights goes with a network")
    return ClipScorer(model, load_clip(model))


class ClipScorer:
    """A CLIP: probabilities are a softmax over the words' cosine similarities, as in zero-shot classification."""

    def __init__(self, model: str, clip: Clip) -> None:
        self.model = model
        self.fingerprint = clip.fingerprint
        self.notes: tuple[str, ...] = ()
        self._clip = clip

    def prepare(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """See :class:`Scorer`."""
        return self._clip.prepare(pictures)

    def encode(self, inputs: torch.Tensor) -> Floats:
        """See :class:`Scorer`."""
        return self._clip.encode_prepared(inputs)

    def vocabulary(self, concepts: ConceptSet, store: Store, progress: Progress = SILENT) -> Vocabulary:
        """See :class:`Scorer`."""
        scores = _scores(concepts)
        vectors = concept_texts(concepts, self._clip, store, progress)
        unseen = self._clip.unseen_words([sentence for sentences in concepts.prompts() for sentence in sentences])
        notes = (f"{self.model} never saw these words in training: {', '.join(unseen)}",) if unseen else ()
        names = tuple(concepts.texts)
        if not concepts.classes:
            return Vocabulary(names, names, np.eye(len(names), dtype=bool), scores, ensemble(vectors), notes)
        return Vocabulary(names, concepts.classes, concepts.membership, scores, ensemble(vectors), notes)

    def probabilities(self, outputs: Floats, vocabulary: Vocabulary) -> Floats:
        """See :class:`Scorer`."""
        if vocabulary.texts is None:
            raise ValueError("the vocabulary is a network's")
        return concept_probabilities(outputs, vocabulary.texts, self._clip.logit_scale)


class NetworkScorer:
    """A network or probe: probabilities are a softmax over its logits, a class's score is that of its concepts."""

    def __init__(self, model: str, classifier: Classifier) -> None:
        self.model = model
        self.fingerprint = classifier.fingerprint
        self.notes = tuple(classifier.target.notes)
        self._classifier = classifier

    def prepare(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """See :class:`Scorer`."""
        return self._classifier.target.prepare(pictures)

    def encode(self, inputs: torch.Tensor) -> Floats:
        """See :class:`Scorer`."""
        return self._classifier.logits(self._classifier.target.logits(inputs)).astype(np.float32)

    def vocabulary(self, concepts: ConceptSet, store: Store, progress: Progress = SILENT) -> Vocabulary:
        """See :class:`Scorer`; a class takes the mean score of the concepts that speak for it."""
        del store, progress
        means = class_scores(concepts)
        classes = self._classifier.classes
        lacking = [name for name in classes if name.casefold() not in means]
        if lacking:
            raise SpecError(
                f"concept set {concepts.name!r} says nothing of {', '.join(lacking)}, which {self.model} answers with; "
                "add a concept with a score for each to a copy of the set"
            )
        scores = np.array([means[name.casefold()] for name in classes])
        note = f"{self.model} answers with classes: each takes the mean score of its concepts in {concepts.name}"
        return Vocabulary(classes, classes, np.eye(len(classes), dtype=bool), scores, None, (note,))

    def probabilities(self, outputs: Floats, vocabulary: Vocabulary) -> Floats:
        """See :class:`Scorer`."""
        del vocabulary
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True, initial=-np.inf))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def class_scores(concepts: ConceptSet) -> dict[str, float]:
    """Return the mean score of each class's concepts, by the class's name in lower case."""
    scores = _scores(concepts)
    columns = zip(concepts.classes, concepts.membership.T, strict=True)
    return {name.casefold(): float(scores[speaks].mean()) for name, speaks in columns if speaks.any()}


def changed_scores(vocabulary: Vocabulary, changes: Mapping[str, float]) -> Vocabulary:
    """Return the vocabulary with other scores for some names; :class:`SpecError` where a name is not in it."""
    scores = vocabulary.scores.copy()
    known = {name.casefold(): place for place, name in enumerate(vocabulary.names)}
    for name, score in changes.items():
        if name.casefold() not in known:
            raise unknown_name("emotion in scores", name, vocabulary.names)
        scores[known[name.casefold()]] = score
    return replace(vocabulary, scores=scores)


def _scores(concepts: ConceptSet) -> Floats:
    if concepts.scores is None:
        raise SpecError(
            f"concept set {concepts.name!r} has no scores; add `score:` (1 to 5) to each concept, or use "
            "customer-satisfaction"
        )
    return np.asarray(concepts.scores)
