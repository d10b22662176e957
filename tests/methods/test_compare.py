from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.references import paired as reference
from workbench.errors import SpecError
from workbench.methods.compare import class_tests

CLASSES = ("a", "b", "c")
answers = st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=60)


@given(answers)
def test_each_class_is_tested_on_its_own_images(rows: list[tuple[int, int, int]]) -> None:
    labels, first, second = np.array(rows, dtype=np.int64).T
    found = class_tests(labels, first, second, CLASSES)
    assert [test.name for test in found] == [CLASSES[place] for place in sorted(set(labels.tolist()))]
    for test in found:
        own = labels == CLASSES.index(test.name)
        gained, lost, p = reference.mcnemar(first[own] == labels[own], second[own] == labels[own])
        assert (test.images, test.only_second, test.only_first) == (own.sum(), gained, lost)
        assert test.p == pytest.approx(p)


@given(answers)
def test_q_is_benjamini_and_hochbergs(rows: list[tuple[int, int, int]]) -> None:
    labels, first, second = np.array(rows, dtype=np.int64).T
    found = class_tests(labels, first, second, CLASSES)
    for test in found:
        larger = [other.p for other in found if other.p >= test.p]
        rank = {p: sum(other.p <= p for other in found) for p in larger}
        assert test.q == pytest.approx(min(1.0, min(p * len(found) / rank[p] for p in larger)))


def test_a_label_outside_the_classes_is_refused() -> None:
    with pytest.raises(SpecError, match="leave rows without a label out"):
        class_tests(np.array([-1]), np.array([0]), np.array([0]), CLASSES)
