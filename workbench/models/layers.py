"""The layers of a network: which there are, what they give, which units they have."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from workbench.errors import ModelError, SpecError, unknown_name
from workbench.models.targets import Target

KINDS = ("vector", "map", "tokens")
"""What a layer gives for an image: ``vector`` (U,), ``map`` (U, h, w), or ``tokens`` with the units last: (T, U), or
(h, w, U) in networks that keep channels last."""
POOLS = ("avg", "max", "class")
"""Ways to make one number of a unit's outputs; see :func:`pool`."""

_WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.LayerNorm, nn.GroupNorm, nn.modules.batchnorm._BatchNorm)
"""Layers whose output is affine in their weight, a row (or a number) of it for each unit."""
_UNITS_LAST = (nn.Linear, nn.LayerNorm)


@dataclass(frozen=True)
class Layer:
    """A layer of a target.

    Parameters
    ----------
    name : str
        Dotted module name.
    type : str
        Class name of the module.
    shape : tuple of int
        Shape of its output for one image; empty where it has none.
    units : int
        Number of its units: channels, neurons, or the width of its tokens.
    parameters : int
        Number of weights in it, children included.
    kind : str
        One of :data:`KINDS`.
    has_weight : bool
        Whether each unit has a weight row of its own that scales it; see :func:`scaled_weights`.
    problem : str
        Why it cannot be looked into; empty where it can.
    same_as : str
        Whose output it hands on unchanged: a layer's, as a block does with that of its last part, or ``its input``, as
        dropout does when not in training; empty for most.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    units: int
    parameters: int
    kind: str
    has_weight: bool
    problem: str = ""
    same_as: str = ""


@dataclass
class _Seen:
    """What one forward pass showed of a module."""

    calls: int = 0
    order: int = 0
    given: tuple[int, int] = (0, 0)
    output: Any = None
    mark: tuple[int, int] = (0, 0)


def _mark(value: Any) -> tuple[int, int]:
    """Identity of a tensor and of its state: a change in place makes another mark."""
    return id(value), value._version if isinstance(value, Tensor) and not value.is_inference() else 0


def list_layers(target: Target) -> list[Layer]:
    """List a target's layers in the order they are first called in; those never called stand last.

    The network runs twice, on 2 and on 3 pictures of noise, which tells the axis of images from the others.

    Raises
    ------
    ModelError
        The network fails on a picture.
    """
    two, three = _watch(target, 2), _watch(target, 3)
    modules = dict(target.module.named_modules())
    names = [name for name in modules if name]
    last = len(names)
    names.sort(key=lambda name: two[name].order or last + 1)
    layers: list[Layer] = []
    handed_on: dict[tuple[int, int], str] = {}
    for name in names:
        layer = _layer(name, modules[name], two[name], three[name])
        if not layer.problem:
            seen = two[name]
            unchanged = seen.given == seen.mark
            first = handed_on.get(seen.mark, "its input") if unchanged else handed_on.setdefault(seen.mark, name)
            layer = layer if first == name else replace(layer, same_as=first)
        layers.append(layer)
    return layers


def match_layers(layers: Sequence[Layer], patterns: str) -> list[Layer]:
    """Return the layers that comma-separated names and globs ask for, in the network's order, each once.

    A glob passes over layers that cannot be looked into, or that hand on another's output; a name in full does not.

    Raises
    ------
    SpecError
        A name or glob matches none of the layers, or a name is of one that cannot be looked into.
    """
    wanted = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    if not wanted:
        raise SpecError('no layer is named; give names or globs such as "conv*,lin1", or "*" for all')
    chosen: set[str] = set()
    by_name = {layer.name: layer for layer in layers}
    usable = [layer for layer in layers if not layer.problem]
    if not usable:
        why = f": {layers[0].name}: {layers[0].problem}" if layers else "; it has none"
        raise SpecError(f"no layer of this network can be looked into{why}")
    for pattern in wanted:
        if pattern in by_name:
            if by_name[pattern].problem:
                raise SpecError(f"layer {pattern!r} cannot be looked into: {by_name[pattern].problem}")
            chosen.add(pattern)
            continue
        found = [x.name for x in usable if not x.same_as and fnmatch.fnmatchcase(x.name, pattern)]
        if not found:
            raise unknown_name("layer", pattern, [layer.name for layer in usable])
        chosen.update(found)
    return [layer for layer in layers if layer.name in chosen]


@contextmanager
def capture(module: nn.Module, names: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Keep the outputs of layers while a network runs.

    Yields a dict that holds, after each forward pass, the output of each named layer in that pass. They are copies, so
    that a later operation in place does not change them. The hooks go when the context ends, also by an exception.

    Raises
    ------
    SpecError
        There is no layer of that name.
    """
    modules = {name: find_layer(module, name) for name in names}
    outputs: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(_: nn.Module, __: Any, output: Tensor) -> None:
            outputs[name] = output.detach().clone()

        return hook

    handles = [layer.register_forward_hook(keep(name)) for name, layer in modules.items()]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def pool(output: Tensor, kind: str, how: str = "") -> Tensor:
    """Make one number for each image and unit.

    Parameters
    ----------
    output : Tensor, shape (N, ...)
        A layer's output.
    kind : str
        The layer's kind, one of :data:`KINDS`.
    how : str
        ``avg`` or ``max`` over space or patches, ``class`` for the class token; empty for the usual one: the class
        token where there is one, else the average. A vector stays as it is.

    Returns
    -------
    Tensor, shape (N, U)

    Raises
    ------
    SpecError
        The name is none of :data:`POOLS`, or ``class`` is asked of a layer of tokens without a class token.
    """
    if how and how not in POOLS:
        raise unknown_name("pooling", how, POOLS)
    if kind == "vector":
        return output
    if kind == "map":
        flat = output.flatten(2)  # (N, U, h * w)
        return flat.amax(2) if how == "max" else flat.mean(2)
    prefix = _prefix(output)
    if how == "class" and not prefix:
        raise SpecError("the layer has no class token; pool by avg or max")
    if prefix and how in ("", "class"):
        return output[:, 0]
    patches = output.flatten(1, -2)[:, prefix:]  # (N, patches, U)
    return patches.amax(1) if how == "max" else patches.mean(1)


def maps(output: Tensor, kind: str) -> Tensor | None:
    """Lay a layer's output out in space, shape ``(N, U, h, w)``; ``None`` where it has no place in the picture.

    The tokens of a vision transformer become the grid of its patches; class and register tokens are left out.
    """
    if kind == "map":
        return output if output.ndim == 4 else None
    if kind == "vector":
        return None
    if output.ndim == 4:  # channels last
        return output.movedim(-1, 1)
    side = math.isqrt(output.shape[1])
    if side < 2:
        return None
    patches = output[:, _prefix(output) :]  # (N, side * side, U)
    return patches.reshape(len(patches), side, side, -1).movedim(-1, 1)


def layer_bias(module: nn.Module, name: str) -> Tensor:
    """Return the bias of each unit of a layer, shape ``(U,)``; zeros where it has none.

    Raises
    ------
    SpecError
        The layer has no weight, or does not exist.
    """
    layer = _weighted(module, name)
    bias = getattr(layer, "bias", None)
    return bias.detach().clone() if isinstance(bias, Tensor) else torch.zeros(len(layer.weight))


def scaled_weights(module: nn.Module, name: str, scale: Tensor, with_bias: bool) -> dict[str, Tensor]:
    """Return the tensors of a layer that change when each unit's weights are multiplied.

    The layer's output ``y`` becomes ``scale * y`` with the bias, ``scale * y + (1 - scale) * bias`` without it.

    Parameters
    ----------
    module : nn.Module
        The network; it is not changed.
    name : str
        The layer.
    scale : Tensor, shape (U,)
        What each unit's weights are multiplied with.
    with_bias : bool
        Whether the bias is multiplied too.

    Returns
    -------
    dict of str to Tensor
        By state-dict name.

    Raises
    ------
    SpecError
        The layer has no weight, or does not exist.
    """
    layer = _weighted(module, name)
    weight: Tensor = layer.weight.detach()
    if scale.shape != (len(weight),):
        raise SpecError(f"layer {name!r} has {len(weight)} units, not {scale.numel()}")
    changed = {f"{name}.weight": weight * scale.view(-1, *[1] * (weight.ndim - 1))}
    if with_bias and isinstance(layer.bias, Tensor):
        changed[f"{name}.bias"] = layer.bias.detach() * scale
    return changed


def find_layer(module: nn.Module, name: str) -> nn.Module:
    """Return the module of a layer; :class:`~workbench.errors.SpecError` lists the layers there are."""
    modules: dict[str, nn.Module] = dict(module.named_modules(remove_duplicate=False))
    if not name or name not in modules:
        raise unknown_name("layer", name, [known for known in modules if known])
    return modules[name]


def has_weight(layer: nn.Module) -> bool:
    """Whether a module's output is affine in a weight of its own that has a row for each unit.

    A subclass with parts of its own (such as a norm that holds an activation) does more than its base, so it has not.
    """
    if not isinstance(layer, _WEIGHTED) or any(True for _ in layer.children()):
        return False
    weight = getattr(layer, "weight", None)
    return isinstance(weight, Tensor) and (not isinstance(layer, nn.LayerNorm) or weight.ndim == 1)


def _watch(target: Target, count: int) -> dict[str, _Seen]:
    """Run a network on pictures of noise and tell what each module gave."""
    noise = np.random.default_rng(count).integers(0, 256, (count, 48, 48), dtype=np.uint8)
    inputs = target.prepare([Image.fromarray(pixels) for pixels in noise])
    seen = {name: _Seen() for name, _ in target.module.named_modules()}
    handles = []
    clock = iter(range(1, 1_000_000))

    def before(one: _Seen) -> Any:
        def hook(_: nn.Module, given: tuple[Any, ...]) -> None:
            one.given = _mark(given[0]) if given else (0, 0)

        return hook

    def after(one: _Seen) -> Any:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            one.calls += 1
            one.order = one.order or next(clock)
            one.output, one.mark = output, _mark(output)

        return hook

    try:
        for name, module in target.module.named_modules():
            handles.append(module.register_forward_pre_hook(before(seen[name])))
            handles.append(module.register_forward_hook(after(seen[name])))
        with torch.inference_mode(mode=False), torch.no_grad():  # tensors that tell of changes in place
            target.module(inputs.clone())
    except Exception as error:  # a user's network may raise anything
        shape = " x ".join(map(str, inputs.shape))
        text = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise ModelError(f"{target.spec}: fails on an input of {shape}: {text}") from error
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _layer(name: str, module: nn.Module, two: _Seen, three: _Seen) -> Layer:
    problem = _problem(two, three)
    shape = tuple(two.output.shape[1:]) if not problem else ()
    kind = _kind(module, shape)
    units = 0 if problem else shape[0] if kind != "tokens" else shape[-1]
    parameters = sum(weight.numel() for weight in module.parameters())
    rows = has_weight(module) and len(module.weight) == units  # type: ignore[arg-type]
    return Layer(name, type(module).__name__, shape, units, parameters, kind, rows, problem)


def _problem(two: _Seen, three: _Seen) -> str:
    if not two.calls:
        return "it is never called in a forward pass"
    if two.calls > 1 or three.calls > 1:
        return f"it is called {max(two.calls, three.calls)} times in a forward pass, so its units have no single output"
    output, other = two.output, three.output
    if not isinstance(output, Tensor) or not isinstance(other, Tensor):
        length = f" of {len(output)}" if isinstance(output, tuple | list | dict) else ""
        return f"its output is a {type(output).__name__}{length}, not a tensor"
    shape = " x ".join(map(str, output.shape)) or "a single number"
    if output.ndim != other.ndim or not output.ndim:
        return f"its output has no axis of images: {shape}"
    if not output.is_floating_point():
        return f"its output is {str(output.dtype).removeprefix('torch.')}, not real numbers"
    grown = [axis for axis in range(output.ndim) if output.shape[axis] != other.shape[axis]]
    if grown != [0] or (output.shape[0], other.shape[0]) != (2, 3):
        moved = [axis for axis in grown if (output.shape[axis], other.shape[axis]) == (2, 3)]
        where = f"its images lie along axis {moved[0]}, not 0" if moved else "its first axis is not that of images"
        return f"{where}: {shape} for 2 images"
    if output.ndim not in (2, 3, 4) or 0 in output.shape:
        return f"its output for an image has {output.ndim - 1} axes ({shape} for 2 images); 1 to 3 are understood"
    return ""


def _kind(module: nn.Module, shape: tuple[int, ...]) -> str:
    """Tell maps from tokens: by the module where it says, else by which of the axes look like space."""
    if len(shape) < 2:
        return "vector"
    if isinstance(module, _UNITS_LAST) and not _channels_first_norm(module):
        return "tokens"
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.modules.batchnorm._BatchNorm | nn.GroupNorm):
        return "map"
    if len(shape) == 2:
        return "tokens"
    return "tokens" if shape[0] == shape[1] != shape[2] else "map"


def _channels_first_norm(module: nn.Module) -> bool:
    """Whether a LayerNorm is a subclass that norms the channels of maps; libraries call these LayerNorm2d."""
    return type(module).__name__.endswith("2d")


def _prefix(output: Tensor) -> int:
    """Count the tokens before the patches, which form the largest square: 1 of 50, 5 of 201, 0 of 49."""
    return 0 if output.ndim != 3 else output.shape[1] - math.isqrt(output.shape[1]) ** 2


def _weighted(module: nn.Module, name: str) -> Any:
    layer: Any = find_layer(module, name)
    if not has_weight(layer):
        raise SpecError(
            f"layer {name!r} ({type(layer).__name__}) has no weight of its own for each unit; choose a convolution, a "
            "linear layer or a norm"
        )
    return layer
