"""What a reweighting's result is worth: the gain with its interval and test, the controls, and one sentence.

All counts are of images; a gain is the change of the share of images that are right, in -1 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from workbench.methods.bootstrap import Estimate, estimate, resample_counts
from workbench.methods.paired import mcnemar
from workbench.methods.reweight import choose
from workbench.methods.shapes import Bools, Floats, Ints

ALPHA = 0.05
"""What counts as rare."""
HALVES = 200
"""How many times the images are split into halves to measure optimism."""


@dataclass(frozen=True)
class ClassChange:
    """How one class's recall changed: ``before`` and ``after`` in 0 to 1, ``change`` with its 95 % interval."""

    name: str
    images: int
    before: float
    after: float
    change: Estimate


@dataclass(frozen=True)
class Verdict:
    """What one reweighting did to a set of images.

    Parameters
    ----------
    images : int
        N.
    before, after : float
        Accuracy of the network as it is, and reweighted.
    gain : Estimate
        Their difference with its paired bootstrap 95 % interval: images are drawn again, each with both answers.
    gained, lost : int
        Images that became right, and wrong.
    p : float
        Exact two-sided McNemar test that gains and losses are equally likely.
    classes : tuple of ClassChange
        Recall of each class that has images.
    """

    images: int
    before: float
    after: float
    gain: Estimate
    gained: int
    lost: int
    p: float
    classes: tuple[ClassChange, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, estimates as ``{"value", "low", "high"}``."""
        classes = [asdict(each) | {"change": each.change._asdict()} for each in self.classes]
        return asdict(self) | {"gain": self.gain._asdict(), "classes": classes}


def judge(before: Bools, after: Bools, labels: Ints, classes: Sequence[str], seed: int = 0) -> Verdict:
    """Compare two classifiers on the same images.

    Parameters
    ----------
    before, after : bool array (N,)
        Whether each image is right.
    labels : int64 array (N,)
        Class of each image, in 0 .. K - 1.
    classes : sequence of str
        Their names (K).
    seed : int
        Seed of the bootstrap.
    """
    changed = mcnemar(before, after)
    counts = np.zeros((len(classes), 2, 2), dtype=np.int64)
    np.add.at(counts, (labels, before.astype(np.int64), after.astype(np.int64)), 1)
    drawn = resample_counts(counts, seed=seed)  # (R, K, 2, 2): images by class, right before, right after
    changes = tuple(
        ClassChange(
            name,
            int(counts[place].sum()),
            float(before[labels == place].mean()),
            float(after[labels == place].mean()),
            _change(counts[place], drawn[:, place]),
        )
        for place, name in enumerate(classes)
        if counts[place].any()
    )
    return Verdict(
        images=len(labels),
        before=float(before.mean()),
        after=float(after.mean()),
        gain=_change(counts.sum(axis=0), drawn.sum(axis=1)),
        gained=changed.gained,
        lost=changed.lost,
        p=changed.p,
        classes=changes,
    )


def _change(counts: Ints, drawn: Ints) -> Estimate:
    """Estimate (gained - lost) / images from counts ``(2, 2)`` and those of resamples ``(R, 2, 2)``."""
    sizes = np.maximum(drawn.sum(axis=(1, 2)), 1)  # a resample may miss a class altogether: no change
    samples = (drawn[:, 0, 1] - drawn[:, 1, 0]) / sizes
    return estimate((counts[0, 1] - counts[1, 0]) / counts.sum(), samples)


@dataclass(frozen=True)
class Optimism:
    """How far a gain is flattered when the images that choose the setting also report it; gains in -1 to 1.

    Parameters
    ----------
    best : int
        The setting that is best on the reported images themselves; -1 where none gains.
    best_gain : float
        Its gain there.
    chosen_gain : float
        Gain there of the setting that was chosen without looking.
    halves_same, halves_other : float
        Mean over random halves: gain of the half's best setting on that half, and on the other half.
    halves_low, halves_high : float
        2.5 % and 97.5 % quantile of the difference of the two.
    """

    best: int
    best_gain: float
    chosen_gain: float
    halves_same: float
    halves_other: float
    halves_low: float
    halves_high: float

    def to_dict(self) -> dict[str, float]:
        """Return plain values."""
        return asdict(self)


def optimism(
    right: Bools, before: Bools, changes: Floats, chosen: int, halves: int = HALVES, seed: int = 0
) -> Optimism:
    """Measure what choosing on the reported images themselves adds to the gain.

    Parameters
    ----------
    right : bool array (S, N)
        Whether each setting gets each image right.
    before : bool array (N,)
        Whether the network as it is does.
    changes : float array (S,)
        How much each setting changes, which decides between equal gains; see :func:`workbench.methods.reweight.choose`.
    chosen : int
        The setting chosen elsewhere, -1 for none.
    halves : int
        How many random halves are drawn.
    seed : int
        Their seed.
    """
    each = right.astype(np.int8) - before.astype(np.int8)  # (S, N) in -1, 0, 1
    total = each.sum(axis=1, dtype=np.int64)
    images = max(1, len(before))
    best = choose(total, changes)
    generator = np.random.default_rng([seed, 3])
    first = np.zeros((halves, len(before)), dtype=np.float32)
    for line in first:
        line[generator.permutation(len(before))[: len(before) // 2]] = 1
    on_half = np.rint(each.astype(np.float32) @ first.T).astype(np.int64)  # (S, halves)
    sizes = np.array([max(1, len(before) // 2), max(1, len(before) - len(before) // 2)])
    picks = [choose(on_half[:, place], changes) for place in range(halves)]
    same = np.array([0 if pick < 0 else on_half[pick, place] for place, pick in enumerate(picks)]) / sizes[0]
    other = np.array([0 if pick < 0 else total[pick] - on_half[pick, p] for p, pick in enumerate(picks)]) / sizes[1]
    low, high = np.quantile(same - other, [0.025, 0.975])
    return Optimism(
        best=best,
        best_gain=float(total[best] / images) if best >= 0 else 0.0,
        chosen_gain=float(total[chosen] / images) if chosen >= 0 else 0.0,
        halves_same=float(same.mean()),
        halves_other=float(other.mean()),
        halves_low=float(low),
        halves_high=float(high),
    )


def reached(gain: float, controls: Floats) -> int:
    """Return how many controls gain at least as much (to within rounding far below one image)."""
    return int((controls >= gain - 1e-9).sum())


CONCLUSIONS = {
    "holds": "significant, and owed to which units were chosen",
    "any units": "significant, but not owed to which units were chosen",
    "loss": "significantly worse",
    "not significant": "not significant",
}
"""What :func:`conclusion` may return, in words."""


def conclusion(verdict: Verdict, controls: Mapping[str, Floats]) -> str:
    """Return what holds: ``"holds"``, ``"any units"``, ``"loss"`` or ``"not significant"``.

    ``"holds"``: the gain is significant (McNemar p at most .05 and the interval above 0), at most 5 % of random unit
    sets (counting this one) reach it, and no repeat with shuffled similarities does. ``"any units"``: significant, but
    controls reach it, so it is not owed to which units were chosen. ``"loss"``: significantly worse.

    Parameters
    ----------
    verdict : Verdict
        Of the reported images.
    controls : mapping
        Gains of ``"random"`` unit sets and of ``"shuffled"`` repeats.
    """
    gain = verdict.gain
    if verdict.p > ALPHA or gain.low <= 0 <= gain.high:
        return "not significant"
    if gain.value < 0:
        return "loss"
    random = controls["random"]
    rare = (1 + reached(gain.value, random)) / (1 + len(random)) <= ALPHA
    return "holds" if rare and not reached(gain.value, controls["shuffled"]) else "any units"


def sentence(verdict: Verdict, controls: Mapping[str, Floats], split: str) -> str:
    """Return the result as one sentence: gain, interval, p, controls, and what holds.

    Such as: "+0.21 points on test (95 % interval -0.30 to 0.70, p = .44), no better than 9 of 20 random sets of units
    and 4 of 10 repeats with shuffled similarities: not significant."
    """
    gain = verdict.gain
    low, high = (points(value).removeprefix("+") for value in (gain.low, gain.high))
    head = f"{points(gain.value)} points on {split} (95 % interval {low} to {high}, {p_text(verdict.p)})"
    return f"{head}, {_beside(gain.value, controls)}: {CONCLUSIONS[conclusion(verdict, controls)]}."


def left_alone(layer: str, split: str, images: int, settings: int) -> str:
    """Return the sentence for when no setting gains anything on the images that choose."""
    return (
        f"Leave {layer} alone: none of the {settings} settings gets more of the {images:,} images of {split} right "
        "than the network as it is."
    )


def points(share: float) -> str:
    """Return a change of a share in percentage points, signed: ``"+0.21"``."""
    text = f"{share * 100:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text


def p_text(p: float) -> str:
    """Return a p value in words: ``"p = .44"``, ``"p < .001"``."""
    if p < 0.001:
        return "p < .001"
    digits = 2 if p >= 0.1 else 3
    text = f"{p:.{digits}f}"
    return f"p = {text.removeprefix('0')}"


def _beside(gain: float, controls: Mapping[str, Floats]) -> str:
    names = (("random", "random sets of units"), ("shuffled", "repeats with shuffled similarities"))
    counts = [(reached(gain, controls[name]), len(controls[name]), words) for name, words in names]
    better = [f"all {count} {words}" for reaching, count, words in counts if count and not reaching]
    equal = [f"{reaching} of {count} {words}" for reaching, count, words in counts if reaching]
    parts = [
        f"{head} {' and '.join(found)}" for head, found in (("better than", better), ("no better than", equal)) if found
    ]
    return ", ".join(parts)
