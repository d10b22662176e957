"""How good are a dataset's labels? ``run.py DATASET [--votes fer2013new.csv] [--out-of-fold]``."""

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from measures import against_copies, by_eye, by_split, describe, encoders_opinion, second_opinion

from workbench import Store
from workbench.progress import Console
from workbench.reports import Table
from workbench.specs import PredictSpec, SuspectsSpec
from workbench.studies.health import load_health
from workbench.studies.predict import predict
from workbench.studies.suspects import Suspects, suspects

HERE = Path(__file__).parent


def study(dataset: str, store: Store, spec: dict[str, Any], votes: str) -> tuple[Suspects, dict[str, Any]]:
    """Search for suspects, and hold a search made without the network against the network."""
    asked = {name: spec[name] for name in ("clip", "concepts", "folds", "neighbours", "seed")}
    progress = Console()
    found = suspects(SuspectsSpec(dataset, network=spec["network"], votes=votes, **asked), store, progress)
    alone = suspects(SuspectsSpec(dataset, network="", **asked), store, progress)
    network = predict(PredictSpec(dataset, spec["network"]), store, progress)
    progress.close()
    held = np.flatnonzero(np.isin(alone.splits, spec["judged_on"]) & ~network.trained_on & ~alone.leaky)
    return found, {
        "dataset": dataset,
        "health": load_health(store, dataset).summary,
        "held_out": describe(found, spec["judged_on"]),
        "classes": list(found.classes),
        "noise": found.noise.round().astype(int).tolist(),
        "against_network": second_opinion(alone, network.class_probabilities, held, spec),
        "against_copies": against_copies(found, found.leaky, store),
        "evaluation": dict(found.evaluation),
        "notes": list(found.notes),
    }


def out_of_fold(found: Suspects, store: Store, spec: dict[str, Any]) -> dict[str, Any]:
    """Search by encoders that have not seen the image, and hold the other search's ranking against them."""
    asked = {name: spec[name] for name in ("clip", "concepts", "neighbours", "seed", "network")}
    dataset, n_folds, progress = found.spec.dataset, spec["encoder_folds"], Console()
    fresh = suspects(SuspectsSpec(dataset, encoder="out-of-fold", folds=n_folds, **asked), store, progress)
    progress.close()
    opinion = encoders_opinion(store, dataset, n_folds, spec["seed"])
    held = np.flatnonzero(np.isin(found.splits, spec["judged_on"]) & ~found.leaky)
    right = opinion.argmax(axis=1) == found.labels
    return {
        "encoders_accuracy": {name: round(float(right[found.splits == name].mean()), 3)
                              for name in sorted(set(found.splits.tolist()))},
        "doubted_given": by_split(found, found.leaky),
        "doubted_out_of_fold": by_split(fresh, found.leaky),
        "against_encoders": second_opinion(found, opinion, held, spec),
        "against_copies_out_of_fold": against_copies(fresh, found.leaky, store),
        "evaluation_out_of_fold": dict(fresh.evaluation),
    }  # fmt: skip


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
    for name, value in result.items():
        if name == "noise":
            rows = [(label, *row) for label, row in zip(result["classes"], value, strict=True)]
            print(Table(("label", *result["classes"]), rows, "estimated images by true class (columns)").text())
        elif isinstance(value, dict) and value:
            print(Table(("figure", name), [(each, json.dumps(figure)) for each, figure in value.items()]).text())
        elif name == "notes":
            print(*(f"note: {note}" for note in value), sep="\n")


def main() -> None:
    """Run the study in a workspace."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="name of a dataset with labels and splits")
    parser.add_argument("--workspace", type=Path, default=Path("workspace"))
    parser.add_argument("--votes", default="", help="FER+ votes in the row order of fer2013.csv")
    parser.add_argument("--out-of-fold", action="store_true", help="also train encoders that have not seen the images")
    parser.add_argument("--verdicts", type=Path, help="a reader's verdicts, such as judged.csv, to count")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    spec = tomllib.loads((HERE / "spec.toml").read_text(encoding="utf-8"))
    store = Store(options.workspace)
    found, result = study(options.dataset, store, spec, options.votes)
    if options.out_of_fold:
        result |= out_of_fold(found, store, spec)
    if options.verdicts:
        result["by_eye"] = by_eye(options.verdicts)
    show(result)
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
