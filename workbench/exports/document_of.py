"""Any stored result as one HTML file: what came out, figures, what the numbers mean, what was asked for, of what."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import tomli_w

from workbench import reports
from workbench.data.datasets import open_dataset
from workbench.definitions.results import DEFINITIONS
from workbench.errors import SpecError, WorkbenchError, unknown_name
from workbench.exports.document_figures import figures_of
from workbench.exports.score import score_html
from workbench.figures.document import Document
from workbench.files import disk_errors, write_bytes
from workbench.specs import SPECS
from workbench.store import Artifact, Store
from workbench.studies.scoring import KIND as SCORE
from workbench.studies.scoring import open_score, source_of

NOTE, STORED = "note: ", "stored as "
"""What lines of a report begin with that a document shows elsewhere."""
LIBRARIES = (
    "expression-workbench", "numpy", "scipy", "scikit-learn", "torch", "torchvision", "open-clip-torch", "timm",
    "pillow", "plotly",
)  # fmt: skip
TITLES: Mapping[str, str] = {
    "classification": "Classification",
    "score-table": "Scores of videos",
    "angles": "Angles between classes",
    "comparison": "Comparison",
    "coop": "Learned prompts",
    "trained": "Trained network",
}
"""What kinds are called where their own name will not do."""


def find_result(name: str, store: Store) -> Artifact:
    """Return the stored result that a name means.

    Parameters
    ----------
    name : str
        ``kind/name``, or a name alone; the beginning of a name will do, or its hash.
    store : Store
        The workspace.

    Raises
    ------
    SpecError
        There is no such result among the kinds that have a report, or the name fits several; the text lists them.
    """
    kind, slash, rest = name.partition("/")
    if slash:
        if kind not in reports.KINDS:
            raise unknown_name("kind of result", kind, reports.KINDS)
        return store.named(kind, rest)
    every = {each.reference: each for kind in reports.KINDS for each in store.artifacts(kind)}
    names = {reference: each.name for reference, each in every.items()}
    found = [each for each in names if names[each] == name] or [
        each for each in names if name and (names[each].startswith(name) or names[each].endswith(f"-{name}"))
    ]
    if not found:
        raise unknown_name("result", name, every)
    if len(found) > 1:
        raise SpecError(f"{name!r} fits {len(found)} results: {', '.join(sorted(found))}; name one in full")
    return every[found[0]]


def document_of(artifact: Artifact, store: Store) -> str:
    """Return a stored result's report as one HTML file that opens without a network.

    Parameters
    ----------
    artifact : Artifact
        Of one of :data:`workbench.reports.KINDS`.
    store : Store
        The workspace, for the dataset's fingerprint, the labels on a map, and the frames of a score's video.

    Raises
    ------
    SpecError
        There are no reports of that kind.
    DamagedArtifactError
        A part of it is not what was written.
    """
    if artifact.kind not in reports.KINDS:
        raise unknown_name("kind of result", artifact.kind, reports.KINDS)
    if artifact.kind == SCORE:
        score = open_score(artifact)
        return score_html(score, source_of(score, store))
    document = Document(title_of(artifact)).text(artifact.reference)
    tables = _opening(document, artifact)
    for place, (heading, figure) in enumerate(figures_of(artifact, store)):
        if place == 0:
            document.heading("In pictures")
        document.heading(heading, 3).figure(figure)
    _numbers(document, tables)
    document.heading("What the numbers mean").definitions(DEFINITIONS[artifact.kind])
    _asked(document, artifact)
    _origin(document, artifact, store)
    return document.versions(LIBRARIES).html()


def title_of(artifact: Artifact) -> str:
    """Return a result in a few words: its kind and the dataset, or the file, that it is of."""
    kind = TITLES.get(artifact.kind, artifact.kind.replace("-", " ").capitalize())
    of = str(artifact.summary.get("dataset") or artifact.spec.get("dataset") or artifact.spec.get("run") or "")
    return f"{kind} of {of}" if of else kind


def write_document(artifact: Artifact, store: Store, path: Path, force: bool = False) -> int:
    """Write a result's report to a file and return its size in bytes.

    Raises
    ------
    SpecError
        The file's name does not end in ``.html``, or it is there already and ``force`` is not given.
    StoreError
        The file cannot be written.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise SpecError(f"{path}: a report is an HTML file; let its name end in .html")
    if path.exists() and not force:
        raise SpecError(f"{path} is there already; choose another name, or add --force to replace it")
    data = document_of(artifact, store).encode("utf-8")
    with disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, data)
    return len(data)


def _opening(document: Document, artifact: Artifact) -> list[reports.Table | str]:
    """Add the report's first line and what a reader must not miss; return the rest of the report."""
    whole = reports.of_artifact(artifact).parts
    rest = [part for part in whole if not _elsewhere(part)]
    if rest and isinstance(rest[0], str):
        document.text(rest[0])
        rest = rest[1:]
    for line in whole:
        if isinstance(line, str) and line.startswith(NOTE):
            document.note(line.removeprefix(NOTE))
    return rest


def _numbers(document: Document, parts: list[reports.Table | str]) -> None:
    """Add the report's tables and the lines between them."""
    if parts:
        document.heading("In numbers")
    for part in parts:
        if isinstance(part, str):
            document.text(part)
            continue
        if part.title:
            document.heading(part.title, 3)
        document.table(part.head, part.cells)
        if not part.rows:
            document.text("(none)")


def _elsewhere(part: object) -> bool:
    return isinstance(part, str) and part.startswith((NOTE, STORED))


def _asked(document: Document, artifact: Artifact) -> None:
    """Add the spec; of videos only their names, as where they lay is nobody else's business."""
    spec = dict(artifact.spec)
    if artifact.kind == "score-table":
        spec |= {name: PurePosixPath(str(spec[name])).name for name in ("video", "reported") if spec.get(name)}
    again = "workbench run FILE, with a file that holds:" if spec.get("kind") in SPECS else "It was made with:"
    document.heading("How to make it again").text(again).spec(tomli_w.dumps(spec))


def _origin(document: Document, artifact: Artifact, store: Store) -> None:
    """Say of what it was made, when, and how it can be told from another."""
    content: Mapping[str, Any] = artifact.manifest["content"]
    made = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(artifact.created))
    rows = [("Stored as", artifact.reference), ("Made", made), ("Digest", str(artifact.manifest.get("digest", "")))]
    rows += _dataset(artifact, store)
    marks = {"clip": "CLIP", "network": "Network", "target": "Network", "classifier": "Classifier"}
    rows += [(f"Fingerprint of the {title}", str(content[name])) for name, title in marks.items() if content.get(name)]
    document.heading("Of what, and when").table(["", ""], rows)
    document.text(
        "Made on the day above; the versions below are those that wrote this report. It holds everything it shows and "
        "asks for nothing from outside."
    )


def _dataset(artifact: Artifact, store: Store) -> list[tuple[str, str]]:
    """Return the dataset with its fingerprint when the result was made, and whether it is still the same."""
    content = artifact.manifest["content"]
    name = str(artifact.summary.get("dataset") or artifact.spec.get("dataset") or "")
    if not name:
        return []
    made_of = str(content.get("rows", ""))
    rows = [("Dataset", name)]
    try:
        dataset = open_dataset(store, name)
    except WorkbenchError:
        now, words = "", "no longer in the workspace"
    else:
        now, words = dataset.fingerprint, f"{len(dataset):,} images"
        if made_of and not isinstance(content["rows"], list) and now != made_of:
            words += "; it has changed since"
    rows[0] = ("Dataset", f"{name}: {words}")
    if made_of or now:
        rows.append(("Fingerprint of the dataset", made_of or now))
    return rows
