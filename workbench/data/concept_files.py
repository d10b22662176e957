"""Concept files to plain values that know their lines: YAML, and CLIP-Dissect's ``.txt``.

Only the form of a file is judged here; what its entries mean is judged in :mod:`workbench.data.concepts`. YAML is read
node by node, so that every value keeps its line, and only in its plainest form: no anchors, no aliases, no tags. That
leaves neither a document that unfolds to gigabytes nor one that makes Python objects.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from workbench.errors import ConceptSetError

MAX_BYTES = 8 * 1024 * 1024
"""The largest concept file that is read, in bytes."""

_MAX_DEPTH = 12
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_SPECIAL_NUMBERS = {".nan": math.nan, ".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf}

Where = tuple[str | int, ...]
"""The place of a value in a document, for example ``("concepts", 3, "score")``."""


class ConceptSetFaultError(ConceptSetError):
    """What is wrong with a concept set, and at which place of its document.

    Parameters
    ----------
    message : str
        One line.
    where : tuple of str or int
        The faulty value's place.
    first : tuple of str or int, optional
        The place of an earlier value that this one contradicts.
    """

    def __init__(self, message: str, where: Where, first: Where | None = None) -> None:
        super().__init__(message)
        self.where = where
        self.first = first


@dataclass(frozen=True)
class Document:
    """What a concept file says.

    Parameters
    ----------
    source : str
        The file's path, as errors name it.
    content : object
        Mappings, lists, ``str``, ``float``, ``bool`` and ``None``.
    lines : mapping of tuple to int
        The line, from 1, on which each value stands.
    """

    source: str
    content: object
    lines: Mapping[Where, int]

    def line(self, where: Where) -> int:
        """Return the line of the value, or of the nearest one that holds it."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)

    def located(self, fault: ConceptSetFaultError) -> ConceptSetError:
        """Return the fault as an error that begins with ``file:line:``."""
        first = f" (first on line {self.line(fault.first)})" if fault.first is not None else ""
        return ConceptSetError(f"{self.source}:{self.line(fault.where)}: {fault}{first}")


def read_document(path: Path) -> Document:
    """Read a ``.yaml``, ``.yml`` or ``.txt`` file.

    Raises
    ------
    ConceptSetError
        The file cannot be read, is larger than :data:`MAX_BYTES`, not UTF-8, or not in the form described above.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConceptSetError(f"{path}: cannot be read ({error.strerror})") from error
    if len(data) > MAX_BYTES:
        raise ConceptSetError(f"{path}: larger than the {MAX_BYTES // 1024 // 1024} MiB that a concept set may have")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8 text"
        raise ConceptSetError(f"{path}:{line}: {message}") from error
    return parse_document(text, str(path), plain=path.suffix.lower() == ".txt")


def parse_document(text: str, source: str, *, plain: bool = False) -> Document:
    """Parse the text of a concept file.

    Parameters
    ----------
    text : str
        The content.
    source : str
        What errors name.
    plain : bool
        One concept a line, blank lines ignored, instead of YAML.

    Raises
    ------
    ConceptSetError
        The text is no plain YAML, or holds a control character.
    """
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        for character in line:
            if character != "\t" and unicodedata.category(character) in ("Cc", "Cs"):
                raise ConceptSetError(f"{source}:{number}: control character U+{ord(character):04X} in the text")
    return _parse_lines(text, source) if plain else _parse_yaml(text, source)


def _parse_lines(text: str, source: str) -> Document:
    concepts: list[object] = []
    lines: dict[Where, int] = {(): 1}
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        if line.strip():
            lines["concepts", len(concepts)] = number
            concepts.append(line.strip())
    return Document(source, {"concepts": concepts}, lines)


def _parse_yaml(text: str, source: str) -> Document:
    try:
        _refuse_unsafe(text, source)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be parsed"
        raise ConceptSetError(f"{source}:{line}: not valid YAML ({problem})") from error
    lines: dict[Where, int] = {(): 1}
    content = _value(node, (), source, lines) if node is not None else None
    return Document(source, content, lines)


def _refuse_unsafe(text: str, source: str) -> None:
    """Refuse anchors, aliases, tags and deep nesting before any node is made."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ConceptSetError(f"{source}:{line}: YAML anchors (&) and aliases (*) are not read; write it out")
        if getattr(event, "tag", None):
            raise ConceptSetError(f"{source}:{line}: YAML tags (!) are not read; put the text in quotes")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise ConceptSetError(f"{source}:{line}: nested more than {_MAX_DEPTH} deep; a concept set is flatter")


def _value(node: yaml.Node, where: Where, source: str, lines: dict[Where, int]) -> object:
    lines[where] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*where, index), source, lines) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, where, source, lines)
    return _scalar(node)


def _mapping(node: yaml.MappingNode, where: Where, source: str, lines: dict[Where, int]) -> dict[str, object]:
    values: dict[str, object] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise ConceptSetError(f"{source}:{line}: a key must be a word, not a list or mapping")
        if key.value in values:
            raise ConceptSetError(f"{source}:{line}: key {shown(key.value)} stands twice in one mapping")
        values[key.value] = _value(value, (*where, key.value), source, lines)
        lines[(*where, key.value)] = line
    return values


def _scalar(node: yaml.Node) -> str | float | bool | None:
    text = str(node.value)
    kind = node.tag.rpartition(":")[2]
    if kind in ("int", "float"):
        if _NUMBER.fullmatch(text):
            return float(text)
        return _SPECIAL_NUMBERS.get(text.lower(), text)
    if kind == "bool":
        return text.lower() in ("yes", "true", "on")
    return None if kind == "null" else text


def shown(value: object) -> str:
    """Return a value as an error may show it: quoted, on one line, not longer than 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..." + text[0]
