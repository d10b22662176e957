"""Which emotions are opposite, which are close, do texts agree: ``python analyses/maps/run.py DATASET``.

Measures the angles between the classes in the full space, for images and for texts, and the gap between the two kinds;
then lays the dataset out with every method. What is stored already is not computed again. Prints what was found;
``--out`` writes it as JSON, ``--figures`` the maps and tables as pages.
"""

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

from found import quality, show, told, write_figures

from workbench import Store
from workbench.specs import AnglesSpec, MapSpec
from workbench.studies.angles import Angles, angles
from workbench.studies.map import Map, lay_out

HERE = Path(__file__).parent


def study(dataset: str, store: Store, spec: dict[str, Any]) -> tuple[dict[str, Angles], dict[str, Map]]:
    """Measure the angles for every concept set and split, and lay the dataset out with every method."""
    common = {"dataset": dataset, "clip": spec["clip"]}
    measured = {
        name: angles(AnglesSpec(**common, concepts=concepts, split=split, resamples=spec["resamples"]), store)
        for name, (concepts, split) in spec["angles"].items()
    }
    maps = {
        name: lay_out(MapSpec(**common, method=name, concepts=spec["concepts"], space=spec["space"]), store)
        for name in spec["methods"]
    }
    return measured, maps


def main() -> None:
    """Run the study on a dataset of a workspace."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="name of a dataset in the workspace")
    parser.add_argument("--workspace", type=Path, default=Path("workspace"))
    parser.add_argument("--spec", type=Path, default=HERE / "spec.toml")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--figures", type=Path, help="a folder for maps and tables")
    options = parser.parse_args()
    store, spec = Store(options.workspace), tomllib.loads(options.spec.read_text(encoding="utf-8"))
    measured, maps = study(options.dataset, store, spec)
    result = {
        "dataset": options.dataset,
        "clip": spec["clip"],
        "angles": {name: told(each) for name, each in measured.items()},
        "maps": {name: quality(each) for name, each in maps.items()},
    }
    show(result)
    if options.out:
        options.out.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    if options.figures:
        write_figures(options.figures, store, maps, measured)


if __name__ == "__main__":
    main()
