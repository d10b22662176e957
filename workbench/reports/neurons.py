"""Reports of networks' layers, dissections, ablations and reweightings."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from workbench.reports.base import Report, Table, decimals, points, share
from workbench.specs.base import check_text
from workbench.store import Artifact, Store

if TYPE_CHECKING:
    from workbench.studies.reweighting import Reweighting

SHOWN_UNITS = 15


def layers(target: str, weights: str, store: Store) -> Report:
    """List a network's layers."""
    from workbench.models.layers import list_layers
    from workbench.models.targets import load_target

    check_text("target", target)
    check_text("weights", weights)
    network = load_target(target, weights, store)
    found = list_layers(network)
    rows = [
        [layer.name, layer.type, " x ".join(map(str, layer.shape)), layer.units, layer.parameters, layer.problem]
        for layer in found
    ]
    head = ["layer", "type", "shape", "units", "parameters", "cannot be dissected because"]
    names = ("name", "type", "shape", "units", "parameters", "kind", "problem")
    values = [{name: getattr(layer, name) for name in names} for layer in found]
    notes = [f"note: {note}" for note in network.notes]
    return Report({"target": target, "layers": values, "notes": list(network.notes)}, [Table(head, rows), *notes])


def dissection(artifact: Artifact) -> Report:
    """Report a dissection: the layer table, the commonest labels that hold, and the most similar units."""
    from workbench.studies.dissection import open_dissection

    found = open_dissection(artifact)
    truth = any("truth_right" in row for row in found.layer_table)
    head = [
        "layer",
        "shape",
        "units",
        "interp",
        "overall acc",
        "interp acc",
        "uninterp acc",
        "labelled",
        "labelled acc",
    ]
    head += ["median sim", "null limit", *(["true AUROC", "right label", "right of labelled"] if truth else [])]
    rows = []
    for row in found.layer_table:
        accuracies = [share(row[name]) for name in ("overall_acc", "interp_acc", "uninterp_acc")]
        cells = [row["layer"], " x ".join(map(str, row["shape"])), row["units"], row["num_interp"], *accuracies]
        cells += [row["labelled"], share(row["labelled_acc"])]
        cells += [decimals(row["median_similarity"], 2), decimals(row["null_limit"], 2)]
        if truth:
            cells += [decimals(row["truth_auroc"]), share(row["truth_right"]), share(row["truth_right_labelled"])]
        rows.append(cells)
    title = (
        f"{found.spec.target} with {len(found.concepts)} concepts, {found.probing:,} probing images; accuracies in %"
    )
    labels = Counter(label for label in found.labels() if label)
    commonest = [[label, count, share(count / max(1, labels.total()))] for label, count in labels.most_common(10)]
    order = [int(i) for i in (-found.similarity).argsort(kind="stable") if found.holds[i]][:SHOWN_UNITS]
    units = [_unit_row(found, i) for i in order]
    unit_head = ["unit", "label", "similarity", "runner-up", "q", "stability", "held-out corr.", "accuracy"]
    parts: list[Table | str] = [
        Table(head, rows, title),
        Table(["label that holds", "units", "%"], commonest, "Commonest labels"),
        Table(unit_head, units, f"Units whose label holds, the {len(units)} most similar"),
        *(f"note: {note}" for note in found.notes),
        f"stored as {artifact.reference}",
    ]
    summary = {name: value for name, value in artifact.summary.items() if name != "speaks_for"}
    return Report({"artifact": artifact.reference, "spec": artifact.spec, **summary, "labels": dict(labels)}, parts)


def _unit_row(found: Any, i: int) -> list[object]:
    runner_up = found.concepts[found.runner_up[i]] if found.runner_up[i] >= 0 else ""
    return [
        f"{found.layers[found.layer_index[i]]}:{found.unit[i]}",
        found.concepts[found.label[i]],
        decimals(float(found.similarity[i])),
        runner_up,
        decimals(float(found.q[i]), 4),
        decimals(float(found.stability[i]), 2),
        decimals(float(found.faithfulness[i]), 2),
        share(float(found.accuracy[i])),
    ]


def ablation(artifact: Artifact) -> Report:
    """Report an ablation: what removing each class's units costs that class, against random sets."""
    from workbench.studies.ablate import open_ablation

    found = open_ablation(artifact)
    rows = []
    for each in found.sets:
        place = found.classes.index(each["class"])
        random = each["random"]
        cost = points(random["recall_mean"][place], 1)
        between = f"{points(random['recall_low'][place], 1)} to {points(random['recall_high'][place], 1)}"
        change = points(each["recall_change"][place], 1)
        rows.append([each["class"], each["size"], change, cost, between, decimals(each["p"][place], 3)])
    head = ["class", "units", "change of its recall", "random sets", "95 % of them", "p"]
    title = f"Units of {found.spec.layer} ablated, {found.images:,} images of {found.spec.split}; points of recall"
    parts: list[Table | str] = [Table(head, rows, title), *found.sentences, f"stored as {artifact.reference}"]
    return Report({"artifact": artifact.reference, "spec": artifact.spec, **artifact.summary}, parts)


def reweighting(artifact: Artifact) -> Report:
    """Report a reweighting: the sentence that says what holds, the controls, the classes, the protocol's optimism."""
    from workbench.studies.reweighting import open_reweighting

    found = open_reweighting(artifact)
    parts: list[Table | str] = [found.sentence]
    if found.verdict is not None and found.chosen is not None:
        chosen, verdict = found.chosen, found.verdict
        what = "similarity above" if found.spec.threshold == "tau" else "q at most"
        parts.append(
            f"setting: {what} {chosen['threshold']:.4g}, factor {chosen['factor']:g}; {chosen['up']} units up, "
            f"{chosen['down']} down; accuracy {share(verdict['before'])} to {share(verdict['after'])} %"
        )
        parts += [_controls(found), _class_changes(found), f"network:{found.network}"]
    parts += [_protocol(found), *(f"note: {note}" for note in found.notes), f"stored as {artifact.reference}"]
    return Report({"artifact": artifact.reference, "spec": artifact.spec, **artifact.summary}, parts)


def _controls(found: Reweighting) -> Table:
    assert found.verdict is not None  # noqa: S101 - the caller looked
    names = {"random": "random sets of units", "shuffled": "shuffled, chosen anew", "norm": "by weight norm"}
    gain = found.verdict["gain"]
    rows: list[list[object]] = [["reweighted", 1, points(gain["value"]), points(gain["low"]), points(gain["high"])]]
    for kind, words in (names | {"inverted": "up and down exchanged"}).items():
        values = found.controls[kind]
        if len(values):
            rows.append([words, len(values), *(points(float(v)) for v in (values.mean(), values.min(), values.max()))])
    title = f"Points of accuracy on {found.spec.report_on}; the network's own with its 95 % interval"
    return Table(["", "networks", "mean", "least", "greatest"], rows, title)


def _class_changes(found: Reweighting) -> Table:
    assert found.verdict is not None  # noqa: S101 - the caller looked
    rows = [
        [
            each["name"],
            each["images"],
            share(each["before"]),
            share(each["after"]),
            points(each["change"]["value"]),
            f"{points(each['change']['low'])} to {points(each['change']['high'])}",
        ]
        for each in found.verdict["classes"]
    ]
    return Table(["class", "images", "recall before", "after", "change", "95 % interval"], rows)


def _protocol(found: Reweighting) -> Table:
    optimism = found.optimism
    rows = [
        ["the setting chosen as asked", points(optimism["chosen_gain"])],
        [f"the best on {found.spec.report_on} itself", points(optimism["best_gain"])],
        ["the best of a random half, on that half", points(optimism["halves_same"])],
        ["... and on the other half", points(optimism["halves_other"])],
    ]
    return Table(["what choosing on the reported images does", "points"], rows)
