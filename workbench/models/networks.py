"""Networks that can be trained on faces: by name, how each sees a face, and how one is built again from what is kept.

Reading order: :class:`View` is how a network sees a face, :class:`Architecture` says all that is needed to build a
network, :func:`plan` finds one by name, :func:`begin` gives it weights to start from, :func:`restore` its trained ones.

All see gray faces. The VGGs and LeNet take crops of 40 pixels of faces of 48, as the recipe they are trained by. The
networks of torchvision halve a picture five times; they take crops of 80 pixels of faces of 96, which leaves 3 x 3
places at the last layer, and the same gray in three channels, so that their pretrained weights fit. A CLIP's image
tower takes the size it was trained with, the whole face.

References
----------
LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998 (LeNet-5).
Khaireddin and Chen, "Facial Emotion Recognition: State of the Art Performance on FER2013", 2021, arXiv:2105.03588.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms.functional import ten_crop

from workbench.errors import ModelError, SpecError, unknown_name
from workbench.models.architectures import ARCHITECTURES, Vgg
from workbench.models.hub import library_errors
from workbench.models.towers import Tower, tower_config
from workbench.models.weights import Weights, check_finite, fit_weights, misshapen, read_weights, without_prefix

CLIP = "clip"
"""The network that is a CLIP's image tower with an output layer."""
PREFIX = f"{CLIP}:"
STARTS = ("texts", "new")
"""What the output layer of a CLIP's tower begins as: the classes' text embeddings, or zeros."""
_SILENT = -1e4
"""Bias of a class that is never answered: its probability is 0 in float32."""


@dataclass(frozen=True)
class View:
    """How a network sees a face.

    Parameters
    ----------
    side : int
        Faces are squashed to ``side`` x ``side`` pixels, gray.
    crop : int
        Side of what it takes of them, at most ``side``.
    mean, std : tuple of float
        One a channel: gray values in 0..1 are normalised to ``(gray - mean) / std``.
    interpolation : str
        Of the squashing: ``bicubic`` or ``bilinear``.
    """

    side: int
    crop: int
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.25,)
    interpolation: str = "bicubic"

    def faces(self, pictures: Sequence[Image.Image]) -> Tensor:
        """Turn pictures (``L`` or ``RGB``, any size) into gray faces, uint8 ``(N, side, side)``."""
        return torch.from_numpy(gray_faces(pictures, self.side, self.interpolation))

    def squash(self, pixels: Tensor) -> Tensor:
        """Bring gray faces, uint8 ``(N, S, S)``, to ``side``, as :meth:`faces` does with pictures."""
        if pixels.shape[-1] == self.side:
            return pixels
        return self.faces([Image.fromarray(face.numpy()) for face in pixels])

    def normalise(self, gray: Tensor) -> Tensor:
        """From gray values in 0..1 ``(N, 1, H, W)`` to a network's input ``(N, C, H, W)``."""
        mean, std = (torch.tensor(values, device=gray.device).view(1, -1, 1, 1) for values in (self.mean, self.std))
        return (gray - mean) / std

    def whole(self, faces: Tensor) -> Tensor:
        """From faces, uint8 ``(N, side, side)``, to float32 ``(N, C, side, side)``, normalised and not yet cropped."""
        return self.normalise(faces.unsqueeze(1).float() / 255)

    def centre(self, faces: Tensor) -> Tensor:
        """From faces, uint8 ``(N, side, side)``, to the input ``(N, C, crop, crop)``: the centre of each."""
        edge = (self.side - self.crop) // 2
        return self.whole(faces[:, edge : edge + self.crop, edge : edge + self.crop])


def gray_faces(pictures: Sequence[Image.Image], side: int, interpolation: str = "bicubic") -> np.ndarray:
    """Turn pictures (``L`` or ``RGB``, any size) into gray faces, uint8 ``(N, side, side)``."""
    way = Image.Resampling[interpolation.upper()]
    gray = [picture if picture.mode == "L" else picture.convert("L") for picture in pictures]
    squared = [picture if picture.size == (side, side) else picture.resize((side, side), way) for picture in gray]
    return np.stack([np.asarray(picture, dtype=np.uint8) for picture in squared])


class TenViews(nn.Module):
    """A network that answers ten crops of a face, corners, centre and their mirror images, by the mean of its logits.

    Its input are whole faces, normalised ``(N, C, side, side)``; the crops go through one after the other.
    """

    def __init__(self, module: nn.Module, crop: int) -> None:
        super().__init__()
        self.module, self.crop = module, crop

    def forward(self, faces: Tensor) -> Tensor:
        """Return logits ``(N, K)``."""
        return torch.stack([self.module(view) for view in ten_crop(faces, [self.crop, self.crop])]).mean(dim=0)

    def extra_repr(self) -> str:
        """See :class:`torch.nn.Module`."""
        return f"crop={self.crop}"


class LeNet(nn.Module):
    """LeNet-5 for gray crops of 40 pixels: two 5x5 convolutions and three linear layers, ReLU and max pooling."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.relu, self.pool = nn.ReLU(), nn.MaxPool2d(2)
        self.lin1, self.lin2, self.lin3 = nn.Linear(16 * 7 * 7, 120), nn.Linear(120, 84), nn.Linear(84, classes)

    def forward(self, images: Tensor) -> Tensor:
        """From normalised crops ``(N, 1, 40, 40)`` to logits ``(N, K)``."""
        x = self.pool(self.relu(self.conv1(images)))  # (N, 6, 18, 18)
        x = self.pool(self.relu(self.conv2(x))).flatten(1)  # (N, 16 * 7 * 7)
        logits: Tensor = self.lin3(self.relu(self.lin2(self.relu(self.lin1(x)))))
        return logits


@dataclass(frozen=True)
class Architecture:
    """All that is needed to build a network, as plain values.

    Parameters
    ----------
    network : str
        A name of :data:`NETWORKS`, or ``clip``.
    classes : tuple of str
        Names of its outputs, in order.
    view : View
        How it sees a face.
    tower : mapping or None
        Of ``clip``: the tower's configuration, see :func:`workbench.models.towers.tower_config`.
    """

    network: str
    classes: tuple[str, ...]
    view: View
    tower: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Architecture:
        """Read plain values back.

        Raises
        ------
        ModelError
            They describe no network that is known here.
        """
        try:
            lists: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value for name, value in values["view"].items()
            }
            found = cls(str(values["network"]), tuple(values["classes"]), View(**lists), values["tower"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"no description of a network ({error})") from error
        if found.network not in NETWORKS and (found.network != CLIP or not found.tower):
            raise ModelError(f"its network {found.network!r} is not known here; known are {', '.join(NETWORKS)}")
        return found

    @property
    def head(self) -> str:
        """Name of the output layer, a linear one."""
        return "head" if self.network == CLIP else NETWORKS[self.network].head

    def build(self) -> nn.Module:
        """Build it with fresh weights, drawn from torch's own seed."""
        if self.tower is not None:
            return Tower(self.tower, len(self.classes))
        return NETWORKS[self.network].build(self.classes)


@dataclass(frozen=True)
class _Kind:
    build: Callable[[tuple[str, ...]], nn.Module]
    head: str
    view: View


_GRAY_40 = View(48, 40)
_IMAGENET_80 = View(96, 80, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def _vgg(name: str) -> _Kind:
    return _Kind(lambda classes: Vgg(replace(ARCHITECTURES[name], classes=classes)), "lin3", _GRAY_40)


def _torchvision(name: str, **settings: Any) -> _Kind:
    def build(classes: tuple[str, ...]) -> nn.Module:
        module: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=len(classes), **settings)
        return module

    return _Kind(build, "fc", _IMAGENET_80)


NETWORKS: Mapping[str, _Kind] = {
    "lenet": _Kind(lambda classes: LeNet(len(classes)), "lin3", _GRAY_40),
    "googlenet": _torchvision("googlenet", aux_logits=False, transform_input=True, init_weights=True),
    "resnet18": _torchvision("resnet18"),
    "resnet50": _torchvision("resnet50"),
    "vgg": _vgg("vgg"),
    "vgg-small": _vgg("vgg-small"),
}
"""The networks by name. GoogLeNet is without its auxiliary outputs; the VGGs are those of models.architectures."""


def plan(network: str, classes: tuple[str, ...], crops: int, clip: Any = None) -> Architecture:
    """Say how a network is built for some classes.

    Parameters
    ----------
    network : str
        A name of :data:`NETWORKS`, or ``clip:SPEC``.
    classes : tuple of str
        Names of the outputs.
    crops : int
        Views whose answers are averaged, 1 or 10. A CLIP's tower sees the whole face in one view; for ten, faces are
        made a fifth larger than its input.
    clip : Clip, optional
        The loaded CLIP, for ``clip:SPEC``.

    Raises
    ------
    SpecError
        There is no network of that name.
    ModelError
        The CLIP's tower cannot be described.
    """
    if clip is not None:
        tower = tower_config(clip)
        side = int(tower["size"]) if crops == 1 else round(tower["size"] * 6 / 5)
        view = View(side, int(tower["size"]), tuple(tower["mean"]), tuple(tower["std"]), tower["interpolation"])
        return Architecture(CLIP, classes, view, tower)
    if network not in NETWORKS:
        raise unknown_name("network", network, [*NETWORKS, f"{PREFIX}SPEC"])
    return Architecture(network, classes, NETWORKS[network].view)


def read_start(network: str, start: str) -> Weights | None:
    """Read what a network's weights begin as; None for fresh ones, and for a CLIP's own.

    Parameters
    ----------
    start : str
        Empty, a name of torchvision's weights of this network, or a file; for a CLIP also one of :data:`STARTS`.

    Raises
    ------
    SpecError
        It is neither a name nor a file.
    ModelError
        The weights cannot be had, the file holds none, or some are no finite numbers.
    """
    if not start or (network.startswith(PREFIX) and start in STARTS):
        return None
    path = Path(start).expanduser()
    if path.is_file():
        weights = read_weights(path)
        check_finite(path, weights.tensors)
        return weights
    library = network in NETWORKS and NETWORKS[network].head == "fc"
    choices = torchvision.models.get_model_weights(network) if library else None
    names = [*choices.__members__] if choices is not None else list(STARTS if network.startswith(PREFIX) else ())
    if choices is None or start not in names:
        raise unknown_name(f"start of {network}", start, [*names, "a file of weights that exists"])
    with library_errors(f"torchvision:{network}/{start}"):
        tensors = choices[start].get_state_dict(progress=False, check_hash=True, weights_only=True)
    return Weights(Path(f"torchvision:{network}/{start}"), tensors)


def digest(weights: Weights | None) -> str:
    """Return a hash of weights, empty for none: part of what names a trained network."""
    if weights is None:
        return ""
    found = hashlib.sha256()
    for name, value in sorted(weights.tensors.items()):
        found.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        found.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()[:16]


def begin(module: nn.Module, architecture: Architecture, weights: Weights) -> str:
    """Put weights into a network; an output layer that they lack, or have in another size, is left as it is.

    Returns
    -------
    str
        Why the output layer is left as it is; empty where it was taken too.

    Raises
    ------
    ModelError
        They are of another network; the text names what is missing, unexpected or of another shape.
    """
    own = module.state_dict()
    given = dict(without_prefix(weights.tensors, own.keys()))
    given = {name: value for name, value in given.items() if architecture.network != "googlenet" or name[:3] != "aux"}
    head = [f"{architecture.head}.weight", f"{architecture.head}.bias"]
    wrong = misshapen(module, Weights(weights.path, given))
    why = [f"{name} is missing" for name in head if name not in given]
    why += [f"{name} is {wrong[name]}" for name in head if name in wrong]
    if why:
        given |= {name: own[name] for name in head}
    fit_weights(module, Weights(weights.path, given))
    return f"{weights.path}: {why[0]}" if why else ""


def restore(architecture: Architecture, arrays: Mapping[str, np.ndarray], where: Path) -> nn.Module:
    """Build a network and give it the weights that are kept.

    Raises
    ------
    ModelError
        They are another network's, or not finite.
    """
    module = architecture.build()
    numbers = {name for name, value in module.state_dict().items() if value.ndim == 0}  # kept as arrays of one
    tensors = {
        name: torch.from_numpy(np.array(value.reshape(()) if name in numbers and value.size == 1 else value))
        for name, value in arrays.items()
    }
    fit_weights(module, Weights(where, tensors))
    check_finite(where, tensors)
    return module.eval()


def silence(module: nn.Module, architecture: Architecture, absent: Sequence[int]) -> None:
    """See to it that classes are never answered: no weights, and a bias far below all others."""
    head = module.get_submodule(architecture.head)
    if not isinstance(head, nn.Linear):
        raise SpecError(f"{architecture.network}: its output layer is no linear one")
    with torch.no_grad():
        head.weight[list(absent)] = 0
        head.bias[list(absent)] = _SILENT
