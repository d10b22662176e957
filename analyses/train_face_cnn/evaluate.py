"""Accuracy, recall and speed of a face-cnn, and the writing of its folder."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workbench.data.fer2013 import CLASSES, Faces, write_fingerprints
from workbench.models.architectures import Vgg, load_checkpoint, normalise_gray, save_checkpoint


@torch.inference_mode()
def scores(model: Vgg, faces: Faces) -> dict[str, Any]:
    """Accuracy and recall of each class, without any averaging over disturbed copies."""
    model.eval()
    inputs = normalise_gray(torch.from_numpy(faces.pixels), model.config)
    guesses = torch.cat([model(part).argmax(1) for part in inputs.split(256)]).numpy()
    hits = guesses == faces.labels
    recall = {name: round(float(hits[faces.labels == i].mean()), 4) for i, name in enumerate(CLASSES)}
    return {
        "accuracy": round(float(hits.mean()), 4),
        "balanced_accuracy": round(float(np.mean(list(recall.values()))), 4),
        "recall": recall,
    }


@torch.inference_mode()
def images_per_second(model: Vgg, batch: int = 64, repeats: int = 8) -> float:
    """Forward passes of ready-made input, images a second on the threads torch has."""
    inputs = torch.randn(batch, 1, model.config.crop, model.config.crop)
    model(inputs)
    start = time.perf_counter()
    for _ in range(repeats):
        model(inputs)
    return round(batch * repeats / (time.perf_counter() - start), 1)


def write_asset(model: Vgg, training: Faces, folder: Path) -> None:
    """Write configuration, weights and fingerprints of the training images."""
    save_checkpoint(model, folder)
    write_fingerprints(training.pixels, folder / "training_images.parquet")


def report(folder: Path, splits: Mapping[str, Faces]) -> str:
    """Evaluate the stored weights (half precision, as shipped); JSON text."""
    model = load_checkpoint(folder)
    found: dict[str, Any] = {usage: scores(model, faces) for usage, faces in splits.items()}
    found["parameters"] = sum(p.numel() for p in model.parameters())
    found["bytes"] = sum(path.stat().st_size for path in folder.iterdir())
    found["images_per_second_one_core"] = images_per_second(model)
    return json.dumps(found, indent=2)
