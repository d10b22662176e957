"""A stored dissection without any network behind it: planted labels, random evidence, any number of units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from workbench.data.concepts import ConceptSet, load_concept_set
from workbench.data.datasets import Dataset, open_dataset
from workbench.progress import SILENT
from workbench.specs import AblateSpec, DissectSpec
from workbench.store import Artifact, ArtifactKey, Store
from workbench.studies.ablation import Ablation
from workbench.studies.dissection import Dissection
from workbench.studies.embed import SHARD, first_rows, list_column

TOP = 5
MAP_SIDE = 6
LAYERS = ("conv1", "lin1")
LIMITS = (2.9, 3.1)


def write_dissection(
    store: Store, dataset: str = "faces", units: int = 24, seed: int = 0, concepts: str = "facial-expressions"
) -> Dissection:
    """Store a dissection of layers ``conv1`` (with maps) and ``lin1`` (without) that share ``units`` evenly.

    The last unit is constant; six units in ten have a strong label, and the activations of a face are random.
    """
    images = open_dataset(store, dataset)
    concept_set = load_concept_set(concepts)
    rng = np.random.default_rng(seed)
    sizes = (units // 2, units - units // 2)
    spec = DissectSpec(dataset, concepts=concepts, seed=seed)
    columns = unit_columns(rng, sizes, images, concept_set)
    recorded = {
        name: write_activations(store, images, name, size, seed) for name, size in zip(LAYERS, sizes, strict=True)
    }
    summary = {
        "notes": ["3 blank images were left out of the probing set"],
        "concepts": concept_set.texts,
        "classes": list(concept_set.classes),
        "speaks_for": [list(concept.classes) for concept in concept_set.concepts],
        "probing": len(images.rows("train")),
        "held_out": len(images) - len(images.rows("train")),
        "activations": {name: artifact.reference for name, artifact in recorded.items()},
        "layers": [layer_row(place, columns, sizes) for place in range(2)],
    }
    content = {"units": units, "seed": seed, "concepts": concepts, "rows": images.fingerprint}
    key = ArtifactKey("dissection", f"{dataset}-synthetic", content)
    with store.build(key, spec.to_dict(), SILENT) as build:
        if isinstance(build, Artifact):
            return Dissection(build)
        build.write_table(0, pa.table({name: as_column(values) for name, values in columns.items()}))
        wide = len(concept_set.texts)
        for place in range(2):
            band = {"null_low": np.full(wide, -1.9, np.float32), "null_high": np.full(wide, 1.9, np.float32)}
            build.write_arrays(f"layer-{place:05d}", band)
        maps = rng.integers(0, 256, (sizes[0], TOP, MAP_SIDE, MAP_SIDE)).astype(np.uint8)
        build.write_arrays("maps-00000", {"maps": maps})
        return Dissection(build.finish(summary))


def unit_columns(
    rng: np.random.Generator, sizes: tuple[int, int], images: Dataset, concept_set: ConceptSet
) -> dict[str, np.ndarray]:
    """Return every column of the units' table."""
    units, kinds, wide = sum(sizes), len(concept_set.classes), len(concept_set.texts)
    strong = rng.random(units) < 0.6
    strong[-1] = False
    similarities = rng.normal(0, 1, (units, wide)).astype(np.float32)
    similarities[strong, rng.integers(0, wide, units)[strong]] += 4
    order = np.argsort(-similarities, axis=1)
    best = np.take_along_axis(similarities, order, axis=1)
    spoken = concept_set.membership[order[:, 0]]
    faithfulness = np.where(strong, 0.45, 0.0) + rng.normal(0, 0.08, units)
    means = rng.normal(0.3, 0.1, (units, kinds)) + spoken * strong[:, None] * 0.5
    selectivity = np.clip(0.5 + (means - 0.3) * 0.6, 0.01, 0.99)
    q = np.where(strong, rng.random(units) * 0.04, 0.06 + 0.9 * rng.random(units))
    columns = {
        "label": order[:, 0],
        "similarity": best[:, 0],
        "runner_up": order[:, 1],
        "runner_up_similarity": best[:, 1],
        "p": q / 2,
        "q": q,
        "stability": np.where(strong, 0.98, 0.4),
        "faithfulness": faithfulness,
        "faithfulness_low": faithfulness - 0.05,
        "faithfulness_high": faithfulness + 0.05,
        "accuracy": rng.integers(0, TOP + 1, units) / TOP,
        "selectivity": selectivity,
        "selectivity_low": selectivity - 0.02,
        "selectivity_high": selectivity + 0.02,
        "class_means": means,
        "mean": means.mean(axis=1),
        "std": np.full(units, 0.2),
        "truth_auroc": np.full(units, np.nan),
        "similarities": similarities,
        "nearest_correlation": np.linspace(0.9, 0.2, 8)[None].repeat(units, 0),
    }
    for name, values in columns.items():
        values[-1] = -1 if name in ("label", "runner_up") else np.nan
    columns |= {
        "unit": np.concatenate([np.arange(size) for size in sizes]),
        "holds": strong & (columns["faithfulness_low"] > 0) & (columns["stability"] >= 0.5),
        "constant": np.arange(units) == units - 1,
        "truth_best": np.full(units, -1),
        "top": rng.choice(images.rows("train"), (units, TOP)),
        "top_activations": np.sort(rng.random((units, TOP)), axis=1)[:, ::-1],
        "quantiles": np.sort(rng.random((units, 101)), axis=1),
        "nearest": np.concatenate([rng.integers(0, size, (size, 8)) for size in sizes]),
    }
    return columns


def as_column(values: np.ndarray) -> Any:
    """Return an array as a column: a list of float32 or int64 for each unit where it is a matrix."""
    if values.ndim == 1:
        return pa.array(values)
    return list_column(np.ascontiguousarray(values if values.dtype.kind == "i" else values.astype(np.float32)))


def layer_row(place: int, columns: dict[str, np.ndarray], sizes: tuple[int, int]) -> dict[str, Any]:
    """Return a layer's row of the layer table."""
    own = slice(0, sizes[0]) if place == 0 else slice(sizes[0], sum(sizes))
    alive = ~columns["constant"][own]
    above = (columns["similarity"][own] > 0) & alive
    return {
        "layer": LAYERS[place],
        "type": ("Conv2d", "Linear")[place],
        "shape": [[sizes[0], MAP_SIDE, MAP_SIDE], [sizes[1]]][place],
        "units": sizes[place],
        "constant": int((~alive).sum()),
        "num_interp": int(above.sum()),
        "num_uninterp": int((~above).sum()),
        "overall_acc": float(columns["accuracy"][own][alive].mean()),
        "interp_acc": float(columns["accuracy"][own][above].mean()),
        "uninterp_acc": None,
        "prop_interp": float(above.mean()),
        "labelled": int(columns["holds"][own].sum()),
        "labelled_acc": 0.6,
        "median_similarity": float(np.nanmedian(columns["similarity"][own])),
        "null_limit": LIMITS[place],
        "truth_auroc": None,
        "truth_right": None,
        "truth_right_labelled": None,
    }


def write_activations(store: Store, images: Dataset, layer: str, units: int, seed: int) -> Artifact:
    """Store random activations of a layer for every image."""
    key = ArtifactKey("activations", f"{images.name}-synthetic-{layer}", {"units": units, "seed": seed, "layer": layer})
    firsts = first_rows(images)
    rng = np.random.default_rng(seed)
    with store.build(key, {"dataset": images.name, "layer": layer}, SILENT) as build:
        if isinstance(build, Artifact):
            return build
        for start in range(0, len(firsts), SHARD):
            rows = firsts[start : start + SHARD]
            values = list_column(rng.random((len(rows), units), dtype=np.float32))
            table = pa.table({"digest": images.digests[rows].tolist(), "activation": values})
            build.write_table(start // SHARD, table)
        return build.finish({"layer": layer, "units": units})


def write_ablation(store: Store, dissection: Dissection, layer: str, images: int = 700) -> Ablation:
    """Store an ablation of a layer: every unit costs a few images, and the sets of ``happy`` cost that class most."""
    rows = dissection.rows(layer)
    units, classes = rows.stop - rows.start, dissection.classes
    rng = np.random.default_rng(0)
    sizes, controls = (1, 4), 20
    sets = [{"class": name, "size": size, "units": list(range(size))} for name in classes for size in sizes]
    support = images // len(classes)
    right = np.full((1 + units + len(sets) + len(sizes) * controls, len(classes)), support * 0.6)
    right[1:] -= rng.integers(0, 4, right[1:].shape)
    for place, one in enumerate(sets):
        right[1 + units + place, classes.index("happy")] -= 5 * one["size"] if one["class"] == "happy" else 0
    spec = AblateSpec(dissection.artifact.name, layer, images=images, controls=controls)
    summary = {
        "dissection": dissection.artifact.name,
        "layer": layer,
        "classes": list(classes),
        "support": [support] * len(classes),
        "units": units,
        "sets": sets,
        "sizes": list(sizes),
        "controls": controls,
        "notes": ["sets of 32 are left out: the layer has too few units"],
    }
    key = ArtifactKey("ablation", f"{dissection.spec.dataset}-synthetic-{layer}", {"of": dissection.artifact.name})
    with store.build(key, spec.to_dict(), SILENT) as build:
        if isinstance(build, Artifact):
            return Ablation(build)
        build.write_table(0, pa.table({"right": list_column(right), "margin": list_column(right / 50)}))
        return Ablation(build.finish(summary))
