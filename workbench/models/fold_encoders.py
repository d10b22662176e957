"""Small face encoders trained on some of a dataset's images, to judge the labels of the others.

Where a model was trained on an image, its opinion of that image echoes the label. An encoder of one's own, trained
without a fold, has seen nothing of it. It is the VGG of :mod:`workbench.models.architectures`, narrow enough to be
trained in minutes on one core.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from workbench.models.architectures import Vgg, VggConfig, normalise_gray
from workbench.models.training import (
    Augmentation,
    MovingAverage,
    augment,
    batches,
    descend,
    one_cycle,
    parameter_groups,
)

SIDE = 48
"""Side of the gray pictures that are learned from, in pixels."""
BATCH = 128
EPOCHS = 12
LEAST_STEPS, MOST_STEPS = 1200, 3000
"""Bounds of :func:`training_steps`; the upper one is 8 to 10 minutes on one core."""

_CROP = 40
_CHANNELS, _HIDDEN = (8, 16, 32, 64), 96
_LEARNING_RATE, _WEIGHT_DECAY, _DECAY, _SMOOTHING = 3e-3, 0.02, 0.998, 0.1
_AUGMENTATION = Augmentation(degrees=8.0, zoom=0.1, contrast=0.2, brightness=0.1, cutout=0.0, field=_CROP / SIDE)
_INFERENCE_BATCH = 512

RECIPE = f"vgg {_CHANNELS} {_HIDDEN} crop {_CROP} batch {BATCH} rate {_LEARNING_RATE} {_AUGMENTATION} v1"
"""What besides data, seed and steps decides about an encoder; part of what names a stored one."""

Weights = Mapping[str, NDArray[np.float32]]
"""An encoder's arrays by their names."""


class Encoded(NamedTuple):
    """What an encoder gives for N pictures: ``features`` float32 ``(N, 96)`` and ``logits`` float32 ``(N, K)``."""

    features: NDArray[np.float32]
    logits: NDArray[np.float32]


def training_steps(images: int) -> int:
    """Return how many batches an encoder learns from: 12 epochs, within the bounds of this module."""
    return int(np.clip(EPOCHS * images // BATCH, LEAST_STEPS, MOST_STEPS))


def train(
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    n_classes: int,
    seed: int,
    steps: int,
    tick: Callable[[], None] = lambda: None,
) -> dict[str, NDArray[np.float32]]:
    """Train an encoder and return its averaged weights.

    Parameters
    ----------
    pixels : uint8 array (N, 48, 48)
        Gray faces, two or more.
    labels : int64 array (N,)
        Their classes, 0 .. K - 1.
    n_classes : int
        K.
    seed : int
        Seed of the first weights, batches and disturbances.
    steps : int
        Number of batches; see :func:`training_steps`.
    tick : callable
        Called after each step; may raise to stop.
    """
    torch.manual_seed(seed)
    model = _network(n_classes)
    average = MovingAverage(model, _DECAY)
    optimizer = torch.optim.AdamW(parameter_groups(model, _WEIGHT_DECAY), lr=_LEARNING_RATE)
    faces, classes = torch.from_numpy(pixels), torch.from_numpy(labels)
    drawn = batches(len(labels), min(BATCH, len(labels)), seed, 0)

    def loss_of(rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        inputs = augment(faces[rows], _CROP, _AUGMENTATION, generator)
        logits = model.train()(_normalised(inputs, model.config))
        return functional.cross_entropy(logits, classes[rows], label_smoothing=_SMOOTHING)

    for step, rows in zip(range(steps), drawn, strict=False):
        descend(optimizer, partial(loss_of, rows), seed, step, _LEARNING_RATE * one_cycle(step, steps))
        average.update(model, step)
        tick()
    state = average.model.state_dict()
    return {name: value.detach().float().numpy().copy() for name, value in state.items()}


def encode(
    weights: Weights, pixels: NDArray[np.uint8], n_classes: int, tick: Callable[[int], None] = lambda _: None
) -> Encoded:
    """Run pictures and their mirror images through a trained encoder and take the mean.

    Parameters
    ----------
    weights : mapping
        What :func:`train` returned.
    pixels : uint8 array (N, 48, 48)
    n_classes : int
        K, as in training.
    tick : callable
        Called with the number of pictures after each batch.
    """
    model = _network(n_classes)
    own = model.state_dict()
    model.load_state_dict({name: torch.from_numpy(np.array(weights[name])).to(own[name].dtype) for name in own})
    model.eval()
    features, logits = [np.zeros((0, _HIDDEN), np.float32)], [np.zeros((0, n_classes), np.float32)]
    for start in range(0, len(pixels), _INFERENCE_BATCH):
        batch = torch.from_numpy(pixels[start : start + _INFERENCE_BATCH])
        with torch.inference_mode():
            inputs = normalise_gray(batch, model.config)
            sides = [_hidden(model, side.contiguous()) for side in (inputs, inputs.flip(-1))]
            hidden = (sides[0] + sides[1]) / 2
            features.append(hidden.numpy())
            logits.append(((model.lin3(sides[0]) + model.lin3(sides[1])) / 2).numpy())
        tick(len(batch))
    return Encoded(np.concatenate(features), np.concatenate(logits))


def _network(n_classes: int) -> Vgg:
    names = tuple(str(number) for number in range(n_classes))
    config = VggConfig(channels=_CHANNELS, hidden=_HIDDEN, classes=names, crop=_CROP)
    return Vgg(config).to(memory_format=torch.channels_last)


def _normalised(faces: torch.Tensor, config: VggConfig) -> torch.Tensor:
    return ((faces - config.mean) / config.std).contiguous(memory_format=torch.channels_last)


def _hidden(model: Vgg, inputs: torch.Tensor) -> torch.Tensor:
    """Return what the last layer sees, ``(N, 96)``."""
    seen: list[torch.Tensor] = []
    hook = model.lin3.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    try:
        model(inputs)
    finally:
        hook.remove()
    return seen[0]
