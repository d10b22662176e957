"""Fixtures that many tests share."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.data.images import encode_png
from workbench.errors import Cancelled
from workbench.progress import Silent
from workbench.store import Store

FER2013_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


class StopAfter(Silent):
    """Asks to stop after so many reports of work done."""

    def __init__(self, reports: int) -> None:
        self.left = reports

    def advance(self, count: int = 1) -> None:
        del count
        self.left -= 1
        if self.left < 0:
            raise Cancelled("stopped")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "workspace")


@pytest.fixture(scope="session")
def fer2013_parquet() -> Path:
    """The real FER2013 faces, where they are at hand."""
    named = os.environ.get("WORKBENCH_FER2013")
    path = Path(named) if named else Path(__file__).parents[2] / "shared" / "data" / "fer2013.parquet"
    if not path.is_file():
        pytest.skip("the FER2013 faces are not on this machine; name a Parquet copy in WORKBENCH_FER2013")
    return path


@pytest.fixture(scope="session")
def real_videos() -> Path:
    """The folder of two clips with a real face, where they are at hand: single_face.mp4 and face_noface.mov."""
    named = os.environ.get("WORKBENCH_VIDEOS")
    path = Path(named) if named else Path(__file__).parents[2] / "shared" / "data" / "videos"
    if not path.is_dir():
        pytest.skip("the two clips with a real face are not on this machine; name their folder in WORKBENCH_VIDEOS")
    return path


@pytest.fixture(scope="session")
def tiny_clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random CLIP of a few kilobytes in open_clip's local-directory format."""
    return write_clip(tmp_path_factory.mktemp("tiny-clip"), seed=0)


def write_clip(folder: Path, seed: int, image_size: int = 32) -> Path:
    """Save a random small CLIP, for the real loader to load."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": image_size, "layers": 1, "width": 16, "head_width": 8, "patch_size": 16},
        "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 1},
    }
    preprocess = {"mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bicubic", "resize_mode": "squash"}
    torch.manual_seed(seed)
    model = open_clip.CLIP(**config)
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    content = {"model_cfg": config, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(content))
    return folder


def write_source(path: Path, count: int = 60, seed: int = 0) -> Path:
    """Write a small Parquet source of random faces in three splits, one in ten a copy of the image before it."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (count, 48, 48), dtype=np.uint8)
    pixels[9::10] = pixels[8::10][: len(pixels[9::10])]
    table = pa.table(
        {
            "id": [f"face-{index:04d}" for index in range(count)],
            "split": [("train", "validation", "test")[index % 3] for index in range(count)],
            "label": [FER2013_CLASSES[index % 7] for index in range(count)],
            "image": [encode_png(image) for image in pixels],
        }
    )
    pq.write_table(table, path)
    return path


def write_face_video(path: Path, *, frames: int = 30, rate: float = 10.0, gap: range = range(20, 25)) -> Path:
    """Write a video of one rendered face that begins to smile and is gone for a while."""
    from workbench.data.faces import interpolate, render, sample
    from workbench.data.video_writer import VideoWriter

    neutral, happy = (sample(1, 11, emotions=[emotion]) for emotion in ("neutral", "happy"))
    with VideoWriter(path, 160, 120, rate) as video:
        for index in range(frames):
            picture = np.full((120, 160), 120, dtype=np.uint8)
            if index not in gap:
                share = min(index / max(frames - 1, 1) * 1.5, 1.0)
                picture[12:108, 32:128] = render(interpolate(neutral, happy, np.array([share])), size=96).images[0]
            video.write(picture)
    return path


@pytest.fixture(scope="session")
def face_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short video whose face smiles in the end; frames 20 to 24 of 30 show no face."""
    return write_face_video(tmp_path_factory.mktemp("video") / "smile.mp4")
