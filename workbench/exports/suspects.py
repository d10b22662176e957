"""A search for suspects as a CSV file: every doubted image with the reasons, most doubtful first."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from workbench.errors import SpecError
from workbench.files import disk_errors, write_bytes
from workbench.methods.suspects import BINS
from workbench.studies.suspicion import Suspects


def suspects_csv(found: Suspects) -> bytes:
    """Return a line an image with a score: id, split, label, bin, proposal, score, parts, class probabilities."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    parts = [name for name in found.parts if name not in BINS] + [name for name in found.parts if name in BINS]
    classes = found.classes
    writer.writerow(
        [
            "id",
            "split",
            "label",
            "bin",
            "proposed",
            "score",
            "encoder_has_seen_it",
            *parts,
            *(f"p {c}" for c in classes),
        ]
    )
    for row in found.queue():
        label, proposed = int(found.labels[row]), int(found.proposed[row])
        writer.writerow(
            [
                found.ids[row],
                found.splits[row],
                classes[label] if label >= 0 else "",
                BINS[int(found.bins[row])],
                classes[proposed] if proposed >= 0 else "",
                f"{found.scores[row]:.4f}",
                "yes" if found.leaky[row] else "no",
                *("" if (value := float(found.parts[name][row])) != value else f"{value:.4f}" for name in parts),
                *(f"{value:.4f}" for value in found.probabilities[row]),
            ]
        )
    return text.getvalue().encode()


def write_suspects(found: Suspects, path: Path) -> None:
    """Write :func:`suspects_csv` to a file that is not there yet.

    Raises
    ------
    SpecError
        The file is there already, or is not named ``.csv``.
    StoreError
        It cannot be written.
    """
    check_target(path)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, suspects_csv(found))


def check_target(path: Path) -> None:
    """Raise :class:`SpecError` where a table must not be written to ``path``."""
    if path.suffix.lower() != ".csv":
        raise SpecError(f"{path}: a table is written as .csv")
    with disk_errors(path):
        if path.exists() or path.is_symlink():
            raise SpecError(f"{path} is there already; choose another name")
