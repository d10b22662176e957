from __future__ import annotations

import pytest

from workbench.data.labels import FER_CLASSES, LabelRule, class_name, in_order, is_split, name_numbers, split_name
from workbench.errors import SpecError


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("angry", "angry"),
        ("Anger", "angry"),
        (" HAPPINESS ", "happy"),
        ("surprised", "surprise"),
        ("fearful", "fear"),
        ("sadness", "sad"),
        ("disgusted", "disgust"),
        ("Neutral", "neutral"),
        ("3_happy", "happy"),
        ("contempt", None),
        ("3", None),
    ],
)
def test_words_for_classes(word: str, name: str | None) -> None:
    assert class_name(word) == name


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("Training", "train"),
        ("PublicTest", "validation"),
        ("val", "validation"),
        ("PrivateTest", "test"),
        ("Test", "test"),
        ("", "unsplit"),
        (None, "unsplit"),
        ("all", "unsplit"),
        ("merged-test", "test"),
        ("Fold 3", "fold 3"),
    ],
)
def test_words_for_splits(word: str | None, name: str) -> None:
    assert split_name(word) == name


def test_empty_text_is_no_split_word() -> None:
    assert not is_split("")
    assert is_split("TRAIN")


def test_numbers_are_named_only_where_all_are_fer2013s() -> None:
    assert name_numbers(["0", "6", "3"]) == {"0": "angry", "6": "neutral", "3": "happy"}
    assert name_numbers([str(number) for number in range(8)]) == {}
    assert name_numbers(["0", "happy"]) == {}
    assert name_numbers([]) == {}


def test_keep_drop_and_map_outside_labels() -> None:
    keep, drop, mapped = (LabelRule.parse(text) for text in ("keep", "Drop", "Contempt=Anger, unknown=drop,7=calm"))
    assert [keep.apply(word) for word in ("Contempt", "joy", None, "")] == ["contempt", "happy", "", ""]
    assert [drop.apply(word) for word in ("Contempt", "joy", None)] == [None, "happy", ""]
    assert [mapped.apply(word) for word in ("contempt", "UNKNOWN", "7", "bored", "fear")] == [
        "angry",
        None,
        "calm",
        "bored",
        "fear",
    ]


@pytest.mark.parametrize("text", ["", "kept", "contempt=", "=angry", "a=b,a=c", "a=b,,c=d"])
def test_other_rules_are_refused(text: str) -> None:
    with pytest.raises(SpecError, match="outside labels"):
        LabelRule.parse(text)


def test_known_names_come_first_then_the_alphabet() -> None:
    assert in_order(["zest", "neutral", "contempt", "angry", "angry"], FER_CLASSES) == (
        "angry",
        "neutral",
        "contempt",
        "zest",
    )
