"""Images by HTTP: ids only, one meaning for ever, one line where there is none."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from workbench.app import routes
from workbench.data.datasets import Dataset, open_dataset
from workbench.store import Artifact, Store
from workbench.studies.dissection import open_dissection


@pytest.fixture(scope="module")
def faces(workspace: Store) -> Dataset:
    return open_dataset(workspace, "faces")


@pytest.fixture
def client(workspace: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.root))
    with TestClient(Starlette(routes=routes.ROUTES)) as client:
        yield client


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_a_picture_comes_at_its_own_size_and_may_be_kept_for_ever(client: TestClient, faces: Dataset) -> None:
    answer = client.get(routes.image_address(faces, 7))
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    np.testing.assert_array_equal(pixels(answer.content), np.asarray(faces.image(7)))


def test_a_sheet_holds_the_pictures_in_the_order_asked_for(client: TestClient, faces: Dataset) -> None:
    rows = [30, 2, 2, 17, 5, 6, 7, 8, 9, 10, 99]
    sheet = pixels(client.get(routes.sheet_address(faces, rows)).content)
    assert sheet.shape == (96, 480)
    for index, row in enumerate(rows):
        top, left = index // 10 * 48, index % 10 * 48
        np.testing.assert_array_equal(sheet[top : top + 48, left : left + 48], np.asarray(faces.image(row)))


@pytest.mark.parametrize("rows", ["360", "-1", "x", "1-x", "", "9999999999", "1e3", "٣", "-".join("1" * 201)])
def test_rows_that_are_not_there_are_not_found(client: TestClient, faces: Dataset, rows: str) -> None:
    assert client.get(f"/api/sheet/faces/{routes.version_of(faces)}/{rows}").status_code == 404


@pytest.mark.parametrize("name", ["nowhere", "..", "%2e%2e%2f%2e%2e", "%2Fetc", "faces%00"])
def test_names_that_are_no_dataset_are_not_found(client: TestClient, faces: Dataset, name: str) -> None:
    assert client.get(f"/api/image/{name}/{routes.version_of(faces)}/0").status_code == 404


def test_an_address_of_another_version_is_not_found(client: TestClient) -> None:
    assert client.get("/api/image/faces/0123456789abcdef/0").status_code == 404


def test_the_maps_of_a_unit_stand_side_by_side_and_are_clear_where_it_is_not_active(
    client: TestClient, workspace: Store
) -> None:
    dissection = open_dissection(newest(workspace))
    answer = client.get(routes.map_address(dissection.artifact.name, 3))
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert pixels(answer.content).shape == (routes.MAP_SIDE, 5 * routes.MAP_SIDE, 4)
    maps = np.zeros((2, 4, 4), dtype=np.uint8)
    maps[1] = 255
    painted = np.asarray(routes.draw_maps(maps))
    assert (painted[:, : routes.MAP_SIDE, 3] == 0).all()
    assert (painted[:, routes.MAP_SIDE :, 3] > 150).all()


@pytest.mark.parametrize("unit", ["60", "119", "120", "-1", "x", "9999999999", "٣"])
def test_maps_that_are_not_there_are_not_found(client: TestClient, workspace: Store, unit: str) -> None:
    assert client.get(f"/api/map/{newest(workspace).name}/{unit}").status_code == 404


@pytest.mark.parametrize("run", ["nowhere", "..", "%2e%2e%2f%2e%2e", "faces-synthetic"])
def test_a_run_that_is_no_whole_name_is_not_found(client: TestClient, run: str) -> None:
    assert client.get(f"/api/map/{run}/0").status_code == 404


def newest(store: Store) -> Artifact:
    return next(found for found in store.artifacts("dissection") if found.spec["dataset"] == "faces")


def test_large_colour_pictures_are_fitted_and_keep_their_proportions() -> None:
    wide = Image.new("RGB", (400, 200), "red")
    sheet = np.asarray(routes.draw_sheet([wide, Image.new("L", (48, 48), 255)]))
    assert sheet.shape == (96, 960, 3)
    assert (sheet[24:72, :96] == [255, 0, 0]).all()
    assert (sheet[:23, :96] == 0).all()
    assert (sheet[24:72, 96 + 24 : 96 + 72] == 255).all()
