"""Captions: words put into templates, their tokens, and the short table of tokens that training needs."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import open_clip
import torch
import yaml
from torch import Tensor

from workbench.data.faces import ACTIONS, EMOTIONS

CONTEXT = 24
UNKNOWN = "¤"
"""Stands in training for a word that is not in the vocabulary."""
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
"""What counts as one word of a prompt: a run of letters, apostrophes kept; compared in lower case."""


@dataclass(frozen=True)
class Vocabulary:
    """What face-clip is taught.

    Attributes
    ----------
    emotions, expressions : dict of str to list of str
        Words of each class, in the classes' order; paraphrases of each facial expression, in their order.
    templates, expression_templates : list of str
        Sentences with ``{}`` where the word goes.
    """

    emotions: Mapping[str, list[str]]
    expressions: Mapping[str, list[str]]
    templates: list[str]
    expression_templates: list[str]

    @classmethod
    def read(cls, path: Path) -> Vocabulary:
        """Read the YAML file beside the training code."""
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        values["emotions"] = {name: values["emotions"][name] for name in EMOTIONS}
        values["expressions"] = {name: values["expressions"][name] for name in ACTIONS}
        return cls(**values)

    def texts(self) -> list[str]:
        """Every piece of text in it, words and templates apart."""
        words = [word for words in [*self.emotions.values(), *self.expressions.values()] for word in words]
        return words + [t.replace("{}", " ") for t in self.templates + self.expression_templates]

    def words(self) -> list[str]:
        """Every single word that occurs, in lower case, sorted."""
        return sorted({word for text in self.texts() for word in WORD.findall(text.lower())})


@dataclass(frozen=True)
class CaptionTable:
    """Tokens of every caption of one class or expression: int64, shape (words, templates, CONTEXT)."""

    tokens: tuple[Tensor, ...]

    def draw(self, each: int, generator: torch.Generator) -> Tensor:
        """Tokens of ``each`` random captions a class, shape (classes * each, CONTEXT), class by class."""
        drawn = []
        for table in self.tokens:
            words = torch.randperm(len(table), generator=generator)[:each]
            templates = torch.randint(table.shape[1], (each,), generator=generator)
            drawn.append(table[words, templates])
        return torch.cat(drawn)


class Tokens:
    """The tokens that occur in training, renumbered 0, 1, ... in order; number 0 is any other token.

    Only these rows of the text tower's table are trained; `table` spreads them over open_clip's whole vocabulary.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.tokenizer = open_clip.SimpleTokenizer(context_length=CONTEXT)
        found = {token for text in texts for token in self.tokenizer.encode(text)}
        found |= {0, self.tokenizer.sot_token_id, self.tokenizer.eot_token_id}
        found -= set(self.tokenizer.encode(UNKNOWN))
        self.used = sorted(found)  # the end token has the highest number and keeps it: the text tower looks for it
        self._number = torch.zeros(self.tokenizer.vocab_size, dtype=torch.int64)
        self._number[self.used] = torch.arange(1, len(self.used) + 1)

    def __len__(self) -> int:
        return len(self.used) + 1

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Renumbered tokens, shape (N, CONTEXT)."""
        return self._number[self.tokenizer(list(texts))]

    def captions(self, classes: Mapping[str, list[str]], templates: Sequence[str]) -> CaptionTable:
        """Tokens of every word in every template."""
        tables = []
        for words in classes.values():
            encoded = self.encode([template.format(word) for word in words for template in templates])
            tables.append(encoded.view(len(words), len(templates), CONTEXT))
        return CaptionTable(tuple(tables))

    def table(self, rows: Tensor) -> Tensor:
        """Whole token table from the trained rows; tokens never seen get the row of the unknown word."""
        whole = rows[0].repeat(self.tokenizer.vocab_size, 1)
        whole[self.used] = rows[1:]
        return whole


def with_unknown_words(templates: Sequence[str], seed: int) -> list[str]:
    """Templates, and of each a copy in which one word is replaced by an unknown one or an unknown one is added."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    copies = []
    for template in templates:
        words = template.split(" ")
        places = [place for place, word in enumerate(words) if "{}" not in word]
        if places and chance.random() < 0.7:
            words[chance.choice(places)] = UNKNOWN
        else:
            words.insert(chance.randint(0, len(words)), UNKNOWN)
        copies.append(" ".join(words))
    return [*templates, *templates, *copies]
