"""Attributes of a dataset's images, to slice by: read from a file, or guessed by a CLIP from a concept set's texts."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from workbench.data.concepts import ConceptSet, load_attributes, load_concept_set
from workbench.data.datasets import Dataset
from workbench.errors import InputError, SpecError
from workbench.methods.shapes import Floats, Ints
from workbench.methods.zeroshot import classify
from workbench.progress import Progress
from workbench.store import Store, content_hash
from workbench.studies.embed import embed_texts

if TYPE_CHECKING:
    from workbench.models.clip import Clip

UNSURE = 0.6
"""Probability of the guessed value under which a guess counts as unsure."""
MOST_VALUES = 24
"""A number with more values than this is cut into quarters; of words the most frequent are taken."""
MOST_ATTRIBUTES = 20
FILES = (".csv", ".parquet")
_ID = "id"
_MISSING = ("", "nan", "none", "null", "na", "n/a")
_LONGEST = 80


@dataclass(frozen=True)
class Attribute:
    """One attribute of some images.

    Parameters
    ----------
    name : str
        What it is.
    values : tuple of str
        Its values, in their order (V).
    codes : int64 array (M,)
        Place in ``values`` of each image's value, -1 where it has none.
    confidence : float64 array (M,) or None
        Probability of a guess in 0..1; ``None`` where the values were read, not guessed.
    """

    name: str
    values: tuple[str, ...]
    codes: Ints
    confidence: Floats | None = None

    @property
    def unsure(self) -> int:
        """How many guesses have a probability under :data:`UNSURE`."""
        return 0 if self.confidence is None else int((self.confidence < UNSURE).sum())


def is_file(attribute: str) -> bool:
    """Return whether an attribute is named by a CSV or Parquet file rather than by a concept set."""
    return attribute.lower().endswith(FILES)


def attribute_sets(attribute: str) -> list[ConceptSet]:
    """Return the concept sets of the attributes that a set's name or file asks for, one alone after ``#``.

    Raises
    ------
    SpecError, ConceptSetError
        There is no such set, or an attribute of it has no classes to tell apart.
    """
    sets = list(load_attributes(attribute).values()) if "#" not in attribute else [load_concept_set(attribute)]
    for each in sets:
        if len(each.classes) < 2:
            raise SpecError(
                f"attribute {each.attribute or each.name!r} of {attribute!r} has no classes to slice by; a set needs "
                "at least two"
            )
    return sets


def guessed(
    sets: Sequence[ConceptSet], embeddings: Floats, clip: Clip, store: Store, progress: Progress
) -> list[Attribute]:
    """Guess attributes of images by their zero-shot classes.

    Parameters
    ----------
    sets : sequence of ConceptSet
        What :func:`attribute_sets` returned.
    embeddings : float array (M, D)
        Of the images.
    """
    found = []
    for each in sets:
        prompts = each.prompts()
        flat = [sentence for sentences in prompts for sentence in sentences]
        texts = embed_texts(flat, clip, store, progress).reshape(len(prompts), len(each.concepts), -1)
        classes = classify(
            embeddings, texts, each.membership, clip.logit_scale, aggregate=each.default_aggregate, top_k=1
        ).classes
        best = classes.predicted
        confidence = classes.probabilities[np.arange(len(best)), best]
        found.append(Attribute(each.attribute or each.name, each.classes, best.astype(np.int64), confidence))
    return found


def doubts_of(sets: Sequence[ConceptSet], attributes: Sequence[Attribute], clip: Clip) -> dict[str, str]:
    """Return why nothing can be concluded from the guesses of an attribute, by its name; sure ones are left out."""
    found = {}
    for each, attribute in zip(sets, attributes, strict=True):
        if clip.unseen_words(each.texts):
            found[attribute.name] = f"{clip.name} never saw words that it is guessed by"
        elif 2 * attribute.unsure > len(attribute.codes):
            found[attribute.name] = f"{attribute.unsure:,} of {len(attribute.codes):,} guesses are unsure"
    return found


def unseen_notes(sets: Sequence[ConceptSet], clip: Clip) -> list[str]:
    """Say which words of the sets' sentences a CLIP never saw, where it tells."""
    unseen = clip.unseen_words([sentence for each in sets for sentences in each.prompts() for sentence in sentences])
    if not unseen:
        return []
    return [
        f"{clip.name} never saw these words in training, so what it says of them is no better than chance: "
        f"{', '.join(unseen)}; take a large CLIP such as ViT-B-32/openai, or a file of known attributes"
    ]


def read_attributes(path: Path, dataset: Dataset, rows: Ints) -> list[Attribute]:
    """Read attributes of images from a CSV or Parquet file with a column ``id``.

    Parameters
    ----------
    path : Path
        The file: a row an image, a column an attribute; an empty cell is no value.
    dataset : Dataset
        Whose ids they are.
    rows : int array (M,)
        The images whose attributes are wanted; each needs a row.

    Raises
    ------
    InputError
        The file cannot be read, has no column ``id`` or no other, names an id twice or one that the dataset does not
        have, or lacks an image.
    """
    table = _read(path)
    ids = [str(value) for value in table[_ID].to_pylist()]
    place = _places(path, ids, dataset, rows)
    names = [name for name in table.column_names if name != _ID]
    if not names:
        raise InputError(f"{path}: no column beside {_ID!r}; give each attribute a column")
    if len(names) > MOST_ATTRIBUTES:
        raise InputError(f"{path}: {len(names)} attributes; the most is {MOST_ATTRIBUTES}, each a column")
    return [_coded(name, [table[name][int(at)].as_py() for at in place]) for name in names]


def fingerprint(attributes: Sequence[Attribute]) -> str:
    """Return a hash of attributes that were read: their names, values, and which image has which."""
    return content_hash([[each.name, list(each.values), each.codes.tolist()] for each in attributes])


def _read(path: Path) -> pa.Table:
    try:
        if path.suffix.lower() == ".parquet":
            table = pq.read_table(path, partitioning=None)
        else:
            strings = pa_csv.ConvertOptions(column_types={_ID: pa.string()})
            table = pa_csv.read_csv(path, convert_options=strings)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a table ({str(error).splitlines()[0][:160]})") from error
    ids = [name for name in table.column_names if name.strip().lower() == _ID]
    if len(ids) != 1 or len(set(table.column_names)) < len(table.column_names):
        listed = ", ".join(table.column_names[:12])[:200]
        wanted = "needs a column 'id'" if not ids else "names a column twice"
        raise InputError(f"{path}: {wanted}; found {listed}")
    return table.rename_columns([_ID if name in ids else name for name in table.column_names])


def _places(path: Path, ids: list[str], dataset: Dataset, rows: Ints) -> Ints:
    """Return where in the file each wanted image stands."""
    twice = [name for name, count in Counter(ids).items() if count > 1]
    if twice:
        raise InputError(f"{path}: {len(twice):,} ids stand in it more than once; the first: {twice[0][:_LONGEST]!r}")
    known = set(dataset.ids.tolist())
    unknown = [name for name in ids if name not in known]
    if unknown:
        first = unknown[0][:_LONGEST]
        raise InputError(f"{path}: {dataset.name} has no image of {len(unknown):,} of its ids; the first: {first!r}")
    line = {name: number for number, name in enumerate(ids)}
    wanted = [str(name) for name in dataset.ids[rows]]
    missing = [name for name in wanted if name not in line]
    if missing:
        first = missing[0][:_LONGEST]
        raise InputError(f"{path}: {len(missing):,} images of {dataset.name} have no row in it; the first: {first!r}")
    return np.array([line[name] for name in wanted], dtype=np.int64)


def _coded(name: str, cells: list[Any]) -> Attribute:
    """Return a column as an attribute; many different numbers become their quarters."""
    if all(isinstance(cell, (int, float)) and not isinstance(cell, bool) for cell in cells if cell is not None):
        numbers = np.array([np.nan if cell is None else float(cell) for cell in cells])
        if len(np.unique(numbers[np.isfinite(numbers)])) > MOST_VALUES:
            return _quarters(name, numbers)
        cells = [None if number != number else f"{number:g}" for number in numbers.tolist()]
    words = ["" if cell is None else " ".join(str(cell).split())[:_LONGEST] for cell in cells]
    counts = Counter(word for word in words if word.lower() not in _MISSING)
    values = tuple(sorted(sorted(counts, key=lambda word: (-counts[word], word))[:MOST_VALUES]))
    place = {value: number for number, value in enumerate(values)}
    return Attribute(name, values, np.array([place.get(word, -1) for word in words], dtype=np.int64))


def _quarters(name: str, numbers: Floats) -> Attribute:
    edges = np.unique(np.quantile(numbers[np.isfinite(numbers)], [0, 0.25, 0.5, 0.75, 1]))
    codes = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
    codes[~np.isfinite(numbers)] = -1
    last = len(edges) - 2
    values = [
        f"{low:g} to {'' if number == last else 'under '}{high:g}"
        for number, (low, high) in enumerate(itertools.pairwise(edges))
    ]
    return Attribute(name, tuple(values), codes.astype(np.int64))
