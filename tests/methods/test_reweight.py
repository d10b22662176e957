from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.references import reweight as reference
from workbench.errors import SpecError
from workbench.methods.reweight import (
    choose,
    default_thresholds,
    divides,
    norm_scales,
    random_scales,
    settings_grid,
    shuffled_values,
    unit_scales,
)

VALUES = np.random.default_rng(0).normal(0.1, 0.2, 40)


@pytest.mark.parametrize("rule", ["weights", "weights-and-bias", "similarity"])
@pytest.mark.parametrize("factor", [1.5, 0.7])
def test_scales_are_those_of_the_literal_rule(rule: str, factor: float) -> None:
    found = unit_scales(VALUES, 0.05, factor, rule)
    expected = [reference.scale_of_unit(v, 0.05, factor, rule, "tau", VALUES.tolist()) for v in VALUES.tolist()]
    assert found.dtype == np.float32
    assert np.allclose(found, expected, rtol=1e-6)


def test_q_is_up_at_or_below_its_threshold() -> None:
    q = np.array([0.01, 0.05, 0.051, 1.0, np.nan])
    assert unit_scales(q, 0.05, 2.0, by="q").tolist() == [2, 2, 0.5, 0.5, 0.5]


def test_a_unit_without_a_similarity_is_never_up() -> None:
    values = np.array([np.nan, 0.3, -0.3])
    assert unit_scales(values, 0.0, 2.0).tolist() == [0.5, 2, 0.5]
    assert unit_scales(values, 0.0, 2.0, "similarity").tolist() == pytest.approx([0.5, 2, 0.5])


@given(st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=60), st.sampled_from(["tau", "q"]))
def test_every_default_threshold_divides_the_units(values: list[float], by: str) -> None:
    array = np.array(values)
    if len(set(values)) == 1:
        with pytest.raises(SpecError, match="all their values are equal"):
            default_thresholds(array, by)
        return
    thresholds = default_thresholds(array, by)
    assert thresholds == sorted(set(thresholds))
    assert 1 <= len(thresholds) <= 8
    assert all(divides(array, threshold, by) for threshold in thresholds)


def test_the_customary_threshold_is_tried_where_it_divides() -> None:
    assert 0.0 in default_thresholds(VALUES)
    assert len(default_thresholds(VALUES)) == 8
    assert 0.0 not in default_thresholds(VALUES + 5)
    assert 0.05 in default_thresholds(np.linspace(0.001, 1, 40), "q")


def test_the_grid_holds_every_threshold_with_every_factor() -> None:
    grid = settings_grid(VALUES, [0.0, 0.2], [1.5, 2.0, 3.0])
    assert list(zip(grid.thresholds.tolist(), grid.factors.tolist(), strict=True)) == [
        (0.0, 1.5),
        (0.0, 2.0),
        (0.0, 3.0),
        (0.2, 1.5),
        (0.2, 2.0),
        (0.2, 3.0),
    ]
    assert grid.up.tolist() == [int((t < VALUES).sum()) for t in grid.thresholds]
    assert np.array_equal(grid.scales[4], unit_scales(VALUES, 0.2, 2.0))
    assert grid.changes == pytest.approx(np.log(grid.factors))


def test_a_threshold_that_divides_nothing_is_refused_with_the_range_that_would() -> None:
    with pytest.raises(SpecError, match="tau = 9 puts all 40 units on one side; their values lie between"):
        settings_grid(VALUES, [0.0, 9.0], [1.5])


def test_the_graded_rule_refuses_q() -> None:
    with pytest.raises(SpecError, match="threshold is tau, not q"):
        settings_grid(VALUES, [0.0], [1.5], "similarity", "q")


@given(st.integers(0, 10_000))
def test_the_choice_is_that_of_the_literal_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    right, before = rng.random((6, 9)) < 0.5, rng.random(9) < 0.5
    changes = rng.choice([0.1, 0.2, 0.3], 6)
    gains = right.sum(axis=1) - before.sum()
    assert choose(gains, changes) == reference.best_setting(right.tolist(), before.tolist(), changes.tolist())


def test_leaving_the_network_alone_wins_where_nothing_gains() -> None:
    assert choose(np.array([0, -3]), np.array([0.1, 0.2])) == -1


def test_controls_deal_out_the_same_scales() -> None:
    scale = unit_scales(VALUES, 0.1, 2.0)
    random = random_scales(scale, 30, seed=1)
    assert random.shape == (30, 40)
    assert all(sorted(line) == sorted(scale.tolist()) for line in random.tolist())
    assert len({tuple(line) for line in random.tolist()}) == 30
    norms = np.arange(40.0)
    dealt = norm_scales(scale, norms)
    up = int((scale == 2).sum())
    assert np.flatnonzero(dealt == 2).tolist() == list(range(40 - up, 40))
    assert sorted(shuffled_values(VALUES, 3)[2]) == sorted(VALUES)


def test_controls_are_drawn_from_the_seed() -> None:
    scale = unit_scales(VALUES, 0.1, 2.0)
    assert np.array_equal(random_scales(scale, 5, 3), random_scales(scale, 5, 3))
    assert not np.array_equal(random_scales(scale, 5, 3), random_scales(scale, 5, 4))
