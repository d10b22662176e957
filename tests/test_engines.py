from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from workbench.engines import LocalEngine, ahead, engine
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


def test_items_made_ahead_come_in_order_few_at_a_time_and_in_another_thread() -> None:
    made: list[str] = []

    def items() -> Iterator[int]:
        for index in range(20):
            made.append(threading.current_thread().name)
            yield index

    for done, item in enumerate(ahead(items(), count=2)):
        assert item == done
        assert len(made) <= done + 4
    assert len(made) == 20
    assert all(name.startswith("ahead") for name in made)


def test_a_fault_while_making_items_comes_after_the_good_ones() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    found = []
    with pytest.raises(ValueError, match="broken"):
        found.extend(ahead(items()))
    assert list(ahead([])) == []


def test_leaving_early_stops_the_thread() -> None:
    before = threading.active_count()
    for _ in ahead(iter(range(1_000_000))):
        break
    assert threading.active_count() <= before + 1
