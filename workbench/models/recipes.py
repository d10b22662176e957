"""How a network is trained: the choices, the disturbances of the faces, what rare classes count, the arithmetic.

References
----------
Khaireddin and Chen, "Facial Emotion Recognition: State of the Art Performance on FER2013", 2021, arXiv:2105.03588.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from workbench.models.training import Augmentation

AUGMENTATION = Augmentation(
    flip=0.5, degrees=10.0, shift=0.2, zoom=0.2, contrast=0.0, brightness=0.0, cutout=0.55, chance=0.5, corners=True
)
"""The published one. Each of scale, shift and rotation has probability 0.5, as has a blanked square (there: a
rectangle) of up to 0.3 of the area. Of the ten crops of a face, a step takes one, drawn at random (there: all ten, at
ten times the cost)."""


@dataclass(frozen=True)
class Recipe:
    """How to train; the fields are those of :class:`workbench.specs.TrainSpec`."""

    optimizer: str
    rate: float
    weight_decay: float
    schedule: str
    epochs: int
    batch: int
    patience: int
    augment: float
    precision: str
    seed: int


def class_weights(labels: Tensor, classes: int, balance: str) -> Tensor:
    """Return what a training image of each class counts, float32 ``(K,)``; 0 for a class without images.

    With ``weights`` a class counts by its rarity: images / (classes that occur x images of the class), so that all
    classes count the same in all and an image counts 1 in the mean. With ``none`` each image counts 1.
    """
    counts = torch.bincount(labels, minlength=classes).float()
    present = (counts > 0).float()
    if balance == "none":
        return present
    return present * len(labels) / (present.sum() * counts.clamp(min=1))


def strengthened(strength: float, seen: float) -> Augmentation:
    """Return :data:`AUGMENTATION` times ``strength`` (0 to 2), for crops that see the share ``seen`` of a side."""
    base = AUGMENTATION
    return replace(
        base,
        flip=base.flip if strength > 0 else 0.0,
        degrees=base.degrees * strength,
        shift=base.shift * strength,
        zoom=base.zoom * strength,
        cutout=min(base.cutout * strength, 0.9),
        field=seen,
        corners=strength > 0 and seen < 1,
    )


def optimizer_of(module: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the optimizer of a network's parameters."""
    settings: dict[str, Any] = {"lr": recipe.rate, "weight_decay": recipe.weight_decay}
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(module.parameters(), momentum=0.9, nesterov=True, **settings)
    kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return kind(module.parameters(), **settings)


def number_format(precision: str, place: torch.device) -> torch.dtype | None:
    """Return the number format of mixed arithmetic, or None for float32 throughout."""
    if precision == "full" or (precision == "auto" and place.type != "cuda"):
        return None
    if place.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16
