from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from workbench.engines import LocalEngine, engine
from workbench.errors import SpecError


def test_results_come_in_order_and_few_items_are_taken_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for index in range(20):
            taken.append(index)
            yield index

    for done, result in enumerate(LocalEngine(ahead=2).map(lambda item: item * 10, lambda ready: ready + 1, items())):
        assert result == done * 10 + 1
        assert len(taken) <= done + 3


def test_preparing_runs_beside_computing() -> None:
    threads = list(LocalEngine().map(lambda _: threading.current_thread().name, lambda name: name, range(3)))
    assert all(name.startswith("prepare") for name in threads)


def test_a_fault_in_preparing_reaches_the_caller() -> None:
    def fail(item: int) -> int:
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 0"):
        list(LocalEngine().map(fail, lambda ready: ready, range(3)))


def test_an_unknown_engine_lists_the_known_ones() -> None:
    with pytest.raises(SpecError, match=r"unknown engine 'loca'; did you mean 'local'"):
        engine("loca")
