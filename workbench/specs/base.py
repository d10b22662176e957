"""What all specs share, and checks of their fields."""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from workbench.errors import SpecError, unknown_name

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LONGEST_PART = 255
_LONGEST_PATH = 2048


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


def check_text(name: str, text: str, *, sentence: bool = False) -> None:
    """Raise :class:`SpecError` where no file could have such a name, or a text could not be stored.

    Parameters
    ----------
    name : str
        What the text is, for the error.
    text : str
        A word, the name of a file or folder, or several of them with commas between.
    sentence : bool
        It names no file, so it may be of any length.
    """
    shown = f"{text[:40]}..." if len(text) > 40 else text
    if "\0" in text:
        raise SpecError(f"{name}: {shown!r} holds a null character; leave it out")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise SpecError(f"{name}: {shown!r} is not UTF-8; where it is the name of a file, rename the file")
    for path in () if sentence else text.split(","):
        if len(path.encode()) > _LONGEST_PATH or any(len(part.encode()) > _LONGEST_PART for part in path.split("/")):
            raise SpecError(
                f"{name}: {shown!r} is too long; a name takes at most {_LONGEST_PART} bytes, a path {_LONGEST_PATH:,}"
            )


@dataclass(frozen=True)
class Spec:
    """Base of all specs; a subclass names its ``kind`` and validates itself when made.

    Its texts are checked before that, see :func:`check_text`: all but those of :attr:`sentences` may be names of files.
    """

    kind: ClassVar[str] = ""
    sentences: ClassVar[tuple[str, ...]] = ()

    def __new__(cls, *values: object, **named: object) -> Self:
        """Check every text that is given; the fields are set afterwards, as in any dataclass."""
        given = dict(zip((field.name for field in dataclasses.fields(cls)), values, strict=False)) | named
        for name, value in given.items():
            if isinstance(value, str):
                check_text(name, value, sentence=name in cls.sentences)
        return super().__new__(cls)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: ``kind`` and every field."""
        return {"kind": self.kind, **dataclasses.asdict(self)}

    @property
    def title(self) -> str:
        """A few words for lists of jobs."""
        return self.kind
