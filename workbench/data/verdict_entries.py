"""What may become a verdict: an entry on its way into the table, and the checks it passes first."""

from __future__ import annotations

import math
import re
import time
import unicodedata
import uuid
from dataclasses import dataclass, field
from functools import lru_cache

from workbench.data.datasets import Dataset
from workbench.data.labels import FER_CLASSES, MAX_LABEL, in_order
from workbench.errors import InputError

KEEP, RELABEL, AMBIGUOUS, NOT_A_FACE, SKIP = VERDICTS = ("keep", "relabel", "ambiguous", "not-a-face", "skip")
"""What a reviewer can say of an image: its label is right, another is, none is clear, it shows no face, or nothing."""
UNDO = "undo"
"""Action of a row that takes a verdict back."""
MAX_REVIEWER = 64
"""Longest name of a reviewer, in characters."""
MAX_SOURCE = 32
"""Longest name of a source, in characters."""
BLIND = ", blind"
"""How the source of a verdict ends that was given without sight of label, opinions, neighbours' labels and others."""

TOKEN = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)


@dataclass(frozen=True)
class Entry:
    """A verdict on its way into the table.

    Parameters
    ----------
    image : str
        The image's id in its dataset.
    reviewer : str
        Who judges; see :func:`check_reviewer`.
    action : str
        One of :data:`VERDICTS`, or :data:`UNDO`.
    after : str
        The class, where the action is ``"relabel"``; one of :func:`relabel_classes`.
    token : str
        8 to 64 letters, digits, ``-`` or ``_`` that no other verdict has.
    digest : str
        Digest of the pixels that were judged; empty for those the dataset holds now.
    before : str or None
        The label that was shown; ``None`` for the one the dataset holds now.
    time : float or None
        When it was judged, in seconds since 1970; ``None``, or a time yet to come, for now.
    source : str
        Where it came from: ``"app"``, ``"command line"``; with :data:`BLIND` at its end where it was given blind.
    undoes : str
        Token of the verdict that is taken back, where the action is ``"undo"``.
    """

    image: str
    reviewer: str
    action: str
    after: str = ""
    token: str = field(default_factory=lambda: str(uuid.uuid4()))
    digest: str = ""
    before: str | None = None
    time: float | None = None
    source: str = "app"
    undoes: str = ""


def relabel_classes(dataset: Dataset) -> tuple[str, ...]:
    """Return the classes an image may be given: the dataset's, and all seven of FER where it has no others."""
    others = set(dataset.classes) - set(FER_CLASSES)
    return dataset.classes if others else in_order(FER_CLASSES, FER_CLASSES)


def check_reviewer(name: str) -> str:
    """Return a reviewer's name in its one spelling (trimmed, Unicode NFC).

    Raises
    ------
    InputError
        It is not 1 to 64 printable characters, or holds a comma, which separates names where several are asked for.
    """
    spelt = unicodedata.normalize("NFC", name).strip() if isinstance(name, str) else ""
    if not 1 <= len(spelt) <= MAX_REVIEWER or not spelt.isprintable() or "," in spelt:
        raise InputError(
            f"{str(name)[:80]!r} cannot be a reviewer's name: use 1 to {MAX_REVIEWER} printable characters and no comma"
        )
    return spelt


def check_entry(dataset: Dataset, entry: Entry) -> Entry:
    """Return the entry with nothing left open.

    Raises
    ------
    InputError
        It cannot be: its image is gone, its class unknown, a name or token no such thing.
    """
    name = check_reviewer(entry.reviewer)
    for token in (entry.token, entry.undoes) if entry.action == UNDO else (entry.token,):
        if not TOKEN.fullmatch(token):
            raise InputError(f"{token[:80]!r} is no token: use 8 to 64 letters, digits, '-' or '_'")
    if not 1 <= len(entry.source) <= MAX_SOURCE or not entry.source.isprintable():
        raise InputError(f"a verdict's source is 1 to {MAX_SOURCE} printable characters")
    now = time.time()
    when = now if entry.time is None else float(entry.time)
    if not math.isfinite(when) or when < 0:
        raise InputError(f"{entry.time!r} is no time in seconds since 1970")
    values = {**entry.__dict__, "reviewer": name, "time": min(when, now)}
    if entry.action == UNDO:
        return Entry(**values)
    row = places(dataset).get(entry.image)
    if row is None:
        raise InputError(f"{dataset.name} has no image {str(entry.image)[:80]!r} (any more)")
    digest = str(dataset.digests[row])
    if entry.digest and entry.digest != digest:
        raise InputError(f"image {entry.image!r} of {dataset.name} has other pixels now than those judged")
    before = str(dataset.labels[row]) if entry.before is None else entry.before
    return Entry(**{**values, "digest": digest, **_outcome(dataset, entry, before)})


def _outcome(dataset: Dataset, entry: Entry, before: str) -> dict[str, str]:
    """Return action, label before and label after; to relabel to the label an image has is to keep it."""
    classes = relabel_classes(dataset)
    if entry.action not in VERDICTS:
        raise InputError(f"{str(entry.action)[:40]!r} is no verdict (known: {', '.join(VERDICTS)})")
    if before and before not in {*classes, *dataset.classes}:
        raise InputError(f"{before[:MAX_LABEL]!r} is no label of {dataset.name}")
    if entry.action == RELABEL and entry.after not in classes:
        known = ", ".join(classes)
        if not entry.after:
            raise InputError(f"which class has image {entry.image!r} of {dataset.name}? Name one of {known}")
        raise InputError(f"{entry.after[:MAX_LABEL]!r} is no class of {dataset.name} to relabel to (known: {known})")
    if entry.action == KEEP and not before:
        raise InputError(f"image {entry.image!r} of {dataset.name} has no label to keep; relabel it, or skip it")
    if entry.action == KEEP or (entry.action == RELABEL and entry.after == before):
        return {"action": KEEP, "before": before, "after": before}
    return {"action": entry.action, "before": before, "after": entry.after if entry.action == RELABEL else ""}


@lru_cache(maxsize=4)
def places(dataset: Dataset) -> dict[str, int]:
    """Return the row of each id."""
    return {image: row for row, image in enumerate(dataset.ids.tolist())}
