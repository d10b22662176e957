"""HTTP routes of the Review page: verdicts come in here, and the faces to judge go out.

::

    POST /api/verdicts                                       verdicts as JSON, acknowledged once they are on the disk
    GET  /api/review/<dataset>/<version>/<run>/<row>-...     what is thought of up to 24 faces
    GET  /api/alike/<dataset>/<version>/<run>/<row>-...      their copies and most similar images

``run`` is ``kind.name`` of a stored run, or ``-``. A verdict changes the workspace, so it is taken from this app's own
pages only: JSON with a header that other sites cannot send without asking first, from the same origin and host.
Everything sent may be sent again; see :mod:`workbench.data.verdicts`. What others said of an image is told to those
only who have just judged it.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workbench.app.review import opinions, workspace_mark
from workbench.app.review_faces import MOST_FACES, alike, faces
from workbench.app.routes import requested, version_of, workspace
from workbench.data.datasets import Dataset, open_dataset
from workbench.data.verdicts import BLIND, Entry, Verdict, Verdicts
from workbench.errors import InputError, SpecError, WorkbenchError
from workbench.specs import check_name
from workbench.store import Store

HEADER = "x-workbench"
"""The header that a page must send with verdicts; its value is the workspace's mark."""
MOST_BYTES = 256 << 10
MOST_ENTRIES = 500
_PRIVATE = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_TEXTS = ("token", "image", "digest", "reviewer", "action", "after", "undoes")
_opened: dict[tuple[str, str], Dataset] = {}


def review_address(kind: str, dataset: Dataset, reference: str) -> str:
    """Return where faces (``review``) or what is like them (``alike``) are asked for; rows are to follow."""
    run = urllib.parse.quote(reference.replace("/", ".", 1), safe="")
    return f"/api/{kind}/{dataset.name}/{version_of(dataset)}/{run}/"


async def take(request: Request) -> Response:
    """Take verdicts: ``{"dataset": name, "entries": [...]}`` gives ``{"saved": [...], "refused": [...]}``."""
    refusal = _stranger(request)
    if refusal:
        return _fault(refusal, 403)
    if request.headers.get(HEADER) != workspace_mark():
        return _fault("this page belongs to another workspace; its verdicts wait until that one is served again", 409)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return _fault("verdicts are sent as application/json", 415)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return _fault(f"more than {MOST_BYTES:,} bytes at once", 413)
    try:
        name, entries = _read(body)
    except InputError as error:
        return _fault(str(error), 400)
    return await run_in_threadpool(_save, name, entries)


def _stranger(request: Request) -> str:
    """Return what shows that a request is not from this app's own pages; empty where nothing does."""
    host, origin = request.headers.get("host", ""), request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != host:
        return "verdicts are taken from this app's own pages only"
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return "verdicts are taken from this app's own pages only"
    return "" if HEADER in request.headers else f"verdicts come with the header {HEADER}"


def _read(body: bytes) -> tuple[str, list[Entry]]:
    """Return the dataset's name and the entries of a request.

    Raises
    ------
    InputError
        It is not what a page sends.
    """
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError("this is no JSON") from error
    entries = asked.get("entries") if isinstance(asked, dict) else None
    name = asked.get("dataset") if isinstance(asked, dict) else None
    if not isinstance(name, str) or not isinstance(entries, list) or not 1 <= len(entries) <= MOST_ENTRIES:
        raise InputError(f'verdicts are {{"dataset": name, "entries": [1 to {MOST_ENTRIES} verdicts]}}')
    return name, [_entry(one) for one in entries]


def _entry(one: object) -> Entry:
    if not isinstance(one, dict):
        raise InputError("a verdict is an object with token, image, reviewer and action")
    texts: dict[str, Any] = {name: one.get(name, "") for name in _TEXTS}
    before, when, blind = one.get("before"), one.get("time"), one.get("blind", False)
    for name, value in {**texts, "before": before or ""}.items():
        if not isinstance(value, str) or not _is_text(value):
            raise InputError(f"a verdict's {name} is text")
    if when is not None and (isinstance(when, bool) or not isinstance(when, int | float)):
        raise InputError("a verdict's time is a number of seconds since 1970")
    if not isinstance(blind, bool):
        raise InputError("whether a verdict was given blind is true or false")
    source = f"app{BLIND * blind}"
    try:
        return Entry(**texts, before=before, time=None if when is None else float(when), source=source)
    except OverflowError as error:
        raise InputError("a verdict's time is a number of seconds since 1970") from error


def _is_text(value: str) -> bool:
    """Whether a text can be written down; JSON can spell halves of characters, which cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _save(name: str, entries: Sequence[Entry]) -> Response:
    """Add entries; where one cannot be, the others are added all the same."""
    store = Store(workspace())
    table, saved, refused = Verdicts(store), list[Verdict | None](), dict[str, str]()
    try:
        dataset = _dataset(store, name)
        try:
            saved = list(table.add(dataset, entries))
        except InputError:
            for entry in entries:
                try:
                    saved += table.add(dataset, [entry])
                except InputError as error:
                    refused[entry.token] = str(error)
        said = _others(table, dataset, [entry for entry in entries if entry.token not in refused])
    except SpecError as error:
        return _fault(str(error), 404)
    except WorkbenchError as error:
        return _fault(str(error), 503)
    done = [entry.token for entry in entries if entry.token not in refused]
    found = [{"token": token, "error": line} for token, line in refused.items()]
    return JSONResponse({"saved": done, "refused": found, "others": said}, headers=_PRIVATE)


def _others(table: Verdicts, dataset: Dataset, entries: Sequence[Entry]) -> dict[str, list[list[str]]]:
    """Return by image id what other reviewers say of the images that were just judged."""
    asked = {entry.image: entry.reviewer for entry in entries if entry.action not in ("undo", "skip")}
    said: dict[str, list[list[str]]] = {}
    for (_, image), found in table.current(dataset.name, asked).items():
        own = asked.get(image)
        others = [[name, one.action, one.after] for name, one in sorted(found.items()) if name != own]
        if others and own in found:
            said[image] = others
    return said


def _dataset(store: Store, name: str) -> Dataset:
    """Return a dataset, opened again only where it has changed."""
    manifest = store.datasets_dir / check_name(name) / "manifest.json"
    stamp = str(manifest.stat().st_mtime_ns) if manifest.is_file() else ""
    key = str(manifest), stamp
    if key not in _opened:
        _opened.clear()
        _opened[key] = open_dataset(store, name)
    return _opened[key]


def _answer(request: Request, make: Callable[[Dataset, str, list[int]], list[dict[str, Any]]]) -> Response:
    try:
        dataset, rows = requested(request)
        if len(rows) > MOST_FACES:
            raise SpecError(f"up to {MOST_FACES} faces at once")
        reference = request.path_params["run"].replace(".", "/", 1)
        found: Sequence[Mapping[str, Any]] = make(dataset, reference, rows)
    except WorkbenchError as error:
        return _fault(str(error), 404)
    return JSONResponse(found, headers=_PRIVATE)


def review(request: Request) -> Response:
    """Answer with what is thought of faces."""
    return _answer(request, lambda dataset, reference, rows: faces(dataset, opinions(dataset, reference), rows))


def like(request: Request) -> Response:
    """Answer with what is like them."""
    return _answer(
        request, lambda dataset, reference, rows: alike(Store(workspace()), dataset, _known(dataset, reference), rows)
    )


def _known(dataset: Dataset, reference: str) -> str:
    return opinions(dataset, reference).reference


def _fault(line: str, status: int) -> Response:
    return JSONResponse({"error": line}, status_code=status, headers=_PRIVATE)


VERDICT_ROUTES = [
    Route("/api/verdicts", take, methods=["POST"]),
    Route("/api/review/{dataset}/{version}/{run}/{rows}", review),
    Route("/api/alike/{dataset}/{version}/{run}/{rows}", like),
]
"""What ``serve.py`` mounts beside the pages."""
