"""The player in a real browser: the picture and the graph show the same frame, by pointer, key, button and request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.app.conftest import Visit, open_tab, serve
from tests.app.player_main import FRAMES, GAP, LONG, LONG_GAP, LONG_PEAK, PEAK, RATE
from workbench.app.launch import stop
from workbench.data.video_library import videos_dir
from workbench.data.video_writer import VideoWriter
from workbench.store import Store

pytestmark = pytest.mark.browser

STEP = 8
STATE = """player => {
    const { position, video, data, course } = player.workbench;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const context = canvas.getContext("2d");
    if (video.videoWidth) context.drawImage(video, 0, 0, 1, 1);
    const level = context.getImageData(0, 0, 1, 1).data[0];
    return { position, level, paused: video.paused, mark: player.workbench.mark ?? null, frames: course.times.length };
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = Store(tmp_path_factory.mktemp("player") / "workspace")
    folder = videos_dir(store)
    folder.mkdir(parents=True)
    with VideoWriter(folder / "steps.mp4", 160, 96, RATE) as video:
        for frame in range(FRAMES):
            video.write(np.full((96, 160, 3), STEP * frame, dtype=np.uint8))
    write_old(folder / "old.mp4")
    child, address = serve(store.root, "player_serve.py")
    yield address
    stop(child)


def write_old(path: Path) -> None:
    """Write a video in a format that no browser plays."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(10))
        stream.width, stream.height = 160, 96
        for _ in range(5):
            picture = av.VideoFrame.from_ndarray(np.zeros((96, 160, 3), dtype=np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


@pytest.fixture
def visit(chromium: Browser, address: str) -> Iterator[Visit]:
    for tab in open_tab(chromium, address):
        yield tab
        assert tab.outside == []
        assert tab.errors == []


def go(visit: Visit, case: str = "plain") -> Locator:
    visit.go(f"?case={case}")
    selector = ".player[data-course][data-playing]" if case == "plain" else ".player[data-course]"
    visit.page.wait_for_selector(selector)
    return visit.page.locator(".player")


def state(player: Locator) -> dict[str, Any]:
    return dict(player.evaluate(STATE))


def expect_frame(player: Locator, frame: int) -> None:
    """Wait until picture, playhead and words are at a frame."""
    expect(player.locator(".now .time")).to_have_text(f"{frame / RATE:.2f} s")
    level = f"Math.abs(({STATE})(player).level - {STEP * frame}) < {STEP / 2}"
    player.page.wait_for_function(f"player => {level} && !player.workbench.video.seeking", arg=player.element_handle())
    # A browser that reaches the last frame may call it the video's end, which is where that frame ends.
    assert frame / RATE <= state(player)["position"] <= (frame + (1 if frame == FRAMES - 1 else 0.02)) / RATE
    assert (player.locator(".charts").get_attribute("aria-valuetext") or "").startswith(f"{frame / RATE:.2f} s, ")


def place(player: Locator, frame: int) -> tuple[float, float]:
    """Return where a frame lies in the graph."""
    box = player.locator(".picture").bounding_box()
    assert box is not None
    return box["x"] + float(player.evaluate(f"p => p.workbench.view.x({frame / RATE})")), box["y"] + 120


def test_a_click_on_the_graph_shows_that_frame_and_tells_python(visit: Visit) -> None:
    player = go(visit)
    for frame in (20, 3, GAP[0] + 1, FRAMES - 1):
        visit.page.mouse.click(*place(player, frame))
        expect_frame(player, frame)
        expect(visit.page.get_by_text(f"heard: {frame / RATE:.2f}")).to_be_visible()


def test_dragging_goes_through_the_video_and_tells_python_where_it_ended(visit: Visit) -> None:
    player = go(visit)
    visit.page.mouse.move(*place(player, 2))
    visit.page.mouse.down()
    for frame in range(3, 19):
        visit.page.mouse.move(*place(player, frame))
    visit.page.mouse.up()
    expect_frame(player, 18)
    expect(visit.page.get_by_text("heard: 1.80")).to_be_visible()


def test_keys_step_from_scored_frame_to_scored_frame(visit: Visit) -> None:
    player = go(visit)
    player.locator(".charts").focus()
    for key, frame in (
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("ArrowUp", 1),
        ("ArrowDown", 1),
        ("End", FRAMES - 1),
        ("ArrowRight", FRAMES - 1),
        ("Home", 0),
        ("ArrowLeft", 0),
    ):
        visit.page.keyboard.press(key)
        expect_frame(player, frame)
    assert player.locator(".charts").evaluate("node => getComputedStyle(node).outlineStyle") == "solid"


def test_space_plays_and_the_playhead_moves_through_reruns(visit: Visit) -> None:
    player = go(visit)
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url) if "/api/" in request.url else None)
    player.evaluate("player => { player.workbench.mark = 7; player.workbench.video.playbackRate = 0.3; }")
    player.locator(".charts").focus()
    visit.page.keyboard.press(" ")
    visit.page.wait_for_function("player => player.workbench.position > 0.3", arg=player.element_handle())
    visit.page.get_by_role("button", name="Again").click()
    expect(visit.page.get_by_text("runs again: 1")).to_be_visible()
    now = state(player)
    assert not now["paused"]
    assert now["mark"] == 7
    visit.page.wait_for_function(
        f"player => player.workbench.position > {now['position'] + 0.1}", arg=player.element_handle()
    )
    assert [url for url in asked if "/api/course/" in url] == []
    player.locator(".charts").focus()
    visit.page.keyboard.press(" ")
    assert state(player)["paused"]


def test_a_marker_is_a_button_that_goes_there(visit: Visit) -> None:
    player = go(visit)
    visit.page.get_by_role("button", name=f"Go to peak happy, {PEAK / RATE:.2f} s").click()
    expect_frame(player, PEAK)
    expect(player.locator(".now .score")).to_have_text("4.60")


def test_a_request_of_the_page_is_obeyed_once(visit: Visit) -> None:
    player = go(visit)
    button = visit.page.get_by_role("button", name="Go to the start of the gap")
    for _ in range(2):
        button.click()
        expect_frame(player, GAP[0])
        visit.page.mouse.click(*place(player, 25))
        expect_frame(player, 25)
        visit.page.get_by_role("button", name="Again").click()
        visit.settle()
        expect_frame(player, 25)


def test_another_page_and_back_is_at_the_same_frame(visit: Visit) -> None:
    player = go(visit)
    visit.page.mouse.click(*place(player, 17))
    expect_frame(player, 17)
    expect(visit.page.get_by_text("heard: 1.70")).to_be_visible()
    visit.settle()
    visit.page.get_by_role("link", name="Elsewhere").click()
    expect(visit.page.get_by_text("elsewhere", exact=True)).to_be_visible()
    visit.page.get_by_role("link", name="Player").click()
    visit.page.wait_for_selector(".player[data-course][data-playing]")
    expect_frame(player, 17)
    visit.page.mouse.click(*place(player, 4))
    expect_frame(player, 4)


def test_the_pointer_is_told_time_score_and_strongest_emotions(visit: Visit) -> None:
    player = go(visit)
    visit.page.mouse.move(*place(player, PEAK))
    expect(player.locator(".tip")).to_have_text("0.70 s, score 4.60, happy 90 %, sad 10 %")
    visit.page.mouse.move(*place(player, GAP[0]))
    expect(player.locator(".tip")).to_have_text("1.20 s, no face")
    expect(player.locator(".now .score")).to_have_text("no face")
    visit.page.mouse.move(5, 5)
    expect(player.locator(".now .time")).to_have_text("0.00 s")


def test_a_gap_is_neither_line_nor_emotion_and_the_face_is_boxed_elsewhere(visit: Visit) -> None:
    player = go(visit)
    gaps = player.locator("rect.gap")
    expect(gaps).to_have_count(2)
    left, right = (place(player, frame)[0] for frame in GAP)
    box = gaps.first.bounding_box()
    assert box is not None
    assert (box["x"], box["x"] + box["width"]) == pytest.approx((left, right), abs=0.5)
    drawn = player.locator("path.course").evaluate(
        "path => Array.from({ length: 2000 }, (_, k) => path.getPointAtLength(k * path.getTotalLength() / 2000).x)"
    )
    frame = player.locator(".picture").bounding_box()
    assert frame is not None
    assert not [x for x in drawn if left - frame["x"] + 1 < x < right - frame["x"] - 1]
    expect(player.locator(".box")).to_be_visible()
    visit.page.mouse.click(*place(player, GAP[0]))
    expect(player.locator(".box")).to_be_hidden()


def test_fault_and_reported_and_computed_score_are_on_the_graph(visit: Visit) -> None:
    player = go(visit)
    for words in ("damaged from 2.6 s on", "video score 3.20", "reported 4.00"):
        expect(player.locator("svg text", has_text=words)).to_be_visible()


def test_the_names_of_the_lines_stand_in_the_margin_and_never_on_one_another(visit: Visit) -> None:
    player = go(visit, "near")
    upper, lower = (player.locator("text.level", has_text=words) for words in ("reported 3.25", "video score 3.20"))
    boxes = [name.bounding_box() for name in (upper, lower)]
    above, below = boxes
    assert above is not None
    assert below is not None
    assert above["y"] + above["height"] <= below["y"] + 1
    right = place(player, FRAMES)[0]
    assert min(above["x"], below["x"]) > right


def test_the_scale_is_always_whole_and_every_part_says_what_it_is(visit: Visit) -> None:
    player = go(visit)
    bottom, top = player.evaluate("p => [1, 5].map(p.workbench.view.y)")
    axis = player.locator("rect.hint[data-part=axis]")
    assert (float(axis.get_attribute("y") or 0), float(axis.get_attribute("height") or 0)) == (
        top - 4,
        bottom - top + 8,
    )
    for score in range(1, 6):
        expect(player.locator("text.tick").filter(has_text=re.compile(f"^{score}$"))).to_have_count(1)
    for part, words in (
        ("axis", "frame score, 1 least satisfied to 5 most"),
        ("weights", "How much each frame counts in the end score"),
        ("emotions", "Share of each emotion in each frame, from below: happy, sad"),
    ):
        expect(player.locator(f"rect.hint[data-part={part}] title")).to_contain_text(words)
    for words in ("weight in the", "emotions"):
        expect(player.locator("text.tick", has_text=words)).to_be_visible()
    weights = player.locator("path.weight").bounding_box()
    picture = player.locator(".picture").bounding_box()
    assert weights is not None
    assert picture is not None
    assert weights["y"] > picture["y"] + bottom


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("old", "This browser cannot play the video (mpeg4); its scores are complete"),
        ("gone", "The video itself is not here any more; its scores are complete"),
        ("none", "The upload was deleted after scoring."),
    ],
)
def test_without_a_video_that_plays_the_graph_works_alone(visit: Visit, case: str, words: str) -> None:
    player = go(visit, case)
    expect(player.locator(".note")).to_contain_text(words)
    expect(player.locator("video")).to_be_hidden()
    visit.page.mouse.click(*place(player, 20))
    expect(player.locator(".now .time")).to_have_text("2.00 s")
    for key in (" ", "ArrowRight"):
        visit.page.keyboard.press(key)
    expect(player.locator(".now .time")).to_have_text("2.10 s")
    expect(visit.page.get_by_text("heard: 2.10")).to_be_visible()


def test_of_90000_frames_no_peak_and_no_gap_is_lost(visit: Visit) -> None:
    player = go(visit, "long")
    assert state(player)["frames"] == LONG
    band = player.locator("path.course.band")
    where = player.evaluate(f"p => [p.workbench.view.x({LONG_PEAK / RATE}), p.workbench.view.y(4.6)]")
    points = (band.get_attribute("d") or "").replace("M", "L").split("L")
    assert len(points) < 4 * 1440
    assert f"{where[0]:.2f} {where[1]:.2f}" in points
    gap = player.evaluate(f"p => p.workbench.view.x({LONG_GAP / RATE})")
    assert float(player.locator("rect.gap").first.get_attribute("x") or "nan") == pytest.approx(gap)
    assert float(player.locator("rect.gap").first.get_attribute("width") or "nan") >= 1
    visit.page.get_by_role("button", name="Go to peak happy").click()
    expect(player.locator(".now .time")).to_have_text("52:03.40")
    expect(player.locator(".now .score")).to_have_text("4.60")


def test_hostile_names_are_shown_as_they_are(visit: Visit) -> None:
    player = go(visit, "hostile")
    expect(player.locator(".bar .name").first).to_have_text(
        '<img src="http://outside.invalid/a.png" onerror="window.hacked=1">'
    )
    visit.page.mouse.move(*place(player, PEAK))
    expect(player.locator(".tip")).to_contain_text("<img src")
    assert player.locator("img").count() == 0
    assert visit.page.evaluate("window.hacked") is None


def test_in_a_narrow_window_the_graph_stands_under_the_video_and_follows_the_width(visit: Visit) -> None:
    player = go(visit)
    visit.page.set_viewport_size({"width": 420, "height": 900})
    visit.page.wait_for_function(
        "player => player.workbench.width < 420 && player.workbench.picture.firstChild.clientWidth <= 420",
        arg=player.element_handle(),
    )
    video, graph, bars = (player.locator(part).bounding_box() for part in ("video", ".charts", ".bars"))
    assert video is not None
    assert graph is not None
    assert bars is not None
    assert bars["y"] >= graph["y"] + graph["height"]
    assert graph["y"] > video["y"] + video["height"]
    assert graph["x"] + graph["width"] <= 420
    x = player.evaluate(f"player => player.workbench.view.x({9 / RATE})")
    player.locator(".charts").click(position={"x": x, "y": 120})  # waits until the window has come to rest
    expect_frame(player, 9)
