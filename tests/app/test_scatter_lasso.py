"""A lasso as text: it holds what a literal reading says, and nothing else is read as one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.app.lasso import LEVELS, LIMIT, Frame, inside, read_corners, write_corners
from workbench.errors import SpecError

PLACES = np.random.default_rng(0).normal(0, 2, (400, 2)).astype(np.float32)


def by_hand(point: tuple[float, float], corners: np.ndarray) -> bool:
    """Cast a ray to the right and count the edges it crosses."""
    x, y = point
    crossings = 0
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (x2 - x1) * (y - y1) / (y2 - y1):
            crossings += 1
    return crossings % 2 == 1


def square(left: float, bottom: float, right: float, top: float) -> str:
    corners = np.array([[left, bottom], [right, bottom], [right, top], [left, top]])
    return write_corners(corners, Frame.around(PLACES))


corner_lists = st.lists(st.tuples(st.integers(0, LEVELS), st.integers(0, LEVELS)), min_size=3, max_size=12)


@settings(max_examples=60, deadline=None)
@given(corner_lists)
def test_a_lasso_holds_the_points_whose_ray_crosses_it_an_odd_number_of_times(corners: list[tuple[int, int]]) -> None:
    frame = Frame.around(PLACES)
    line = np.array(corners, dtype=np.float64)
    text = write_corners(line / LEVELS * frame.side + [frame.left, frame.bottom], frame)
    levels = (PLACES.astype(np.float64) - [frame.left, frame.bottom]) * (LEVELS / frame.side)
    expected = [by_hand(tuple(point), read_corners(text)) for point in levels.tolist()]
    np.testing.assert_array_equal(inside(PLACES, text), expected)


def test_a_square_holds_what_lies_in_it() -> None:
    expected = ((PLACES > [-1, 0]) & (PLACES < [2, 1])).all(axis=1)
    np.testing.assert_array_equal(inside(PLACES, square(-1, 0, 2, 1)), expected)


def test_parts_add_and_take_away_in_their_order() -> None:
    wide, narrow = square(-2, -2, 2, 2), square(-1, -1, 1, 1)
    both = inside(PLACES, f"{wide}.-{narrow}")
    np.testing.assert_array_equal(both, inside(PLACES, wide) & ~inside(PLACES, narrow))
    np.testing.assert_array_equal(inside(PLACES, f"-{narrow}.{wide}"), inside(PLACES, wide))


def test_an_empty_lasso_holds_nothing_and_one_around_everything_holds_all() -> None:
    assert not inside(PLACES, "").any()
    assert inside(PLACES, square(-50, -50, 50, 50)).all()


@pytest.mark.parametrize("count", [0, 1])
def test_maps_of_hardly_any_point_have_a_frame(count: int) -> None:
    places = PLACES[:count]
    frame = Frame.around(places)
    assert frame.side > 0
    whole = [[frame.left, frame.bottom], [frame.left + 1, frame.bottom], [frame.left + 1, frame.bottom + 1]]
    assert inside(places, write_corners(np.array(whole), frame)).shape == (count,)


@pytest.mark.parametrize(
    "text",
    ["x", "0000000", "00000000.", "-", "0000000A", "00000000;", "<script>", "00000000" * (LIMIT // 8 + 1), "０" * 8],
    ids=lambda text: str(text)[:10],
)
def test_what_is_no_lasso_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(SpecError, match="lasso is") as refused:
        inside(PLACES, text)
    assert len(str(refused.value)) < 200
    assert "\n" not in str(refused.value)
