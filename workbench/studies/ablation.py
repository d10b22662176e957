"""A stored ablation: what each class of a network loses without units of a layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.errors import SpecError
from workbench.methods.ablate import Changes, ClassSums, SetEffect, changes, control, loss_p_values, sentence
from workbench.specs import AblateSpec
from workbench.store import Artifact, Store
from workbench.studies.embed import list_matrix
from workbench.studies.stored import Stored

KIND = "ablation"
"""Kind of the artifacts that :func:`workbench.studies.ablate.ablate` makes."""

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Ablation(Stored[AblateSpec]):
    """A stored ablation of a layer; U units, K classes.

    Changes are after minus before: below 0 a class loses. Recall is in shares (0.1 is ten points of percent), margin in
    logits; NaN where a class has no image.

    Parameters
    ----------
    artifact : Artifact
        Parquet parts of images with a row a change: ``right`` and ``margin``, sums for each class. First the network as
        it is, then each unit, the sets of the summary, and the random sets of ``controls.safetensors``, by size.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """The network's classes (K)."""
        return tuple(self.summary["classes"])

    @property
    def images(self) -> int:
        """Number of images it was measured on."""
        return int(self.support.sum())

    @property
    def support(self) -> Numbers:
        """Images of each class, int64 ``(K,)``."""
        return np.asarray(self.summary["support"], dtype=np.int64)

    @cached_property
    def baseline_recall(self) -> Numbers:
        """Recall of each class by the network as it is, 0..1, ``(K,)``."""
        return np.asarray(self._sums.right[0] / np.where(self.support > 0, self.support, np.nan))

    @property
    def baseline_accuracy(self) -> float:
        """Accuracy of the network as it is, 0..1."""
        return float(self._sums.right[0].sum() / self.support.sum())

    @property
    def units_recall(self) -> Numbers:
        """Change of each class's recall when one unit is switched off, ``(U, K)``."""
        return self._changes.recall[: self._units]

    @property
    def units_margin(self) -> Numbers:
        """Change of each class's mean margin when one unit is switched off, ``(U, K)``."""
        return self._changes.margin[: self._units]

    @property
    def units_accuracy(self) -> Numbers:
        """Change of accuracy when one unit is switched off, ``(U,)``."""
        return self._changes.accuracy[: self._units]

    @cached_property
    def sets(self) -> list[dict[str, Any]]:
        """What the units that count most for a class do together, one entry a class and size.

        ``class, size, units`` (numbers within the layer); ``recall_change`` and ``margin_change`` (K), and
        ``accuracy_change``; ``random``: ``recall_mean, recall_low, recall_high`` and the same of ``margin`` (K), mean
        and 95 % interval over the random sets of that size; ``p`` (K): how often a random set costs a class's recall
        at least as much.
        """
        return [self._described(place, one) for place, one in enumerate(self.summary["sets"])]

    @cached_property
    def sentences(self) -> list[str]:
        """One sentence a class, on the largest of its sets that takes no more than a tenth of the units."""
        found = []
        for name in self.classes:
            own = [one for one in self.sets if one["class"] == name]
            if own and not np.isnan(own[0]["recall_change"][self.classes.index(name)]):
                small = [one for one in own if one["size"] <= self._units / 10]
                one = max(small, key=lambda each: each["size"]) if small else own[0]
                found.append(self._sentence(one))
        return found

    def _described(self, place: int, one: Mapping[str, Any]) -> dict[str, Any]:
        found = self._row(self._units + place)
        random = self._random(int(one["size"]))
        recall, margin = control(random.recall), control(random.margin)
        return {
            "class": str(one["class"]),
            "size": int(one["size"]),
            "units": [int(unit) for unit in one["units"]],
            "recall_change": found.recall.tolist(),
            "margin_change": found.margin.tolist(),
            "accuracy_change": float(found.accuracy),
            "random": {f"recall_{name}": value.tolist() for name, value in recall._asdict().items()}
            | {f"margin_{name}": value.tolist() for name, value in margin._asdict().items()},
            "p": loss_p_values(found.recall, random.recall).tolist(),
        }

    def _sentence(self, one: Mapping[str, Any]) -> str:
        effect = SetEffect(
            one["class"],
            one["size"],
            np.asarray(one["recall_change"]),
            np.asarray(one["p"]),
            control(self._random(one["size"]).recall),
            self._controls,
        )
        return sentence(effect, self.spec.layer, self.classes, self.support)

    def _random(self, size: int) -> Changes:
        first = self._units + len(self.summary["sets"]) + self.summary["sizes"].index(size) * self._controls
        return self._row(slice(first, first + self._controls))

    def _row(self, which: int | slice) -> Changes:
        return Changes(*(values[which] for values in self._changes))

    @property
    def _units(self) -> int:
        return int(self.summary["units"])

    @property
    def _controls(self) -> int:
        return int(self.summary["controls"])

    @cached_property
    def _sums(self) -> ClassSums:
        table = self.artifact.table()
        rows = 1 + self._units + len(self.summary["sets"]) + len(self.summary["sizes"]) * self._controls
        return ClassSums(
            *(list_matrix(table, name).reshape(-1, rows, len(self.classes)).sum(axis=0) for name in ("right", "margin"))
        )

    @cached_property
    def _changes(self) -> Changes:
        before, after = (ClassSums(self._sums.right[part], self._sums.margin[part]) for part in (0, slice(1, None)))
        return changes(before, after, self.support)


def open_ablation(artifact: Artifact) -> Ablation:
    """Open a stored ablation; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not an {KIND}")
    return Ablation(artifact)


def find_ablation(store: Store, dissection: str, layer: str) -> Ablation | None:
    """Return the newest ablation of a layer of a dissection (its artifact's name), or ``None``."""
    for artifact in store.artifacts(KIND):
        if (artifact.summary["dissection"], artifact.summary["layer"]) == (dissection, layer):
            return Ablation(artifact)
    return None
