"""Error slices: groups of images that lie together in embedding space and are wrong more often than the rest.

Groups are found on one half of the images and measured on the other. Each image gets, beside its place in the space,
one more coordinate: how often its nearest neighbours of the finding half are wrong; k-means on both parts the space
where errors change, not only where pictures do. An image is never its own neighbour, and an image of the measuring half
is placed by errors of the finding half alone, so what is measured on it is not what put it there.

On planted slices of FER2013 this finds more than k-means on the embeddings alone, than a decision tree that separates
wrong from right, and than centres of the wrong images; see the benchmark of slices.

References
----------
Sohoni et al., No Subclass Left Behind, NeurIPS 2020 (clusters of features as unlabelled subgroups).
Eyuboglu et al., Domino: Discovering Systematic Errors with Cross-Modal Embeddings, ICLR 2022 (error-aware slices, named
by texts).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from workbench.errors import SpecError
from workbench.methods.bootstrap import Estimate
from workbench.methods.evidence import q_values
from workbench.methods.neighbours import nearest
from workbench.methods.proportions import contrast
from workbench.methods.shapes import Bools, Floats, Ints, check_embeddings

NEIGHBOURS = 30
"""How many neighbours' errors are averaged."""
ERROR_WEIGHT = 0.5
"""Standard deviation of the error coordinate, where the embeddings have length 1."""
TYPICAL = 0.2
"""Least standardised difference of a text's similarity from which it names a group."""
ALPHA = 0.05
"""The q value up to which a difference holds."""
_STARTS = 4
_SMALL = 1e-9


@dataclass(frozen=True)
class Slice:
    """How often a group of images is wrong, against all other images.

    Parameters
    ----------
    group : int
        Number of the group.
    images, wrong : int
        Images measured, and those that are wrong.
    rate, rest, difference : Estimate
        Share that is wrong in the group and in the rest (Wilson), and the first minus the second (Newcombe).
    p, q : float
        Fisher's exact test, two-sided, and Benjamini and Hochberg's q among all groups tested.
    """

    group: int
    images: int
    wrong: int
    rate: Estimate
    rest: Estimate
    difference: Estimate
    p: float
    q: float


def centre(embeddings: Floats) -> Floats:
    """Return the embeddings minus their mean, each brought to length 1 (float32 ``(N, D)``); 0 where all are equal.

    Raises
    ------
    SpecError
        A value is NaN or infinite.
    """
    check_embeddings(embeddings, "embeddings", "ND")
    moved = embeddings.astype(np.float64) - embeddings.mean(axis=0, dtype=np.float64)
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    unit = np.divide(moved, lengths, out=np.zeros_like(moved), where=lengths > 1e-6)
    return np.asarray(unit, dtype=np.float32)


def halves(groups: Ints, seed: int = 0) -> Bools:
    """Deal images to two halves at random, duplicates together: bool ``(N,)``, true for the half that finds.

    Parameters
    ----------
    groups : int array (N,)
        Number of each image's group of duplicates, -1 for none.
    seed : int
        Seed of the dealing.
    """
    unit = np.where(groups < 0, np.arange(len(groups)) + int(groups.max(initial=-1)) + 1, groups)
    _, unit = np.unique(unit, return_inverse=True)
    count = int(unit.max(initial=-1)) + 1
    finding = np.zeros(count, dtype=bool)
    finding[np.random.default_rng(seed).permutation(count)[: count // 2]] = True
    return np.asarray(finding[unit])


def find_groups(points: Floats, wrong: Bools, finding: Bools, count: int, smallest: int, seed: int = 0) -> Ints:
    """Group images by where they lie and how wrong that neighbourhood is.

    Parameters
    ----------
    points : float array (N, D)
        What :func:`centre` returned.
    wrong : bool array (N,)
        Read on the finding half only.
    finding : bool array (N,)
        The half on which groups are found.
    count : int
        The most groups.
    smallest : int
        The fewest images of a group, both halves together, and half as many in either.
    seed : int
        Seed of k-means.

    Returns
    -------
    int64 array (N,)
        Number of each image's group, 0 .. G - 1 by falling share of wrong images in the finding half; -1 for
        images of groups that are too small.

    Raises
    ------
    SpecError
        There are too few images for two groups, or their embeddings are all equal.
    """
    from sklearn.cluster import KMeans  # slow to import; reading stored results does without

    first = np.flatnonzero(finding)
    count = min(count, 2 * len(first) // smallest)
    if count < 2:
        raise SpecError(
            f"{len(points):,} images are too few for groups of {smallest} or more, found on one half of them and "
            "measured on the other; take a larger split or smaller groups"
        )
    if not np.ptp(points[first], axis=0).any():
        raise SpecError("the embeddings of all images are equal, so no groups lie among them")
    rates = neighbour_errors(points, wrong, first)
    spread = float(rates[first].std())
    coordinate = ERROR_WEIGHT * (rates - rates[first].mean()) / spread if spread > 0 else np.zeros(len(points))
    placed = np.column_stack([points, coordinate]).astype(np.float64)
    count = min(count, len(np.unique(placed[first], axis=0)))
    model = KMeans(count, n_init=_STARTS, random_state=seed).fit(placed[first])
    found = np.asarray(model.predict(placed), dtype=np.int64)
    sizes = np.stack([np.bincount(found[half], minlength=count) for half in (finding, ~finding)])
    large = (sizes.sum(axis=0) >= smallest) & (sizes.min(axis=0) * 2 >= smallest)
    errors = np.bincount(found[finding], wrong[finding], count) / np.maximum(sizes[0], 1)
    order = np.lexsort((np.arange(count), -errors))
    number = np.full(count, -1, dtype=np.int64)
    number[order[large[order]]] = np.arange(int(large.sum()))
    return np.asarray(number[found])


def neighbour_errors(points: Floats, wrong: Bools, known: Ints, k: int = NEIGHBOURS) -> Floats:
    """Return how often each point's nearest known points are wrong, itself left out: float64 ``(N,)`` in 0..1.

    Parameters
    ----------
    points : float array (N, D)
        Of length 1 or 0.
    wrong : bool array (N,)
        Read at ``known`` only.
    known : int array (M,)
        Rows whose errors may be used, two or more.
    k : int
        Neighbours averaged; fewer where there are fewer.
    """
    place = np.full(len(points), -1, dtype=np.int64)
    place[known] = np.arange(len(known))
    found = nearest(points[known], points, min(k, len(known) - 1), exclude=place)
    return np.asarray(wrong[known][found.rows].mean(axis=1))


def measure(groups: Ints, wrong: Bools, rows: Bools | None = None) -> list[Slice]:
    """Measure how often each group is wrong, against all other images measured.

    Parameters
    ----------
    groups : int array (N,)
        Number of each image's group, 0 .. G - 1; -1 for none.
    wrong : bool array (N,)
        Whether each image is wrong.
    rows : bool array (N,), optional
        The images that are measured; all by default.

    Returns
    -------
    list of Slice
        By number of group; one without a measured image, or without any outside it, is left out.
    """
    chosen = np.ones(len(groups), dtype=bool) if rows is None else rows
    groups, wrong = groups[chosen], wrong[chosen]
    total, total_wrong = len(groups), int(wrong.sum())
    found = []
    for group in np.unique(groups[groups >= 0]).tolist():
        own = wrong[groups == group]
        images, errors = len(own), int(own.sum())
        if images < total:
            found.append((group, images, errors, contrast(errors, images, total_wrong - errors, total - images)))
    q = q_values(np.array([each[3].p for each in found], dtype=np.float64))
    return [Slice(group, n, k, *of[:3], of.p, float(value)) for (group, n, k, of), value in zip(found, q, strict=True)]


def detectable(images: int, others: int, rate: float, level: float = 0.05, power: float = 0.8) -> float | None:
    """Return how much more often than the rest a group must be wrong for that to be found most of the time.

    Parameters
    ----------
    images, others : int
        Images of the group and of the rest.
    rate : float
        Share of the rest that is wrong, 0 to 1.
    level : float
        Of a two-sided test: the p up to which a difference counts.
    power : float
        In which share of repetitions it is to be found.

    Returns
    -------
    float or None
        The difference of the two shares, rounded up to a thousandth; ``None`` where even a group that is always wrong
        would be found less often. An approximation of Fisher's test: the normal one with a correction for continuity.

    References
    ----------
    Fleiss, Levin & Paik, Statistical Methods for Rates and Proportions, 2003, chapter 4.
    """
    if not (images and others and 0 <= rate < 1):
        return None
    steps = np.arange(1, int((1 - rate) * 1000) + 1) / 1000
    group = rate + steps
    pooled = (images * group + others * rate) / (images + others)
    null = np.sqrt(pooled * (1 - pooled) * (1 / images + 1 / others))
    spread = np.sqrt(group * (1 - group) / images + rate * (1 - rate) / others)
    beyond = steps - (1 / images + 1 / others) / 2 + float(ndtri(level / 2)) * null
    found = np.flatnonzero(beyond >= float(ndtri(power)) * spread)
    return float(steps[found[0]]) if len(found) else None


def text_scores(points: Floats, groups: Ints, texts: Floats) -> Floats:
    """Return how much nearer each text is to a group's images than to all others.

    Parameters
    ----------
    points : float array (N, D)
        Centred images.
    groups : int array (N,)
        Number of each image's group, 0 .. G - 1; -1 for none.
    texts : float array (T, D)
        Centred texts.

    Returns
    -------
    float64 array (G, T)
        Mean similarity in the group minus that of all other images, in standard deviations over all images: a text
        that is near to every group names none of them.
    """
    similar = points.astype(np.float64) @ texts.astype(np.float64).T  # (N, T)
    spread = np.maximum(similar.std(axis=0), _SMALL)
    total, count = similar.sum(axis=0), int(groups.max(initial=-1)) + 1
    result = np.zeros((count, similar.shape[1]))
    for group in range(count):
        inside = similar[groups == group]
        if 0 < len(inside) < len(similar):
            rest = (total - inside.sum(axis=0)) / (len(similar) - len(inside))
            result[group] = (inside.mean(axis=0) - rest) / spread
    return result


def name_groups(scores: Floats, texts: Sequence[str], words: int = 3) -> list[list[tuple[str, float]]]:
    """Return the texts that name each group, most telling first, with their scores; none where none tells.

    Parameters
    ----------
    scores : float array (G, T)
        What :func:`text_scores` returned.
    texts : sequence of str
        The texts (T).
    words : int
        The most texts of a group.
    """
    named = []
    for line in scores:
        best = np.argsort(-line, kind="stable")[:words]
        named.append([(texts[place], float(line[place])) for place in best.tolist() if line[place] >= TYPICAL])
    return named
