"""The words for classes and splits that data sets use, and the ones we use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from workbench.errors import SpecError

FER_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The seven classes of facial-expression recognition, in FER2013's order (0 to 6)."""

CLASS_WORDS: dict[str, tuple[str, ...]] = {
    "angry": ("angry", "anger"),
    "disgust": ("disgust", "disgusted"),
    "fear": ("fear", "fearful", "afraid", "scared"),
    "happy": ("happy", "happiness", "joy"),
    "sad": ("sad", "sadness"),
    "surprise": ("surprise", "surprised"),
    "neutral": ("neutral", "neutrality"),
}
"""The words that data sets use for each class."""

SPLITS = ("train", "validation", "test", "unsplit")
"""The splits in the order they are shown; other names follow in alphabetical order."""

UNSPLIT = "unsplit"
"""The split of an image whose source names none."""

MERGED_TEST = "merged-test"
"""Asks for validation and test together, which much of the literature on FER2013 calls its test set."""

ALL = "all"
"""Asks for every row."""

SPLIT_WORDS: dict[str, tuple[str, ...]] = {
    "train": ("train", "training", "trn"),
    "validation": ("validation", "valid", "val", "dev", "publictest"),
    "test": ("test", "testing", "privatetest"),
    "unsplit": ("unsplit", "", ALL),
}
"""The words that data sets use for each split; PublicTest is the validation split, PrivateTest the test."""

MAX_LABEL = 200
"""The longest label that is read, in characters."""

_CLASS_OF = {word: name for name, words in CLASS_WORDS.items() for word in words}
_SPLIT_OF = {word: name for name, words in SPLIT_WORDS.items() for word in words}


def plain(text: str) -> str:
    """Return the text in lower case with single spaces: labels that differ in nothing else are one label."""
    return " ".join(text.split()).lower()


def class_name(text: str) -> str | None:
    """Return which of :data:`FER_CLASSES` a word means (``"Happiness"``, ``"3_happy"``), or ``None``."""
    word = plain(text)
    return _CLASS_OF.get(word) or _CLASS_OF.get(re.sub(r"^\d+[\s_.-]+", "", word))


def split_name(text: str | None) -> str:
    """Return our word for a split (``"PublicTest"`` gives ``"validation"``); an unknown name is kept, in lower case."""
    word = plain(text or "")
    return _SPLIT_OF.get(word, "test" if word == MERGED_TEST else word)


def is_split(text: str) -> bool:
    """Whether the word is one of :data:`SPLIT_WORDS`."""
    return plain(text) in _SPLIT_OF and bool(text.strip())


def in_order(names: Iterable[str], order: tuple[str, ...]) -> tuple[str, ...]:
    """Return the distinct names: those of ``order`` first, in that order, then the others in alphabetical order."""
    present = set(names)
    return tuple(name for name in order if name in present) + tuple(sorted(present.difference(order)))


def name_numbers(labels: Iterable[str]) -> dict[str, str]:
    """Return FER2013's names for numbers 0 to 6 where *all* labels are such numbers, else nothing.

    A label above 6 means another numbering (AffectNet and RAF-DB count otherwise), so then numbers stay numbers.
    """
    words = set(labels)
    numbers = {str(index): name for index, name in enumerate(FER_CLASSES)}
    return {word: numbers[word] for word in words} if words and words <= numbers.keys() else {}


@dataclass(frozen=True)
class LabelRule:
    """What becomes of a source's labels.

    Known words become :data:`FER_CLASSES`; others are kept in lower case, or dropped, or mapped.

    Parameters
    ----------
    drop_others : bool
        Set aside images whose label is neither one of the seven classes nor in ``mapping``.
    mapping : dict of str to str
        New label of a source's label (in plain form); ``"drop"`` sets the image aside.
    """

    drop_others: bool = False
    mapping: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> LabelRule:
        """Read ``"keep"``, ``"drop"`` or ``"old=new,old2=new2"``.

        Raises
        ------
        SpecError
            It is none of the three, or names a label twice.
        """
        if plain(text) in ("keep", "drop"):
            return cls(drop_others=plain(text) == "drop")
        mapping: dict[str, str] = {}
        for pair in text.split(","):
            old, equals, new = (plain(part) for part in pair.partition("="))
            if not (old and equals and new):
                raise SpecError(
                    f"outside labels are {text!r}; use 'keep', 'drop' or a mapping such as 'contempt=angry,other=drop'"
                )
            if old in mapping:
                raise SpecError(f"outside labels name {old!r} twice in {text!r}")
            mapping[old] = class_name(new) or new
        return cls(mapping=mapping)

    def apply(self, label: str | None) -> str | None:
        """Return the label an image is stored with (``""`` where it has none), or ``None`` to set the image aside."""
        word = plain(label or "")
        if not word:
            return ""
        new = self.mapping.get(word)
        if new is None:
            return class_name(word) or (None if self.drop_others else word)
        return None if new == "drop" else new
