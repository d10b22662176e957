"""The rungs of the ladder: every way to classify faces, as the spec that runs it, and what studies reported of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workbench.errors import SpecError
from workbench.specs import (
    ALL_RUNGS,
    ClassifySpec,
    CoopSpec,
    LadderSpec,
    PredictSpec,
    ProbeSpec,
    Spec,
    TrainSpec,
    words,
)

ZERO_SHOT = "zero-shot"
"""The family that learns nothing."""
FAMILIES = (ZERO_SHOT, "learned prompts", "probe", "pixels", "network")
"""What kinds of rungs there are: by what is learned, and from what."""


@dataclass(frozen=True)
class Published:
    """An accuracy that somebody reported of the same way to classify, with another model or on other images.

    Parameters
    ----------
    percent : float
        Accuracy in percent.
    source : str
        Who reported it, of what.
    """

    percent: float
    source: str


@dataclass(frozen=True)
class Rung:
    """A way to classify.

    Parameters
    ----------
    name, title : str
        For commands, and in words.
    family : str
        One of :data:`FAMILIES`.
    spec : callable
        From the ladder's spec and a seed to the study that makes the classification, or the classifier.
    chance : bool
        Whether the seed changes the result.
    slow : bool
        Whether it takes a CPU hours; left out unless asked for.
    published : tuple of Published
        What was reported elsewhere: not measured here, not on these images alone, with other models.
    """

    name: str
    title: str
    family: str
    spec: Callable[[LadderSpec, int], Spec]
    chance: bool = True
    slow: bool = False
    published: tuple[Published, ...] = ()


def _zero_shot(concepts: str, aggregate: str = "") -> Callable[[LadderSpec, int], Spec]:
    return lambda spec, _: ClassifySpec(spec.dataset, spec.clip, concepts, aggregate)


def _probe(learner: str, on: str = "embeddings") -> Callable[[LadderSpec, int], Spec]:
    def spec_of(spec: LadderSpec, seed: int) -> Spec:
        clip = {"clip": spec.clip} if on == "embeddings" else {}
        return ProbeSpec(spec.dataset, learner, on, **clip, **_splits(spec), trees=spec.trees, seed=seed)

    return spec_of


def _coop(spec: LadderSpec, seed: int) -> Spec:
    return CoopSpec(spec.dataset, spec.clip, **_splits(spec), seed=seed)


def _network(network: str, pace: float = 1.0, **settings: Any) -> Callable[[LadderSpec, int], Spec]:
    """Train a network of a name, of none the ladder's CLIP, for ``pace`` times the ladder's epochs."""

    def spec_of(spec: LadderSpec, seed: int) -> Spec:
        name, epochs = network or f"clip:{spec.clip}", max(1, round(pace * spec.epochs))
        return TrainSpec(spec.dataset, name, **_splits(spec), epochs=epochs, seed=seed, **settings)

    return spec_of


_TUNED = {"optimizer": "adamw", "rate": 5e-4, "weight_decay": 1e-5, "batch": 32, "schedule": "cosine", "augment": 0.5}
"""How a CLIP's image tower is tuned: the rate was chosen on FER2013's validation images, for one epoch."""


def _splits(spec: LadderSpec) -> dict[str, Any]:
    return {"train": spec.train, "tune_on": spec.tune_on, "report_on": spec.report_on}


_SATISFACTION = "customer-satisfaction study 2023"
_EMBEDDINGS = "CLIP embeddings study 2023"
_COMPARED = "ResNet, CLIP and CoOp compared 2024"

RUNGS: dict[str, Rung] = {
    rung.name: rung
    for rung in (
        Rung("names", "bare names of the classes", "zero-shot", _zero_shot("emotion-names"), chance=False,
             published=(Published(13, f"{_SATISFACTION}, a public CLIP"),)),
        Rung("template", "one sentence around the names", "zero-shot", _zero_shot("gray-person"), chance=False,
             published=(Published(42, f"{_SATISFACTION}, a public CLIP"),)),
        Rung("ensemble", "eight sentences, averaged", "zero-shot", _zero_shot("fer7"), chance=False,
             published=(Published(40.9, "CLIP_benchmark, merged test, OpenAI ViT-B/32"),
                        Published(45.8, "CLIP_benchmark, merged test, OpenAI ViT-B/16"),
                        Published(49.0, "CLIP_benchmark, merged test, OpenAI ViT-L/14"),
                        Published(53.7, "CLIP_benchmark, merged test, best LAION-2B ViT-L/14"))),
        Rung("fine-sum", "fine emotions, probabilities summed", "zero-shot",
             _zero_shot("customer-satisfaction", "sum"), chance=False,
             published=(Published(43, f"{_SATISFACTION}, a public CLIP"),)),
        Rung("fine-max", "fine emotions, the most probable one", "zero-shot",
             _zero_shot("customer-satisfaction", "max"), chance=False,
             published=(Published(40, f"{_SATISFACTION}, a public CLIP"),)),
        Rung("rank-vote", "synonyms, sentences vote by rank", "zero-shot", _zero_shot("sentence-ensembles", "vote"),
             chance=False),
        Rung("coop", "learned prompts (CoOp)", "learned prompts", _coop,
             published=(Published(60, _COMPARED),)),
        Rung("linear", "linear probe", "probe", _probe("linear"), chance=False,
             published=(Published(72, "OpenAI ViT-L/14, about; who measured it is not known here"),)),
        Rung("mlp", "perceptron on embeddings", "probe", _probe("mlp"), published=(Published(71.40, _EMBEDDINGS),)),
        Rung("forest", "random forest on embeddings", "probe", _probe("forest"),
             published=(Published(68.17, f"{_EMBEDDINGS}, 10,000 trees"),)),
        Rung("knn", "nearest neighbours of embeddings", "probe", _probe("knn"), chance=False),
        Rung("pixel-mlp", "perceptron on pixels", "pixels", _probe("mlp", "pixels"),
             published=(Published(41.40, _EMBEDDINGS),)),
        Rung("pixel-forest", "random forest on pixels", "pixels", _probe("forest", "pixels"),
             published=(Published(48.90, _EMBEDDINGS),)),
        Rung("lenet", "LeNet", "network", _network("lenet"), published=(Published(44, f"{_SATISFACTION}, about"),)),
        Rung("vgg-small", "small VGG, ten crops", "network", _network("vgg-small", crops=10)),
        Rung("face-cnn", "bundled face-cnn", "network", lambda spec, _: PredictSpec(spec.dataset, "face-cnn"),
             chance=False),
        Rung("clip-tuned", "CLIP's image tower, fine-tuned", "network", _network("", pace=0.1, **_TUNED),
             published=(Published(68, _COMPARED),)),
        Rung("vgg", "VGG, ten crops", "network", _network("vgg", crops=10), slow=True,
             published=(Published(69.42, "reweighting study 2024, merged test"),
                        Published(73.28, "Khaireddin & Chen 2021"))),
        Rung("googlenet", "GoogLeNet", "network", _network("googlenet"), slow=True,
             published=(Published(60, f"{_SATISFACTION}, about"),)),
        Rung("resnet18", "ResNet-18", "network", _network("resnet18"), slow=True),
        Rung("resnet50", "ResNet-50", "network", _network("resnet50"), slow=True,
             published=(Published(75, f"{_SATISFACTION}, about; which ResNet is not said"),
                        Published(34, f"{_COMPARED}, fine-tuned"))),
    )
}  # fmt: skip
"""Every rung by its name, in the order of a table without figures."""


def chosen(text: str) -> tuple[Rung, ...]:
    """Return the rungs a comma-separated list names, in the ladder's order.

    Parameters
    ----------
    text : str
        Names; empty for all that are not slow, ``all`` for every one.

    Raises
    ------
    SpecError
        Nothing is named.
    """
    named = words(text)
    if text.strip() and not named:
        raise SpecError(f"rungs: {text!r} names none")
    every = ALL_RUNGS in named
    return tuple(rung for rung in RUNGS.values() if every or rung.name in named or (not named and not rung.slow))
