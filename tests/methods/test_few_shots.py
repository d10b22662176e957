"""Few shots: so many of each class, nested, by seed; too many are refused by name and count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import SpecError
from workbench.methods.few_shots import draw_shots

CLASSES = ("angry", "happy", "sad")
LABELS = np.array([0, 1, 1, 0, 1, -1, 1, 0, 1, 1], dtype=np.int64)
ROWS = np.arange(10)[LABELS >= 0]


@given(st.integers(1, 3), st.integers(0, 1000))
def test_every_class_that_is_there_has_so_many(shots: int, seed: int) -> None:
    drawn = draw_shots(LABELS, ROWS, CLASSES, shots, seed)
    assert np.bincount(LABELS[drawn], minlength=3).tolist() == [shots, shots, 0]
    assert drawn.tolist() == sorted(set(drawn.tolist()))


@given(st.integers(0, 1000))
def test_fewer_shots_are_among_more(seed: int) -> None:
    one, three = (set(draw_shots(LABELS, ROWS, CLASSES, shots, seed).tolist()) for shots in (1, 3))
    assert one < three


def test_a_seed_decides() -> None:
    drawn = {tuple(draw_shots(LABELS, ROWS, CLASSES, 1, seed).tolist()) for seed in range(20)}
    assert len(drawn) > 5
    again = [draw_shots(LABELS, ROWS, CLASSES, 2, 4).tolist() for _ in range(2)]
    assert again[0] == again[1]


def test_no_shots_are_all_rows() -> None:
    assert draw_shots(LABELS, ROWS, CLASSES, 0, 0).tolist() == ROWS.tolist()


def test_more_shots_than_images_are_refused_with_class_and_count() -> None:
    with pytest.raises(SpecError, match="4 shots are more than the training images of some classes: angry 3; use 3 or"):
        draw_shots(LABELS, ROWS, CLASSES, 4, 0)
    with pytest.raises(SpecError, match="angry 3, happy 6; use 3 or fewer, or 0 for all images"):
        draw_shots(LABELS, ROWS, CLASSES, 7, 0)
