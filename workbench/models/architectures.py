"""Networks of our own: the VGG of the reweighting study, full size and in small.

Reading order: `VggConfig` says which network, `Vgg` is the network, `build_architecture` finds one by name,
`save_checkpoint` and `load_checkpoint` put one on disk as a folder of ``config.json`` and ``model.safetensors``.

References
----------
Khaireddin and Chen, "Facial Emotion Recognition: State of the Art Performance on FER2013", 2021, arXiv:2105.03588.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from workbench.errors import ModelError, unknown_name

FER_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@dataclass(frozen=True)
class VggConfig:
    """What a `Vgg` is made of.

    Attributes
    ----------
    channels : tuple of int
        Channels of each pair of 3x3 convolutions; one 2x2 max pooling follows each pair.
    hidden : int
        Width of the two hidden linear layers ``lin1`` and ``lin2``.
    classes : tuple of str
        Names of the outputs, in order.
    crop : int
        Side of the square gray input, in pixels.
    dropout : float
        Probability of dropping a hidden linear unit in training, 0 to 1.
    mean, std : float
        Gray values in 0 to 1 are normalised to ``(gray - mean) / std``.
    """

    channels: tuple[int, ...] = (64, 128, 256, 512)
    hidden: int = 4096
    classes: tuple[str, ...] = FER_CLASSES
    crop: int = 40
    dropout: float = 0.2
    mean: float = 0.5
    std: float = 0.25

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "VggConfig":
        """Read a configuration back from JSON's lists and numbers."""
        known = {name: value for name, value in values.items() if name in cls.__dataclass_fields__}
        for name in ("channels", "classes"):
            if name in known:
                known[name] = tuple(known[name])
        return cls(**known)


class Vgg(nn.Module):
    """Pairs of 3x3 convolutions with batch norm and ReLU, then two hidden linear layers and an output layer.

    The convolutions are called ``conv1a, conv1b, conv2a, ...``, their batch norms ``bn1a, ...``, the linear layers
    ``lin1, lin2, lin3``: the names the literature on this network uses for its layers.
    """

    def __init__(self, config: VggConfig) -> None:
        super().__init__()
        self.config = config
        self.pairs = tuple(f"{pair}" for pair in range(1, len(config.channels) + 1))
        before = 1
        for pair, width in zip(self.pairs, config.channels, strict=True):
            for letter in "ab":
                self.add_module(f"conv{pair}{letter}", nn.Conv2d(before, width, 3, padding=1, bias=False))
                self.add_module(f"bn{pair}{letter}", nn.BatchNorm2d(width))
                before = width
        side = config.crop >> len(config.channels)
        self.pool = nn.MaxPool2d(2)
        self.relu = nn.ReLU()
        self.drop = nn.Dropout(config.dropout)
        self.lin1 = nn.Linear(before * side * side, config.hidden)
        self.lin2 = nn.Linear(config.hidden, config.hidden)
        self.lin3 = nn.Linear(config.hidden, len(config.classes))

    def forward(self, images: Tensor) -> Tensor:
        """Logits of normalised gray crops.

        Parameters
        ----------
        images : Tensor, shape (N, 1, crop, crop), float
            Normalised gray values; `normalise_gray` makes them.

        Returns
        -------
        Tensor, shape (N, K), float
            Logits in the order of ``config.classes``; higher means more likely.
        """
        x = images
        for pair in self.pairs:
            for letter in "ab":
                x = self.relu(self.get_submodule(f"bn{pair}{letter}")(self.get_submodule(f"conv{pair}{letter}")(x)))
            x = self.pool(x)  # (N, C, side / 2, side / 2)
        x = x.flatten(1)
        x = self.drop(self.relu(self.lin1(x)))
        x = self.drop(self.relu(self.lin2(x)))
        logits: Tensor = self.lin3(x)
        return logits


ARCHITECTURES: dict[str, VggConfig] = {
    "vgg": VggConfig(),
    "vgg-small": VggConfig(channels=(16, 32, 96, 160), hidden=384),
}
"""Architectures by name: ``vgg`` is S4's (30 M parameters), ``vgg-small`` the bundled ``face-cnn``'s."""


def build_architecture(name: str) -> Vgg:
    """Make a network of a known architecture with fresh weights.

    Raises
    ------
    SpecError
        If no architecture has this name.
    """
    if name not in ARCHITECTURES:
        raise unknown_name("architecture", name, tuple(ARCHITECTURES))
    return Vgg(ARCHITECTURES[name])


def normalise_gray(pixels: Tensor, config: VggConfig) -> Tensor:
    """Turn gray faces into a network's input: centre crop, scale to 0-1, normalise.

    Parameters
    ----------
    pixels : Tensor, shape (N, H, W), uint8
        Gray faces with H, W >= ``config.crop``.
    config : VggConfig
        The network's configuration.

    Returns
    -------
    Tensor, shape (N, 1, crop, crop), float32
    """
    top = (pixels.shape[-2] - config.crop) // 2
    left = (pixels.shape[-1] - config.crop) // 2
    crops = pixels[..., top : top + config.crop, left : left + config.crop].float() / 255
    return ((crops - config.mean) / config.std).unsqueeze(1)


def save_checkpoint(model: Vgg, folder: Path, dtype: torch.dtype = torch.float16) -> None:
    """Write a network as ``config.json`` and ``model.safetensors`` into a folder.

    Parameters
    ----------
    model : Vgg
        The network.
    folder : Path
        Made if missing.
    dtype : torch.dtype
        How floating weights are stored; half precision halves the file and is read back as float32.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: value.to(dtype).contiguous() if value.is_floating_point() else value.contiguous()
        for name, value in model.state_dict().items()
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(asdict(model.config), indent=2) + "\n", encoding="utf-8")


def load_checkpoint(folder: Path) -> Vgg:
    """Read back what `save_checkpoint` wrote; the network is float32 and in evaluation mode.

    Raises
    ------
    ModelError
        If a file is missing, damaged, or does not fit the configuration.
    """
    try:
        config = VggConfig.from_dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
        model = Vgg(config)
        weights = load_file(folder / "model.safetensors")
        model.load_state_dict({name: v.float() if v.is_floating_point() else v for name, v in weights.items()})
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"{folder} is not a checkpoint that can be read: {error}") from error
    return model.eval()
