"""Train a network on faces: epochs, a rate that follows the validation images, a checkpoint, an early stop.

One loop for all networks of :mod:`workbench.models.networks`. A trainer's library (Lightning, accelerate, ignite) was
looked at and left: what is wanted beyond the bare loop is that a run killed within an epoch goes on bit for bit, and
they keep the state of whole epochs; the loop itself is the smaller part of what they bring.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from workbench.errors import Cancelled, ModelError
from workbench.models.epochs import Epoch
from workbench.models.networks import Architecture, TenViews, silence
from workbench.models.recipes import Recipe, number_format, optimizer_of, strengthened
from workbench.models.training import DivergedError, augment, batches, descend, load_state, save_state, seed_step
from workbench.progress import SILENT, Progress

STALL = 5
"""Epochs without a gain that ``plateau`` bears before it lowers the rate."""
FALL = 0.75
"""What ``plateau`` multiplies the rate with."""
FAR = 10.0
"""An epoch whose mean loss, or loss after its last step, is this many times that of guessing has diverged."""
SAVE_EVERY = 30.0
"""Seconds between two checkpoints within an epoch."""
_EVALUATED_AT_ONCE = 128


@dataclass(frozen=True)
class Faces:
    """Gray faces and their classes.

    Parameters
    ----------
    pixels : Tensor, shape (N, S, S), uint8
        Gray values; S may be another than the network's.
    labels : Tensor, shape (N,), int64
        Classes, 0 .. K - 1.
    """

    pixels: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Fitted:
    """What a training gave.

    Parameters
    ----------
    weights : dict of str to Tensor
        State of the epoch that was chosen, the first of those with most validation images right.
    curve : tuple of Epoch
        All epochs.
    chosen : int
        Number of that epoch, from 1.
    seconds : float
        Training and validation, interrupted runs included.
    early : bool
        Whether it stopped because validation no longer gained.
    """

    weights: dict[str, Tensor]
    curve: tuple[Epoch, ...]
    chosen: int
    seconds: float
    early: bool


@dataclass
class _State:
    """What a checkpoint keeps besides weights and optimizer."""

    step: int = 0
    loss: float = 0.0
    seconds: float = 0.0
    epoch_seconds: float = 0.0
    rate: float = 0.0
    stalled: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    curve: list[list[float]] = field(default_factory=list)

    @property
    def chosen(self) -> int:
        """Number of the best epoch, from 1; 0 before the first."""
        shares = [row[4] for row in self.curve]
        return shares.index(max(shares)) + 1 if shares else 0


def device() -> torch.device:
    """Return where networks are trained: the GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fit(
    module: nn.Module,
    architecture: Architecture,
    training: Faces,
    validation: Faces,
    weights: Tensor,
    recipe: Recipe,
    checkpoint: Path,
    progress: Progress = SILENT,
    told: Callable[[list[Epoch]], None] = lambda _: None,
) -> Fitted:
    """Train a network, or go on from its checkpoint: bit for bit as if it had never stopped, with as many threads.

    Parameters
    ----------
    module : nn.Module
        The network with the weights it begins with; the trained ones are returned, not put into it.
    architecture : Architecture
        What it was built from.
    training, validation : Faces
        What is learned from, and what guides rate, stop and choice.
    weights : Tensor, shape (K,)
        What a training image of each class counts; 0 for a class that is not there and never answered.
    recipe : Recipe
        How.
    checkpoint : Path
        Where the state is kept, every half minute, after each epoch and when it is stopped.
    progress, told
        Who is told of each step, and of the curve so far after each epoch (and when it begins).

    Raises
    ------
    ModelError
        The loss is no finite number, or that of an epoch :data:`FAR` above guessing: the rate is too high. Or the
        checkpoint is damaged.
    Cancelled
        Stopped by ``progress`` between two steps; the checkpoint is kept.
    """
    with torch.random.fork_rng(devices=[]), _repeatable():
        run = _Run(module, architecture, training, validation, weights, recipe, checkpoint)
        try:
            return run.go(progress, told)
        except (Cancelled, KeyboardInterrupt):
            run.save()
            raise
        except DivergedError:
            checkpoint.unlink(missing_ok=True)  # going on from it would end here again
            raise


class _Run:
    def __init__(
        self,
        module: nn.Module,
        architecture: Architecture,
        training: Faces,
        validation: Faces,
        weights: Tensor,
        recipe: Recipe,
        checkpoint: Path,
    ) -> None:
        self.device = device()
        self.module = copy.deepcopy(module).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.architecture, self.recipe, self.checkpoint = architecture, recipe, checkpoint
        self.training = training
        self.validation = Faces(architecture.view.squash(validation.pixels), validation.labels)
        self.weights, self.absent = weights.float().to(self.device), torch.where(weights == 0)[0].tolist()
        self.batch = min(recipe.batch, len(training.labels))
        self.steps = len(training.labels) // self.batch
        self.half = number_format(recipe.precision, self.device)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.half is torch.float16)
        view = architecture.view
        self.augmentation = strengthened(recipe.augment, view.crop / view.side)
        self.optimizer = optimizer_of(self.module, recipe)
        self.state = _State(rate=recipe.rate)
        self.whole = True  # no step is half done
        silence(self.module, architecture, self.absent)
        self._resume()

    def go(self, progress: Progress, told: Callable[[list[Epoch]], None]) -> Fitted:
        """Run the epochs that are left."""
        state, recipe = self.state, self.recipe
        told(self.curve)
        while (epoch := len(state.curve)) < recipe.epochs and not self.stalls:
            progress.step(f"epoch {epoch + 1} of {recipe.epochs}{self._so_far()}", self.steps * self.batch)
            progress.advance(state.step % self.steps * self.batch)
            self._learn(epoch, progress)
            self._end_epoch(epoch)
            told(self.curve)
        return Fitted(state.best, tuple(self.curve), state.chosen, state.seconds, self.stalls)

    @property
    def curve(self) -> list[Epoch]:
        """All epochs so far."""
        return [Epoch(int(number), *values) for number, *values in self.state.curve]

    @property
    def stalls(self) -> bool:
        """Whether validation has not gained for longer than is borne."""
        behind = len(self.state.curve) - self.state.chosen
        return 0 < self.recipe.patience <= behind

    def _learn(self, epoch: int, progress: Progress) -> None:
        state, recipe = self.state, self.recipe
        saved = begun = time.perf_counter()
        drawn = batches(len(self.training.labels), self.batch, recipe.seed, state.step)
        while state.step < (epoch + 1) * self.steps:
            loss = self._step(next(drawn))
            now = time.perf_counter()
            state.seconds, state.epoch_seconds, begun = (
                state.seconds + now - begun,
                state.epoch_seconds + now - begun,
                now,
            )
            state.loss += loss
            state.step += 1
            self.whole = True
            if now - saved > SAVE_EVERY:
                self.save()
                saved = begun = time.perf_counter()
            progress.advance(self.batch)

    def _step(self, rows: Tensor) -> float:
        """Learn from a batch and return its loss."""
        self.whole = False

        def loss_of(generator: torch.Generator) -> Tensor:
            return self._loss(self.module, rows, generator)

        step = self.state.step
        return descend(self.optimizer, loss_of, self.recipe.seed, step, self._rate(step), self.scaler)

    def _loss(self, module: nn.Module, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Return the loss of a batch, disturbed as ``generator`` draws."""
        view, labels = self.architecture.view, self.training.labels[rows].to(self.device)
        faces = augment(self.training.pixels[rows], view.crop, self.augmentation, generator).to(self.device)
        inputs = view.normalise(faces).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, self.half, enabled=self.half is not None):
            return functional.cross_entropy(module.train()(inputs), labels, self.weights)

    def _rate(self, step: int) -> float:
        if self.recipe.schedule != "cosine":
            return self.state.rate
        return self.recipe.rate * 0.5 * (1 + math.cos(math.pi * step / (self.steps * self.recipe.epochs)))

    def _end_epoch(self, epoch: int) -> None:
        state, begun, self.whole = self.state, time.perf_counter(), False
        silence(self.module, self.architecture, self.absent)
        logits = answers(self.module, self.architecture, self.validation.pixels)
        rate = self._rate(state.step - 1)
        if not np.isfinite(logits).all():
            raise DivergedError(state.step - 1, rate)
        labels = self.validation.labels
        accuracy = float((logits.argmax(axis=1) == labels.numpy()).mean())
        trained = ~torch.isin(labels, torch.tensor(self.absent, dtype=torch.int64))
        guided = functional.cross_entropy(torch.from_numpy(logits)[trained].double(), labels[trained])
        loss = float(guided) if trained.any() else 0.0
        self._refuse_far(epoch, loss)
        took = time.perf_counter() - begun
        state.seconds += took
        values = [rate, state.loss / self.steps, loss, accuracy]
        state.curve.append([float(epoch + 1), *values, state.epoch_seconds + took])
        state.loss = state.epoch_seconds = 0.0
        gained = state.chosen == epoch + 1
        if gained:
            state.best = {name: value.detach().cpu().clone() for name, value in self.module.state_dict().items()}
        state.stalled = 0 if gained else state.stalled + 1
        if self.recipe.schedule == "plateau" and state.stalled > STALL:
            state.rate, state.stalled = state.rate * FALL, 0
        self.whole = True
        self.save()

    def _refuse_far(self, epoch: int, validation: float) -> None:
        """Stop where the loss of an epoch, or what its last step left, is far above that of guessing.

        Validation alone does not tell: it is as bad for a while where batch norm's averages lag behind the weights. So
        the loss of training images decides, normalised by their own batch.
        """
        state, chance = self.state, math.log(len(self.weights) - len(self.absent))
        loss = state.loss / self.steps
        if loss <= FAR * chance < validation:
            rows = torch.arange(self.batch)
            with torch.no_grad():
                generator = seed_step(self.recipe.seed, state.step)
                loss = float(self._loss(copy.deepcopy(self.module), rows, generator))
        if not loss <= FAR * chance:
            far = f"{loss:.3g} in epoch {epoch + 1}, and that of guessing {chance:.2f}"
            raise DivergedError(state.step - 1, self._rate(state.step - 1), far)

    def _so_far(self) -> str:
        curve = self.state.curve
        if not curve:
            return ""
        return (
            f": {100 * curve[-1][4]:.1f} % of the validation images right, {100 * max(c[4] for c in curve):.1f} at best"
        )

    def save(self) -> None:
        """Write the checkpoint, unless a step is half done: then the last one stands."""
        if not self.whole:
            return
        parts = {"module": self.module.state_dict(), "optimizer": self.optimizer.state_dict()}
        save_state(self.checkpoint, scaler=self.scaler.state_dict(), state=dict(vars(self.state)), **parts)

    def _resume(self) -> None:
        parts = load_state(self.checkpoint)
        if parts is None:
            return
        try:
            self.module.load_state_dict(parts["module"])
            self.optimizer.load_state_dict(parts["optimizer"])
            self.scaler.load_state_dict(parts["scaler"])
            self.state = _State(**parts["state"])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            line = (str(error) or type(error).__name__).splitlines()[0]
            raise ModelError(
                f"{self.checkpoint}: the checkpoint of another training; delete it to start again ({line})"
            ) from error


def answers(
    module: nn.Module, architecture: Architecture, pixels: Tensor, views: int = 1, progress: Progress = SILENT
) -> NDArray[np.float32]:
    """Return the logits of gray faces, float32 ``(N, K)``, of the centre of each or averaged over ten crops.

    Parameters
    ----------
    pixels : Tensor, shape (N, S, S), uint8
        Gray faces of any side.
    views : int
        1 or 10.
    """
    view, place = architecture.view, next(module.parameters()).device
    answering = module.eval() if views == 1 else TenViews(module, view.crop).eval()
    found = [np.zeros((0, len(architecture.classes)), np.float32)]
    for part in torch.split(pixels, _EVALUATED_AT_ONCE):
        faces = view.squash(part)
        inputs = (view.centre(faces) if views == 1 else view.whole(faces)).to(place)
        with torch.inference_mode():
            found.append(answering(inputs.contiguous(memory_format=torch.channels_last)).float().cpu().numpy())
        progress.advance(len(part))
    return np.concatenate(found)


@contextmanager
def _repeatable() -> Iterator[None]:
    """Have a GPU's convolutions computed in one way, so that a resumed run equals one that never stopped."""
    former = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = former
