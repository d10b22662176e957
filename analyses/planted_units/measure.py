"""Label units whose truth is known with one similarity, and count."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from units import Floats, Units

from workbench.data.faces import ACTIONS
from workbench.methods.dissect import similarity
from workbench.methods.evidence import faithfulness, label_holds, null_distribution, p_values, q_values, stability
from workbench.methods.selectivity import auroc

Share = float | None


def measure(name: str, units: Units, scores: Floats, truth: Floats, spec: dict[str, Any]) -> dict[str, Any]:
    """Label the units on the probing faces, test the labels on the others, and compare with what was planted.

    A label is *kept* if it holds by the rule of a dissection.
    """
    probing, held_out = slice(0, spec["faces"]["probing"]), slice(spec["faces"]["probing"], None)
    activations, seen = units.activations[probing], scores[probing]
    similarities = similarity(name, activations, seen)
    label = similarities.argmax(axis=1)
    null = null_distribution(name, activations, seen, similarities, spec["draws"], spec["units"]["seed"])
    q = q_values(p_values(similarities.max(axis=1), null))
    faithful = faithfulness(units.activations[held_out], scores[held_out], label)
    stable = stability(name, activations, seen, label, spec["resamples"], spec["units"]["seed"])
    told = auroc(units.activations, truth >= spec["shown"]).value[np.arange(len(label)), label]
    kept = label_holds(q, faithful.low, stable, spec["alpha"])
    planted = units.action >= 0
    random = ~planted & ~np.char.startswith(units.kind, "shuffled")
    right = label == units.action
    kinds = {
        kind: {
            "units": int((of := units.kind == kind).sum()),
            "right": _share(right[of & planted]),
            "kept": _share(kept[of]),
            "right_of_kept": _share(right[of & kept & planted]),
            "stability": _share(stable[of]),
            "faithfulness": _share(faithful.value[of]),
            "auroc_of_label": _share(told[of]),
        }
        for kind in dict.fromkeys(units.kind.tolist())
    }
    return {
        "planted_right": _share(right[planted]),
        "planted_kept": _share(kept[planted]),
        "planted_right_of_kept": _share(right[planted & kept]),
        "random_kept": _share(kept[random]),
        "kinds": kinds,
        "wrong": _wrong(label, units, planted & ~right),
    }


def _share(values: NDArray[Any]) -> Share:
    values = values.astype(np.float64)
    return round(float(np.nanmean(values)), 4) if np.isfinite(values).any() else None


def _wrong(label: NDArray[np.int64], units: Units, wrong: NDArray[np.bool_]) -> list[str]:
    return [f"{ACTIONS[units.action[i]]} > {ACTIONS[label[i]]} ({units.kind[i]})" for i in np.flatnonzero(wrong)]
