"""The command line: parsing only; what a command prints is made in workbench.reports."""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from workbench import __version__, reports
from workbench.command_help import CLASSIFIER, STUDY_COMMANDS, TARGET, WEIGHTS
from workbench.errors import Cancelled, SpecError, WorkbenchError
from workbench.progress import Console, Progress
from workbench.specs import ClassifySpec, CompareSpec, DemoSpec, PredictSpec, ScoreSpec, Spec, SuspectsSpec, read_spec
from workbench.store import Store
from workbench.verdict_commands import add_verdict_commands

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``workbench``; default those of the process.

    Returns
    -------
    int
        0 when done, 2 for bad input (one line on standard error), 130 when interrupted. A bug raises.
    """
    options = parser().parse_args(arguments)
    store = Store(Path(options.workspace))
    try:
        store.check()
        report = options.command(options, store)
    except (Cancelled, KeyboardInterrupt) as stop:
        sys.stderr.write(f"\nworkbench: {str(stop) or 'interrupted; finished parts are kept'}\n")
        return EXIT_INTERRUPTED
    except WorkbenchError as error:
        sys.stderr.write(f"workbench: {' '.join(str(error).split())}\n")  # a file's name may hold a line's end
        return EXIT_USAGE
    if report is not None:
        sys.stdout.write(report.json() if options.json else report.text())
    return 0


def parser() -> argparse.ArgumentParser:
    """Build the parser of every command."""
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    _add_common(common)
    top = argparse.ArgumentParser(prog="workbench", description="Look into facial-expression recognition with CLIP.")
    _add_common(top)
    top.set_defaults(workspace=os.environ.get("WORKBENCH_HOME") or "workspace", json=False)
    top.add_argument("--version", action="version", version=f"workbench {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, help_text: str, command: Callable[..., reports.Report | None]) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_text, description=help_text, parents=[common])
        added.set_defaults(command=command)
        return added

    _add_work(add)
    _add_lists(add)
    verdicts_help = "what reviewers said of images: list, add, undo, export"
    verdicts = commands.add_parser("verdicts", help=verdicts_help, description=verdicts_help, parents=[common])
    add_verdict_commands(verdicts, common)
    return top


def _add_common(target: argparse.ArgumentParser) -> None:
    target.add_argument("--workspace", metavar="DIR", help="the workspace (default: $WORKBENCH_HOME, else ./workspace)")
    target.add_argument("--json", action="store_true", help="print the result as JSON")


def _add_work(add: Callable[..., argparse.ArgumentParser]) -> None:
    demo = add("demo", "build the demo workspace, run every study on it, open the app", _demo)
    demo.add_argument("--seed", type=int, default=0, help="seed of the rendered faces")
    demo.add_argument("--count", type=int, default=3000, help="number of images")
    demo.add_argument("--no-app", action="store_true", help="build only, do not open the app")
    _add_server(demo)
    _add_server(add("app", "open the app in the browser", _app))

    for spec_type, (name, help_text, options) in STUDY_COMMANDS.items():
        _add_spec_options(add(name, help_text, _study), spec_type, options)

    answer = add("answer", "what a classifier says of pictures of your own; nothing is stored", _answer)
    answer.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE", help="a picture, or a folder of them")
    answer.add_argument("--model", default=PredictSpec.model, help=CLASSIFIER)
    answer.add_argument("--weights", default="", metavar="FILE", help=WEIGHTS)
    answer.add_argument("--faces", default="auto", help="auto (the largest face, else all of it), largest or whole")
    answer.add_argument("--out", type=Path, metavar="FILE.csv", help="write every class's probability there")

    run = add("run", "run the study that a TOML file describes", _run)
    run.add_argument("file", type=Path, metavar="SPEC.toml")
    run.add_argument("--job", type=int, help=argparse.SUPPRESS)


def _add_lists(add: Callable[..., argparse.ArgumentParser]) -> None:
    add("datasets", "list the datasets", lambda _, store: reports.datasets(store))
    artifacts = add("artifacts", "list the stored results", _artifacts)
    artifacts.add_argument("--verify", action="store_true", help="check every byte against the manifests")
    report = add("report", "show a stored result again, or write it as one HTML file that opens offline", _report)
    report.add_argument("result", metavar="KIND/NAME", help="as `workbench artifacts` lists it, or the beginning of it")
    report.add_argument("--out", type=Path, metavar="FILE.html", help="write the report there, figures and all")
    report.add_argument("--force", action="store_true", help="replace a file that is there")
    jobs = add("jobs", "list the app's jobs", lambda options, store: reports.jobs(store, options.cancel))
    jobs.add_argument("--cancel", type=int, metavar="ID", help="stop this job; finished parts are kept")
    layers = add("layers", "list a network's layers", _layers)
    layers.add_argument("target", metavar="TARGET", help=TARGET)
    layers.add_argument("--weights", default="", metavar="FILE", help=WEIGHTS)
    health = add("health", "corrupt, blank, duplicate and leaking images of a dataset", _health)
    health.add_argument("dataset", metavar="DATASET")
    concepts = add("concepts", "list the bundled concept sets, or check and show one", _concepts)
    concepts.add_argument("set", nargs="?", default="", metavar="SET", help="bundled name, .yaml or .txt file")


def _add_spec_options(target: argparse.ArgumentParser, spec_type: type[Spec], options: dict[str, str]) -> None:
    """Give a command the fields of its spec: the first (of two runs both) by its place, all others as options."""
    fields = dataclasses.fields(spec_type)
    target._negative_number_matcher = re.compile(r"^-[\d.]")  # so that -1e9 and -5,-1 are values, not options
    for place, field in enumerate(fields):
        flag = "--" + field.name.replace("_", "-")
        if field.default is not dataclasses.MISSING:
            kind = type(field.default)
            shown = f" (default: {field.default})" if field.default != "" else ""
            metavar = {str: "TEXT", int: "N", float: "X"}[kind]
            target.add_argument(
                flag, type=kind, default=field.default, metavar=metavar, help=options[field.name] + shown
            )
        elif place == 0 or spec_type is CompareSpec:
            target.add_argument(field.name, metavar=field.name.upper(), help=options[field.name])
        else:
            target.add_argument(flag, required=True, metavar="TEXT", help=options[field.name])
    if spec_type in (ClassifySpec, PredictSpec):
        target.add_argument("--split", default="", help="show this split only (all are computed and stored)")
    if spec_type is ScoreSpec:
        target.add_argument("--out", type=Path, metavar="DIR", help="write tables, summary and HTML report there")
        target.add_argument("--annotated", action="store_true", help="with --out: write the annotated video as well")
    if spec_type is SuspectsSpec:
        target.add_argument("--out", type=Path, metavar="FILE.csv", help="write every image there, most doubtful first")
    target.set_defaults(spec=lambda o: spec_type(**{field.name: getattr(o, field.name) for field in fields}))


def _add_server(target: argparse.ArgumentParser) -> None:
    target.add_argument("--port", type=int, help="default: 8501, or the next free one")
    target.add_argument("--no-browser", action="store_true", help="print the address, open no browser")


Write = Callable[[str, Progress], object]


class _Telling(Console):
    """Keeps notes back until the report is there, which ends with those of the result; a wait is told at once."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[str] = []

    def note(self, message: str) -> None:
        if message.startswith("waiting for "):
            super().note(message)
        else:
            self._kept.append(message)

    def tell(self, report: reports.Report | None = None) -> None:
        """Tell what was kept back and does not stand in the report."""
        known = report.parts if report is not None else ()
        for message in self._kept:
            if f"note: {message}" not in known:
                super().note(message)
        self._kept = []


def _execute(spec: Spec, store: Store, split: str = "", write: Write | None = None) -> reports.Report:
    from workbench.studies import run_study

    progress = Console() if isinstance(spec, DemoSpec) else _Telling()  # a demo's notes are of many results
    report = None
    try:
        result = run_study(spec, store, progress)
        if write is not None:
            write(result, progress)
        report = reports.of_result(spec, result, store, split)
    finally:
        progress.close()
        if isinstance(progress, _Telling):
            progress.tell(report)
    return report


def _study(options: argparse.Namespace, store: Store) -> reports.Report:
    spec = options.spec(options)
    write = None
    if isinstance(spec, ScoreSpec):
        write = _score_files(options, spec, store)
    elif isinstance(spec, SuspectsSpec):
        write = _suspects_file(options, store)
    return _execute(spec, store, getattr(options, "split", ""), write)


def _score_files(options: argparse.Namespace, spec: ScoreSpec, store: Store) -> Write | None:
    """Return what writes a score's files where they were asked for."""
    if options.out is None:
        if options.annotated:
            raise SpecError("--annotated goes with --out DIR, the folder to write to")
        return None
    from workbench.exports.score import write_results

    return lambda result, progress: write_results(result, store, options.out, spec.video, options.annotated, progress)


def _suspects_file(options: argparse.Namespace, store: Store) -> Write | None:
    """Return what writes the suspects' table where it was asked for."""
    if options.out is None:
        return None
    from workbench.exports.suspects import check_target, write_suspects
    from workbench.studies.suspicion import open_suspects

    check_target(options.out)  # before the work, not after it
    return lambda result, _: write_suspects(open_suspects(store.artifact(*result.split("/", 1))), options.out)


def _answer(options: argparse.Namespace, store: Store) -> reports.Report:
    from workbench.exports.answers import write_answers
    from workbench.exports.suspects import check_target
    from workbench.studies.answer import answer

    if options.out is not None:
        check_target(options.out)  # before the work, not after it
    progress = Console()
    try:
        chosen = {"weights": options.weights, "faces": options.faces}
        found = answer(options.pictures, options.model, store, **chosen, progress=progress)
    finally:
        progress.close()
    if options.out is not None:
        write_answers(found, options.out)
    return reports.answers(found)


def _run(options: argparse.Namespace, store: Store) -> reports.Report | None:
    if options.job is None:
        return _execute(read_spec(options.file), store)
    from workbench.jobs import Jobs

    Jobs(store).run(options.job)
    return None


def _demo(options: argparse.Namespace, store: Store) -> reports.Report | None:
    report = _execute(DemoSpec(options.seed, options.count), store)
    if options.no_app:
        return report
    sys.stderr.write(report.text())
    _app(options, store)
    return None


def _app(options: argparse.Namespace, store: Store) -> None:
    from workbench.app.launch import launch

    launch(store.root, port=options.port, open_browser=not options.no_browser)


def _health(options: argparse.Namespace, store: Store) -> reports.Report:
    return reports.health(store, options.dataset)


def _artifacts(options: argparse.Namespace, store: Store) -> reports.Report:
    return reports.artifacts(store, verify=options.verify)


def _report(options: argparse.Namespace, store: Store) -> reports.Report:
    from workbench.exports.document_of import find_result, write_document

    artifact = find_result(options.result, store)
    if options.out is None:
        return reports.of_artifact(artifact)
    return reports.written(options.out, write_document(artifact, store, options.out, options.force), artifact)


def _layers(options: argparse.Namespace, store: Store) -> reports.Report:
    return reports.layers(options.target, options.weights, store)


def _concepts(options: argparse.Namespace, store: Store) -> reports.Report:
    del store
    return reports.concepts(options.set)
