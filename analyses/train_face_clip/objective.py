"""The loss of one step, and what it is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from captions import CaptionTable
from network import Trainee
from numpy.typing import NDArray
from rendered import RenderedFaces
from torch import Tensor
from torch.nn import functional

from workbench.data.fer2013 import Faces
from workbench.models.training import Augmentation, augment


@dataclass(frozen=True)
class Material:
    """Everything a step draws from: photographs with a class, rendered faces with the truth, captions."""

    photos: Faces
    rendered: RenderedFaces
    emotions: CaptionTable
    expressions: CaptionTable


def loss_of_step(
    trainee: Trainee,
    material: Material,
    rows: tuple[Tensor, Tensor],
    size: int,
    generator: torch.Generator,
    spec: Mapping[str, Any],
) -> Tensor:
    """Loss of one batch of photographs and rendered faces.

    Photographs and rendered emotions: cross-entropy over all captions of a step, each class's share spread evenly over
    its captions. Both kinds: a yes or no for each pair of image and caption (SigLIP), for emotions by class, for facial
    expressions by the truth of the rendered faces; photographs say nothing about expressions. Two linear heads help.

    Parameters
    ----------
    rows : tuple of Tensor
        Row numbers of the photographs and of the rendered faces.
    size : int
        Side in pixels the faces are trained at in this step.
    """
    weights, each = spec["weights"], spec["captions_each"]
    strength = Augmentation(**spec["augmentation"])
    photos, rendered = rows
    pixels = _joined(material.photos.pixels[photos], material.rendered.pixels[rendered])
    classes = _joined(material.photos.labels[photos], material.rendered.emotions[rendered])
    actions = torch.from_numpy(material.rendered.actions[rendered])  # (R, 25)
    raw = trainee.images(augment(pixels, size, strength, generator))
    images = functional.normalize(raw, dim=1)
    tokens = torch.cat([material.emotions.draw(each, generator), material.expressions.draw(2, generator)])
    texts = trainee.texts(tokens)
    emotion_texts, expression_texts = texts[: 7 * each], texts[7 * each :]

    known = classes >= 0
    targets = functional.one_hot(classes[known], 7).float()  # (N, 7)
    smooth = targets * (1 - spec["label_smoothing"]) + spec["label_smoothing"] / 7
    cosines = images[known] @ emotion_texts.T  # (N, 7 * each)
    logits = cosines * trainee.clip.logit_scale.clamp(max=4.6).exp()
    loss = weights["contrast"] * functional.cross_entropy(logits, smooth.repeat_interleave(each, 1) / each)
    loss = loss + weights["pairs"] * _pairs(trainee, cosines, targets.repeat_interleave(each, 1)) * 7
    loss = loss + weights["emotion_head"] * functional.cross_entropy(trainee.emotion_head(raw[known]), smooth)

    truth = (actions / spec["full_strength"]).clamp(max=1)
    found = images[len(photos) :] @ expression_texts.T  # (R, 50)
    loss = loss + weights["expressions"] * _pairs(trainee, found, truth.repeat_interleave(2, 1))
    heads = trainee.action_head(raw[len(photos) :])
    return loss + weights["action_head"] * functional.binary_cross_entropy_with_logits(heads, truth)


def _joined(photos: NDArray[Any], rendered: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.concatenate([photos, rendered]))


def _pairs(trainee: Trainee, cosines: Tensor, truth: Tensor) -> Tensor:
    logits = cosines * trainee.pair_scale.exp() + trainee.pair_offset
    return functional.binary_cross_entropy_with_logits(logits, truth)
