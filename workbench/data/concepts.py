"""Concept sets: the words an image is compared with, and what they stand for.

A set is a bundled name, a YAML file, or CLIP-Dissect's ``.txt`` (one concept a line, blank lines ignored). YAML::

    name: smiles                      # default: the file's name
    description: ...                  # free text
    source: ...                       # where the words come from
    attribute: emotion                # what the classes are classes of
    aggregate: sum                    # how concepts are folded: sum, max, vote, vote-mean
    classes: [happy, sad]
    templates: ["{}", "a {} face"]    # default: the concept alone
    concepts:
      - {text: delighted, classes: [happy], score: 5}
      - {text: blue, classes: [sad], score: 2}

A file with several attributes lists them under ``attributes``, each with ``classes``, ``concepts`` and, if they differ,
its own ``templates`` and ``aggregate``; ``file.yaml#gender`` names one, and the first stands for the file.

Matching: runs of white space count as one space and Unicode is composed (NFC) everywhere. Two concepts, classes or
templates are the same when they differ only in case. A concept's class may be written in any case and takes the
spelling of the ``classes`` list. Names of sets and attributes match exactly.

A concept may speak for several classes or for none, and stands once per attribute: a word under two emotions lists
both.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import yaml

from workbench.data.concept_files import ConceptSetFaultError, Where, parse_document, read_document, shown
from workbench.data.concept_schema import read_fields
from workbench.errors import SpecError, unknown_name
from workbench.files import write_bytes
from workbench.specs import AGGREGATES

MAX_CONCEPTS = 50_000
"""The most concepts a set may have; CLIP-Dissect's lists have up to 20,000."""

MAX_PROMPTS = 1_000_000
"""The most prompts (templates x concepts) a set may make."""

MAX_TEXT = 300
"""The most characters of a concept, class or template; CLIP reads at most 77 tokens of a prompt."""

MIN_SCORE, MAX_SCORE = 1.0, 5.0
PLACEHOLDER = "{}"


@dataclass(frozen=True)
class Concept:
    """A word or phrase, the classes it speaks for, and its satisfaction score.

    Parameters
    ----------
    text : str
        What stands in a template's place, 1 to 300 characters.
    classes : tuple of str
        Classes of the set; none where the concept speaks for no class.
    score : float or None
        1 (least satisfied) to 5 (most satisfied).
    """

    text: str
    classes: tuple[str, ...] = ()
    score: float | None = None


@dataclass(frozen=True, kw_only=True)
class ConceptSet:
    """Concepts with the classes they speak for and the templates they are put in; valid once made.

    Parameters
    ----------
    name : str
        Of the set; several attributes of one file share it.
    concepts : tuple of Concept
        1 to :data:`MAX_CONCEPTS`; their order is the order of columns everywhere.
    classes : tuple of str
        In the order of columns; empty for a plain list of concepts.
    templates : tuple of str
        Sentences with the placeholder ``{}``.
    attribute : str
        What the classes are classes of, for example ``"emotion"``; may be empty.
    description, source : str
        Free text.
    default_aggregate : str
        One of :data:`workbench.specs.AGGREGATES`; :mod:`workbench.methods.zeroshot` says what they are.

    Raises
    ------
    ConceptSetError
        See :meth:`__post_init__`; the text says which entry is wrong.
    """

    name: str
    concepts: tuple[Concept, ...]
    classes: tuple[str, ...] = ()
    templates: tuple[str, ...] = (PLACEHOLDER,)
    attribute: str = ""
    description: str = ""
    source: str = ""
    default_aggregate: str = "sum"

    def __post_init__(self) -> None:
        """Tidy white space and case, and refuse what contradicts itself."""
        object.__setattr__(self, "classes", _distinct(self.classes, "class", "classes"))
        object.__setattr__(self, "templates", _distinct(self.templates, "template", "templates"))
        _check_templates(self.templates)
        object.__setattr__(self, "concepts", _checked_concepts(self.concepts, self.classes))
        prompts = len(self.templates) * len(self.concepts)
        if prompts > MAX_PROMPTS:
            raise ConceptSetFaultError(
                f"templates x concepts makes {prompts:,} prompts; the most is {MAX_PROMPTS:,}", ()
            )
        if self.default_aggregate not in AGGREGATES:
            known = ", ".join(AGGREGATES)
            raise ConceptSetFaultError(
                f"unknown aggregate {shown(self.default_aggregate)} (known: {known})", ("aggregate",)
            )

    @cached_property
    def membership(self) -> np.ndarray:
        """Which concept speaks for which class: read-only bool ``(C, K)``, in the order of concepts and classes."""
        column = {name: index for index, name in enumerate(self.classes)}
        matrix = np.zeros((len(self.concepts), len(self.classes)), dtype=bool)
        for row, concept in enumerate(self.concepts):
            matrix[row, [column[name] for name in concept.classes]] = True
        matrix.flags.writeable = False
        return matrix

    @cached_property
    def scores(self) -> np.ndarray | None:
        """The concepts' satisfaction scores, read-only float64 ``(C,)`` in 1..5; None where the set has none."""
        if self.concepts[0].score is None:
            return None
        values = np.array([concept.score for concept in self.concepts], dtype=np.float64)
        values.flags.writeable = False
        return values

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of what changes results: classes, templates, and the concepts in their order.

        Name, description, source, attribute, default aggregate and the file's name do not change it.
        """
        concepts = [[concept.text, list(concept.classes), concept.score] for concept in self.concepts]
        content = json.dumps([list(self.classes), list(self.templates), concepts], ensure_ascii=True)
        return hashlib.sha256(content.encode("ascii")).hexdigest()

    @property
    def texts(self) -> list[str]:
        """The concepts' texts, in their order."""
        return [concept.text for concept in self.concepts]

    def prompts(self) -> list[list[str]]:
        """Return every sentence: one list a template, in it one sentence a concept."""
        return [[template.replace(PLACEHOLDER, text) for text in self.texts] for template in self.templates]


def bundled_concept_sets() -> tuple[str, ...]:
    """Return the names of the concept sets that come with the workbench, sorted."""
    return tuple(sorted(path.stem for path in _bundled_folder().glob("*.yaml")))


def load_concept_set(spec: str) -> ConceptSet:
    """Load a concept set.

    Parameters
    ----------
    spec : str
        A bundled name (``fer7``), or the path of a ``.yaml``, ``.yml`` or ``.txt`` file; with ``#attribute`` behind it
        for one attribute of several. Without it the first attribute is taken.

    Raises
    ------
    SpecError
        No such bundled set or attribute; the text lists the known ones and the nearest.
    ConceptSetError
        The file cannot be used; the text begins with ``file:line:`` and says what would be right.
    """
    base, attribute = _split(spec)
    sets = load_attributes(base)
    if not attribute:
        return next(iter(sets.values()))
    if attribute not in sets:
        raise unknown_name(f"attribute of concept set {base}", attribute, (name for name in sets if name))
    return sets[attribute]


def load_attributes(spec: str) -> dict[str, ConceptSet]:
    """Load every attribute of a concept set, by its name, in the file's order; ``spec`` as above, without ``#``."""
    if spec in bundled_concept_sets():
        return _build(_bundled_folder() / f"{spec}.yaml")
    if not _is_path(spec):
        raise unknown_name("concept set", spec, bundled_concept_sets())
    return _build(Path(spec))


def parse_concept_sets(text: str, source: str = "concept set") -> dict[str, ConceptSet]:
    """Return the concept sets that YAML text describes, by attribute; errors name ``source`` and the line."""
    document = parse_document(text, source)
    try:
        return _sets(document.content, "edited")
    except ConceptSetFaultError as fault:
        raise document.located(fault) from None


def to_yaml(*sets: ConceptSet) -> str:
    """Return one concept set, or the attributes of one, as YAML that reads back with equal fingerprints.

    Raises
    ------
    SpecError
        No set, or several without names for their attributes.
    """
    head = {key: value for key, value in _head(sets).items() if value}
    if len(sets) == 1:
        content = head | {"attribute": sets[0].attribute} if sets[0].attribute else head
        content = content | _body(sets[0])
    else:
        content = head | {"attributes": {each.attribute: _body(each) for each in sets}}
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, default_flow_style=None, width=110)


def save_concept_set(path: Path, *sets: ConceptSet) -> None:
    """Write a concept set, or the attributes of one, to a YAML file, whole or not at all.

    Raises
    ------
    SpecError
        The path does not end in ``.yaml`` or ``.yml``.
    StoreError
        The file cannot be written.
    """
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise SpecError(f"{path}: a concept set is written as .yaml")
    write_bytes(path, to_yaml(*sets).encode("utf-8"))


def _head(sets: Sequence[ConceptSet]) -> dict[str, object]:
    attributes = [each.attribute for each in sets]
    if not sets or (len(sets) > 1 and ("" in attributes or len(set(attributes)) < len(sets))):
        raise SpecError("to write several attributes into one file, each needs a name of its own")
    return {"name": sets[0].name, "description": sets[0].description, "source": sets[0].source}


def _body(concept_set: ConceptSet) -> dict[str, object]:
    concepts: list[object] = []
    for concept in concept_set.concepts:
        entry: dict[str, object] = {"text": concept.text}
        if concept.classes:
            entry["classes"] = list(concept.classes)
        if concept.score is not None:
            entry["score"] = int(concept.score) if concept.score.is_integer() else concept.score
        concepts.append(entry if len(entry) > 1 else concept.text)
    body: dict[str, object] = {"aggregate": concept_set.default_aggregate}
    if concept_set.classes:
        body["classes"] = list(concept_set.classes)
    return body | {"templates": list(concept_set.templates), "concepts": concepts}


def _bundled_folder() -> Path:
    """Inside an installed package, or at the top of a source tree."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "concept_sets"
    return installed if installed.is_dir() else package.parent / "concept_sets"


def _split(spec: str) -> tuple[str, str]:
    """Return a spec's name or path, and its attribute; a file whose name holds ``#`` is found as it stands."""
    if "#" not in spec or Path(spec).is_file():
        return spec, ""
    base, _, attribute = spec.rpartition("#")
    return base, attribute


def _is_path(spec: str) -> bool:
    return spec.lower().endswith((".yaml", ".yml", ".txt"))


def _build(path: Path) -> dict[str, ConceptSet]:
    document = read_document(path)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-._")[:64] or "concepts"
    try:
        return _sets(document.content, name)
    except ConceptSetFaultError as fault:
        raise document.located(fault) from None


def _sets(content: object, name: str) -> dict[str, ConceptSet]:
    sets: dict[str, ConceptSet] = {}
    for fields in read_fields(content, name):
        try:
            each = ConceptSet(
                **fields.texts,
                default_aggregate=fields.aggregate,
                classes=fields.classes,
                templates=fields.templates,
                concepts=tuple(Concept(*entry) for entry in fields.concepts),
            )
        except ConceptSetFaultError as fault:
            raise fields.located(fault) from None
        sets[each.attribute] = each
    return sets


def _distinct(values: Sequence[str], what: str, key: str) -> tuple[str, ...]:
    """Return the texts tidied; each once."""
    tidied = []
    seen: dict[str, int] = {}
    for index, value in enumerate(values):
        text = _tidy(value, what, (key, index))
        if text.casefold() in seen:
            raise ConceptSetFaultError(f"duplicate {what} {shown(text)}", (key, index), (key, seen[text.casefold()]))
        seen[text.casefold()] = index
        tidied.append(text)
    return tuple(tidied)


def _tidy(value: str, what: str, where: Where) -> str:
    """Return the text composed (NFC), with single spaces."""
    text = " ".join(unicodedata.normalize("NFC", value).split())
    if not text:
        raise ConceptSetFaultError(f"a {what} is empty", where)
    if len(text) > MAX_TEXT:
        raise ConceptSetFaultError(f"a {what} has {len(text):,} characters; the most is {MAX_TEXT}", where)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ConceptSetFaultError(f"{what} {shown(text)} holds a control character", where)
    return text


def _check_templates(templates: Sequence[str]) -> None:
    if not templates:
        raise ConceptSetFaultError("'templates' is empty; write at least one, or leave the key out", ("templates",))
    for index, template in enumerate(templates):
        rest = template.replace(PLACEHOLDER, "")
        if rest == template:
            message = f"template {shown(template)} has no placeholder; write {{}} where the concept goes"
            raise ConceptSetFaultError(message, ("templates", index))
        if "{" in rest or "}" in rest:
            message = f"template {shown(template)} has a brace that is no placeholder; only {{}} is one"
            raise ConceptSetFaultError(message, ("templates", index))


def _checked_concepts(concepts: Sequence[Concept], classes: Sequence[str]) -> tuple[Concept, ...]:
    if not concepts:
        raise ConceptSetFaultError("the set has no concepts; list at least one", ("concepts",))
    if len(concepts) > MAX_CONCEPTS:
        raise ConceptSetFaultError(
            f"{len(concepts):,} concepts; the most is {MAX_CONCEPTS:,}", ("concepts", MAX_CONCEPTS)
        )
    texts = _distinct([concept.text for concept in concepts], "concept", "concepts")
    spelling = {name.casefold(): name for name in classes}
    scored = concepts[0].score is not None
    checked = []
    for index, (concept, text) in enumerate(zip(concepts, texts, strict=True)):
        speaks_for = _checked_classes(concept.classes, spelling, ("concepts", index, "classes"))
        if concept.score is not None and not MIN_SCORE <= concept.score <= MAX_SCORE:
            message = f"score {concept.score:g} of {shown(text)} is outside {MIN_SCORE:g} to {MAX_SCORE:g}"
            raise ConceptSetFaultError(message, ("concepts", index, "score"))
        if (concept.score is not None) != scored:
            without = shown(text if scored else texts[0])
            raise ConceptSetFaultError(
                f"{without} has no score while others have one; score all or none", ("concepts", index)
            )
        checked.append(Concept(text, speaks_for, None if concept.score is None else float(concept.score)))
    return tuple(checked)


def _checked_classes(names: Sequence[str], spelling: dict[str, str], where: Where) -> tuple[str, ...]:
    found = []
    for index, name in enumerate(names):
        tidied = _tidy(name, "class", (*where, index))
        if tidied.casefold() not in spelling:
            known = ", ".join(spelling.values()) if spelling else "the file has no 'classes' list"
            raise ConceptSetFaultError(f"class {shown(tidied)} is not in the classes list ({known})", (*where, index))
        found.append(spelling[tidied.casefold()])
        if found[-1] in found[:-1]:
            raise ConceptSetFaultError(f"class {shown(tidied)} is listed twice for one concept", (*where, index))
    return tuple(found)
