"""``workbench verdicts``: what reviewers said, from the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench import reports
from workbench.errors import SpecError
from workbench.progress import Console
from workbench.store import Store


def add_verdict_commands(verdicts: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    """Give ``workbench verdicts`` its commands."""
    commands = verdicts.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, help_text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_text, description=help_text, parents=[common])
        added.set_defaults(command=_COMMANDS[name])
        added.add_argument("dataset", metavar="DATASET", help="name of a dataset in the workspace")
        return added

    shown = add("list", "what reviewers said of a dataset, and how far they agree")
    shown.add_argument("--last", type=int, default=20, metavar="N", help="rows shown (default: 20)")
    judged = add("add", "judge one image")
    judged.add_argument("image", metavar="ID", help="the image's id")
    judged.add_argument("verdict", metavar="VERDICT", help="keep, relabel, ambiguous, not-a-face or skip")
    judged.add_argument("--to", default="", metavar="CLASS", help="the class to relabel to")
    judged.add_argument("--reviewer", required=True, metavar="NAME", help="who judges")
    undone = add("undo", "take a reviewer's last verdicts back (they stay on record)")
    undone.add_argument("--reviewer", required=True, metavar="NAME", help="whose verdicts")
    undone.add_argument("--count", type=int, default=1, metavar="N", help="how many (default: 1)")
    written = add("export", "write verdicts (.csv), or the cleaned dataset (.parquet, or a folder of classes)")
    written.add_argument("--out", type=Path, required=True, metavar="FILE|DIR", help="where to")
    written.add_argument("--force", action="store_true", help="write over what is there")


def _list(options: argparse.Namespace, store: Store) -> reports.Report:
    return reports.verdicts(store, options.dataset, max(1, options.last))


def _add(options: argparse.Namespace, store: Store) -> reports.Report:
    from workbench.data.datasets import open_dataset
    from workbench.data.verdicts import RELABEL, Entry, Verdicts

    if options.to and options.verdict != RELABEL:
        raise SpecError(f"--to {options.to} goes with the verdict {RELABEL}, not with {options.verdict}")
    entry = Entry(options.image, options.reviewer, options.verdict, options.to, source="command line")
    return reports.appended(Verdicts(store).add(open_dataset(store, options.dataset), [entry]))


def _undo(options: argparse.Namespace, store: Store) -> reports.Report:
    from workbench.data.datasets import open_dataset
    from workbench.data.verdicts import Verdicts

    dataset = open_dataset(store, options.dataset)
    return reports.appended(Verdicts(store).undo(options.reviewer, dataset.name, options.count))


def _export(options: argparse.Namespace, store: Store) -> reports.Report:
    from workbench.data.datasets import open_dataset
    from workbench.exports.verdicts import write_verdicts

    dataset, progress = open_dataset(store, options.dataset), Console()
    try:
        line = write_verdicts(dataset, store, options.out, options.force, progress)
    finally:
        progress.close()
    return reports.Report({"dataset": dataset.name, "path": str(options.out), "written": line}, [line])


_COMMANDS = {"list": _list, "add": _add, "undo": _undo, "export": _export}
