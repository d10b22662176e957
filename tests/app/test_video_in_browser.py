"""The Video page in a real browser: every view, the table of emotions, uploads, pictures, downloads."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.app.conftest import Visit, open_tab, serve
from tests.app.video_workspace import ATTACK, SMILE, stored_score
from workbench.app import video_words
from workbench.app.launch import stop
from workbench.app.score_settings import Edits
from workbench.data.faces import render, sample
from workbench.data.images import encode_png
from workbench.data.video_library import uploads_dir, videos_dir
from workbench.exports.score import frames_csv
from workbench.methods.peak_end import Settings
from workbench.store import Store
from workbench.studies.scoring import VideoScore

pytestmark = pytest.mark.browser

VIEWS = ("", "&tab=emotions", "&tab=sensitivity", "&tab=compare", "&tab=files")
SECTIONS = ("video?video=unscored.mp4", "video?section=table", "video?section=picture")


@pytest.fixture(scope="module")
def video_server(scored: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Store]]:
    """A copy of the scored videos, which these tests add to."""
    root = tmp_path_factory.mktemp("browsed") / "workspace"
    shutil.copytree(scored.root, root)
    child, address = serve(root)
    yield address, Store(root)
    stop(child)


@pytest.fixture
def tab(chromium: Browser, video_server: tuple[str, Store]) -> Iterator[Visit]:
    yield from open_tab(chromium, video_server[0])


@pytest.fixture
def store(video_server: tuple[str, Store]) -> Store:
    return video_server[1]


@pytest.fixture
def smile(store: Store) -> VideoScore:
    return stored_score(store)


def value(tab: Visit, name: str = "Video score") -> Locator:
    return tab.page.locator("[data-testid=stMetric]").filter(has_text=name).locator("[data-testid=stMetricValue]")


def uploader(tab: Visit, name: str = "Or upload") -> Locator:
    """Return the file input of that name: a form has several, and they come in no fixed order."""
    return tab.page.get_by_test_id("stFileUploader").filter(has_text=name).locator("input[type=file]")


def upload(tab: Visit, path: Path) -> None:
    """Give the form a file and wait until the page has it: only then can it be kept."""
    uploader(tab).set_input_files(path)
    expect(tab.page.get_by_role("checkbox", name=video_words.KEEP)).to_be_enabled()


def open_form(tab: Visit) -> None:
    tab.go(f"video?video={SMILE}")
    tab.page.get_by_role("button", name="New").click()
    expect(tab.page.get_by_text("unless you keep it").first).to_be_visible()


@pytest.mark.parametrize("video", [SMILE, ATTACK], ids=["plain", "hostile"])
def test_every_view_is_drawn_without_an_error_a_script_or_a_request_to_elsewhere(
    tab: Visit, store: Store, video: str
) -> None:
    score = stored_score(store, video, "hostile").artifact.name
    for view in (*(f"video?score={score}{view}" for view in VIEWS), *SECTIONS):
        tab.go(view)
        expect(tab.page.get_by_role("radio", name="Picture", exact=True)).to_be_visible()
        tab.page.wait_for_timeout(500)
        assert tab.page.locator("[data-testid=stException]").count() == 0, view
        assert tab.page.locator("[data-testid=stAlertContentError]").count() == 0, view
    assert tab.outside == []
    assert tab.errors == []
    assert tab.page.evaluate("window.hacked") is None


def test_an_emotion_changed_in_the_table_moves_the_score_and_outlasts_the_page(tab: Visit, smile: VideoScore) -> None:
    tab.go(f"video?score={smile.artifact.name}&tab=emotions")
    expect(value(tab)).to_have_text(f"{smile.result.video:.2f}")
    grid = tab.page.locator("[data-testid=stDataFrame]").first
    grid.scroll_into_view_if_needed()
    expect(grid.locator("canvas").first).to_be_visible()
    tab.page.wait_for_timeout(500)
    grid.click(position={"x": 20, "y": 52})
    tab.page.keyboard.press("Space")
    tab.wait_for_value("edits", "0-")
    expected = smile.rescored(*Edits({}, frozenset({0})).apply(smile.scores)).result.video
    expect(value(tab)).to_have_text(f"{expected:.2f}")
    tab.page.get_by_role("link", name="Jobs").click()
    expect(tab.page.get_by_role("heading", name="Jobs")).to_be_visible()
    tab.page.get_by_role("link", name="Video").click()
    expect(value(tab)).to_have_text(f"{expected:.2f}")
    tab.page.get_by_role("button", name="Reset").click()
    expect(value(tab)).to_have_text(f"{smile.result.video:.2f}")
    tab.wait_for_value("edits", None)


def test_a_key_on_a_slider_moves_the_score_and_the_address(tab: Visit, smile: VideoScore) -> None:
    tab.go(f"video?score={smile.artifact.name}")
    thumb = tab.page.get_by_role("slider", name="End score")
    expect(thumb).to_be_visible()
    thumb.focus()
    thumb.press("Home")
    tab.wait_for_value("part_end", "0")
    expected = smile.rescored(settings=Settings(parts=(0.0, 0.1, 0.4))).result.video
    expect(value(tab)).to_have_text(f"{expected:.2f}")
    tab.page.reload()
    expect(value(tab)).to_have_text(f"{expected:.2f}")


def test_the_frames_come_as_a_file(tab: Visit, smile: VideoScore, tmp_path: Path) -> None:
    tab.go(f"video?score={smile.artifact.name}&tab=files")
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="Frames as CSV").click()
    download.value.save_as(tmp_path / "frames.csv")
    assert (tmp_path / "frames.csv").read_bytes() == frames_csv(smile)


def test_an_annotated_video_is_made_when_asked_for_and_nothing_of_it_stays(
    tab: Visit, smile: VideoScore, tmp_path: Path
) -> None:
    tab.go(f"video?score={smile.artifact.name}&tab=files")
    tab.page.get_by_role("button", name="Make the annotated video").click()
    button = tab.page.get_by_role("button", name="Annotated video (MP4)")
    expect(button).to_be_visible()
    with tab.page.expect_download() as download:
        button.click()
    download.value.save_as(tmp_path / "annotated.mp4")
    assert b"ftyp" in (tmp_path / "annotated.mp4").read_bytes()[:32]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [("empty.mp4", b"", "is empty"), ("text.mp4", b"no video at all\n" * 200, "text.mp4")],
    ids=["empty", "text"],
)
def test_an_upload_that_is_no_video_gets_one_line_and_leaves_nothing(
    tab: Visit, store: Store, tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(data)
    open_form(tab)
    upload(tab, tmp_path / name)
    tab.page.get_by_role("button", name="Score", exact=True).click()
    line = tab.page.locator("[data-testid=stAlertContentError] p")
    expect(line).to_contain_text(words)
    assert "\n" not in line.inner_text()
    assert not list(uploads_dir(store).glob("*/*"))


def test_a_file_that_is_not_named_like_a_video_is_not_taken(tab: Visit, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("no video")
    open_form(tab)
    uploader(tab).set_input_files(tmp_path / "letter.txt")
    expect(tab.page.get_by_text(re.compile("not allowed"))).to_be_visible()


def test_an_upload_is_scored_played_and_deleted(tab: Visit, store: Store, face_video: Path, tmp_path: Path) -> None:
    shutil.copyfile(face_video, tmp_path / "mine.mp4")
    with (tmp_path / "mine.mp4").open("ab") as file:
        file.write(b"\0\0\0\x08free")  # other bytes, the same pictures
    open_form(tab)
    upload(tab, tmp_path / "mine.mp4")
    tab.page.get_by_role("button", name="Score", exact=True).click()
    expect(tab.page.get_by_role("button", name="Stop").first).to_be_visible()
    tab.page.wait_for_url(re.compile("video=mine.mp4"), timeout=90_000)
    tab.settle()
    expect(value(tab)).to_have_count(1)
    source = tab.page.locator(".player video")
    expect(source).to_have_attribute("src", re.compile("/api/video/held/"))
    tab.page.wait_for_function("player => player.videoWidth > 0", arg=source.element_handle())
    assert not list(uploads_dir(store).glob("*/*"))
    assert "mine.mp4" not in [path.name for path in videos_dir(store).iterdir()]
    score = tab.values()["score"]
    tab.page.reload()
    expect(tab.page.locator(".player .note")).to_contain_text("deleted after scoring")
    expect(tab.page.locator(".player video[src*='/api/video/']")).to_have_count(0)
    expect(value(tab)).to_have_text(f"{stored_score(store, 'mine.mp4').result.video:.2f}")
    assert (tab.values()["video"], tab.values()["score"]) == ("mine.mp4", score)


def test_a_picture_gives_its_emotion_at_once_and_is_not_stored(tab: Visit, store: Store, tmp_path: Path) -> None:
    face = render(sample(1, 3, emotions=["happy"]), size=96).images[0]
    (tmp_path / "face.png").write_bytes(encode_png(face))
    tab.go("video?section=picture&whose=whole")
    uploader(tab, "A picture").set_input_files(tmp_path / "face.png")
    expect(value(tab, "Frame score")).to_be_visible()
    held = [path for path in store.root.rglob("*") if path.suffix in (".png", ".jpg")]
    assert held == []
    assert not list(uploads_dir(store).glob("*/*"))
    assert tab.errors == []
