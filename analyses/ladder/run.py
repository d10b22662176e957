"""Every way to classify faces on the same images: ``python analyses/ladder/run.py DATASET``.

Runs the ladder that ``spec.toml`` describes; what is stored already is not computed again, and a run that was stopped
goes on where it was. Prints the tables; ``--out`` writes the figures as JSON, ``--figure`` the chart as a page.
"""

import argparse
import json
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workbench import LadderSpec, Store, ladder
from workbench.figures.ladder import ladder as chart
from workbench.progress import Console
from workbench.reports import of_result
from workbench.studies.standings import Ladder

HERE = Path(__file__).parent
MEASURED = ("accuracy", "top_3", "macro_f1", "ece", "unseen", "behind")


def told(found: Ladder) -> dict[str, Any]:
    """Return the figures of every way, shares 0..1 with their intervals; what was reported elsewhere beside them."""
    ways = {}
    for each in found.standings:
        estimates = {name: getattr(each, name) for name in MEASURED}
        ways[each.name] = {
            "title": each.rung.title,
            "seeds": each.seeds,
            **{name: [round(part, 4) for part in found] if found else None for name, found in estimates.items()},
            "seeds_from": round(each.lowest, 4),
            "seeds_to": round(each.highest, 4),
            "learned_numbers": each.parameters,
            "seconds": None if each.seconds is None else round(each.seconds, 1),
            "elsewhere": [asdict(published) for published in each.rung.published],
        }
    return {
        "dataset": found.spec.dataset,
        "images": found.images,
        "commonest": round(found.commonest, 4),
        "ways": ways,
        "left_out": found.left_out,
        "notes": found.notes,
    }


def main() -> None:
    """Run the study on a dataset of a workspace."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="name of a dataset in the workspace")
    parser.add_argument("--workspace", type=Path, default=Path("workspace"))
    parser.add_argument("--spec", type=Path, default=HERE / "spec.toml")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--figure", type=Path, help="write the chart as a page, such as ladder.html")
    options = parser.parse_args()
    store = Store(options.workspace)
    spec = LadderSpec(options.dataset, **tomllib.loads(options.spec.read_text(encoding="utf-8")))
    found = ladder(spec, store, Console())
    sys.stdout.write(of_result(spec, found.artifact.reference, store).text())
    if options.out:
        options.out.write_text(json.dumps(told(found), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    if options.figure:
        chart([each.line for each in found.standings], found.commonest).write_html(options.figure)


if __name__ == "__main__":
    main()
