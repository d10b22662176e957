"""Zero-shot accuracy on photographs, AUROC of facial expressions on rendered faces, speed; of the shipped folder."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import timm
import torch
from network import MEAN, STD, load
from numpy.typing import NDArray
from rendered import RenderedFaces
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import functional

from workbench.data.faces import ACTIONS, EMOTIONS
from workbench.data.fer2013 import Faces

WORDS = ("angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral")
SINGLE = ("gray person expressing {}",)
ENSEMBLE = (
    "a photo of a {} face",
    "a {} face",
    "a face with a {} expression",
    "a person with a {} look",
    "a person who looks {}",
    "a gray photo of a {} person",
    "gray person expressing {}",
    "a close-up of a {} facial expression",
)
"""The templates of the bundled concept set fer7."""
PRESENT = 0.3
"""A facial action counts as shown from this strength on."""


@torch.inference_mode()
def embed(tower: Callable[[Tensor], Tensor], pixels: NDArray[np.uint8], size: int) -> Tensor:
    """Embed gray faces, resized as the folder's configuration says; unit length, shape (N, D)."""
    parts = []
    for part in torch.from_numpy(pixels).split(256):
        faces = functional.interpolate(part.unsqueeze(1), size, mode="bilinear", antialias=True, align_corners=False)
        inputs = ((faces.float() / 255 - MEAN) / STD).expand(-1, 3, -1, -1)
        parts.append(functional.normalize(tower(inputs), dim=1))
    return torch.cat(parts)


def zero_shot(images: Tensor, labels: NDArray[np.int64], texts: Tensor) -> dict[str, Any]:
    """Accuracy and recall of the nearest class text."""
    hits = (images @ texts.T).argmax(dim=1).numpy() == labels
    recall = {name: round(float(hits[labels == i].mean()), 4) for i, name in enumerate(EMOTIONS) if (labels == i).any()}
    return {"accuracy": round(float(hits.mean()), 4), "recall": recall}


def expression_auroc(images: Tensor, actions: NDArray[np.float32], texts: Tensor) -> dict[str, float]:
    """AUROC of each facial expression's text on rendered faces: 0.5 is chance, 1 is perfect."""
    cosines = (images @ texts.T).numpy()
    shown = actions >= PRESENT
    return {name: round(float(roc_auc_score(shown[:, i], cosines[:, i])), 4) for i, name in enumerate(ACTIONS)}


def ensemble(encode: Callable[[list[str]], Tensor], words: Sequence[str], templates: Sequence[str]) -> Tensor:
    """Mean unit embedding of each word over templates, again of unit length, shape (words, D)."""
    means = [functional.normalize(encode([t.format(word) for t in templates]), dim=1).mean(dim=0) for word in words]
    return functional.normalize(torch.stack(means), dim=1)


@torch.inference_mode()
def report(folder: Path, splits: Mapping[str, Faces], rendered: RenderedFaces) -> dict[str, Any]:
    """Every number of the model card, measured on the folder as open_clip opens it."""
    model, tokenizer = load(folder)
    size = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]["vision_cfg"]["image_size"]

    def encode(texts: list[str]) -> Tensor:
        return model.encode_text(tokenizer(texts))

    single, many = (ensemble(encode, WORDS, templates) for templates in (SINGLE, ENSEMBLE))
    found: dict[str, Any] = {}
    for usage, faces in splits.items():
        images = embed(model.encode_image, faces.pixels, size)
        found[usage] = {
            "single": zero_shot(images, faces.labels, single),
            "ensemble": zero_shot(images, faces.labels, many),
        }
    images = embed(model.encode_image, rendered.pixels, size)
    auroc = expression_auroc(images, rendered.actions, ensemble(encode, ACTIONS, ("{}", "a face with {}")))
    known = rendered.emotions >= 0
    found["rendered"] = {
        "mean_auroc": round(float(np.mean(list(auroc.values()))), 4),
        "auroc": auroc,
        "zero_shot_ensemble": zero_shot(images[known], rendered.emotions[known], many),
    }
    inputs = torch.randn(64, 3, size, size)
    start = time.perf_counter()
    for _ in range(8):
        model.encode_image(inputs)
    found["images_per_second_one_core"] = round(512 / (time.perf_counter() - start), 1)
    found["bytes"] = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    versions = {"open_clip": open_clip.__version__, "timm": timm.__version__, "torch": torch.__version__}
    found["versions"] = {"python": platform.python_version(), **versions}
    return found
