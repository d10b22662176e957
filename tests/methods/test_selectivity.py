from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.references import selectivity as reference
from workbench.errors import SpecError
from workbench.methods.selectivity import auroc


@given(st.integers(0, 10_000), st.integers(1, 30))
@settings(max_examples=25, deadline=None)
def test_auroc_and_its_interval_equal_pair_counting(seed: int, levels: int) -> None:
    generator = np.random.default_rng(seed)
    activations = generator.integers(0, levels, (40, 4)).astype(np.float32)  # with many ties, or constant
    positive = generator.random((40, 3)) < np.array([0.2, 0.5, 0.04])
    found = auroc(activations, positive)
    for unit in range(4):
        for label in range(3):
            value, error = reference.auroc(activations[:, unit], positive[:, label])
            expected = [value, max(0, value - 1.959964 * error), min(1, value + 1.959964 * error)]
            if np.isnan(error):
                expected[1:] = [np.nan, np.nan]
            np.testing.assert_allclose([part[unit, label] for part in found], expected, atol=1e-6)


def test_units_of_several_blocks_are_each_measured() -> None:
    generator = np.random.default_rng(0)
    activations, positive = generator.normal(size=(50, 150)).astype(np.float32), generator.random((50, 2)) < 0.4
    found = auroc(activations, positive)
    for unit in (0, 63, 64, 149):
        assert found.value[unit, 1] == pytest.approx(reference.auroc(activations[:, unit], positive[:, 1])[0])


def test_the_interval_covers_the_true_value_95_times_in_100() -> None:
    generator = np.random.default_rng(3)
    positive = np.arange(300) < 90
    found = auroc((generator.normal(size=(300, 800)) + positive[:, None]).astype(np.float32), positive[:, None])
    true = 0.7602  # of two normals one standard deviation apart: Phi(1 / sqrt 2)
    assert 0.93 < ((found.low < true) & (true < found.high)).mean() < 0.97


def test_what_cannot_be_told_is_nan_and_a_constant_unit_tells_nothing() -> None:
    activations = np.stack([np.arange(6), np.ones(6)], axis=1).astype(np.float32)
    positive = np.array([[0, 1, 0], [0, 1, 0], [0, 1, 0], [0, 1, 1], [0, 1, 1], [0, 1, 1]], dtype=bool)
    found = auroc(activations, positive)
    assert np.isnan(found.value[:, :2]).all()
    assert found.value[:, 2].tolist() == [1, 0.5]
    assert found.low[1, 2] == found.high[1, 2] == 0.5


def test_no_units_or_no_classes_have_their_shapes() -> None:
    assert auroc(np.zeros((5, 0), np.float32), np.ones((5, 2), bool)).value.shape == (0, 2)
    assert auroc(np.zeros((5, 3), np.float32), np.ones((5, 0), bool)).high.shape == (3, 0)


def test_wrong_shapes_and_nan_are_refused() -> None:
    with pytest.raises(ValueError, match=r"bool array \(N, K\) with N = 5"):
        auroc(np.zeros((5, 2), np.float32), np.zeros((5, 2)))
    with pytest.raises(SpecError, match="row 3"):
        auroc(np.where(np.arange(10).reshape(5, 2) == 6, np.nan, 0).astype(np.float32), np.ones((5, 2), bool))
