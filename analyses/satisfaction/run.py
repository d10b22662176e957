"""The customer-satisfaction study again: ``run.py DATASET [--videos FOLDER --ratings CSV] [--model ANOTHER]``.

Tries templates, folds fine emotions into broad ones by sum and by max, and scores videos against reported scores with
several models. Without ``--videos``, rendered videos stand in, whose true score is known. Prints what was found.
"""

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

from videos import compare, rendered
from zeroshot import CHOSEN_ON, JUDGED_ON, Trials

from workbench import Store, load_concept_set
from workbench.reports import Table

HERE = Path(__file__).parent


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
    trials = result["templates"]["trials"].items()
    rows = [(name, *map("{0[0]:.1f} ({0[1]:.1f}-{0[2]:.1f})".format, each.values())) for name, each in trials]
    print(Table(("template", CHOSEN_ON, JUDGED_ON), rows).text() + f"chosen: {result['templates']['chosen']}\n")
    for name, each in result["folds"].items():
        for fold in ("sum", "max"):
            rows = [(label, *row) for label, row in zip(result["classes"], each[fold]["confusion"], strict=True)]
            title = f"{name}, {fold}: {each[fold]['accuracy']} % (rows are labels)"
            print(Table((fold, *result["classes"]), rows, title).text())
        print(f"sum against max: {each['sum_against_max']}\n")
        print(Table(("fine emotion", *result["classes"]), [(n, *r) for n, r in each["fine"].items()], name).text())
    for each in (result["videos"]["rows"], result["videos"]["models"]):
        print(Table(list(each[0]), [[shown(value) for value in row.values()] for row in each]).text())


def shown(value: object) -> str:
    """Return a cell's text."""
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def main() -> None:
    """Run the study in a workspace."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="name of a dataset with the splits validation and test")
    parser.add_argument("--workspace", type=Path, default=Path("workspace"))
    parser.add_argument("--clip", default="face-clip", help="what the templates and the folds are tried with")
    parser.add_argument("--videos", type=Path, help="a folder of videos")
    parser.add_argument("--ratings", type=Path, help="CSV with the columns video and score")
    parser.add_argument("--model", action="append", default=[], help="scores the videos as well, for example a control")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    spec = tomllib.loads((HERE / "spec.toml").read_text(encoding="utf-8"))
    store, concepts = Store(options.workspace), load_concept_set(spec["concepts"])
    trials = Trials(options.dataset, options.clip, spec["words"], store)
    folds = {"study's template": [spec["study_template"]], "the set's templates": concepts.templates}
    result = {"dataset": options.dataset, "clip": options.clip, "classes": spec["words"]}
    result["templates"] = trials.templates(spec["templates"])
    result["folds"] = {name: trials.folds(concepts, templates) for name, templates in folds.items()}
    folder, ratings = (options.videos, options.ratings) if options.videos else rendered(store)
    result["videos"] = compare(store, folder, ratings, [*spec["models"], *options.model])
    show(result)
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
