"""Many reweightings of one layer over the same images, sharing what they have in common.

A sweep's settings multiply nested sets of units: those above one threshold hold those above the next. Where each unit
goes its own way (batch norm, ReLU, pooling, ...) up to a linear layer, that layer's output for one setting is that for
the setting before plus the share of the units that changed sides. So a factor with all its thresholds costs less than
two products with that layer, and not one a threshold. Everywhere else each setting runs the tail by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from workbench.models.chain import by_unit, find_chain
from workbench.models.tail import Cut, State


@dataclass(frozen=True)
class _Family:
    """Settings whose sets of multiplied units are nested: each is a beginning of ``order``.

    ``factors`` holds, for each pair of scales (of the set, of the others), the settings with the size of their set,
    ascending.
    """

    order: Tensor
    factors: dict[tuple[float, float], list[tuple[int, int]]]


class Sweep:
    """Reweightings of a layer, to be run over batches of images.

    Parameters
    ----------
    cut : Cut
        The network, cut at the layer.
    scales : Tensor, shape (S, U)
        What each setting multiplies the weights of each unit by.
    bias : Tensor, shape (U,), or None
        The layer's bias where it is not scaled with the weights; ``None`` where it is.
    """

    def __init__(self, cut: Cut, scales: Tensor, bias: Tensor | None) -> None:
        self._cut, self._scales, self._bias = cut, scales, bias
        self._chain = find_chain(cut)
        self._families, self._alone = _families(scales) if self._chain else ([], list(range(len(scales))))

    def __len__(self) -> int:
        return len(self._scales)

    @property
    def shared(self) -> int:
        """Number of settings that share products with others; the rest run the tail by themselves."""
        return len(self._scales) - len(self._alone)

    def outputs(self, state: State) -> Iterator[tuple[int, Tensor]]:
        """Yield each setting's number and the network's output ``(N, K)`` for it, in no particular order."""
        for index in self._alone:
            scale = self._scales[index]
            yield index, self._cut.tail(state, scale, self._shift(scale))
        for family in self._families:
            yield from self._shared(state, family)

    def _shift(self, scale: Tensor) -> Tensor | None:
        return None if self._bias is None else (1 - scale) * self._bias

    def _shared(self, state: State, family: _Family) -> Iterator[tuple[int, Tensor]]:
        assert self._chain is not None  # noqa: S101 - families are made only with a chain
        with torch.inference_mode():
            linear, units = self._chain.linear, len(family.order)
            weight = by_unit(linear.weight, units)[:, family.order].flatten(1)  # (H, U * r), set first
            for scales, settings in family.factors.items():
                inside, outside = (self._features(state, scale, family.order) for scale in scales)
                each = inside.shape[1] // units
                before = settings[0][1] * each
                mixed = torch.cat([inside[:, :before], outside[:, before:]], dim=1)
                hidden = functional.linear(mixed, weight, linear.bias)
                inside -= outside  # from here on what a unit changes by joining the set
                for index, size in settings:
                    joining = slice(before, size * each)
                    if joining.stop > joining.start:
                        hidden = torch.addmm(hidden, inside[:, joining], weight[:, joining].T)
                    before = joining.stop
                    rest = (value.clone() if isinstance(value, Tensor) else value for value in state.rest)
                    yield index, self._cut.check(self._chain.rest(hidden.clone(), *rest), len(hidden))

    def _features(self, state: State, scale: float, order: Tensor) -> Tensor:
        """Return the linear layer's inputs with every unit scaled alike, units in ``order``: ``(N, U * r)``."""
        assert self._chain is not None  # noqa: S101
        scales = torch.full((len(order),), scale)
        features = self._chain.features(self._cut.change(state.output, scales, self._shift(scales)))
        return by_unit(features, len(order))[:, order].flatten(1)


def _families(scales: Tensor) -> tuple[list[_Family], list[int]]:
    """Gather settings of nested sets in the order they come; settings of more than two scales, or alone, are left."""
    found: list[_Family] = []
    left: list[int] = []
    sets: dict[int, Any] = {}

    def close() -> None:
        if len(sets) < 3:
            left.extend(sets)
        else:
            found.append(_family(scales, sets))
        sets.clear()

    for index, scale in enumerate(scales.numpy()):
        values = np.unique(scale)
        if len(values) != 2:
            left.append(index)
            continue
        units = scale == values[1]
        if not _nested(units, sets) and _nested(~units, sets):
            units = ~units  # factors below 1 multiply the other units by the greater number
        if not _nested(units, sets):
            close()
        sets[index] = units
    close()
    return found, sorted(left)


def _nested(units: Any, sets: dict[int, Any]) -> bool:
    return not any((units & ~other).any() and (other & ~units).any() for other in sets.values())


def _family(scales: Tensor, sets: dict[int, Any]) -> _Family:
    count = sum(units.astype(np.int64) for units in sets.values())
    order = torch.from_numpy(np.argsort(-count, kind="stable"))
    factors: dict[tuple[float, float], list[tuple[int, int]]] = {}
    for index, units in sorted(sets.items(), key=lambda each: int(each[1].sum())):
        inside, outside = (float(scales[index][torch.from_numpy(of)][0]) for of in (units, ~units))
        factors.setdefault((inside, outside), []).append((index, int(units.sum())))
    return _Family(order, factors)
