"""CLIP image and text encoders by spec: bundled, open_clip's pretrained pairs, the hub, or a local directory."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from open_clip.tokenizer import SimpleTokenizer
from PIL import Image
from safetensors import SafetensorError

from workbench.errors import ModelError, SpecError, unknown_name
from workbench.models.fingerprints import TrainingImages
from workbench.models.hub import offline_when_unreachable, quiet_logging
from workbench.models.weights import check_finite, fingerprint

ASSETS = Path(__file__).resolve().parent.parent / "assets"
BUNDLED = {"face-clip": ASSETS / "face-clip"}
"""The CLIP models that ship with the workbench."""


@dataclass(frozen=True)
class ClipSource:
    """Where a CLIP spec points: an open_clip model identifier, a weights tag if it needs one, a folder if it is one."""

    spec: str
    identifier: str
    pretrained: str | None = None
    folder: Path | None = None


def parse_clip_spec(spec: str) -> ClipSource:
    """Resolve a CLIP spec without loading anything.

    Parameters
    ----------
    spec : str
        ``face-clip``, ``MODEL/WEIGHTS`` (for example ``ViT-B-32/openai``), ``hf-hub:owner/name`` or ``local-dir:PATH``.

    Raises
    ------
    SpecError
        The spec has another form, or names a model, weights or folder that do not exist.
    """
    if spec in BUNDLED:
        return ClipSource(spec, f"local-dir:{BUNDLED[spec]}", folder=BUNDLED[spec])
    if spec.startswith("local-dir:"):
        folder = Path(spec.removeprefix("local-dir:")).expanduser()
        if not (folder / "open_clip_config.json").is_file():
            raise SpecError(f"{spec}: no open_clip_config.json there; local-dir: takes a folder in open_clip's format")
        return ClipSource(spec, f"local-dir:{folder}", folder=folder)
    if spec.startswith("hf-hub:"):
        if not re.fullmatch(r"hf-hub:[\w.-]+/[\w.-]+", spec):
            raise SpecError(f"{spec!r} is not of the form hf-hub:owner/name")
        return ClipSource(spec, spec)
    model, slash, tag = spec.partition("/")
    if not slash:
        raise unknown_name("CLIP", spec, [*BUNDLED, "MODEL/WEIGHTS", "hf-hub:owner/name", "local-dir:PATH"])
    if model not in open_clip.list_models():
        raise unknown_name("open_clip model", model, open_clip.list_models())
    if tag not in (tags := open_clip.list_pretrained_tags_by_model(model)):
        raise unknown_name(f"weights of {model}", tag, tags)
    return ClipSource(spec, model, pretrained=tag)


def load_clip(spec: str, device: str = "cpu") -> Clip:
    """Load a CLIP.

    Parameters
    ----------
    spec : str
        See :func:`parse_clip_spec`.
    device : str
        A torch device; does not change what is computed beyond rounding.

    Raises
    ------
    SpecError
        The spec is not valid.
    ModelError
        The weights cannot be reached, are damaged, do not fit, or are no finite numbers.
    """
    source = parse_clip_spec(spec)
    with quiet_logging(), nullcontext() if source.folder else offline_when_unreachable():
        try:
            model, _, transform = open_clip.create_model_and_transforms(
                source.identifier, pretrained=source.pretrained, require_pretrained=True, weights_only=True
            )
            tokenizer = open_clip.get_tokenizer(source.identifier)
        except (OSError, RuntimeError, ValueError, KeyError, TypeError, AssertionError, SafetensorError) as error:
            raise _load_error(source, error) from error
    check_finite(spec, model.state_dict())
    return Clip(source, model.to(device).eval(), transform, tokenizer, torch.device(device))


class Clip:
    """A loaded CLIP; every embedding has unit length.

    Attributes
    ----------
    name : str
        The spec it was loaded by.
    dim : int
        Length of an embedding.
    logit_scale : float
        What cosine similarities are multiplied with before the softmax (100 for OpenAI's models).
    """

    def __init__(self, source: ClipSource, model: Any, transform: Any, tokenizer: Any, device: torch.device) -> None:
        self.name = source.spec
        self._folder = source.folder
        self._model = model
        self._transform = transform
        self._tokenizer = tokenizer
        self._device = device
        self._preprocess = _Preprocess.of(model)
        self.logit_scale = math.exp(self._model.logit_scale.item())

    @cached_property
    def dim(self) -> int:
        """Length of an embedding."""
        return int(self.encode_texts(["face"]).shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all weights and of the preprocessing: equal fingerprints give equal embeddings."""
        return fingerprint(self.preprocessing, self._model.state_dict())

    @property
    def preprocessing(self) -> str:
        """What is done to a picture before it is encoded, in words that change with it."""
        return repr(self._preprocess)

    @property
    def image_tower(self) -> torch.nn.Module:
        """The image encoder: from what :meth:`prepare` returns to embeddings whose length is not yet one."""
        tower: torch.nn.Module = self._model.visual
        return tower

    @property
    def model(self) -> Any:
        """open_clip's model, for what enters it elsewhere than with pictures or texts."""
        return self._model

    @property
    def tokenizer(self) -> Any:
        """open_clip's tokenizer that goes with it."""
        return self._tokenizer

    @cached_property
    def training_images(self) -> TrainingImages | None:
        """Fingerprints of the images it was trained on, where the model carries them."""
        return TrainingImages.read(self._folder) if self._folder else None

    @cached_property
    def vocabulary(self) -> frozenset[str] | None:
        """The words a small model saw in training, lower case; None where it does not say."""
        path = self._folder / "vocabulary.json" if self._folder else None
        if path is None or not path.is_file():
            return None
        return frozenset(json.loads(path.read_text(encoding="utf-8"))["words"])

    def unseen_words(self, texts: Sequence[str]) -> list[str]:
        """Return the words of the texts that a small model never saw in training, sorted; empty where not known.

        A word is a run of letters, lower-cased, apostrophes kept.
        """
        if self.vocabulary is None:
            return []
        words = {word for text in texts for word in re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", text.lower())}
        return sorted(words - self.vocabulary)

    def prepare(self, images: Sequence[Image.Image]) -> torch.Tensor:
        """Turn pictures (``L`` or ``RGB``, any size) into the tower's input.

        Returns
        -------
        Tensor
            Shape ``(N, 3, S, S)``, float32, normalised. Square pictures of one size are resized as one batch, which
            agrees with open_clip's own transform to about 0.03 of a standard deviation; all others go through it.
        """
        first = images[0]
        alike = all(image.size == first.size and image.mode == first.mode for image in images)
        if alike and first.width == first.height and self._preprocess.batchable:
            pixels = np.stack([np.asarray(image) for image in images])  # (N, H, W) or (N, H, W, 3)
            batch = torch.from_numpy(pixels)
            return self._preprocess(batch.unsqueeze(1) if first.mode == "L" else batch.permute(0, 3, 1, 2))
        return torch.stack([self._transform(image) for image in images])

    def encode_prepared(self, inputs: torch.Tensor) -> np.ndarray:
        """Encode what :meth:`prepare` returned; float32 ``(N, D)`` of unit length."""
        with torch.inference_mode():
            features = self._model.encode_image(inputs.to(self._device), normalize=True)
        return np.asarray(features.float().cpu().numpy())

    def encode_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Encode pictures; float32 ``(N, D)`` of unit length."""
        return self.encode_prepared(self.prepare(images))

    def encode_texts(self, texts: Sequence[str], batch_size: int = 256) -> np.ndarray:
        """Encode texts; float32 ``(N, D)`` of unit length. Longer texts than the context are cut by the tokenizer.

        Raises
        ------
        SpecError
            A text holds the sign that begins or ends every text, where open_clip's own tokenizer reads it as such.
        """
        parts = []
        with torch.inference_mode():
            for start in range(0, len(texts), batch_size):
                batch = list(texts[start : start + batch_size])
                tokens = self._tokenizer(batch).to(self._device)
                if isinstance(self._tokenizer, SimpleTokenizer):
                    signs = torch.tensor(self._tokenizer.all_special_ids[:2], device=self._device)
                    twice = ((tokens.unsqueeze(-1) == signs).sum(dim=1) > 1).any(dim=1)  # each text has one of each
                    if twice.any():
                        raise sign_error(self.name, batch[int(twice.int().argmax())])
                parts.append(self._model.encode_text(tokens, normalize=True).float().cpu().numpy())
        return np.concatenate(parts)


@dataclass(frozen=True)
class _Preprocess:
    """open_clip's preprocessing of square pictures, on batches of uint8 pixels."""

    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    resize_mode: str
    fill_color: int

    @classmethod
    def of(cls, model: Any) -> _Preprocess:
        config = model.visual.preprocess_cfg
        size = config["size"]
        return cls(
            size=(size, size) if isinstance(size, int) else (int(size[0]), int(size[1])),
            mean=tuple(config["mean"]),
            std=tuple(config["std"]),
            interpolation=config.get("interpolation") or "bicubic",
            resize_mode=config.get("resize_mode") or "shortest",
            fill_color=config.get("fill_color") or 0,
        )

    @property
    def batchable(self) -> bool:
        """Whether squaring, cropping and padding all come to a plain resize for a square picture."""
        return self.size[0] == self.size[1] and self.interpolation in ("bicubic", "bilinear")

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """Uint8 ``(N, C, H, W)`` to float32 ``(N, 3, S, S)``; uint8 into the resize, as PIL does it."""
        if tuple(pixels.shape[-2:]) != self.size:
            pixels = F.interpolate(pixels, self.size, mode=self.interpolation, antialias=True, align_corners=False)
        mean, std = (
            torch.tensor(values if len(set(values)) > 1 else values[:1]).view(1, -1, 1, 1)
            for values in (self.mean, self.std)
        )  # one number where all channels have the same, so that gray stays one channel until the very end
        return pixels.float().div_(255.0).sub(mean).div_(std).expand(-1, 3, -1, -1)


def sign_error(name: str, text: str) -> SpecError:
    """Return the error for a text with a sign that a CLIP reads as the beginning or the end of all it reads."""
    return SpecError(
        f"{text!r} holds a sign that begins or ends every text for {name} (<start_of_text>, <end_of_text>); "
        "write it without"
    )


def _load_error(source: ClipSource, error: Exception) -> ModelError:
    text = (str(error) or type(error).__name__).splitlines()[0]
    if source.folder is not None:
        return ModelError(f"{source.spec}: the model in {source.folder} cannot be loaded: {text}")
    return ModelError(
        f"{source.spec}: the weights cannot be fetched from the model hub and are not in its local cache; connect to "
        f"the network once, name a folder with local-dir:PATH, or use face-clip, which is bundled ({text[:120]})"
    )
