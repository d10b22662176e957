"""Videos by HTTP: ranges of bytes, names and tokens only, nothing for strangers; courses as packed arrays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from workbench.app import uploads, video_routes
from workbench.app.components.video_player import OtherCourse, Timeline
from workbench.data.video_library import videos_dir
from workbench.store import Store

CONTENT = bytes(range(256)) * 9000  # more than one chunk


@pytest.fixture
def client(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("WORKBENCH_HOME", str(store.root))
    videos_dir(store).mkdir(parents=True)
    (videos_dir(store) / "clip.mp4").write_bytes(CONTENT)
    (store.root / "secret.mp4").write_bytes(b"secret")
    with TestClient(Starlette(routes=video_routes.VIDEO_ROUTES)) as client:
        yield client


@pytest.fixture(params=["library", "held"])
def address(request: pytest.FixtureRequest, client: TestClient) -> Iterator[str]:
    """The same bytes from a file of the workspace and from memory."""
    held = uploads.hold(CONTENT, "clip.mp4")
    yield video_routes.library_address("clip.mp4") if request.param == "library" else video_routes.held_address(held)
    del held


def test_a_whole_video_comes_as_such_and_says_that_it_can_be_asked_for_in_parts(
    client: TestClient, address: str
) -> None:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["content-type"] == "video/mp4"


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-", 0, len(CONTENT)),
        ("bytes=0-0", 0, 1),
        ("bytes=1000-1999", 1000, 2000),
        ("bytes=2000000-99999999", 2_000_000, len(CONTENT)),
        ("bytes=-10", len(CONTENT) - 10, len(CONTENT)),
        ("bytes=-99999999", 0, len(CONTENT)),
    ],
)
def test_a_range_is_answered_with_exactly_its_bytes(
    client: TestClient, address: str, asked: str, start: int, stop: int
) -> None:
    answer = client.get(address, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == CONTENT[start:stop]
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(stop - start)


@pytest.mark.parametrize("asked", [f"bytes={len(CONTENT)}-", "bytes=99999999-999999999"])
def test_a_range_beyond_the_end_is_refused_with_the_size(client: TestClient, address: str, asked: str) -> None:
    answer = client.get(address, headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] in (f"bytes */{len(CONTENT)}", f"*/{len(CONTENT)}")


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=a-b", "lines=0-5", "bytes=0-1,5-9", "bytes=", "bytes=-", "0-5", "bytes=٠-٥", ""]
)
def test_what_is_no_single_range_of_held_bytes_gets_the_whole(asked: str) -> None:
    with TestClient(Starlette(routes=video_routes.VIDEO_ROUTES)) as client:
        held = uploads.hold(CONTENT, "clip.mp4")
        answer = client.get(video_routes.held_address(held), headers={"Range": asked.encode()})
    assert answer.status_code == 200
    assert answer.content == CONTENT


def test_faces_are_neither_kept_by_the_browser_nor_embedded_by_other_sites(client: TestClient, address: str) -> None:
    headers = client.get(address).headers
    assert "no-store" in headers["cache-control"]
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    [
        "nowhere.mp4",
        "clip",
        "..",
        "../secret.mp4",
        "..%2Fsecret.mp4",
        "%2e%2e%2fsecret.mp4",
        "..%5Csecret.mp4",
        "%2Fetc%2Fpasswd",
        "clip.mp4%00",
        ".",
        "",
    ],
)
def test_only_names_of_the_library_are_answered(client: TestClient, name: str) -> None:
    answer = client.get(f"/api/video/library/{name}")
    assert answer.status_code == 404
    assert b"secret" not in answer.content


def test_a_name_with_odd_characters_has_an_address_of_its_own(client: TestClient, store: Store) -> None:
    name = "50% off? #1 – süß.mp4"
    (videos_dir(store) / name).write_bytes(b"odd")
    assert client.get(video_routes.library_address(name)).content == b"odd"


def test_a_page_named_like_a_video_is_not_a_page(client: TestClient, store: Store) -> None:
    (videos_dir(store) / "page.mp4").write_text("<script>alert(1)</script>")
    (videos_dir(store) / "stream.ts").write_text("<script>alert(1)</script>")
    for name in ("page.mp4", "stream.ts"):
        assert client.get(video_routes.library_address(name)).headers["content-type"].startswith("video/")


def test_a_held_upload_is_forgotten_with_the_last_who_holds_it(client: TestClient) -> None:
    held = uploads.hold(b"face", "face.mp4")
    address = video_routes.held_address(held)
    assert client.get(address).content == b"face"
    del held
    gc.collect()
    assert client.get(address).status_code == 404
    assert client.get("/api/video/held/clip.mp4").status_code == 404


def timeline(scores: list[float]) -> Timeline:
    count = len(scores)
    values = np.array(scores)
    shares = np.stack([values / 10, 1 - values / 10], axis=1)
    other = OtherCourse("other", "red", values + 1)
    weights, boxes = np.arange(count) / 7, np.arange(4 * count).reshape(count, 4) / 100
    times = np.arange(count) / 3
    return Timeline(times, values, ["a", "b"], ["red", "blue"], shares, (), weights, boxes, others=[other])


def test_a_course_travels_as_the_arrays_it_was_packed_from(client: TestClient) -> None:
    made = timeline([3.0, np.nan, 4.5])
    answer = client.get(video_routes.course_address(made.pack()), headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "identity"
    np.testing.assert_array_equal(np.frombuffer(answer.content[:24], "<f8"), made.times)
    rows = np.frombuffer(answer.content[24:], "<f4").reshape(-1, 3)
    assert made.end_weights is not None
    assert made.boxes is not None
    expected = [made.scores, *made.class_probabilities.T, made.end_weights, *made.boxes.T, made.others[0].scores]
    np.testing.assert_array_equal(rows, np.array(expected, dtype=np.float32))


def test_equal_courses_share_an_address_and_others_do_not() -> None:
    first, again, other = (video_routes.course_address(timeline(scores).pack()) for scores in ([1, 2], [1, 2], [1, 3]))
    assert first == again != other


def test_courses_take_no_more_memory_than_they_may(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_routes, "_courses", video_routes.KeptBytes(limit=250))
    addresses = [video_routes.course_address(bytes([number]) * 100) for number in range(3)]
    assert [client.get(address).status_code for address in addresses] == [404, 200, 200]
    assert client.get(video_routes.course_address(b"x" * 1000)).status_code == 200


@pytest.mark.parametrize("digest", ["nowhere", "..", "%2e%2e", ""])
def test_a_course_that_is_not_there_is_not_found(client: TestClient, digest: str) -> None:
    assert client.get(f"/api/course/{digest}").status_code == 404


def test_the_library_may_be_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "nowhere"))
    with TestClient(Starlette(routes=video_routes.VIDEO_ROUTES)) as client:
        assert client.get(video_routes.library_address("clip.mp4")).status_code == 404
