"""A network cut at one layer: the part before it runs once, the part after it for every change of the layer's output.

A change is affine in each unit: its output ``y`` becomes ``scale * y + shift``. That is everything a reweighting or an
ablation does: weights times s (scale s, shift (1 - s) * bias), weights and bias times s (scale s), zero (scale 0), mean
(scale 0, shift the mean).

The cut goes through the graph that torch.fx records of the modules around the layer, so skip connections past the
layer are kept with its output. Where a network cannot be recorded, or the two parts do not give what the whole gives,
the whole network runs again for each change, with a hook in the layer: the same result, slower.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, fx, nn

from workbench.errors import ModelError, SpecError
from workbench.models.layers import capture, find_layer, list_layers
from workbench.models.targets import Target

_TOLERANCE = 1e-5


@dataclass(frozen=True)
class State:
    """What the part after a layer needs of some images.

    Parameters
    ----------
    output : Tensor, shape (N, ...)
        The layer's output.
    rest : tuple
        Whatever else it needs: the values of skip connections, or the network's inputs where it cannot be cut.
    """

    output: Tensor
    rest: tuple[Any, ...]


class Cut:
    """A target cut at a layer; made by :func:`cut`.

    Attributes
    ----------
    layer : Layer
        Where it is cut.
    partial : bool
        Whether only what comes after the layer runs for a change; else the whole network does, and a note says so.
    notes : tuple of str
        What a reader must know of it.
    """

    def __init__(self, target: Target, layer_name: str) -> None:
        self._target = target
        known = {layer.name: layer for layer in list_layers(target)}
        find_layer(target.module, layer_name)
        self.layer = known[layer_name]
        if self.layer.problem:
            raise SpecError(f"layer {layer_name!r} cannot be cut at: {self.layer.problem}")
        self._parts: tuple[fx.GraphModule, fx.GraphModule] | None = _split(target.module, layer_name)
        if self._parts is not None and not self._faithful():
            self._parts = None
        self.partial = self._parts is not None
        self.notes: tuple[str, ...] = ()
        if not self.partial:
            self.notes = (f"{target.spec} cannot be cut at {layer_name}: each change runs the whole network again",)

    @property
    def after(self) -> fx.GraphModule | None:
        """The recorded part after the layer; ``None`` where the whole network runs again for each change."""
        return None if self._parts is None else self._parts[1]

    def head(self, inputs: Tensor) -> State:
        """Run what comes before the layer, and the layer.

        Parameters
        ----------
        inputs : Tensor, shape (N, C, H, W)
            From the target's ``prepare``.
        """
        with torch.inference_mode():
            if self._parts is not None:
                output, *rest = self._parts[0](inputs)
                return State(output, tuple(rest))
            with capture(self._target.module, [self.layer.name]) as outputs:
                self._target.module(inputs)
            return State(outputs[self.layer.name], (inputs,))

    def tail(self, state: State, scale: Tensor | None = None, shift: Tensor | None = None) -> Tensor:
        """Run what comes after the layer, with its output changed.

        Parameters
        ----------
        state : State
            From :meth:`head`; it is not changed.
        scale, shift : Tensor, shape (U,), optional
            Each unit's output ``y`` becomes ``scale * y + shift``; nothing given leaves it.

        Returns
        -------
        Tensor, shape (N, K)
            The network's output.

        Raises
        ------
        ModelError
            The output is no matrix of finite numbers with a row an image.
        """
        with torch.inference_mode():
            changed = self.change(state.output, scale, shift)
            if self._parts is not None:
                rest = (value.clone() if isinstance(value, Tensor) else value for value in state.rest)
                output = self._parts[1](changed, *rest)
            else:
                layer = find_layer(self._target.module, self.layer.name)
                handle = layer.register_forward_hook(lambda *_: changed)
                try:
                    output = self._target.module(state.rest[0])
                finally:
                    handle.remove()
            return self.check(output, len(changed))

    def check(self, output: Any, count: int) -> Tensor:
        """Return the network's output for ``count`` images if it may be logits; :class:`ModelError` otherwise."""
        return self._target.check(output, count)

    def example(self) -> State:
        """Return the state of three pictures of noise, to try something out on."""
        return self.head(self._noise())

    def change(self, output: Tensor, scale: Tensor | None, shift: Tensor | None) -> Tensor:
        """Change each unit of the layer's output; always a copy, since what follows may work in place."""
        shape = (-1,) if self.layer.kind == "tokens" else (-1, *[1] * (output.ndim - 2))
        if scale is not None and shift is not None:
            return torch.addcmul(shift.view(shape), output, scale.view(shape))
        if scale is not None:
            return output * scale.view(shape)
        return output.clone() if shift is None else output + shift.view(shape)

    def _noise(self) -> Tensor:
        noise = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)
        return self._target.prepare([Image.fromarray(pixels) for pixels in noise])

    def _faithful(self) -> bool:
        """Whether the two parts give what the whole network gives, unchanged and changed, and leave the state alone."""
        inputs = self._noise()
        scale = torch.linspace(0, 2, self.layer.units)
        layer = find_layer(self._target.module, self.layer.name)
        try:
            state = self.head(inputs)
            changed, parts = self.tail(state, scale, scale), self.tail(state)
        except ModelError:
            raise
        except Exception:  # a recorded graph may fail in as many ways as there are networks
            return False
        with torch.inference_mode():
            whole = self._target.logits(inputs)
            handle = layer.register_forward_hook(lambda _, __, output: self.change(output, scale, scale))
            try:
                expected = self._target.logits(inputs)
            finally:
                handle.remove()
        return _close(parts, whole) and _close(changed, expected)


def cut(target: Target, layer_name: str) -> Cut:
    """Cut a target at a layer.

    Parameters
    ----------
    target : Target
        The network; it is not changed.
    layer_name : str
        Dotted name of a layer.

    Raises
    ------
    SpecError
        There is no such layer, or it cannot be looked into.
    """
    return Cut(target, layer_name)


class _Tracer(fx.Tracer):
    """Records only the modules around a layer, and takes every other as one step, whatever happens in it."""

    def __init__(self, layer_name: str) -> None:
        super().__init__()
        self._layer_name = layer_name

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002 - fx names it
        """See :class:`torch.fx.Tracer`."""
        return not self._layer_name.startswith(f"{module_qualified_name}.")


def _split(module: nn.Module, layer_name: str) -> tuple[fx.GraphModule, fx.GraphModule] | None:
    """Return the parts before and after a layer, or ``None`` where the network cannot be recorded or cut there."""
    arguments = list(inspect.signature(module.forward).parameters.values())
    defaults = {each.name: each.default for each in arguments[1:] if each.default is not inspect.Parameter.empty}
    try:
        graph = _Tracer(layer_name).trace(module, defaults)
    except Exception:  # recording runs the network's own code on stand-ins, which may raise anything
        return None
    nodes = list(graph.nodes)
    calls = [node for node in nodes if node.op == "call_module" and node.target == layer_name]
    if len(calls) != 1:
        return None
    after = _descendants(calls[0], nodes)
    if nodes[-1] not in after:  # the output, which does not depend on the layer
        return None
    needed = [
        node for node in nodes if node not in after and node is not calls[0] and any(u in after for u in node.users)
    ]
    return _head(module, nodes, calls[0], needed, after), _tail(module, nodes, calls[0], needed, after)


def _descendants(start: fx.Node, nodes: list[fx.Node]) -> set[fx.Node]:
    found: set[fx.Node] = set()
    for node in nodes:
        if any(given is start or given in found for given in node.all_input_nodes):
            found.add(node)
    return found


def _head(
    module: nn.Module, nodes: list[fx.Node], layer: fx.Node, needed: list[fx.Node], after: set[fx.Node]
) -> fx.GraphModule:
    graph, copies = fx.Graph(), dict[fx.Node, fx.Node]()
    for node in nodes:
        if node not in after:
            copies[node] = graph.node_copy(node, copies.__getitem__)
    graph.output((copies[layer], *[copies[node] for node in needed]))
    return _module(module, graph)


def _tail(
    module: nn.Module, nodes: list[fx.Node], layer: fx.Node, needed: list[fx.Node], after: set[fx.Node]
) -> fx.GraphModule:
    graph = fx.Graph()
    copies = {node: graph.placeholder(f"value_{index}") for index, node in enumerate([layer, *needed])}
    for node in nodes:
        if node in after:
            copies[node] = graph.node_copy(node, copies.__getitem__)
    return _module(module, graph)


def _module(module: nn.Module, graph: fx.Graph) -> fx.GraphModule:
    graph.eliminate_dead_code(lambda node: node.op in ("placeholder", "output"))
    return fx.GraphModule(module, graph).eval()


def _close(found: Tensor, expected: Tensor) -> bool:
    size = float(expected.abs().max()) or 1.0
    return found.shape == expected.shape and float((found - expected).abs().max()) <= _TOLERANCE * max(size, 1.0)
