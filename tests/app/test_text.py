"""Data in markdown, and numbers in words."""

from __future__ import annotations

import string

import pytest

from workbench.app.text import count, interval, percent, plain


@pytest.mark.parametrize("mark", string.punctuation)
def test_every_mark_is_escaped(mark: str) -> None:
    assert plain(f"a{mark}b") == f"a\\{mark}b"


def test_line_breaks_cannot_begin_a_new_block() -> None:
    assert plain("a\n\n    b\r# c") == "a b \\# c"


def test_numbers_are_written_for_people() -> None:
    assert percent(0.1234) == "12.3 %"
    assert percent(float("nan")) == "–"
    assert count(35887) == "35,887"
    assert interval({"low": 0.5, "high": 0.625}) == "50.0 to 62.5 %"


def test_a_space_that_no_line_break_may_divide_stays() -> None:
    assert plain("p\u00a0=\u00a01\n two") == "p\u00a0\\=\u00a01 two"
