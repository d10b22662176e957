"""HTTP routes for videos and for the arrays a player draws.

::

    /api/video/library/<name>   a video of the workspace, by its whole name
    /api/video/held/<token>     an upload that an open tab holds in memory
    /api/course/<digest>        the arrays of a course, see workbench.app.components.video_player

Videos are answered by ranges of bytes, so that a browser can seek in them; only names and tokens are accepted, never
paths. Faces are nobody else's business: videos are not kept by the browser, and no other site may embed them.
"""

from __future__ import annotations

import mimetypes
import re
import urllib.parse
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from workbench.app import uploads
from workbench.app.kept_bytes import KeptBytes
from workbench.app.routes import workspace
from workbench.data.video_library import list_videos, videos_dir
from workbench.store import Store

COURSE_BYTES = 256 << 20
"""How much memory courses may take; those not asked for longest are forgotten (and packed again when needed)."""
CHUNK = 1 << 20
_PRIVATE = {
    "Cache-Control": "private, no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)


def library_address(name: str) -> str:
    """Return the address of a video of the workspace."""
    return f"/api/video/library/{urllib.parse.quote(name, safe='')}"


def held_address(held: uploads.Held) -> str:
    """Return the address of an upload that an open tab holds."""
    return f"/api/video/held/{held.token}"


_courses = KeptBytes(COURSE_BYTES)


def course_address(data: bytes) -> str:
    """Keep a packed course in memory and return the address it is fetched from: equal bytes, equal address."""
    return f"/api/course/{_courses.add(data)}"


def course(request: Request) -> Response:
    """Answer with the arrays of a course."""
    data = _courses.get(request.path_params["digest"])
    if data is None:
        return PlainTextResponse("this course is not in memory any more; reload the page", status_code=404)
    # Named as not compressed, so that nobody spends time on compressing what never leaves this machine.
    headers = {**_PRIVATE, "Content-Encoding": "identity"}
    return Response(data, media_type="application/octet-stream", headers=headers)


def library_video(request: Request) -> Response:
    """Answer with a video of the workspace, or a range of its bytes."""
    store, name = Store(workspace()), request.path_params["name"]
    if name not in list_videos(store):
        return PlainTextResponse("there is no video of this name in the workspace", status_code=404)
    return FileResponse(videos_dir(store) / name, media_type=_media_type(name), headers=_PRIVATE)


def held_video(request: Request) -> Response:
    """Answer with an upload that an open tab holds, or a range of its bytes."""
    held = uploads.find_held(request.path_params["token"])
    if held is None:
        return PlainTextResponse("this upload is not in memory any more", status_code=404)
    return ranged(held.data, _media_type(held.name), request.headers.get("range", ""))


def ranged(data: bytes, media_type: str, asked: str) -> Response:
    """Answer with bytes, or with the one range of them that was asked for.

    Parameters
    ----------
    data : bytes
        The whole.
    media_type : str
        What it is.
    asked : str
        The request's ``Range`` header. Several ranges, or what is no range of bytes, are answered with the whole, as
        RFC 9110 (14.2) allows; a range outside the bytes with status 416.
    """
    size = len(data)
    headers = {**_PRIVATE, "Accept-Ranges": "bytes"}
    span = _span(asked, size)
    start, stop = span or (0, size)
    if span and start >= stop:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    if span:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    headers["Content-Length"] = str(stop - start)
    chunks = _chunks(memoryview(data)[start:stop])
    return StreamingResponse(chunks, 206 if span else 200, headers=headers, media_type=media_type)


def _span(asked: str, size: int) -> tuple[int, int] | None:
    """Return where the range begins and ends, or ``None`` for the whole; it is empty where it lies outside."""
    found = _RANGE.fullmatch(asked.strip())
    first, last = found.groups() if found else ("", "")
    if first and last and int(first) > int(last):
        return None
    if first:
        return int(first), min(size, int(last) + 1) if last else size
    return (max(0, size - int(last)), size) if last else None


async def _chunks(view: memoryview) -> AsyncIterator[bytes]:
    for start in range(0, len(view), CHUNK):
        yield bytes(view[start : start + CHUNK])


def _media_type(name: str) -> str:
    found = mimetypes.guess_type(name, strict=False)[0] or ""
    return found if found.startswith("video/") else "video/mp4"


VIDEO_ROUTES = [
    Route("/api/video/library/{name}", library_video),
    Route("/api/video/held/{token}", held_video),
    Route("/api/course/{digest}", course),
]
"""What ``serve.py`` mounts beside the pages and the routes for images."""
