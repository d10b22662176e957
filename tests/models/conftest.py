"""Networks to look into that tests of this folder share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from workbench.models.targets import Target


def noise(count: int, size: int = 48, mode: str = "L", seed: int = 1) -> list[Image.Image]:
    rng = np.random.default_rng(seed)
    shape = (count, size, size) if mode == "L" else (count, size, size, 3)
    return [Image.fromarray(pixels) for pixels in rng.integers(0, 256, shape, dtype=np.uint8)]


def small_rgb(images: Sequence[Image.Image]) -> Tensor:
    pixels = np.stack([np.asarray(image.convert("RGB").resize((32, 32))) for image in images])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255


def own_target(module: nn.Module, classes: tuple[str, ...] | None = None) -> Target:
    """A target of a network of our own that takes RGB of 32 x 32 pixels."""
    return Target("own", module.eval().requires_grad_(False), classes, "0" * 16, None, (), small_rgb)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the present one, outside the repository."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
