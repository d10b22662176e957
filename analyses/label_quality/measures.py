"""What a search for suspects says of a dataset, and what the ranking is worth where no truth is known."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from workbench import Store, open_dataset
from workbench.methods.probe import folds
from workbench.methods.proportions import share
from workbench.methods.suspects import BINS
from workbench.studies.embed import list_matrix
from workbench.studies.suspect_opinions import ENCODERS, duplicate_groups
from workbench.studies.suspects import Suspects

_OPINIONS = ("probe", "neighbours", "zero-shot", "network")


def describe(found: Suspects, splits: list[str]) -> dict[str, Any]:
    """Return which labels are doubted in the splits that no model was trained on, by class and by pair."""
    rows = np.flatnonzero(np.isin(found.splits, splits) & ~found.leaky)
    pairs = Counter(
        f"{found.classes[found.labels[row]]} -> {found.classes[found.proposed[row]]}"
        for row in rows[found.proposed[rows] >= 0]
    )
    return {
        "images": len(rows),
        "bins": {name: int((found.bins[rows] == place).sum()) for place, name in enumerate(BINS) if name},
        "percent_by_class": {name: _percent(found, rows[found.labels[rows] == place])
                             for place, name in enumerate(found.classes) if (found.labels[rows] == place).any()},
        "proposals": dict(pairs.most_common(10)),
    }  # fmt: skip


def by_split(found: Suspects, seen: np.ndarray) -> dict[str, dict[str, Any]]:
    """Return the share of labels doubted in each split, images a given model was trained on apart."""
    kinds = {f"{split}{', seen in training' * known}": (found.splits == split) & (seen == known)
             for split in sorted(set(found.splits.tolist())) for known in (False, True)}  # fmt: skip
    return {name: {"images": int(rows.sum()), **_percent(found, np.flatnonzero(rows)),
                   "by the probe": round(100 * float((found.parts["probe"][rows] > 0.5).mean()), 1)}
            for name, rows in kinds.items() if rows.any()}  # fmt: skip


def second_opinion(
    ranked: Suspects, probabilities: np.ndarray, rows: np.ndarray, spec: dict[str, Any]
) -> dict[str, Any]:
    """Hold a ranking against an opinion that took no part in it, on the rows of which it is sure.

    ``chance`` is how often it differs from the label at all; then how often among the first 100, 200, .. of the ranking
    and of each of its parts.
    """
    sure = rows[probabilities[rows].max(axis=1) >= spec["sure"]]
    if not len(sure):
        return {"images": 0}
    answered = probabilities[sure].argmax(axis=1)
    differs = answered != ranked.labels[sure]
    figures: dict[str, Any] = {"images": len(sure), "chance": round(float(differs.mean()), 3)}
    for name, scores in {"all together": ranked.scores, **ranked.parts}.items():
        if name not in ("ambiguous", "not a face"):
            order = np.argsort(-np.nan_to_num(scores[sure]), kind="stable")
            figures[name] = [round(float(differs[order][:depth].mean()), 3) for depth in spec["first"]]
    return figures


def encoders_opinion(store: Store, dataset: str, n_folds: int, seed: int) -> np.ndarray:
    """Return what each image's stored out-of-fold encoder says of it, ``(N, K)``; it learned from the other folds."""
    images = open_dataset(store, dataset)
    labels = np.array([images.classes.index(label) if label else -1 for label in images.labels.tolist()])
    fold = folds(labels, duplicate_groups(images, store), n_folds, seed)
    found = np.empty((len(images), len(images.classes)))
    kept = [each for each in store.artifacts(ENCODERS) if each.name.startswith(f"{dataset}-{n_folds}-folds-")]
    for name in range(n_folds):
        logits = list_matrix(kept[0].table(name), "logits").astype(np.float64)[fold == name]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        found[fold == name] = powers / powers.sum(axis=1, keepdims=True)
    return found


def against_copies(found: Suspects, seen: np.ndarray, store: Store) -> dict[str, Any]:
    """Tell odd labels from others among pictures that stand in the dataset three times or more.

    A label is odd where most of the picture's other copies carry another one. Only images that no model has ``seen``,
    and the mean of the opinions that know nothing of copies: the score itself counts them.
    """
    groups = duplicate_groups(open_dataset(store, found.spec.dataset), store)
    doubts = np.nanmean([found.parts[name] for name in _OPINIONS if name in found.parts], axis=0)
    odd: list[bool] = []
    rows: list[int] = []
    for row in np.flatnonzero((groups >= 0) & (found.labels >= 0) & ~seen):
        others = found.labels[np.flatnonzero((groups == groups[row]) & (found.labels >= 0))]
        counts = np.bincount(others, minlength=len(found.classes))
        counts[found.labels[row]] -= 1
        if counts.sum() >= 2 and 2 * counts.max() > counts.sum():
            rows.append(int(row))
            odd.append(int(counts.argmax()) != int(found.labels[row]))
    if not 0 < sum(odd) < len(odd):
        return {"images": len(odd), "odd": sum(odd)}
    is_odd, value = np.array(odd), doubts[rows]
    wins = (value[is_odd][:, None] > value[~is_odd]) + 0.5 * (value[is_odd][:, None] == value[~is_odd])
    return {"images": len(odd), "odd": int(is_odd.sum()), "auroc": round(float(wins.mean()), 3),
            "doubted_odd": round(float((value[is_odd] > 0.5).mean()), 3),
            "doubted_others": round(float((value[~is_odd] > 0.5).mean()), 3)}  # fmt: skip


def by_eye(path: Path) -> dict[str, Any]:
    """Count one reader's verdicts: label wrong (another or none of the two fits better), ambiguous, or right."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    result = {}
    for drawn in dict.fromkeys(line["drawn"] for line in lines):
        verdicts = Counter(line["verdict"] for line in lines if line["drawn"] == drawn)
        wrong, right = verdicts["other"] + verdicts["neither"], verdicts["given"]
        among = share(wrong, wrong + right)
        result[drawn] = {"wrong": wrong, "ambiguous": verdicts["ambiguous"], "right": right,
                         "wrong_of_clear": [round(value, 2) for value in among]}  # fmt: skip
    return dict(sorted(result.items()))


def _percent(found: Suspects, rows: np.ndarray) -> dict[str, float]:
    return {name: round(100 * float((found.bins[rows] == place).mean()), 1)
            for place, name in enumerate(BINS) if name in ("wrong label", "ambiguous")}  # fmt: skip
