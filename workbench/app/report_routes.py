"""HTTP route of reports: a stored result as one HTML file, made when it is asked for.

::

    /api/report/<kind>/<name>    the file, to be saved

Kind and name are those of a stored result, never a path. No model is loaded and nothing of a user's is run.
"""

from __future__ import annotations

import urllib.parse

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from workbench.app.routes import workspace
from workbench.errors import WorkbenchError
from workbench.store import Artifact, Store

_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def report_address(artifact: Artifact) -> str:
    """Return the address of a stored result's report."""
    return f"/api/report/{urllib.parse.quote(artifact.kind)}/{urllib.parse.quote(artifact.name)}"


def report(request: Request) -> Response:
    """Answer with a stored result's report."""
    from workbench.exports.document_of import document_of, find_result

    kind, name = request.path_params["kind"], request.path_params["name"]
    store = Store(workspace())
    try:
        artifact = find_result(f"{kind}/{name}", store)
        if artifact.name != name:
            raise WorkbenchError(f"{name!r} is not a result's whole name")
        page = document_of(artifact, store)
    except WorkbenchError as error:
        return PlainTextResponse(str(error), status_code=404)
    headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="{artifact.kind}-{artifact.name}.html"'}
    return Response(page.encode("utf-8"), media_type="text/html; charset=utf-8", headers=headers)


REPORT_ROUTES = [Route("/api/report/{kind}/{name}", report)]
"""What ``serve.py`` mounts beside the pages."""
