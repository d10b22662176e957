"""Reports of suspects, of training again after cleaning, of leakage, and of error slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.reports.base import PAIRED, Report, Table, decimals, interval, points, share
from workbench.store import Artifact

if TYPE_CHECKING:
    from workbench.studies.slicing import ClassGap, Slices

_SHOWN = 10


def suspects(artifact: Artifact) -> Report:
    """Report a search for suspects: how many of each kind, the first of them, and what the ranking is worth."""
    from workbench.studies.suspicion import WEAK, open_suspects

    found = open_suspects(artifact)
    kinds = ", ".join(f"{count:,} {name}" for name, count in found.counts.items())
    wrong = 1 - float(found.noise.trace()) / max(1.0, float(found.noise.sum()))
    low, high = found.wrong_interval
    span = f" ({100 * low:.1f} to {100 * high:.1f})" if low == low else ""
    queue = found.queue("wrong label")[:_SHOWN]
    first = [
        [
            found.ids[row],
            found.splits[row],
            found.classes[found.labels[row]],
            found.classes[found.proposed[row]],
            decimals(float(found.scores[row])),
        ]
        for row in queue
    ]
    parts: list[Table | str] = [
        f"{found.spec.dataset}: {len(found.scores):,} images; {kinds}; labels estimated to be wrong: "
        f"{100 * wrong:.1f} %{span}",
        Table(["image", "split", "label", "proposed", "doubt"], first, f"The first {len(first)} with a wrong label"),
    ]
    for source, bins in found.evaluation.items():
        title = f"Held against what is {source}; percent, precision with 95 % interval"
        parts.append(Table(_WORTH, [_worth(name, entry) for name, entry in bins.items()], title))
        parts += [line for line in (found.left_out(source, name) for name in bins) if line]
        if source == "planted" and "ambiguous" in bins:
            parts.append(WEAK)
    return Report(_values(artifact), [*parts, *_ending(artifact, found.notes)])


_WORTH = [
    "kind",
    "there are",
    "of those in the bin",
    "found",
    "precision at that number",
    "average precision",
    "best single part",
    "chance",
]


def _worth(name: str, entry: dict[str, Any]) -> list[object]:
    """Return one bin's row: its ranking beside the best single part's and chance."""
    at = entry["precision"].get(str(entry["positives"]))
    average = entry["average_precision"]  # None where there is nothing to find
    singles = {part: values["average_precision"][0] for part, values in entry.get("parts", {}).items() if average}
    best = max(singles, key=lambda part: singles[part], default="")
    return [
        name,
        entry["positives"],
        entry["in_bin"],
        entry["found"],
        "" if at is None else f"{100 * at[0]:.1f} ({100 * at[1]:.1f} to {100 * at[2]:.1f})",
        share(average[0]) if average else "",
        f"{best} {100 * singles[best]:.1f}" if best else "",
        share(entry["chance"]),
    ]


def retrain(artifact: Artifact) -> Report:
    """Report whether cleaning helped: the sentence first, then both probes on the same images."""
    from workbench.studies.retrain import AGAINST, open_retrain

    found = open_retrain(artifact)
    rows = [
        [AGAINST[against], name.replace("_", " "), *_change(change)]
        for against, comparison in found.comparisons.items()
        for name, change in comparison.changes.items()
        if against != "changed" or name == "accuracy"  # too few images for a mean over classes
    ]
    parts: list[Table | str] = [
        found.sentence,
        Table(
            ["against", "score", "before", "after", "difference (points)"],
            rows,
            f"Two probes on the same images; {PAIRED}",
        ),
        *_ending(artifact, found.notes),
    ]
    return Report(_values(artifact), parts)


def _change(change: Any) -> list[object]:
    return [interval(change.before._asdict()), interval(change.after._asdict()), _points(change.difference, 2)]


def _points(difference: Any, digits: int) -> str:
    low, high = (points(value, digits) for value in (difference.low, difference.high))
    return f"{points(difference.value, digits)} ({low} to {high})"


def leakage(artifact: Artifact) -> Report:
    """Report how many images leak and whether that inflates accuracy: two probes on the same images first."""
    from workbench.studies.leakage import open_leakage

    found = open_leakage(artifact)
    pairs = {"the leaked images": found.leaked_comparison, "all reported images": found.comparison}
    paired = [
        [name, each.images, *_change(each.changes["accuracy"]), decimals(each.mcnemar.p)]
        for name, each in pairs.items()
        if each is not None
    ]
    head = ["on", "images", "learned from no leaked image", "learned from all", "difference (points)", "McNemar p"]
    parts: list[Table | str] = [found.sentence]
    if paired:
        parts.append(
            Table(head, paired, "Two probes on the same images; accuracy in percent with 95 % interval (Wilson's)")
        )
    if paired and found.inflation is not None:
        names = {"all": "all reported images", "without": "those that are not leaked", "leaked": "leaked ones alone"}
        rows = [[names[name], interval(found.accuracy[name]._asdict())] for name in names if name in found.accuracy]
        parts.append(
            Table(["measured on", "accuracy (%)"], rows, "The probe that learned from all, by what it is held against")
        )
        parts.append(found.confounded)
    return Report(_values(artifact), [*parts, *_ending(artifact, found.notes)])


def slices(artifact: Artifact) -> Report:
    """Report error slices: each with its words, its error rate against the rest's, and its commonest error."""
    from workbench.studies.slicing import open_slices

    found = open_slices(artifact)
    rows = [
        [
            f"{each.attribute}: {each.name}" if each.attribute else each.name,
            each.members,
            each.images,
            interval(each.rate._asdict()),
            _points(each.difference, 1),
            decimals(each.q),
            f"{each.confusion[0]} as {each.confusion[1]} ({each.confusion[2]})" if each.confusion else "",
        ]
        for each in found.slices
    ]
    head = ["slice", "images", "measured on", "wrong (%)", "more than the rest (points)", "q", "commonest error"]
    parts: list[Table | str] = [
        f"{found.run}: {interval(found.overall._asdict())} % of {found.spec.split} wrong",
        Table(head, rows, "95 % intervals (Wilson's, of a difference Newcombe's); q is Benjamini and Hochberg's"),
        _detectable(*found.detectable),
        *_class_gaps(found),
        *_ending(artifact, found.notes),
    ]
    return Report(_values(artifact), parts)


def _detectable(images: int, difference: float | None) -> str:
    if difference is None:
        return f"a slice of {images:,} images, the median, has too few to tell from the rest"
    return (
        f"a slice of {images:,} images, the median, is told from the rest in four searches of five from "
        f"{100 * difference:.0f} points more on; smaller differences go unseen"
    )


def _class_gaps(found: Slices) -> list[Table | str]:
    """Return for each attribute how much more often each class is right in each of its values than outside it."""
    tables: list[Table | str] = []
    for name in dict.fromkeys(each.attribute for each in found.gaps):
        own = [each for each in found.gaps if each.attribute == name]
        labels = list(dict.fromkeys(each.label for each in own))
        cells = {(each.value, each.label): _gap(each) for each in own}
        rows = [
            [value, *(cells[value, label] for label in labels)] for value in dict.fromkeys(each.value for each in own)
        ]
        title = (
            f"Accuracy by class and {name}, against the other images of the class, in points (of how many images); *: "
            f"holds (q at most 0.05); -: fewer than {found.spec.smallest} images in the slice or outside it"
        )
        tables.append(Table([name, *labels], rows, title))
    return tables


def _gap(gap: ClassGap) -> str:
    shown = f"{points(gap.difference.value, 0)}{'*' if gap.holds else ''}" if gap.difference else "-"
    return f"{shown} ({gap.images:,})"


def _ending(artifact: Artifact, notes: tuple[str, ...]) -> list[Table | str]:
    return [*(f"note: {note}" for note in notes), f"stored as {artifact.reference}"]


def _values(artifact: Artifact) -> dict[str, Any]:
    return {"artifact": artifact.reference, "spec": artifact.spec, **artifact.summary}
