from __future__ import annotations

import threading

import pytest

from workbench.methods.blocks import each_block


@pytest.mark.parametrize("threads", ["1", "3", "2,1", "many", ""])
def test_every_block_is_computed_once_and_results_are_in_order(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    assert each_block(lambda start: start, 10, 4) == [0, 4, 8]
    assert each_block(lambda start: start, 0, 4) == []


def test_threads_are_as_many_as_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    together = threading.Barrier(2, timeout=10)
    assert len(each_block(lambda _: together.wait(), 2, 1)) == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert set(each_block(lambda _: threading.get_ident(), 3, 1)) == {threading.get_ident()}


def test_an_error_in_a_block_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        each_block(lambda start: 1 // start, 10, 1)
