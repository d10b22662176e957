"""Learn the vectors around class names: context optimisation, on embeddings of images that stay as they are.

References
----------
Zhou, Yang, Loy and Liu, "Learning to Prompt for Vision-Language Models", IJCV 2022, arXiv:2109.01134.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from workbench.errors import ModelError, SpecError
from workbench.models.prompt_tower import Prompts, PromptTower
from workbench.models.training import batches, load_state, save_state
from workbench.progress import Progress
from workbench.specs.training import CoopSpec

START_DEVIATION = 0.02
"""Standard deviation of the vectors a context begins as where no words are given, as in the paper."""
_MOMENTUM = 0.9
_EVERY = 100
"""Steps after which the state is kept within an epoch."""
_FAR = 2.0
_BAD_EPOCHS = 3
"""A loss this many times chance, and above the start's, over so many epochs is a training that diverges."""
_PATIENCE = 100
"""Steps without a gain that a training is always given: of few images an epoch is a single step."""
_GAIN = 0.001
"""Nats by which the loss of the images that choose must fall to count as a gain."""


class Examples(NamedTuple):
    """Images: embeddings ``(N, D)``, float32 of length 1, and classes ``(N,)``, int64."""

    features: Tensor
    labels: Tensor


@dataclass
class _Course:
    """Where a training stands; all that is needed to go on from there."""

    context: Tensor
    best: Tensor
    step: int = 0
    best_epoch: int = 0
    gained: int = 0
    least: float = math.inf
    loss: float = 0.0
    bad: int = 0
    seconds: float = 0.0
    curve: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Learned:
    """What was learned.

    Parameters
    ----------
    context : Tensor (1, M, W) or (K, M, W)
        The vectors of the best epoch, shared or a row a class.
    texts : Tensor (K, D)
        The prompts they make, encoded, of length 1.
    curve : list of dict
        By epoch, 0 the start: ``epoch``, ``loss`` (mean over the epoch's steps, at the start over all images; nats),
        ``accuracy`` (0..1) and ``log_loss`` (nats) on the images that choose.
    best_epoch : int
        The epoch that is kept.
    seconds : float
        What training took, over all runs that took part.
    """

    context: Tensor
    texts: Tensor
    curve: list[dict[str, float]]
    best_epoch: int
    seconds: float


def start(tower: PromptTower, spec: CoopSpec, n_classes: int) -> Tensor:
    """Return the vectors that learning begins with, ``(1, M, W)`` or, a context for each class, ``(K, M, W)``.

    Raises
    ------
    SpecError
        The words to begin with have no tokens.
    """
    count = n_classes if spec.context == "class" else 1
    if spec.words:
        return tower.words(spec.words).unsqueeze(0).repeat(count, 1, 1)
    generator = torch.Generator().manual_seed(spec.seed)
    return torch.randn(count, spec.length, tower.width, generator=generator) * START_DEVIATION


class Coop:
    """A training of context vectors.

    Parameters
    ----------
    tower : PromptTower
        The frozen text tower.
    prompts : Prompts
        A prompt a class (K).
    spec : CoopSpec
        Context, optimizer, rate, epochs, patience, seed.
    known, judged : Examples
        Images that are learned from, and those that choose the epoch.
    """

    def __init__(self, tower: PromptTower, prompts: Prompts, spec: CoopSpec, known: Examples, judged: Examples) -> None:
        self._tower, self._prompts, self._spec = tower, prompts, spec
        self._known, self._judged = known, judged
        self._batch = min(spec.batch, len(known.labels))
        self._per_epoch = len(known.labels) // self._batch
        self.steps = self._per_epoch * spec.epochs

    def learn(
        self,
        begin: Tensor,
        state: Path,
        progress: Progress,
        told: Callable[[list[dict[str, float]]], None] = lambda _: None,
    ) -> Learned:
        """Train, from the state that an interrupted run left if there is one.

        Parameters
        ----------
        begin : Tensor (1, M, W) or (K, M, W)
            What :func:`start` returned.
        state : Path
            Where the state is kept; removed where the training diverges.
        progress : Progress
            Told of every step, and may stop there.
        told : callable
            Told the curve so far after each epoch.

        Raises
        ------
        SpecError
            The rate is too high: the loss is not finite, or stays far above chance.
        ModelError
            The state is damaged, or another training's.
        Cancelled
            Stopped; the state is kept.
        """
        course, optimizer = self._course(begin, state)
        progress.step(f"learn {begin.shape[1]} vectors", self.steps)
        progress.advance(course.step)
        begun = time.perf_counter() - course.seconds
        if not course.curve:
            self._judge(course, 0)
        told(course.curve)
        order = batches(len(self._known.labels), self._batch, self._spec.seed, course.step)
        while course.step < self.steps and not self._stalls(course):
            try:
                self._step(course, optimizer, next(order))
                if course.step % self._per_epoch == 0:
                    self._judge(course, course.step // self._per_epoch)
                    told(course.curve)
            except SpecError:
                state.unlink(missing_ok=True)
                raise
            course.seconds = time.perf_counter() - begun
            if course.step % self._per_epoch == 0 or course.step % _EVERY == 0:
                save_state(state, course=vars(course), optimizer=optimizer.state_dict())
            progress.advance()
        texts = self._texts(course.best)
        return Learned(course.best, texts, course.curve, course.best_epoch, course.seconds)

    def _course(self, begin: Tensor, state: Path) -> tuple[_Course, torch.optim.Optimizer]:
        """Return where the training stands, and its optimizer."""
        stored = load_state(state)
        if stored is None:
            course = _Course(begin.clone(), begin.clone())
            return course, self._optimizer(course.context)
        try:
            course = _Course(**stored["course"])
            optimizer = self._optimizer(course.context)
            optimizer.load_state_dict(stored["optimizer"])
            if course.context.shape != begin.shape:
                raise ValueError(f"its vectors are {tuple(course.context.shape)}, not {tuple(begin.shape)}")
        except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
            line = (str(error) or type(error).__name__).splitlines()[0]
            raise ModelError(f"{state}: the state of another training; delete it to start again ({line})") from error
        return course, optimizer

    def _optimizer(self, context: Tensor) -> torch.optim.Optimizer:
        context.requires_grad_(True)
        spec = self._spec
        if spec.optimizer == "sgd":
            return torch.optim.SGD([context], spec.rate, _MOMENTUM, weight_decay=spec.weight_decay)
        return torch.optim.AdamW([context], spec.rate, weight_decay=spec.weight_decay)

    def _step(self, course: _Course, optimizer: torch.optim.Optimizer, rows: Tensor) -> None:
        for group in optimizer.param_groups:
            group["lr"] = self._spec.rate * 0.5 * (1 + math.cos(math.pi * course.step / self.steps))
        texts = self._tower.encode(self._prompts, course.context)
        loss = functional.cross_entropy(self._logits(self._known.features[rows], texts), self._known.labels[rows])
        value = float(loss.detach())
        if not math.isfinite(value):
            raise self._diverged(f"the loss of step {course.step + 1:,} is not finite")
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        course.loss += value
        course.step += 1

    def _judge(self, course: _Course, epoch: int) -> None:
        """Add an epoch to the curve and keep its vectors if they are the best so far."""
        texts = self._texts(course.context)
        if epoch:
            loss = course.loss / self._per_epoch
        else:
            loss = float(functional.cross_entropy(self._logits(self._known.features, texts), self._known.labels))
        course.loss = 0.0
        logits = self._logits(self._judged.features, texts)
        accuracy = float((logits.argmax(dim=1) == self._judged.labels).double().mean())
        log_loss = float(functional.cross_entropy(logits, self._judged.labels))
        if not (math.isfinite(loss) and math.isfinite(log_loss)):
            raise self._diverged(f"the loss after epoch {epoch} is not finite")
        course.curve.append({"epoch": epoch, "loss": loss, "accuracy": accuracy, "log_loss": log_loss})
        chance = math.log(texts.shape[0])
        course.bad = course.bad + 1 if loss > max(_FAR * chance, course.curve[0]["loss"]) else 0
        if course.bad >= _BAD_EPOCHS:
            raise self._diverged(
                f"the loss of epochs {epoch - _BAD_EPOCHS + 1} to {epoch} is {loss:.1f}, and guessing has {chance:.1f}"
            )
        if epoch and accuracy > course.curve[course.best_epoch]["accuracy"]:
            course.best_epoch, course.best = epoch, course.context.detach().clone()
        if course.best_epoch == epoch or log_loss < course.least - _GAIN:
            course.gained = epoch
            course.least = min(course.least, log_loss)

    def _stalls(self, course: _Course) -> bool:
        """Return whether for long no epoch was right more often, or surer of what is right, than all before it."""
        if course.step % self._per_epoch or not self._spec.patience:
            return False
        idle = course.step // self._per_epoch - course.gained
        return idle >= self._spec.patience and idle * self._per_epoch >= _PATIENCE

    def _texts(self, context: Tensor) -> Tensor:
        with torch.no_grad():
            return self._tower.encode(self._prompts, context.detach())

    def _logits(self, features: Tensor, texts: Tensor) -> Tensor:
        return self._tower.logit_scale * features @ texts.T

    def _diverged(self, what: str) -> SpecError:
        rate = self._spec.rate
        return SpecError(f"learning diverges at rate {rate:g}: {what}; try a lower rate, such as {rate / 10:g}")
