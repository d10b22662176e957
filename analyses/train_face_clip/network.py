"""face-clip's network: an open_clip model, its two extra heads in training, and its folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import open_clip
import torch
from captions import CONTEXT, Tokens, Vocabulary
from open_clip.model import CLIP
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

MEAN, STD = 0.5, 0.25
PREPROCESS = {"mean": [MEAN] * 3, "std": [STD] * 3, "interpolation": "bilinear", "resize_mode": "squash"}
log = logging.getLogger("train_face_clip")


class Trainee(nn.Module):
    """The CLIP model with what only training needs: two heads, and scale and offset of the pairwise loss.

    ``clip`` has the short token table of `Tokens`.
    """

    def __init__(self, shape: Mapping[str, Any], tokens: Tokens) -> None:
        super().__init__()
        text = {**shape["text_cfg"], "vocab_size": len(tokens)}
        self.clip = CLIP(shape["embed_dim"], dict(shape["vision_cfg"]), text)
        self.emotion_head = nn.Linear(shape["embed_dim"], 7)
        self.action_head = nn.Linear(shape["embed_dim"], 25)
        self.pair_scale = nn.Parameter(torch.tensor(2.3))
        self.pair_offset = nn.Parameter(torch.tensor(-4.0))

    def images(self, faces: Tensor) -> Tensor:
        """Unnormalised embeddings, shape (N, D), of gray faces 0-1, shape (N, 1, S, S)."""
        pixels = ((faces - MEAN) / STD).expand(-1, 3, -1, -1)
        embeddings: Tensor = self.clip.visual(pixels.contiguous(memory_format=torch.channels_last))
        return embeddings

    def texts(self, tokens: Tensor) -> Tensor:
        """Embed renumbered tokens as open_clip does, without the padding; unit length, shape (M, D).

        The text tower looks only backward and reads its answer at the end token, so columns after the longest
        caption change nothing.
        """
        clip = self.clip
        length = int(tokens.argmax(dim=1).max()) + 1
        x = clip.token_embedding(tokens[:, :length]) + clip.positional_embedding[:length]  # (M, L, W)
        x = clip.ln_final(clip.transformer(x, attn_mask=clip.attn_mask[:length, :length]))
        x = x[torch.arange(len(x)), tokens[:, :length].argmax(dim=1)] @ clip.text_projection
        return functional.normalize(x, dim=1)


def build(shape: Mapping[str, Any], tokens: Tokens) -> Trainee:
    """Make a trainee whose kernels lie channels last, which is faster on a CPU."""
    trainee = Trainee(shape, tokens)
    trainee.clip.visual.to(memory_format=torch.channels_last)
    nn.init.constant_(trainee.clip.logit_scale, 2.3)
    return trainee


def export(trainee: Trainee, tokens: Tokens, vocabulary: Vocabulary, shape: Mapping[str, Any], folder: Path) -> None:
    """Write the folder that open_clip opens as ``local-dir:``, weights in half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = trainee.clip.state_dict()
    weights["token_embedding.weight"] = tokens.table(weights["token_embedding.weight"])
    halves = {n: (w.half() if w.is_floating_point() else w).contiguous() for n, w in weights.items()}
    halves.pop("attn_mask", None)
    save_file(halves, folder / "open_clip_model.safetensors", metadata={"format": "pt"})
    config = {"model_cfg": dict(shape), "preprocess_cfg": PREPROCESS}
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    words = {"rule": "runs of letters, apostrophes kept, lower case", "words": vocabulary.words()}
    (folder / "vocabulary.json").write_text(json.dumps(words, indent=0) + "\n", encoding="utf-8")
    log.info("exported to %s", folder.name)


def load(folder: Path) -> tuple[CLIP, Any]:
    """Open the folder the way any user of open_clip does; the model and its tokenizer."""
    model, _ = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    return model.eval(), open_clip.get_tokenizer(f"local-dir:{folder}")


def shape_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``model_cfg`` of open_clip's configuration file."""
    text = {"context_length": CONTEXT, "vocab_size": 49408, **spec["text"]}
    return {"embed_dim": spec["embed_dim"], "vision_cfg": dict(spec["vision"]), "text_cfg": text}
