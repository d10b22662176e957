"""Lay a dataset's images out on a plane, with a concept set's texts among them, and drop prompts onto the map."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.data.concepts import ConceptSet
from workbench.data.datasets import Dataset, open_dataset
from workbench.errors import SpecError
from workbench.methods import map as maps
from workbench.methods.map_quality import NEIGHBOURS, draw, purity, purity_chance, trustworthiness
from workbench.methods.shapes import Floats, Ints
from workbench.methods.zeroshot import ensemble
from workbench.progress import SILENT, Progress
from workbench.specs import SPACES, MapSpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.classification import class_numbers as class_numbers
from workbench.studies.concept_texts import concept_texts, open_concepts
from workbench.studies.embed import embed_dataset, open_embeddings
from workbench.studies.mapping import KIND as KIND
from workbench.studies.mapping import Map as Map
from workbench.studies.mapping import Placed as Placed
from workbench.studies.mapping import as_json
from workbench.studies.mapping import open_map as open_map

if TYPE_CHECKING:
    from workbench.models.clip import Clip

MAX_TEXTS = 2000
"""The most texts on a map."""
_PARAMETERS = {"umap": ("neighbours", "min_dist"), "tsne": ("perplexity",), "pca": ()}
"""What each method is told; the others' settings change nothing, and name no other map."""


@dataclass(frozen=True)
class _Case:
    """What a map is made of: the sampled rows of a dataset, a CLIP, and the texts of a concept set."""

    spec: MapSpec
    dataset: Dataset
    concepts: ConceptSet
    clip: Clip
    rows: Ints
    selected: int


def lay_out(spec: MapSpec, store: Store, progress: Progress = SILENT) -> Map:
    """Lay a dataset out, or return what is stored.

    Raises
    ------
    SpecError
        The dataset, split, CLIP or concept set does not exist; there are fewer than two images, or more than
        :data:`MAX_TEXTS` texts; all embeddings are the same, or one is not finite.
    ConceptSetError, ModelError
        The concept set or the weights cannot be used.
    Cancelled
        Stopped by ``progress``; the embeddings finished so far are kept.
    """
    from workbench.models.clip import load_clip  # loads torch, which reading a stored map does without

    dataset = open_dataset(store, spec.dataset)
    concepts = open_concepts(spec.concepts, store, beside_plain=True)
    if len(concepts.texts) > MAX_TEXTS:
        raise SpecError(
            f"concept set {spec.concepts!r} has {len(concepts.texts):,} texts; a map takes at most {MAX_TEXTS:,}"
        )
    rows = dataset.rows(spec.split)
    if len(rows) < 2:
        found = "one image" if len(rows) else "no images"
        raise SpecError(f"split {spec.split!r} of {dataset.name} has {found}; a map needs two or more")
    progress.step(f"load {spec.clip}")
    sample = rows[draw(len(rows), spec.most, spec.seed)]
    case = _Case(spec, dataset, concepts, load_clip(spec.clip), sample, len(rows))

    def compute(build: Build) -> Artifact:
        return _compute(build, case, store, progress)

    return Map(store.find_or_build(_key(case), spec.to_dict(), compute, progress))


def _key(case: _Case) -> ArtifactKey:
    spec, clip = case.spec, case.clip
    name = clip.name.rpartition("/")[2] if clip.name.startswith("local-dir:") else clip.name
    content = {
        "dataset": case.dataset.name,
        "rows": case.dataset.fingerprint,
        "clip": clip.fingerprint,
        "concepts": case.concepts.fingerprint,
        "method": spec.method,
        "space": spec.space,
        "split": spec.split,
        "images": len(case.rows),
        "seed": spec.seed,
        **{field: getattr(spec, field) for field in _PARAMETERS[spec.method]},
    }
    return ArtifactKey(KIND, f"{case.dataset.name}-{name}-{spec.method}-{spec.space}", content)


def _compute(build: Build, case: _Case, store: Store, progress: Progress) -> Artifact:
    spec, dataset, clip = case.spec, case.dataset, case.clip
    embeddings = embed_dataset(dataset, clip, store, progress)
    images = embeddings.matrix[case.rows]
    check_finite(images, dataset, case.rows, clip.name)
    texts = concept_vectors(case.concepts, clip, store, progress)
    spread = maps.spread(images, texts, spec.space)
    maps.principal_axes(spread[0])  # refuses images that are all the same
    progress.step(f"lay out with {spec.method}")
    started = time.perf_counter()
    places = maps.lay_out(
        np.concatenate(spread),
        spec.method,
        spec.neighbours,
        spec.perplexity,
        spec.min_dist,
        spec.seed,
        progress,
    )
    seconds = round(time.perf_counter() - started, 2)
    progress.step("measure the map")
    points, labels = places[: len(images)], class_numbers(dataset)[case.rows]
    arrays = {
        **_places(case, places, labels),
        "text_vectors": texts,
        "image_mean": maps.mean(images),
        "text_mean": maps.mean(texts),
    }
    if spec.method == "pca":
        arrays["axes_mean"], arrays["axes"] = maps.principal_axes(np.concatenate(spread))
    build.write_arrays("map", arrays)
    quality = _quality(spread[0], points, labels, spec.seed) | {"gap": gaps(images, texts), "seconds": seconds}
    return build.finish(_summary(case, labels, embeddings.artifact.reference, quality))


def _places(case: _Case, places: Floats, labels: Ints) -> dict[str, Floats | Ints]:
    """Return the places of images, texts, classes and of the centre, from those of images and texts."""
    points = places[: len(case.rows)]
    means = [points[labels == place].mean(axis=0) for place in np.unique(labels[labels >= 0])]
    return {
        "rows": case.rows.astype(np.int64),
        "points": points,
        "text_points": places[len(case.rows) :],
        "class_means": np.array(means, dtype=np.float32).reshape(-1, 2),
        "centre": points.mean(axis=0),
    }


def _summary(case: _Case, labels: Ints, embeddings: str, quality: dict[str, Any]) -> dict[str, Any]:
    return {
        "dataset": case.dataset.name,
        "clip": case.clip.name,
        "concept_set": case.concepts.name,
        "selected": case.selected,
        "texts": case.concepts.texts,
        "text_classes": [each.classes[0] if len(each.classes) == 1 else "" for each in case.concepts.concepts],
        "classes": [case.dataset.classes[place] for place in np.unique(labels[labels >= 0])],
        "embeddings": embeddings,
        "quality": quality,
        "notes": _notes(case, labels),
    }


def _quality(images: Floats, points: Floats, labels: Ints, seed: int) -> dict[str, Any]:
    trust = trustworthiness(images, points, seed=seed)
    on_map, in_space = purity(points.astype(np.float64), labels, seed=seed), purity(images, labels, seed=seed)
    figures = {
        "trustworthiness": trust.value,
        "trustworthiness_images": trust.images,
        "purity_map": on_map.value,
        "purity_space": in_space.value,
        "purity_chance": purity_chance(labels),
        "purity_images": on_map.images,
        "neighbours": NEIGHBOURS,
    }
    return as_json(figures)


def _notes(case: _Case, labels: Ints) -> list[str]:
    spec, clip, count = case.spec, case.clip, len(case.rows)
    notes = []
    if count < case.selected:
        notes.append(f"{count:,} of {case.selected:,} images are on the map: a random sample (seed {spec.seed})")
    total = count + len(case.concepts.texts)
    if total < maps.SMALLEST and spec.method != "pca":
        notes.append(f"neighbours of {total} points say nothing, so this is a PCA map and not {spec.method}")
    elif spec.method == "umap" and spec.neighbours > total - 1:
        notes.append(f"neighbours is {spec.neighbours}, but {total - 1} other points are all there are")
    elif spec.method == "tsne" and spec.perplexity > (total - 1) / 3:
        notes.append(f"perplexity is {spec.perplexity:g}, but {total} points allow {(total - 1) / 3:.1f} at most")
    if spec.space == "centred" and len(case.concepts.texts) == 1:
        notes.append("a single text is its own mean: centred, it says nothing; the space shifted places it")
    notes += unseen_note(clip, [sentence for sentences in case.concepts.prompts() for sentence in sentences])
    if clip.training_images is not None:
        seen = clip.training_images.matches(case.dataset.digests[case.rows], case.dataset.hashes[case.rows])
        if seen.any():
            notes.append(f"{clip.name} was trained on {int(seen.sum()):,} of the {count:,} images on the map")
    classes = len(set(labels[labels >= 0].tolist()))
    if classes < 2:
        found = "no image on the map has a label" if not classes else "all labels on the map are the same"
        notes.append(f"{found}, so label purity says nothing")
    return notes


def check_finite(matrix: Floats, dataset: Dataset, rows: Ints, clip: str) -> None:
    """Raise :class:`SpecError` where an embedding holds NaN or an infinite value; it names the first such image."""
    wrong = ~np.isfinite(matrix).all(axis=1)
    if wrong.any():
        raise SpecError(
            f"{clip} gives NaN or infinite values for {int(wrong.sum()):,} images of {dataset.name}, the first of them "
            f"{dataset.ids[rows[int(wrong.argmax())]]}; its weights are unusable"
        )


def check_usable(matrix: Floats, dataset: Dataset, rows: Ints, clip: str) -> None:
    """As :func:`check_finite`; also raise :class:`SpecError` where two or more embeddings are all equal."""
    check_finite(matrix, dataset, rows, clip)
    if len(matrix) > 1 and float(np.ptp(matrix, axis=0).max(initial=0.0)) < 1e-6:
        raise SpecError(
            f"{clip} gives all {len(matrix):,} images of {dataset.name} the same embedding, which tells nothing of "
            "their labels; use another CLIP"
        )


def concept_vectors(concepts: ConceptSet, clip: Clip, store: Store, progress: Progress) -> Floats:
    """Return the mean direction of each concept's sentences, float32 ``(C, D)``."""
    return ensemble(concept_texts(concepts, clip, store, progress))


def gaps(images: Floats, texts: Floats) -> dict[str, dict[str, Any]]:
    """Return the gap between images ``(N, D)`` and texts ``(T, D)`` in every space, as JSON values."""
    return {space: as_json(maps.gap(*maps.spread(images, texts, space))._asdict()) for space in SPACES}


def unseen_note(clip: Clip, sentences: Sequence[str]) -> list[str]:
    """Say which words a CLIP never saw, where it tells."""
    unseen = clip.unseen_words(sentences)
    words = f"{clip.name} never saw these words in training, so where it puts them is a guess: {', '.join(unseen)}"
    return [words] if unseen else []


def find_prompt(found: Map, prompts: Sequence[str], store: Store) -> Placed:
    """Drop prompts onto a map that stays as it is.

    Parameters
    ----------
    found : Map
        The map.
    prompts : sequence of str
        Each as it is, without a template.
    store : Store
        The workspace the map is of.

    Raises
    ------
    SpecError
        A prompt is empty; the dataset or the CLIP is no longer the one that was mapped.
    DamagedArtifactError
        The image embeddings have been deleted.
    """
    from workbench.models.clip import load_clip

    texts = [" ".join(prompt.split()) for prompt in prompts]
    if not texts or not all(texts):
        raise SpecError("a prompt is empty; type a few words, such as: a face with a broad smile")
    dataset, clip = open_dataset(store, found.spec.dataset), load_clip(found.spec.clip)
    content = found.artifact.manifest["content"]
    for what, now, then in (("dataset", dataset.fingerprint, "rows"), ("CLIP", clip.fingerprint, "clip")):
        if now != content[then]:
            raise SpecError(f"{what} {getattr(found.spec, what.lower())} is not the one that was mapped; map it again")
    images = open_embeddings(dataset, store.open(store.artifacts_dir / found.embeddings)).matrix[found.rows]
    vectors = clip.encode_texts(texts)
    arrays, space = found.arrays, found.spec.space
    means = arrays["image_mean"], arrays["text_mean"]
    queries = maps.move(vectors, means, space, texts=True)
    if found.spec.method == "pca":
        points = maps.project(queries, arrays["axes_mean"], arrays["axes"])
    else:
        laid_out = np.concatenate(
            [maps.move(images, means, space), maps.move(arrays["text_vectors"], means, space, True)]
        )
        points = maps.place(laid_out, np.concatenate([found.points, found.text_points]), queries)
    return Placed(points, vectors @ images.T, tuple(unseen_note(clip, texts)))
