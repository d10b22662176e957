"""Report of a study of robustness: how each classifier falls under each disturbance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.reports.base import Report, Table, interval, points
from workbench.store import Artifact

if TYPE_CHECKING:
    from workbench.studies.curves import Course

_HEAD = ["disturbance", "model", "undisturbed", "at the strongest", "change (points)", "half lost at", "area"]
_MEANS = (
    "change: accuracy at the strongest level minus undisturbed, on the same faces; half lost at: the level at which "
    "half of the accuracy above chance is lost; area: mean accuracy from undisturbed to the strongest level"
)


def robustness(artifact: Artifact) -> Report:
    """Report a study of robustness: each model along each disturbance, then every level."""
    from workbench.studies.curves import open_robustness

    found = open_robustness(artifact)
    rows = [
        [each.name, each.model, *(interval(each.accuracy[place]._asdict()) for place in (0, -1)),
         _points(each.loss[-1]), each.half_in_words, interval(each.area._asdict())]
        for each in found.courses
    ]  # fmt: skip
    rates = [[name, f"{rate:,.0f}" if rate else ""] for name, rate in found.rates.items()]
    what = f"{found.images:,} images of {found.spec.split} of {found.dataset}" if found.images else ""
    posed = f"{found.faces:,} rendered people at every angle" if found.faces else ""
    parts: list[Table | str] = [
        found.sentence,
        " and ".join(part for part in (what, posed) if part),
        Table(_HEAD, rows, "Accuracy in percent, with 95 % bootstrap intervals"),
        _MEANS,
        *(_levels(found.of(name)) for name in found.disturbances),
        Table(["model", "faces a second"], rates),
    ]
    values: dict[str, Any] = {"artifact": artifact.reference, "spec": artifact.spec, **artifact.summary}
    return Report(values, [*parts, *(f"note: {note}" for note in found.notes), f"stored as {artifact.reference}"])


def _levels(courses: tuple[Course, ...]) -> Table:
    """Return every level of one disturbance: a column a model."""
    first = courses[0]
    models = list(dict.fromkeys(course.model for course in courses))
    sided = any(course.side for course in courses)
    rows: list[list[object]] = []
    for side in dict.fromkeys(course.side for course in courses):
        by_model = {course.model: course for course in courses if course.side == side}
        for place, level in enumerate(by_model[models[0]].levels):
            if place == 0 and rows:
                continue  # undisturbed stands once
            cells = [interval(by_model[name].accuracy[place]._asdict()) for name in models]
            named = f"{level:g}" if place else f"{level:g} (undisturbed)"
            rows.append([*([side if place else ""] if sided else []), named, *cells])
    return Table([*(["side"] if sided else []), "level", *models], rows, f"{first.title}: {first.unit}")


def _points(change: Any) -> str:
    value, low, high = (points(each, 1) for each in change)
    return f"{value} ({low} to {high})"
