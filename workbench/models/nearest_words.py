"""Which words stand nearest to vectors of a text tower's word table, and how far a word stands from its own nearest.

Distances are Euclidean, as in the paper. Learned vectors are often far from any word, and a short vector is near to
many words whatever it is: a name for such a vector says nothing. So two things are given to judge it by: how far words
are from words, and how near random vectors of the same length come to a word.

References
----------
Zhou, Yang, Loy and Liu, "Learning to Prompt for Vision-Language Models", IJCV 2022, arXiv:2109.01134, Table 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from workbench.models.clip import Clip
from workbench.models.prompt_tower import PromptTower

RANDOM = 20
"""Random vectors that each vector is held against."""
_SAMPLE = 1000
_NOT_A_CHARACTER = "\ufffd"
"""Stands in the text of a token that is a part of a character."""


class Near(NamedTuple):
    """A word and its Euclidean distance."""

    word: str
    distance: float


@dataclass(frozen=True)
class NearestWords:
    """What stands near vectors.

    Parameters
    ----------
    words : list of list of Near
        For each vector the nearest words, the nearest first.
    norms : list of float
        Length of each vector.
    chance : list of float
        The least distance from a word that :data:`RANDOM` random vectors of the same length have; a vector nearer to a
        word than that is near it for a reason.
    typical : tuple of float
        Distance of a word from its own nearest word: quantiles 0.05, 0.5 and 0.95 over words.
    typical_norm : float
        Median length of a word's vector.
    candidates, tokens : int
        How many tokens could be named, of how many the table has; fewer where a CLIP says which words it was trained
        on: the vectors of the others mean nothing.
    """

    words: list[list[Near]]
    norms: list[float]
    chance: list[float]
    typical: tuple[float, float, float]
    typical_norm: float
    candidates: int
    tokens: int


def nearest_words(clip: Clip, tower: PromptTower, vectors: Tensor, count: int, seed: int = 0) -> NearestWords:
    """Find the nearest words of vectors.

    Parameters
    ----------
    clip : Clip
        The CLIP of the tower; knows which words it was trained on.
    tower : PromptTower
        Whose word table is searched.
    vectors : Tensor (V, W)
        The vectors.
    count : int
        Words a vector, fewer where there are fewer.
    seed : int
        Seed of the random vectors, and of the sample of words that :attr:`NearestWords.typical` is measured on.
    """
    names = tower.token_names()
    known = _known_tokens(clip, tower)
    tokens = [
        token
        for token, name in enumerate(names)
        if name and _NOT_A_CHARACTER not in name and (known is None or token in known)
    ]
    table = tower.table[torch.tensor(tokens)].float()
    distances, places = torch.cdist(vectors.float(), table).topk(min(count, len(tokens)), largest=False)
    words = [
        [Near(names[tokens[place]], distance) for place, distance in zip(found, far, strict=True)]
        for found, far in zip(places.tolist(), distances.tolist(), strict=True)
    ]
    drawn = torch.randperm(len(tokens), generator=torch.Generator().manual_seed(seed))[:_SAMPLE]
    between = torch.cdist(table[drawn], table)
    between[torch.arange(len(drawn)), drawn] = torch.inf
    low, middle, high = between.min(dim=1).values.quantile(torch.tensor([0.05, 0.5, 0.95])).tolist()
    norms, length = vectors.float().norm(dim=1), float(table.norm(dim=1).median())
    chance = _chance(norms, table, seed)
    return NearestWords(words, norms.tolist(), chance, (low, middle, high), length, len(tokens), len(names))


def _chance(norms: Tensor, table: Tensor, seed: int) -> list[float]:
    generator = torch.Generator().manual_seed(seed)
    found = []
    for norm in norms:
        directions = torch.randn(RANDOM, table.shape[1], generator=generator)
        drawn = norm * torch.nn.functional.normalize(directions, dim=1)
        found.append(float(torch.cdist(drawn, table).min()))
    return found


def _known_tokens(clip: Clip, tower: PromptTower) -> set[int] | None:
    if clip.vocabulary is None:
        return None
    return {token for word in clip.vocabulary for token in tower.tokens(word)}
