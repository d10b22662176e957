"""A CLIP's image tower with an output layer of its own, and how it is built again without the CLIP."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any

import open_clip
import torch
from open_clip.factory import _get_hf_config
from open_clip.model import _build_vision_tower
from torch import Tensor, nn
from torch.nn import functional

from workbench.errors import ModelError
from workbench.models.clip import Clip, parse_clip_spec
from workbench.models.hub import offline_when_unreachable, quiet_logging


class Tower(nn.Module):
    """The image tower, whose embeddings are scaled to one length, and a linear output layer.

    With the classes' text embeddings for weights its logits are those of zero-shot classification.

    Parameters
    ----------
    config : mapping
        See :func:`tower_config`.
    classes : int
        K.
    """

    def __init__(self, config: Mapping[str, Any], classes: int) -> None:
        super().__init__()
        self.scale = float(config["scale"])
        self.tower = _build(config)
        self.head = nn.Linear(int(config["dim"]), classes)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: Tensor) -> Tensor:
        """From normalised pictures ``(N, 3, S, S)`` to logits ``(N, K)``."""
        features = functional.normalize(self.tower(images), dim=1) * self.scale
        logits: Tensor = self.head(features)
        return logits

    def extra_repr(self) -> str:
        """See :class:`torch.nn.Module`."""
        return f"scale={self.scale}"


def tower_config(clip: Clip) -> dict[str, Any]:
    """Describe a CLIP's image tower as plain values.

    Returns
    -------
    dict
        ``model`` (open_clip's configuration without the texts'), ``dim`` of its embeddings, ``scale`` (what the CLIP
        multiplies similarities with), ``size`` of its square input in pixels, ``mean``, ``std``, ``interpolation``.

    Raises
    ------
    ModelError
        The tower is of a kind that cannot be built from its configuration, or takes no square pictures.
    """
    tower: Any = clip.image_tower
    settings = tower.preprocess_cfg
    size = settings["size"] if isinstance(settings["size"], int) else settings["size"][0]
    model = {name: value for name, value in _configuration(clip.name).items() if not name.startswith("text")}
    config = {
        "model": json.loads(json.dumps(model)),
        "dim": clip.dim,
        "scale": clip.logit_scale,
        "size": int(size),
        "mean": list(settings["mean"]),
        "std": list(settings["std"]),
        "interpolation": settings.get("interpolation") or "bicubic",
    }
    if config["interpolation"] not in ("bicubic", "bilinear"):
        config["interpolation"] = "bicubic"
    own = clip.image_tower.state_dict()
    built = _build(config).state_dict()
    if {name: value.shape for name, value in own.items()} != {name: value.shape for name, value in built.items()}:
        raise ModelError(f"{clip.name}: its image tower cannot be built from its configuration, so it cannot be kept")
    return config


def take_tower(module: Tower, clip: Clip) -> None:
    """Give the tower the CLIP's own weights."""
    module.tower.load_state_dict(clip.image_tower.state_dict())


def _build(config: Mapping[str, Any]) -> nn.Module:
    model = config["model"]
    vision = {**model["vision_cfg"], "timm_model_pretrained": False}
    with quiet_logging(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tower: nn.Module = _build_vision_tower(model["embed_dim"], vision, model.get("quick_gelu", False))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            text = (str(error) or type(error).__name__).splitlines()[0]
            raise ModelError(f"the image tower cannot be built from its configuration: {text}") from error
    return tower.to(torch.float32)


def _configuration(spec: str) -> dict[str, Any]:
    source = parse_clip_spec(spec)
    if source.folder is not None:
        content = json.loads((source.folder / "open_clip_config.json").read_text(encoding="utf-8"))
        found: dict[str, Any] = content["model_cfg"]
    elif spec.startswith("hf-hub:"):
        with quiet_logging(), offline_when_unreachable():
            found = _get_hf_config(spec.removeprefix("hf-hub:"))["model_cfg"]
    else:
        found = open_clip.get_model_config(source.identifier)
    return found
