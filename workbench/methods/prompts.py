"""Prompts tried out on stored image embeddings: each sentence meets the images once, then every choice is cheap.

A prompt set is a choice of templates and of concepts. With similarities s(image, sentence) kept, the ensemble of the
templates A needs no embedding again: its direction for a concept is the mean m of the sentences' unit vectors brought
to length 1, so an image's similarity with it is the mean of s over A divided by the length of m.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError, unknown_name
from workbench.methods.bootstrap import RESAMPLES, Estimate, estimate, resample_counts
from workbench.methods.metrics import confusion_matrix, in_top_k, scores
from workbench.methods.proportions import share
from workbench.methods.shapes import Bools, Floats, Ints, check_embeddings, check_labels, check_unit
from workbench.methods.votes import best, count_votes
from workbench.methods.zeroshot import ClassScores, fold_max, fold_sum
from workbench.specs import AGGREGATES

TOP = 3
"""How many ranked classes count for :attr:`Measured.top_k`."""
_KEPT_BYTES = 400_000_000
_SMALLEST = 1e-6


class Bank:
    """Similarities of images with sentences, a row a sentence, each worked out once.

    Parameters
    ----------
    images : float array (N, D)
        Image embeddings of length 1.
    logit_scale : float
        The CLIP's factor, above 0.
    """

    def __init__(self, images: Floats, logit_scale: float) -> None:
        check_embeddings(images, "image embeddings", "ND")
        check_unit(images, "image embeddings")
        self._images = np.ascontiguousarray(images, dtype=np.float32)
        self._scale = float(logit_scale)
        self._vectors: dict[str, Floats] = {}
        self._similarities: dict[str, Floats] = {}

    def __len__(self) -> int:
        return len(self._images)

    def prepare(self, sentences: Sequence[str], encode: Callable[[list[str]], Floats]) -> int:
        """Work out the images' similarities with sentences that are not known yet; return how many those were.

        Sentences that were not asked for longest are forgotten where all would take more than 400 MB.

        Parameters
        ----------
        sentences : sequence of str
            All that a choice may need until the next call.
        encode : callable
            Returns embeddings of length 1, float ``(M, D)``, of M sentences.
        """
        wanted = list(dict.fromkeys(sentences))
        missing = [sentence for sentence in wanted if sentence not in self._similarities]
        if missing:
            vectors = encode(missing)
            check_embeddings(vectors, "text embeddings", "MD", dimension=self._images.shape[1])
            check_unit(vectors, "text embeddings")
            found = vectors.astype(np.float32) @ self._images.T  # (M, N)
            for sentence, vector, row in zip(missing, vectors, found, strict=True):
                self._vectors[sentence], self._similarities[sentence] = vector.astype(np.float64), row.copy()
        for sentence in wanted:
            self._similarities[sentence] = self._similarities.pop(sentence)  # last asked for stands last
        room = max(len(wanted), _KEPT_BYTES // max(1, len(self) * 4))
        while len(self._similarities) > room:
            oldest = next(iter(self._similarities))
            del self._similarities[oldest], self._vectors[oldest]
        return len(missing)

    def logits(self, prompts: Sequence[Sequence[str]]) -> Floats:
        """Return logit scale x similarity of each image with each concept's ensemble, float32 ``(N, C)``.

        Parameters
        ----------
        prompts : sequence of sequence of str
            T lists of C sentences, as ``ConceptSet.prompts`` gives them; all prepared.
        """
        return self._logits(prompts).T

    def _logits(self, prompts: Sequence[Sequence[str]]) -> Floats:
        found = np.empty((len(prompts[0]), len(self)), dtype=np.float32)
        for row, sentences in zip(found, zip(*prompts, strict=True), strict=True):
            length = float(np.linalg.norm(np.mean([self._vectors[each] for each in sentences], axis=0)))
            if length < _SMALLEST:
                raise SpecError(f"the sentences {sentences[0]!r}, .. cancel out: their mean has length 0")
            np.sum([self._similarities[each] for each in sentences], axis=0, out=row)
            row *= self._scale / (len(sentences) * length)
        return found

    def classify(
        self, prompts: Sequence[Sequence[str]], membership: Bools, aggregate: str, top_k: int = TOP
    ) -> ClassScores:
        """Classify the images by a prompt set, as :func:`workbench.methods.zeroshot.classify` would, up to rounding.

        Parameters
        ----------
        prompts
            As for :meth:`logits`.
        membership : bool array (C, K)
            Which concept speaks for which class.
        aggregate : str
            One of :data:`workbench.specs.AGGREGATES`.
        top_k : int
            How many ranked classes to return.
        """
        if aggregate in ("sum", "max"):
            return fold(self.logits(prompts), membership, aggregate, top_k)
        if aggregate not in AGGREGATES:
            raise unknown_name("aggregate", aggregate, AGGREGATES)
        scores = np.stack([self._joined(sentences, membership, aggregate) for sentences in prompts])  # (T, K, N)
        return count_votes(scores, spoken_for(membership), top_k)

    def alone(self, sentences: Sequence[str], membership: Bools, aggregate: str) -> NDArray[np.int16]:
        """Return the class that one template answers for each image, as :meth:`classify` has it: int16 ``(N,)``.

        Parameters
        ----------
        sentences : sequence of str
            The template with each of the C concepts, all prepared.
        membership, aggregate
            As for :meth:`classify`.
        """
        if aggregate not in ("sum", "max"):
            scores = self._joined(sentences, membership, aggregate)
            return best(np.where(spoken_for(membership)[:, None], scores, -np.inf))
        speaking = np.flatnonzero(membership.any(axis=1))
        logits = self._logits([[sentences[place] for place in speaking.tolist()]])
        shares = np.exp(logits - logits.max(axis=0))
        members = [np.flatnonzero(column) for column in membership[speaking].T]
        sums = np.stack([shares[own].sum(axis=0, dtype=np.float64) for own in members])
        if aggregate == "sum":
            return best(sums)
        return best(np.stack([shares[own].max(axis=0, initial=0.0) for own in members]), sums)

    def _joined(self, sentences: Sequence[str], membership: Bools, aggregate: str) -> Floats:
        """Join the similarities of each class's concepts in one template: float64 ``(K, N)``."""
        found = np.zeros((membership.shape[1], len(self)))
        for row, column in zip(found, membership.T, strict=True):
            own = np.flatnonzero(column)
            for place in own.tolist():
                row += self._similarities[sentences[place]]
            if aggregate == "vote-mean" and len(own):
                row /= len(own)
        return found


def spoken_for(membership: Bools) -> Bools:
    """Return which classes have a concept, bool ``(K,)``."""
    return np.asarray(membership.any(axis=0))


def fold(logits: Floats, membership: Bools, aggregate: str, top_k: int = TOP) -> ClassScores:
    """Fold logits ``(N, C)`` of concepts into classes by ``"sum"`` or ``"max"``."""
    return (fold_sum if aggregate == "sum" else fold_max)(logits, membership, top_k)


class Recall(NamedTuple):
    """How many images of a class there are, and the share that is predicted as it."""

    name: str
    images: int
    recall: Estimate


@dataclass(frozen=True)
class Measured:
    """How good a prompt set is on labelled images; shares in 0..1, each with its 95 % interval.

    Parameters
    ----------
    images : int
        N.
    accuracy, top_k : Estimate
        Share of images whose label is ranked first, and among the first three (Wilson).
    macro_f1, weighted_f1 : Estimate
        Averages of F1 over classes, see :mod:`workbench.methods.metrics` (bootstrap).
    recalls : tuple of Recall
        Of each class that has images (Wilson).
    """

    images: int
    accuracy: Estimate
    top_k: Estimate
    macro_f1: Estimate
    weighted_f1: Estimate
    recalls: tuple[Recall, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, estimates as ``{"value", "low", "high"}``; :meth:`from_dict` reads them back."""
        found = {name: getattr(self, name)._asdict() for name in ("accuracy", "top_k", "macro_f1", "weighted_f1")}
        recalls = [each._asdict() | {"recall": each.recall._asdict()} for each in self.recalls]
        return {"images": self.images, **found, "recalls": recalls}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Measured:
        """Return what :meth:`to_dict` gave."""
        first, top, macro, weighted = (
            Estimate(**values[name]) for name in ("accuracy", "top_k", "macro_f1", "weighted_f1")
        )
        recalls = tuple(Recall(each["name"], each["images"], Estimate(**each["recall"])) for each in values["recalls"])
        return cls(int(values["images"]), first, top, macro, weighted, recalls)


def measure(labels: Ints, ranked: Ints, classes: Sequence[str], resamples: int = RESAMPLES, seed: int = 0) -> Measured:
    """Measure a prompt set by its ranked classes.

    Parameters
    ----------
    labels : int array (N,)
        Given classes, 0 .. K - 1, at least one image.
    ranked : int array (N, R)
        Classes from the best on.
    classes : sequence of str
        Names (K).
    resamples, seed : int
        Of the bootstrap.

    Raises
    ------
    SpecError
        There are no images, or a label is outside the classes.
    """
    check_labels(labels, "labels", len(classes), len(ranked))
    if not len(labels):
        raise SpecError("there are no labelled images to evaluate")
    confusion = confusion_matrix(labels, ranked[:, 0], len(classes))
    observed = scores(confusion)
    drawn = scores(resample_counts(confusion, resamples, seed), (confusion.sum(axis=0) + confusion.sum(axis=1)) > 0)
    right = np.diagonal(confusion)
    return Measured(
        images=len(labels),
        accuracy=share(int(right.sum()), len(labels)),
        top_k=share(int(in_top_k(labels, ranked, TOP).sum()), len(labels)),
        macro_f1=estimate(float(observed.macro_f1), drawn.macro_f1),
        weighted_f1=estimate(float(observed.weighted_f1), drawn.weighted_f1),
        recalls=recalls(labels, ranked[:, 0], classes),
    )


def recalls(labels: Ints, answers: Ints | NDArray[np.int16], classes: Sequence[str]) -> tuple[Recall, ...]:
    """Return the recall of each class that has images; labels and answers ``(N,)`` as for :func:`measure`."""
    support = np.bincount(labels, minlength=len(classes))
    right = np.bincount(labels[answers == labels], minlength=len(classes))
    return tuple(
        Recall(name, int(support[place]), share(int(right[place]), int(support[place])))
        for place, name in enumerate(classes)
        if support[place]
    )


def score(labels: Ints, predicted: Ints, n_classes: int, metric: str) -> float:
    """Return the accuracy or macro F1 of predictions, without an interval."""
    if metric == "accuracy":
        return float((labels == predicted).mean())
    return float(scores(confusion_matrix(labels, predicted, n_classes)).macro_f1)


def random_choice(
    templates: int, membership: Bools, rng: np.random.Generator, sizes: tuple[int, int] | None = None
) -> tuple[Ints, Ints]:
    """Draw templates, and concepts of every class, at random.

    Parameters
    ----------
    templates : int
        T.
    membership : bool array (C, K)
        Which concept speaks for which class.
    rng : Generator
        Source of chance.
    sizes : (int, int), optional
        How many templates, and concepts of each class; by default both are drawn evenly too, each class's alike up to
        the number it has.

    Returns
    -------
    int64 arrays
        Places of the templates and of the concepts, ascending. A concept of several classes may serve each of them.
    """
    most = int(membership.sum(axis=0).max())
    count, words = sizes or (int(rng.integers(1, templates + 1)), int(rng.integers(1, most + 1)))
    chosen: set[int] = set()
    for column in membership.T:
        own = np.flatnonzero(column)
        chosen.update(rng.choice(own, min(words, len(own)), replace=False).tolist())
    return np.sort(rng.choice(templates, count, replace=False)), np.array(sorted(chosen), dtype=np.int64)
