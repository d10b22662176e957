"""Units of a layer switched off in many ways over the same images, sharing what they have in common.

Where each unit goes its own way up to a linear layer, that layer's output with units switched off is that of the
network as it is plus the share of those units: one unit costs next to nothing. Everywhere else each change runs the
part after the layer by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from workbench.models.chain import Chain, by_unit, find_chain
from workbench.models.tail import Cut, State


class Switches:
    """Sets of units to be switched off, one set at a time.

    Parameters
    ----------
    cut : Cut
        The network, cut at the layer.
    values : Tensor, shape (U,)
        What the output of a unit is set to when it is off.
    """

    def __init__(self, cut: Cut, values: Tensor) -> None:
        self._cut, self._values = cut, values
        self._chain = find_chain(cut)

    def outputs(self, state: State, sets: Sequence[Tensor]) -> Iterator[Tensor]:
        """Yield the network's output ``(N, K)`` with each set of units off, in their order.

        Parameters
        ----------
        state : State
            From the cut's head.
        sets : sequence of Tensor
            Units of each set, int64; an empty one leaves the network as it is.
        """
        if self._chain is not None:
            yield from self._shared(state, sets, self._chain)
            return
        for units in sets:
            scale, shift = torch.ones_like(self._values), torch.zeros_like(self._values)
            scale[units], shift[units] = 0.0, self._values[units]
            yield self._cut.tail(state, scale, shift) if len(units) else self._cut.tail(state)

    def _shared(self, state: State, sets: Sequence[Tensor], chain: Chain) -> Iterator[Tensor]:
        with torch.inference_mode():
            units = len(self._values)
            on = chain.features(self._cut.change(state.output, None, None))  # (N, U * r)
            off = chain.features(self._cut.change(state.output, torch.zeros_like(self._values), self._values))
            before = functional.linear(on, chain.linear.weight, chain.linear.bias)  # (N, H)
            change = by_unit(off - on, units)  # (N, U, r)
            weight = by_unit(chain.linear.weight, units)  # (H, U, r)
            for chosen in sets:
                hidden = torch.addmm(before, change[:, chosen].flatten(1), weight[:, chosen].flatten(1).T)
                rest = (value.clone() if isinstance(value, Tensor) else value for value in state.rest)
                yield self._cut.check(chain.rest(hidden, *rest), len(hidden))
