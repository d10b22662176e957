"""Which units encode which emotions, and does reweighting them help: ``python analyses/neurons/run.py DATASET``.

Dissects a network with both concept sets, removes the units of each class, and reweights two layers twice: with the
setting chosen on the validation split, and as the study did it, chosen on the test split itself. What is stored already
is not computed again. Prints what was found; ``--out`` writes it as JSON.
"""

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

from workbench import AblateSpec, Dissection, DissectSpec, ReweightSpec, Store, ablate, dissect, reweight

HERE = Path(__file__).parent


def labels(found: Dissection) -> dict[str, float]:
    """Share of each concept among the accurate units, that is those with accuracy 1, in percent."""
    accurate = [found.concepts[label] for label in found.label[found.accuracy == 1].tolist()]
    return {name: round(100 * accurate.count(name) / len(accurate), 1) for name in sorted(set(accurate))}


def study(dataset: str, store: Store, spec: dict[str, Any]) -> dict[str, Any]:
    """Run every part and gather the figures."""
    result: dict[str, Any] = {"dataset": dataset, "target": spec["target"], "dissections": {}, "reweighting": {}}
    common = {name: spec[name] for name in ("target", "layers", "clip", "draws", "resamples")}
    found = {name: dissect(DissectSpec(dataset, concepts=name, **common), store) for name in spec["concepts"]}
    for name, each in found.items():
        table = [{k: v for k, v in row.items() if k not in ("type", "shape")} for row in each.layer_table]
        result["dissections"][name] = {"layers": table, "labels_of_accurate_units": labels(each)}
    name = found[spec["reweight_with"]].artifact.name
    removed = ablate(AblateSpec(name, spec["ablate_layer"]), store)
    result["ablation"] = {"layer": spec["ablate_layer"], "sentences": list(removed.sentences)}
    for layer in spec["reweight_layers"]:
        for protocol in ("held-out", "test-set"):
            outcome = reweight(ReweightSpec(name, layer, protocol=protocol), store)
            figures = {"sentence": outcome.sentence, "conclusion": outcome.conclusion, "chosen": outcome.chosen}
            result["reweighting"][f"{layer}, {protocol}"] = figures | {"optimism": dict(outcome.optimism)}
    return result


def show(result: dict[str, Any]) -> None:
    """Print the tables and sentences."""
    for name, part in result["dissections"].items():
        print(f"\n{result['target']} with {name}: accuracies in percent")
        print(f"{'layer':8}{'interp':>8}{'uninterp':>10}{'overall':>9}{'interp':>8}{'uninterp':>10}{'labelled':>10}")
        for row in part["layers"]:
            accuracies = [row[key] for key in ("overall_acc", "interp_acc", "uninterp_acc")]
            shown = ["-" if value is None else f"{100 * value:.0f}" for value in accuracies]
            print(f"{row['layer']:8}{row['num_interp']:>8}{row['num_uninterp']:>10}", end="")
            print(f"{shown[0]:>9}{shown[1]:>8}{shown[2]:>10}{row['labelled']:>10}")
        ranked = sorted(part["labels_of_accurate_units"].items(), key=lambda item: -item[1])
        print("labels of accurate units:", ", ".join(f"{label} {value} %" for label, value in ranked[:8]))
    print("\n" + "\n".join(result["ablation"]["sentences"]))
    for name, part in result["reweighting"].items():
        print(f"\nreweighted {name}: {part['sentence']}")


def main() -> None:
    """Run the study on a dataset of a workspace."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="name of a dataset with the splits train, validation and test")
    parser.add_argument("--workspace", type=Path, default=Path("workspace"))
    parser.add_argument("--spec", type=Path, default=HERE / "spec.toml")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    result = study(options.dataset, Store(options.workspace), tomllib.loads(options.spec.read_text(encoding="utf-8")))
    show(result)
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
