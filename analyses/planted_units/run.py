"""Plant units whose action is known among random ones and count the right labels: ``run.py [--output FILE]``.

Faces are rendered, so that every facial action in them is known; ``expected.json`` holds what came out.
"""

import argparse
import json
import tomllib
from pathlib import Path

from measure import measure
from units import concept_scores, noise, planted, shuffled, together, untrained

from workbench import load_clip, load_concept_set
from workbench.data.faces import render, sample
from workbench.reports import Table

HERE = Path(__file__).parent
COLUMNS = {
    "planted_right": "planted: right label",
    "planted_kept": "planted: label kept",
    "planted_right_of_kept": "right of those kept",
    "random_kept": "random: label kept",
}


def main() -> None:
    """Render, plant, label with every similarity, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", type=Path, default=HERE / "spec.toml")
    parser.add_argument("--output", type=Path, help="write everything measured there, as JSON")
    arguments = parser.parse_args()
    spec = tomllib.loads(arguments.spec.read_text(encoding="utf-8"))
    drawn, made = spec["faces"], spec["units"]
    faces = render(sample(drawn["probing"] + drawn["held_out"], drawn["seed"], random_share=drawn["random_share"]))
    scores = concept_scores(faces.images, load_clip(spec["clip"]), load_concept_set(spec["concepts"]))
    blind = [untrained(faces.images, layer, count, made["seed"]) for layer, count in made["untrained"].items()]
    units = together(
        planted(faces.actions, made["noises"], made["seed"]),
        noise(len(faces.images), made["noise"], made["seed"] + 1),
        *blind,
        *(shuffled(units, made["seed"] + 2) for units in blind),
    )
    found = {name: measure(name, units, scores, faces.actions, spec) for name in spec["similarities"]}
    rows = [(name, *(_percent(result[key]) for key in COLUMNS)) for name, result in found.items()]
    print(Table(["similarity", *COLUMNS.values()], rows).text())
    for name, result in found.items():
        kinds = [
            (kind, row["units"], *(_percent(row[key]) for key in ("right", "kept", "right_of_kept")))
            for kind, row in result["kinds"].items()
        ]
        print(Table(["units", "number", "right label", "label kept", "right of those kept"], kinds, f"\n{name}").text())
    if arguments.output:
        arguments.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"


if __name__ == "__main__":
    main()
