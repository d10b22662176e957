"""Concept sets that forms offer: the bundled ones, and those saved among the workspace's concept sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from workbench.app import session
from workbench.data.concepts import ConceptSet, bundled_concept_sets, load_attributes, save_concept_set
from workbench.errors import SpecError, unknown_name
from workbench.files import disk_errors
from workbench.specs.base import check_name

SAVED = "saved:"
"""What stands before the name of a set of the workspace where a page names it."""


def folder() -> Path:
    """Return where the workspace keeps its concept sets."""
    return session.store().root / "concept_sets"


def names() -> list[str]:
    """Return the names of all concept sets: the bundled ones, then those of the workspace, newest first."""
    found = sorted(folder().glob("*.yaml"), key=lambda path: -path.stat().st_mtime) if folder().is_dir() else []
    return [*bundled_concept_sets(), *(f"{SAVED}{path.stem}" for path in found)]


def title(name: str) -> str:
    """Return a set's name in words."""
    return f"{name.removeprefix(SAVED)} (saved)" if name.startswith(SAVED) else name


def spec_of(name: str) -> str:
    """Return what studies take for a set: a bundled name or a path.

    Raises
    ------
    SpecError
        There is no saved set of that name.
    """
    if not name.startswith(SAVED):
        return name
    known = [each for each in names() if each.startswith(SAVED)]
    if name not in known:
        raise unknown_name("saved concept set", name.removeprefix(SAVED), [title(each) for each in known])
    return str(folder() / f"{name.removeprefix(SAVED)}.yaml")


def name_of(spec: str) -> str:
    """Return the name by which pages know what studies were given."""
    path = Path(spec)
    return f"{SAVED}{path.stem}" if path.suffix == ".yaml" and path.parent == folder() else spec


def save(name: str, edited: ConceptSet, start: str, replaced: bool = False) -> Path:
    """Write a set among the workspace's; other attributes of the set ``start`` that it came from are kept.

    Raises
    ------
    SpecError
        The name cannot be one, is a bundled set's, or is taken and ``replaced`` is false.
    StoreError
        The file cannot be written.
    """
    try:
        check_name(name)
    except SpecError as error:
        raise SpecError(str(error).replace("a dataset's", "a concept set's")) from None
    if name in bundled_concept_sets():
        raise SpecError(f"{name!r} is a bundled concept set; choose another name")
    path = folder() / f"{name}.yaml"
    if path.exists() and not replaced:
        raise SpecError(f"there is a concept set {name!r} already; choose another name, or replace it")
    sets = load_attributes(spec_of(start)) | {edited.attribute: edited}
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    save_concept_set(path, *(replace(each, name=name) for each in sets.values()))
    return path
