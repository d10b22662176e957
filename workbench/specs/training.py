"""Specs of classifiers that are trained: probes, learned prompts, networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.errors import SpecError
from workbench.specs.base import Spec, check_choice, check_name, check_range, numbers

LEARNERS = ("linear", "mlp", "forest", "knn")
"""Kinds of probe; see workbench.methods.learners."""
SEES = ("embeddings", "pixels")
"""What a probe learns from."""
CONTEXTS = ("shared", "class")
"""Whether all classes have one learned context, or each its own."""
POSITIONS = ("end", "middle", "front")
"""Where the class's name stands in a learned prompt."""
OPTIMIZERS = ("sgd", "adamw", "adam")
"""Optimizers of networks and, but for ``adam``, of learned prompts."""
SCHEDULES = ("plateau", "cosine", "constant")
"""What becomes of a network's learning rate: lowered where validation stalls, lowered along a cosine, or left."""
BALANCES = ("none", "weights")
"""What is done about rare classes: nothing, or losses weighted by a class's rarity."""
PRECISIONS = ("auto", "full", "mixed")
"""Arithmetic of training: mixed where there is a GPU, float32, or mixed wherever the device allows."""


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


@dataclass(frozen=True)
class CoopSpec(Spec):
    """Learn the words around the class names: context optimisation.

    Parameters
    ----------
    dataset, clip : str
        As in :class:`~workbench.specs.images.EmbedSpec`; the CLIP must expose its text tower.
    concepts : str
        The concept set whose classes are told apart; a class's first concept is its name in the prompt.
    context : str
        ``shared`` by all classes, or one for each ``class``.
    length : int
        Learned vectors, 1 to 64; where ``words`` are given, as many as these have tokens.
    position : str
        Where the class's name stands: ``end``, ``middle`` or ``front``.
    words : str
        What the vectors begin as, such as ``"a photo of a"``; empty for small random vectors.
    shots : int
        Training images of each class; 0 for all there are.
    train, tune_on, report_on : str
        The split that is learned from, the one that stops the training, and the one it is reported on, once.
    optimizer : str
        ``sgd`` (momentum 0.9) or ``adamw``; the rate falls along a cosine.
    rate : float
        Learning rate at the start, above 0.
    weight_decay : float
        0 or more.
    epochs : int
        The most passes over the training images.
    batch : int
        Images a step, or all where there are fewer; the paper has 32, and a rate of 0.002 with it.
    patience : int
        Passes, and 100 steps at least, after which it stops where neither accuracy nor loss on ``tune_on`` has gained;
        0 for never.
    seed : int
        Seed of the drawn images, the start, their order and the bootstrap.

    References
    ----------
    Zhou, Yang, Loy and Liu, "Learning to Prompt for Vision-Language Models", IJCV 2022, arXiv:2109.01134.
    """

    kind: ClassVar[str] = "coop"
    sentences: ClassVar[tuple[str, ...]] = ("words",)
    dataset: str
    clip: str = "face-clip"
    concepts: str = "fer7"
    context: str = "shared"
    length: int = 16
    position: str = "end"
    words: str = ""
    shots: int = 0
    train: str = "train"
    tune_on: str = "validation"
    report_on: str = "test"
    optimizer: str = "sgd"
    rate: float = 0.005
    weight_decay: float = 0.0005
    epochs: int = 200
    batch: int = 512
    patience: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        check_name(self.dataset)
        check_choice("context", self.context, CONTEXTS)
        check_choice("position", self.position, POSITIONS)
        check_choice("optimizer", self.optimizer, OPTIMIZERS[:2])
        check_range("length", self.length, 1, 64)
        check_range("shots", self.shots, 0, 1_000_000)
        check_rate(self.rate, self.weight_decay)
        check_range("epochs", self.epochs, 1, 10_000)
        check_range("batch", self.batch, 1, 65_536)
        check_range("patience", self.patience, 0, 10_000)
        check_range("seed", self.seed, 0, 2**31 - 1)

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"learn prompts of {self.clip} on {self.dataset}"


@dataclass(frozen=True)
class TrainSpec(Spec):
    """Train a network on a dataset's images; without other settings, by the recipe published for the VGG.

    A CLIP's tower wants another recipe, such as ``adamw`` at a rate of 1e-5 to 5e-4, batches of 32 and few epochs.

    Parameters
    ----------
    dataset : str
        Name of a dataset in the workspace.
    network : str
        ``lenet``, ``googlenet``, ``resnet18``, ``resnet50``, ``vgg``, ``vgg-small``, or ``clip:SPEC`` for a CLIP's
        image tower with a new output layer.
    start : str
        What the weights begin as: empty for fresh ones, a name of torchvision's weights such as ``IMAGENET1K_V1``, or a
        file of weights, whose output layer may have another size. A CLIP's tower begins with its own weights and an
        output layer made of its texts of the classes (empty, or ``texts``), or of zeros (``new``).
    train, tune_on, report_on : str
        The split that is learned from, the one that guides rate and stop, and the one it is reported on, once.
    optimizer : str
        One of :data:`OPTIMIZERS`; ``sgd`` has Nesterov momentum 0.9.
    rate : float
        Learning rate at the start, above 0.
    weight_decay : float
        0 or more.
    schedule : str
        One of :data:`SCHEDULES`.
    epochs : int
        The most passes over the training images.
    batch : int
        Images a step.
    patience : int
        Passes without a gain on ``tune_on`` after which it stops; 0 for never.
    augment : float
        How strongly training faces are moved, turned, scaled and blanked: 1 as published, 0 not at all, to 2.
    balance : str
        One of :data:`BALANCES`.
    crops : int
        Views of a face whose answers are averaged: 1, or 10 (corners, centre and their mirror images). In training, a
        step takes one of the ten of each face. Looked into, a network has one view.
    precision : str
        One of :data:`PRECISIONS`.
    seed : int
        Seed of weights, order, augmentation and bootstrap.

    References
    ----------
    Khaireddin and Chen, "Facial Emotion Recognition: State of the Art Performance on FER2013", 2021, arXiv:2105.03588.
    """

    kind: ClassVar[str] = "train"
    dataset: str
    network: str = "vgg-small"
    start: str = ""
    train: str = "train"
    tune_on: str = "validation"
    report_on: str = "test"
    optimizer: str = "sgd"
    rate: float = 0.01
    weight_decay: float = 0.0001
    schedule: str = "plateau"
    epochs: int = 30
    batch: int = 64
    patience: int = 15
    augment: float = 1.0
    balance: str = "none"
    crops: int = 1
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        check_name(self.dataset)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_choice("balance", self.balance, BALANCES)
        check_choice("precision", self.precision, PRECISIONS)
        check_rate(self.rate, self.weight_decay)
        check_range("epochs", self.epochs, 1, 10_000)
        check_range("batch", self.batch, 2, 65_536)
        check_range("patience", self.patience, 0, 10_000)
        check_range("augment", self.augment, 0, 2)
        if self.crops not in (1, 10):
            raise SpecError(f"crops is {self.crops}; it must be 1 or 10")
        check_range("seed", self.seed, 0, 2**31 - 1)

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"train {self.network} on {self.dataset}"


def check_rate(rate: float, weight_decay: float) -> None:
    """Raise :class:`SpecError` where a learning rate or a weight decay makes no sense."""
    if not 0 < rate <= 100:
        raise SpecError(f"rate is {rate:g}; it must be above 0, to 100")
    check_range("weight_decay", weight_decay, 0, 10)
