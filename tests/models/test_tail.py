"""A cut network gives what the whole network gives, for every change and at every layer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import open_clip
import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn

from tests.models.conftest import noise, own_target
from workbench.errors import ModelError, SpecError
from workbench.models.layers import find_layer, list_layers
from workbench.models.tail import cut
from workbench.models.targets import Target, load_target


def resnet() -> Target:
    torch.manual_seed(0)
    return own_target(torchvision.models.resnet18(num_classes=7))


def clip_resnet() -> Target:
    torch.manual_seed(0)
    tower = open_clip.modified_resnet.ModifiedResNet(layers=[1, 2, 1, 1], output_dim=8, heads=4, image_size=32, width=8)
    return own_target(tower)


def clip_vit() -> Target:
    torch.manual_seed(0)
    tower = open_clip.transformer.VisionTransformer(
        image_size=32, patch_size=16, width=16, layers=2, heads=2, mlp_ratio=2, output_dim=8
    )
    return own_target(tower)


def timm_vit() -> Target:
    """A vision transformer that looks at its input's size, which torch.fx cannot record."""
    torch.manual_seed(0)
    return own_target(timm.create_model("test_vit", pretrained=False, num_classes=5, img_size=32))


NETWORKS: dict[str, Callable[[], Target]] = {
    "face-cnn": lambda: load_target("face-cnn"),
    "resnet18": resnet,
    "ModifiedResNet": clip_resnet,
    "VisionTransformer": clip_vit,
}


def whole(target: Target, name: str, inputs: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """The whole network with a hook that changes the layer."""

    def change(_: nn.Module, __: object, output: Tensor) -> Tensor:
        last = output.shape[-1] == len(scale) and output.ndim == 3
        shape = (-1,) if last else (-1, *[1] * (output.ndim - 2))
        return output * scale.view(shape) + shift.view(shape)

    handle = find_layer(target.module, name).register_forward_hook(change)
    try:
        return target.logits(inputs)
    finally:
        handle.remove()


def assert_close(found: Tensor, expected: Tensor) -> None:
    assert (found - expected).abs().max() <= 1e-5 * max(1.0, float(expected.abs().max()))


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_head_and_tail_give_the_whole_network_at_every_usable_layer(
    network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = NETWORKS[network]()
    layers = list_layers(target)
    monkeypatch.setattr("workbench.models.tail.list_layers", lambda _: layers)
    inputs = target.prepare(noise(3))
    usable = [layer for layer in layers if not layer.problem]
    assert len(usable) >= 19
    for layer in usable:
        scale, shift = torch.rand(layer.units) * 2, torch.randn(layer.units)
        parts = cut(target, layer.name)
        assert parts.partial, layer.name
        state = parts.head(inputs)
        changed = parts.tail(state, scale, shift)
        assert_close(changed, whole(target, layer.name, inputs, scale, shift))
        assert torch.equal(parts.tail(state, scale, shift), changed), layer.name  # the state is left as it was
        assert_close(parts.tail(state), target.logits(inputs))


@pytest.mark.parametrize("name", ["blocks.0", "blocks.1.mlp.fc1", "head"])
def test_a_network_that_cannot_be_recorded_runs_whole_and_says_so(name: str) -> None:
    target = timm_vit()
    inputs = target.prepare(noise(3))
    parts = cut(target, name)
    assert not parts.partial
    assert "each change runs the whole network again" in parts.notes[0]
    scale, shift = torch.rand(parts.layer.units), torch.randn(parts.layer.units)
    state = parts.head(inputs)
    assert state.output.shape[1:] == parts.layer.shape
    assert_close(parts.tail(state, scale, shift), whole(target, name, inputs, scale, shift))
    assert_close(parts.tail(state), target.logits(inputs))
    assert not any(module._forward_hooks for module in target.module.modules())


@pytest.mark.parametrize("name", ["lin1", "conv4b"])
def test_scale_shift_or_neither(name: str) -> None:
    target = load_target("face-cnn")
    inputs = target.prepare(noise(2))
    parts = cut(target, name)
    state = parts.head(inputs)
    ones, zeros = torch.ones(parts.layer.units), torch.zeros(parts.layer.units)
    assert_close(parts.tail(state, scale=ones * 3), whole(target, name, inputs, ones * 3, zeros))
    assert_close(parts.tail(state, shift=ones), whole(target, name, inputs, ones, ones))


class _InPlace(nn.Module):
    """A skip connection that what follows the layer writes into, and a branch it does not return to."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3 * 32 * 32, 6)
        self.branch = nn.Linear(6, 6)
        self.last = nn.Linear(6, 4)

    def forward(self, images: Tensor, unused: Tensor | None = None) -> Tensor:
        x = self.first(images.flatten(1))
        x += self.branch(x)
        if unused is not None:
            x = x * 0
        return self.last(x)


@pytest.mark.parametrize("name", ["first", "branch", "last"])
def test_a_tail_that_works_in_place_leaves_the_state_for_the_next_change(name: str) -> None:
    torch.manual_seed(0)
    target = own_target(_InPlace())
    inputs = target.prepare(noise(2))
    parts = cut(target, name)
    assert parts.partial
    state = parts.head(inputs)
    zeros = torch.zeros(parts.layer.units)
    parts.tail(state, shift=zeros + 5)
    assert_close(parts.tail(state, scale=zeros), whole(target, name, inputs, zeros, zeros))


class _Hidden(nn.Module):
    """A change in place that its graph does not show: the parts would give something else than the whole."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3 * 32 * 32, 6)
        self.act = nn.ReLU(inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        x = self.first(images.flatten(1))
        self.act(x)
        return x


def test_parts_that_do_not_give_the_whole_are_not_used() -> None:
    torch.manual_seed(0)
    target = own_target(_Hidden())
    inputs = target.prepare(noise(2))
    parts = cut(target, "first")
    assert not parts.partial
    assert_close(parts.tail(parts.head(inputs)), target.logits(inputs))


def test_only_the_tail_runs_for_a_change() -> None:
    target = load_target("face-cnn")
    parts = cut(target, "lin1")
    state = parts.head(target.prepare(noise(2)))
    ran: list[str] = []
    handles = [
        module.register_forward_hook(lambda *_, name=name: ran.append(name))
        for name, module in target.module.named_modules()
    ]
    parts.tail(state)
    for handle in handles:
        handle.remove()
    assert [name for name in ran if name] == ["relu", "drop", "lin2", "relu", "drop", "lin3"]


def test_it_works_within_inference_mode() -> None:
    with torch.inference_mode():
        target = resnet()
        parts = cut(target, "layer3.0")
        state = parts.head(target.prepare(noise(2)))
        assert parts.partial
        assert parts.tail(state, torch.zeros(256)).shape == (2, 7)


def test_a_layer_that_cannot_be_cut_at_is_refused() -> None:
    with pytest.raises(SpecError, match="'relu' cannot be cut at: it is called 10 times"):
        cut(load_target("face-cnn"), "relu")
    with pytest.raises(SpecError, match="did you mean 'lin1'"):
        cut(load_target("face-cnn"), "lin11")


def test_a_change_that_makes_the_output_infinite_is_one_line() -> None:
    target = load_target("face-cnn")
    parts = cut(target, "lin3")
    state = parts.head(target.prepare(noise(2)))
    with pytest.raises(ModelError, match="NaN or infinite"):
        parts.tail(state, torch.full((7,), float("inf")))


def test_the_image_tower_of_a_stored_clip_can_be_cut(tiny_clip_folder: Path) -> None:
    target = load_target(f"clip:local-dir:{tiny_clip_folder}")
    parts = cut(target, "transformer.resblocks.0.mlp.c_fc")
    inputs = target.prepare(noise(2))
    assert parts.partial
    assert_close(parts.tail(parts.head(inputs)), target.logits(inputs))
