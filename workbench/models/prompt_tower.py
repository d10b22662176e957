"""A CLIP's text tower entered with vectors in place of words.

The tower itself runs unchanged: a prompt is tokenised with a stand-in word at every place of a vector, and where the
tower looks its tokens up, the vectors take the place of the stand-ins. So masks, positions and pooling are the tower's
own, whatever they are.

References
----------
Zhou, Yang, Loy and Liu, "Learning to Prompt for Vision-Language Models", IJCV 2022, arXiv:2109.01134.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import open_clip
import torch
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transformer import TextTransformer
from torch import Tensor

from workbench.errors import ModelError, SpecError
from workbench.models.clip import Clip, sign_error

_STAND_IN = "x"


@dataclass(frozen=True)
class Prompts:
    """Tokenised prompts with places for vectors.

    Parameters
    ----------
    tokens : Tensor (K, L), int64
        A row a prompt, as long as the tower's context.
    places : Tensor (K, M), int64
        Where in its row each vector stands.
    """

    tokens: Tensor
    places: Tensor


class PromptTower:
    """A text tower that takes vectors in place of words; its weights are frozen.

    Parameters
    ----------
    clip : Clip
        A CLIP with open_clip's own text tower.

    Raises
    ------
    ModelError
        The text tower is of another kind; the text says why it cannot be entered.
    """

    def __init__(self, clip: Clip) -> None:
        model = clip.model
        _check(clip.name, model, clip.tokenizer)
        self.name = clip.name
        self.logit_scale = clip.logit_scale
        self._model = model.requires_grad_(False)
        self._tokenizer = clip.tokenizer
        self._table: torch.nn.Embedding = (model.text if hasattr(model, "text") else model).token_embedding
        self.context_length = int(model.context_length)

    @property
    def table(self) -> Tensor:
        """The vector of every token, ``(V, W)``; frozen."""
        return self._table.weight.detach()

    @property
    def width(self) -> int:
        """Length of a token's vector (W)."""
        return int(self._table.embedding_dim)

    def words(self, text: str) -> Tensor:
        """Return the vectors of a text's tokens, ``(M, W)``, without those of its beginning and end.

        Raises
        ------
        SpecError
            The text has no tokens, or one that begins or ends a text.
        """
        tokens = self.tokens(text)
        if not tokens:
            raise SpecError(f"words: {text!r} has no words to begin with; give some such as 'a photo of a', or none")
        return self.table[torch.tensor(tokens, device=self.table.device)].clone()

    def prompts(self, names: Sequence[str], length: int, position: str) -> Prompts:
        """Tokenise names with places for ``length`` vectors around them.

        Parameters
        ----------
        names : sequence of str
            What the prompts speak of (K).
        length : int
            M, from 1.
        position : str
            Where the name stands: ``"end"``, ``"middle"`` (half of the vectors before it, the greater half after it)
            or ``"front"``.

        Raises
        ------
        SpecError
            A prompt is longer than the tower's context (the text gives the numbers), or a name holds a token that
            begins or ends a text.
        """
        before = {"end": length, "middle": length // 2, "front": 0}[position]
        for name in names:
            self.tokens(name)  # refused by itself, without the stand-ins around it
        stand_in = self.tokens(_STAND_IN)[0]
        texts = [" ".join([_STAND_IN] * before + [name] + [_STAND_IN] * (length - before)) for name in names]
        self._check_length(names, texts, length)
        tokens = self._tokenizer(texts).to(self.table.device)
        found = [torch.nonzero(row == stand_in).ravel() for row in tokens]  # a name may itself hold the stand-in
        places = [torch.cat([row[:before], row[len(row) - (length - before) :]]) for row in found]
        return Prompts(tokens, torch.stack(places))

    def encode(self, prompts: Prompts, vectors: Tensor) -> Tensor:
        """Encode prompts; gradients reach the vectors.

        Parameters
        ----------
        prompts : Prompts
            What :meth:`prompts` made.
        vectors : Tensor (M, W) or (K, M, W)
            One context for all prompts, or one for each.

        Returns
        -------
        Tensor (K, D)
            Of length 1.
        """
        count, length = prompts.places.shape
        context = vectors.expand(count, length, self.width)
        rows = torch.arange(count, device=context.device).unsqueeze(1)

        def enter(_: torch.nn.Module, __: Any, looked_up: Tensor) -> Tensor:
            return looked_up.index_put((rows, prompts.places), context.to(looked_up.dtype))

        handle = self._table.register_forward_hook(enter)
        try:
            encoded: Tensor = self._model.encode_text(prompts.tokens, normalize=True)
        finally:
            handle.remove()
        return encoded.float()

    def token_names(self) -> list[str]:
        """Return the text of every token, in the order of :attr:`table`; empty for those that begin or end a text."""
        special = set(self._tokenizer.all_special_ids)
        return [
            "" if token in special else str(self._tokenizer.decode([token])).strip() for token in range(len(self.table))
        ]

    def tokens(self, text: str) -> list[int]:
        """Return a text's tokens, uncut, without those of its beginning and end.

        Raises
        ------
        SpecError
            The text itself holds one that begins or ends a text.
        """
        tokens = list(self._tokenizer.encode(text))
        if not set(tokens).isdisjoint(self._tokenizer.all_special_ids):
            raise sign_error(self.name, text)
        return tokens

    def _check_length(self, names: Sequence[str], texts: Sequence[str], length: int) -> None:
        lengths = [len(self.tokens(text)) + 2 for text in texts]
        needed, longest = max(lengths), lengths.index(max(lengths))
        if needed > self.context_length:
            most = self.context_length - (needed - length)
            can = f"use {most} or fewer" if most > 0 else "use shorter names"
            raise SpecError(
                f"{length} learned vectors and {names[longest]!r} make a prompt of {needed} tokens, but the context of "
                f"{self.name} holds {self.context_length}; {can}"
            )


def _check(name: str, model: Any, tokenizer: Any) -> None:
    """Refuse a model whose text tower cannot be entered with vectors."""
    tower = getattr(model, "text", None)
    why = ""
    if isinstance(model, open_clip.CoCa) or getattr(tower, "cls_emb", None) is not None:
        why = "is a CoCa's, which appends a token of its own and reads that out instead of the prompt's end"
    elif type(tower).__name__ == "HFTextEncoder":
        why = "is one of the transformers library, whose words' vectors are looked up in a place of their own"
    elif not isinstance(model, open_clip.CLIP) and not isinstance(tower, TextTransformer):
        kind = type(model if tower is None else tower).__name__
        why = f"is a {kind}, and where that takes its words' vectors is not known"
    elif not isinstance(tokenizer, SimpleTokenizer):
        why = f"comes with a {type(tokenizer).__name__}, whose tokens are not open_clip's own"
    if why:
        raise ModelError(
            f"{name}: prompts cannot be learned, since its text tower {why}; take a CLIP with open_clip's own text "
            "tower, such as face-clip or ViT-B-32/openai"
        )
