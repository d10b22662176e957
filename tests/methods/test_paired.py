from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.references import paired as reference
from workbench.errors import SpecError
from workbench.methods.paired import mcnemar


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80))
def test_mcnemar_equals_adding_up_the_binomial(pairs: list[tuple[bool, bool]]) -> None:
    before, after = np.array(pairs).T
    gained, lost, p = reference.mcnemar(before, after)
    found = mcnemar(before, after)
    assert (found.gained, found.lost) == (gained, lost)
    assert found.p == pytest.approx(p)


def test_the_reweighted_network_of_s4_is_not_significant() -> None:
    before, after = np.zeros((2, 7178), bool)
    after[:40] = True  # 15 images more, 40 gained and 25 lost
    before[40:65] = True
    assert mcnemar(before, after) == pytest.approx((40, 25, 0.0816), abs=1e-3)


def test_equal_classifiers_do_not_differ() -> None:
    right = np.array([True, False, True])
    assert mcnemar(right, right) == (0, 0, 1.0)


def test_what_cannot_be_paired_is_refused() -> None:
    right = np.array([True, False])
    with pytest.raises(ValueError, match="must both be"):
        mcnemar(right, right[:1])
    with pytest.raises(ValueError, match="must be bool"):
        mcnemar(right, right.astype(float))
    with pytest.raises(SpecError, match="no images"):
        mcnemar(right[:0], right[:0])
