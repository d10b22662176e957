"""Duplicates found by comparing all pairs."""

from __future__ import annotations

from collections.abc import Sequence


def near(hashes: Sequence[int], distance: int) -> set[tuple[int, int]]:
    pairs = set()
    for i in range(len(hashes)):
        for j in range(i + 1, len(hashes)):
            if bin((hashes[i] ^ hashes[j]) & (2**64 - 1)).count("1") <= distance:
                pairs.add((i, j))
    return pairs


def components(pairs: set[tuple[int, int]], count: int) -> list[list[int]]:
    """Groups of two and more, ordered by their first rows."""
    group = list(range(count))
    for i, j in pairs:
        old, new = group[j], group[i]
        group = [new if g == old else g for g in group]
    found: dict[int, list[int]] = {}
    for row, g in enumerate(group):
        found.setdefault(g, []).append(row)
    return [rows for rows in found.values() if len(rows) > 1]
