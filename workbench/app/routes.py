"""HTTP routes for images: they bypass the websocket, and the browser keeps what it has seen.

::

    /api/image/<dataset>/<version>/<row>            one picture at its own size
    /api/sheet/<dataset>/<version>/<row>-<row>-...  up to 200 pictures on one sheet, ten a row
    /api/map/<run>/<unit>                           where a unit fires in its top images, to lay over them

The version is the beginning of the dataset's fingerprint and the run the name of a dissection, which holds a hash of
its content: an address always means the same pixels and may be kept for ever. Only names and numbers are accepted,
never paths.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from workbench.data.datasets import Dataset, open_dataset
from workbench.data.images import decode, encode_png
from workbench.errors import SpecError, WorkbenchError
from workbench.specs import check_name
from workbench.store import Store

if TYPE_CHECKING:
    from workbench.studies.dissection import Dissection

SHEET_COLUMNS = 10
SHEET_LIMIT = 200
SMALL, LARGE = 48, 96
MAP_SIDE = 96
"""Width of one activation map, in pixels."""
MAP_OPACITY = 0.75
MAP_FLOOR = 0.3
"""Share of the range of activations below which a map is clear, so that the face stays visible."""
FAST = 1
"""Compression of a sheet: it does not leave this machine, so time counts and size does not."""
VERSION_DIGITS = 16
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


def workspace() -> Path:
    """Return the workspace that ``WORKBENCH_HOME`` names, else ``./workspace``."""
    return Path(os.environ.get("WORKBENCH_HOME") or "workspace")


def version_of(dataset: Dataset) -> str:
    """Return the part of a dataset's fingerprint that stands in addresses."""
    return dataset.fingerprint[:VERSION_DIGITS]


def image_address(dataset: Dataset, row: int) -> str:
    """Return the address of one picture."""
    return f"/api/image/{dataset.name}/{version_of(dataset)}/{row}"


def sheet_address(dataset: Dataset, rows: Sequence[int] | npt.NDArray[np.int64]) -> str:
    """Return the address of a sheet of up to 200 pictures in the order of ``rows``; empty where there are none."""
    if not len(rows):
        return ""
    return f"/api/sheet/{dataset.name}/{version_of(dataset)}/{'-'.join(str(int(row)) for row in rows)}"


def draw_sheet(pictures: Sequence[Image.Image]) -> Image.Image:
    """Return pictures on one sheet, ten a row, each fitted into an equal square.

    The squares are 48 pixels wide where every picture is at most that large, else 96; a picture keeps its proportions.
    """
    side = SMALL if all(max(picture.size) <= SMALL for picture in pictures) else LARGE
    mode = "L" if all(picture.mode == "L" for picture in pictures) else "RGB"
    lines = -(-len(pictures) // SHEET_COLUMNS)
    sheet = Image.new(mode, (SHEET_COLUMNS * side, lines * side))
    for index, picture in enumerate(pictures):
        small = picture if max(picture.size) <= side else _fit(picture, side)
        left = index % SHEET_COLUMNS * side + (side - small.width) // 2
        top = index // SHEET_COLUMNS * side + (side - small.height) // 2
        sheet.paste(small.convert(mode), (left, top))
    return sheet


def _fit(picture: Image.Image, side: int) -> Image.Image:
    copy = picture.copy()
    copy.thumbnail((side, side))
    return copy


def map_address(run: str, unit: int) -> str:
    """Return the address of a unit's activation maps; ``unit`` is its place among all units of the dissection."""
    return f"/api/map/{run}/{unit}"


def draw_maps(maps: npt.NDArray[np.uint8]) -> Image.Image:
    """Return activation maps side by side, to lay over pictures: clear where hardly active, then red, then yellow.

    Parameters
    ----------
    maps : uint8 array (k, h, w)
        0 is the least and 255 the greatest activation.
    """
    size = (MAP_SIDE, MAP_SIDE)
    smooth = [np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)) for one in maps]
    heat = np.concatenate(smooth, axis=1) / np.float32(255)
    shown = ((heat - MAP_FLOOR) / (1 - MAP_FLOOR)).clip(0, 1)
    paint = np.stack([0.8 + shown, 0.15 + shown, 0.1 * shown, MAP_OPACITY * shown**0.7], axis=2).clip(0, 1)
    return Image.fromarray((paint * 255).astype(np.uint8))


@lru_cache(maxsize=2)
def _maps(root: Path, run: str, layer: str) -> npt.NDArray[np.uint8] | None:
    return _dissection(root, run).maps(layer)


@lru_cache(maxsize=4)
def _dissection(root: Path, run: str) -> Dissection:
    from workbench.studies.dissection import find_dissection

    found = find_dissection(Store(root), run)
    if found.artifact.name != run:
        raise SpecError(f"{run!r} is not a dissection's whole name")
    return found


@lru_cache(maxsize=4)
def _dataset(root: Path, name: str, version: str) -> Dataset:
    dataset = open_dataset(Store(root), check_name(name))
    if version_of(dataset) != version:
        raise SpecError(f"{name} has changed since this address was made")
    return dataset


def requested(request: Request) -> tuple[Dataset, list[int]]:
    """Return the dataset and the rows that an address names.

    Raises
    ------
    WorkbenchError
        There is no such dataset, it has changed since, or it has no such rows.
    """
    dataset = _dataset(workspace(), request.path_params["dataset"], request.path_params["version"])
    words = request.path_params["rows"].split("-")
    if len(words) > SHEET_LIMIT or not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        raise SpecError(f"rows are up to {SHEET_LIMIT} numbers joined by '-'")
    rows = [int(word) for word in words]
    if max(rows) >= len(dataset):
        raise SpecError(f"{dataset.name} has {len(dataset)} images")
    return dataset, rows


def image(request: Request) -> Response:
    """Answer with one picture as PNG."""
    try:
        dataset, rows = requested(request)
        picture = dataset.image(rows[0])
    except WorkbenchError as error:
        return PlainTextResponse(str(error), status_code=404)
    return Response(encode_png(picture), media_type="image/png", headers=_HEADERS)


def sheet(request: Request) -> Response:
    """Answer with many pictures on one sheet as PNG."""
    try:
        dataset, rows = requested(request)
        pictures = [decode(data, f"row {row}") for row, data in zip(rows, dataset.image_bytes(rows), strict=True)]
    except WorkbenchError as error:
        return PlainTextResponse(str(error), status_code=404)
    buffer = io.BytesIO()
    draw_sheet(pictures).save(buffer, format="PNG", compress_level=FAST)
    return Response(buffer.getvalue(), media_type="image/png", headers=_HEADERS)


def unit_map(request: Request) -> Response:
    """Answer with a unit's activation maps as PNG."""
    run, unit = request.path_params["run"], request.path_params["unit"]
    try:
        dissection = _dissection(workspace(), run)
        if not (unit.isascii() and unit.isdigit() and len(unit) < 10 and int(unit) < len(dissection.unit)):
            raise SpecError(f"{run} has the units 0 to {len(dissection.unit) - 1}")
        layer = dissection.layers[int(dissection.layer_index[int(unit)])]
        maps = _maps(workspace(), run, layer)
        if maps is None:
            raise SpecError(f"{layer} has no activation maps")
    except WorkbenchError as error:
        return PlainTextResponse(str(error), status_code=404)
    picture = draw_maps(maps[int(dissection.unit[int(unit)])])
    return Response(encode_png(picture), media_type="image/png", headers=_HEADERS)


ROUTES = [
    Route("/api/image/{dataset}/{version}/{rows}", image),
    Route("/api/sheet/{dataset}/{version}/{rows}", sheet),
    Route("/api/map/{run}/{unit}", unit_map),
]
"""What ``serve.py`` mounts beside the pages."""
