"""The form of a concept set's document: which keys it may have, and of which type each value is."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from workbench.data.concept_files import ConceptSetFaultError, Where, shown

_TEXTS = ("name", "description", "source", "attribute")
_OWN = ("aggregate", "classes", "templates", "concepts")
_TOP = (*_TEXTS, *_OWN, "attributes")
_SHARED = ("aggregate", "templates")
_CONCEPT = ("text", "classes", "score")
_Value = TypeVar("_Value")

ConceptFields = tuple[str, tuple[str, ...], float | None]
"""Text, classes and score of one concept."""


@dataclass(frozen=True)
class SetFields:
    """The values of one concept set as the document gives them, of the right types but not yet judged.

    ``texts`` holds name, description, source and attribute; ``own`` says under which place each of the other keys
    stands, since an attribute may take its templates and its aggregate from the top of the document.
    """

    texts: dict[str, str]
    aggregate: str
    classes: tuple[str, ...]
    templates: tuple[str, ...]
    concepts: tuple[ConceptFields, ...]
    own: dict[str, Where]

    def located(self, fault: ConceptSetFaultError) -> ConceptSetFaultError:
        """Return a fault of the set with its places as seen from the document's top."""
        first = None if fault.first is None else self._place(fault.first)
        return ConceptSetFaultError(str(fault), self._place(fault.where), first)

    def _place(self, where: Where) -> Where:
        return self.own[str(where[0])] + where if where else self.own["concepts"]


def read_fields(content: object, name: str) -> list[SetFields]:
    """Return the fields of a document's sets, one an attribute.

    Parameters
    ----------
    content : object
        What :mod:`workbench.data.concept_files` read.
    name : str
        The set's name where the document gives none.

    Raises
    ------
    ConceptSetFaultError
        A key is unknown or missing, or a value has the wrong type.
    """
    if content is None:
        raise ConceptSetFaultError("the file is empty; a concept set lists at least one concept", ())
    top = _mapping(content, (), _TOP, "the file")
    texts = {key: _text(top[key], (key,)) for key in _TEXTS if top.get(key) is not None}
    texts["name"] = texts.get("name") or name
    if "attributes" not in top:
        return [_one(texts, top, dict.fromkeys(_OWN, ()))]
    for key in ("classes", "concepts", "attribute"):
        if key in top:
            raise ConceptSetFaultError(f"{key!r} stands beside 'attributes'; give each attribute its own", (key,))
    attributes = _typed(top["attributes"], dict, ("attributes",), "a mapping of names")
    if not attributes:
        raise ConceptSetFaultError("'attributes' is empty; name at least one", ("attributes",))
    return list(_each_attribute(texts, top, attributes))


def _each_attribute(
    texts: dict[str, str], top: dict[str, object], attributes: dict[str, object]
) -> Iterator[SetFields]:
    for attribute, content in attributes.items():
        where: Where = ("attributes", attribute)
        if not attribute.replace("-", "").replace("_", "").isalnum():
            message = f"{shown(attribute)} cannot be an attribute's name: use letters, digits, '-' and '_'"
            raise ConceptSetFaultError(message, where)
        body = _mapping(content, where, _OWN, f"attribute {shown(attribute)}")
        shared = {key: top[key] for key in _SHARED if key in top and key not in body}
        own = {key: () if key in shared else where for key in _OWN}
        yield _one({**texts, "attribute": attribute}, {**body, **shared}, own)


def _one(texts: dict[str, str], body: dict[str, object], own: dict[str, Where]) -> SetFields:
    if "concepts" not in body:
        raise ConceptSetFaultError("there is no 'concepts' list", own["concepts"])
    entries = _typed(body["concepts"], list, (*own["concepts"], "concepts"), "a list of concepts")
    return SetFields(
        texts=texts,
        aggregate=_text(body.get("aggregate", "sum"), (*own["aggregate"], "aggregate")),
        classes=_text_list(body.get("classes", []), (*own["classes"], "classes"), "[happy, sad]"),
        templates=_text_list(body.get("templates", ["{}"]), (*own["templates"], "templates"), '["a {} face"]'),
        concepts=tuple(_concept(e, (*own["concepts"], "concepts", i)) for i, e in enumerate(entries)),
        own=own,
    )


def _concept(entry: object, where: Where) -> ConceptFields:
    if not isinstance(entry, dict):
        return _text(entry, where), (), None
    fields = _mapping(entry, where, _CONCEPT, "a concept")
    if "text" not in fields:
        raise ConceptSetFaultError("a concept has no 'text'", where)
    score = fields.get("score")
    if score is not None and (isinstance(score, bool) or not isinstance(score, float)):
        raise ConceptSetFaultError(f"score must be a number from 1 to 5, not {shown(score)}", (*where, "score"))
    classes = _text_list(fields.get("classes", []), (*where, "classes"), "[happy]")
    return _text(fields["text"], (*where, "text")), classes, score


def _mapping(value: object, where: Where, known: tuple[str, ...], what: str) -> dict[str, object]:
    mapping: dict[str, object] = _typed(value, dict, where, f"a mapping with keys such as '{known[0]}:'")
    for key in mapping:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
            raise ConceptSetFaultError(
                f"unknown key {shown(key)} in {what}{hint} (known: {', '.join(known)})", (*where, key)
            )
    return mapping


def _text_list(value: object, where: Where, example: str) -> tuple[str, ...]:
    items = _typed(value, list, where, f"a list, for example {example}")
    return tuple(_text(item, (*where, index)) for index, item in enumerate(items))


def _text(value: object, where: Where) -> str:
    if isinstance(value, (bool, float)):
        raise ConceptSetFaultError("YAML reads this as a number or as true/false; put the text in quotes", where)
    return _typed(value, str, where, "text")


def _typed(value: object, kind: type[_Value], where: Where, what: str) -> _Value:
    if not isinstance(value, kind):
        key = next((part for part in reversed(where) if isinstance(part, str)), "the file")
        raise ConceptSetFaultError(f"{shown(key)} must be {what}, not {_described(value)}", where)
    return value


def _described(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "a mapping"
    return shown(value)
