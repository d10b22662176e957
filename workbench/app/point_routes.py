"""HTTP routes for the points of a map and what is known of one of them.

::

    /api/points/<digest>                    positions or colours, see workbench.app.components.scatter
    /api/point/<dataset>/<version>/<row>    name, label and split of one image, as JSON

Positions and colours are kept in memory under the digest of their bytes, so an address always means the same and the
browser may keep it.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from workbench.app.kept_bytes import KeptBytes
from workbench.app.routes import requested, version_of
from workbench.data.datasets import Dataset
from workbench.errors import WorkbenchError

POINT_BYTES = 256 << 20
"""How much memory positions and colours may take."""
_HEADERS = {
    "Cache-Control": "private, max-age=86400, immutable",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

_points = KeptBytes(POINT_BYTES)


def points_address(data: bytes) -> str:
    """Keep packed positions or colours in memory and return the address they are fetched from."""
    return f"/api/points/{_points.add(data)}"


def facts_address(dataset: Dataset) -> str:
    """Return the address of what is known of a dataset's images; a row's number is to follow."""
    return f"/api/point/{dataset.name}/{version_of(dataset)}/"


def points(request: Request) -> Response:
    """Answer with positions or colours."""
    data = _points.get(request.path_params["digest"])
    if data is None:
        return PlainTextResponse("these points are not in memory any more; reload the page", status_code=404)
    # Named as not compressed, so that nobody spends time on compressing what never leaves this machine.
    headers = {**_HEADERS, "Content-Encoding": "identity"}
    return Response(data, media_type="application/octet-stream", headers=headers)


def point(request: Request) -> Response:
    """Answer with the name, label and split of one image."""
    try:
        dataset, rows = requested(request)
    except WorkbenchError as error:
        return PlainTextResponse(str(error), status_code=404)
    row = rows[0]
    found = {"id": str(dataset.ids[row]), "label": str(dataset.labels[row]), "split": str(dataset.splits[row])}
    return JSONResponse(found, headers=_HEADERS)


POINT_ROUTES = [
    Route("/api/points/{digest}", points),
    Route("/api/point/{dataset}/{version}/{rows}", point),
]
"""What ``serve.py`` mounts beside the pages."""
