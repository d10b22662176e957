"""Doubt labels: join several opinions on each image's class into a score, a bin and a proposal.

An *opinion* is a matrix ``(N, K)`` of class probabilities that did not come from the image's own label; a row of NaN
says nothing. The joint opinion is their mean, each weighted by how much it tells of the labels. A label is doubted as
far as the joint opinion prefers another class, and as labels of its class are known to be wrong: the score is the other
class's share of the probability of the two, the label's own reduced to the share of its class's labels that are right.

References
----------
Northcutt, Jiang & Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, JAIR 2021 (noise matrix).
Ren et al., A Simple Fix to Mahalanobis Distance for Improving Near-OOD Detection, 2021 (:func:`outlyingness`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from workbench.methods.shapes import Bools, Floats, Ints, check_embeddings

BINS = ("", "wrong label", "ambiguous", "not a face")
"""What an image is suspected of, by number."""

PARTS: Mapping[str, str] = {
    "probe": "how far a probe that never saw the image or its duplicates prefers another class; 0.5: undecided",
    "neighbours": "how far the labels of the nearest images, duplicates left out, prefer another class; 0.5: undecided",
    "zero-shot": "how far the CLIP's texts prefer another class; 0.5: undecided",
    "network": "how far the network prefers another class; 0.5: undecided",
    "duplicates": "the share of the same picture's other copies that carry another label",
    "label noise": "the share of labels of this class that are estimated to be wrong",
    "ambiguous": "how nearly two classes share the joint probability; 1: equally",
    "not a face": "how far the picture is blank, of few tones, or unlike all others; suspected from 0.5 on",
}
"""What each part of a score says; all 0..1, greater: more doubtful."""

FLOOR = 0.05
"""Added to probabilities before they are compared: below it, a class is ruled out, and it matters little how far."""
AMBIGUOUS = 0.7
"""From which share of the best class's probability on the second best makes an image ambiguous."""
FEW_TONES = 0.65
"""Share of pixels at two gray levels from which a picture is no photograph of a face."""
OUTLYING = 4.5
"""How many deviations from the median an image lies off all classes to be no face."""

_KINSHIP = (-3.0, -1.3, 0.0)  # logarithms of 0.001, 0.05 and 1: such pictures are one in hundreds or thousands
_DUPLICATES = 0.25
_SHRINKAGE = 0.2
_LEAST = 0.01


class Judgement(NamedTuple):
    """What opinions together make of N labels.

    Attributes
    ----------
    scores : float64 array (N,)
        0..1, greater: more doubtful; NaN for an unlabelled image that is taken for a face.
    bins : int64 array (N,)
        Place in :data:`BINS`.
    proposed : int64 array (N,)
        Class to put in the label's place, -1 outside the bin ``wrong label``.
    parts : dict of str to float64 array (N,)
        As in :data:`PARTS`; NaN where an opinion says nothing.
    probabilities : float64 array (N, K)
        The joint opinion; rows sum to 1.
    """

    scores: Floats
    bins: Ints
    proposed: Ints
    parts: dict[str, Floats]
    probabilities: Floats


def judge(
    opinions: Mapping[str, Floats],
    labels: Ints,
    copies: Floats,
    not_a_face: Floats,
    weights: Mapping[str, float],
    measured: Ints,
) -> Judgement:
    """Join opinions, and say of each label how doubtful it is and what would be right.

    Parameters
    ----------
    opinions : mapping of str to float array (N, K)
        At least one; rows of NaN say nothing, and at least one opinion says something of each image.
    labels : int array (N,)
        -1 where there is none.
    copies : float array (N, K)
        The labels of each picture's other copies, as :func:`copies_opinion` returns them.
    not_a_face : float array (N,)
        0..1; from 0.5 on the picture is taken for none.
    weights : mapping of str to float
        Of the opinions, as :func:`skill` returns them.
    measured : int array (M,)
        Rows whose opinions are fair, by which the labels' reliability is estimated; see :func:`reliability`.
    """
    everything = {**opinions, "duplicates": copies}
    share = _DUPLICATES * (sum(weights.values()) or 1.0)
    joint = join(everything, {**weights, "duplicates": share})
    rows = np.flatnonzero(labels >= 0)
    parts = {name: doubt(opinion, labels) for name, opinion in opinions.items()}
    parts["duplicates"] = np.where(labels >= 0, 0.0, np.nan)
    speaking = rows[np.isfinite(copies[rows]).all(axis=1)]
    parts["duplicates"][speaking] = 1 - copies[speaking, labels[speaking]]
    best, second = np.sort(joint, axis=1)[:, :-3:-1].T
    parts["ambiguous"] = (second + FLOOR) / (best + FLOOR)
    parts["not a face"] = np.asarray(not_a_face, dtype=np.float64)
    right = reliability(joint[measured], labels[measured])
    parts["label noise"] = np.where(labels >= 0, 1 - right[labels], np.nan)
    scores = doubt(joint, labels, right)
    faceless = parts["not a face"] >= 0.5
    bins = np.zeros(len(labels), dtype=np.int64)
    bins[doubt(joint, labels) > 0.5] = BINS.index("wrong label")
    bins[(labels >= 0) & (parts["ambiguous"] >= AMBIGUOUS)] = BINS.index("ambiguous")
    bins[faceless] = BINS.index("not a face")
    proposed = np.where(bins == BINS.index("wrong label"), other_than(joint, labels), -1)
    scores = np.where(faceless, np.fmax(scores, parts["not a face"]), scores)
    return Judgement(scores, bins, proposed, parts, joint)


def doubt(probabilities: Floats, labels: Ints, right: Floats | None = None) -> Floats:
    """Return the best other class's share of the probability of it and the label.

    Parameters
    ----------
    probabilities : float array (N, K)
        K is 2 or more.
    labels : int array (N,)
        -1 where there is none.
    right : float array (K,), optional
        Share of each class's labels that are right, by which the label's probability is multiplied; 1 where not given.

    Returns
    -------
    float64 array (N,)
        ``other / (other + right x label)``, both with :data:`FLOOR` added first. Without ``right`` 0.5 where
        both are equally probable, greater where another class is more probable than the label. NaN without a label, or
        where the opinion says nothing.
    """
    result = np.full(len(labels), np.nan)
    rows = np.flatnonzero(labels >= 0)
    other = probabilities[rows, other_than(probabilities, labels)[rows]].astype(np.float64) + FLOOR
    own = probabilities[rows, labels[rows]].astype(np.float64) + FLOOR
    if right is not None:
        own *= right[labels[rows]]
    result[rows] = other / (other + own)
    return result


def other_than(probabilities: Floats, labels: Ints) -> Ints:
    """Return the most probable class besides the label, int64 ``(N,)``; of equal ones the first.

    Where there is no label (-1) the most probable class.
    """
    others = np.where(np.isnan(probabilities), -np.inf, probabilities)
    rows = np.flatnonzero(labels >= 0)
    others[rows, labels[rows]] = -np.inf
    return np.asarray(others.argmax(axis=1))


def join(opinions: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """Return the weighted mean of what the opinions say of each image, float64 ``(N, K)``.

    An opinion whose row holds NaN is left out there; where the weights of those that speak are all 0, they count
    equally.
    """
    stacked = np.stack([np.asarray(opinion, dtype=np.float64) for opinion in opinions.values()])  # (O, N, K)
    speaks = np.asarray(np.isfinite(stacked).all(axis=2))
    weight = np.array([weights[name] for name in opinions], dtype=np.float64)[:, None] * speaks
    weight = np.where(weight.sum(axis=0) > 0, weight, speaks.astype(np.float64))
    known = np.where(speaks[:, :, None], stacked, 0.0)
    return np.asarray(np.einsum("on,onk->nk", weight / weight.sum(axis=0), known))


def skill(opinion: Floats, labels: Ints, rows: Ints) -> float:
    """Return how much of the labels' entropy an opinion explains on the given rows: 0 (nothing, or worse) to 1.

    ``1 - cross-entropy / entropy``, probabilities taken as at least 0.01. 0 where nothing can be measured.
    """
    rows = rows[(labels[rows] >= 0) & np.isfinite(opinion[rows]).all(axis=1)]
    if not len(rows):
        return 0.0
    shares = np.bincount(labels[rows]) / len(rows)
    entropy = -float(shares[shares > 0] @ np.log(shares[shares > 0]))
    cross = -float(np.log(np.maximum(opinion[rows, labels[rows]], _LEAST)).mean())
    return max(0.0, 1 - cross / entropy) if entropy > 0 else 0.0


def copies_opinion(labels: Ints, groups: Ints, n_classes: int) -> Floats:
    """Return the labels of the same picture's other copies, as shares.

    Parameters
    ----------
    labels, groups : int array (N,)
        -1 for no label, and for a picture without copies.
    n_classes : int
        K.

    Returns
    -------
    float64 array (N, K)
        NaN where there is no other labelled copy, and where all copies agree with the label: copies are labelled as one
        often enough that their agreement proves nothing.
    """
    shares = np.full((len(labels), n_classes), np.nan)
    counted = np.flatnonzero((groups >= 0) & (labels >= 0))
    counts = np.zeros((int(groups.max(initial=-1)) + 1, n_classes))
    np.add.at(counts, (groups[counted], labels[counted]), 1)
    rows = np.flatnonzero(groups >= 0)
    others = counts[groups[rows]]
    labelled = np.flatnonzero(labels[rows] >= 0)
    others[labelled, labels[rows[labelled]]] -= 1
    total = others.sum(axis=1)
    own = np.zeros(len(rows))
    own[labelled] = others[labelled, labels[rows[labelled]]]
    speaks = (total > 0) & (own < total)
    shares[rows[speaks]] = others[speaks] / total[speaks, None]
    return shares


def neighbours_opinion(neighbours: Ints, labels: Ints, n_classes: int, k: int) -> Floats:
    """Return the shares of labels among each image's first k neighbours that count.

    Parameters
    ----------
    neighbours : int array (N, M)
        Rows, nearest first; -1 for one that does not count (the image itself, a copy of it).
    labels : int array (N,)
        -1 where there is none; such neighbours do not count either.
    n_classes, k : int
        K, and how many count.

    Returns
    -------
    float64 array (N, K)
        NaN where no neighbour counts.
    """
    given = np.where(neighbours >= 0, labels[neighbours], -1)
    counts = (given >= 0) & (np.cumsum(given >= 0, axis=1) <= k)
    rows, places = np.nonzero(counts)
    found = np.zeros((len(neighbours), n_classes))
    np.add.at(found, (rows, given[rows, places]), 1)
    total = found.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(found, total, out=np.full(found.shape, np.nan), where=total > 0))


def outlyingness(embeddings: Floats, labels: Ints) -> Floats:
    """Return how far each image lies off every class, beyond how far it lies off all images.

    The relative Mahalanobis distance: the least squared distance to a class's mean in the classes' common covariance,
    minus the squared distance to the mean of all in the covariance of all. Covariances are drawn a fifth towards a
    multiple of the identity.

    Parameters
    ----------
    embeddings : float array (N, D)
    labels : int array (N,)
        -1 where there is none; at least one has one.

    Returns
    -------
    float64 array (N,)
        In deviations (1.4826 times the median absolute one) from the median; greater: less like the others. All 0 where
        all embeddings are equal.

    Raises
    ------
    SpecError
        An embedding is not finite.
    """
    check_embeddings(embeddings, "embeddings", "ND")
    wide = embeddings.astype(np.float64)
    rows = np.flatnonzero(labels >= 0)
    means = np.stack([wide[rows[labels[rows] == name]].mean(axis=0) for name in np.unique(labels[rows])])
    place = np.searchsorted(np.unique(labels[rows]), labels[rows])
    within = _precision(wide[rows] - means[place])
    centred = wide - wide.mean(axis=0)
    classes = np.min([_squared(wide - mean, within) for mean in means], axis=0)
    found = classes - _squared(centred, _precision(centred))
    away = found - np.median(found)
    deviation = 1.4826 * float(np.median(np.abs(away)))
    return np.asarray(away / deviation) if deviation > 0 else np.zeros(len(away))


def faceless(is_blank: Bools, two_tone_share: Floats, outlying: Floats, kinship: Floats | None) -> Floats:
    """Return how far a picture is taken for no face, 0..1; suspected from 0.5 on.

    A blank picture, one of few tones, or one that is both unlike all classes and like the pictures without a face.

    Parameters
    ----------
    is_blank : bool array (N,)
        The picture shows nothing.
    two_tone_share : float array (N,)
        Share of pixels at the two commonest grays, 0..1.
    outlying : float array (N,)
        What :func:`outlyingness` returns.
    kinship : float array (N,) or None
        Out-of-fold probability that a picture is one of those that are blank or of few tones; None where there are too
        few of them to learn from. What lies off all classes is suspected alone then.
    """
    tones = np.interp(two_tone_share, [0.0, FEW_TONES, 1.0], [0.0, 0.5, 1.0])
    away = np.clip(outlying / (2 * OUTLYING), 0.0, 1.0)
    if kinship is not None:
        away = (away + np.interp(np.log10(np.maximum(kinship, 1e-9)), _KINSHIP, [0.0, 0.5, 1.0])) / 2
    return np.where(is_blank, 1.0, np.maximum(tones, away))


def confident_joint(probabilities: Floats, labels: Ints) -> Floats:
    """Estimate how many images of each true class carry each label, by confident learning.

    An image is counted for the most probable of the classes that reach their threshold, the mean probability of a class
    among the images labelled with it; rows are then scaled to the labels' true numbers.

    Parameters
    ----------
    probabilities : float array (N, K)
        Out-of-sample.
    labels : int array (N,)
        -1 where there is none; such rows do not count.

    Returns
    -------
    float64 array (K, K)
        Rows are labels, columns true classes; it sums to the number of labelled images. A class of which no image
        reaches any threshold is taken to be labelled rightly.
    """
    rows = np.flatnonzero(labels >= 0)
    given, wide = labels[rows], probabilities[rows].astype(np.float64)
    size = probabilities.shape[1]
    numbers = np.bincount(given, minlength=size)
    sums = np.bincount(given, weights=wide[np.arange(len(rows)), given], minlength=size)
    thresholds = np.divide(sums, numbers, out=np.full(size, np.inf), where=numbers > 0)
    reaching = np.where(wide >= thresholds, wide, -np.inf)
    counted = np.isfinite(reaching).any(axis=1)
    joint = np.zeros((size, size))
    np.add.at(joint, (given[counted], reaching.argmax(axis=1)[counted]), 1)
    empty = np.flatnonzero(joint.sum(axis=1) == 0)
    joint[empty, empty] = 1
    return np.asarray(joint / joint.sum(axis=1, keepdims=True) * numbers[:, None])


def wrong_share_interval(
    probabilities: Floats, labels: Ints, resamples: int = 500, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % interval of the share of labels that :func:`confident_joint` estimates to be wrong.

    A percentile bootstrap: labelled images are drawn again, each with its label and its probabilities, which stay as
    they are.
    """
    rows = np.flatnonzero(labels >= 0)
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(resamples):
        drawn = rows[generator.integers(0, len(rows), len(rows))]
        joint = confident_joint(probabilities[drawn], labels[drawn])
        found.append(1 - float(np.trace(joint)) / float(joint.sum()))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def whole_rows(joint: Floats) -> Ints:
    """Round counts such that every row adds up to its rounded sum: what is cut off goes to the largest remainders.

    Parameters
    ----------
    joint : float array (K, K)
        Not negative.

    Returns
    -------
    int64 array (K, K)
    """
    whole = np.floor(joint + 1e-9).astype(np.int64)
    lacking = np.rint(joint.sum(axis=1)).astype(np.int64) - whole.sum(axis=1)
    for row, number in enumerate(lacking.tolist()):
        largest = np.argsort(whole[row] - joint[row], kind="stable")[:number]
        whole[row, largest] += 1
    return np.asarray(whole)


def reliability(probabilities: Floats, labels: Ints) -> Floats:
    """Return the estimated share of right labels of each class, ``(K,)`` above 0 to below 1.

    The diagonal of :func:`confident_joint` over its rows, with one right and one wrong label added to each class: few
    labels prove little.
    """
    joint = confident_joint(probabilities, labels)
    return np.asarray((np.diag(joint) + 1) / (joint.sum(axis=1) + 2))


def _precision(centred: Floats) -> Floats:
    covariance = centred.T @ centred / max(1, len(centred))
    size = float(np.trace(covariance)) / len(covariance)
    return np.asarray(np.linalg.inv(covariance + (_SHRINKAGE * size + 1e-12) * np.eye(len(covariance))))


def _squared(centred: Floats, precision: Floats) -> Floats:
    return np.asarray(np.einsum("ij,ij->i", centred @ precision, centred))
