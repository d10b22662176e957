"""Prompts as text in boxes: read back as they were, and what is wrong is said at its place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.app.prompt_text import TEMPLATES, Draft, decode, draft_of, encode, read
from workbench.data.concepts import Concept, ConceptSet, bundled_concept_sets, load_attributes, load_concept_set
from workbench.errors import SpecError

START = load_concept_set("customer-satisfaction")
WORD = st.text(st.characters(codec="ascii", categories=["L", "P", "S"]), min_size=1, max_size=8)


def edited(**words: str) -> Draft:
    begin = draft_of(START)
    return replace(begin, words={**begin.words, **words})


@pytest.mark.parametrize("name", bundled_concept_sets())
def test_what_was_not_edited_is_the_set_itself(name: str) -> None:
    for each in load_attributes(name).values():
        found, wrong = read(draft_of(each), each)
        assert found is each
        assert wrong == {}


@given(words=st.lists(WORD, min_size=1, max_size=6, unique_by=str.casefold))
def test_words_survive_their_box_whatever_they_hold(words: list[str]) -> None:
    start = ConceptSet(name="s", classes=("a", "b"), concepts=(Concept("x", ("a",)), Concept("y", ("b",))))
    wanted = replace(start, concepts=(*(Concept(word, ("a",)) for word in words), Concept("1", ("b",))))
    found, wrong = read(draft_of(wanted), start)
    assert wrong == {}
    assert found is not None
    assert found.fingerprint == wanted.fingerprint


def test_a_word_of_several_classes_and_scores_are_kept() -> None:
    found, _ = read(edited(sad="sad, miserable, dejected, down,\nHorrified"), START)
    assert found is not None
    assert next(each for each in found.concepts if each.text == "horrified").classes == ("fear", "sad", "surprise")
    assert found.scores is not None
    without, _ = read(edited(sad="sad, gloomy"), START)
    assert without is not None
    assert without.scores is None


@pytest.mark.parametrize(
    ("draft", "place", "words"),
    [
        (replace(draft_of(START), templates="a {} face\na face"), TEMPLATES, "no placeholder"),
        (replace(draft_of(START), templates="a {x} face"), TEMPLATES, "no placeholder"),
        (replace(draft_of(START), templates="{} {x}"), TEMPLATES, "only {} is one"),
        (replace(draft_of(START), templates=" \n"), TEMPLATES, "no template"),
        (replace(draft_of(START), templates="a {}\nA  {}"), TEMPLATES, "Duplicate template"),
        (edited(sad=" , \n"), "sad", "No words for sad"),
        (edited(sad="low, Low"), "sad", "Duplicate concept"),
        (edited(sad='"low'), "sad", "not closed"),
        (edited(sad="x" * 301), "sad", "the most is 300"),
        (edited(sad="a\x00b"), "sad", "control character"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(draft: Draft, place: str, words: str) -> None:
    found, wrong = read(draft, START)
    assert found is None
    assert list(wrong) == [place]
    assert words in wrong[place]
    assert "\n" not in wrong[place]


def test_an_address_holds_what_differs_and_nothing_else() -> None:
    begin, now = draft_of(START), edited(sad="blue,\n low ", angry="")
    code = encode(now, begin)
    assert decode(code, begin) == now
    assert encode(begin, begin) == ""
    assert decode("", begin) == begin
    assert len(code) < 80


@pytest.mark.parametrize("code", ["x", "!!", "eNo", "A" * 20_000, encode(edited(sad="low"), draft_of(START))[:-6]])
def test_an_address_that_was_cut_or_made_up_is_refused(code: str) -> None:
    with pytest.raises(SpecError, match="cut or changed"):
        decode(code, draft_of(START))


def test_too_much_text_is_refused_in_one_line() -> None:
    letters = np.random.default_rng(0).integers(97, 123, (2000, 20), dtype=np.uint8)
    words = ", ".join(bytes(row).decode("ascii") for row in letters)
    with pytest.raises(SpecError, match="too long to edit here"):
        encode(edited(sad=words), draft_of(START))
