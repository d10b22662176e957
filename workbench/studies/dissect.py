"""Label a network's units with concepts by CLIP-Dissect, with the evidence for and against each label.

The concept set's texts and the dataset's images are compared by a CLIP; the target runs over the same images. The
probing set chooses each unit's label (Oikarinen and Weng, "CLIP-Dissect", ICLR 2023); random image sets, bootstrap
resamples and the images held out say whether the label is to be believed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.data.concepts import ConceptSet
from workbench.data.datasets import Dataset, open_dataset
from workbench.data.demo import TRUTH
from workbench.errors import DatasetError, SpecError
from workbench.methods.duplicates import BLANK_DEVIATION
from workbench.methods.zeroshot import ensemble
from workbench.progress import SILENT, Progress
from workbench.specs import DissectSpec
from workbench.store import Artifact, ArtifactKey, Build, Store
from workbench.studies.activations import record_activations
from workbench.studies.concept_texts import concept_texts, open_concepts
from workbench.studies.dissection import KIND, Dissection
from workbench.studies.embed import embed_dataset, list_matrix
from workbench.studies.unit_evidence import MIN_HELD_OUT, Case, activation_maps, layer_evidence, layer_row

if TYPE_CHECKING:
    from workbench.models.clip import Clip
    from workbench.models.layers import Layer
    from workbench.models.targets import Target

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating[Any]]

_RELATIVE = ("soft_wpmi", "wpmi")  # these compare concepts with each other


def dissect(spec: DissectSpec, store: Store, progress: Progress = SILENT) -> Dissection:
    """Label the units of a network's layers, or return what is stored.

    Raises
    ------
    SpecError
        The dataset, split, target, layer, CLIP or concept set does not exist, or there are too few images or concepts.
    ModelError
        Weights cannot be used, or the network gives something that is no finite number.
    Cancelled
        Stopped by ``progress``; finished layers and recorded activations are kept.
    """
    from workbench.models.clip import load_clip  # loads torch, which reading a stored run does without
    from workbench.models.layers import list_layers
    from workbench.models.targets import load_target

    dataset = open_dataset(store, spec.dataset)
    if spec.weights:  # what is stored must work from any folder
        spec = replace(spec, weights=str(Path(spec.weights).expanduser().resolve()))
    concepts = open_concepts(spec.concepts, store)
    probing, held_out = probing_rows(dataset, spec)
    _check(spec, concepts, probing)
    progress.step(f"load {spec.target} and {spec.clip}")
    target = load_target(spec.target, spec.weights, store)
    layers = choose_layers(list_layers(target), spec.layers)
    clip = load_clip(spec.clip)
    truth, truth_digest = read_truth(dataset, concepts)
    key = _key(spec, dataset, concepts, target, layers, clip, truth_digest)

    def compute(build: Build) -> Artifact:
        scores = _scores(dataset, concepts, clip, store, progress)
        positive = dataset.labels[:, None] == np.array(concepts.classes, dtype=np.str_)[None, :]
        case = Case(spec, dataset, concepts, target, probing, held_out, scores, positive, truth)
        return _compute(build, case, layers, clip, store, progress)

    return Dissection(store.find_or_build(key, spec.to_dict(), compute, progress))


def choose_layers(layers: Sequence[Layer], patterns: str) -> list[Layer]:
    """Return the layers that names and globs ask for; where nothing is asked, every convolution and linear layer."""
    from workbench.models.layers import match_layers

    usable = [layer for layer in layers if not layer.problem and layer.has_weight]
    weighted = [layer for layer in usable if "Conv" in layer.type or "Linear" in layer.type]
    return match_layers(layers, patterns or "*") if patterns or not weighted else weighted


def probing_rows(dataset: Dataset, spec: DissectSpec) -> tuple[Rows, Rows]:
    """Return the rows that choose the labels, and those that test them.

    Blank images are left out, of equal images the first is taken, and none that chooses also tests. The probing rows
    are shuffled: of equal activations the first count as greater, which must not favour the class that happens to stand
    first in the dataset.

    Raises
    ------
    SpecError
        The dataset has no such split.
    """
    fair = dataset.contrasts >= BLANK_DEVIATION
    probing = _different(dataset, dataset.rows(spec.split)[fair[dataset.rows(spec.split)]])
    other = np.flatnonzero(fair & ~np.isin(dataset.digests, dataset.digests[probing]))
    return np.random.default_rng(spec.seed).permutation(probing), _different(dataset, other)


def _different(dataset: Dataset, rows: Rows) -> Rows:
    """Return the rows whose pixels no earlier of the rows has, ascending."""
    return rows[np.sort(np.unique(dataset.digests[rows], return_index=True)[1])]


def read_truth(dataset: Dataset, concepts: ConceptSet) -> tuple[Floats | None, str]:
    """Return each concept's true strength in each image, ``(N, C)`` in 0 to 1, and the hash of where it stands.

    ``truth.parquet`` in the dataset's folder may hold it: ``id`` and a column a concept, named by its text. ``None``
    where there is no such file or no such column; NaN for what it does not say.
    """
    path = dataset.path / TRUTH
    if not path.exists():
        return None, ""
    try:
        named = [text for text in concepts.texts if text in pq.read_schema(path).names]
        if not named:
            return None, ""
        table = pq.read_table(path, columns=["id", *named])
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{path}: cannot be read as Parquet with an id and a column a concept") from error
    position = {name: row for row, name in enumerate(table["id"].to_pylist())}
    rows = np.array([position.get(name, -1) for name in dataset.ids.tolist()])
    truth = np.full((len(dataset), len(concepts.texts)), np.nan, dtype=np.float32)
    for place, text in enumerate(concepts.texts):
        if text in named:
            values = table[text].to_numpy(zero_copy_only=False).astype(np.float32)
            truth[:, place] = np.where(rows >= 0, values[rows], np.nan)
    return truth, hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _check(spec: DissectSpec, concepts: ConceptSet, probing: Rows) -> None:
    if len(probing) < max(spec.top_k, 2):
        raise SpecError(
            f"the probing set {spec.split!r} of {spec.dataset} has {len(probing)} different images that are not blank; "
            f"top_k {spec.top_k} needs at least {max(spec.top_k, 2)}"
        )
    if len(concepts.concepts) < 2 and spec.similarity in _RELATIVE:
        raise SpecError(
            f"concept set {spec.concepts!r} has one concept; {spec.similarity} compares concepts with each other: give "
            "two or more, or use cos_similarity"
        )


def _key(
    spec: DissectSpec,
    dataset: Dataset,
    concepts: ConceptSet,
    target: Target,
    layers: list[Layer],
    clip: Clip,
    truth: str,
) -> ArtifactKey:
    fields = ("similarity", "pool", "split", "tau", "alpha", "top_k", "draws", "resamples", "seed")
    content = {
        "dataset": dataset.name,
        "rows": dataset.fingerprint,
        "target": target.fingerprint,
        "layers": [layer.name for layer in layers],
        "concepts": concepts.fingerprint,
        "clip": clip.fingerprint,
        "truth": truth,
        **{name: getattr(spec, name) for name in fields},
    }
    return ArtifactKey(KIND, f"{target.spec.rpartition('/')[2]}-{dataset.name}-{concepts.name}", content)


def _scores(dataset: Dataset, concepts: ConceptSet, clip: Clip, store: Store, progress: Progress) -> Floats:
    """Cosine of every image and concept, ``(N, C)``; a concept is the mean direction of its prompts."""
    images = embed_dataset(dataset, clip, store, progress).matrix
    texts = concept_texts(concepts, clip, store, progress)
    return np.asarray(images @ ensemble(texts).T, dtype=np.float32)


def _compute(build: Build, case: Case, layers: list[Layer], clip: Clip, store: Store, progress: Progress) -> Artifact:
    recorded = record_activations(case.dataset, case.target, layers, case.spec.pool, store, progress)
    progress.step(f"dissect {case.target.spec}", sum(layer.units for layer in layers))
    for place, layer in enumerate(layers):
        if not build.has_part(place):
            table, arrays = layer_evidence(case, recorded[layer.name].matrix())
            maps = activation_maps(case, layer, list_matrix(table, "top"), progress)
            build.write_arrays(f"layer-{place:05d}", arrays)
            if maps is not None:
                build.write_arrays(f"maps-{place:05d}", {"maps": maps})
            build.write_table(place, table)
        progress.advance(layer.units)
    summary = {
        "dataset": case.dataset.name,
        "target": case.target.spec,
        "clip": clip.name,
        "concepts": case.concepts.texts,
        "classes": list(case.concepts.classes),
        "speaks_for": [list(concept.classes) for concept in case.concepts.concepts],
        "probing": len(case.probing),
        "held_out": len(case.held_out),
        "activations": {name: found.artifact.reference for name, found in recorded.items()},
        "layers": [layer_row(case, layer, build.table(place)) for place, layer in enumerate(layers)],
        "notes": _notes(case, clip),
    }
    return build.finish(summary)


def _notes(case: Case, clip: Clip) -> list[str]:
    dataset, spec = case.dataset, case.spec
    notes = list(case.target.notes)
    unseen = clip.unseen_words([prompt for prompts in case.concepts.prompts() for prompt in prompts])
    if unseen:
        notes.append(
            f"{clip.name} never saw these words in training, so labels with them are a guess: {', '.join(unseen)}"
        )
    left_out = len(dataset.rows(spec.split)) - len(case.probing)
    if left_out:
        notes.append(f"{left_out:,} images of split {spec.split!r} choose no label: blank, or copies of others in it")
    for name, model in ((clip.name, clip), (case.target.spec, case.target)):
        trained = model.training_images
        seen = trained.matches(dataset.digests, dataset.hashes) if trained is not None else np.zeros(len(dataset), bool)
        if seen[case.held_out].any():
            notes.append(
                f"{name} was trained on {int(seen[case.held_out].sum()):,} of the {len(case.held_out):,} images held "
                "out"
            )
    if len(case.held_out) < MIN_HELD_OUT:
        notes.append("no images are held out, so a label holds by its q-value alone")
    if not case.positive.any():
        notes.append(
            f"no label of {dataset.name} is a class of {spec.concepts}: accuracy and selectivity are not known"
        )
    return notes
