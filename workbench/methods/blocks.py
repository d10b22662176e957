"""Blocks of an array on all processors: numpy lets go of the interpreter while it computes."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def each_block(function: Callable[[int], Result], count: int, size: int) -> list[Result]:
    """Call a function with the start of every block of ``size`` among ``count``, several at once; results in order.

    As many threads as the environment's OMP_NUM_THREADS says, which numpy's and torch's own threads obey too, or as
    there are processors.
    """
    said = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    threads = int(said) if said.isdigit() else os.cpu_count() or 1
    starts = range(0, count, size)
    if min(threads, len(starts)) < 2:
        return [function(start) for start in starts]
    with ThreadPoolExecutor(min(threads, len(starts)), thread_name_prefix="blocks") as pool:
        return list(pool.map(function, starts))
