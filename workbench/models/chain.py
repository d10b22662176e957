"""The part of a network after a layer, where each unit goes its own way up to the next linear layer.

Batch norm, ReLU, pooling and the like leave units apart: each output depends on one unit's input. Then a change of few
units changes the linear layer's output by the share of those units alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from workbench.models.tail import Cut

_MODULES = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish, nn.Tanh, nn.Sigmoid),
    *(nn.Identity, nn.Flatten, nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm),
    *(nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d),
)
_FUNCTIONS = (
    *(torch.relu, torch.tanh, torch.sigmoid, torch.flatten, functional.relu, functional.gelu, functional.silu),
    *(functional.max_pool2d, functional.avg_pool2d, functional.adaptive_avg_pool2d),
)
_METHODS = ("relu", "tanh", "sigmoid", "flatten", "contiguous")
"""What leaves units apart: each output depends on one unit's input."""


@dataclass(frozen=True)
class Chain:
    """The part after a layer in three.

    Parameters
    ----------
    alone : fx.GraphModule
        What happens to each unit by itself.
    linear : nn.Linear
        The first layer that joins units.
    rest : fx.GraphModule
        From the linear layer's output, and what the cut keeps besides the layer's, to the network's.
    """

    alone: fx.GraphModule
    linear: nn.Linear
    rest: fx.GraphModule

    def features(self, output: Tensor) -> Tensor:
        """Return the linear layer's inputs, those of a unit side by side: ``(N, U * r)``."""
        features: Tensor = self.alone(output)
        return features


def find_chain(cut: Cut) -> Chain | None:
    """Return the tail in three parts if it has that form; what keeps units apart is also tried out."""
    chain = _split_at_linear(cut.after) if cut.after is not None and cut.layer.kind != "tokens" else None
    if chain is None:
        return None
    units = cut.layer.units
    odd = torch.arange(units) % 2 == 1
    example = torch.randn(cut.example().output.shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        whole, some = (chain.features(cut.change(example, torch.where(odd, 1.0, other), None)) for other in (1.0, -3.0))
        if whole.ndim != 2 or whole.shape[1] % units or whole.shape[1] != chain.linear.in_features:
            return None
        apart = torch.equal(by_unit(whole, units)[:, odd], by_unit(some, units)[:, odd])
    return chain if apart else None


def by_unit(values: Tensor, units: int) -> Tensor:
    """Return columns ``(N, U * r)`` as ``(N, U, r)``."""
    return values.view(len(values), units, -1)


def _split_at_linear(after: fx.GraphModule) -> Chain | None:
    """Follow the layer's output while its units stay apart and nothing joins them, up to the first linear layer."""
    first, *others = [node for node in after.graph.nodes if node.op == "placeholder"]
    chain, node = [first], first
    while True:
        users = list(node.users)
        if len(users) != 1 or users[0].all_input_nodes != [node] or users[0].op == "output":
            return None
        node = users[0]
        if node.op == "call_module" and isinstance(after.get_submodule(str(node.target)), nn.Linear):
            break
        if not _keeps_apart(after, node):
            return None
        chain.append(node)
    alone, copies = fx.Graph(), dict[fx.Node, fx.Node]()
    for each in chain:
        copies[each] = alone.node_copy(each, copies.__getitem__)
    alone.output(copies[chain[-1]])
    rest = fx.Graph()
    copies = {node: rest.placeholder("hidden"), **{other: rest.placeholder(other.name) for other in others}}
    for each in after.graph.nodes:
        if each not in copies and each not in chain:
            copies[each] = rest.node_copy(each, copies.__getitem__)
    linear = after.get_submodule(str(node.target))
    assert isinstance(linear, nn.Linear)  # noqa: S101 - the loop ended there
    return Chain(fx.GraphModule(after, alone).eval(), linear, fx.GraphModule(after, rest).eval())


def _keeps_apart(after: fx.GraphModule, node: fx.Node) -> bool:
    if node.op == "call_module":
        return isinstance(after.get_submodule(str(node.target)), _MODULES)
    return node.target in (_FUNCTIONS if node.op == "call_function" else _METHODS)
