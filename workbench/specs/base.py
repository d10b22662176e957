"""What all specs share, and checks of their fields."""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from workbench.errors import SpecError, unknown_name

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_name(name: str) -> str:
    """Return a dataset's name if it may be one.

    Raises
    ------
    SpecError
        It is empty, longer than 64 characters, begins with a dot, or holds anything but letters, digits and ``. _ -``.
    """
    if not _NAME.fullmatch(name):
        raise SpecError(
            f"{name[:80]!r} cannot be a dataset's name: use 1 to 64 letters, digits, '.', '_' or '-', beginning with a "
            "letter or digit"
        )
    return name


def numbers(text: str, name: str) -> tuple[float, ...]:
    """Return the finite numbers of a comma-separated list; :class:`SpecError` names the first wrong one."""
    found = []
    for word in text.split(","):
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise SpecError(f"{name}: {word.strip()!r} is not a number; use a list such as 1.5,2")
        found.append(value)
    return tuple(found)


def words(text: str) -> tuple[str, ...]:
    """Return the words of a comma-separated list, without blanks and empty ones."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def check_choice(name: str, value: str, valid: tuple[str, ...]) -> None:
    """Raise :class:`SpecError` where ``value`` is none of the valid ones."""
    if value not in valid:
        raise unknown_name(name, value, [choice for choice in valid if choice])


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise :class:`SpecError` where ``value`` is not in ``low`` to ``high``."""
    if not low <= value <= high:
        raise SpecError(f"{name} is {value}; it must be {low:,} to {high:,}")


@dataclass(frozen=True)
class Spec:
    """Base of all specs; a subclass names its ``kind`` and validates itself when made."""

    kind: ClassVar[str] = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: ``kind`` and every field."""
        return {"kind": self.kind, **dataclasses.asdict(self)}

    @property
    def title(self) -> str:
        """A few words for lists of jobs."""
        return self.kind
