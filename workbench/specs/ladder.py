"""Specs of what is asked of classifiers of faces: prompts, comparisons, the ladder, robustness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.errors import SpecError, unknown_name
from workbench.specs.base import Spec, check_choice, check_name, check_range, numbers, words
from workbench.specs.images import AGGREGATES

RUNGS = (
    *("names", "template", "ensemble", "fine-sum", "fine-max", "rank-vote", "coop", "linear", "mlp", "forest", "knn"),
    *("pixel-mlp", "pixel-forest", "lenet", "vgg-small", "face-cnn", "clip-tuned"),
    *("vgg", "googlenet", "resnet18", "resnet50"),
)
"""Names of the ways to classify; see workbench.studies.rungs. The last four take a CPU hours."""
ALL_RUNGS = "all"
"""What stands for every way, the slow ones among them."""
PROMPT_METRICS = ("accuracy", "macro_f1")
"""What a search for prompts may raise."""

DISTURBANCES = (
    "brightness",
    "contrast",
    "blur",
    "noise",
    "jpeg",
    "size",
    "rotation",
    "eyes",
    "mouth",
)
"""What a face can suffer: light, focus, sensor, storage, distance, tilt, and a bar over eyes or mouth."""
RENDERED = ("yaw", "pitch", "light")
"""What faces can be rendered anew with: turned to the side, nodding, lit from the side."""


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
class LadderSpec(Spec):
    """Run every way to classify faces on the same images, and put them side by side.

    Parameters
    ----------
    dataset, clip : str
        As in :class:`~workbench.specs.images.EmbedSpec`.
    rungs : str
        Some of :data:`RUNGS`, comma-separated; empty for all but the four last, ``all`` for every one.
    train, tune_on, report_on : str
        The split that is learned from, the one that chooses settings, and the one all are reported on.
    seeds : int
        How often a way that has chance in it is trained, 1 to 20; its figures are the mean over the seeds.
    trees : int
        Trees of the forests.
    epochs : int
        Passes over the training images of each network, 1 to 1,000.
    resamples : int
        Bootstrap resamples of images, 100 or more.
    seed : int
        The first seed.
    """

    kind: ClassVar[str] = "ladder"
    dataset: str
    clip: str = "face-clip"
    rungs: str = ""
    train: str = "train"
    tune_on: str = "validation"
    report_on: str = "test"
    seeds: int = 3
    trees: int = 500
    epochs: int = 8
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        check_name(self.dataset)
        for name in words(self.rungs):
            if name not in (*RUNGS, ALL_RUNGS):
                raise unknown_name("rung", name, (*RUNGS, ALL_RUNGS))
        check_range("seeds", self.seeds, 1, 20)
        check_range("trees", self.trees, 100, 100_000)
        check_range("epochs", self.epochs, 1, 1000)
        check_range("resamples", self.resamples, 100, 1_000_000)
        check_range("seed", self.seed, 0, 2**31 - 100)

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"ladder on {self.dataset}"


@dataclass(frozen=True)
class RobustnessSpec(Spec):
    """Measure classifiers on faces that are disturbed more and more.

    Parameters
    ----------
    dataset : str
        Name of a dataset in the workspace.
    models : str
        Classifiers, comma-separated: ``clip:SPEC``, ``probe:NAME``, ``coop:NAME``, ``trained:NAME``, or another target
        with classes.
    concepts : str
        The concept set that makes a classifier of a bare CLIP.
    split : str
        The images that are disturbed.
    disturbances : str
        Some of :data:`DISTURBANCES` and :data:`RENDERED`, comma-separated; empty for all.
    images : int
        The most images; of more, a sample is drawn. 0 for all.
    faces : int
        Rendered faces at each angle of pose and light, 0 to 10,000.
    resamples : int
        Bootstrap resamples, 100 or more.
    seed : int
        Seed of sample, noise, rendered faces and bootstrap.
    """

    kind: ClassVar[str] = "robustness"
    dataset: str
    models: str = "clip:face-clip"
    concepts: str = "fer7"
    split: str = "test"
    disturbances: str = ""
    images: int = 1000
    faces: int = 350
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        check_name(self.dataset)
        for name in words(self.disturbances):
            check_choice("disturbance", name, (*DISTURBANCES, *RENDERED))
        if not words(self.models):
            raise SpecError("models: name at least one classifier, such as clip:face-clip")
        check_range("images", self.images, 0, 10_000_000)
        check_range("faces", self.faces, 0, 10_000)
        check_range("resamples", self.resamples, 100, 1_000_000)
        check_range("seed", self.seed, 0, 2**31 - 1)

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"robustness on {self.dataset}"
