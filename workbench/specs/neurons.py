"""Specs of studies that look into a network's units."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from workbench.errors import SpecError
from workbench.specs.base import Spec, check_choice, check_name, check_range, numbers

SIMILARITIES = ("soft_wpmi", "wpmi", "rank_reorder", "cos_similarity", "cos_similarity_cubed")
"""CLIP-Dissect's similarity functions; see workbench.methods.dissect."""
POOLINGS = ("", "avg", "max", "class")
"""Ways to make one activation of a channel; see workbench.models.layers."""
RULES = ("weights", "weights-and-bias", "similarity")
"""Ways to reweight a layer; see workbench.methods.reweight."""


@dataclass(frozen=True)
class DissectSpec(Spec):
    """Label the units of a network with concepts, with the evidence for each label.

    Parameters
    ----------
    dataset, clip, concepts : str
        As in :class:`ClassifySpec`.
    target : str
        The network looked into; see workbench.models.targets.
    layers : str
        Names or globs of layers, comma-separated (``"conv*,lin1"``); empty for every convolution and linear layer.
    similarity : str
        One of :data:`SIMILARITIES`.
    pool : str
        A channel's activation: ``avg`` or ``max`` over space or tokens, ``class`` for the class token; empty for the
        class token where there is one, else ``avg``.
    split : str
        The probing set: images that choose the labels. All others are held out and test them.
    tau : float
        A unit is interpretable when its greatest similarity exceeds it.
    alpha : float
        A label holds where its q-value is at most this, 0 to 1.
    top_k : int
        Most activating images kept for each unit, 1 to 40.
    draws : int
        Random image sets in the null distribution, 100 or more.
    resamples : int
        Bootstrap resamples of the probing set for a label's stability, 10 or more.
    seed : int
        Seed of draws and resamples.
    weights : str
        File of the target's weights, where its spec does not say.
    """

    kind: ClassVar[str] = "dissect"
    dataset: str
    target: str = "face-cnn"
    layers: str = ""
    concepts: str = "facial-expressions"
    clip: str = "face-clip"
    similarity: str = "soft_wpmi"
    pool: str = ""
    split: str = "train"
    tau: float = 0.0
    alpha: float = 0.05
    top_k: int = 5
    draws: int = 10_000
    resamples: int = 50
    seed: int = 0
    weights: str = ""

    def __post_init__(self) -> None:
        check_name(self.dataset)
        check_choice("similarity", self.similarity, SIMILARITIES)
        check_choice("pool", self.pool, POOLINGS)
        check_range("alpha", self.alpha, 0, 1)
        check_range("top_k", self.top_k, 1, 40)
        check_range("draws", self.draws, 100, 1_000_000)
        check_range("resamples", self.resamples, 10, 10_000)
        check_range("seed", self.seed, 0, 2**31 - 1)
        if not math.isfinite(self.tau):
            raise SpecError(f"tau is {self.tau}; it must be a finite number")

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"dissect {self.target} ({self.layers or 'all layers'}) on {self.dataset}"


@dataclass(frozen=True)
class AblateSpec(Spec):
    """Switch units of a layer off and measure what that costs each class.

    Parameters
    ----------
    dissection : str
        Name of the stored dissection whose target, layer and units are meant.
    layer : str
        One layer of it.
    value : str
        What a unit is set to: its ``mean`` over the probing set, or ``zero``.
    split : str
        Images on which recall and margin are measured.
    images : int
        The most images, drawn with the classes in proportion; 0 for all.
    sizes : str
        How many of a class's most selective units are switched off together, comma-separated.
    controls : int
        Random sets of each size to compare with, 20 or more.
    by : str
        How a class's units are ranked: ``selectivity`` (AUROC) or ``label`` (similarity, among those whose label speaks
        for the class).
    seed : int
        Seed of the image sample and of the random sets.
    """

    kind: ClassVar[str] = "ablate"
    dissection: str
    layer: str
    value: str = "mean"
    split: str = "validation"
    images: int = 1000
    sizes: str = "1,2,4,8,16,32"
    controls: int = 50
    by: str = "selectivity"
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("value", self.value, ("mean", "zero"))
        check_choice("by", self.by, ("selectivity", "label"))
        check_range("images", self.images, 0, 10**9)
        check_range("controls", self.controls, 20, 10_000)
        check_range("seed", self.seed, 0, 2**31 - 1)
        if any(size < 1 or size != int(size) for size in numbers(self.sizes, "sizes")):
            raise SpecError(f"sizes are {self.sizes!r}; use whole numbers from 1 on, such as 1,2,4,8")

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"ablate units of {self.layer}"


@dataclass(frozen=True)
class ReweightSpec(Spec):
    """Scale the weights of a layer's units by how interpretable they are, and judge the result.

    Parameters
    ----------
    dissection, layer : str
        As in :class:`AblateSpec`.
    rule : str
        ``weights``: weight rows of interpretable units times the factor, of the others divided by it;
        ``weights-and-bias``: the bias too; ``similarity``: each unit by its own similarity.
    threshold : str
        What makes a unit interpretable: its similarity above ``tau``, or its ``q`` at most the threshold.
    thresholds : str
        Numbers, comma-separated; empty for eight quantiles of the layer's own values.
    factors : str
        Numbers above 0, comma-separated.
    choose_on, report_on : str
        The split that chooses the setting, and the split on which the choice is reported once.
    protocol : str
        ``held-out``, or ``test-set``: choose on ``report_on`` itself, as the study did, and show its optimism.
    controls : int
        Random unit sets of equal size, 20 or more.
    seed : int
        Seed of the controls and of the bootstrap.
    """

    kind: ClassVar[str] = "reweight"
    dissection: str
    layer: str
    rule: str = "weights"
    threshold: str = "tau"
    thresholds: str = ""
    factors: str = "1.1,1.2,1.3,1.4,1.5,1.75,2,2.5,3"
    choose_on: str = "validation"
    report_on: str = "test"
    protocol: str = "held-out"
    controls: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("rule", self.rule, RULES)
        check_choice("threshold", self.threshold, ("tau", "q"))
        check_choice("protocol", self.protocol, ("held-out", "test-set"))
        check_range("controls", self.controls, 20, 10_000)
        check_range("seed", self.seed, 0, 2**31 - 1)
        if self.thresholds:
            numbers(self.thresholds, "thresholds")
        if any(factor <= 0 for factor in numbers(self.factors, "factors")):
            raise SpecError(f"factors are {self.factors!r}; each must be above 0")
        if self.protocol == "held-out" and self.choose_on == self.report_on:
            raise SpecError(
                f"the setting would be chosen on {self.choose_on!r} and reported on the same images; name two splits, "
                "or ask for the protocol test-set"
            )

    @property
    def title(self) -> str:
        """See :class:`Spec`."""
        return f"reweight {self.layer}"
