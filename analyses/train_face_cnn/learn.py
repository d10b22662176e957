"""The training loop of face-cnn."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from evaluate import scores
from torch import Tensor
from torch.nn import functional

from workbench.data.fer2013 import Faces
from workbench.models.architectures import Vgg, build_architecture
from workbench.models.training import (
    Augmentation,
    MovingAverage,
    augment,
    batches,
    descend,
    load_state,
    one_cycle,
    parameter_groups,
    save_state,
)

log = logging.getLogger("train_face_cnn")


def train(spec: Mapping[str, Any], training: Faces, validation: Faces, checkpoint: Path) -> Vgg:
    """Run all steps, or those a checkpoint leaves; return the network of averaged weights."""
    torch.manual_seed(spec["seed"])
    model = build_architecture(spec["architecture"]).to(memory_format=torch.channels_last)
    average = MovingAverage(model, spec["average_decay"])
    optimizer = torch.optim.AdamW(parameter_groups(model, spec["weight_decay"]), lr=spec["learning_rate"])
    state = load_state(checkpoint)
    start = 0
    if state:
        start = state["step"]
        model.load_state_dict(state["model"])
        average.model.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
    strength, config = Augmentation(**spec["augmentation"]), model.config
    pixels, labels = torch.from_numpy(training.pixels), torch.from_numpy(training.labels)
    strength = replace(strength, field=config.crop / pixels.shape[-1])
    drawn = batches(len(labels), spec["batch"], spec["seed"], start)

    def loss_of(rows: Tensor, generator: torch.Generator) -> Tensor:
        faces = augment(pixels[rows], config.crop, strength, generator)
        logits = model.train()(((faces - config.mean) / config.std).contiguous(memory_format=torch.channels_last))
        return functional.cross_entropy(logits, labels[rows], label_smoothing=spec["label_smoothing"])

    for step, rows in zip(range(start, spec["steps"]), drawn, strict=False):
        rate = spec["learning_rate"] * one_cycle(step, spec["steps"])
        loss = descend(optimizer, partial(loss_of, rows), spec["seed"], step, rate)
        average.update(model, step)
        done = step + 1
        if done % spec["save_every"] == 0 or done == spec["steps"]:
            parts = {"model": model.state_dict(), "average": average.model.state_dict()}
            save_state(checkpoint, step=done, optimizer=optimizer.state_dict(), **parts)
        if done % spec["evaluate_every"] == 0 or done == spec["steps"]:
            log.info("step %d loss %.3f %s", done, loss, scores(cast(Vgg, average.model), validation)["accuracy"])
    return cast(Vgg, average.model)
