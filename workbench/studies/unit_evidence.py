"""One layer's units: label, evidence, class selectivity, nearest units and activation maps, as tables and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from workbench.data.concepts import ConceptSet
from workbench.data.datasets import Dataset
from workbench.data.images import decode
from workbench.methods import dissect, evidence
from workbench.methods.selectivity import auroc
from workbench.progress import Progress
from workbench.specs import DissectSpec
from workbench.studies.activations import forward_batches
from workbench.studies.embed import list_column

if TYPE_CHECKING:
    from workbench.models.layers import Layer
    from workbench.models.targets import Target

Rows = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]
Columns = dict[str, Numbers]

ACCURACY_IMAGES = 5
"""A unit's accuracy is the share among this many top images whose class its label speaks for."""
NEAREST = 8
"""Units kept as most like a unit."""
SHOWN = 0.3
"""An action counts as shown in a picture from this strength on, where a dataset's truth gives strengths 0 to 1."""
MIN_HELD_OUT = 10
"""With fewer images held out a label is not tested on them."""
_NEAREST_IMAGES = 4000
_MAP_SIDE = 24


@dataclass(frozen=True)
class Case:
    """What all layers of one dissection share; N rows of the dataset, C concepts, K classes.

    Parameters
    ----------
    probing, held_out : ndarray of int64
        Rows that choose the labels, and rows that test them.
    scores : ndarray of float32, shape (N, C)
        Cosine of each image and concept.
    positive : ndarray of bool, shape (N, K)
        Which row is labelled with which class of the concept set.
    truth : ndarray of float32, shape (N, C), or None
        Strength of each concept in each image, 0 to 1; NaN where not known.
    """

    spec: DissectSpec
    dataset: Dataset
    concepts: ConceptSet
    target: Target
    probing: Rows
    held_out: Rows
    scores: Numbers
    positive: Numbers
    truth: Numbers | None


def layer_evidence(case: Case, matrix: Numbers) -> tuple[pa.Table, dict[str, Numbers]]:
    """Label a layer's units and gather the evidence.

    Parameters
    ----------
    matrix : ndarray of float32, shape (N, U)
        The layer's activations of every row of the dataset.

    Returns
    -------
    table
        One row a unit; the columns are those of :class:`workbench.studies.dissection.Dissection`, ``nearest`` within
        the layer; ``null_limit`` in its metadata.
    arrays
        ``null_low`` and ``null_high``, ``(C,)``.
    """
    probing = matrix[case.probing]
    constant = probing.min(axis=0) == probing.max(axis=0)
    active = np.flatnonzero(~constant)
    columns, null = _label(case, probing[:, active], matrix[case.held_out][:, active])
    columns |= _profile(case, probing[:, active])
    columns |= _truth(case, matrix[:, active], columns["label"])
    columns = {name: _spread(values, active, len(constant), name) for name, values in columns.items()}
    columns["nearest"] = _renumber(columns["nearest"], active)
    columns |= {"constant": constant, "unit": np.arange(len(constant)), "mean": probing.mean(axis=0)}
    return _table(columns).replace_schema_metadata({"null_limit": str(null.pop("null_limit"))}), null


def _label(case: Case, probing: Numbers, held_out: Numbers) -> tuple[Columns, dict[str, Any]]:
    spec, scores = case.spec, case.scores[case.probing]
    if not probing.shape[1]:
        return _no_units(case)
    similarities = dissect.similarity(spec.similarity, probing, scores)
    order = np.argsort(-similarities, axis=1, kind="stable")
    label = order[:, 0]
    second = order[:, 1] if order.shape[1] > 1 else np.full(len(order), -1)
    best = np.take_along_axis(similarities, label[:, None], axis=1)[:, 0]
    null = evidence.null_distribution(spec.similarity, probing, scores, similarities, spec.draws, spec.seed)
    p = evidence.p_values(best, null)
    q = evidence.q_values(p)
    stability = evidence.stability(spec.similarity, probing, scores, label, spec.resamples, spec.seed)
    top = dissect.top_images(probing, spec.top_k)
    columns = {
        "label": label,
        "similarity": best,
        "runner_up": second,
        "runner_up_similarity": np.where(second >= 0, similarities[np.arange(len(order)), second], np.nan),
        "p": p,
        "q": q,
        "stability": stability,
        "top": case.probing[top],
        "top_activations": np.take_along_axis(probing, top.T, axis=0).T,
        "accuracy": _accuracy(case, case.probing[top], label),
        "similarities": similarities,
    }
    columns |= (faithfulness := _faithfulness(case, held_out, label))
    columns["holds"] = evidence.label_holds(q, faithfulness["faithfulness_low"], stability, spec.alpha)
    return columns, {"null_low": null.low, "null_high": null.high, "null_limit": null.limit}


def _accuracy(case: Case, top: Rows, label: Numbers) -> Numbers:
    if not case.concepts.classes:
        return np.full(len(label), np.nan)
    shown = case.positive[top[:, :ACCURACY_IMAGES]]  # (U, <= 5, K)
    speaks = case.concepts.membership[label][:, None, :]
    return np.asarray((shown & speaks).any(axis=2).mean(axis=1))


def _faithfulness(case: Case, held_out: Numbers, label: Numbers) -> Columns:
    nothing = np.full(len(label), np.nan)
    if len(held_out) < MIN_HELD_OUT:
        return {"faithfulness": nothing, "faithfulness_low": nothing, "faithfulness_high": nothing}
    found = evidence.faithfulness(held_out, case.scores[case.held_out], label)
    return {"faithfulness": found.value, "faithfulness_low": found.low, "faithfulness_high": found.high}


def _profile(case: Case, probing: Numbers) -> Columns:
    """Class selectivity, class means, percentiles, spread and nearest units."""
    positive = case.positive[case.probing]
    known = positive.any(axis=1)
    found = auroc(probing[known], positive[known])
    counts = positive.sum(axis=0)
    sums = probing.T @ positive.astype(probing.dtype)
    nearest, correlation = _nearest(probing)
    return {
        "selectivity": found.value,
        "selectivity_low": found.low,
        "selectivity_high": found.high,
        "class_means": np.where(counts > 0, sums / np.maximum(counts, 1), np.nan),
        "std": probing.std(axis=0),
        "quantiles": np.percentile(probing, np.arange(101), axis=0).T,
        "nearest": nearest,
        "nearest_correlation": correlation,
    }


def _nearest(probing: Numbers) -> tuple[Numbers, Numbers]:
    step = max(1, len(probing) // _NEAREST_IMAGES)
    sample = probing[::step].astype(np.float32)
    sample = sample - sample.mean(axis=0)
    length = np.linalg.norm(sample, axis=0)
    sample /= np.where(length > 0, length, 1)
    units, kept = sample.shape[1], min(NEAREST, sample.shape[1] - 1)
    nearest = np.full((units, NEAREST), -1, dtype=np.int64)
    correlation = np.full((units, NEAREST), np.nan, dtype=np.float32)
    for start in range(0, units if kept > 0 else 0, 512):
        found = sample[:, start : start + 512].T @ sample
        found[np.arange(len(found)), np.arange(start, start + len(found))] = -np.inf
        order = np.argpartition(-found, kept - 1, axis=1)[:, :kept]
        values = np.take_along_axis(found, order, axis=1)
        best = np.argsort(-values, axis=1, kind="stable")
        nearest[start : start + 512, :kept] = np.take_along_axis(order, best, axis=1)
        correlation[start : start + 512, :kept] = np.take_along_axis(values, best, axis=1)
    return nearest, correlation


def _truth(case: Case, matrix: Numbers, label: Numbers) -> Columns:
    units = matrix.shape[1]
    values = np.full((units, len(case.concepts.texts)), np.nan)
    if case.truth is not None and units:
        rows = np.union1d(case.probing, case.held_out)
        rows = rows[~np.isnan(case.truth[rows]).all(axis=1)]
        values = np.asarray(auroc(matrix[rows], case.truth[rows] >= SHOWN).value)
    known = ~np.isnan(values).all(axis=1)
    best = np.where(known, np.where(np.isnan(values), -np.inf, values).argmax(axis=1), -1)
    return {"truth_auroc": values[np.arange(units), label], "truth_best": best}


def _no_units(case: Case) -> tuple[Columns, dict[str, Any]]:
    concepts, k = len(case.concepts.texts), case.spec.top_k
    names = ["similarity", "runner_up_similarity", "p", "q", "stability", "accuracy"]
    names += ["faithfulness", "faithfulness_low", "faithfulness_high"]
    columns: Columns = {name: np.zeros(0) for name in names}
    columns |= {"label": np.zeros(0, np.int64), "runner_up": np.zeros(0, np.int64), "holds": np.zeros(0, bool)}
    columns |= {"top": np.zeros((0, k), np.int64), "top_activations": np.zeros((0, k))}
    columns["similarities"] = np.zeros((0, concepts))
    unknown = np.full(concepts, np.nan, np.float32)
    return columns, {"null_low": unknown, "null_high": unknown, "null_limit": np.nan}


def _spread(values: Numbers, active: Rows, units: int, name: str) -> Numbers:
    """Lay the active units' values out over all units of the layer."""
    if values.dtype == bool:
        whole = np.zeros((units, *values.shape[1:]), dtype=bool)
    elif np.issubdtype(values.dtype, np.integer):
        whole = np.full((units, *values.shape[1:]), -1, dtype=np.int64)
    else:
        whole = np.full((units, *values.shape[1:]), 1.0 if name in ("p", "q") else np.nan, dtype=np.float32)
    whole[active] = values
    return whole


def _renumber(nearest: Numbers, active: Rows) -> Numbers:
    return np.where(nearest >= 0, active[nearest], -1) if len(active) else nearest


def _table(columns: Mapping[str, Numbers]) -> pa.Table:
    arrays = {
        name: list_column(values) if values.ndim == 2 else pa.array(values) for name, values in sorted(columns.items())
    }
    return pa.table(arrays)


def activation_maps(case: Case, layer: Layer, top: Rows, progress: Progress) -> Numbers | None:
    """Return where each unit fires in its top images, uint8 ``(U, k, h, w)``; ``None`` for a layer without space.

    Parameters
    ----------
    top : ndarray of int64, shape (U, k)
        Rows of each unit's top images; -1 for a unit that has none, whose maps stay 0.
    """
    import torch
    from torch.nn.functional import adaptive_avg_pool2d

    from workbench.models.layers import capture, maps

    if layer.kind == "vector":
        return None
    rows = np.unique(top[top >= 0])
    found: Numbers | None = None
    for batch in forward_batches(case.dataset, case.target, rows) if len(rows) else []:
        progress.advance(0)
        inputs = case.target.prepare([decode(data, case.dataset.name) for data in case.dataset.image_bytes(batch)])
        with torch.inference_mode(), capture(case.target.module, [layer.name]) as outputs:
            case.target.module(inputs)
            seen = maps(outputs[layer.name], layer.kind)
        if seen is None:
            return None
        size = (min(seen.shape[-2], _MAP_SIDE), min(seen.shape[-1], _MAP_SIDE))
        small = adaptive_avg_pool2d(seen.float(), size).cpu().numpy()
        found = np.zeros((*top.shape, *size), dtype=np.float32) if found is None else found
        units, places = np.nonzero(np.isin(top, batch))
        found[units, places] = small[np.searchsorted(batch, top[units, places]), units]
    return None if found is None else _bytes(found)


def _bytes(found: Numbers) -> Numbers:
    low = found.min(axis=(1, 2, 3), keepdims=True)
    span = found.max(axis=(1, 2, 3), keepdims=True) - low
    return np.asarray(np.round((found - low) / np.where(span > 0, span, 1) * 255), dtype=np.uint8)


def layer_row(case: Case, layer: Layer, table: pa.Table) -> dict[str, Any]:
    """Sum a layer's units up; see :attr:`workbench.studies.dissection.Dissection.layer_table`."""
    values = {name: table[name].to_numpy() for name in ("similarity", "accuracy", "holds", "constant")}
    above = ~values["constant"] & (values["similarity"] > case.spec.tau)
    below = ~values["constant"] & ~above
    accuracy, holds = values["accuracy"], values["holds"]
    row: dict[str, Any] = {
        "layer": layer.name,
        "type": layer.type,
        "shape": list(layer.shape),
        "units": layer.units,
        "constant": int(values["constant"].sum()),
        "num_interp": int(above.sum()),
        "num_uninterp": int(below.sum()),
        "overall_acc": _mean(accuracy),
        "interp_acc": _mean(accuracy[above]),
        "uninterp_acc": _mean(accuracy[below]),
        "prop_interp": float(above.sum() / layer.units),
        "labelled": int(holds.sum()),
        "labelled_acc": _mean(accuracy[holds]),
        "median_similarity": _finite(np.nanmedian(values["similarity"]) if (above | below).any() else np.nan),
        "null_limit": _finite(float(table.schema.metadata[b"null_limit"])),
    }
    if case.truth is not None:
        right = table["label"].to_numpy() == table["truth_best"].to_numpy()
        known = table["truth_best"].to_numpy() >= 0
        row["truth_auroc"] = _mean(table["truth_auroc"].to_numpy())
        row["truth_right"] = _mean(right[known])
        row["truth_right_labelled"] = _mean(right[known & holds])
    return row


def _mean(values: Numbers | Sequence[float]) -> float | None:
    values = np.asarray(values, dtype=np.float64)
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else None


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
