"""Points and facts over HTTP: exact bytes, one image's facts, and nothing but names and numbers accepted."""

from __future__ import annotations

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.app.conftest import HOSTILE
from workbench.app.components.scatter import NONE, Cloud, Colouring
from workbench.app.point_routes import POINT_ROUTES, facts_address, points_address
from workbench.data.datasets import open_dataset
from workbench.store import Store


@pytest.fixture
def client(workspace: Store, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.root))
    return TestClient(Starlette(routes=POINT_ROUTES))


def test_points_arrive_as_places_then_rows(client: TestClient) -> None:
    cloud = Cloud(np.array([[0.5, -1], [2, 3]], dtype=np.float32), np.array([7, 70_000]))
    answer = client.get(points_address(cloud.pack()))
    assert np.frombuffer(answer.content[:16], "<f4").tolist() == [0.5, -1, 2, 3]
    assert np.frombuffer(answer.content[16:], "<i4").tolist() == [7, 70_000]
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_colours_are_one_byte_a_class_and_four_a_value(client: TestClient) -> None:
    codes = np.array([0, NONE, 3], dtype=np.uint8)
    assert client.get(points_address(Colouring("label", codes).pack())).content == bytes([0, NONE, 3])
    values = np.array([0.25, np.nan], dtype=np.float32)
    answer = client.get(points_address(Colouring("value", codes[:0], values=values).pack()))
    np.testing.assert_array_equal(np.frombuffer(answer.content, "<f4"), values)


def test_points_that_are_not_kept_are_told_in_words(client: TestClient) -> None:
    answer = client.get("/api/points/0123456789abcdef")
    assert answer.status_code == 404
    assert "reload" in answer.text


def test_the_facts_of_an_image_are_what_the_dataset_says(client: TestClient, workspace: Store) -> None:
    dataset = open_dataset(workspace, "hostile")
    found = client.get(f"{facts_address(dataset)}5").json()
    assert found == {"id": dataset.ids[5], "label": dataset.labels[5], "split": dataset.splits[5]}
    assert found["label"] in HOSTILE


@pytest.mark.parametrize("rest", ["40", "-1", "x", "1e3", "../5", "99999999999"])
def test_other_rows_are_not_found(client: TestClient, workspace: Store, rest: str) -> None:
    assert client.get(f"{facts_address(open_dataset(workspace, 'hostile'))}{rest}").status_code == 404


def test_facts_of_a_changed_or_missing_dataset_are_not_found(client: TestClient) -> None:
    assert client.get("/api/point/faces/0000000000000000/1").status_code == 404
    assert client.get("/api/point/nothing/0000000000000000/1").status_code == 404
