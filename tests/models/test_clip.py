from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from tests.conftest import write_clip
from workbench.errors import ModelError, SpecError
from workbench.models import hub
from workbench.models.clip import Clip, load_clip, parse_clip_spec


@pytest.fixture(scope="module")
def clip(tiny_clip_folder: Path) -> Clip:
    return load_clip(f"local-dir:{tiny_clip_folder}")


def faces(count: int, size: int = 48, mode: str = "L") -> list[Image.Image]:
    rng = np.random.default_rng(1)
    shape = (count, size, size) if mode == "L" else (count, size, size, 3)
    return [Image.fromarray(pixels) for pixels in rng.integers(0, 256, shape, dtype=np.uint8)]


def test_embeddings_are_unit_vectors_of_the_models_width(clip: Clip) -> None:
    images, texts = clip.encode_images(faces(3)), clip.encode_texts(["a happy face", "sad"])
    assert images.shape == (3, 16)
    assert texts.shape == (2, 16)
    assert clip.dim == 16
    assert np.allclose(np.linalg.norm(images, axis=1), 1, atol=1e-5)
    assert np.allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("size", [20, 32, 48, 200])
def test_batched_preprocessing_agrees_with_open_clips_own(clip: Clip, mode: str, size: int) -> None:
    images = faces(2, size, mode)
    own = torch.stack([clip._transform(image) for image in images])
    assert (clip.prepare(images) - own).abs().max() <= 0.05


def test_pictures_of_different_sizes_go_through_open_clips_own(clip: Clip) -> None:
    mixed = [faces(1)[0], Image.new("RGB", (30, 70), "red")]
    assert torch.equal(clip.prepare(mixed), torch.stack([clip._transform(image) for image in mixed]))


def test_batch_size_does_not_change_an_embedding(clip: Clip) -> None:
    images = faces(7)
    one_by_one = np.concatenate([clip.encode_images([image]) for image in images])
    assert np.allclose(clip.encode_images(images), one_by_one, atol=1e-5)


def test_other_weights_or_preprocessing_have_another_fingerprint(clip: Clip, tmp_path: Path) -> None:
    same = load_clip(f"local-dir:{write_clip(_folder(tmp_path / 'same'), seed=0)}")
    other = load_clip(f"local-dir:{write_clip(_folder(tmp_path / 'other'), seed=1)}")
    changed = write_clip(_folder(tmp_path / "changed"), seed=0)
    config = json.loads((changed / "open_clip_config.json").read_text())
    config["preprocess_cfg"]["mean"] = [0.4] * 3
    (changed / "open_clip_config.json").write_text(json.dumps(config))
    assert same.fingerprint == clip.fingerprint
    assert other.fingerprint != clip.fingerprint
    assert load_clip(f"local-dir:{changed}").fingerprint != clip.fingerprint


def test_words_never_seen_are_named_only_where_the_model_knows_them(clip: Clip, tmp_path: Path) -> None:
    assert clip.unseen_words(["a flabbergasted face"]) == []
    folder = write_clip(_folder(tmp_path / "with-words"), seed=0)
    (folder / "vocabulary.json").write_text(json.dumps({"words": ["a", "face", "happy"]}))
    knowing = load_clip(f"local-dir:{folder}")
    assert knowing.unseen_words(["A Happy face", "a zany, ecstatic face"]) == ["ecstatic", "zany"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("face-clap", "did you mean 'face-clip'"),
        ("ViT-B-32/opnai", "did you mean 'openai'"),
        ("ViT-B32/openai", "did you mean 'ViT-B-32'"),
        ("hf-hub:nothing", "owner/name"),
        ("hf-hub:../../etc/passwd", "owner/name"),
        ("local-dir:/no/such/folder", "no open_clip_config.json there"),
        ("", "unknown CLIP"),
    ],
)
def test_a_wrong_spec_says_what_would_be_right(spec: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        parse_clip_spec(spec)


@pytest.mark.parametrize("spec", ["ViT-B-32/openai", "hf-hub:owner/model"])
def test_an_unreachable_hub_is_one_line_that_says_what_to_do(
    spec: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hub, "_hub_reachable", lambda: False)
    monkeypatch.setattr(hub.hub, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=r"use face-clip") as caught:
        load_clip(spec)
    assert "\n" not in str(caught.value)


def test_a_folder_without_weights_is_refused_and_not_filled_with_random_ones(tmp_path: Path) -> None:
    folder = write_clip(tmp_path, seed=0)
    (folder / "open_clip_model.safetensors").unlink()
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_clip(f"local-dir:{folder}")


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    folder = write_clip(tmp_path, seed=0)
    data = (folder / "open_clip_model.safetensors").read_bytes()
    (folder / "open_clip_model.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_clip(f"local-dir:{folder}")


def test_weights_of_another_width_are_refused(tmp_path: Path) -> None:
    folder = write_clip(tmp_path, seed=0)
    config = json.loads((folder / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"]["width"] = 12
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"cannot be loaded: text pos_embed width changed!"):
        load_clip(f"local-dir:{folder}")


def test_weights_that_are_no_finite_numbers_are_refused(tmp_path: Path) -> None:
    folder = write_clip(tmp_path, seed=0)
    weights = load_file(folder / "open_clip_model.safetensors")
    weights["visual.proj"][0, 0] = math.nan
    save_file(weights, folder / "open_clip_model.safetensors")
    with pytest.raises(ModelError, match=rf"local-dir:{folder}: visual\.proj holds values that are no finite numbers"):
        load_clip(f"local-dir:{folder}")


@pytest.mark.parametrize("text", ["<end_of_text>", "a <END_OF_TEXT> face", "a face <start_of_text>"])
def test_a_text_that_ends_or_begins_within_is_refused(clip: Clip, text: str) -> None:
    clip.encode_texts(["a very long text about faces " * 20])
    with pytest.raises(SpecError, match=rf"^'{text}' holds a sign that begins or ends every text for {clip.name}"):
        clip.encode_texts(["a face", text])


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
