"""A stored study of prompts: what each template does, what chance does, what a search found, and what it is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from workbench.data.concepts import ConceptSet, parse_concept_sets, save_concept_set
from workbench.errors import SpecError
from workbench.files import disk_errors
from workbench.methods.bootstrap import Estimate
from workbench.methods.prompts import Measured
from workbench.methods.retrain import Comparison
from workbench.specs import ClassifySpec
from workbench.specs.ladder import PromptsSpec
from workbench.store import Artifact, Store
from workbench.studies.stored import Stored

KIND = "prompts"
"""Kind of the artifacts that :func:`workbench.studies.prompts.prompts` makes."""


@dataclass(frozen=True)
class Drawn:
    """A prompt set drawn at random: so many templates, and so many concepts of each class.

    Parameters
    ----------
    size : int
        Number of templates, and of concepts a class.
    templates, concepts : tuple of str
        What was drawn.
    measured : Measured
        How good it is on the split that is tuned on.
    """

    size: int
    templates: tuple[str, ...]
    concepts: tuple[str, ...]
    measured: Measured


@dataclass(frozen=True)
class BySize:
    """Random sets of one size together: the mean of each score, from the least (``low``) to the greatest (``high``)."""

    size: int
    sets: int
    accuracy: Estimate
    top_k: Estimate
    macro_f1: Estimate
    weighted_f1: Estimate


@dataclass(frozen=True)
class Prompts(Stored[PromptsSpec]):
    """A stored study of prompts; all but :attr:`report` is measured on the split that is tuned on.

    Parameters
    ----------
    artifact : Artifact
        One Parquet part, a row a reported image; the figures stand in its summary.
    """

    @property
    def aggregate(self) -> str:
        """How concepts are folded into classes."""
        return str(self.summary["aggregate"])

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the concept set (K)."""
        return tuple(self.summary["classes"])

    @property
    def whole(self) -> Measured:
        """The whole concept set, all its templates together."""
        return Measured.from_dict(self.summary["whole"])

    @property
    def templates(self) -> dict[str, Measured]:
        """By template: how good it is alone, with all concepts."""
        return {each["template"]: Measured.from_dict(each["measured"]) for each in self.summary["templates"]}

    @property
    def left_out(self) -> dict[str, Comparison]:
        """By template: all others (``after``) against all (``before``); empty where there is but one."""
        return {each["template"]: Comparison.from_dict(each["comparison"]) for each in self.summary["left_out"]}

    @property
    def spread(self) -> Mapping[str, Any]:
        """What the choice alone does: the score of random sets.

        ``values`` of each, their ``mean``, ``sd``, and ``low`` and ``high`` (2.5 and 97.5 %); ``chance_sd`` is the
        standard deviation that drawing the images again gives the whole set's score.
        """
        return dict(self.summary["spread"])

    @property
    def experiment(self) -> tuple[Drawn, ...]:
        """Random sets of growing size, several of each."""
        return tuple(
            Drawn(each["size"], tuple(each["templates"]), tuple(each["concepts"]), Measured.from_dict(each["measured"]))
            for each in self.summary["experiment"]
        )

    @property
    def by_size(self) -> tuple[BySize, ...]:
        """The experiment, a line a size: what so many templates and synonyms give, and how much the draw moves it."""
        found = []
        for size in dict.fromkeys(each.size for each in self.experiment):
            drawn = [each.measured for each in self.experiment if each.size == size]
            spans = []
            for name in ("accuracy", "top_k", "macro_f1", "weighted_f1"):
                values = [float(getattr(each, name).value) for each in drawn]
                spans.append(Estimate(sum(values) / len(values), min(values), max(values)))
            found.append(BySize(size, len(drawn), *spans))
        return tuple(found)

    @property
    def path(self) -> tuple[Mapping[str, Any], ...]:
        """Steps of the search that won: ``change``, ``added`` and ``removed`` (texts), ``value``, ``tried``, sizes."""
        return tuple(self.summary["path"])

    @property
    def searches(self) -> Mapping[str, Mapping[str, Any]]:
        """For the searches from the ``smallest`` set and from the ``whole`` one: ``value`` reached, sets ``tried``."""
        return dict(self.summary["searches"])

    @property
    def report(self) -> dict[str, Measured]:
        """``whole`` and ``winner`` on the split that is reported on."""
        return {name: Measured.from_dict(values) for name, values in self.summary["report"].items()}

    @property
    def comparison(self) -> Comparison:
        """The winner (``after``) against the whole set (``before``) on the split that is reported on."""
        return Comparison.from_dict(self.summary["comparison"])

    @property
    def attributes(self) -> tuple[Mapping[str, Any], ...]:
        """What the templates answer of the set's other attributes, which the dataset has no labels of.

        Of each ``attribute`` its ``classes``, ``whole`` (share of images answered with each class), and ``templates``:
        ``template``, ``shares`` and ``agreement``, the share of images answered as by all templates together (value,
        low, high).
        """
        return tuple(self.summary["attributes"])

    @property
    def sentence(self) -> str:
        """The result as one sentence."""
        return str(self.summary["sentence"])

    @cached_property
    def winner(self) -> ConceptSet:
        """The concept set that the search chose."""
        return next(iter(parse_concept_sets(self.summary["winner"], self.artifact.reference).values()))

    @cached_property
    def images(self) -> pa.Table:
        """A row a reported image: ``id``, ``label``, and the answers of the ``whole`` set and of the ``winner``."""
        return self.artifact.table()

    def save_winner(self, store: Store) -> Path:
        """Write the winner, with the other attributes as they were, among the workspace's concept sets."""
        path = self.winner_path(store.root)
        sets = parse_concept_sets(self.summary["winner"], self.artifact.reference)
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        save_concept_set(path, *sets.values())
        return path

    def winner_spec(self, store: Store) -> ClassifySpec:
        """Return what classifies the dataset with the winner."""
        return ClassifySpec(self.spec.dataset, self.spec.clip, str(self.winner_path(store.root)), self.aggregate)

    def winner_path(self, root: Path) -> Path:
        """Return the file of the winner in the workspace ``root``."""
        return root / "concept_sets" / f"{self.artifact.name}.yaml"


def open_prompts(artifact: Artifact) -> Prompts:
    """Open a stored study of prompts; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not of kind {KIND}")
    return Prompts(artifact)
