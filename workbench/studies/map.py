"""Lay a dataset's images out on a plane, with a concept set's texts among them, and drop prompts onto the map."""

from __future__ import annotations

from workbench.progress import SILENT, Progress
from workbench.specs import MapSpec
from workbench.store import Store
from workbench.studies.mapping import KIND as KIND
from workbench.studies.mapping import Map as Map
from workbench.studies.mapping import Placed as Placed
from workbench.studies.mapping import open_map as open_map


def lay_out(spec: MapSpec, store: Store, progress: Progress = SILENT) -> Map:
    """Lay a dataset out, or return what is stored."""
    raise NotImplementedError


def find_prompt(found: Map, prompts: list[str], store: Store) -> Placed:
    """Drop prompts onto a map that stays as it is."""
    raise NotImplementedError
