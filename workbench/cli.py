"""The command line: parsing only; what a command prints is made in workbench.reports."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from workbench import __version__, reports
from workbench.errors import Cancelled, WorkbenchError
from workbench.progress import Console
from workbench.specs import AGGREGATES, ClassifySpec, DemoSpec, EmbedSpec, ImportSpec, Spec, read_spec
from workbench.store import Store

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
        sys.stderr.write(f"\nworkbench: {stop or 'interrupted; finished parts are kept'}\n")
        return EXIT_INTERRUPTED
    except WorkbenchError as error:
        sys.stderr.write(f"workbench: {error}\n")
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

    bring = add("import", "bring a source of images into the workspace", _study)
    bring.add_argument("source", metavar="SOURCE", help="folder, fer2013.csv, Parquet file or hf:owner/name")
    bring.add_argument("--name", required=True, help="the dataset's name")
    bring.add_argument(
        "--outside-labels",
        default="keep",
        metavar="CHOICE",
        help='labels outside the seven classes: keep, drop, or a mapping such as "contempt=disgust"',
    )
    bring.set_defaults(spec=lambda o: ImportSpec(o.source, o.name, o.outside_labels))

    embed = add("embed", "encode a dataset's images with a CLIP", _study)
    _add_dataset_and_clip(embed)
    embed.add_argument("--engine", default="local", help="where batches run (default: local)")
    embed.set_defaults(spec=lambda o: EmbedSpec(o.dataset, o.clip, o.engine))

    classify = add("classify", "classify a dataset zero-shot with a concept set", _study)
    _add_dataset_and_clip(classify)
    classify.add_argument("--concepts", default="fer7", metavar="SET", help="concept set (default: fer7)")
    classify.add_argument("--aggregate", default="", metavar="|".join(AGGREGATES), help="default: the set's own")
    classify.add_argument("--top-k", type=int, default=3, help="ranked classes kept for each image (default: 3)")
    classify.add_argument("--split", default="", help="show this split only (all are computed and stored)")
    classify.set_defaults(spec=lambda o: ClassifySpec(o.dataset, o.clip, o.concepts, o.aggregate, o.top_k))

    run = add("run", "run the study that a TOML file describes", _run)
    run.add_argument("file", type=Path, metavar="SPEC.toml")
    run.add_argument("--job", type=int, help=argparse.SUPPRESS)


def _add_lists(add: Callable[..., argparse.ArgumentParser]) -> None:
    add("datasets", "list the datasets", lambda _, store: reports.datasets(store))
    artifacts = add("artifacts", "list the stored results", _artifacts)
    artifacts.add_argument("--verify", action="store_true", help="check every byte against the manifests")
    jobs = add("jobs", "list the app's jobs", lambda options, store: reports.jobs(store, options.cancel))
    jobs.add_argument("--cancel", type=int, metavar="ID", help="stop this job; finished parts are kept")
    health = add("health", "corrupt, blank, duplicate and leaking images of a dataset", _health)
    health.add_argument("dataset", metavar="DATASET")
    concepts = add("concepts", "list the bundled concept sets, or check and show one", _concepts)
    concepts.add_argument("set", nargs="?", default="", metavar="SET", help="bundled name, .yaml or .txt file")


def _add_dataset_and_clip(target: argparse.ArgumentParser) -> None:
    target.add_argument("dataset", metavar="DATASET")
    clip_help = "face-clip (default), MODEL/WEIGHTS, hf-hub:owner/name or local-dir:PATH"
    target.add_argument("--clip", default="face-clip", metavar="SPEC", help=clip_help)


def _add_server(target: argparse.ArgumentParser) -> None:
    target.add_argument("--port", type=int, help="default: 8501, or the next free one")
    target.add_argument("--no-browser", action="store_true", help="print the address, open no browser")


def _execute(spec: Spec, store: Store, split: str = "") -> reports.Report:
    from workbench.studies import run_study

    progress = Console()
    try:
        result = run_study(spec, store, progress)
    finally:
        progress.close()
    return reports.of_result(spec, result, store, split)


def _study(options: argparse.Namespace, store: Store) -> reports.Report:
    return _execute(options.spec(options), store, getattr(options, "split", ""))


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


def _concepts(options: argparse.Namespace, store: Store) -> reports.Report:
    del store
    return reports.concepts(options.set)
