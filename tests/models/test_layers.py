"""Layers: which there are, why one cannot be looked into, what is captured and how it is pooled."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn

from tests.models.conftest import noise, own_target
from workbench.errors import ModelError, SpecError
from workbench.models.architectures import build_architecture
from workbench.models.layers import (
    Layer,
    capture,
    layer_bias,
    list_layers,
    maps,
    match_layers,
    pool,
    scaled_weights,
)
from workbench.models.targets import Target, load_target, prepare_gray


@pytest.fixture(scope="module")
def face_cnn() -> Target:
    return load_target("face-cnn")


@pytest.fixture(scope="module")
def face_layers(face_cnn: Target) -> list[Layer]:
    return list_layers(face_cnn)


def by_name(target: Target) -> dict[str, Layer]:
    return {layer.name: layer for layer in list_layers(target)}


def test_face_cnn_has_its_layers_in_the_order_they_run_in(face_layers: list[Layer]) -> None:
    usable = [layer.name for layer in face_layers if not layer.problem]
    pairs = [f"{kind}{pair}{letter}" for pair in range(1, 5) for letter in "ab" for kind in ("conv", "bn")]
    assert usable == [*pairs, "lin1", "lin2", "lin3"]
    conv4b = next(layer for layer in face_layers if layer.name == "conv4b")
    expected = Layer("conv4b", "Conv2d", (160, 5, 5), 160, 160 * 160 * 9, "map", has_weight=True)
    assert conv4b == expected


def test_the_full_vgg_has_the_widths_of_the_study() -> None:
    network = build_architecture("vgg").eval().requires_grad_(False)
    target = Target("vgg", network, None, "0" * 16, None, (), lambda images: prepare_gray(images, network.config))
    layers = by_name(target)
    assert {name: layers[name].units for name in ("conv1a", "conv4b", "lin1", "lin2", "lin3")} == {
        "conv1a": 64,
        "conv4b": 512,
        "lin1": 4096,
        "lin2": 4096,
        "lin3": 7,
    }


def test_the_tower_of_face_clip_is_listed() -> None:
    layers = by_name(load_target("clip:face-clip"))
    assert layers["layer4"].same_as == "layer4.0.act3"
    assert layers["attnpool"].kind == "vector"
    assert layers["attnpool.q_proj"].problem.startswith("it is never called")
    assert layers["layer1.0.bn3"].has_weight


def test_a_vision_transformer_gives_tokens(tiny_clip_folder: Path) -> None:
    layers = by_name(load_target(f"clip:local-dir:{tiny_clip_folder}"))
    assert layers["transformer.resblocks.0"].kind == "tokens"
    assert layers["transformer.resblocks.0"].shape == (5, 16)  # class token and 2 x 2 patches
    assert layers["transformer.resblocks.0"].units == 16
    assert layers["transformer.resblocks.0.mlp.c_fc"].has_weight
    assert layers["transformer.resblocks.0.attn"].problem == "its output is a tuple of 2, not a tensor"


def test_a_resnet_keeps_apart_what_runs_in_place() -> None:
    target = own_target(torchvision.models.resnet18(num_classes=7))
    layers = by_name(target)
    assert layers["relu"].same_as == ""  # works in place on what bn1 gave
    assert layers["layer1"].same_as == "layer1.1"
    assert "called 2 times" in layers["layer1.0.relu"].problem
    with capture(target.module, ["bn1", "relu"]) as outputs:
        target.module(target.prepare(noise(2)))
    assert outputs["bn1"].min() < 0
    assert torch.equal(outputs["bn1"].relu(), outputs["relu"])


def test_a_timm_network_is_listed() -> None:
    module = timm.create_model("test_vit", pretrained=False, img_size=32)
    layers = by_name(own_target(module))
    assert layers["blocks.0.attn.q_norm"].same_as == "its input"
    assert layers["blocks.0.mlp.fc1"].shape == (5, 192)
    assert layers["patch_embed.proj"].kind == "map"


class _Odd(nn.Module):
    """Layers that cannot be looked into, each for a reason of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.flat = nn.Flatten()
        self.lin = nn.Linear(3 * 32 * 32, 6)
        self.twice = nn.ReLU()
        self.never = nn.Linear(2, 2)
        self.pair = _Function(lambda x: (x, x))
        self.moved = _Function(lambda x: x.reshape(len(x), 3, 2).movedim(0, 1))
        self.windows = _Function(lambda x: x.reshape(2 * len(x), 3))
        self.summed = _Function(lambda x: x.sum())
        self.averaged = _Function(lambda x: x.mean(0))
        self.whole = _Function(lambda x: x.round().long())
        self.deep = _Function(lambda x: x.reshape(len(x), 6, 1, 1, 1))
        self.norm = _NormWithActivation(6)

    def forward(self, images: Tensor) -> Tensor:
        x = self.norm(self.twice(self.lin(self.flat(images))))
        for odd in (self.pair, self.moved, self.windows, self.summed, self.averaged, self.whole, self.deep):
            odd(x)
        return self.twice(x)


class _Function(nn.Module):
    def __init__(self, function: object) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> object:
        return self.function(x)


class _NormWithActivation(nn.LayerNorm):
    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(super().forward(x))


@pytest.fixture(scope="module")
def odd() -> Target:
    torch.manual_seed(0)
    return own_target(_Odd())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("twice", "it is called 2 times in a forward pass"),
        ("never", "it is never called"),
        ("pair", "its output is a tuple of 2, not a tensor"),
        ("moved", "its images lie along axis 1, not 0: 3 x 2 x 2 for 2 images"),
        ("windows", "its first axis is not that of images: 4 x 3 for 2 images"),
        ("summed", "no axis of images: a single number"),
        ("averaged", "its first axis is not that of images: 6"),
        ("whole", "its output is int64, not real numbers"),
        ("deep", "has 4 axes"),
        ("lin", ""),
        ("norm", ""),
    ],
)
def test_a_layer_that_cannot_be_looked_into_says_why(odd: Target, name: str, words: str) -> None:
    layer = by_name(odd)[name]
    assert words in layer.problem
    assert bool(words) == bool(layer.problem)


def test_a_norm_that_holds_an_activation_has_no_weight_that_scales_its_units(odd: Target) -> None:
    assert not by_name(odd)["norm"].has_weight
    with pytest.raises(SpecError, match=r"'norm' \(_NormWithActivation\) has no weight of its own"):
        scaled_weights(odd.module, "norm", torch.ones(6), with_bias=True)


def test_a_network_that_fails_is_one_line_and_keeps_no_hooks() -> None:
    target = own_target(nn.Sequential(nn.Flatten(), nn.Linear(3, 3)))
    with pytest.raises(ModelError, match="own: fails on an input of 2 x 3 x 32 x 32: ") as caught:
        list_layers(target)
    assert "\n" not in str(caught.value)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in target.module.modules())


def names(layers: list[Layer]) -> list[str]:
    return [layer.name for layer in layers]


def test_globs_and_names_choose_layers_in_the_networks_order(face_layers: list[Layer]) -> None:
    assert names(match_layers(face_layers, "lin1, conv4*,conv4b")) == ["conv4a", "conv4b", "lin1"]
    assert names(match_layers(face_layers, "*")) == [layer.name for layer in face_layers if not layer.problem]


def test_a_glob_passes_over_a_layer_that_hands_on_anothers_output_but_its_name_does_not() -> None:
    layers = list_layers(own_target(torchvision.models.resnet18(num_classes=7)))
    assert names(match_layers(layers, "layer1*")) == [
        *("layer1.0.conv1", "layer1.0.bn1", "layer1.0.conv2", "layer1.0.bn2", "layer1.0"),
        *("layer1.1.conv1", "layer1.1.bn1", "layer1.1.conv2", "layer1.1.bn2", "layer1.1"),
    ]
    assert names(match_layers(layers, "layer1")) == ["layer1"]


@pytest.mark.parametrize(
    ("patterns", "words"),
    [
        ("conv4c", r"unknown layer 'conv4c'; did you mean 'conv4b'\? \(known: bn1a"),
        ("lin1,pool*", r"unknown layer 'pool\*'"),
        ("relu", "layer 'relu' cannot be looked into: it is called 10 times"),
        ("", "no layer is named"),
        (" , ", "no layer is named"),
    ],
)
def test_a_layer_that_is_not_there_is_refused(face_layers: list[Layer], patterns: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        match_layers(face_layers, patterns)


def test_capture_takes_its_hooks_away_also_when_the_network_fails(face_cnn: Target) -> None:
    inputs = face_cnn.prepare(noise(2))
    with capture(face_cnn.module, ["lin1", "conv1a"]) as outputs:
        face_cnn.logits(inputs)
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        "lin1": (2, 384),
        "conv1a": (2, 16, 40, 40),
    }
    with pytest.raises(RuntimeError), capture(face_cnn.module, ["lin1"]):
        face_cnn.module(inputs[..., 20:])
    with pytest.raises(SpecError, match="unknown layer 'lin9'"), capture(face_cnn.module, ["lin1", "lin9"]):
        pass
    assert not any(module._forward_hooks for module in face_cnn.module.modules())


def test_pooling_a_map_or_a_vector() -> None:
    output = torch.rand(2, 3, 4, 5)
    assert torch.allclose(pool(output, "map"), output.mean((2, 3)))
    assert torch.allclose(pool(output, "map", "avg"), output.mean((2, 3)))
    assert torch.equal(pool(output, "map", "max"), output.amax((2, 3)))
    assert torch.equal(pool(output[:, :, 0, 0], "vector", "max"), output[:, :, 0, 0])
    assert torch.equal(maps(output, "map"), output)
    assert maps(output[:, :, 0, 0], "vector") is None


@pytest.mark.parametrize("prefix", [0, 1, 5])
def test_pooling_tokens_leaves_class_and_register_tokens_out_of_the_average(prefix: int) -> None:
    output = torch.rand(2, prefix + 49, 3)
    patches = output[:, prefix:]
    usual = output[:, 0] if prefix else patches.mean(1)
    assert torch.allclose(pool(output, "tokens"), usual)
    assert torch.allclose(pool(output, "tokens", "avg"), patches.mean(1))
    assert torch.equal(pool(output, "tokens", "max"), patches.amax(1))
    found = maps(output, "tokens")
    assert found is not None
    assert found.shape == (2, 3, 7, 7)
    assert torch.equal(found[:, :, 2, 3], patches[:, 2 * 7 + 3])


def test_channels_last_are_pooled_and_laid_out_like_maps() -> None:
    output = torch.rand(2, 4, 5, 3)
    found = maps(output, "tokens")
    assert found is not None
    assert torch.equal(found, output.permute(0, 3, 1, 2))
    assert torch.allclose(pool(output, "tokens"), output.mean((1, 2)))


def test_a_pooling_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(SpecError, match="no class token"):
        pool(torch.rand(2, 49, 3), "tokens", "class")
    with pytest.raises(SpecError, match="did you mean 'avg'"):
        pool(torch.rand(2, 49, 3), "tokens", "avrg")


@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("name", ["lin1", "conv4b", "bn2a", "lin3"])
def test_scaled_weights_change_the_output_as_they_say(face_cnn: Target, name: str, with_bias: bool) -> None:
    target = load_target("face-cnn")
    bias = layer_bias(target.module, name)
    scale = torch.linspace(0.5, 2, len(bias))
    inputs = target.prepare(noise(2))
    with capture(target.module, [name]) as before:
        target.logits(inputs)
    target.module.load_state_dict(scaled_weights(target.module, name, scale, with_bias), strict=False)
    with capture(target.module, [name]) as after:
        target.logits(inputs)
    shape = (-1, 1, 1) if before[name].ndim == 4 else (-1,)
    shift = torch.zeros_like(bias) if with_bias else (1 - scale) * bias
    expected = before[name] * scale.view(shape) + shift.view(shape)
    assert torch.allclose(after[name], expected, atol=1e-5)


def test_scaled_weights_leave_the_network_alone_and_want_a_scale_a_unit(face_cnn: Target) -> None:
    before = face_cnn.module.state_dict()["lin1.weight"].clone()
    scaled_weights(face_cnn.module, "lin1", torch.zeros(384), with_bias=True)
    assert torch.equal(face_cnn.module.state_dict()["lin1.weight"], before)
    with pytest.raises(SpecError, match="'lin1' has 384 units, not 3"):
        scaled_weights(face_cnn.module, "lin1", torch.ones(3), with_bias=True)
    with pytest.raises(SpecError, match="has no weight of its own"):
        layer_bias(face_cnn.module, "relu")
    assert torch.equal(layer_bias(face_cnn.module, "conv1a"), torch.zeros(16))
