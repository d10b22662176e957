"""Text for pages: data escaped so that it is never markup, and numbers in words."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SPACE = re.compile(r"[^\S\u00a0]+")
_MARKUP = re.compile(r"([!-/:-@\[-`{-~])")


def plain(text: object) -> str:
    """Return text that Streamlit's markdown shows as it stands: every mark is escaped, line breaks become spaces."""
    return _MARKUP.sub(r"\\\1", _SPACE.sub(" ", str(text).strip()))


def percent(share: float, digits: int = 1) -> str:
    """Return a share from 0 to 1 as a percentage; a share that is not a number as a dash."""
    return "–" if share != share else f"{share * 100:.{digits}f} %"


def count(number: int) -> str:
    """Return a count with thousands separated."""
    return f"{int(number):,}"


def several(number: int, noun: str) -> str:
    """Return a count with its noun: "1 disputed image", "2 disputed images"."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def interval(value: Mapping[str, float], digits: int = 1) -> str:
    """Return a metric's 95 % interval, such as ``"60.1 to 63.4 %"``."""
    low, high = value["low"], value["high"]
    return "–" if low != low or high != high else f"{low * 100:.{digits}f} to {high * 100:.{digits}f} %"
