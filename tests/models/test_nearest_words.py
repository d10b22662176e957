"""The words nearest to vectors, their distances, and how far words are from words."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from workbench.models.clip import Clip, load_clip
from workbench.models.nearest_words import nearest_words
from workbench.models.prompt_tower import PromptTower


@pytest.fixture(scope="module")
def clip() -> Clip:
    return load_clip("face-clip")


def test_a_words_own_vector_is_nearest_to_it(clip: Clip) -> None:
    tower = PromptTower(clip)
    found = nearest_words(clip, tower, tower.words("smiling angry face"), 3)
    assert [words[0].word for words in found.words] == ["smiling", "angry", "face"]
    assert all(words[0].distance == pytest.approx(0, abs=1e-3) for words in found.words)
    assert all(len(words) == 3 and words[0].distance < words[1].distance <= words[2].distance for words in found.words)
    assert found.norms == pytest.approx(tower.words("smiling angry face").norm(dim=1).tolist())


def test_distances_are_those_of_a_literal_search(clip: Clip) -> None:
    tower = PromptTower(clip)
    vector = torch.randn(1, tower.width, generator=torch.Generator().manual_seed(3)) * 0.1
    assert clip.vocabulary is not None
    seen = sorted({token for word in clip.vocabulary for token in tower.tokens(word)})
    names = tower.token_names()
    literal = sorted(
        (math.dist(vector[0].tolist(), tower.table[token].tolist()), names[token]) for token in seen if names[token]
    )
    (words,) = nearest_words(clip, tower, vector, 5).words
    assert [word for word, _ in words] == [word for _, word in literal[:5]]
    assert [far for _, far in words] == pytest.approx([far for far, _ in literal[:5]], abs=1e-4)


def test_words_a_small_model_never_saw_are_not_named(clip: Clip) -> None:
    tower = PromptTower(clip)
    found = nearest_words(clip, tower, tower.words("quantum"), 5)
    assert "quantum" not in [word for word, _ in found.words[0]]
    assert found.candidates < 2000 < found.tokens == 49408


def test_a_vector_far_from_all_words_stands_out_against_words(clip: Clip) -> None:
    tower = PromptTower(clip)
    low, middle, high = nearest_words(clip, tower, tower.words("happy"), 1).typical
    assert 0 < low < middle < high
    (words,) = nearest_words(clip, tower, torch.full((1, tower.width), 1.0), 1).words
    assert words[0].distance > 5 * high


def test_random_vectors_are_no_nearer_than_chance_and_words_are(clip: Clip) -> None:
    tower = PromptTower(clip)
    drawn = torch.randn(40, tower.width, generator=torch.Generator().manual_seed(5)) * 0.02
    found = nearest_words(clip, tower, torch.cat([tower.words("smiling angry face"), drawn]), 1)
    nearer = [words[0].distance < chance for words, chance in zip(found.words, found.chance, strict=True)]
    assert all(nearer[:3])
    assert sum(nearer[3:]) <= 8  # about one in 21 of 40


def test_a_clip_that_does_not_say_what_it_saw_names_any_token(tiny_clip_folder: Path) -> None:
    clip = load_clip(f"local-dir:{tiny_clip_folder}")
    tower = PromptTower(clip)
    found = nearest_words(clip, tower, tower.words("quantum happy"), 2)
    assert [words[0].word for words in found.words] == ["quantum", "happy"]
    assert 40_000 < found.candidates < found.tokens
