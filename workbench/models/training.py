"""What the training of a small network needs: disturbed copies of faces, a schedule, a moving average, a checkpoint.

Every random choice of a step is drawn from the seed and the step's number, so a training resumed from a checkpoint
continues exactly as if it had not stopped.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.errors import ModelError
from workbench.files import check_zip, write_atomically


@dataclass(frozen=True)
class Augmentation:
    """How strongly faces are disturbed in training; zeros leave them as they are.

    Attributes
    ----------
    flip : float
        Probability of a mirror image.
    degrees : float
        Largest rotation to either side, in degrees.
    shift : float
        Largest shift in either direction, as a share of the side.
    zoom : float
        Scale is drawn from 1 - zoom to 1 + zoom.
    contrast, brightness : float
        Gain drawn from 1 -/+ contrast, offset from -/+ brightness (gray values 0 to 1).
    cutout : float
        Largest side of the blanked square, as a share of the side; every second face gets one.
    field : float
        Share of the side that is seen at zoom 1: 40 / 48 for 40-pixel crops of 48-pixel faces.
    chance : float
        Probability of each of rotation, shift and zoom; a face that is spared one of them is not rotated, and so on.
    corners : bool
        Whether what is seen lies in the centre or in one of the four corners, drawn at random, in place of the centre.
    """

    flip: float = 0.5
    degrees: float = 12.0
    shift: float = 0.08
    zoom: float = 0.12
    contrast: float = 0.3
    brightness: float = 0.15
    cutout: float = 0.4
    field: float = 1.0
    chance: float = dataclasses.field(default=1.0, repr=False)
    corners: bool = dataclasses.field(default=False, repr=False)  # not shown: what is shown names stored encoders


def augment(pixels: Tensor, size: int, strength: Augmentation, generator: torch.Generator) -> Tensor:
    """Disturbed copies of gray faces.

    Parameters
    ----------
    pixels : Tensor, shape (N, S, S), uint8
        Gray faces.
    size : int
        Side of the result in pixels.
    strength : Augmentation
        How strongly.
    generator : torch.Generator
        Where chance comes from.

    Returns
    -------
    Tensor, shape (N, 1, size, size), float32
        Gray values, about 0 to 1.
    """
    count = len(pixels)

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=generator) * (high - low) + low

    angle = uniform(-strength.degrees, strength.degrees) * math.pi / 180
    scale = uniform(1 - strength.zoom, 1 + strength.zoom)
    mirror = 1 - 2 * (uniform(0, 1) < strength.flip).float()
    shift_x, shift_y = (uniform(-1, 1) * 2 * strength.shift for _ in range(2))
    if strength.chance < 1:
        turned, zoomed, shifted = ((uniform(0, 1) < strength.chance).float() for _ in range(3))
        angle, scale, shift_x, shift_y = angle * turned, 1 + (scale - 1) * zoomed, shift_x * shifted, shift_y * shifted
    scale = scale * strength.field
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    if strength.corners:
        corner = _corners(count, strength.field, generator)
        shift_x = shift_x + cosine * mirror * corner[0] - sine * corner[1]
        shift_y = shift_y + sine * mirror * corner[0] + cosine * corner[1]
    theta = torch.stack([cosine * mirror, -sine, shift_x, sine * mirror, cosine, shift_y], dim=1).view(count, 2, 3)
    grid = functional.affine_grid(theta, [count, 1, size, size], align_corners=False)
    faces = functional.grid_sample(
        pixels.float().div(255).unsqueeze(1), grid, padding_mode="border", align_corners=False
    )  # (N, 1, size, size)
    gain = uniform(1 - strength.contrast, 1 + strength.contrast).view(-1, 1, 1, 1)
    offset = uniform(-strength.brightness, strength.brightness).view(-1, 1, 1, 1)
    faces = ((faces - 0.5) * gain + 0.5 + offset).clamp(0, 1)
    return _cut_out(faces, strength.cutout, generator)


def _corners(count: int, field: float, generator: torch.Generator) -> Tensor:
    """Draw where the seen part lies, ``(2, count)`` in halves of its side from the centre: the centre or a corner."""
    drawn = torch.randint(0, 5, (count,), generator=generator)
    places = torch.tensor([[0, -1, 1, -1, 1], [0, -1, -1, 1, 1]]) * (1 - field) / field
    return places[:, drawn]


def _cut_out(faces: Tensor, share: float, generator: torch.Generator) -> Tensor:
    count, size = len(faces), faces.shape[-1]
    drawn = torch.rand(4, count, 1, 1, 1, generator=generator)
    half = drawn[0] * share * size / 2 * (drawn[3] < 0.5)
    line = torch.arange(size).float()
    far_y = (line.view(1, 1, -1, 1) - drawn[1] * size).abs() >= half
    far_x = (line.view(1, 1, 1, -1) - drawn[2] * size).abs() >= half
    keep = (far_y | far_x).float()
    return faces * keep + 0.5 * (1 - keep)


def one_cycle(step: int, steps: int, warmup: float = 0.1, final: float = 0.01) -> float:
    """Learning rate at a step as a share of the peak: linear rise over ``warmup`` of the steps, then a half cosine."""
    rise = max(1, round(steps * warmup))
    if step < rise:
        return (step + 1) / rise
    progress = (step - rise) / max(1, steps - rise)
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress))


def batches(count: int, size: int, seed: int, start: int) -> Iterator[Tensor]:
    """Endless batches of row numbers from step ``start`` on; every epoch is a fresh order without a short batch."""
    per_epoch = count // size
    step = start
    while True:
        epoch = step // per_epoch
        order = torch.randperm(count, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))
        for i in range(step % per_epoch, per_epoch):
            yield order[i * size : (i + 1) * size]
            step += 1


def seed_step(seed: int, step: int) -> torch.Generator:
    """Seed torch for one step (dropout) and return a generator for the rest of that step's random choices."""
    torch.manual_seed(seed * 1_000_003 + step)
    return torch.Generator().manual_seed(seed * 1_000_003 + step + 500_000_000)


class DivergedError(ModelError):
    """The loss of a training is no finite number any more, or far above guessing."""

    def __init__(self, step: int, rate: float, loss: str = "no finite number any more") -> None:
        super().__init__(
            f"the training diverged in step {step + 1:,}: at a rate of {rate:g} its loss is {loss}; "
            f"try a rate of {rate / 10:g}"
        )


def descend(
    optimizer: torch.optim.Optimizer,
    loss_of: Callable[[torch.Generator], Tensor],
    seed: int,
    step: int,
    rate: float,
    scaler: torch.amp.GradScaler | None = None,
) -> float:
    """Take one step downhill, the same whenever it is taken from the same weights: the step of every training here.

    Parameters
    ----------
    optimizer : Optimizer
        Of the weights.
    loss_of : callable
        The loss of the step's batch; it draws what is left to chance from the generator it is given, and from torch.
    seed, step : int
        Seed of the training, and number of the step from 0.
    rate : float
        Learning rate.
    scaler : GradScaler, optional
        For half precision whose small gradients would be lost.

    Returns
    -------
    float
        The loss before the step.

    Raises
    ------
    DivergedError
        The loss is not finite; the weights are left as they were.
    """
    generator = seed_step(seed, step)
    for group in optimizer.param_groups:
        group["lr"] = rate
    loss = loss_of(generator)
    value = float(loss.item())
    if not math.isfinite(value):
        raise DivergedError(step, rate)
    optimizer.zero_grad()
    if scaler is None:
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    else:
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        scaler.step(optimizer)
        scaler.update()
    return value


class MovingAverage:
    """An exponential moving average of a network's weights, batch-norm statistics included."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(requires_grad=False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after ``step``; early steps weigh more, so that the start is forgotten."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for mine, theirs in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
            if mine.is_floating_point():
                mine.lerp_(theirs, 1 - decay)
            else:
                mine.copy_(theirs)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters in two groups: matrices and kernels decay, biases and gains do not."""
    wide = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    flat = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    return [{"params": wide, "weight_decay": weight_decay}, {"params": flat, "weight_decay": 0.0}]


def save_state(path: Path, **parts: Any) -> None:
    """Write a training's state atomically: a killed run, or one without room, finds the last whole one.

    Raises
    ------
    StoreError
        The disk is full or not writable.
    """

    def write(temporary: Path) -> None:
        try:
            with temporary.open("wb") as file:
                torch.save(parts, file)
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):  # torch hides why the file cannot be written
                raise error.__context__ from None
            raise

    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, write)


def load_state(path: Path) -> dict[str, Any] | None:
    """Return what `save_state` wrote, or None where nothing was.

    Raises
    ------
    ModelError
        If the file is damaged.
    """
    if not path.exists():
        return None
    try:
        check_zip(path)  # which torch does not
        parts: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # on damaged bytes the readers raise nearly anything
        raise ModelError(f"{path}: a damaged training checkpoint; delete it to start again ({error})") from error
    return parts
