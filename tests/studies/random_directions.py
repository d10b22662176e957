"""A CLIP of random directions: an untrained one gives all pictures nearly the same answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from workbench.models.clip import Clip

DIMENSION = 16


def tell_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pictures and texts be embedded in directions that depend on nothing but their content."""
    directions = np.random.default_rng(0).normal(size=(3 * 32 * 32, DIMENSION))

    def encode_prepared(_: Clip, inputs: torch.Tensor) -> np.ndarray:
        return _unit(inputs.numpy().reshape(len(inputs), -1) @ directions)

    def encode_texts(_: Clip, texts: Sequence[str]) -> np.ndarray:
        return _unit(np.stack([np.random.default_rng(list(text.encode())).normal(size=DIMENSION) for text in texts]))

    monkeypatch.setattr(Clip, "encode_prepared", encode_prepared)
    monkeypatch.setattr(Clip, "encode_texts", encode_texts)


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)
