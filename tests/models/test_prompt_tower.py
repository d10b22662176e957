"""A text tower entered with vectors gives what it gives for words whose vectors they are; others are refused."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file

from workbench.errors import ModelError, SpecError
from workbench.models.clip import Clip, load_clip
from workbench.models.prompt_tower import PromptTower

NAMES = ("happy", "x", "a surprised face x")
TEXT = {"context_length": 20, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 1}
VISION = {"image_size": 32, "layers": 1, "width": 16, "head_width": 8, "patch_size": 16}
TOWERS = {
    "clip": (open_clip.CLIP, {}),
    "custom": (open_clip.CustomTextCLIP, {"custom_text": True}),
    "seen both ways, read out at the last token": (
        open_clip.CustomTextCLIP,
        {"custom_text": True, "text_cfg": TEXT | {"no_causal_mask": True, "pool_type": "last", "proj_bias": True}},
    ),
}


def save(folder: Path, kind: type, model_cfg: dict[str, Any]) -> str:
    """Save a random CLIP of a kind in open_clip's local-directory format."""
    torch.manual_seed(0)
    built = kind(**{name: value for name, value in model_cfg.items() if name != "custom_text"})
    weights = {name: tensor.clone().contiguous() for name, tensor in built.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    preprocess = {"mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bicubic", "resize_mode": "squash"}
    content = {"model_cfg": model_cfg, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(content), encoding="utf-8")
    return f"local-dir:{folder}"


@pytest.fixture(params=["face-clip", *TOWERS])
def clip(request: pytest.FixtureRequest, tmp_path: Path) -> Clip:
    if request.param == "face-clip":
        return load_clip("face-clip")
    kind, more = TOWERS[request.param]
    return load_clip(save(tmp_path, kind, {"embed_dim": 16, "vision_cfg": VISION, "text_cfg": TEXT} | more))


@pytest.mark.parametrize(
    ("position", "template"), [("end", "a photo of a {}"), ("front", "{} a photo of a"), ("middle", "a photo {} of a")]
)
def test_the_vectors_of_words_give_what_the_words_give(clip: Clip, position: str, template: str) -> None:
    tower = PromptTower(clip)
    vectors = tower.words("a photo of a")
    assert vectors.shape == (4, tower.width)
    encoded = tower.encode(tower.prompts(NAMES, 4, position), vectors)
    np.testing.assert_allclose(encoded, clip.encode_texts([template.format(name) for name in NAMES]), atol=1e-6)


def test_each_prompt_can_have_vectors_of_its_own(clip: Clip) -> None:
    tower = PromptTower(clip)
    vectors = torch.stack([tower.words("a very sad"), tower.words("the small blue"), tower.words("one old man")])
    encoded = tower.encode(tower.prompts(NAMES, 3, "end"), vectors)
    written = ["a very sad happy", "the small blue x", "one old man a surprised face x"]
    np.testing.assert_allclose(encoded, clip.encode_texts(written), atol=1e-6)


def test_gradients_reach_the_vectors_and_nothing_else(clip: Clip) -> None:
    tower = PromptTower(clip)
    vectors = torch.randn(2, tower.width, requires_grad=True)
    encoded = tower.encode(tower.prompts(("happy", "sad"), 2, "end"), vectors)
    (encoded[0] @ encoded[1]).backward()
    assert vectors.grad is not None
    assert bool((vectors.grad.abs().sum(dim=1) > 0).all())
    assert all(weight.grad is None for weight in clip.model.parameters())


def test_the_tower_is_as_before_afterwards(clip: Clip) -> None:
    before, mark = clip.encode_texts(["a happy face"]), clip.fingerprint
    tower = PromptTower(clip)
    tower.encode(tower.prompts(("happy", "sad"), 2, "end"), torch.randn(2, tower.width))
    np.testing.assert_array_equal(clip.encode_texts(["a happy face"]), before)
    assert load_clip(clip.name).fingerprint == mark


def test_a_prompt_longer_than_the_context_is_refused_with_the_numbers() -> None:
    tower = PromptTower(load_clip("face-clip"))
    tower.prompts(("sad", "very happy"), 20, "end")
    with pytest.raises(SpecError, match="21 learned vectors and 'very happy' make a prompt of 25 tokens, but the cont"
                                        "ext of face-clip holds 24; use 20 or fewer"):  # fmt: skip
        tower.prompts(("sad", "very happy"), 21, "end")
    with pytest.raises(SpecError, match="use shorter names"):
        tower.prompts(("sad " * 30,), 1, "end")


def test_words_without_tokens_are_refused() -> None:
    with pytest.raises(SpecError, match="has no words to begin with"):
        PromptTower(load_clip("face-clip")).words("  ")


def test_words_and_names_that_begin_or_end_a_text_are_refused() -> None:
    tower = PromptTower(load_clip("face-clip"))
    with pytest.raises(SpecError, match=r"^'<start_of_text>' holds a sign that begins or ends every text for face-c"):
        tower.words("<start_of_text>")
    with pytest.raises(SpecError, match=r"^'a face <end_of_text>' holds a sign that begins or ends every text for"):
        tower.prompts(("sad", "a face <end_of_text>"), 2, "end")


def test_every_token_has_a_text_but_those_that_begin_and_end() -> None:
    tower = PromptTower(load_clip("face-clip"))
    names = tower.token_names()
    assert len(names) == len(tower.table) == 49408
    assert [names[token] for token in tower.tokens("a smiling face")] == ["a", "smiling", "face"]
    assert names[-2:] == ["", ""]


def test_a_coca_is_refused(tmp_path: Path) -> None:
    coca = {
        "custom_text": True,
        "embed_dim": 16,
        "vision_cfg": VISION | {"attentional_pool": True, "attn_pooler_heads": 2, "output_tokens": True},
        "text_cfg": TEXT | {"embed_cls": True, "output_tokens": True},
        "multimodal_cfg": {"context_length": 20, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 1},
    }
    clip = load_clip(save(tmp_path, open_clip.CoCa, coca))
    with pytest.raises(ModelError, match="prompts cannot be learned, since its text tower is a CoCa's") as caught:
        PromptTower(clip)
    assert "\n" not in str(caught.value)


class HFTextEncoder(torch.nn.Module):
    """Stands for open_clip's class of that name, which needs the transformers library."""


class OtherTower(torch.nn.Module):
    """A tower that nothing is known of."""


@pytest.mark.parametrize(
    ("tower", "words"),
    [
        (HFTextEncoder(), "its text tower is one of the transformers library"),
        (OtherTower(), "its text tower is a OtherTower, and where that takes its words' vectors is not known"),
    ],
)
def test_a_tower_of_another_kind_is_refused_and_told_why(tower: torch.nn.Module, words: str) -> None:
    clip = load_clip("face-clip")
    other: Any = SimpleNamespace(name="some/clip", model=SimpleNamespace(text=tower), tokenizer=clip.tokenizer)
    with pytest.raises(ModelError, match=words) as caught:
        PromptTower(other)
    assert str(caught.value).startswith("some/clip: prompts cannot be learned")
    assert "face-clip or ViT-B-32/openai" in str(caught.value)


def test_a_tokenizer_of_another_kind_is_refused() -> None:
    clip = load_clip("face-clip")
    other: Any = SimpleNamespace(name="some/clip", model=clip.model, tokenizer=object(), logit_scale=1.0)
    with pytest.raises(ModelError, match="comes with a object, whose tokens are not open_clip's own"):
        PromptTower(other)
