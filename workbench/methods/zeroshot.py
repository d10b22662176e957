"""Zero-shot classification: images against concepts, and concepts folded into classes.

The ways to fold, by the names of :data:`workbench.specs.AGGREGATES`:

``sum``
    A class's probability is the sum over its concepts.
``max``
    The class of the single most probable concept; a class's score is its most probable concept.
``vote``
    Each template ranks the classes by the summed similarity of their concepts; ranks are counted over templates.
    ``vote-mean`` takes means instead of sums, for classes with unequally many concepts.

A concept may speak for several classes. It then counts in full for each of them, and the class probabilities are
divided by their total: exactly what a softmax gives over a list in which that concept is written once under each
class, as a dictionary of synonyms would have it. Splitting it instead would make a class poorer for sharing a word. A
concept that speaks for no class has a concept probability, but no part in the class probabilities.

References
----------
Radford et al., Learning Transferable Visual Models From Natural Language Supervision, 2021 (prompt ensembles).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workbench.errors import SpecError, unknown_name
from workbench.methods.shapes import (
    Bools,
    Floats,
    Ints,
    check_embeddings,
    check_labels,
    check_membership,
    check_unit,
)
from workbench.specs import AGGREGATES

_BLOCK_VALUES = 4_000_000
"""Similarities held at once; bounds memory to some tens of MB whatever the number of images."""


@dataclass(frozen=True)
class ClassScores:
    """Classes of each image.

    Parameters
    ----------
    probabilities : float64 array (N, K)
        At least 0, rows sum to 1. With ``vote``: the share of templates that rank the class first.
    ranked : int64 array (N, R)
        Classes from the best on. With ``vote`` the winner of each rank, so a class may stand twice.
    shares : float64 array (N, R)
        What speaks for each ranked class: its probability; with ``vote`` its share of the votes at that rank.
    """

    probabilities: Floats
    ranked: Ints
    shares: Floats

    @property
    def predicted(self) -> Ints:
        """The best class of each image, ``(N,)``."""
        return self.ranked[:, 0]


@dataclass(frozen=True)
class ZeroShot:
    """Classes and concepts of each image.

    Parameters
    ----------
    classes : ClassScores
        What the images are classified as.
    concept_probabilities : float32 array (N, C)
        Softmax over all concepts of logit scale x cosine with the template ensemble; rows sum to 1.
    """

    classes: ClassScores
    concept_probabilities: Floats


def ensemble(template_texts: Floats) -> Floats:
    """Average a concept's sentences into one direction, as CLIP's prompt ensembles do.

    Parameters
    ----------
    template_texts : float array (T, C, D)
        Text embeddings; each is brought to length 1 first.

    Returns
    -------
    float32 array (C, D)
        Means over templates, of length 1.

    Raises
    ------
    SpecError
        An embedding, or a mean, has length 0 or is not finite.
    """
    check_embeddings(template_texts, "text embeddings", "TCD")
    if not template_texts.size:
        raise ValueError(f"text embeddings are empty: {template_texts.shape}")
    return _unit(_unit(template_texts.astype(np.float64)).mean(axis=0)).astype(np.float32)


def concept_probabilities(images: Floats, texts: Floats, logit_scale: float) -> Floats:
    """Softmax over concepts of ``logit_scale x image . text``.

    Parameters
    ----------
    images : float array (N, D)
        Image embeddings of length 1.
    texts : float array (C, D)
        Text embeddings of length 1, as :func:`ensemble` returns them.
    logit_scale : float
        The CLIP's factor (the exponential of its learned logarithm), above 0.

    Returns
    -------
    float32 array (N, C)
        Rows sum to 1.
    """
    _check(images, texts, "CD")
    _check_scale(logit_scale)
    result = np.empty((len(images), len(texts)), dtype=np.float32)
    for rows in _blocks(len(images), len(texts)):
        result[rows] = _softmax(_logits(images[rows], texts, logit_scale))
    return result


def fold_sum(logits: Floats, membership: Bools, top_k: int = 3) -> ClassScores:
    """Sum the probabilities of each class's concepts.

    Parameters
    ----------
    logits : float array (N, C)
        Logit scale x cosine.
    membership : bool array (C, K)
        Which concept speaks for which class.
    top_k : int
        How many ranked classes to return, at most K.

    Returns
    -------
    ClassScores
        Ties go to the class that stands first.
    """
    check_membership(membership, logits.shape[1])
    sums = _class_sums(logits, membership)
    return _scored(sums / sums.sum(axis=1, keepdims=True), np.argsort(-sums, axis=1, kind="stable"), top_k)


def fold_max(logits: Floats, membership: Bools, top_k: int = 3) -> ClassScores:
    """Give each class its most probable concept; parameters as in :func:`fold_sum`.

    Returns
    -------
    ClassScores
        The probabilities are the classes' greatest concept probabilities divided by their total. Classes that tie,
        because they share their best concept, are ordered by their sum, then as they stand.
    """
    check_membership(membership, logits.shape[1])
    concepts = _softmax(np.where(membership.any(axis=1), logits, -np.inf))
    best = np.stack([concepts[:, column].max(axis=1, initial=0.0) for column in membership.T], axis=1)
    sums = _class_sums(logits, membership)
    order = np.lexsort((-sums, -best))  # the last key is the first to count; stable, so class order breaks ties
    return _scored(best / best.sum(axis=1, keepdims=True), order, top_k)


def fold_vote(similarities: Floats, membership: Bools, top_k: int = 3, synonyms: str = "sum") -> ClassScores:
    """Count over templates which class stands at each rank, and name the winner of each rank.

    Per template a class scores the sum of its concepts' similarities, and the classes are ranked (equal scores: the
    class that stands first). Over templates the classes at rank 1, 2, .. are counted; the winner of a rank has most
    votes there, with equal votes the greater score averaged over templates, then the class that stands first.
    Multiplying similarities by 100, as the rule is told, changes nothing. One class may win several ranks.

    Summing favours the class with more concepts wherever similarities are mostly positive, as CLIP's are: with 6
    synonyms against 4 it nearly always wins. Give classes equally many, or take ``synonyms="mean"``, which then agrees
    with the sum.

    Parameters
    ----------
    similarities : float array (N, T, C)
        Cosine of each image with each concept in each template.
    membership : bool array (C, K)
        Which concept speaks for which class; a class without concepts gets no vote.
    top_k : int
        How many ranks are counted, at most the number of classes with concepts.
    synonyms : str
        ``"sum"``, or ``"mean"`` over a class's concepts.

    Returns
    -------
    ClassScores
        ``shares[:, r]`` is the winner's share of the T votes at rank r + 1.
    """
    if synonyms not in ("sum", "mean"):
        raise unknown_name("way to join synonyms", synonyms, ("sum", "mean"))
    check_membership(membership, similarities.shape[2])
    n_images, n_templates, _ = similarities.shape
    sizes = membership.sum(axis=0)
    scores = similarities.astype(np.float64) @ membership.astype(np.float64)  # (N, T, K)
    if synonyms == "mean":
        scores = scores / np.maximum(sizes, 1)
    scores[..., sizes == 0] = -np.inf
    ranks = min(top_k, int((sizes > 0).sum()))
    order = np.argsort(-scores, axis=2, kind="stable")[..., :ranks]  # (N, T, R)
    votes = (order[..., None] == np.arange(membership.shape[1])).sum(axis=1)  # (N, R, K)
    leading = votes == votes.max(axis=2, keepdims=True)
    winners = np.where(leading, scores.mean(axis=1)[:, None, :], -np.inf).argmax(axis=2)  # (N, R)
    shares = np.take_along_axis(votes, winners[..., None], axis=2)[..., 0] / n_templates
    probabilities = votes[:, 0, :] / n_templates if n_images else np.zeros((0, membership.shape[1]))
    return ClassScores(probabilities, winners.astype(np.int64), shares)


def classify(
    images: Floats,
    template_texts: Floats,
    membership: Bools,
    logit_scale: float,
    *,
    aggregate: str = "sum",
    top_k: int = 3,
) -> ZeroShot:
    """Classify images with a concept set, in blocks of bounded memory.

    Parameters
    ----------
    images : float array (N, D)
        Image embeddings of length 1; N may be 0.
    template_texts : float array (T, C, D)
        Embeddings of the set's sentences, in the order of ``ConceptSet.prompts``.
    membership : bool array (C, K)
        ``ConceptSet.membership``.
    logit_scale : float
        The CLIP's factor, above 0.
    aggregate : str
        ``"sum"``, ``"max"``, ``"vote"``, or ``"vote-mean"`` (:func:`fold_vote` with means).
    top_k : int
        How many ranked classes to return, from 1; at most K are.

    Raises
    ------
    SpecError
        No concept speaks for a class, the aggregate is unknown, ``top_k`` is below 1, or an embedding is not finite.
    ValueError
        Shapes do not fit.
    """
    _check(images, template_texts, "TCD")
    check_membership(membership, template_texts.shape[1])
    _check_scale(logit_scale)
    if top_k < 1:
        raise SpecError(f"top_k is {top_k}; it must be 1 or more")
    if aggregate not in AGGREGATES:
        raise unknown_name("aggregate", aggregate, AGGREGATES)
    texts = ensemble(template_texts)
    concepts = np.empty((len(images), len(texts)), dtype=np.float32)
    parts = []
    for rows in _blocks(len(images), template_texts.shape[0] * len(texts)):
        logits = _logits(images[rows], texts, logit_scale)
        concepts[rows] = _softmax(logits)
        parts.append(_fold(aggregate, images[rows], template_texts, logits, membership, top_k))
    classes = ClassScores(
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.ranked for part in parts]),
        np.concatenate([part.shares for part in parts]),
    )
    return ZeroShot(classes, concepts)


def top_margin(probabilities: Floats) -> Floats:
    """Return the greatest minus the second greatest class probability: ``(N,)`` in 0..1, 0 where they tie."""
    if probabilities.shape[1] < 2:
        return np.ones(len(probabilities))
    top = np.partition(probabilities, -2, axis=1)[:, -2:]
    return np.asarray(top[:, 1] - top[:, 0])


def label_margin(probabilities: Floats, labels: Ints) -> Floats:
    """Return the probability of the label minus the greatest of the others.

    Parameters
    ----------
    probabilities : float array (N, K)
        Class probabilities.
    labels : int array (N,)
        The given classes; -1 where there is none.

    Returns
    -------
    float64 array (N,)
        -1..1; low: the model disagrees with the label; NaN without one.
    """
    given = labels >= 0
    check_labels(labels[given], "labels", probabilities.shape[1])
    if len(labels) != len(probabilities):
        raise ValueError(f"labels have {len(labels)} rows, the probabilities {len(probabilities)}")
    margins = np.full(len(labels), np.nan)
    rows = np.flatnonzero(given)
    others = probabilities[rows].astype(np.float64)
    own = others[np.arange(len(rows)), labels[rows]].copy()
    others[np.arange(len(rows)), labels[rows]] = -np.inf
    margins[rows] = own - np.maximum(others.max(axis=1, initial=-np.inf), 0.0)
    return margins


def _fold(
    aggregate: str, images: Floats, template_texts: Floats, logits: Floats, membership: Bools, top_k: int
) -> ClassScores:
    if aggregate == "sum":
        return fold_sum(logits, membership, top_k)
    if aggregate == "max":
        return fold_max(logits, membership, top_k)
    n_templates, n_concepts, dimension = template_texts.shape
    similarities = images.astype(np.float32) @ template_texts.reshape(-1, dimension).astype(np.float32).T
    by_template = similarities.reshape(-1, n_templates, n_concepts)
    return fold_vote(by_template, membership, top_k, "mean" if aggregate == "vote-mean" else "sum")


def _check(images: Floats, texts: Floats, axes: str) -> None:
    check_embeddings(texts, "text embeddings", axes)
    if not texts.size:
        raise ValueError(f"text embeddings are empty: {texts.shape}")
    check_embeddings(images, "image embeddings", "ND", dimension=texts.shape[-1])
    check_unit(texts, "text embeddings")
    check_unit(images, "image embeddings")


def _check_scale(logit_scale: float) -> None:
    if not (np.isfinite(logit_scale) and logit_scale > 0):
        raise SpecError(f"logit scale is {logit_scale}; it must be above 0")


def _blocks(n_images: int, width: int) -> Iterator[slice]:
    """Yield slices of images; one empty slice where there are none."""
    size = max(1, _BLOCK_VALUES // max(1, width))
    for start in range(0, max(1, n_images), size):
        yield slice(start, min(start + size, n_images))


def _logits(images: Floats, texts: Floats, logit_scale: float) -> Floats:
    return np.float64(logit_scale) * (images.astype(np.float32) @ texts.astype(np.float32).T)


def _softmax(logits: Floats) -> Floats:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def _class_sums(logits: Floats, membership: Bools) -> Floats:
    """Sum each class's concept probabilities, relative to the concepts that speak for any class: never all 0."""
    return np.asarray(_softmax(np.where(membership.any(axis=1), logits, -np.inf)) @ membership.astype(np.float64))


def _scored(probabilities: Floats, order: Ints, top_k: int) -> ClassScores:
    ranked = order[:, :top_k].astype(np.int64)
    return ClassScores(probabilities, ranked, np.take_along_axis(probabilities, ranked, axis=1))


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if not (lengths > 0).all():
        raise SpecError("a text embedding has length 0: its sentences cancel out or the model returned zeros")
    return np.asarray(vectors / lengths)
