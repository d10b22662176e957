"""The demo's source: rendered faces with planted faults, and the truth of every plant.

The source is an ordinary Parquet file (``id, split, label, image``) that the importer reads like any other. Beside it
stands a table that says what was planted where, so that a search for label errors, duplicates or leaks can be measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from workbench.data.faces import ACTIONS, EMOTIONS, FaceParameters, interpolate, render, sample
from workbench.data.images import decode, encode_png
from workbench.errors import SpecError
from workbench.files import disk_errors, write_atomically
from workbench.progress import SILENT, Progress

IMAGES = "images.parquet"
"""The file to import, in the source's folder."""

TRUTH = "truth.parquet"
"""The truth of every image, in the source's folder; written last, so it marks a finished source."""

SHARES: dict[str, float] = {
    "flipped": 0.05,
    "blend": 0.03,
    "blank": 0.004,
    "corrupt": 0.004,
    "non-face": 0.006,
    "conflicting-duplicate": 0.007,
    "leaked-duplicate": 0.007,
    "near-duplicate": 0.007,
}
"""Share of the images that each kind of plant makes up; all others are ``clean``."""

SPLIT_SHARES: dict[str, float] = {"train": 0.70, "validation": 0.15, "test": 0.15}
"""Share of the images in each split."""

CLASS_SHARES: dict[str, float] = {
    "angry": 0.14,
    "disgust": 0.08,
    "fear": 0.13,
    "happy": 0.22,
    "sad": 0.16,
    "surprise": 0.12,
    "neutral": 0.15,
}
"""Share of each class among the faces: as in FER2013, but with more disgust."""

AMBIGUOUS: tuple[tuple[str, str], ...] = (
    ("fear", "surprise"),
    ("angry", "disgust"),
    ("sad", "neutral"),
    ("sad", "fear"),
    ("angry", "sad"),
    ("happy", "surprise"),
    ("happy", "neutral"),
    ("disgust", "sad"),
)
"""Pairs of emotions that are blended; a blend carries the label of one of the two."""

PERSON: tuple[str, ...] = ("skin_tone", "age", "glasses", "beard")
"""What the truth tells of each rendered person, as :class:`~workbench.data.faces.FaceParameters` has it."""

_MINIMUM = 100
_FIRST_SEED = 700_000  # keeps these people apart from those a model was trained on, whose seeds are small
_BLOCK = 48
_Random = np.random.Generator
_Picture = NDArray[np.uint8]  # (48, 48)


@dataclass(frozen=True)
class DemoSource:
    """A written demo source.

    Attributes
    ----------
    images : Path
        The Parquet file to import: columns ``id, split, label, image`` (the bytes of a PNG file).
    truth : Path
        One row per image in the same order. ``id``, ``split`` and ``label`` as in ``images``; ``kind`` is ``clean`` or
        one of :data:`SHARES`; ``true_label`` is the emotion that was drawn (null where there is no single one);
        ``blend_first`` and ``blend_second`` are the emotions of a blend and ``blend_weight`` the share (0..1) of the
        second; ``partner`` is the id of the other image of a pair of duplicates, on both of them; then the strength
        (0..1) of each of the 25 facial actions by name, null where no face is to be seen.
    """

    images: Path
    truth: Path


@dataclass(frozen=True)
class _Row:
    kind: str
    split: str
    label: str
    image: bytes = b""
    true_label: str | None = None
    blend: tuple[str, str, float] | None = None
    partner: int | None = None  # place in the list of rows
    actions: NDArray[np.float32] = field(default_factory=lambda: np.full(len(ACTIONS), np.nan, dtype=np.float32))
    person: NDArray[np.float32] = field(default_factory=lambda: np.full(len(PERSON), np.nan, dtype=np.float32))


def planted_counts(count: int) -> dict[str, int]:
    """Return how many images of each kind a source of ``count`` images holds, ``clean`` included."""
    counts = {kind: max(1, round(share * count)) for kind, share in SHARES.items()}
    return {"clean": count - sum(counts.values()), **counts}


def write_demo_source(folder: Path, *, seed: int = 0, count: int = 3000, progress: Progress = SILENT) -> DemoSource:
    """Render faces, plant faults among them, and write the source and its truth.

    Parameters
    ----------
    folder : Path
        Where to write :data:`IMAGES` and :data:`TRUTH`; made if need be.
    seed : int
        0 or more; the same seed and count give the same images.
    count : int
        Number of images, plants included; at least 100.
    progress : Progress
        Told of every rendered face; may stop the work.

    Returns
    -------
    DemoSource

    Raises
    ------
    SpecError
        If ``seed`` or ``count`` is too small.
    StoreError
        If the disk is full or read-only.
    """
    if seed < 0 or count < _MINIMUM:
        raise SpecError(f"seed {seed} and count {count}: the seed must be 0 or more and the count at least {_MINIMUM}")
    random = np.random.default_rng((seed, 0xFACE))
    rows = _faces(_FIRST_SEED + seed, planted_counts(count), random, progress)
    rows += _duplicates(rows, planted_counts(count), random)
    rows += _without_faces(planted_counts(count), random)
    order = random.permutation(len(rows))
    source = DemoSource(folder / IMAGES, folder / TRUTH)
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    images, truth = _tables(rows, order)
    write_atomically(source.images, lambda path: pq.write_table(images, path, compression="zstd", row_group_size=512))
    write_atomically(source.truth, lambda path: pq.write_table(truth, path, compression="zstd"))
    return source


def _faces(seed: int, counts: dict[str, int], random: _Random, progress: Progress) -> list[_Row]:
    """Render all faces but the copies: clean ones, flipped labels, blends, and those whose file will be damaged."""
    kinds = [kind for kind in ("flipped", "blend", "corrupt", "clean") for _ in range(counts[kind])]
    parameters = sample(len(kinds), seed, emotions=list(CLASS_SHARES), weights=list(CLASS_SHARES.values()))
    blends: dict[int, tuple[str, str, float]] = {}
    for place in (place for place, kind in enumerate(kinds) if kind == "blend"):
        blends[place] = (*AMBIGUOUS[int(random.integers(len(AMBIGUOUS)))], float(random.uniform(0.42, 0.58)))
        face = _blended(seed, place, blends[place])
        parameters.values[place], parameters.actions[place] = face.values[0], face.actions[0]
    splits = _splits(len(kinds), random)
    person = np.stack([parameters.column(name) for name in PERSON], axis=1)
    rows: list[_Row] = []
    progress.step("rendering faces", len(kinds))
    for first in range(0, len(kinds), _BLOCK):
        block = render(parameters[first : first + _BLOCK])
        for place, image in enumerate(block.images, start=first):
            emotion = EMOTIONS[int(parameters.emotions[place])]
            row = _Row(kinds[place], splits[place], emotion, encode_png(image), emotion, None, None,
                       block.actions[place - first], person[place])  # fmt: skip
            rows.append(_planted(row, blends.get(place), place, random))
        progress.advance(len(block.images))
    return rows


def _blended(seed: int, place: int, blend: tuple[str, str, float]) -> FaceParameters:
    """Return a face between two emotions of one person, a little stronger than their mean so that both are seen."""
    first, second = (sample(1, seed, start=place, emotions=[emotion]) for emotion in blend[:2])
    face = interpolate(first, second, np.array([blend[2]]))
    return replace(face, actions=np.minimum(face.actions * 1.3, 1.0).astype(np.float32))


def _splits(count: int, random: _Random) -> list[str]:
    """Deal ``count`` images to the splits in their exact shares, in random order."""
    borders = np.cumsum(list(SPLIT_SHARES.values())) * count
    names = np.array(list(SPLIT_SHARES))[np.searchsorted(np.round(borders), np.arange(count), side="right")]
    return [str(name) for name in random.permutation(names)]


def _planted(row: _Row, blend: tuple[str, str, float] | None, place: int, random: _Random) -> _Row:
    """Return a rendered row with its fault."""
    if row.kind == "flipped":
        return replace(row, label=_other_label(row.label, random))
    if blend is not None:
        return replace(row, label=blend[:2][int(random.integers(2))], true_label=None, blend=blend)
    if row.kind == "corrupt":
        damage = _DAMAGES[place % len(_DAMAGES)]
        return _Row(row.kind, row.split, row.label, damage(row.image))
    return row


def _other_label(label: str, random: _Random) -> str:
    others = [emotion for emotion in EMOTIONS if emotion != label]
    return others[int(random.integers(len(others)))]


def _duplicates(rows: list[_Row], counts: dict[str, int], random: _Random) -> list[_Row]:
    """Return copies of clean faces; the originals in ``rows`` get their copy as partner."""
    kinds = ("conflicting-duplicate", "leaked-duplicate", "near-duplicate")
    clean = random.permutation([place for place, row in enumerate(rows) if row.kind == "clean"])
    trained = [int(place) for place in clean if rows[place].split == "train"]
    copies: list[_Row] = []
    for kind in kinds:
        for number in range(counts[kind]):
            original = trained.pop()
            row = replace(rows[original], kind=kind, partner=original)
            if kind == "conflicting-duplicate":
                row = replace(row, label=_other_label(row.label, random))
            else:
                row = replace(row, split=("test", "validation")[number % 2])
            if kind == "near-duplicate":
                row = replace(row, image=_retouched(row.image, random))
            rows[original] = replace(rows[original], partner=len(rows) + len(copies))
            copies.append(row)
    return copies


def _retouched(image: bytes, random: _Random) -> bytes:
    """Return the picture a little paler, brighter and noisier."""
    gray = np.asarray(decode(image, "a rendered face")).astype(np.float64)
    paler = 128 + (gray - 128) * random.uniform(0.90, 0.95) + random.uniform(2, 8) + random.normal(0, 1.5, gray.shape)
    return encode_png(np.clip(np.round(paler), 0, 255).astype(np.uint8))


def _without_faces(counts: dict[str, int], random: _Random) -> list[_Row]:
    """Return blank pictures, each of its own tone, and pictures of other things, with labels they do not deserve."""
    tones = random.permutation(255)
    pictures = [("blank", _blank(int(tones[number]), number, random)) for number in range(counts["blank"])]
    pictures += [
        ("non-face", _OTHER_THINGS[number % len(_OTHER_THINGS)](random)) for number in range(counts["non-face"])
    ]
    splits = _splits(len(pictures), random)
    labels = random.choice(EMOTIONS, len(pictures))
    return [
        _Row(kind, split, str(label), encode_png(picture))
        for (kind, picture), split, label in zip(pictures, splits, labels, strict=True)
    ]


def _blank(tone: int, number: int, random: _Random) -> _Picture:
    """Return a picture of one tone; every third one flickers by one gray level."""
    flicker = random.integers(0, 2, (48, 48)) if number % 3 == 2 else 0
    return np.full((48, 48), tone, dtype=np.uint8) + np.asarray(flicker, dtype=np.uint8)


def _document(random: _Random) -> _Picture:
    """Dark lines of words on white paper."""
    page = np.full((48, 48), 245.0)
    for top in range(int(random.integers(2, 6)), 45, 5):
        words = np.repeat(random.random(24) < 0.75, 2)
        end = int(random.integers(25, 46))
        page[top : top + 2, 3:end] -= 190 * words[3:end] * random.uniform(0.6, 1.0, (2, end - 3))
    return page.astype(np.uint8)


def _pattern(random: _Random) -> _Picture:
    """Return stripes or squares."""
    y, x = np.mgrid[0:48, 0:48]
    size, angle = random.integers(3, 9), random.uniform(0, np.pi)
    along, down = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    dark = (along // size + (down // size if random.random() < 0.5 else 0)) % 2
    low, high = random.integers(10, 90), random.integers(150, 250)
    return np.asarray(low + (high - low) * dark, dtype=np.uint8)


def _cloud(random: _Random) -> _Picture:
    """Return a smooth random surface."""
    y, x = np.mgrid[0:48, 0:48] / 48.0
    surface = np.zeros((48, 48))
    for _ in range(6):
        a, b, phase = random.uniform(-4, 4), random.uniform(-4, 4), random.uniform(0, 6.3)
        surface += np.sin(6.283 * (a * x + b * y) + phase)
    return np.clip(128 + 32 * surface, 0, 255).astype(np.uint8)


def _shapes(random: _Random) -> _Picture:
    """Return a few overlapping discs and boxes."""
    y, x = np.mgrid[0:48, 0:48]
    picture = np.full((48, 48), float(random.integers(30, 220)))
    for number in range(5):
        cx, cy, size = random.uniform(4, 44), random.uniform(4, 44), random.uniform(5, 14)
        reach = np.hypot(x - cx, y - cy) if number % 2 else np.maximum(np.abs(x - cx), 1.6 * np.abs(y - cy))
        picture[reach < size] = float(random.integers(0, 256))
    return picture.astype(np.uint8)


_OTHER_THINGS: tuple[Callable[[_Random], _Picture], ...] = (_document, _pattern, _cloud, _shapes)
_DAMAGES: tuple[Callable[[bytes], bytes], ...] = (
    lambda image: image[: len(image) // 2],
    lambda image: b"",  # noqa: ARG005
    lambda image: b"this is no picture, whatever its name says\n",  # noqa: ARG005
    lambda image: bytes(16) + image[16:],
)


def _tables(rows: list[_Row], order: NDArray[np.int64]) -> tuple[pa.Table, pa.Table]:
    """Return source and truth, rows in ``order``, with ids that tell nothing about the kind."""
    ids = [""] * len(rows)
    for number, place in enumerate(order):
        ids[place] = f"face-{number:05d}"
    ordered = [rows[place] for place in order]
    shown = {
        "id": pa.array([ids[place] for place in order]),
        "split": pa.array([row.split for row in ordered]),
        "label": pa.array([row.label for row in ordered]),
    }
    images = pa.table({**shown, "image": pa.array([row.image for row in ordered], pa.binary())})
    truth = {
        "kind": pa.array([row.kind for row in ordered]),
        "true_label": pa.array([row.true_label for row in ordered], pa.string()),
        "blend_first": pa.array([row.blend[0] if row.blend else None for row in ordered], pa.string()),
        "blend_second": pa.array([row.blend[1] if row.blend else None for row in ordered], pa.string()),
        "blend_weight": pa.array([row.blend[2] if row.blend else None for row in ordered], pa.float32()),
        "partner": pa.array([None if row.partner is None else ids[row.partner] for row in ordered], pa.string()),
    }
    strengths = np.stack([row.actions for row in ordered])
    for column, action in enumerate(ACTIONS):
        truth[action] = pa.array(strengths[:, column], from_pandas=True)
    person = np.stack([row.person for row in ordered])
    for column, name in enumerate(PERSON):
        truth[name] = pa.array(person[:, column], from_pandas=True)
    return images, pa.table({**shown, **truth})
