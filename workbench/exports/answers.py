"""What a classifier answered to pictures, as a table."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from workbench.exports.suspects import check_target
from workbench.files import disk_errors, write_bytes
from workbench.studies.answer import Answers


def answers_csv(found: Answers) -> bytes:
    """Return a row a picture: ``picture``, ``seen`` (face or whole), ``answer``, then each class's probability."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["picture", "seen", "answer", *found.classes])
    for path, face, row in zip(found.pictures, found.found, found.probabilities, strict=True):
        best = found.classes[int(row.argmax())]
        writer.writerow([str(path), "face" if face else "whole", best, *(f"{value:.6f}" for value in row)])
    return table.getvalue().encode()


def write_answers(found: Answers, path: Path) -> None:
    """Write :func:`answers_csv` to a file that is not there yet; errors as :func:`check_target`, or a full disk."""
    check_target(path)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, answers_csv(found))
