"""Bytes that a page has made for the browser, kept in memory under the digest of what they are."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict


class KeptBytes:
    """Arrays packed for the browser; equal bytes have one name. Safe to use from several threads.

    Parameters
    ----------
    limit : int
        How many bytes are kept in all; those not asked for longest are forgotten (and packed again when needed).
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._found: OrderedDict[str, bytes] = OrderedDict()

    def add(self, data: bytes) -> str:
        """Keep ``data`` and return its name; the newest is kept whatever its size."""
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        with self._lock:
            self._found[digest] = data
            self._found.move_to_end(digest)
            while len(self._found) > 1 and sum(map(len, self._found.values())) > self._limit:
                self._found.popitem(last=False)
        return digest

    def get(self, digest: str) -> bytes | None:
        """Return the bytes of a name, or ``None`` where they are not kept any more."""
        with self._lock:
            return self._found.get(digest)
