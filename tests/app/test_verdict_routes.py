"""The routes of the Review page: verdicts from this app's own pages only, saved or refused one by one."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.app.review_workspace import PARTS, write_suspects
from tests.conftest import write_source
from workbench.app import verdict_routes
from workbench.app.review import NOBODY, workspace_mark
from workbench.app.verdict_routes import review_address
from workbench.data.datasets import Dataset, open_dataset
from workbench.data.verdicts import Entry, Verdicts
from workbench.specs import ImportSpec
from workbench.store import Store
from workbench.studies.importing import import_dataset


@pytest.fixture
def dataset(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setenv("WORKBENCH_HOME", str(store.root))
    import_dataset(ImportSpec(str(write_source(tmp_path / "faces.parquet", 60)), "faces"), store)
    return open_dataset(store, "faces")


@pytest.fixture
def client(dataset: Dataset) -> Iterator[TestClient]:
    app = Starlette(routes=verdict_routes.VERDICT_ROUTES)
    headers = {verdict_routes.HEADER: workspace_mark(), "Origin": "http://127.0.0.1:8501"}
    with TestClient(app, base_url="http://127.0.0.1:8501", headers=headers) as client:
        yield client


def one(token: str, row: int = 0, action: str = "keep", **more: object) -> dict[str, object]:
    return {"token": token, "image": f"face-{row:04d}", "reviewer": "ann", "action": action, **more}


def body(*entries: dict[str, object], dataset: str = "faces") -> dict[str, object]:
    return {"dataset": dataset, "entries": list(entries)}


def test_verdicts_are_acknowledged_once_they_are_in_the_table(client: TestClient, store: Store) -> None:
    entries = one("token-0001", before="angry", time=12.5), one("token-0002", 1, "relabel", after="sad")
    answer = client.post("/api/verdicts", json=body(*entries))
    assert answer.status_code == 200
    assert answer.json() == {"saved": ["token-0001", "token-0002"], "refused": [], "others": {}}
    first, second = Verdicts(store).rows()
    assert (first.token, first.action, first.time, first.source) == ("token-0001", "keep", 12.5, "app")
    assert (second.action, second.before, second.after) == ("relabel", "disgust", "sad")


def test_what_is_sent_again_is_acknowledged_and_not_doubled(client: TestClient, store: Store) -> None:
    for _ in range(3):
        assert client.post("/api/verdicts", json=body(one("token-0001"))).json()["saved"] == ["token-0001"]
    assert len(Verdicts(store).rows()) == 1


def test_a_refused_verdict_does_not_hold_the_others_up(client: TestClient, store: Store) -> None:
    entries = one("token-0001"), one("token-0002", 99), one("token-0003", 2, digest="other"), one("token-0004", 3)
    found = client.post("/api/verdicts", json=body(*entries)).json()
    assert found["saved"] == ["token-0001", "token-0004"]
    assert [line["token"] for line in found["refused"]] == ["token-0002", "token-0003"]
    assert "no image 'face-0099'" in found["refused"][0]["error"]
    assert "other pixels" in found["refused"][1]["error"]
    assert len(Verdicts(store).rows()) == 2


def test_others_verdicts_are_told_to_those_who_have_judged(client: TestClient, store: Store, dataset: Dataset) -> None:
    Verdicts(store).add(dataset, [Entry("face-0000", "bob", "relabel", "fear"), Entry("face-0001", "bob", "keep")])
    found = client.post("/api/verdicts", json=body(one("token-0001"), one("token-0002", 1, "skip"))).json()
    assert found["others"] == {"face-0000": [["bob", "relabel", "fear"]]}


def test_it_is_kept_whether_a_verdict_was_given_blind(client: TestClient, store: Store) -> None:
    entries = one("token-0001", blind=True), one("token-0002", 1, blind=False)
    assert client.post("/api/verdicts", json=body(*entries)).status_code == 200
    assert [(row.source, row.blind) for row in Verdicts(store).rows()] == [("app, blind", True), ("app", False)]
    assert client.post("/api/verdicts", json=body(one("token-0003", blind="yes"))).status_code == 400


def test_a_verdict_and_its_undo_may_come_together(client: TestClient, store: Store) -> None:
    undo = one("token-0002", 0, "undo", undoes="token-0001")
    assert client.post("/api/verdicts", json=body(one("token-0001"), undo)).json()["refused"] == []
    assert Verdicts(store).current("faces") == {}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[::1"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://localhost:8501"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_sites_are_refused(client: TestClient, store: Store, headers: dict[str, str]) -> None:
    answer = client.post("/api/verdicts", json=body(one("token-0001")), headers=headers)
    assert answer.status_code == 403
    assert "own pages" in answer.json()["error"]
    assert Verdicts(store).rows() == []


def test_without_the_header_that_forms_cannot_send_nothing_is_taken(dataset: Dataset, store: Store) -> None:
    with TestClient(Starlette(routes=verdict_routes.VERDICT_ROUTES)) as client:
        assert client.post("/api/verdicts", json=body(one("token-0001"))).status_code == 403
    assert Verdicts(store).rows() == []


def test_verdicts_of_another_workspace_wait_for_it(client: TestClient, store: Store) -> None:
    answer = client.post("/api/verdicts", json=body(one("token-0001")), headers={verdict_routes.HEADER: "other"})
    assert answer.status_code == 409
    assert "another workspace" in answer.json()["error"]


def test_what_is_no_json_by_its_type_is_refused(client: TestClient) -> None:
    sent = json.dumps(body(one("token-0001")))
    assert client.post("/api/verdicts", content=sent, headers={"Content-Type": "text/plain"}).status_code == 415


def test_a_flood_is_cut_off(client: TestClient) -> None:
    sent = b"x" * (verdict_routes.MOST_BYTES + 1)
    assert client.post("/api/verdicts", content=sent, headers={"Content-Type": "application/json"}).status_code == 413


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b'{"dataset": "faces"}',
        b'{"dataset": 3, "entries": [{}]}',
        b'{"dataset": "faces", "entries": []}',
        b'{"dataset": "faces", "entries": [3]}',
        b'{"dataset": "faces", "entries": [{"token": 3}]}',
        b'{"dataset": "faces", "entries": [{"token": "token-0001", "time": "now"}]}',
        b'{"dataset": "faces", "entries": [{"token": "token-0001", "time": true}]}',
        b'{"dataset": "faces", "entries": [{"token": "token-0001", "time": 1' + b"0" * 400 + b"}]}",
        b'{"dataset": "faces", "entries": [{"token": "token-0001", "before": ["a"]}]}',
    ],
)
def test_what_is_no_verdict_gets_one_line(client: TestClient, store: Store, sent: bytes) -> None:
    answer = client.post("/api/verdicts", content=sent, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "\n" not in answer.json()["error"]
    assert Verdicts(store).rows() == []


@pytest.mark.parametrize(
    "entry",
    [one("token-0001", image="\ud800"), one("token-0001", reviewer="\ud800"), one("\ud800" * 8)],
)
def test_text_that_no_database_takes_is_refused(client: TestClient, entry: dict[str, object]) -> None:
    sent = json.dumps(body(entry)).encode()
    answer = client.post("/api/verdicts", content=sent, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "is text" in answer.json()["error"]


@pytest.mark.parametrize("name", ["nowhere", "../faces", "", "a/b"])
def test_a_dataset_that_is_not_there_is_named(client: TestClient, name: str) -> None:
    answer = client.post("/api/verdicts", json=body(one("token-0001"), dataset=name))
    assert answer.status_code == 404
    assert "dataset" in answer.json()["error"]


def test_a_database_that_cannot_be_written_asks_to_try_again(
    client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/api/verdicts", json=body(one("token-0001")))
    monkeypatch.setattr("workbench.data.verdicts.BUSY_SECONDS", 0.05)
    other = sqlite3.connect(store.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = client.post("/api/verdicts", json=body(one("token-0002", 1)))
    other.close()
    assert answer.status_code == 503
    assert "locked" in answer.json()["error"]
    assert client.post("/api/verdicts", json=body(one("token-0002", 1))).json()["saved"] == ["token-0002"]


def test_a_dataset_imported_anew_is_seen_at_once(client: TestClient, store: Store, tmp_path: Path) -> None:
    client.post("/api/verdicts", json=body(one("token-0001")))
    shutil.rmtree(store.datasets_dir / "faces")
    import_dataset(ImportSpec(str(write_source(tmp_path / "few.parquet", 10, seed=3)), "faces"), store)
    found = client.post("/api/verdicts", json=body(one("token-0002", 50))).json()
    assert "no image" in found["refused"][0]["error"]


def ask(client: TestClient, kind: str, dataset: Dataset, reference: str, rows: str) -> Any:
    return client.get(review_address(kind, dataset, reference) + rows)


def test_faces_come_with_all_that_is_thought_of_them(client: TestClient, store: Store, dataset: Dataset) -> None:
    found = write_suspects(store, "faces")
    answer = ask(client, "review", dataset, found.artifact.reference, "0-3-1")
    assert answer.headers["cache-control"] == "no-store"
    first, second, plain = answer.json()
    assert (first["id"], first["label"], first["action"], first["proposed"]) == (
        "face-0000",
        "angry",
        "relabel",
        "disgust",
    )
    assert (second["bin"], second["action"], second["proposed"]) == ("ambiguous", "ambiguous", "")
    assert (plain["bin"], plain["action"]) == ("", "keep")
    assert [name for name, _ in first["parts"]] == list(PARTS)
    assert sum(first["probabilities"]) == pytest.approx(1, abs=1e-3)
    assert first["digest"] == dataset.digests[0]
    assert (first["seen"], plain["seen"]) == (True, False)


def test_a_face_nobody_has_an_opinion_on_is_still_a_face(client: TestClient, dataset: Dataset) -> None:
    (face,) = ask(client, "review", dataset, NOBODY, "5").json()
    assert (face["action"], face["score"], face["parts"], face["probabilities"]) == ("", None, [], [])


def test_copies_are_found_without_embeddings(client: TestClient, dataset: Dataset) -> None:
    (found,) = ask(client, "alike", dataset, NOBODY, "8").json()
    (copy,) = found["items"]
    assert (copy["row"], copy["kind"], copy["same"], copy["label"]) == (9, "copy", True, "fear")
    assert found["sheet"].endswith("/9")


@pytest.mark.parametrize(
    ("reference", "rows"),
    [
        (NOBODY, "60"),
        (NOBODY, "-1"),
        (NOBODY, "x"),
        (NOBODY, "-".join(["1"] * 25)),
        ("suspects/none", "1"),
        ("suspects/../../datasets", "1"),
        ("embeddings/x", "1"),
        ("..", "1"),
    ],
)
@pytest.mark.parametrize("kind", ["review", "alike"])
def test_what_is_not_there_is_one_line(
    client: TestClient, dataset: Dataset, kind: str, reference: str, rows: str
) -> None:
    answer = ask(client, kind, dataset, reference, rows)
    assert answer.status_code == 404
    assert "\n" not in answer.text


def test_a_search_of_a_dataset_that_has_changed_since_is_refused(
    client: TestClient, store: Store, dataset: Dataset, tmp_path: Path
) -> None:
    reference = write_suspects(store, "faces").artifact.reference
    shutil.rmtree(store.datasets_dir / "faces")
    import_dataset(ImportSpec(str(write_source(tmp_path / "few.parquet", 10, seed=3)), "faces"), store)
    answer = ask(client, "review", open_dataset(store, "faces"), reference, "0")
    assert answer.status_code == 404
    assert "has changed since" in answer.json()["error"]
