"""Prompts as text in boxes: a line a template, a list of words a class; read back, with what is wrong beside the box.

Words stand between commas or line ends; a word that holds a comma stands in double quotes. A word in the boxes of
several classes speaks for all of them.
"""

from __future__ import annotations

import base64
import binascii
import csv
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from workbench.data.concepts import PLACEHOLDER, Concept, ConceptSet
from workbench.errors import ConceptSetError, SpecError

TEMPLATES = ""
"""Place of the templates among the places of problems; the others are classes."""
NO_TEMPLATE = "There is no template; write at least one, with {} where the word goes."
NO_WORDS = "No words for {name}; write at least one."
LONGEST_CODE = 16_000
_LONGEST_TEXT = 400_000


@dataclass(frozen=True)
class Draft:
    """What stands in the boxes.

    Parameters
    ----------
    templates : str
        A line a template.
    words : mapping of str to str
        By class: its words, between commas or line ends.
    """

    templates: str
    words: Mapping[str, str]


def draft_of(concept_set: ConceptSet) -> Draft:
    """Return the texts of the boxes for a concept set; concepts that speak for no class have no box."""
    words = {
        name: ", ".join(_quoted(concept.text) for concept in concept_set.concepts if name in concept.classes)
        for name in concept_set.classes
    }
    return Draft("\n".join(concept_set.templates), words)


def read(draft: Draft, start: ConceptSet) -> tuple[ConceptSet | None, dict[str, str]]:
    """Return the concept set that the boxes hold, or what is wrong with them.

    Parameters
    ----------
    draft : Draft
        The texts.
    start : ConceptSet
        Where the editing began: it gives classes, attribute and scores, and is returned where nothing has changed.

    Returns
    -------
    ConceptSet or None
        ``None`` where a box cannot be read.
    dict of str to str
        By place (a class, or :data:`TEMPLATES`): one line that says what is wrong.
    """
    if _plain(draft) == _plain(draft_of(start)):
        return start, {}
    templates, words = _lines(draft.templates), {}
    problems = {TEMPLATES: _problem(templates, ("x",)) if templates else NO_TEMPLATE}
    for name in start.classes:
        try:
            words[name] = _words(draft.words.get(name, ""))
        except csv.Error:
            problems[name] = f"A double quote among the words of {name} is not closed."
        else:
            problems[name] = _problem((PLACEHOLDER,), words[name]) if words[name] else NO_WORDS.format(name=name)
    problems = {place: line for place, line in problems.items() if line}
    if problems:
        return None, problems
    return replace(start, templates=templates, concepts=_concepts(words, start)), {}


def same_texts(one: Draft, other: Draft) -> bool:
    """Return whether two drafts differ in nothing but white space."""
    return _plain(one) == _plain(other)


def encode(draft: Draft, start: Draft) -> str:
    """Return the boxes that differ from the start as text for an address; empty where none does.

    Raises
    ------
    SpecError
        It is too much for an address.
    """
    words = {name: text for name, text in draft.words.items() if text != start.words.get(name)}
    content: dict[str, object] = {"words": words} if words else {}
    if draft.templates != start.templates:
        content["templates"] = draft.templates
    if not content:
        return ""
    packed = zlib.compress(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), 9)
    code = base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")
    if len(code) > LONGEST_CODE:
        raise SpecError("these prompts are too long to edit here; write them to a .yaml file")
    return code


def decode(code: str, start: Draft) -> Draft:
    """Return what :func:`encode` made text of.

    Raises
    ------
    SpecError
        It is none of its texts.
    """
    if not code:
        return start
    wrong = SpecError("the prompts in this address cannot be read; it was cut or changed")
    if len(code) > LONGEST_CODE:
        raise wrong
    try:
        packed = base64.urlsafe_b64decode(code + "=" * (-len(code) % 4))
        unpacker = zlib.decompressobj()
        content = json.loads(unpacker.decompress(packed, _LONGEST_TEXT))
        templates, words = content.get("templates", start.templates), content.get("words", {})
        known = {name: words.get(name, text) for name, text in start.words.items()}
    except (ValueError, binascii.Error, zlib.error, AttributeError) as error:
        raise wrong from error
    if not unpacker.eof or not all(isinstance(text, str) for text in (templates, *known.values())):
        raise wrong
    return Draft(templates, known)


def _concepts(words: Mapping[str, tuple[str, ...]], start: ConceptSet) -> tuple[Concept, ...]:
    """Return the words as concepts, each once; with the scores that the start has, where it has one for every word."""
    scores = {concept.text.casefold(): concept.score for concept in start.concepts}
    found: dict[str, Concept] = {}
    for name, texts in words.items():
        for text in texts:
            key = text.casefold()
            known = found.get(key, Concept(text, (), scores.get(key)))
            found[key] = replace(known, classes=(*known.classes, name))
    concepts = tuple(found.values())
    if all(concept.score is not None for concept in concepts):
        return concepts
    return tuple(replace(concept, score=None) for concept in concepts)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (" ".join(line.split()) for line in text.splitlines())))


def _words(text: str) -> tuple[str, ...]:
    """Return the words of a box; :class:`csv.Error` where a quote is not closed."""
    lines = csv.reader((line.strip() for line in text.splitlines()), skipinitialspace=True, strict=True)
    return tuple(filter(None, (" ".join(word.split()) for line in lines for word in line)))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if "," in text or text.startswith('"') else text


def _plain(draft: Draft) -> tuple[object, ...]:
    return _lines(draft.templates), tuple((name, " ".join(text.split())) for name, text in draft.words.items())


def _problem(templates: tuple[str, ...], words: tuple[str, ...]) -> str:
    """Return what is wrong with texts, by the rules of concept sets; empty where nothing is."""
    try:
        ConceptSet(name="draft", concepts=tuple(map(Concept, words)), templates=templates)
    except ConceptSetError as error:
        text = str(error)
        return f"{text[:1].upper()}{text[1:]}."
    return ""
