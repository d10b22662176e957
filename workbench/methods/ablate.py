"""Ablation: what each class loses when units are switched off, against random sets of as many units.

A change of the network gives new logits for the same images. What counts is, for each class, the change of its recall
and of its mean margin: the logit of the label minus the greatest other logit, above 0 where the prediction is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from workbench.errors import SpecError
from workbench.methods.shapes import Bools, Floats, Ints, check_labels

PERCENTILES = (2.5, 97.5)
"""The interval of the random sets."""
ALPHA = 0.05
"""The p-value up to which a sentence takes a loss for more than chance."""


class ClassSums(NamedTuple):
    """Sums over images of each class: ``right`` int64 ``(..., K)``, ``margin`` float64 ``(..., K)``."""

    right: Ints
    margin: Floats


class Changes(NamedTuple):
    """What changes of a network do to each class, after minus before.

    Parameters
    ----------
    recall, margin : float64 array (C, K)
        Recall in shares, -1..1, and mean margin in logits; negative: the class loses; NaN where it has no image.
    accuracy : float64 array (C,)
        Share of all images, -1..1.
    """

    recall: Floats
    margin: Floats
    accuracy: Floats


class Control(NamedTuple):
    """What random sets do to each class, ``(K,)`` each: mean and 95 % interval of the changes, NaN without images."""

    mean: Floats
    low: Floats
    high: Floats


def class_sums(logits: Floats, labels: Ints) -> ClassSums:
    """Add up, for each class, the images that are right and the margins.

    Parameters
    ----------
    logits : float array (N, K)
        K of at least 2; of equal logits the first is the prediction.
    labels : int array (N,)
        The class of each image.

    Raises
    ------
    SpecError
        A label is outside the classes, or there is one class only.
    """
    rows, classes = np.arange(len(labels)), logits.shape[1]
    check_labels(labels, "labels", classes, rows=len(logits))
    if classes < 2:
        raise SpecError("the network has one class; recall and margin need two or more")
    others = logits.astype(np.float64)
    own = others[rows, labels].copy()
    others[rows, labels] = -np.inf
    right = logits.argmax(axis=1) == labels
    return ClassSums(
        np.bincount(labels[right], minlength=classes).astype(np.int64),
        np.asarray(np.bincount(labels, own - others.max(axis=1), minlength=classes), dtype=np.float64),
    )


def changes(before: ClassSums, after: ClassSums, support: Ints) -> Changes:
    """Compare networks by their sums over the same images.

    Parameters
    ----------
    before : ClassSums
        Of the network as it is, ``(K,)``.
    after : ClassSums
        Of C changed ones, ``(C, K)``.
    support : int array (K,)
        Images of each class.
    """
    images = np.where(support > 0, support, np.nan)
    return Changes(
        (after.right - before.right) / images,
        (after.margin - before.margin) / images,
        (after.right - before.right).sum(axis=-1) / support.sum(),
    )


def control(values: Floats) -> Control:
    """Summarise what random sets do, from changes ``(R, K)``."""
    low, high = np.percentile(values, PERCENTILES, axis=0)
    return Control(values.mean(axis=0), low, high)


def loss_p_values(change: Floats, random: Floats) -> Floats:
    """Return how often a random set costs a class at least as much: ``(1 + such sets) / (1 + sets)``.

    Parameters
    ----------
    change : float array (K,)
        What the set in question does to each class.
    random : float array (R, K)
        What random sets of as many units do.

    Returns
    -------
    float64 array (K,)
        In 1 / (1 + R) .. 1; low: the loss is not chance; NaN where the class has no images. With the set in question
        among R + 1 sets drawn alike, it is an exact p-value (one-sided).
    """
    at_least = (random <= change + 1e-12).sum(axis=0)
    return np.where(np.isnan(change), np.nan, (1 + at_least) / (1 + len(random)))


def random_sets(units: int, size: int, count: int, seed: int) -> Ints:
    """Draw sets of units, each without repetition; int64 ``(count, size)``, ascending within a set.

    Raises
    ------
    SpecError
        A set would have to hold all units, or more.
    """
    if not 0 < size < units:
        raise SpecError(f"a set of {size} of {units} units cannot be compared with random ones; use 1 to {units - 1}")
    draws = np.random.default_rng([seed, size]).random((count, units))
    return np.sort(np.argpartition(draws, size, axis=1)[:, :size], axis=1).astype(np.int64)


def rank_by_selectivity(selectivity: Floats) -> Ints:
    """Return a layer's units from the most selective for a class on, from AUROCs ``(U,)``; those with NaN left out."""
    order = np.argsort(-selectivity, kind="stable")
    return np.asarray(order[~np.isnan(selectivity[order])], dtype=np.int64)


def rank_by_label(speaks: Bools, holds: Bools, similarity: Floats) -> Ints:
    """Return the units whose label speaks for a class: those whose label holds first, then by similarity, descending.

    Parameters
    ----------
    speaks, holds : bool array (U,)
        Whether the unit's label speaks for the class, and whether it holds.
    similarity : float array (U,)
        With the label; NaN for a constant unit, which is left out.
    """
    order = np.lexsort((-np.nan_to_num(similarity, nan=-np.inf), ~holds))
    return np.asarray(order[(speaks & ~np.isnan(similarity))[order]], dtype=np.int64)


def stratified_sample(labels: Ints, count: int, seed: int) -> Ints:
    """Draw images with the classes in proportion, each class that occurs at least once.

    Parameters
    ----------
    labels : int array (N,)
        The class of each image.
    count : int
        How many to draw; 0, or N and more, for all.
    seed : int
        Of the draw.

    Returns
    -------
    int64 array
        Indices, ascending; ``count`` of them, or one a class where ``count`` is less than that.
    """
    if count <= 0 or count >= len(labels):
        return np.arange(len(labels))
    classes, sizes = np.unique(labels, return_counts=True)
    exact = sizes * (count / len(labels))
    wanted = np.maximum(np.floor(exact).astype(np.int64), 1)
    for place in np.argsort(np.floor(exact) - exact, kind="stable"):
        if wanted.sum() < count and wanted[place] < sizes[place]:
            wanted[place] += 1
    while wanted.sum() > count and wanted.max() > 1:
        wanted[wanted.argmax()] -= 1
    generator = np.random.default_rng(seed)
    drawn = [
        generator.choice(np.flatnonzero(labels == name), size, replace=False)
        for name, size in zip(classes, wanted, strict=True)
    ]
    return np.sort(np.concatenate(drawn))


class SetEffect(NamedTuple):
    """What removing a class's units does to recall.

    Parameters
    ----------
    name : str
        The class whose units are removed.
    size : int
        How many.
    recall, p : float array (K,)
        Change of each class's recall, and its p-value.
    random : Control
        What random sets of as many units do to recall.
    sets : int
        How many random sets.
    """

    name: str
    size: int
    recall: Floats
    p: Floats
    random: Control
    sets: int


def sentence(effect: SetEffect, layer: str, classes: Sequence[str], support: Ints) -> str:
    """Say what removing a class's units costs it, beside random sets of as many units.

    Parameters
    ----------
    effect : SetEffect
        What is measured.
    layer : str
        The units' layer.
    classes : sequence of str
        All classes (K).
    support : int array (K,)
        Images of each class.
    """
    name, size, recall, p, random, sets = effect
    own = list(classes).index(name)
    loss, mean, least, most = (-100 * float(v[own]) for v in (recall, random.mean, random.high, random.low))
    units = f"the unit of {layer} that counts" if size == 1 else f"the {size} units of {layer} that count"
    does = f"takes {_points(loss)} points of" if loss >= 0 else f"adds {_points(-loss)} points to"
    gains = loss < least and loss < 0
    chance = "" if p[own] <= ALPHA else ", a gain beyond chance" if gains else ", no more than chance would"
    text = (
        f"Removing {units} most for {name} {does} {name}'s recall ({support[own]:,} images); {sets} random sets of "
        f"{size} take {_points(mean)} ({_points(least)} to {_points(most)}): p = {_p(float(p[own]))}{chance}."
    )
    others = np.where(np.arange(len(classes)) == own, np.nan, recall)
    if np.isnan(others).all():
        return text
    worst = int(np.nanargmin(others))
    if others[worst] > -0.0005:  # would be written as 0.0 points
        return f"{text} No other class loses."
    return f"{text} The other class that loses most is {classes[worst]}, {_points(-100 * float(recall[worst]))} points."


def _points(value: float) -> str:
    return f"{round(value, 1) + 0.0:.1f}"  # the sum makes 0.0 of -0.0


def _p(value: float) -> str:
    return f"{value:.3f}".removeprefix("0") if value < 0.0995 else f"{value:.2f}".removeprefix("0")
