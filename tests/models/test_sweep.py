"""A sweep gives what the tail gives for each setting, whatever it shares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from workbench.methods.reweight import default_thresholds, random_scales, settings_grid
from workbench.models.architectures import Vgg, VggConfig, save_checkpoint
from workbench.models.layers import layer_bias
from workbench.models.sweep import Sweep
from workbench.models.tail import cut
from workbench.models.targets import Target, load_target


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    torch.manual_seed(0)
    model = Vgg(VggConfig(channels=(4, 6), hidden=16)).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5)  # type: ignore[union-attr, operator]
            module.weight.data.uniform_(-1, 1)
    folder = tmp_path_factory.mktemp("vgg")
    save_checkpoint(model, folder, torch.float32)
    return load_target(f"checkpoint:{folder}")


def scales_of(units: int) -> Tensor:
    """A grid, a second one of other nested sets, random sets, and a setting of many scales."""
    rng = np.random.default_rng(1)
    values = [rng.normal(size=units) for _ in range(2)]
    grids = [settings_grid(value, default_thresholds(value), [0.5, 1.5, 2.0]).scales for value in values]
    graded = settings_grid(values[0], [0.0], [1.5], "similarity").scales
    return torch.from_numpy(
        np.concatenate([np.ones((1, units), np.float32), *grids, random_scales(grids[0][0], 3), graded])
    )


@pytest.mark.parametrize("layer", ["lin2", "lin1", "bn2b", "conv2b", "conv2a", "conv1a"])
@pytest.mark.parametrize("with_bias", [True, False])
def test_every_setting_gives_what_the_tail_gives(target: Target, layer: str, with_bias: bool) -> None:
    parts = cut(target, layer)
    scales, bias = scales_of(parts.layer.units), layer_bias(target.module, layer)
    sweep = Sweep(parts, scales, None if with_bias else bias)
    state = parts.head(torch.randn(5, 1, 40, 40, generator=torch.Generator().manual_seed(2)))
    kept = state.output.clone()
    found = dict(sweep.outputs(state))
    assert sorted(found) == list(range(len(scales))) == list(range(len(sweep)))
    for index, scale in enumerate(scales):
        expected = parts.tail(state, scale, None if with_bias else (1 - scale) * bias)
        assert torch.allclose(found[index], expected, rtol=1e-4, atol=1e-5), index
    assert torch.equal(state.output, kept)


def test_units_that_meet_before_the_linear_layer_are_not_shared(target: Target) -> None:
    shared = {layer: Sweep(cut(target, layer), scales_of(6), None).shared for layer in ("conv2b", "conv2a")}
    assert shared["conv2a"] == 0
    assert shared["conv2b"] > 30


class Residual(nn.Module):
    """A network whose layer's output also goes around the next linear layer."""

    classes = ("one", "two")

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(40 * 40, 8)
        self.second = nn.Linear(8, 8)
        self.third = nn.Linear(8, 2)

    def forward(self, images: Tensor) -> Tensor:
        hidden = torch.relu(self.first(images.flatten(1)))
        result: Tensor = self.third(hidden + self.second(hidden))
        return result


def test_a_skip_connection_around_the_linear_layer_is_kept(target: Target, tmp_path: Path) -> None:
    torch.manual_seed(1)
    module = Residual().eval()
    skip = Target("skip", module, Residual.classes, "", None, (), target.prepare)
    parts = cut(skip, "first")
    scales, bias = scales_of(8), layer_bias(module, "first")
    state = parts.head(torch.randn(4, 1, 40, 40))
    for index, found in Sweep(parts, scales, bias).outputs(state):
        scale = scales[index]
        assert torch.allclose(found, parts.tail(state, scale, (1 - scale) * bias), atol=1e-5)
