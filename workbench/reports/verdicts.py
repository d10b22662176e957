"""Reports of verdicts: who judged what, and how far reviewers agree."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.reports.base import Report, Table, decimals, share
from workbench.store import Store

if TYPE_CHECKING:
    from workbench.data.verdicts import Verdict


def verdicts(store: Store, dataset: str, last: int = 20) -> Report:
    """Report a dataset's verdicts: counts by reviewer, agreement, disputes, and the last rows."""
    from workbench.data.datasets import open_dataset
    from workbench.data.verdicts import VERDICTS, Verdicts

    found, opened = Verdicts(store), open_dataset(store, dataset)
    rows, settled, agreement = found.rows(dataset), found.settled(opened), found.agreement(dataset)
    names = sorted({row.reviewer for row in rows})
    counts = {name: found.progress(dataset, name) for name in names}
    by_reviewer = [[name, *(counts[name][verdict] for verdict in VERDICTS)] for name in names]
    parts: list[Table | str] = [
        f"{dataset}: {len(settled.judged):,} of {len(opened):,} images judged, {len(settled.disputed):,} disputed",
        Table(["reviewer", *VERDICTS], by_reviewer),
    ]
    if agreement.pairs:
        pairs = [[p.first, p.second, p.both, share(p.equal), decimals(p.kappa, 2)] for p in agreement.pairs]
        parts.append(Table(["reviewer", "and", "judged by both", "equal (%)", "Cohen's kappa"], pairs))
    if settled.gone:
        parts.append(f"note: {settled.gone:,} judged images are not in {dataset} any more")
    parts.append(_rows(rows[-last:], f"The last {min(last, len(rows))} of {len(rows):,} rows"))
    values = {
        "dataset": dataset,
        "images": len(opened),
        "judged": len(settled.judged),
        "agreed": len(settled.agreed),
        "disputed": len(settled.disputed),
        "gone": settled.gone,
        "reviewers": counts,
        "pairs": [
            {name: None if value != value else value for name, value in dataclasses.asdict(pair).items()}
            for pair in agreement.pairs
        ],
        "rows": [dataclasses.asdict(row) for row in rows],
    }
    return Report(values, parts)


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
