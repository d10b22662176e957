"""Settings tried by hand: a layer's outputs kept in memory, an answer within a moment."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.data.datasets import open_dataset
from workbench.errors import SpecError
from workbench.methods.reweight import unit_scales, units_up
from workbench.methods.reweight_verdict import Verdict, judge
from workbench.methods.shapes import Bools, Floats
from workbench.store import Store
from workbench.studies.activations import forward_batches
from workbench.studies.classifier_runs import Evaluated, Subject, evaluated_images, open_subject, run_batches
from workbench.studies.dissection import Dissection
from workbench.studies.reweight import check_same_network, layer_values

if TYPE_CHECKING:
    from workbench.models.tail import State

MEMORY = 256 * 2**20
"""The most bytes of outputs a bench keeps."""
PATIENCE = 3.0
"""The longest an answer may take, in seconds; an earlier layer is refused."""


@dataclass(frozen=True)
class Answer:
    """What one setting does to the images of the bench.

    Parameters
    ----------
    verdict : Verdict
        Against the network as it is.
    up, down : int
        Units whose weights are multiplied, and divided.
    seconds : float
        How long the answer took.
    """

    verdict: Verdict
    up: int
    down: int
    seconds: float


class Bench:
    """A layer of a dissected network, ready to be reweighted; made by :func:`open_bench`.

    Attributes
    ----------
    classes : tuple of str
        The network's classes (K).
    images : int
        How many images answer.
    values : mapping
        What thresholds are of, by ``"tau"`` (greatest similarity of each unit) and ``"q"``, ``(U,)`` each.
    """

    def __init__(self, subject: Subject, values: dict[str, Floats], images: Evaluated, states: list[State]) -> None:
        self.classes = subject.classifier.classes
        self.images = len(images.rows)
        self.values = values
        self._subject = subject
        self._labels = images.labels
        self._states = states
        self._before = self._right(None, subject)

    def evaluate(self, threshold: float, factor: float, rule: str = "weights", by: str = "tau") -> Answer:
        """Try one setting; see :func:`workbench.methods.reweight.unit_scales`.

        Raises
        ------
        SpecError
            The factor is not above 0, or the rule goes by the similarity and the threshold does not.
        """
        if not factor > 0:
            raise SpecError(f"factor is {factor}; it must be above 0")
        if rule == "similarity" and by != "tau":
            raise SpecError("the rule 'similarity' goes by each unit's similarity; its threshold is tau, not q")
        started = time.perf_counter()
        values = self.values[by]
        scale = unit_scales(values, threshold, factor, rule, by)
        after = self._right(scale, replace(self._subject, with_bias=rule == "weights-and-bias"))
        verdict = judge(self._before, after, self._labels, self.classes)
        up = int(units_up(values, threshold, by).sum())
        return Answer(verdict, up, len(values) - up, time.perf_counter() - started)

    def _right(self, scale: Floats | None, subject: Subject) -> Bools:
        found = [subject.logits(state, scale).argmax(axis=1) for state in self._states]
        return np.asarray(np.concatenate(found) == self._labels)


def open_bench(dissection: Dissection, layer: str, store: Store, split: str = "validation") -> Bench:
    """Run the images of a split up to a layer and keep its outputs.

    Raises
    ------
    SpecError
        No such layer or split; the layer has no weights; the network is not the one that was dissected or runs a user's
        code; or the layer is too early: its outputs do not fit into :data:`MEMORY`, or an answer would take longer than
        :data:`PATIENCE`.
    """
    from workbench.models.layers import find_layer, has_weight
    from workbench.models.targets import load_target
    from workbench.studies.classifier import CODE_PREFIX, base_network, open_classifier

    spec = dissection.spec
    if base_network(spec.target, store).startswith(CODE_PREFIX):
        raise SpecError(f"{spec.target} runs a user's own code, which is done from the command line only")
    values = {by: layer_values(dissection, layer, by) for by in ("tau", "q")}
    target = load_target(spec.target, spec.weights, store)
    check_same_network(dissection, target.fingerprint)
    if not has_weight(find_layer(target.module, layer)):
        raise SpecError(f"layer {layer} has no weights to scale; choose a layer that has")
    dataset = open_dataset(store, spec.dataset)
    classifier = open_classifier(target, store)
    subject = open_subject(classifier, layer, with_bias=False)
    images = evaluated_images(dataset, split, classifier.classes)
    batches = forward_batches(dataset, target, images.rows)
    states: list[State] = []
    for state in run_batches(subject, dataset, batches, lambda state: state):
        if not states:
            _check_cost(subject, state, len(batches))
        states.append(state)
    return Bench(subject, values, images, states)


def _check_cost(subject: Subject, state: State, batches: int) -> None:
    size = _size(state.output) + sum(map(_size, state.rest))
    if size * batches > MEMORY:
        raise SpecError(
            f"{subject.layer} comes too early for live answers: its outputs take {size * batches / 2**20:,.0f} MiB; "
            "start the sweep as a job instead"
        )
    started = time.perf_counter()
    subject.logits(state, None)
    seconds = (time.perf_counter() - started) * batches
    if seconds > PATIENCE:
        raise SpecError(
            f"{subject.layer} comes too early for live answers: each would take about {seconds:.0f} s; start the sweep "
            "as a job instead"
        )


def _size(value: Any) -> int:
    return int(value.numel() * value.element_size()) if hasattr(value, "element_size") else 0
