"""Specs of the ways to classify faces, and of their comparison on one split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.errors import SpecError, unknown_name
from workbench.specs.base import Spec, check_choice, check_name, check_range, numbers
from workbench.specs.images import AGGREGATES

PROMPT_METRICS = ("accuracy", "macro_f1")
"""What a search for prompts may raise."""

LEARNERS = ("linear", "mlp", "forest", "knn")
"""Kinds of probe; see workbench.methods.learners."""
SEES = ("embeddings", "pixels")
"""What a probe learns from."""


@dataclass(frozen=True)
class CompareSpec(Spec):
    """Compare two stored classifications of a dataset: which is better, and the images they disagree on.

    Parameters
    ----------
    first, second : str
        Names of stored classifications, or the beginnings of them.
    split : str
        The images both are held against.
    resamples : int
        Bootstrap resamples of the intervals, 100 or more.
    seed : int
        Seed of the bootstrap.
    """

    kind: ClassVar[str] = "compare"
    first: str
    second: str
    split: str = "test"
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.first and self.second):
            raise SpecError("a comparison needs two stored classifications; see: workbench artifacts")
        check_range("resamples", self.resamples, 100, 1_000_000)
        check_range("seed", self.seed, 0, 2**31 - 1)

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"compare {self.first} with {self.second}"


@dataclass(frozen=True)
class PromptsSpec(Spec):
    """Measure what the choice of templates and synonyms does, search for better ones, and report the winner once.

    Parameters
    ----------
    dataset, clip : str
        As in :class:`~workbench.specs.images.EmbedSpec`.
    concepts : str
        The concept set that is looked into, as in :class:`~workbench.specs.images.ClassifySpec`; its templates and
        concepts are what the search may choose from.
    aggregate : str
        ``sum``, ``max``, ``vote`` or ``vote-mean``; empty for the concept set's own default.
    tune_on, report_on : str
        The split that everything is tried on, and the split on which the winner is measured once.
    metric : str
        What the search raises, one of :data:`PROMPT_METRICS`.
    least : float
        The least gain of a step of the search, as a share: 0 to 0.5.
    most_steps : int
        The most steps of the search, 0 to 200.
    sizes : str
        Numbers of templates, and of synonyms a class, of the experiment with random sets, such as ``"1,2,3"``.
    draws : int
        Random sets of each size, 1 to 100.
    seed : int
        Seed of the draws and of the bootstrap.
    """

    kind: ClassVar[str] = "prompts"
    dataset: str
    clip: str = "face-clip"
    concepts: str = "sentence-ensembles"
    aggregate: str = ""
    tune_on: str = "validation"
    report_on: str = "test"
    metric: str = "accuracy"
    least: float = 0.001
    most_steps: int = 60
    sizes: str = "1,2,3"
    draws: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        check_name(self.dataset)
        if self.aggregate and self.aggregate not in AGGREGATES:
            raise unknown_name("aggregate", self.aggregate, AGGREGATES)
        check_choice("metric", self.metric, PROMPT_METRICS)
        check_range("least", self.least, 0, 0.5)
        check_range("most_steps", self.most_steps, 0, 200)
        check_range("draws", self.draws, 1, 100)
        check_range("seed", self.seed, 0, 2**31 - 1)
        for size in numbers(self.sizes, "sizes"):
            if size != int(size) or not 1 <= size <= 1000:
                raise SpecError(f"sizes: {size:g} is no number of templates; use whole numbers from 1, such as 1,2,3")
        if self.tune_on == self.report_on:
            raise SpecError(
                f"tune_on and report_on are both {self.tune_on!r}; report on images that the prompts were not chosen by"
            )

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"prompts of {self.concepts} on {self.dataset}"


@dataclass(frozen=True)
class ProbeSpec(Spec):
    """Train a classifier on a dataset's stored embeddings or raw pixels, and judge it on images it has not seen.

    Parameters
    ----------
    dataset : str
        Name of a dataset in the workspace.
    learner : str
        One of :data:`LEARNERS`.
    on : str
        ``"embeddings"`` of a CLIP, or ``"pixels"``: gray, 48 x 48.
    clip : str
        ``face-clip``, ``MODEL/WEIGHTS`` of open_clip, ``hf-hub:owner/name`` or ``local-dir:PATH``; of no account with
        pixels.
    train : str
        The split that is learned from.
    tune_on : str
        The split that chooses the learner's setting.
    report_on : str
        The split that the one chosen is reported on, once.
    settings : str
        Values of the setting to try, comma-separated: strengths of a linear probe's penalty, hidden units of a
        perceptron, smallest leaves of a forest, numbers of neighbours. Empty for the learner's own.
    trees : int
        Trees of a forest, 100 to 100,000; the smallest leaf is chosen by forests of 100.
    seed : int
        Seed of what is left to chance, and of the bootstrap.
    """

    kind: ClassVar[str] = "probe"
    dataset: str
    learner: str = "linear"
    on: str = "embeddings"
    clip: str = "face-clip"
    train: str = "train"
    tune_on: str = "validation"
    report_on: str = "test"
    settings: str = ""
    trees: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        check_name(self.dataset)
        check_range("trees", self.trees, 100, 100_000)
        check_choice("learner", self.learner, LEARNERS)
        check_choice("source of features", self.on, SEES)
        check_range("seed", self.seed, 0, 2**31 - 1)
        if any(value <= 0 for value in self.values):
            raise SpecError(f"settings: {self.settings!r} holds a value that is not above 0")

    @property
    def values(self) -> tuple[float, ...]:
        """The values of the setting to try; none for the learner's own."""
        return numbers(self.settings, "settings") if self.settings else ()

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"train {self.learner} on {self.clip if self.on == 'embeddings' else 'pixels'} of {self.dataset}"
