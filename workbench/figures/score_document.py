"""The document of a video's score: how it came about, what speaks for it, and how far it can be trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.figures import score as figures
from workbench.figures.document import Document
from workbench.figures.score import clock
from workbench.figures.timeline import Bools, Floats
from workbench.methods.bootstrap import Estimate
from workbench.methods.peak_end import PeakEnd, Settings
from workbench.methods.score_evidence import Sensitivity

RESPONSIBLE_USE = (
    "A face does not reveal what a person feels. The score says how a model reads expressions, not how satisfied "
    "anyone is; the labels such models learn from are noisy, and their errors differ between groups of people. Scoring "
    "people without their consent is wrong, and in the European Union inferring emotions at work and in education is "
    "prohibited (AI Act, Article 5)."
)
DEFINITIONS = {
    "Frame score": "Each emotion's probability times its score, added up: 1 (least satisfied) to 5 (most).",
    "Gap": "A frame without the chosen face. It has no score and no weight, and is never taken for neutral.",
    "End score": "Mean of the frame scores with weights that grow towards the last frame with a face; the window "
    "carries 95 % of the weight.",
    "Earlier and later peak": "The highest and the lowest frame score, in the order in which they occur.",
    "Video score": "Peak-end rule: a weighted sum of end score, earlier peak and later peak.",
    "Interval over time": "How far noise from frame to frame moves the score: if single frames were read otherwise, it "
    "would fall in here in about 95 of 100 cases (block bootstrap). It says nothing about whether the emotions were "
    "read rightly, and it is no interval for the score of a course without any noise, which the peaks, being extremes, "
    "always miss a little.",
    "Sensitivity": "The score under other reasonable choices: one choice made otherwise at a time, and the 5th to 95th "
    "percentile over all combinations of smoothing, peak, end window and parts.",
    "Without an emotion": "The words that speak for it alone are left out, and the probabilities of the others divided "
    "by their sum.",
}
"""What the words of the document mean."""
_FACTS = {"width": "Width", "height": "Height", "duration": "Duration", "rate": "Frames a second", "codec": "Codec"}


@dataclass(frozen=True)
class ScoreReport:
    """All that the document of a score shows; S scored frames, C emotions (words), K classes.

    Parameters
    ----------
    video : mapping
        ``name`` and, where known, ``width``, ``height``, ``duration`` (s), ``rate``, ``codec`` and ``digest``.
    model : str
        What scored it.
    frames, times, course : arrays (S,)
        Frame numbers, seconds, and frame scores as they are (NaN in gaps).
    class_probabilities : float array (S, K)
        NaN in gaps.
    classes : sequence of str
        Names (K).
    emotions : sequence of (str, str, float, float)
        Each emotion, the classes it speaks for, its score, and its mean probability over the frames with a face.
    result, settings, interval, sensitivity
        The score, how it was made, and how far it can be trusted.
    notes : sequence of str
        What a reader must know.
    fault : mapping, optional
        ``time``, ``frame`` and ``message`` of the damage at which reading ended.
    reported : float, optional
        The score that people gave.
    pictures : sequence of (str, bytes)
        Evidence frames: caption and PNG or JPEG file.
    spec : str
        The spec that makes the run again, as TOML.
    """

    video: Mapping[str, Any]
    model: str
    frames: Sequence[int] | np.ndarray
    times: Floats
    course: Floats
    class_probabilities: Floats
    classes: Sequence[str]
    emotions: Sequence[tuple[str, str, float, float]]
    result: PeakEnd
    settings: Settings
    interval: Estimate
    sensitivity: Sensitivity
    notes: Sequence[str] = ()
    fault: Mapping[str, Any] | None = None
    reported: float | None = None
    pictures: Sequence[tuple[str, bytes]] = ()
    spec: str = ""


def score_document(report: ScoreReport) -> str:
    """Return the document of a score as one HTML file that opens offline; see :mod:`workbench.figures.document`."""
    document = Document(f"Satisfaction score of {report.video['name']}")
    document.text(f"Scored by {report.model}, on a scale from 1 (least satisfied) to 5 (most).")
    _headline(document, report)
    document.note(RESPONSIBLE_USE)
    _sum(document, report)
    _over_time(document, report)
    if report.pictures:
        document.heading("Frames behind the score").pictures(report.pictures)
    _sensitivity(document, report)
    document.heading("Emotions and their scores").table(
        ["emotion", "speaks for", "score", "mean probability"],
        [(name, classes, f"{score:g}", f"{mean:.1%}") for name, classes, score, mean in report.emotions],
    )
    _scored(document, report)
    document.heading("What the words mean").definitions(DEFINITIONS)
    if report.spec:
        document.heading("How to make it again").text("workbench run FILE, with a file that holds:").spec(report.spec)
    return document.versions().html()


def _headline(document: Document, report: ScoreReport) -> None:
    """Give the numbers, and what a reader must not miss beside them."""
    result, moved = report.result, report.sensitivity
    last = float(report.times[np.flatnonzero(np.isfinite(report.course))[-1]])
    numbers = [
        ("Video score", f"{result.video:.2f}", f"1 to 5; interval over time (95 %): {_interval(report.interval)}"),
        ("Other choices", f"{moved.grid_low:.2f}–{moved.grid_high:.2f}", "90 % of all combinations of choices"),
        ("End score", f"{result.end:.2f}", f"the last frames, up to {clock(last)}"),
        ("Earlier peak", f"{result.earlier:.2f}", f"at {clock(float(report.times[result.earlier_row]))}"),
        ("Later peak", f"{result.later:.2f}", f"at {clock(float(report.times[result.later_row]))}"),
        ("Mean, median", f"{result.mean:.2f}, {result.median:.2f}", "of the frame scores, without peak-end rule"),
    ]
    if report.reported is not None:
        error = result.video - report.reported
        numbers.insert(1, ("Reported", f"{report.reported:.2f}", f"computed minus reported: {error:+.2f}"))
    document.numbers(numbers)
    if report.fault:
        at, message = clock(float(report.fault["time"])), report.fault["message"]
        document.note(f"The file is damaged: it was scored up to {at}. {message}")
    for note in report.notes:
        document.note(note)


def _sum(document: Document, report: ScoreReport) -> None:
    result, settings = report.result, report.settings
    document.heading("How the score is made")
    terms = zip(settings.shares, ("end", "earlier peak", "later peak"), strict=True)
    values = zip(settings.shares, (result.end, result.earlier, result.later), strict=True)
    document.text(
        "Peak-end rule: "
        + " + ".join(f"{share:.3g} × {name}" for share, name in terms)
        + " = "
        + " + ".join(f"{share:.3g} × {value:.2f}" for share, value in values)
        + f" = {result.video:.2f}."
    )
    window = f"{settings.end_seconds:g} seconds" if settings.end_seconds else f"{settings.end_frames:g} frames"
    peaks = {
        "extreme": "A peak is the single highest or lowest frame.",
        "robust": "A peak is the mean of the highest or lowest twentieth of the frames.",
    }
    smoothed = f"Scores are smoothed over {settings.smoothing:g} seconds." if settings.smoothing else "No smoothing."
    document.text(f"The last {window} carry 95 % of the end score's weight. {peaks[settings.peak]} {smoothed}")
    document.figure(figures.parts(result, settings))


def _over_time(document: Document, report: ScoreReport) -> None:
    fault = float(report.fault["time"]) if report.fault else None
    document.heading("Over time").figure(
        figures.course(
            report.times,
            report.course,
            report.result,
            interval=report.interval,
            reported=report.reported,
            fault_time=fault,
        )
    )
    document.figure(figures.strip(report.times, report.class_probabilities, report.classes))


def _sensitivity(document: Document, report: ScoreReport) -> None:
    moved = report.sensitivity
    document.heading("How far the score can be trusted").text(
        f"{figures.sensitivity_words(moved)} With one choice made otherwise the score is {moved.low:.2f} to "
        f"{moved.high:.2f}. Interval over time, 95 %: {_interval(report.interval)}."
    )
    document.figure(figures.sensitivity(moved, report.interval))
    document.table(
        ["choice", "made otherwise", "video score", "change"],
        [
            (choice.group, choice.name, f"{choice.video:.2f}", _change(choice.change))
            for choice in sorted(moved.choices, key=lambda choice: -abs(choice.change))
        ],
    )


def _scored(document: Document, report: ScoreReport) -> None:
    """Say what was scored: facts of the video, and gaps."""
    video = report.video
    facts = [(title, _fact(name, video[name])) for name, title in _FACTS.items() if video.get(name) is not None]
    present = np.isfinite(report.course)
    gaps = int((~present).sum())
    share = f" ({gaps / len(present):.1%})" if gaps else ""
    document.heading("What was scored").table(
        ["", ""],
        [
            ("Video", str(video["name"])),
            *facts,
            ("Model", report.model),
            ("Frames scored", f"{int(present.sum()):,} of {len(present):,} looked at"),
            ("Gaps (frames without the chosen face)", f"{gaps:,}{share}{_stretches(present)}"),
            *([("Digest of the file", str(video["digest"]))] if video.get("digest") else []),
        ],
    )


def _fact(name: str, value: Any) -> str:
    if name == "duration":
        return f"{float(value):.2f} s ({clock(float(value))})"
    if name in ("width", "height"):
        return f"{int(value)} pixels"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _change(value: float) -> str:
    text = f"{value:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text


def _stretches(present: Bools) -> str:
    count = int((~present & np.append(True, present[:-1])).sum())
    return f", in {count:,} stretch{'es' if count > 1 else ''}" if count else ""


def _interval(interval: Estimate) -> str:
    if math.isfinite(interval.low):
        return f"{interval.low:.2f} to {interval.high:.2f}"
    return "not known, for too few frames were scored"
