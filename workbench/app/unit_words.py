"""What is known of a unit, in words: plain text, never markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.app.text import count
from workbench.figures.theme import class_colours
from workbench.methods.evidence import LEAST_STABILITY

if TYPE_CHECKING:
    from workbench.studies.dissection import Dissection

NO_LABEL = "no label"
MANY_CLASSES = 3
"""A concept that speaks for more classes than this tells none of them apart; it gets no dots."""


def decimal(value: float, digits: int = 2) -> str:
    """Return a number with fixed digits; a dash where it is not known."""
    return "–" if value != value else f"{value:.{digits}f}".replace("-", "−")


def small(value: float) -> str:
    """Return a probability: three digits, or that it is smaller than they can show."""
    if value != value:
        return "–"
    return "<\u00a0.001" if value < 0.0005 else f"{value:.3f}".removeprefix("0")


def stated(name: str, value: float) -> str:
    """Return a probability as an equation, such as ``"p = .012"`` or ``"p < .001"``, that no line break divides."""
    words = small(value)
    return f"{name}\u00a0{words}" if words.startswith("<") else f"{name}\u00a0=\u00a0{words}"


def match_of(dissection: Dissection, number: int) -> str:
    """Return the concept most similar to a unit, whether it holds or not; empty for a constant unit."""
    label = int(dissection.label[number])
    return dissection.concepts[label] if label >= 0 else ""


def label_of(dissection: Dissection, number: int) -> str:
    """Return the label, else that there is none."""
    return match_of(dissection, number) if dissection.holds[number] else NO_LABEL


def concept_colours(dissection: Dissection) -> list[tuple[str, ...]]:
    """Return for each concept the colours of the classes it speaks for; none where it speaks for many."""
    colours = class_colours(dissection.classes)
    found = []
    for spoken in dissection.membership:
        named = tuple(colours[dissection.classes[place]] for place in np.flatnonzero(spoken).tolist())
        found.append(named if len(named) <= MANY_CLASSES else ())
    return found


def spoken_for(dissection: Dissection, number: int) -> str:
    """Return the classes a unit's best match speaks for, joined by "or"; empty where it speaks for none."""
    label = int(dissection.label[number])
    places = np.flatnonzero(dissection.membership[label]) if label >= 0 else np.zeros(0, dtype=np.int64)
    return " or ".join(dissection.classes[place] for place in places.tolist())


def verdict(dissection: Dissection, number: int) -> str:
    """Return in one sentence whether the label holds, and if not why."""
    if dissection.constant[number]:
        return "No label: the unit gives one and the same number for every image."
    if dissection.holds[number]:
        return f"The label {match_of(dissection, number)} holds."
    reasons = []
    if dissection.q[number] > dissection.spec.alpha:
        reasons.append(
            f"its similarity is no more than chance would give ({stated('q', float(dissection.q[number]))}, above "
            f"{dissection.spec.alpha:g})"
        )
    if not dissection.faithfulness_low[number] > 0 and dissection.held_out:
        reasons.append("on images held out it does not follow the concept")
    if dissection.stability[number] < LEAST_STABILITY:
        reasons.append(f"only {100 * dissection.stability[number]:.0f} % of the resamples give the same label")
    return f"No label: {' and '.join(reasons) or 'the evidence does not bear it out'}."


def evidence(dissection: Dissection, number: int) -> list[tuple[str, str]]:
    """Return the evidence for and against a unit's label: for each piece its name and a sentence."""
    if dissection.constant[number]:
        return []
    match = match_of(dissection, number)
    limit = float(dissection.null_limit[int(dissection.layer_index[number])])
    value = float(dissection.similarity[number])
    side = "above" if value > limit else "not above"
    lines = [
        (
            "Similarity",
            f"{decimal(value)} with {match}, {side} {decimal(limit)}, the limit that 95 % of random image sets stay "
            f"under ({stated('p', float(dissection.p[number]))}, {stated('q', float(dissection.q[number]))})",
        )
    ]
    runner = int(dissection.runner_up[number])
    if runner >= 0:
        lines.append(
            ("Runner-up", f"{dissection.concepts[runner]}, {decimal(float(dissection.runner_up_similarity[number]))}")
        )
    resamples = dissection.spec.resamples
    stability = float(dissection.stability[number])
    if stability == stability:
        same = round(stability * resamples)
        lines.append(("Stability", f"the same label in {same} of {resamples} resamples of the probing images"))
    return [*lines, *_outside(dissection, number, match)]


def _outside(dissection: Dissection, number: int, match: str) -> list[tuple[str, str]]:
    """Return what images held out, their labels and the known truth say."""
    lines = []
    faith = [float(part[number]) for part in _faithfulness(dissection)]
    if faith[0] == faith[0]:
        low, high = decimal(faith[1]), decimal(faith[2])
        lines.append(
            (
                "Held out",
                f"on {count(dissection.held_out)} images not used for labelling its activation and the CLIP score of "
                f"{match} have a rank correlation of {decimal(faith[0])} (95 % interval {low} to {high})",
            )
        )
    accuracy, classes = float(dissection.accuracy[number]), spoken_for(dissection, number)
    if accuracy == accuracy and classes:
        tops = min(5, dissection.top.shape[1])
        lines.append(
            (
                "Accuracy",
                f"{round(accuracy * tops)} of its {tops} top images are labelled {classes}",
            )
        )
    truth, best = float(dissection.truth_auroc[number]), int(dissection.truth_best[number])
    if truth == truth:
        words = f"its activation tells true {match} apart with AUROC {decimal(truth)}"
        if best >= 0:
            same = best == int(dissection.label[number])
            words += ", better than any other concept" if same else f"; best is {dissection.concepts[best]}"
        lines.append(("Truth", words))
    return lines


def _faithfulness(dissection: Dissection) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return dissection.faithfulness, dissection.faithfulness_low, dissection.faithfulness_high
