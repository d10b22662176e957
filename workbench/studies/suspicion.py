"""A stored search for suspects: how doubtful each label of a dataset is, why, and what would be right."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from workbench.errors import SpecError, unknown_name
from workbench.methods.suspects import BINS
from workbench.specs import SuspectsSpec
from workbench.store import Artifact
from workbench.studies.embed import list_matrix
from workbench.studies.stored import Stored

KIND = "suspects"
"""Kind of the artifacts that :func:`workbench.studies.suspects.suspects` makes."""
PART = "part: "
"""What a part's column is called by in the stored table, before its name."""
WEAK = (
    "The bin 'ambiguous' is a weak hint: of planted blends of two emotions its ranking has an average precision of 8 % "
    "on each of three demos, chance 3 %. Entropy, margins and disagreement of the opinions were tried: none beats 12 %."
)
"""What is known of the worth of the bin ``ambiguous``."""

Numbers = npt.NDArray[Any]

_UNKNOWN = {
    ("planted", "wrong label"): "blends of two emotions and pictures without a face, which have no one true label",
    ("planted", "ambiguous"): "pictures without a face",
    ("votes", "wrong label"): "images without a majority of votes for one emotion, and those a model was trained on",
    ("votes", "ambiguous"): "images voted to show no face, and those a model was trained on",
    ("votes", "not a face"): "images without votes, and those a model was trained on",
}


@dataclass(frozen=True)
class Suspects(Stored[SuspectsSpec]):
    """A stored search for suspects; arrays are read-only and in the dataset's row order (N), K classes.

    Parameters
    ----------
    artifact : Artifact
        One Parquet part, a row an image; noise matrix and evaluation stand in the summary.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that occur in the dataset, in its order (K)."""
        return tuple(self.summary["classes"])

    @property
    def counts(self) -> Mapping[str, int]:
        """How many images each bin of :data:`BINS` but ``""`` holds."""
        return dict(self.summary["bins"])

    @property
    def noise(self) -> Numbers:
        """Estimated number of images, float64 ``(K, K)``: rows are given labels, columns the true ones.

        Confident learning's calibrated joint distribution times the number of labelled images.
        """
        return np.array(self.summary["noise"], dtype=np.float64)

    @property
    def wrong_interval(self) -> tuple[float, float]:
        """95 % interval of the share of labels estimated to be wrong; NaN in results that do not have it yet."""
        low, high = self.summary.get("wrong_interval", (math.nan, math.nan))
        return float(low), float(high)

    @property
    def evaluation(self) -> Mapping[str, Mapping[str, Any]]:
        """By source (``"votes"``, ``"planted"``) and bin: what the ranking is worth; empty where nothing is known.

        A bin's entry is what :func:`workbench.methods.ranking.evaluate` returns for the ranking, and under ``parts``
        the same for each single part.
        """
        evaluation: Mapping[str, Mapping[str, Any]] = self.summary["evaluation"]
        return evaluation

    def left_out(self, source: str, bin: str) -> str:  # noqa: A002 - the word for it
        """Return why fewer images of a bin are held against a truth than it holds: a sentence, or nothing."""
        number = self.counts.get(bin, 0) - int(self.evaluation[source][bin]["in_bin"])
        if number <= 0:
            return ""
        why = _UNKNOWN.get((source, bin), "images whose truth is not known, or held against it elsewhere")
        return f"{number:,} of the {self.counts[bin]:,} images in the bin {bin!r} are not held against it: {why}."

    @cached_property
    def scores(self) -> Numbers:
        """How doubtful, float32 ``(N,)`` in 0..1; NaN for an unlabelled image unless it is hardly a face."""
        return self._column("score")

    @cached_property
    def bins(self) -> Numbers:
        """Place in :data:`workbench.methods.suspects.BINS`, int8 ``(N,)``."""
        return self._column("bin")

    @cached_property
    def proposed(self) -> Numbers:
        """The class that would be right instead of the label, int16 ``(N,)``; -1 outside the bin ``wrong label``."""
        return self._column("proposed")

    @cached_property
    def leaky(self) -> Numbers:
        """Whether an encoder was trained on the image, bool ``(N,)``: its opinion echoes the label, so doubt is low."""
        return self._column("leaky")

    @cached_property
    def parts(self) -> Mapping[str, Numbers]:
        """The score's parts by name, each float32 ``(N,)`` in 0..1, greater: more doubtful; NaN where it cannot speak.

        See :data:`workbench.methods.suspects.PARTS` for what each says.
        """
        names = [name for name in self._table.column_names if name.startswith(PART)]
        return {name.removeprefix(PART): self._column(name) for name in names}

    @cached_property
    def probabilities(self) -> Numbers:
        """What all opinions together give each class, float32 ``(N, K)``, rows sum to 1; the label has no say in it."""
        return _fixed(list_matrix(self._table, "probabilities"))

    @cached_property
    def ids(self) -> Numbers:
        """Image ids, str ``(N,)``."""
        return _fixed(np.asarray(self._table["id"].to_pylist(), dtype=np.str_))

    @cached_property
    def labels(self) -> Numbers:
        """Given label, place in :attr:`classes`, int16 ``(N,)``; -1 where there is none."""
        return self._column("label")

    @cached_property
    def splits(self) -> Numbers:
        """Split of each image, str ``(N,)``."""
        return _fixed(np.asarray(self._table["split"].to_pylist(), dtype=np.str_))

    def queue(self, bin: str = "", split: str = "") -> Numbers:  # noqa: A002 - the word for it
        """Return rows, most doubtful first; equally doubtful ones by row.

        Parameters
        ----------
        bin : str
            One of :data:`BINS`; empty for every image with a score.
        split : str
            A split; empty or ``"all"`` for all, ``"merged-test"`` for validation and test.

        Raises
        ------
        SpecError
            There is no such bin or split.
        """
        if bin not in BINS:
            raise unknown_name("bin", bin, BINS[1:])
        chosen = np.isfinite(self.scores)
        if bin:
            chosen &= self.bins == BINS.index(bin)
        if split == "merged-test":
            chosen &= np.isin(self.splits, ("validation", "test"))
        elif split not in ("", "all"):
            if split not in self.splits:
                raise unknown_name("split", split, sorted(set(self.splits.tolist())))
            chosen &= self.splits == split
        rows = np.flatnonzero(chosen)
        order = self.parts.get(bin, self.scores)
        return np.asarray(rows[np.lexsort((rows, -self.scores[rows], -order[rows]))])

    @cached_property
    def _table(self) -> pa.Table:
        return self.artifact.table()

    def _column(self, name: str) -> Numbers:
        return _fixed(self._table[name].to_numpy())


def open_suspects(artifact: Artifact) -> Suspects:
    """Open a stored search for suspects; :class:`SpecError` for an artifact of another kind."""
    if artifact.kind != KIND:
        raise SpecError(f"{artifact.reference} is not a search for suspects")
    return Suspects(artifact)


def _fixed(array: Numbers) -> Numbers:
    view = array.view()
    view.flags.writeable = False
    return view
