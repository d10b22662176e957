"""Reports of probes, of prompts, and of the comparison of two classifications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.reports.base import PAIRED, Report, Table, decimals, interval, points
from workbench.store import Artifact

if TYPE_CHECKING:
    from workbench.data.concepts import ConceptSet

_MEASURED = ["images", "accuracy", "top-3", "macro F1", "weighted F1"]
_PERCENT = "percent with 95 % bootstrap interval"
_WILSON = "percent with 95 % interval, Wilson's for accuracy and top-3, a bootstrap's for F1"
_RIGHT = {"both": "both", "first": "only the first", "second": "only the second", "neither": "neither"}
_SIZES = "Random sets of so many templates, and synonyms a class: mean, least and greatest in percent"


def comparison(artifact: Artifact) -> Report:
    """Report which of two classifications is better: the sentence, the scores, then class by class."""
    from workbench.studies.compare import open_comparison

    found = open_comparison(artifact)
    scores = [
        [name.replace("_", " "), *map(_estimate, (change.before, change.after)), _points(change)]
        for name, change in found.comparison.changes.items()
    ]
    counts, whole = found.counts, found.comparison.mcnemar
    right = [(f"{words} right", counts[name]) for name, words in _RIGHT.items()]
    images = sum(count for _, count in right)
    tests = [
        ["all", images, whole.lost, whole.gained, _chance(whole.p), ""],
        *([each.name, each.images, each.only_first, each.only_second, _chance(each.p), _chance(each.q)]
          for each in found.tests),
    ]  # fmt: skip
    parts: list[Table | str] = [
        found.sentence,
        f"first: {found.models[0]}; second: {found.models[1]}",
        Table(["score", "first", "second", "second minus first (points)"], scores, f"On {found.spec.split}, {PAIRED}"),
        Table(["class", "images", "only first right", "only second right", "p", "q"], tests, "McNemar's exact test"),
        Table(["who is right", "images"], [*right, ("all images", images)]),
    ]
    return _report(artifact, parts, found.notes)


def probe(artifact: Artifact) -> Report:
    """Report a probe: what each value of its setting gave, how a forest grew, and the figures of the one chosen."""
    from workbench.studies.probing import open_probe

    found = open_probe(artifact)
    spec = found.spec
    tried = [
        ["*" if each["value"] == found.chosen else "", f"{each['value']:g}", interval(each["accuracy"]),
         decimals(each["log_loss"]), decimals(each["seconds"], 1)]
        for each in found.tried
    ]  # fmt: skip
    reported = [["all", *_evaluated(found.reported)]]
    if found.unseen is not None:
        reported.append(["without copies of training images", *_evaluated(found.unseen)])
    of = f"{found.clip}'s embeddings" if found.clip else "raw pixels"
    parts: list[Table | str] = [
        f"{found.title} on {of}: learned from {found.images:,} images of {spec.train} in {found.seconds:.1f} s, "
        f"{found.parameters:,} numbers; {found.setting} {found.chosen:g} was chosen on {spec.tune_on}",
        Table(["", found.setting, "accuracy (%)", "log loss (nats)", "seconds"], tried, f"Tried on {spec.tune_on}"),
    ]
    if found.growth:
        grown = [[each["trees"], interval(each["accuracy"]), f"{each['bytes'] / 1e6:.1f}"] for each in found.growth]
        parts.append(Table(["trees", "accuracy (%)", "MB"], grown, f"The forest by its trees, on {spec.tune_on}"))
    head = ["", "images", "accuracy", "macro F1", "top-3", "ECE"]
    parts.append(Table(head, reported, f"Reported once, on {spec.report_on}; {_PERCENT}"))
    parts.append(f"use it: workbench predict {spec.dataset} --model {found.model}")
    return _report(artifact, parts, found.notes)


def prompts(artifact: Artifact) -> Report:
    """Report a study of prompts: templates alone and left out, what chance does, the search, and the winner once."""
    from workbench.studies.prompting import open_prompts

    found = open_prompts(artifact)
    spec = found.spec
    rows = [["all together", *_measured(found.whole), ""]]
    for template, alone in found.templates.items():
        left = found.left_out.get(template)
        rows.append([template, *_measured(alone), _points(left.changes["accuracy"]) if left else ""])
    sizes = [
        [each.size, each.sets, *map(_estimate, (each.accuracy, each.top_k, each.macro_f1, each.weighted_f1))]
        for each in found.by_size
    ]
    path = [[step["change"], step["added"], step["removed"], f"{100 * step['value']:.1f}"]
            for step in found.path]  # fmt: skip
    reported = [[name, *_measured(measured)] for name, measured in found.report.items()]
    parts: list[Table | str] = [
        found.sentence,
        Table(["template", *_MEASURED, "left out (points)"], rows, f"On {spec.tune_on}, {_WILSON}"),
        Table(["size", "sets", *_MEASURED[1:]], sizes, _SIZES),
        f"the choice of prompts moves {spec.metric} by {points(found.spread['sd'])[1:]} points: the standard deviation "
        f"of {len(found.spread['values'])} more random sets, of any size; drawing the images again moves it by "
        f"{points(found.spread['chance_sd'])[1:]}",
        Table(["change", "added", "removed", f"{spec.metric} (%)"], path, f"The search on {spec.tune_on}"),
        Table(["prompts", *_MEASURED], reported, f"Reported once, on {spec.report_on}; {_WILSON}"),
        f"difference of the two: {_points(found.comparison.changes['accuracy'])} points (paired, Newcombe's interval)",
        Table(["class", "words"], _words(found.winner), f"The winner, in {_quoted(found.winner.templates)}"),
        f"use it: workbench classify {spec.dataset} --concepts {found.winner_path(artifact.path.parents[2])}",
    ]
    return _report(artifact, parts, found.notes)


def _words(concepts: ConceptSet) -> list[list[str]]:
    spoken = [[each.text for each in concepts.concepts if name in each.classes] for name in concepts.classes]
    return [[name, ", ".join(texts)] for name, texts in zip(concepts.classes, spoken, strict=True)]


def _quoted(templates: Sequence[str]) -> str:
    return ", ".join(f'"{template}"' for template in templates)


def ladder(artifact: Artifact) -> Report:
    """Report every way to classify side by side, the most accurate first, and what was reported of each elsewhere."""
    from workbench.studies.standings import open_ladder

    found = open_ladder(artifact)
    spec = found.spec
    rows, costs, elsewhere = [], [], []
    for each in found.standings:
        title = each.rung.title
        figures = (each.accuracy, each.top_3, each.macro_f1, each.ece)
        unseen = _estimate(each.unseen) if each.unseen else ""
        rows.append([title, each.seeds, *map(_estimate, figures), unseen, _behind(each.behind)])
        costs.append([title, each.numbers_kept, decimals(each.seconds, 1), f"{each.rate:,.0f}", each.made])
        elsewhere += [[title, f"{published.percent:g}", published.source] for published in each.rung.published]
    head = ["way", "seeds", "accuracy", "top-3", "macro F1", "ECE", "without copies", "behind the best (points)"]
    parts: list[Table | str] = [
        found.sentence,
        f"always answering the commonest class: {100 * found.commonest:.1f} %",
        Table(head, rows, f"On the {found.images:,} images of {spec.report_on}; {_PERCENT} over images and seeds"),
        Table(["way", "numbers kept", "seconds to learn", "images/s", "stored as"], costs, "What it costs here"),
        Table(["way", "accuracy (%)", "reported by"], elsewhere, "Reported elsewhere: other models, other images"),
    ]
    told = {"sentence": found.sentence, "notes": list(found.notes)}
    report = _report(artifact, parts, found.notes)
    return Report(report.values | told, report.parts)


def _behind(difference: Any) -> str:
    value, low, high = (points(each, 1) for each in difference)
    return f"{value} ({low} to {high})" if any(difference) else ""


def _evaluated(found: Mapping[str, Any]) -> list[object]:
    third = found["top_k_accuracy"].get("3")
    figures = [found["accuracy"], found["macro_f1"], third, found["calibration"]["error"]]
    return [found["images"], *(interval(each) if each else "" for each in figures)]


def _measured(found: Any) -> list[object]:
    estimates = (found.accuracy, found.top_k, found.macro_f1, found.weighted_f1)
    return [found.images, *map(_estimate, estimates)]


def _chance(p: float) -> str:
    return "under 0.001" if p < 0.001 else decimals(p)


def _estimate(value: Any) -> str:
    return interval(value._asdict())


def _points(change: Any) -> str:
    value, low, high = (points(each) for each in change.difference)
    return f"{value} ({low} to {high})"


def _report(artifact: Artifact, parts: list[Table | str], notes: tuple[str, ...]) -> Report:
    values: dict[str, Any] = {"artifact": artifact.reference, "spec": artifact.spec, **artifact.summary}
    return Report(values, [*parts, *(f"note: {note}" for note in notes), f"stored as {artifact.reference}"])
