"""Units whose truth is known: planted on an action, of noise, and of a network that was never trained."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from workbench import Clip, ConceptSet
from workbench.data.faces import ACTIONS
from workbench.methods.zeroshot import ensemble
from workbench.models.architectures import build_architecture
from workbench.models.layers import capture, pool
from workbench.models.targets import prepare_gray

Floats = NDArray[np.float32]
BATCH = 256


class Units(NamedTuple):
    """Activations ``(N, U)``, the action planted in each unit ``(U,)``, -1 for none, and each unit's kind."""

    activations: Floats
    action: NDArray[np.int64]
    kind: NDArray[np.str_]


def planted(actions: Floats, noises: list[float], seed: int) -> Units:
    """Plant every action once for each strength of noise, in standard deviations of the action."""
    generator = np.random.default_rng(seed)
    columns = [actions + noise * actions.std(axis=0) * generator.normal(size=actions.shape) for noise in noises]
    kinds = np.repeat([f"planted, noise {noise:g}" for noise in noises], actions.shape[1])
    return Units(np.hstack(columns).astype(np.float32), np.tile(np.arange(actions.shape[1]), len(noises)), kinds)


def noise(images: int, count: int, seed: int) -> Units:
    """Make units without any relation to the images: half normal, half rectified and sparse."""
    values = np.random.default_rng(seed).normal(size=(images, count)).astype(np.float32)
    values[:, ::2] = np.maximum(values[:, ::2] - 1, 0)
    return Units(values, np.full(count, -1), np.full(count, "noise"))


def untrained(pictures: NDArray[np.uint8], layer: str, count: int, seed: int) -> Units:
    """Take units of a ``vgg-small`` with random weights: blind to expressions by design, but not to the picture."""
    torch.manual_seed(seed)
    network = build_architecture("vgg-small").eval()
    parts = []
    for start in range(0, len(pictures), BATCH):
        inputs = prepare_gray([Image.fromarray(picture) for picture in pictures[start : start + BATCH]], network.config)
        with torch.inference_mode(), capture(network, [layer]) as outputs:
            network(inputs)
        parts.append(pool(outputs[layer], "map" if outputs[layer].ndim == 4 else "vector").numpy())
    values = np.concatenate(parts)[:, :count]
    return Units(values, np.full(values.shape[1], -1), np.full(values.shape[1], f"untrained {layer}"))


def shuffled(units: Units, seed: int) -> Units:
    """Give every unit's activations to other images: the same values, without any relation to what is seen."""
    generator = np.random.default_rng(seed)
    values = generator.permuted(units.activations, axis=0)
    return Units(values, units.action, np.char.add("shuffled ", units.kind))


def together(*groups: Units) -> Units:
    """Put groups of units side by side, as one layer."""
    return Units(*(np.concatenate(parts, axis=-1) for parts in zip(*groups, strict=True)))


def concept_scores(pictures: NDArray[np.uint8], clip: Clip, concepts: ConceptSet) -> Floats:
    """Return the cosine of every picture with every action, the mean direction of its prompts: ``(N, 25)``."""
    prompts = concepts.prompts()
    texts = clip.encode_texts([prompt for template in prompts for prompt in template])
    directions = ensemble(texts.reshape(len(prompts), len(concepts.texts), -1))
    order = [concepts.texts.index(action) for action in ACTIONS]
    images = [
        clip.encode_images([Image.fromarray(picture) for picture in pictures[start : start + BATCH]])
        for start in range(0, len(pictures), BATCH)
    ]
    return np.asarray(np.concatenate(images) @ directions[order].T, dtype=np.float32)
