"""Specs of studies of the embedding space: maps of it, and the angles in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.specs.base import Spec, check_choice, check_name, check_range

METHODS = ("umap", "tsne", "pca")
"""Ways to lay a map out; see workbench.methods.map."""
SPACES = ("centred", "raw", "shifted")
"""What is laid out: images and texts each around their own mean, as they are, or texts moved onto the images' mean."""


@dataclass(frozen=True)
class MapSpec(Spec):
    """Lay a dataset's images out on a plane, with a concept set's texts among them.

    Parameters
    ----------
    dataset, clip : str
        As in :class:`EmbedSpec`.
    method : str
        One of :data:`METHODS`.
    concepts : str
        The concept set whose texts are on the map, as in :class:`ClassifySpec`.
    split : str
        The images on the map.
    space : str
        One of :data:`SPACES`.
    neighbours : int
        UMAP: how many neighbours of an image shape its place, 2 to 200.
    perplexity : float
        t-SNE: about how many neighbours of an image shape its place, 2 to 200.
    min_dist : float
        UMAP: how close two images may come, 0 to 0.99.
    most : int
        The most images; of more a seeded sample is drawn, and the map says so. 10 or more.
    seed : int
        Seed of layout and sample.
    """

    kind: ClassVar[str] = "map"
    dataset: str
    clip: str = "face-clip"
    method: str = "umap"
    concepts: str = "fer7"
    split: str = "all"
    space: str = "centred"
    neighbours: int = 15
    perplexity: float = 30.0
    min_dist: float = 0.1
    most: int = 300_000
    seed: int = 0

    def __post_init__(self) -> None:
        check_name(self.dataset)
        check_choice("method", self.method, METHODS)
        check_choice("space", self.space, SPACES)
        check_range("neighbours", self.neighbours, 2, 200)
        check_range("perplexity", self.perplexity, 2, 200)
        check_range("min_dist", self.min_dist, 0, 0.99)
        check_range("most", self.most, 10, 10_000_000)
        check_range("seed", self.seed, 0, 2**31 - 1)

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"map {self.dataset} with {self.clip} and {self.method}"


@dataclass(frozen=True)
class AnglesSpec(Spec):
    """Measure in the full space which classes are opposite and which close, for images and for texts.

    Parameters
    ----------
    dataset, clip : str
        As in :class:`EmbedSpec`.
    concepts : str
        The concept set whose texts are compared, as in :class:`ClassifySpec`.
    split : str
        The images.
    resamples : int
        Bootstrap resamples of the intervals, 100 or more.
    seed : int
        Seed of the bootstrap.
    """

    kind: ClassVar[str] = "angles"
    dataset: str
    clip: str = "face-clip"
    concepts: str = "fer7"
    split: str = "all"
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        check_name(self.dataset)
        check_range("resamples", self.resamples, 100, 1_000_000)
        check_range("seed", self.seed, 0, 2**31 - 1)

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"angles between the classes of {self.dataset} with {self.clip}"
