"""A stored dissection: every unit of a network's layers with its label and the evidence for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from workbench.errors import SpecError, unknown_name
from workbench.specs import DissectSpec
from workbench.store import Artifact, Store
from workbench.studies.embed import list_matrix
from workbench.studies.stored import Stored

KIND = "dissection"
"""Kind of the artifacts that :func:`workbench.studies.dissect.dissect` makes."""

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Dissection(Stored[DissectSpec]):
    """A stored dissection; unit arrays run over all layers in network order and are read-only.

    Unless said otherwise an array has one entry a unit, ``(U,)``; L layers, C concepts, K classes, k top images. A unit
    that gives one and the same number for every image is *constant*: it has no label (-1) and NaN for all figures.

    Parameters
    ----------
    artifact : Artifact
        One Parquet part and one array file a layer; the layer table stands in the summary.
    """

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, in network order (L)."""
        return tuple(row["layer"] for row in self.layer_table)

    @property
    def layer_table(self) -> Sequence[Mapping[str, Any]]:
        """One row a layer.

        ``layer, type, shape, units, constant``; the table of the reweighting study: ``num_interp, num_uninterp``
        (units above and not above tau), ``overall_acc, interp_acc, uninterp_acc`` (mean accuracy of all, of those
        above, of the others; None where there is none), ``prop_interp``; and ``labelled`` (units whose label holds),
        ``labelled_acc``, ``median_similarity``, ``null_limit``; where the truth is known ``truth_auroc``,
        ``truth_right``, ``truth_right_labelled``.
        """
        table: Sequence[Mapping[str, Any]] = self.summary["layers"]
        return table

    @property
    def concepts(self) -> tuple[str, ...]:
        """The concepts' texts (C)."""
        return tuple(self.summary["concepts"])

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the concept set (K)."""
        return tuple(self.summary["classes"])

    @property
    def membership(self) -> Numbers:
        """Which concept speaks for which class, bool ``(C, K)``."""
        spoken: list[list[str]] = self.summary["speaks_for"]
        return np.array([[name in classes for name in self.classes] for classes in spoken], dtype=bool).reshape(
            len(self.concepts), len(self.classes)
        )

    @property
    def probing(self) -> int:
        """Number of images that chose the labels."""
        return int(self.summary["probing"])

    @property
    def held_out(self) -> int:
        """Number of images that tested them."""
        return int(self.summary["held_out"])

    @property
    def recorded(self) -> Mapping[str, str]:
        """References of the recorded activations by layer."""
        recorded: Mapping[str, str] = self.summary["activations"]
        return recorded

    @cached_property
    def layer_index(self) -> Numbers:
        """Place of each unit's layer in :attr:`layers`."""
        sizes = [row["units"] for row in self.layer_table]
        return _fixed(np.repeat(np.arange(len(sizes)), sizes))

    @cached_property
    def unit(self) -> Numbers:
        """Number of each unit within its layer, from 0 on."""
        return self._column("unit")

    @cached_property
    def label(self) -> Numbers:
        """Index of the concept of greatest similarity, whether it holds or not; -1 for a constant unit."""
        return self._column("label")

    @cached_property
    def similarity(self) -> Numbers:
        """Similarity with the label."""
        return self._column("similarity")

    @cached_property
    def runner_up(self) -> Numbers:
        """Index of the concept of second greatest similarity; -1 where there is none."""
        return self._column("runner_up")

    @cached_property
    def runner_up_similarity(self) -> Numbers:
        """Similarity with the runner-up."""
        return self._column("runner_up_similarity")

    @cached_property
    def p(self) -> Numbers:
        """Share of random image sets whose best concept is at least as similar, 0 to 1."""
        return self._column("p")

    @cached_property
    def q(self) -> Numbers:
        """Benjamini-Hochberg q-value among the layer's units, 0 to 1."""
        return self._column("q")

    @cached_property
    def holds(self) -> Numbers:
        """Whether the label holds, bool; see :func:`workbench.methods.evidence.label_holds`."""
        return self._column("holds")

    @cached_property
    def stability(self) -> Numbers:
        """Share of bootstrap resamples of the probing set that give the same label, 0 to 1."""
        return self._column("stability")

    @cached_property
    def faithfulness(self) -> Numbers:
        """Rank correlation of activation and the label's CLIP score on held-out images, -1 to 1."""
        return self._column("faithfulness")

    @cached_property
    def faithfulness_low(self) -> Numbers:
        """Lower end of its 95 % interval."""
        return self._column("faithfulness_low")

    @cached_property
    def faithfulness_high(self) -> Numbers:
        """Upper end of its 95 % interval."""
        return self._column("faithfulness_high")

    @cached_property
    def accuracy(self) -> Numbers:
        """Share of the (at most 5) top images whose class the label speaks for, 0 to 1."""
        return self._column("accuracy")

    @cached_property
    def top(self) -> Numbers:
        """Dataset rows of the most activating probing images, best first, int64 ``(U, k)``."""
        return self._matrix("top")

    @cached_property
    def top_activations(self) -> Numbers:
        """Their activations, float32 ``(U, k)``."""
        return self._matrix("top_activations")

    @cached_property
    def constant(self) -> Numbers:
        """Whether the unit gives one number for every probing image, bool."""
        return self._column("constant")

    @cached_property
    def selectivity(self) -> Numbers:
        """AUROC of the activation for each class against the others, on all labelled probing images, ``(U, K)``."""
        return self._matrix("selectivity")

    @cached_property
    def selectivity_low(self) -> Numbers:
        """Lower end of its 95 % interval (DeLong), ``(U, K)``."""
        return self._matrix("selectivity_low")

    @cached_property
    def selectivity_high(self) -> Numbers:
        """Upper end of its 95 % interval, ``(U, K)``."""
        return self._matrix("selectivity_high")

    @cached_property
    def class_means(self) -> Numbers:
        """Mean activation on each class's probing images, ``(U, K)``; NaN where there is none."""
        return self._matrix("class_means")

    @cached_property
    def mean(self) -> Numbers:
        """Mean activation on the probing images."""
        return self._column("mean")

    @cached_property
    def std(self) -> Numbers:
        """Standard deviation of the activation on the probing images."""
        return self._column("std")

    @cached_property
    def quantiles(self) -> Numbers:
        """The 0th, 1st, ..., 100th percentile of the activation on the probing images, ``(U, 101)``."""
        return self._matrix("quantiles")

    @cached_property
    def nearest(self) -> Numbers:
        """Units of the same layer whose activations correlate most, indices into these arrays, ``(U, 8)``; -1: none."""
        within = self._matrix("nearest")
        starts = np.array([self.rows(name).start for name in self.layers])[self.layer_index][:, None]
        return _fixed(np.where(within >= 0, within + starts, -1))

    @cached_property
    def nearest_correlation(self) -> Numbers:
        """Their correlations, -1 to 1, ``(U, 8)``."""
        return self._matrix("nearest_correlation")

    @cached_property
    def truth_auroc(self) -> Numbers:
        """AUROC of the activation for the label where the dataset's truth names the concepts; NaN elsewhere."""
        return self._column("truth_auroc")

    @cached_property
    def truth_best(self) -> Numbers:
        """Concept of greatest AUROC by the dataset's truth; -1 where it is not known."""
        return self._column("truth_best")

    @cached_property
    def similarities(self) -> Numbers:
        """Similarity of every unit and concept, float32 ``(U, C)``."""
        return self._matrix("similarities")

    @cached_property
    def null_low(self) -> Numbers:
        """2.5th percentile of each concept's similarity with random image sets, ``(L, C)``."""
        return _fixed(np.stack([self._arrays(name)["null_low"] for name in self.layers]))

    @cached_property
    def null_high(self) -> Numbers:
        """97.5th percentile of the same, ``(L, C)``."""
        return _fixed(np.stack([self._arrays(name)["null_high"] for name in self.layers]))

    @property
    def null_limit(self) -> Numbers:
        """95th percentile of the best concept's similarity with random image sets, ``(L,)``."""
        return np.array([row["null_limit"] for row in self.layer_table])

    def maps(self, layer: str) -> Numbers | None:
        """Return where each unit fires in its top images, uint8 ``(U_l, k, h, w)``; ``None`` for a layer without space.

        0 and 255 are the least and the greatest value over the unit's top images.
        """
        name = f"maps-{self.layers.index(layer):05d}"
        if f"{name}.safetensors" not in self.artifact.manifest["parts"]:
            return None
        return self.artifact.arrays(name)["maps"]

    def index(self, layer: str, unit: int) -> int:
        """Return the place of a unit in the arrays.

        Raises
        ------
        SpecError
            There is no such layer or unit.
        """
        rows = self.rows(layer)
        if not 0 <= unit < rows.stop - rows.start:
            raise SpecError(f"layer {layer} has the units 0 to {rows.stop - rows.start - 1}, none {unit}")
        return int(rows.start) + unit

    def rows(self, layer: str) -> slice:
        """Return where a layer's units stand in the arrays; :class:`SpecError` lists the layers there are."""
        if layer not in self.layers:
            raise unknown_name(f"layer of {self.artifact.name}", layer, self.layers)
        sizes = [row["units"] for row in self.layer_table]
        place = self.layers.index(layer)
        return slice(sum(sizes[:place]), sum(sizes[: place + 1]))

    def labels(self) -> list[str]:
        """Return each unit's label in words: the concept where it holds, else ``""``."""
        pairs = zip(self.label.tolist(), self.holds.tolist(), strict=True)
        return [self.concepts[label] if holds else "" for label, holds in pairs]

    @cached_property
    def _table(self) -> pa.Table:
        return self.artifact.table()

    def _arrays(self, layer: str) -> dict[str, Numbers]:
        return self.artifact.arrays(f"layer-{self.layers.index(layer):05d}")

    def _column(self, name: str) -> Numbers:
        return _fixed(self._table[name].to_numpy())

    def _matrix(self, name: str) -> Numbers:
        return _fixed(list_matrix(self._table, name))


def open_dissection(artifact: Artifact) -> Dissection:
    """Open a stored dissection; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not a {KIND}")
    return Dissection(artifact)


def find_dissection(store: Store, name: str) -> Dissection:
    """Open a dissection by its artifact's name, by the beginning of it, or by its hash.

    Raises
    ------
    SpecError
        There is none, or the beginning fits several.
    """
    return Dissection(store.named(KIND, name))


def _fixed(array: Numbers) -> Numbers:
    view = array.view()
    view.flags.writeable = False
    return view
