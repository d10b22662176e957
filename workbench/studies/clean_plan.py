"""What verdicts make of a dataset: each image's label after them, what is left out, and why; nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.data.datasets import Dataset
from workbench.data.verdicts import AMBIGUOUS, KEEP, NOT_A_FACE, RELABEL, Current, Settled, Verdict, settle
from workbench.errors import SpecError, unknown_name
from workbench.methods.suspects import BINS
from workbench.specs import CleanSpec
from workbench.store import Store
from workbench.studies.suspicion import Suspects, open_suspects

KINDS = (
    "relabelled",
    "kept",
    "ambiguous kept",
    "not a face kept",
    "disputed kept",
    "ambiguous",
    "not a face",
    "disputed",
)
"""What may become of an image that was judged or proposed; the last three are left out of the dataset."""
_OPINIONS = {AMBIGUOUS: "ambiguous", NOT_A_FACE: "not a face"}
_WRONG = BINS.index("wrong label")


@dataclass(frozen=True)
class Decision:
    """What becomes of one image.

    Parameters
    ----------
    kind : str
        One of :data:`KINDS`.
    label : str
        Its label from now on.
    dropped : bool
        Whether it is left out.
    by : str
        ``"verdict"``, ``"majority"`` or ``"proposal"``.
    """

    kind: str
    label: str
    dropped: bool
    by: str


@dataclass(frozen=True)
class Plan:
    """What cleaning a dataset would do.

    Parameters
    ----------
    dataset : Dataset
        The parent.
    decisions : dict of int to Decision
        By row; rows that are not in it stay as they are.
    settled : Settled
        The verdicts it follows.
    reviewers : tuple of str
        Whose verdicts those are.
    leaky : int
        Proposals on images that an encoder of the search for suspects was trained on.
    """

    dataset: Dataset
    decisions: Mapping[int, Decision]
    settled: Settled
    reviewers: tuple[str, ...]
    leaky: int

    @property
    def counts(self) -> dict[str, int]:
        """Images by kind, those of :data:`KINDS` that occur."""
        found = Counter(decision.kind for decision in self.decisions.values())
        return {kind: found[kind] for kind in KINDS if found[kind]}

    @property
    def relabelled(self) -> dict[tuple[str, str], int]:
        """Images by label before and after, where they differ, most first."""
        found: Counter[tuple[str, str]] = Counter()
        for row, decision in self.decisions.items():
            if decision.kind == "relabelled":
                found[str(self.dataset.labels[row]), decision.label] += 1
        return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))

    @property
    def dropped(self) -> dict[int, str]:
        """Kind of each row that is left out."""
        return {row: decision.kind for row, decision in self.decisions.items() if decision.dropped}

    @property
    def by(self) -> dict[str, int]:
        """How many of the changes come from agreed verdicts, from majorities and from proposals."""
        changed = [each for each in self.decisions.values() if each.dropped or each.kind == "relabelled"]
        return dict(sorted(Counter(each.by for each in changed).items()))

    @property
    def proposed(self) -> np.ndarray:
        """Rows changed by a proposal that nobody has judged, ascending."""
        return np.array(sorted(row for row, each in self.decisions.items() if each.by == "proposal"), dtype=np.int64)


def plan(spec: CleanSpec, dataset: Dataset, standing: Current, suspects: Suspects | None = None) -> Plan:
    """Decide what becomes of each image.

    Parameters
    ----------
    spec : CleanSpec
        What is done with ambiguous, disputed and other images.
    dataset : Dataset
        The parent.
    standing : dict
        Its standing verdicts; see :meth:`workbench.data.verdicts.Verdicts.current`.
    suspects : Suspects, optional
        Whose proposals count where nobody has judged.

    Raises
    ------
    SpecError
        A reviewer has judged nothing, or there are neither verdicts nor proposals.
    """
    known = sorted({name for found in standing.values() for name in found})
    reviewers = [name.strip() for name in spec.reviewers.split(",") if name.strip()]
    for name in reviewers:
        if name not in known:
            raise unknown_name(f"reviewer of {dataset.name}", name, known)
    settled = settle(standing, dataset, reviewers)
    if not settled.judged and suspects is None:
        gone = f" ({settled.gone:,} are on images it no longer holds)" if settled.gone else ""
        raise SpecError(
            f"there are no verdicts on {dataset.name!r}{gone}; judge images on the Review page, or name a search for "
            "suspects whose proposals count"
        )
    decisions = {row: _agreed(spec, dataset, row, verdict) for row, verdict in settled.agreed.items()}
    decisions |= {row: _disputed(spec, dataset, row, found) for row, found in settled.disputed.items()}
    leaky = 0
    if suspects is not None:
        proposals = _proposals(spec, dataset, suspects, settled)
        decisions |= proposals
        leaky = int(suspects.leaky[list(proposals)].sum()) if proposals else 0
    return Plan(dataset, dict(sorted(decisions.items())), settled, tuple(reviewers or known), leaky)


def proposing(spec: CleanSpec, dataset: Dataset, store: Store) -> Suspects | None:
    """Open the search for suspects a spec names; ``None`` where it names none.

    Raises
    ------
    SpecError
        There is no such run, or it ranked other images than the dataset holds now.
    """
    if not spec.suspects:
        return None
    suspects = open_suspects(store.named("suspects", spec.suspects))
    if suspects.spec.dataset != dataset.name:
        raise SpecError(f"{spec.suspects} ranks {suspects.spec.dataset!r}, not {dataset.name!r}; name a run of that")
    if suspects.artifact.manifest["content"].get("rows") != dataset.fingerprint:
        raise SpecError(f"{dataset.name} has changed since {spec.suspects} ranked it; run suspects again")
    return suspects


def summary(plan: Plan) -> dict[str, Any]:
    """Return what changed as plain values, for a manifest."""
    return {
        "reviewers": list(plan.reviewers),
        "judged": plan.settled.opinions,
        "disputed": len(plan.settled.disputed),
        "gone": plan.settled.gone,
        "counts": plan.counts,
        "by": plan.by,
        "relabelled": [[before, after, count] for (before, after), count in plan.relabelled.items()],
        "dropped": dict(sorted(Counter(plan.dropped.values()).items())),
        "leaky_proposals": plan.leaky,
    }


def notes(plan: Plan, left: np.ndarray) -> list[str]:
    """Say what a reader of the cleaned dataset must know; ``left`` holds the labels of the images it keeps."""
    dataset, settled, said = plan.dataset, plan.settled, []
    if settled.gone:
        said.append(f"{settled.gone:,} judged images are gone from {dataset.name} and were passed over")
    kept = plan.counts.get("disputed kept", 0)
    if kept:
        said.append(f"{kept:,} disputed images keep their label")
    proposals = len(plan.proposed)
    if proposals:
        said.append(f"{proposals:,} images were changed as a search for suspects proposes, judged by nobody")
    if plan.leaky:
        said.append(
            f"{plan.leaky:,} of those proposals are on images that the encoder was trained on; it has learned their "
            "labels, so what it proposes there is less sure"
        )
    emptied = [name for name in dataset.classes if name not in set(left.tolist())]
    if emptied:
        said.append(f"no image is labelled {', '.join(emptied)} any more")
    if not plan.dropped and not plan.relabelled:
        said.append("the verdicts change no label and drop no image: the dataset is its parent under another name")
    return said


def new_labels(plan: Plan) -> np.ndarray:
    """Return every image's label after cleaning, str objects ``(N,)``; dropped ones keep theirs."""
    labels = plan.dataset.labels.copy()
    for row, decision in plan.decisions.items():
        labels[row] = decision.label
    return labels


def _agreed(spec: CleanSpec, dataset: Dataset, row: int, verdict: Verdict, by: str = "verdict") -> Decision:
    label = str(dataset.labels[row])
    if verdict.action in (KEEP, RELABEL):
        return Decision("kept" if verdict.after == label else "relabelled", verdict.after, False, by)
    return _faulty(spec, label, _OPINIONS[verdict.action], by)


def _faulty(spec: CleanSpec, label: str, kind: str, by: str) -> Decision:
    dropped = (spec.ambiguous if kind == "ambiguous" else spec.not_a_face) == "drop"
    return Decision(kind if dropped else f"{kind} kept", label, dropped, by)


def _disputed(spec: CleanSpec, dataset: Dataset, row: int, found: Mapping[str, Verdict]) -> Decision:
    label = str(dataset.labels[row])
    if spec.disputed == "drop":
        return Decision("disputed", label, True, "verdict")
    votes = Counter(verdict.opinion for verdict in found.values()).most_common()
    if spec.disputed == "majority" and votes[0][1] > votes[1][1]:
        winner = next(verdict for verdict in found.values() if verdict.opinion == votes[0][0])
        return _agreed(spec, dataset, row, winner, "majority")
    return Decision("disputed kept", label, False, "verdict")


def _proposals(spec: CleanSpec, dataset: Dataset, suspects: Suspects, settled: Settled) -> dict[int, Decision]:
    """Return what a search proposes for images that nobody has judged, where it would change something."""
    found = {}
    sure = np.flatnonzero(np.nan_to_num(suspects.scores, nan=-1.0) >= spec.above)
    for row in sure[suspects.bins[sure] > 0].tolist():
        if row in settled.judged:
            continue
        label, proposed = str(dataset.labels[row]), int(suspects.proposed[row])
        if suspects.bins[row] == _WRONG:
            if proposed >= 0 and suspects.classes[proposed] != label:
                found[row] = Decision("relabelled", suspects.classes[proposed], False, "proposal")
            continue
        decision = _faulty(spec, label, BINS[suspects.bins[row]], "proposal")
        if decision.dropped:
            found[row] = decision
    return found
