"""Specs of studies that doubt labels, settle them, and measure whether that helped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.errors import SpecError
from workbench.specs.base import Spec, check_choice, check_name, check_range

ENCODERS = ("given", "out-of-fold")
"""Where the probe's features come from: the given models, or small encoders that have not seen the image judged."""
DISPUTED = ("keep", "majority", "drop")
"""What becomes of an image whose reviewers disagree: its label, most reviewers' verdict, or no place in the dataset."""
KEEP_OR_DROP = ("keep", "drop")


@dataclass(frozen=True)
class SuspectsSpec(Spec):
    """Rank a dataset's images by how doubtful their labels are, and say what is wrong with each.

    Parameters
    ----------
    dataset, clip : str
        As in :class:`EmbedSpec`.
    network : str
        A network whose answers the probe sees beside the CLIP's embedding; empty for none.
    concepts : str
        The concept set of the CLIP's zero-shot opinion, as in :class:`ClassifySpec`.
    encoder : str
        One of :data:`ENCODERS`.
    folds : int
        Parts of the data; each is judged by what was learned from the others. 2 to 20.
    neighbours : int
        How many nearest images give their labels as an opinion, 1 to 200.
    votes : str
        A CSV file of FER+ votes in the row order of ``fer2013.csv``, to hold the ranking against; empty for none.
    seed : int
        Seed of folds and training.
    """

    kind: ClassVar[str] = "suspects"
    dataset: str
    clip: str = "face-clip"
    network: str = "face-cnn"
    concepts: str = "fer7"
    encoder: str = "given"
    folds: int = 5
    neighbours: int = 20
    votes: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        check_name(self.dataset)
        check_choice("encoder", self.encoder, ENCODERS)
        check_range("folds", self.folds, 2, 20)
        check_range("neighbours", self.neighbours, 1, 200)
        check_range("seed", self.seed, 0, 2**31 - 1)

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"suspects of {self.dataset} with {self.clip}"


@dataclass(frozen=True)
class CleanSpec(Spec):
    """Make a new dataset from one and the verdicts on it; the new one remembers its parent.

    Parameters
    ----------
    dataset : str
        The parent.
    name : str
        The new dataset's name.
    reviewers : str
        Whose verdicts count, comma-separated; empty for everybody's.
    disputed : str
        One of :data:`DISPUTED`.
    ambiguous, not_a_face : str
        What becomes of images with that verdict: ``"keep"`` or ``"drop"``.
    suspects : str
        Name of a stored search for suspects, or its beginning, whose proposals count where nobody has judged; empty for
        none.
    above : float
        The score from which a proposal counts, 0 to 1.
    """

    kind: ClassVar[str] = "clean"
    dataset: str
    name: str
    reviewers: str = ""
    disputed: str = "keep"
    ambiguous: str = "keep"
    not_a_face: str = "drop"
    suspects: str = ""
    above: float = 0.9

    def __post_init__(self) -> None:
        check_name(self.dataset)
        check_name(self.name)
        if self.name == self.dataset:
            raise SpecError(f"{self.name!r} is the parent's own name; give the cleaned dataset another")
        check_choice("disputed", self.disputed, DISPUTED)
        check_choice("ambiguous", self.ambiguous, KEEP_OR_DROP)
        check_choice("not_a_face", self.not_a_face, KEEP_OR_DROP)
        check_range("above", self.above, 0, 1)

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"clean {self.dataset} into {self.name}"


@dataclass(frozen=True)
class RetrainSpec(Spec):
    """Train a probe with a cleaned dataset's labels and with its parent's; compare both on the same held-out images.

    Parameters
    ----------
    dataset : str
        A cleaned dataset, which remembers its parent.
    clip : str
        As in :class:`EmbedSpec`.
    train, report_on : str
        The split that is learned from, and the split both probes are held against.
    leaks : str
        ``"drop"`` leaves out training images of which a near-duplicate is reported on; ``"keep"`` does not.
    resamples : int
        Bootstrap resamples of the interval, 100 or more.
    seed : int
        Seed of the bootstrap.
    """

    kind: ClassVar[str] = "retrain"
    dataset: str
    clip: str = "face-clip"
    train: str = "train"
    report_on: str = "test"
    leaks: str = "drop"
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        check_name(self.dataset)
        check_choice("leaks", self.leaks, KEEP_OR_DROP)
        check_range("resamples", self.resamples, 100, 1_000_000)
        check_range("seed", self.seed, 0, 2**31 - 1)
        if self.train == self.report_on:
            raise SpecError(f"train and report_on are both {self.train!r}; report on images that were not learned from")

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"train again on {self.dataset}"


@dataclass(frozen=True)
class LeakageSpec(Spec):
    """Count training images that stand in the reported split too, and measure what they add to accuracy.

    Parameters
    ----------
    dataset, clip : str
        As in :class:`EmbedSpec`.
    train, report_on, resamples, seed
        As in :class:`RetrainSpec`.
    """

    kind: ClassVar[str] = "leakage"
    dataset: str
    clip: str = "face-clip"
    train: str = "train"
    report_on: str = "test"
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        check_name(self.dataset)
        check_range("resamples", self.resamples, 100, 1_000_000)
        check_range("seed", self.seed, 0, 2**31 - 1)
        if self.train == self.report_on:
            raise SpecError(f"train and report_on are both {self.train!r}; leakage is between two splits")

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"leakage between {self.train} and {self.report_on} of {self.dataset}"


@dataclass(frozen=True)
class SlicesSpec(Spec):
    """Find groups of images that a run gets wrong more often than the rest, and name them in words.

    Parameters
    ----------
    run : str
        Name of a stored classification, or the beginning of it.
    clip : str
        The CLIP whose space groups the images and whose texts name the groups.
    concepts : str
        The concept set that names them, as in :class:`ClassifySpec`.
    split : str
        The images.
    attribute : str
        Slice by an attribute instead: a concept set by which the CLIP guesses it, or a CSV or Parquet file with a
        column ``id`` and the attributes; empty for groups in the embedding space.
    slices : int
        The most groups, 2 to 100.
    smallest : int
        The fewest images of a group, 5 or more.
    resamples : int
        Bootstrap resamples of the intervals, 100 or more.
    seed : int
        Seed of groups and bootstrap.
    """

    kind: ClassVar[str] = "slices"
    run: str
    clip: str = "face-clip"
    concepts: str = "facial-expressions"
    split: str = "test"
    attribute: str = ""
    slices: int = 12
    smallest: int = 20
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.run:
            raise SpecError("slices need a stored classification; see: workbench artifacts")
        check_range("slices", self.slices, 2, 100)
        check_range("smallest", self.smallest, 5, 1_000_000)
        check_range("resamples", self.resamples, 100, 1_000_000)
        check_range("seed", self.seed, 0, 2**31 - 1)

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        by = f" by {self.attribute}" if self.attribute else ""
        return f"slices of {self.run}{by}"
