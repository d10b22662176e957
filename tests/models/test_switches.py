"""Units switched off together give what the tail gives for them, whatever is shared."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision

from tests.models.conftest import noise, own_target
from workbench.models.layers import list_layers
from workbench.models.switches import Switches
from workbench.models.tail import cut
from workbench.models.targets import Target, load_target

SETS = [[], [0], [6], [1, 4, 5], [0, 1, 2, 3, 4, 5, 6]]


def check(target: Target, name: str) -> Switches:
    parts = cut(target, name)
    torch.manual_seed(1)
    values = torch.randn(parts.layer.units)
    state = parts.head(target.prepare(noise(3)))
    switches = Switches(parts, values)
    sets = [torch.tensor(units, dtype=torch.int64) for units in SETS]
    found = list(switches.outputs(state, sets))
    again = list(switches.outputs(state, sets))
    for units, output, repeated in zip(SETS, found, again, strict=True):
        scale, shift = torch.ones_like(values), torch.zeros_like(values)
        scale[units], shift[units] = 0.0, values[units]
        expected = parts.tail(state, scale, shift)
        assert (output - expected).abs().max() <= 1e-5 * max(1.0, float(expected.abs().max()))
        assert torch.equal(output, repeated)
    return switches


@pytest.mark.parametrize("name", [layer.name for layer in list_layers(load_target("face-cnn")) if not layer.problem])
def test_every_layer_of_face_cnn(name: str) -> None:
    switches = check(load_target("face-cnn"), name)
    shares = name in ("conv4b", "bn4b", "lin1", "lin2")
    assert (switches._chain is not None) == shares


@pytest.mark.parametrize("name", ["conv1", "layer2.0.conv1", "layer4.1.conv2", "layer4", "avgpool", "fc"])
def test_a_network_with_skip_connections(name: str) -> None:
    torch.manual_seed(0)
    check(own_target(torchvision.models.resnet18(num_classes=7)), name)


def test_tokens_of_a_vision_transformer(tiny_clip_folder: Path) -> None:
    check(load_target(f"clip:local-dir:{tiny_clip_folder}"), "transformer.resblocks.0.mlp.c_fc")
