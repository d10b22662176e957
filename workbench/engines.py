"""Where batches run: an engine prepares and computes batches and yields the results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Protocol, TypeVar, cast

from workbench.errors import unknown_name

Item = TypeVar("Item")
Ready = TypeVar("Ready")
Result = TypeVar("Result")


class Engine(Protocol):
    """Runs ``compute(prepare(item))`` over items; results come in the items' order, few at a time in memory."""

    def map(
        self, prepare: Callable[[Item], Ready], compute: Callable[[Ready], Result], items: Iterable[Item]
    ) -> Iterator[Result]:
        """Yield ``compute(prepare(item))`` for every item, in order."""


class LocalEngine:
    """The present process: one thread prepares the next batches (decoding, resizing) while this one computes.

    Parameters
    ----------
    ahead : int
        How many prepared batches may wait; bounds the memory.
    """

    def __init__(self, ahead: int = 2) -> None:
        self._ahead = ahead

    def map(
        self, prepare: Callable[[Item], Ready], compute: Callable[[Ready], Result], items: Iterable[Item]
    ) -> Iterator[Result]:
        """See :class:`Engine`."""
        source = iter(items)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="prepare") as pool:
            waiting: list[Future[Ready]] = [pool.submit(prepare, item) for item in islice(source, self._ahead)]
            try:
                while waiting:
                    ready = waiting.pop(0).result()
                    waiting.extend(pool.submit(prepare, item) for item in islice(source, 1))
                    yield compute(ready)
            finally:
                for future in waiting:
                    future.cancel()


ENGINES: dict[str, Callable[[], Engine]] = {"local": LocalEngine}


def engine(name: str) -> Engine:
    """Return the engine of that name; :class:`~workbench.errors.SpecError` lists the known ones."""
    if name not in ENGINES:
        raise unknown_name("engine", name, ENGINES)
    return ENGINES[name]()


_END = object()


def ahead(items: Iterable[Item], count: int = 2) -> Iterator[Item]:
    """Yield the items in order while one thread makes the next ones, at most ``count`` of them before they are taken.

    What the items raise is raised here, in its place.
    """
    source: Iterator[object] = iter(items)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead") as pool:
        waiting = deque(pool.submit(next, source, _END) for _ in range(count))
        while (item := waiting.popleft().result()) is not _END:
            waiting.append(pool.submit(next, source, _END))
            yield cast(Item, item)
