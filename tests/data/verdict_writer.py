"""A writer of verdicts as a process of its own: sends every token of a file that has not been acknowledged yet.

``python -m tests.data.verdict_writer WORKSPACE DATASET REVIEWER TOKENS ACKNOWLEDGED``: the tokens are ``token image
action`` a line; what the workspace acknowledged is appended to the last file, as a browser would note it.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from workbench.data.datasets import open_dataset
from workbench.data.verdicts import Entry, Verdicts
from workbench.store import Store

MOST = 25
"""The most verdicts sent at once: what a hand has typed while the ones before were on their way."""


def main(root: str, name: str, reviewer: str, tokens: str, acknowledged: str) -> None:
    """Send what is open."""
    store = Store(Path(root))
    dataset, verdicts = open_dataset(store, name), Verdicts(store)
    notes = Path(acknowledged)
    known = set(notes.read_text().split()) if notes.exists() else set()
    lines = [line.split() for line in Path(tokens).read_text().splitlines()]
    left = [Entry(image, reviewer, action, token=token) for token, image, action in lines if token not in known]
    draw = random.Random(reviewer)  # noqa: S311 - no secret
    with notes.open("a") as note:
        while left:
            count = draw.randint(1, MOST)
            batch, left = left[:count], left[count:]
            for verdict in verdicts.add(dataset, batch):
                note.write(f"{verdict.token}\n")
            note.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
