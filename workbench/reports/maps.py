"""Reports of maps and of angles between classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.reports.base import Report, Table, decimals, share
from workbench.store import Artifact


def layout(artifact: Artifact) -> Report:
    """Report a map: what is on it and how far it can be trusted."""
    summary, spec = artifact.summary, artifact.spec
    quality = summary["quality"]
    texts = ", ".join(summary["texts"][:12]) + (", ..." if len(summary["texts"]) > 12 else "")
    rows = [
        ["trustworthiness", decimals(quality["trustworthiness"])],
        ["neighbours with the same label, on the map (%)", share(quality["purity_map"])],
        ["neighbours with the same label, in the space (%)", share(quality["purity_space"])],
        ["neighbours with the same label, by chance (%)", share(quality["purity_chance"])],
        ["seconds to lay out", decimals(quality["seconds"], 1)],
    ]
    headline = f"{spec['dataset']} on a map by {spec['method']} ({spec['space']}), with the texts {texts}"
    parts: list[Table | str] = [
        headline,
        Table([f"{quality['neighbours']} nearest neighbours", "value"], rows),
        _gap(quality["gap"]),
        *(f"note: {note}" for note in summary["notes"]),
        f"stored as {artifact.reference}",
    ]
    return Report({"artifact": artifact.reference, "spec": spec, **summary}, parts)


def _gap(gap: dict[str, Any]) -> Table:
    spaces = [name for name in ("raw", "centred", "shifted") if name in gap]
    rows = [
        [name, *(decimals(gap[name][measure]) for measure in ("distance", "cosine")), decimals(gap[name]["angle"], 1)]
        for name in spaces
    ]
    head = ["space", "distance of the means", "mean cosine image-text", "angle of that cosine (degrees)"]
    title = (
        "Gap between images and texts: distance 0 is no gap, 90 degrees nothing in common; centring and shifting leave "
        "a little, as what was moved is scaled to length 1 again"
    )
    return Table(head, rows, title)


def angles(artifact: Artifact) -> Report:
    """Report the angles between classes: both tables, the closest and opposite pairs, and whether they agree."""
    from workbench.studies.angles import open_angles

    found = open_angles(artifact)
    classes, summary = found.classes, artifact.summary
    tables = {}
    for title, values in (("images", found.images), ("texts", found.texts)):
        rows = [[name, *(f"{angle:.0f}" for angle in row)] for name, row in zip(classes, values, strict=True)]
        tables[title] = Table([title, *classes], rows, f"Angles between the {title} of two classes, in degrees")
    extremes = [
        [kind, which, " and ".join(pair["classes"]), decimals(pair["angle"], 1), _range(pair)]
        for kind, pairs in found.extremes.items()
        for which, pair in pairs.items()
    ]
    agreement = found.agreement
    parts: list[Table | str] = [
        tables["images"],
        tables["texts"],
        Table(["of", "pair", "classes", "degrees", "95 % interval"], extremes),
        f"images and texts order the pairs alike: Spearman {decimals(agreement['spearman'], 2)}, "
        f"p = {decimals(agreement['p'])}; {found.unrelated:.0f} degrees is what unrelated classes have, as "
        f"{len(classes)} directions around their own mean add up to zero",
        _gap(summary["gap"]),
        *(f"note: {note}" for note in found.notes),
        f"stored as {artifact.reference}",
    ]
    matrices = {name: getattr(found, name).tolist() for name in ("images", "texts")}
    return Report({"artifact": artifact.reference, "spec": artifact.spec, **summary, **matrices}, parts)


def _range(pair: Mapping[str, Any]) -> str:
    return "" if pair["low"] is None else f"{pair['low']:.1f} to {pair['high']:.1f}"
