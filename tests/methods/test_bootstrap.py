from __future__ import annotations

import numpy as np
import pytest

from tests.references import metrics as reference
from workbench.errors import SpecError
from workbench.methods.bootstrap import estimate, resample_counts, resample_group_sums
from workbench.methods.metrics import confusion_matrix, scores


def test_an_interval_holds_the_middle_share_of_the_resamples() -> None:
    samples = np.arange(1001, dtype=float)
    assert estimate(500, samples) == pytest.approx((500, 25, 975))
    assert estimate(500, samples, level=0.5) == pytest.approx((500, 250, 750))
    with pytest.raises(SpecError, match="level is 95"):
        estimate(500, samples, level=95)


def test_counts_of_a_resample_sum_to_the_images_and_empty_cells_stay_empty() -> None:
    counts = np.array([[5, 0], [3, 12]])
    drawn = resample_counts(counts, 200, seed=1)
    assert drawn.shape == (200, 2, 2)
    assert (drawn.sum(axis=(1, 2)) == 20).all()
    assert (drawn[:, 0, 1] == 0).all()
    assert np.array_equal(drawn, resample_counts(counts, 200, seed=1))


def test_drawing_counts_has_the_distribution_of_drawing_images() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 120)
    predicted = np.where(rng.random(120) < 0.6, labels, rng.integers(0, 3, 120))
    by_counts = scores(resample_counts(confusion_matrix(labels, predicted, 3), 4000, seed=2))
    by_images = scores(np.stack(reference.index_bootstrap(labels, predicted, 1500, seed=3)))
    for name in ("accuracy", "macro_f1", "weighted_f1", "macro_recall"):
        ours, theirs = getattr(by_counts, name), getattr(by_images, name)
        spread = theirs.std()
        # means within 5 standard errors, spreads and tails within sampling error of 1,500 resamples
        assert abs(ours.mean() - theirs.mean()) < 5 * spread / np.sqrt(1500)
        assert ours.std() == pytest.approx(spread, rel=0.1)
        np.testing.assert_allclose(
            np.quantile(ours, [0.025, 0.975]), np.quantile(theirs, [0.025, 0.975]), atol=0.35 * spread
        )


def test_group_sums_add_up_what_each_resample_drew() -> None:
    groups = np.array([2, 0, 2, 2, 0])
    values = np.array([[1.0], [10.0], [100.0], [1000.0], [10000.0]])
    counts, sums = resample_group_sums(values, groups, 4, 50, seed=0)
    assert (counts.sum(axis=1) == 5).all()
    assert (counts[:, [1, 3]] == 0).all()
    digits = sums.sum(axis=(1, 2))
    drawn = np.stack([(digits // 10**place) % 10 for place in range(5)], axis=1)  # how often each image was drawn
    assert (drawn.sum(axis=1) == 5).all()
    np.testing.assert_array_equal(counts[:, 2], drawn[:, [0, 2, 3]].sum(axis=1))
    np.testing.assert_array_equal(counts[:, 0], drawn[:, [1, 4]].sum(axis=1))


def test_the_mean_of_resampled_sums_spreads_as_theory_says() -> None:
    values = np.random.default_rng(1).normal(size=(400, 1))
    _, sums = resample_group_sums(values, np.zeros(400, dtype=int), 1, 3000, seed=0)
    assert (sums[:, 0, 0] / 400).std() == pytest.approx(values.std() / 20, rel=0.06)


@pytest.mark.parametrize("resamples", [0, -1])
def test_no_resamples_and_no_images_are_refused(resamples: int) -> None:
    with pytest.raises(SpecError, match="resamples is"):
        resample_counts(np.array([1]), resamples)
    with pytest.raises(SpecError, match="no images to resample"):
        resample_counts(np.array([0, 0]))
