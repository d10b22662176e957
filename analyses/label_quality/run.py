"""How good are a dataset's labels? ``run.py DATASET [--votes fer2013new.csv]``. Prints what was found."""

import argparse
import json
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from workbench import Store
from workbench.methods.suspects import BINS
from workbench.reports import Table
from workbench.specs import PredictSpec, SuspectsSpec
from workbench.studies.health import load_health
from workbench.studies.predict import predict
from workbench.studies.suspects import Suspects, suspects

HERE = Path(__file__).parent


def describe(found: Suspects, splits: list[str]) -> dict[str, Any]:
    """Return what the search says of the images in the splits that no model was trained on."""
    rows = np.flatnonzero(np.isin(found.splits, splits) & ~found.leaky)
    by_class = {name: rows[found.labels[rows] == place] for place, name in enumerate(found.classes)}
    doubted = rows[found.proposed[rows] >= 0]
    pairs = Counter(f"{found.classes[found.labels[row]]} -> {found.classes[found.proposed[row]]}" for row in doubted)
    shares = {name: float((found.bins[each] == 1).mean()) for name, each in by_class.items() if len(each)}
    return {
        "images": len(rows),
        "bins": {name: int((found.bins[rows] == place).sum()) for place, name in enumerate(BINS) if name},
        "wrong_label_percent": {name: round(100 * share, 1) for name, share in shares.items()},
        "proposals": dict(pairs.most_common(10)),
    }


def second_opinion(alone: Suspects, network: Any, spec: dict[str, Any]) -> dict[str, Any]:
    """Hold a ranking made without the network against the network, on images of which it is sure."""
    rows = np.flatnonzero(np.isin(alone.splits, spec["judged_on"]) & ~network.trained_on & ~alone.leaky)
    sure = rows[network.class_probabilities[rows].max(axis=1) >= spec["sure"]]
    differs = network.predicted[sure] != network.labels[sure]
    figures: dict[str, Any] = {"images": len(sure), "chance": round(float(differs.mean()), 3)}
    for name, scores in {"all together": alone.scores, **alone.parts}.items():
        if name not in ("ambiguous", "not a face"):
            order = np.argsort(-np.nan_to_num(scores[sure]), kind="stable")
            figures[name] = [round(float(differs[order][:depth].mean()), 3) for depth in spec["first"]]
    return figures


def main() -> None:
    """Run the study in a workspace."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="name of a dataset with labels and splits")
    parser.add_argument("--workspace", type=Path, default=Path("workspace"))
    parser.add_argument("--votes", default="", help="FER+ votes in the row order of fer2013.csv")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    spec = tomllib.loads((HERE / "spec.toml").read_text(encoding="utf-8"))
    store = Store(options.workspace)
    asked = {name: spec[name] for name in ("clip", "concepts", "folds", "neighbours", "seed")}
    found = suspects(SuspectsSpec(options.dataset, network=spec["network"], votes=options.votes, **asked), store)
    alone = suspects(SuspectsSpec(options.dataset, network="", **asked), store)
    opinion = second_opinion(alone, predict(PredictSpec(options.dataset, spec["network"]), store), spec)
    result = {"dataset": options.dataset, "health": load_health(store, options.dataset).summary}
    result["held_out"] = describe(found, spec["judged_on"])
    result |= {"noise": found.noise.round().astype(int).tolist(), "classes": list(found.classes)}
    result |= {"second_opinion": opinion, "evaluation": dict(found.evaluation), "notes": list(found.notes)}
    print(Table(("label", *found.classes), [(n, *r) for n, r in zip(found.classes, result["noise"], strict=True)],
                "estimated images by true class (columns)").text())  # fmt: skip
    for title in ("health", "held_out", "second_opinion"):
        print(Table(("figure", title), [(name, str(value)) for name, value in result[title].items()]).text())
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
