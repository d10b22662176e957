"""What was found, as figures for a file, as tables, and as pages with the maps."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from workbench import Store, open_dataset
from workbench.figures.angles import angle_agreement, angle_tables
from workbench.figures.map import map_figure
from workbench.reports import Table
from workbench.studies.angles import Angles
from workbench.studies.map import Map


def told(found: Angles) -> dict[str, Any]:
    """Return the angles of every pair of classes, in degrees with their intervals, and what follows from them."""
    pairs = {}
    for row, column in zip(*np.triu_indices(len(found.classes), 1), strict=True):
        parts = (found.images, found.images_low, found.images_high, found.texts, found.texts_low, found.texts_high)
        values = [round(float(part[row, column]), 1) for part in parts]
        pairs[f"{found.classes[row]}, {found.classes[column]}"] = {"images": values[:3], "texts": values[3:]}
    rest = {"agreement": dict(found.agreement), "gap": dict(found.gap), "extremes": dict(found.extremes)}
    return {"images": found.counts, "unrelated": found.unrelated, "pairs": pairs, **rest, "notes": found.notes}


def quality(found: Map) -> dict[str, Any]:
    """Return a map's quality without what it took, which is another on every machine."""
    return {name: value for name, value in found.quality.items() if name not in ("gap", "seconds")}


def write_figures(folder: Path, store: Store, maps: dict[str, Map], measured: dict[str, Angles]) -> None:
    """Write every figure as a page of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, each in maps.items():
        dataset = open_dataset(store, each.spec.dataset)
        labels = dataset.labels[each.rows].tolist()
        drawn = (each.points, labels, dataset.classes, each.text_points, each.texts, each.class_means, each.spec.title)
        map_figure(*drawn, rays=each.spec.method == "pca").write_html(folder / f"{name}.html")
    for name, found in measured.items():
        images, texts = (
            (found.images, found.images_low, found.images_high),
            (found.texts, found.texts_low, found.texts_high),
        )
        for kind, draw in (("tables", angle_tables), ("agreement", angle_agreement)):
            draw(found.classes, images, texts, found.unrelated).write_html(folder / f"{name} {kind}.html")


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
    for name, each in result["angles"].items():
        rows = [
            (pair, *("{} ({} to {})".format(*values[kind]) for kind in values))
            for pair, values in sorted(each["pairs"].items(), key=lambda item: item[1]["images"][0])
        ]
        print(Table(("pair", "images, degrees", "texts, degrees"), rows, name).text())
        print(f"agreement: {each['agreement']}\ngap: {json.dumps(each['gap'])}\n")
    keys = ("trustworthiness", "purity_map", "purity_space", "purity_chance")
    print(
        Table(
            ("map", *keys), [(name, *(f"{each[key]:.3f}" for key in keys)) for name, each in result["maps"].items()]
        ).text()
    )
