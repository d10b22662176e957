"""The VGG of the reweighting study, full size and in small."""

from pathlib import Path

import pytest
import torch

from workbench.errors import ModelError, SpecError
from workbench.models.architectures import (
    Vgg,
    VggConfig,
    build_architecture,
    load_checkpoint,
    normalise_gray,
    save_checkpoint,
)

TINY = VggConfig(channels=(2, 3), hidden=4, crop=8)


def test_the_full_network_has_the_layers_of_the_study() -> None:
    with torch.device("meta"):
        network = build_architecture("vgg")
    widths = {name: layer.out_channels for name, layer in network.named_modules() if isinstance(layer, torch.nn.Conv2d)}
    assert widths == {
        "conv1a": 64,
        "conv1b": 64,
        "conv2a": 128,
        "conv2b": 128,
        "conv3a": 256,
        "conv3b": 256,
        "conv4a": 512,
        "conv4b": 512,
    }
    assert [network.get_submodule(name).out_features for name in ("lin1", "lin2", "lin3")] == [4096, 4096, 7]
    assert network.lin1.in_features == 512 * 2 * 2


def test_small_network_answers_one_logit_a_class() -> None:
    network = build_architecture("vgg-small").eval()
    assert network(torch.zeros(2, 1, 40, 40)).shape == (2, 7)


def test_unknown_architecture_lists_the_known_ones() -> None:
    with pytest.raises(SpecError, match="vgg-small"):
        build_architecture("vgg-smal")


def test_checkpoint_in_single_precision_reads_back_the_same_network(tmp_path: Path) -> None:
    network = Vgg(TINY).eval()
    save_checkpoint(network, tmp_path, torch.float32)
    images = torch.randn(3, 1, 8, 8)
    assert load_checkpoint(tmp_path).config == TINY
    assert torch.equal(load_checkpoint(tmp_path)(images), network(images))


def test_checkpoint_in_half_precision_is_close_and_read_as_single(tmp_path: Path) -> None:
    network = Vgg(TINY).eval()
    save_checkpoint(network, tmp_path)
    images = torch.randn(3, 1, 8, 8)
    back = load_checkpoint(tmp_path)
    assert back.lin1.weight.dtype == torch.float32
    assert torch.allclose(back(images), network(images), atol=5e-3)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_damaged_or_missing_file_names_the_folder(tmp_path: Path, file: str) -> None:
    save_checkpoint(Vgg(TINY), tmp_path)
    (tmp_path / file).write_bytes(b"\x00damage")
    with pytest.raises(ModelError, match=tmp_path.name):
        load_checkpoint(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(ModelError, match=tmp_path.name):
        load_checkpoint(tmp_path)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    save_checkpoint(Vgg(TINY), tmp_path)
    config = (tmp_path / "config.json").read_text().replace('"hidden": 4', '"hidden": 5')
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(ModelError, match="size mismatch"):
        load_checkpoint(tmp_path)


def test_normalising_takes_the_centre_and_maps_the_mean_to_zero() -> None:
    pixels = torch.zeros(1, 10, 10, dtype=torch.uint8)
    pixels[:, 1:9, 1:9] = 255
    inputs = normalise_gray(pixels, TINY)
    assert inputs.shape == (1, 1, 8, 8)
    assert torch.equal(inputs, torch.full((1, 1, 8, 8), 2.0))
