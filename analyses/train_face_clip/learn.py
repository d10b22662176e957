"""The training loop of face-clip."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from captions import Tokens
from evaluate import ENSEMBLE, WORDS, embed, ensemble, expression_auroc, zero_shot
from network import Trainee, build, shape_of
from objective import Material, loss_of_step
from rendered import RenderedFaces

from workbench.data.faces import ACTIONS
from workbench.data.fer2013 import Faces
from workbench.models.training import (
    MovingAverage,
    batches,
    load_state,
    one_cycle,
    parameter_groups,
    save_state,
    seed_step,
)

log = logging.getLogger("train_face_clip")


def train(
    spec: Mapping[str, Any], material: Material, tokens: Tokens, watched: tuple[Faces, RenderedFaces], checkpoint: Path
) -> Trainee:
    """Run all steps, or those a checkpoint leaves (none with ``stop`` 0); return the network of averaged weights."""
    torch.manual_seed(spec["seed"])
    trainee = build(shape_of(spec["model"]), tokens)
    average = MovingAverage(trainee, spec["average_decay"])
    optimizer = _optimizer(trainee, spec)
    state = load_state(checkpoint)
    start = 0
    if state:
        start = state["step"]
        trainee.load_state_dict(state["model"])
        average.model.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
    photos = batches(len(material.photos), spec["photos_a_step"], spec["seed"], start)
    rendered = batches(len(material.rendered.emotions), spec["rendered_a_step"], spec["seed"] + 1, start)
    for step, *rows in zip(range(start, spec.get("stop", spec["steps"])), photos, rendered, strict=False):
        generator = seed_step(spec["seed"], step)
        for group in optimizer.param_groups:
            group["lr"] = group["share"] * learning_rate(step, spec["cycles"], spec["steps"])
        size = [pixels for begin, pixels in spec["sizes"] if step >= begin][-1]
        loss = loss_of_step(trainee.train(), material, (rows[0], rows[1]), size, generator, spec)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trainee.parameters(), 5.0)
        optimizer.step()
        average.update(trainee, step)
        done = step + 1
        if done % spec["save_every"] == 0 or done == spec["steps"]:
            parts = {"model": trainee.state_dict(), "average": average.model.state_dict()}
            save_state(checkpoint, step=done, optimizer=optimizer.state_dict(), **parts)
        if done % spec["evaluate_every"] == 0:
            log.info(
                "step %d loss %.3f %s", done, loss.item(), _watch(cast(Trainee, average.model), tokens, watched, size)
            )
    return cast(Trainee, average.model)


def learning_rate(step: int, cycles: Sequence[tuple[int, float]], steps: int) -> float:
    """Return the learning rate at a step: each cycle rises to its peak and falls until the next begins."""
    begins = [begin for begin, _ in cycles]
    ends = [*begins[1:], steps]
    begin, end, peak = [(b, e, p) for b, e, (_, p) in zip(begins, ends, cycles, strict=True) if step >= b][-1]
    return peak * one_cycle(step - begin, end - begin)


def _optimizer(trainee: Trainee, spec: Mapping[str, Any]) -> torch.optim.AdamW:
    text = torch.nn.ModuleList([trainee.clip.transformer, trainee.clip.token_embedding, trainee.clip.ln_final])
    loose = [trainee.clip.positional_embedding, trainee.clip.text_projection]
    slow = {id(parameter) for parameter in [*text.parameters(), *loose]}
    groups = []
    for group in parameter_groups(trainee, spec["weight_decay"]):
        for share, chosen in ((1.0, False), (spec["text_rate"], True)):
            members = [p for p in group["params"] if (id(p) in slow) == chosen]
            groups.append({"params": members, "weight_decay": group["weight_decay"], "share": share})
    return torch.optim.AdamW(groups, lr=spec["cycles"][0][1])


@torch.inference_mode()
def _watch(trainee: Trainee, tokens: Tokens, watched: tuple[Faces, RenderedFaces], size: int) -> str:
    """Zero-shot accuracy and mean AUROC of the averaged weights, at the size being trained at."""
    trainee.eval()
    photos, rendered = watched
    tower = trainee.clip.visual
    texts = ensemble(lambda t: trainee.texts(tokens.encode(t)), WORDS, ENSEMBLE)
    names = ensemble(lambda t: trainee.texts(tokens.encode(t)), ACTIONS, ("{}",))
    accuracy = zero_shot(embed(tower, photos.pixels, size), photos.labels, texts)
    auroc = expression_auroc(embed(tower, rendered.pixels, size), rendered.actions, names)
    mean, lowest = np.mean(list(auroc.values())), min(auroc, key=lambda name: auroc[name])
    return f"zero-shot {accuracy} AUROC {mean:.3f}, lowest {lowest} {auroc[lowest]:.3f}"
