"""Figures of dissections and ablations hold the numbers they are given, and names as text."""

from __future__ import annotations

import json

import numpy as np

from workbench.figures.ablate import set_effects, unit_effects
from workbench.figures.dissect import (
    class_activation,
    class_means,
    concept_evidence,
    label_distribution,
    similarity_distribution,
)

CLASSES = ("happy", "<b>sad</b>")
MARKUP = "<b>"


def test_similarities_are_divided_by_whether_the_label_holds_and_the_limit_is_marked() -> None:
    similarity = np.array([1.0, 2.0, 5.0, np.nan])
    figure = similarity_distribution(similarity, np.array([False, False, True, False]), 3.0)
    assert list(figure.data[0].x) == [5.0]
    assert list(figure.data[1].x) == [1.0, 2.0]
    assert list(figure.data[2].x) == [3.0, 3.0]


def test_a_layer_of_constant_units_has_an_empty_distribution() -> None:
    figure = similarity_distribution(np.array([np.nan]), np.array([False]), float("nan"))
    assert all(len(trace.x) == 0 for trace in figure.data[:2])


def test_labels_are_shares_of_their_own_group_and_concepts_that_label_nothing_are_left_out() -> None:
    figure = label_distribution(("Smile", "Frown", "<b>x</b>"), np.array([1, 0, 3]), np.array([2, 0, 0]))
    assert list(figure.data[0].y) == ["Smile", "&lt;b&gt;x&lt;/b&gt;"]
    assert list(figure.data[0].x) == [1.0, 0.0]
    assert list(figure.data[1].x) == [0.25, 0.75]


def test_concepts_stand_from_the_most_similar_on_with_their_own_band() -> None:
    band = np.array([-1.0, -2.0, -3.0]), np.array([1.0, 2.0, 3.0])
    figure = concept_evidence(("a", "b", "c"), np.array([0.0, 9.0, 4.0]), band, 5.0, ("red", "green", "blue"), most=2)
    assert list(figure.data[1].x) == [9.0, 4.0]
    assert list(figure.data[0].y) == ["b", "c"]
    assert list(figure.data[0].base) == [-2.0, -3.0]
    assert list(figure.data[0].x) == [4.0, 6.0]
    assert list(figure.data[1].marker.color) == ["green", "blue"]


def test_selectivity_is_drawn_from_chance_on_with_its_interval() -> None:
    value, low, high = np.array([0.9, 0.4]), np.array([0.8, 0.3]), np.array([0.95, 0.5])
    figure = class_activation(CLASSES, np.array([1.0, 2.0]), 1.5, value, low, high)
    np.testing.assert_allclose(figure.data[0].x, [0.4, -0.1])
    np.testing.assert_allclose(figure.data[0].error_x.arrayminus, [0.1, 0.1])
    assert list(class_means(CLASSES, np.array([1.0, 2.0]), 1.5).data[0].x) == [1.0, 2.0]


def test_an_effect_is_drawn_in_points() -> None:
    assert list(unit_effects(CLASSES, np.array([-0.1, 0.02]), "Recall (points)", 100).data[0].x) == [-10.0, 2.0]


def test_each_class_is_drawn_with_its_own_loss_against_random_sets() -> None:
    def one(name: str, size: int, change: list[float]) -> dict[str, object]:
        random = {"recall_low": [-0.02, -0.03], "recall_high": [0.01, 0.02]}
        return {"class": name, "size": size, "recall_change": change, "random": random, "p": [0.02, 0.5]}

    sets = [one("happy", 4, [-0.3, 0.0]), one("happy", 1, [-0.1, 0.0]), one(CLASSES[1], 1, [0.0, -0.2])]
    figure = set_effects(sets, CLASSES)
    assert list(figure.data[1].x) == [1, 4]
    assert list(figure.data[1].y) == [-10.0, -30.0]
    assert list(figure.data[2].y) == [-20.0]


def test_no_name_is_markup() -> None:
    arrays = np.array([0.6, 0.4]), np.array([0.5, 0.3]), np.array([0.7, 0.5])
    figures = [
        class_activation(CLASSES, arrays[0], 0.5, *arrays),
        class_means(CLASSES, arrays[0], 0.5),
        unit_effects(CLASSES, arrays[0], "Recall"),
        concept_evidence(CLASSES, arrays[0], (arrays[1], arrays[2]), 1.0, ("red", "blue")),
        label_distribution(CLASSES, np.array([1, 1]), np.array([1, 1])),
    ]
    for figure in figures:
        assert "<b>sad" not in json.loads(figure.to_json()).__str__()
