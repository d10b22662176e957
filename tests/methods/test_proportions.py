from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import SpecError
from workbench.methods.proportions import contrast, difference, paired_difference, share


def test_wilson_agrees_with_the_textbook() -> None:
    found = share(81, 263)  # Newcombe 1998, table I: 0.3080, Wilson 0.2553 to 0.3662
    assert found.value == pytest.approx(0.3080, abs=5e-5)
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    none, all_ = share(0, 20), share(20, 20)
    assert (none.low, none.high) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert (all_.low, all_.high) == pytest.approx((0.8389, 1.0), abs=5e-5)


def test_newcombe_agrees_with_the_textbook() -> None:
    found = difference(share(56, 70), share(48, 80))  # Newcombe 1998b, table II: 0.20, 0.0524 to 0.3339
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    empty = difference(share(0, 10), share(0, 20))
    assert (empty.low, empty.high) == pytest.approx((-0.1611, 0.2775), abs=5e-5)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_an_interval_holds_its_value_and_no_errors_still_have_one(k: int, more: int, r: int, rest: int) -> None:
    one, other = share(k, k + more + 1), share(r, r + rest + 1)
    found = difference(one, other)
    assert 0 <= one.low <= one.value <= one.high <= 1
    assert one.high - one.low > 0
    assert -1 <= found.low <= found.value <= found.high <= 1
    back = difference(other, one)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_a_share_of_nothing_is_unknown_and_an_impossible_one_is_refused() -> None:
    found = share(0, 0)
    assert math.isnan(found.value)
    assert (found.low, found.high) == (0, 1)
    assert math.isnan(difference(found, share(1, 2)).value)
    with pytest.raises(SpecError, match="3 of 2 is no share"):
        share(3, 2)


def test_the_test_is_fishers() -> None:
    def tables(k: int, n: int, r: int, m: int) -> float:
        """Add up all tables with the same margins that are no likelier: literal, for small numbers."""
        total = k + r
        weights = {i: math.comb(n, i) * math.comb(m, total - i) for i in range(max(0, total - m), min(n, total) + 1)}
        own = weights[k] * (1 + 1e-9)
        return sum(w for w in weights.values() if w <= own) / sum(weights.values())

    random = np.random.default_rng(0)
    for _ in range(20):
        n, m = random.integers(1, 25, 2).tolist()
        k, r = int(random.integers(0, n + 1)), int(random.integers(0, m + 1))
        assert contrast(k, n, r, m).p == pytest.approx(tables(k, n, r, m))


def test_a_paired_difference_is_newcombes() -> None:
    found = paired_difference(50, 12, 2, 36)  # Newcombe 1998, paired data: 0.20, 0.0569 to 0.3404
    assert found == pytest.approx((0.2, 0.0569, 0.3404), abs=1e-4)
    back = paired_difference(50, 2, 12, 36)
    assert back == pytest.approx((-found.value, -found.high, -found.low))


def test_a_paired_difference_covers_the_truth_and_never_collapses() -> None:
    rng = np.random.default_rng(3)
    shares = np.array([0.1, 0.04, 0.8, 0.06])  # gained, lost, both, neither
    drawn = rng.multinomial(60, shares, 3000)
    found = [paired_difference(60, int(g), int(lost), int(both)) for g, lost, both, _ in drawn]
    assert np.mean([each.low <= 0.06 <= each.high for each in found]) > 0.93
    assert all(each.high - each.low > 0.05 for each in found)
    assert paired_difference(23, 0, 0, 23) == pytest.approx((0, -0.1431, 0.1431), abs=1e-4)
    for wrong in ((0, 0, 0, 0), (5, 3, 3, 0), (5, -1, 0, 0)):
        with pytest.raises(SpecError, match="do not fit"):
            paired_difference(*wrong)
