"""Specs of studies that bring in, encode and classify images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.errors import SpecError, unknown_name
from workbench.specs.base import Spec, check_name, check_range

AGGREGATES = ("sum", "max", "vote", "vote-mean")
"""Ways to fold concept probabilities into classes; see workbench.methods.zeroshot."""


@dataclass(frozen=True)
class ImportSpec(Spec):
    """Bring a source of images into the workspace under a name.

    Parameters
    ----------
    source : str
        A folder, ``fer2013.csv`` or ``icml_face_data.csv``, a Parquet file, or ``hf:owner/name``.
    name : str
        The dataset's name.
    outside_labels : str
        What becomes of labels outside the seven classes: ``"keep"``, ``"drop"``, or a mapping such as
        ``"contempt=disgust,calm=neutral"`` (labels not in the mapping are kept).
    """

    kind: ClassVar[str] = "import"
    source: str
    name: str
    outside_labels: str = "keep"

    def __post_init__(self) -> None:
        check_name(self.name)
        if not self.source:
            raise SpecError("an import needs a source: a folder, a CSV, a Parquet file or hf:owner/name")

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"import {self.name}"


@dataclass(frozen=True)
class EmbedSpec(Spec):
    """Encode a dataset's images with a CLIP.

    Parameters
    ----------
    dataset : str
        Name of a dataset in the workspace.
    clip : str
        ``face-clip``, ``MODEL/WEIGHTS`` of open_clip, ``hf-hub:owner/name`` or ``local-dir:PATH``.
    engine : str
        Where batches run; see workbench.engines.
    """

    kind: ClassVar[str] = "embed"
    dataset: str
    clip: str = "face-clip"
    engine: str = "local"

    def __post_init__(self) -> None:
        check_name(self.dataset)

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"embed {self.dataset} with {self.clip}"


@dataclass(frozen=True)
class ClassifySpec(Spec):
    """Classify a dataset zero-shot with a concept set; every split is reported separately.

    Parameters
    ----------
    dataset, clip : str
        As in :class:`EmbedSpec`.
    concepts : str
        A bundled concept set's name, a ``.yaml`` or ``.txt`` file, with ``#attribute`` where it has several.
    aggregate : str
        ``sum``, ``max``, ``vote`` or ``vote-mean``; empty for the concept set's own default.
    top_k : int
        How many ranked classes are kept for each image, 1 or more.
    """

    kind: ClassVar[str] = "classify"
    dataset: str
    clip: str = "face-clip"
    concepts: str = "fer7"
    aggregate: str = ""
    top_k: int = 3

    def __post_init__(self) -> None:
        check_name(self.dataset)
        if self.aggregate and self.aggregate not in AGGREGATES:
            raise unknown_name("aggregate", self.aggregate, AGGREGATES)
        if self.top_k < 1:
            raise SpecError(f"top_k is {self.top_k}; it must be 1 or more")

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"classify {self.dataset} with {self.clip} and {self.concepts}"


@dataclass(frozen=True)
class PredictSpec(Spec):
    """Classify a dataset with a network; the result is browsed like a zero-shot classification.

    Parameters
    ----------
    dataset : str
        Name of a dataset in the workspace.
    model : str
        A target with classes; see workbench.models.targets.
    weights : str
        File of its weights, where its spec does not say.
    top_k : int
        How many ranked classes are kept for each image, 1 or more.
    """

    kind: ClassVar[str] = "predict"
    dataset: str
    model: str = "face-cnn"
    weights: str = ""
    top_k: int = 3

    def __post_init__(self) -> None:
        check_name(self.dataset)
        check_range("top_k", self.top_k, 1, 1000)

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"classify {self.dataset} with {self.model}"


@dataclass(frozen=True)
class DemoSpec(Spec):
    """Build the demo workspace: rendered faces with planted faults, and every study run on them once.

    Parameters
    ----------
    seed : int
        Seed of the rendered faces, 0 or more.
    count : int
        Number of images, 300 to 1,000,000.
    """

    kind: ClassVar[str] = "demo"
    seed: int = 0
    count: int = 3000

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**31:
            raise SpecError(f"seed is {self.seed}; it must be 0 or more, and below 2^31")
        if not 300 <= self.count <= 1_000_000:
            raise SpecError(f"count is {self.count}; the demo takes 300 to 1,000,000 images")

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return "build the demo"
