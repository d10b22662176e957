"""Reports of verdicts: who judged what, and how far reviewers agree."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.reports.base import Report, Table, decimals, share
from workbench.store import Store

if TYPE_CHECKING:
    from workbench.data.verdicts import Settled, Verdict


def verdicts(store: Store, dataset: str, last: int = 20) -> Report:
    """Report a dataset's verdicts: counts by reviewer, agreement, disputes, and the last rows."""
    from workbench.data.datasets import open_dataset
    from workbench.data.verdicts import SKIP, VERDICTS, Verdicts, blindness

    found, opened = Verdicts(store), open_dataset(store, dataset)
    rows, settled, agreement = found.rows(dataset), found.settled(opened), found.agreement(dataset)
    names = sorted({row.reviewer for row in rows})
    counts = {name: found.progress(dataset, name) for name in names}
    by_reviewer = [
        [name, sum(counts[name].values()) - counts[name][SKIP], *(counts[name][verdict] for verdict in VERDICTS)]
        for name in names
    ]
    parts: list[Table | str] = [
        _summary(dataset, len(opened), settled),
        Table(["reviewer", "judged", *VERDICTS], by_reviewer),
    ]
    if agreement.pairs:
        pairs = [[p.first, p.second, p.both, share(p.equal), _ranged(p.kappa, p.interval)] for p in agreement.pairs]
        parts.append(Table(["reviewer", "and", "judged by both", "equal (%)", "Cohen's kappa"], pairs))
    if agreement.verdicts:
        alpha = _ranged(agreement.alpha, agreement.interval) or "not defined"
        parts.append(
            f"Krippendorff's alpha over {agreement.images:,} images judged by several: {alpha}; 95 % intervals of a "
            f"bootstrap of the images. {blindness(agreement)}"
        )
    if settled.gone:
        parts.append(f"note: judged images that are not in {dataset} any more: {settled.gone:,}")
    parts.append(_rows(rows[-last:], f"The last {min(last, len(rows))} of {len(rows):,} rows"))
    values = {
        "dataset": dataset,
        "images": len(opened),
        "judged": settled.opinions,
        "judged_by_one": len(settled.alone),
        "agreed": len(settled.shared),
        "disputed": len(settled.disputed),
        "skipped": len(settled.judged) - settled.opinions,
        "gone": settled.gone,
        "reviewers": counts,
        "pairs": [_plain(pair) for pair in agreement.pairs],
        "alpha": _plain({"value": agreement.alpha, "interval": agreement.interval, "images": agreement.images}),
        "verdicts_on_those": {"all": agreement.verdicts, "blind": agreement.blind},
        "rows": [dataclasses.asdict(row) for row in rows],
    }
    return Report(values, parts)


def _summary(dataset: str, images: int, settled: Settled) -> str:
    """Return who judged how much together, as one line; a skip is no opinion."""
    skipped = len(settled.judged) - settled.opinions
    both = len(settled.shared) + len(settled.disputed)
    line = (
        f"{dataset}: {settled.opinions:,} of {images:,} images judged, {len(settled.alone):,} by one reviewer and "
        f"{both:,} by several, who agree on {len(settled.shared):,} and differ on {len(settled.disputed):,}"
    )
    return f"{line}; {skipped:,} only skipped" if skipped else line


def _ranged(value: float, interval: tuple[float, float]) -> str:
    ends = f" ({decimals(interval[0], 2)} to {decimals(interval[1], 2)})" if interval[0] == interval[0] else ""
    return decimals(value, 2) + ends


def _plain(value: Any) -> Any:
    """Return plain values in which what is not a number is ``None``."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and value != value else value


def appended(rows: Sequence[Verdict]) -> Report:
    """Report rows that were just written."""
    return Report({"rows": [dataclasses.asdict(row) for row in rows]}, [_rows(rows, "")])


def _rows(rows: Sequence[Verdict], title: str) -> Table:
    lines = [
        [row.number, _when(row.time), row.reviewer, row.image, row.action, row.before, row.after, row.source]
        for row in rows
    ]
    return Table(["row", "when", "who", "image", "verdict", "before", "after", "by"], lines, title)


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
